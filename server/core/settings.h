// SPDX-License-Identifier: Apache-2.0
// Every setting of the node as a plain value, by section; server/config.cpp is the table that fills it.
// Immutable once the node has started: any thread.
#pragma once
#include "shared/types.h"
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace server {

using std::chrono::milliseconds;
using std::chrono::seconds;

enum class AtCapacity : std::uint8_t { Reject, EvictOldest };
enum class LogFormat : std::uint8_t { Text, Json };

struct NodeSettings {
    std::string id;                  ///< empty: HOST-PORT
    int shards = 0;                  ///< 0: one per core
    std::int64_t maxConnections = 0; ///< 0: descriptor limit − 512
    AtCapacity atCapacity = AtCapacity::Reject;
    seconds evictMinIdle{60};
    seconds drainDeadline{30};
    double drainRatePerSecond = 0; ///< 0: connections ÷ (0.8 × deadline), at least 100
    seconds drainGrace{5};
    std::vector<std::string> keepHeaders;
    int memoryPercent = 85;
    seconds maxConnectionAge{0};
};
struct ListenSettings {
    std::vector<std::string> clients{"0.0.0.0:7400"};
    std::string ops = "127.0.0.1:7401";
    std::string advertiseClients, advertiseOps;
    std::string path = "/socket.io/";
    std::string cookie;
    bool allowEio3 = false;
    std::string clientScript;
    std::vector<std::string> origins{"*"};
    bool tryPage = false;
    std::vector<std::string> trustedProxies;
    std::string tlsCertificate, tlsKey, opsTlsCertificate, opsTlsKey;
};
struct BrokerSettings {
    std::vector<std::string> namespaces{"/"};
    bool join = true, leave = true, publish = true;
    std::string upstream;
    std::string userFrom; ///< "auth.user": a string of the CONNECT payload, shown as claimed
};
struct RedisSettings {
    std::string url;   ///< empty: the embedded adapter
    std::string tlsCa; ///< whom to trust at rediss://; empty: the system's authorities
    std::string mode = "pubsub";
    std::string keyPrefix = "socket.io";
    bool required = false;
    std::int64_t queueMessages = 10000;
    shared::Bytes queueBytes{16777216};
    milliseconds queueAge{5000};
};
struct HeartbeatSettings {
    milliseconds interval{25000}, timeout{5000}, connectTimeout{45000};
};
struct DeflateSettings {
    bool enabled = true;
    shared::Bytes threshold{1024};
    int level = 3, memoryLevel = 7;
    bool contextTakeover = false;
};
struct LimitSettings {
    shared::Bytes message{1000000};
    shared::Bytes head{16384};
    int headFields = 100;
    milliseconds handshake{10000};
    shared::Bytes sendBuffer{65536};
    shared::Bytes queue{1048576};
    shared::Bytes queueTotal{0};
    std::int64_t messagesPerSecond = 0, messagesBurst = 0;
    std::int64_t handshakesPerSecond = 0;
    std::int64_t handshakesOpen = 1024;
    std::int64_t perAddressConnections = 0;
    std::int64_t roomsPerSession = 1000;
    shared::Bytes roomName{256};
    int attachments = 10;
};
struct AdminSettings {
    std::string tokenFile;
    std::vector<std::string> origins;
};
struct LogSettings {
    std::string level = "info";
    LogFormat format = LogFormat::Text;
    std::int64_t linesPerSecond = 100;
};
struct RoomRule {
    std::string match; ///< a glob over the room's name: `prices:*`
    std::int64_t batchSize = 0;
    milliseconds batchWindow{100};
    bool stamp = false;
    bool operator==(const RoomRule&) const = default;
};

struct Settings {
    NodeSettings node;
    ListenSettings listen;
    BrokerSettings broker;
    RedisSettings redis;
    HeartbeatSettings heartbeat;
    DeflateSettings deflate;
    LimitSettings limits;
    AdminSettings admin;
    LogSettings log;
    std::vector<RoomRule> rooms; ///< first match wins
};

} // namespace server
