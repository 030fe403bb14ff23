// SPDX-License-Identifier: GPL-3.0-or-later
// What doctor judges: facts in, findings out, without I/O. Plain values, any thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace console {

struct Finding {
    std::string node; ///< empty: of this machine, or of the whole fleet
    std::string check;
    std::string what, why;
    std::string mend; ///< a command
};

/// As the kernel says; absent where it does not.
struct MachineFacts {
    std::optional<std::int64_t> somaxconn;
    std::optional<std::int64_t> firstPort, lastPort; ///< net.ipv4.ip_local_port_range
    std::optional<std::int64_t> memory_bytes, memoryAvailable_bytes;
};

struct CertificateFacts {
    std::string listener;
    double expires_s = 0; ///< negative: since it expired
};

struct NodeFacts {
    std::string node, version, address;
    std::optional<double> descriptors, descriptorsOpen;
    std::optional<std::int64_t> capacity;
    std::int64_t clockOffset_ms = 0; ///< ours less the node's
    bool isRedisAway = false;
    std::vector<CertificateFacts> certificates;
};

struct RedisFacts {
    std::string address;
    std::string failure; ///< why it could not be asked; empty: it answered
    std::string version, role;
    bool isSharded = false; ///< the node's redis.mode
};

std::vector<Finding> judgeMachine(const MachineFacts& machine);
std::vector<Finding> judgeNode(const NodeFacts& node);
std::vector<Finding> judgeRedis(const RedisFacts& redis);
/// What shows only when nodes are held beside each other.
std::vector<Finding> judgeFleet(const std::vector<NodeFacts>& nodes);

} // namespace console
