// SPDX-License-Identifier: Apache-2.0
#include "server/config_table.h"
#include "server/config.h"
#include <algorithm>
#include <array>
#include <cctype>
#include <fmt/format.h>

namespace server {

namespace {

template <auto Section, auto Member>
auto& at(Settings& settings) {
    return settings.*Section.*Member;
}

template <auto Member>
constexpr auto Node = &at<&Settings::node, Member>;
template <auto Member>
constexpr auto Listen = &at<&Settings::listen, Member>;
template <auto Member>
constexpr auto Broker = &at<&Settings::broker, Member>;
template <auto Member>
constexpr auto Redis = &at<&Settings::redis, Member>;
template <auto Member>
constexpr auto Heartbeat = &at<&Settings::heartbeat, Member>;
template <auto Member>
constexpr auto Deflate = &at<&Settings::deflate, Member>;
template <auto Member>
constexpr auto Limits = &at<&Settings::limits, Member>;
template <auto Member>
constexpr auto Admin = &at<&Settings::admin, Member>;
template <auto Member>
constexpr auto Log = &at<&Settings::log, Member>;

constexpr auto Later = Availability::NotInThisVersion;
constexpr double Million = 1e6, Day_s = 86400, Day_ms = 86400000, Gibi = 1024.0 * 1024 * 1024;

shared::Result<void> no(std::string allowed) {
    return shared::failure(shared::ErrorCode::Configuration, std::move(allowed));
}

shared::Result<void> addressRule(const std::string& text) {
    if (!parseHostPort(text))
        return no("HOST:PORT or [IPV6]:PORT with a port from 0 to 65535");
    return {};
}

shared::Result<void> listenRule(const std::string& text) {
    constexpr std::string_view Unix = "unix:";
    if (text.starts_with(Unix) ? text.size() == Unix.size() : !parseHostPort(text))
        return no("HOST:PORT or [IPV6]:PORT with a port from 0 to 65535, or unix:PATH");
    return {};
}

shared::Result<void> advertiseRule(const std::string& text) {
    return text.empty() ? shared::Result<void>{} : addressRule(text);
}

shared::Result<void> pathRule(const std::string& text) {
    const bool isPlain = std::all_of(
        text.begin(), text.end(), [](unsigned char c) { return c > ' ' && c < 127 && c != '?' && c != '#'; });
    if (text.size() < 2 || text.front() != '/' || !isPlain || text == "/ws" || text == "/ws/")
        return no("a path that begins with / and is not /ws");
    return {};
}

shared::Result<void> namespaceRule(const std::string& text) {
    if (text.empty() || text.front() != '/' || text.size() > 64 || text.find(',') != std::string::npos)
        return no("names that begin with /, of at most 64 bytes, without a comma");
    return {};
}

shared::Result<void> idRule(const std::string& text) {
    const bool isPlain = std::all_of(text.begin(), text.end(), [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.' || c == ':';
    });
    if (text.size() > 64 || !isPlain)
        return no("at most 64 letters, digits, and - _ . :");
    return {};
}

shared::Result<void> redisRule(const std::string& text) {
    if (text.empty() || text.starts_with("redis://") || text.starts_with("rediss://"))
        return {};
    for (const auto* scheme : {"unix://", "redis+sentinel://", "redis+cluster://"})
        if (text.starts_with(scheme))
            return no(fmt::format(
                "redis:// or rediss://[USER:PASSWORD@]HOST[:PORT][/DB]; {} is not available in this version",
                scheme));
    return no("redis:// or rediss://[USER:PASSWORD@]HOST[:PORT][/DB], or empty for a node that stands alone");
}

shared::Result<void> prefixRule(const std::string& text) {
    if (text.empty() || text.size() > 64 || text.find_first_of("*?[]\\ \r\n") != std::string::npos)
        return no("1 to 64 bytes without blanks and * ? [ ] \\");
    return {};
}

/// A running node takes it over: nobody keeps a copy, each use reads it anew.
constexpr SettingRow live(SettingRow row) {
    row.liveness = Liveness::Live;
    return row;
}

const SettingRow Rows[] = {
    {"node.id",
     Node<&NodeSettings::id>,
     0,
     0,
     "",
     "Name of this node in the cluster; empty: HOST-PORT",
     {},
     &idRule},
    {"node.shards", Node<&NodeSettings::shards>, 0, 64, "", "Worker threads; 0: one per core"},
    {"node.max_connections", Node<&NodeSettings::maxConnections>, 0, 1e8, "",
     "Clients that this node takes; 0: the limit of descriptors less 512"},
    {"node.at_capacity", Node<&NodeSettings::atCapacity>, 0, 0, "reject|evict-oldest",
     "What a newcomer meets when the node is full"},
    live({"node.evict_min_idle_s", Node<&NodeSettings::evictMinIdle>, 0, Day_s, "",
          "evict-oldest: who was active within this time is never evicted"}),
    live({"node.drain_deadline_s", Node<&NodeSettings::drainDeadline>, 1, Day_s, "",
          "A drain closes whoever is left at its end"}),
    live({"node.drain_rate_per_s", Node<&NodeSettings::drainRatePerSecond>, 0, Million, "",
          "Clients that a drain closes a second; 0: connections / (0.8 x deadline), at least 100"}),
    live({"node.drain_grace_s", Node<&NodeSettings::drainGrace>, 0, Day_s, "",
          "Time between /ready turning 503 and the first close, for the load balancer to notice"}),
    {"node.keep_headers", Node<&NodeSettings::keepHeaders>, 0, 0, "",
     "Handshake headers that are kept for fetchSockets and connections.get", Later},
    live({"node.memory_percent", Node<&NodeSettings::memoryPercent>, 0, 100, "",
          "Newcomers are refused above this use of memory; 0: never"}),
    {"node.max_connection_age_s", Node<&NodeSettings::maxConnectionAge>, 0, 365 * Day_s, "",
     "Clients are asked to come back after this time, with 10 % jitter", Later},

    {"listen.clients",
     Listen<&ListenSettings::clients>,
     0,
     0,
     "",
     "Where clients connect: one HOST:PORT, [IPV6]:PORT or unix:PATH, or an array of them",
     {},
     &listenRule},
    {"listen.ops",
     Listen<&ListenSettings::ops>,
     0,
     0,
     "",
     "Where health, metrics and the admin channel are",
     {},
     &addressRule},
    {"listen.advertise_clients",
     Listen<&ListenSettings::advertiseClients>,
     0,
     0,
     "",
     "Client address that other nodes and consoles are told; empty: the listen address if others can reach "
     "it",
     {},
     &advertiseRule},
    {"listen.advertise_ops",
     Listen<&ListenSettings::advertiseOps>,
     0,
     0,
     "",
     "Ops address that other nodes and consoles are told",
     {},
     &advertiseRule},
    {"listen.path",
     Listen<&ListenSettings::path>,
     0,
     0,
     "",
     "Path of Engine.IO; JSON is always /ws",
     {},
     &pathRule},
    {"listen.cookie", Listen<&ListenSettings::cookie>, 0, 0, "",
     "Name of a cookie for sticky balancers, set on polling handshakes", Later},
    {"listen.allow_eio3", Listen<&ListenSettings::allowEio3>, 0, 0, "", "Serve clients of Socket.IO 2 too",
     Later},
    {"listen.client_script", Listen<&ListenSettings::clientScript>, 0, 0, "",
     "File that is served as PATH/socket.io.js", Later},
    live({"listen.origins", Listen<&ListenSettings::origins>, 0, 0, "",
          "Origins of pages that may connect; * is any"}),
    {"listen.try_page", Listen<&ListenSettings::tryPage>, 0, 0, "", "Serve GET /try, a page to try the node"},
    {"listen.trusted_proxies", Listen<&ListenSettings::trustedProxies>, 0, 0, "",
     "Networks whose X-Forwarded-For and PROXY v2 are believed", Later},
    {"listen.tls_certificate", Listen<&ListenSettings::tlsCertificate>, 0, 0, "",
     "PEM file for the client listener; empty: plain"},
    {"listen.tls_key", Listen<&ListenSettings::tlsKey>, 0, 0, "",
     "PEM file of its key, without a pass phrase"},
    {"listen.ops_tls_certificate", Listen<&ListenSettings::opsTlsCertificate>, 0, 0, "",
     "PEM file for the ops listener; empty: plain"},
    {"listen.ops_tls_key", Listen<&ListenSettings::opsTlsKey>, 0, 0, "",
     "PEM file of its key, without a pass phrase"},

    {"broker.namespaces",
     Broker<&BrokerSettings::namespaces>,
     0,
     0,
     "",
     "Namespaces that exist",
     {},
     &namespaceRule},
    {"broker.join", Broker<&BrokerSettings::join>, 0, 0, "", "Clients may join rooms"},
    {"broker.leave", Broker<&BrokerSettings::leave>, 0, 0, "", "Clients may leave rooms"},
    {"broker.publish", Broker<&BrokerSettings::publish>, 0, 0, "", "Clients may publish to rooms"},
    {"broker.upstream", Broker<&BrokerSettings::upstream>, 0, 0, "",
     "cluster: events that the broker does not know go to the namespace's Node servers", Later},
    {"broker.user_from", Broker<&BrokerSettings::userFrom>, 0, 0, "",
     "Where the CONNECT payload names the user, for example auth.user; shown as claimed"},

    {"redis.url",
     Redis<&RedisSettings::url>,
     0,
     0,
     "",
     "Redis that joins the nodes; empty: this node stands alone",
     {},
     &redisRule,
     Secrecy::Url},
    {"redis.tls_ca", Redis<&RedisSettings::tlsCa>, 0, 0, "",
     "PEM file of the authorities to trust at rediss://; empty: those of the system"},
    {"redis.mode", Redis<&RedisSettings::mode>, 0, 0, "pubsub|sharded", "Which Pub/Sub of Redis is used",
     Later},
    {"redis.key_prefix",
     Redis<&RedisSettings::keyPrefix>,
     0,
     0,
     "",
     "Prefix of channels, as the key option of other Socket.IO servers",
     {},
     &prefixRule},
    live({"redis.required", Redis<&RedisSettings::required>, 0, 0, "", "Not ready while Redis is away"}),
    {"redis.queue_messages", Redis<&RedisSettings::queueMessages>, 1, 1e8, "",
     "Messages that wait for Redis at most"},
    {"redis.queue_bytes", Redis<&RedisSettings::queueBytes>, 1024, 16 * Gibi, "",
     "Bytes that wait for Redis at most"},
    {"redis.queue_age_ms", Redis<&RedisSettings::queueAge>, 1, Day_ms, "",
     "What waited longer for Redis is dropped, never delivered late"},

    {"heartbeat.interval_ms", Heartbeat<&HeartbeatSettings::interval>, 1, Day_ms, "",
     "Time between two pings"},
    {"heartbeat.timeout_ms", Heartbeat<&HeartbeatSettings::timeout>, 1, Day_ms, "",
     "Time for the pong; 20000 suits mobile clients better"},
    {"heartbeat.connect_timeout_ms", Heartbeat<&HeartbeatSettings::connectTimeout>, 1, Day_ms, "",
     "Time for a client to enter its first namespace"},

    {"deflate.enabled", Deflate<&DeflateSettings::enabled>, 0, 0, "",
     "Compress messages (permessage-deflate) for clients that offer it; not over TLS of our own"},
    {"deflate.threshold_bytes", Deflate<&DeflateSettings::threshold>, 0, Gibi, "",
     "Shorter messages are sent as they are"},
    {"deflate.level", Deflate<&DeflateSettings::level>, 1, 9, "", "zlib level"},
    {"deflate.memory_level", Deflate<&DeflateSettings::memoryLevel>, 1, 9, "", "zlib memory level"},
    {"deflate.context_takeover", Deflate<&DeflateSettings::contextTakeover>, 0, 0, "",
     "Keep a compression window for each connection: up to 240 KiB each"},

    live({"limits.message_bytes", Limits<&LimitSettings::message>, 1, Gibi, "",
          "Longest message of a client"}),
    live({"limits.head_bytes", Limits<&LimitSettings::head>, 256, 1048576, "", "Longest request head"}),
    live({"limits.head_fields", Limits<&LimitSettings::headFields>, 1, 1000, "",
          "Most fields in a request head"}),
    live({"limits.handshake_ms", Limits<&LimitSettings::handshake>, 1, Day_ms, "",
          "Time for a whole handshake"}),
    live({"limits.send_buffer_bytes", Limits<&LimitSettings::sendBuffer>, 0, Gibi, "",
          "Kernel's send buffer of a client; small, for it hides slow readers; 0: the system's default"}),
    live({"limits.queue_bytes", Limits<&LimitSettings::queue>, 1024, 16 * Gibi, "",
          "Bytes that wait for one client; past it the client is closed as slow-consumer"}),
    live({"limits.queue_bytes_total", Limits<&LimitSettings::queueTotal>, 0, 1024 * Gibi, "",
          "Bytes that wait for all clients, past it the longest stuck one goes; 0: a quarter of memory"}),
    live({"limits.messages_per_s", Limits<&LimitSettings::messagesPerSecond>, 0, Million, "",
          "Messages that a client may send a second; over it the client is not read for a while, and closed "
          "after 10 s of that; 0: any"}),
    live({"limits.messages_burst", Limits<&LimitSettings::messagesBurst>, 0, Million, "",
          "Messages at once; 0: twice messages_per_s"}),
    live({"limits.handshakes_per_s", Limits<&LimitSettings::handshakesPerSecond>, 0, Million, "",
          "Handshakes a second, over it newcomers are answered 503; 0: any"}),
    live({"limits.handshakes_open", Limits<&LimitSettings::handshakesOpen>, 1, Million, "",
          "Unfinished handshakes; past it the oldest is answered 408"}),
    live({"limits.per_address_connections", Limits<&LimitSettings::perAddressConnections>, 0, Million, "",
          "Clients from one address, or one IPv6 network of 64 bits; 0: any"}),
    live({"limits.rooms_per_session", Limits<&LimitSettings::roomsPerSession>, 0, Million, "",
          "Rooms that a client may be in; 0: any"}),
    {"limits.room_name_bytes", Limits<&LimitSettings::roomName>, 1, 65536, "", "Longest name of a room"},
    live({"limits.attachments", Limits<&LimitSettings::attachments>, 1, 1000, "",
          "Binary attachments of one packet"}),

    live({"admin.token_file", Admin<&AdminSettings::tokenFile>, 0, 0, "",
          "Operators, one a line: NAME ROLE TOKEN; the role is viewer or operator"}),
    live({"admin.origins", Admin<&AdminSettings::origins>, 0, 0, "",
          "Origins of pages that may use the ops listener"}),

    live({"log.level", Log<&LogSettings::level>, 0, 0, "trace|debug|info|warn|error|off", "What is logged"}),
    {"log.format", Log<&LogSettings::format>, 0, 0, "text|json", "How it is logged"},
    live({"log.lines_per_s", Log<&LogSettings::linesPerSecond>, 0, Million, "",
          "Lines a second; what is left out is counted; 0: any"}),
};

} // namespace

std::span<const SettingRow> settingRows() {
    return Rows;
}

const SettingRow* findSetting(std::string_view key) {
    const auto found =
        std::find_if(std::begin(Rows), std::end(Rows), [&](const auto& row) { return row.key == key; });
    return found == std::end(Rows) ? nullptr : found;
}

std::string environmentName(const SettingRow& row) {
    std::string name = "WEIR_";
    for (const char c : row.key)
        name += c == '.' ? '_' : char(std::toupper(static_cast<unsigned char>(c)));
    return name;
}

} // namespace server
