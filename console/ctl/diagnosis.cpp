// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/ctl/diagnosis.h"
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

namespace console {

namespace {

constexpr double LeastDescriptors = 8192, DescriptorReserve = 512;
constexpr std::int64_t LeastBacklog = 1024, LeastPorts = 20'000;
constexpr std::int64_t MostClockDifference_ms = 1000;
constexpr double Day_s = 86'400, LeastCertificate_s = 14 * Day_s;
constexpr int LeastRedis = 6, LeastShardedRedis = 7;

std::string whole(double value) {
    return std::to_string(std::int64_t(value));
}

/// `5 s`, `12 min`, `3 h`, `2 days`: the size matters, not the digits.
std::string duration(double seconds) {
    seconds = std::abs(seconds);
    if (seconds < 120)
        return whole(seconds) + " s";
    if (seconds < 7200)
        return whole(seconds / 60) + " min";
    return seconds < 2 * Day_s ? whole(seconds / 3600) + " h" : whole(seconds / Day_s) + " days";
}

void judgeDescriptors(const NodeFacts& node, std::vector<Finding>& findings) {
    if (!node.descriptors)
        return;
    const auto needed = double(node.capacity.value_or(0)) + DescriptorReserve;
    const bool isLow = *node.descriptors < std::max(LeastDescriptors, needed);
    const bool isNearlyOut = node.descriptorsOpen && *node.descriptorsOpen > 0.9 * *node.descriptors;
    if (!isLow && !isNearlyOut)
        return;
    findings.push_back(
        {node.node, "descriptors",
         isLow ? "it may open " + whole(*node.descriptors) + " descriptors"
               : whole(*node.descriptorsOpen) + " of " + whole(*node.descriptors) + " descriptors are open",
         "each client needs one; without any left, newcomers are answered 503",
         "sudo systemctl edit weir-node    # [Service] LimitNOFILE=1048576; then drain and restart the "
         "node"});
}

void judgeClock(const NodeFacts& node, std::vector<Finding>& findings) {
    if (std::abs(node.clockOffset_ms) <= MostClockDifference_ms)
        return;
    findings.push_back(
        {node.node, "clock",
         "its clock is " + duration(double(node.clockOffset_ms) / 1000) +
             (node.clockOffset_ms > 0 ? " behind" : " ahead of") + " this machine's",
         "times in log, audit and charts do not fit together, and delivery times between nodes "
         "are wrong",
         "sudo timedatectl set-ntp true    # on the machine that is wrong; timedatectl shows it"});
}

void judgeCertificates(const NodeFacts& node, std::vector<Finding>& findings) {
    for (const auto& certificate : node.certificates) {
        if (std::isnan(certificate.expires_s) || certificate.expires_s >= LeastCertificate_s)
            continue;
        const bool isOver = certificate.expires_s < 0;
        findings.push_back(
            {node.node, "certificate",
             "the certificate of the " + certificate.listener + " listener " +
                 (isOver ? "expired " + duration(certificate.expires_s) + " ago"
                         : "expires in " + duration(certificate.expires_s)),
             isOver ? "clients refuse to connect" : "clients will refuse to connect from then on",
             "sudo systemctl reload weir-node    # once the new files are in place: nobody is disconnected"});
    }
}

} // namespace

std::vector<Finding> judgeMachine(const MachineFacts& machine) {
    std::vector<Finding> findings;
    if (machine.somaxconn && *machine.somaxconn < LeastBacklog)
        findings.push_back(
            {"", "somaxconn", "net.core.somaxconn is " + std::to_string(*machine.somaxconn),
             "when many clients come back at once, the kernel drops those that wait to be accepted",
             "sudo sysctl -w net.core.somaxconn=4096    # and in /etc/sysctl.d, to keep it"});
    if (machine.firstPort && machine.lastPort) {
        const auto ports = *machine.lastPort - *machine.firstPort + 1;
        if (ports < LeastPorts)
            findings.push_back(
                {"", "ports",
                 "net.ipv4.ip_local_port_range has " + std::to_string(ports) + " ports (" +
                     std::to_string(*machine.firstPort) + " to " + std::to_string(*machine.lastPort) + ")",
                 "a proxy on this machine can hold no more connections than that to one address of a node",
                 "sudo sysctl -w net.ipv4.ip_local_port_range='10000 65000'    # and in /etc/sysctl.d, to "
                 "keep it"});
    }
    if (machine.memory_bytes && machine.memoryAvailable_bytes &&
        *machine.memoryAvailable_bytes * 10 < *machine.memory_bytes)
        findings.push_back({"", "memory",
                            std::to_string(*machine.memoryAvailable_bytes / 1048576) + " of " +
                                std::to_string(*machine.memory_bytes / 1048576) + " MiB are available",
                            "a node closes admission when memory runs short, and the kernel may kill it",
                            "ps -eo pid,rss,comm --sort=-rss | head    # who has it"});
    return findings;
}

std::vector<Finding> judgeNode(const NodeFacts& node) {
    std::vector<Finding> findings;
    judgeDescriptors(node, findings);
    judgeClock(node, findings);
    if (node.isRedisAway)
        findings.push_back({node.node, "redis", "its link to Redis is away",
                            "its clients hear nothing from other nodes, nor the others from them",
                            "weirctl log --node " + node.address + "    # says why, each time it tries"});
    judgeCertificates(node, findings);
    return findings;
}

std::vector<Finding> judgeRedis(const RedisFacts& redis) {
    const auto named = "Redis at " + redis.address;
    const auto ask = "redis-cli -u redis://" + redis.address;
    const bool wantsPassword = redis.failure.starts_with("NOAUTH");
    if (wantsPassword || redis.failure.starts_with("WRONGPASS"))
        return {
            {"", "redis-password", named + (wantsPassword ? " asks for a password" : " refuses the password"),
             "it lets no node in that does not know the password, and nodes reach each other's clients by it",
             "sudoedit /etc/weirkeeper/node.toml    # [redis] url = \"redis://:PASSWORD@" + redis.address +
                 "\"; then drain and restart the node"}};
    if (!redis.failure.empty())
        return {{"", "redis", named + " does not answer: " + redis.failure,
                 "nodes reach each other's clients by it",
                 ask + " PING    # systemctl status redis-server, on its machine"}};
    std::vector<Finding> findings;
    if (redis.role != "master")
        findings.push_back({"", "redis-role", named + " is a " + redis.role + ", no master",
                            "a replica takes messages, and gives them to its own subscribers alone",
                            ask + " INFO replication    # names the master: point redis.url at it"});
    const int major = std::atoi(redis.version.c_str());
    if (major < (redis.isSharded ? LeastShardedRedis : LeastRedis))
        findings.push_back({"", "redis-version", named + " is version " + redis.version,
                            redis.isSharded ? "redis.mode = \"sharded\" needs 7 or newer"
                                            : "versions before 6 are no longer mended by anybody",
                            "sudo apt-get install redis-server    # on its machine; or a newer image"});
    return findings;
}

std::vector<Finding> judgeFleet(const std::vector<NodeFacts>& nodes) {
    std::map<std::string, std::string> byVersion;
    for (const auto& node : nodes) {
        auto& names = byVersion[node.version];
        names += (names.empty() ? "" : ", ") + node.node;
    }
    if (byVersion.size() < 2)
        return {};
    std::string what;
    for (const auto& [version, names] : byVersion)
        what += (what.empty() ? "" : "; ") + version + " on " + names;
    return {{"", "versions", "nodes run different versions: " + what,
             "two versions work together, but only while an upgrade goes on",
             "weirctl drain --wait --node NODE && sudo systemctl restart weir-node    # one node after the "
             "other"}};
}

} // namespace console
