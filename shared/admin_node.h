// SPDX-License-Identifier: Apache-2.0
// What a node says of itself, its operations and its fleet on the admin channel. Times are Unix milliseconds
// (`_ms`) unless a name says otherwise. Plain values, any thread.
#pragma once
#include "shared/admin_rpc.h"
#include "shared/metrics.h"
#include "shared/types.h"

namespace shared::admin {

enum class Role : std::uint8_t { Viewer, Operator };
enum class Effect : std::uint8_t { Reads, Changes };
enum class NodeState : std::uint8_t { Starting, Ready, Draining, Drained };
enum class OperationState : std::uint8_t { Running, Done, Aborted, Failed };
enum class RedisState : std::uint8_t { None, Up, Away };

std::string_view name(Role);
std::string_view name(Effect);
std::string_view name(NodeState);
std::string_view name(OperationState);
std::string_view name(RedisState);

struct SeriesSpec {
    std::string name;
    std::vector<std::pair<std::string, std::string>> labels;
    std::string unit;
    MetricKind kind = MetricKind::Counter;
    Merge merge = Merge::Sum;
    double scale = 1;
    std::string help;
    QJsonObject toJson() const;
    static Result<SeriesSpec> fromJson(const QJsonObject& json);
};
struct CommandSpec {
    std::string method;
    std::vector<std::string> params; ///< names, for help
    std::string help;
    Effect effect = Effect::Reads;
    QJsonObject toJson() const;
    static Result<CommandSpec> fromJson(const QJsonObject& json);
};
/// The node's first message: a notification `hello`.
struct Hello {
    int protocol = ProtocolMajor;
    std::string node;
    Role role = Role::Viewer;
    std::vector<SeriesSpec> metrics; ///< one row a series, in the order of Snapshot::values
    std::vector<CommandSpec> commands;
    QJsonObject toJson() const;
    static Result<Hello> fromJson(const QJsonObject& json);
};

struct NodeInfo {
    std::string id, version;
    NodeState state = NodeState::Starting;
    std::int64_t uptime_s = 0;
    std::vector<std::pair<std::string, std::string>> addresses; ///< "clients", "ops" → address
    std::vector<std::pair<std::string, std::int64_t>> limits;   ///< "max_connections", "queue_bytes", …
    int shards = 0;
    RedisState redis = RedisState::None;
    QJsonObject toJson() const;
    static Result<NodeInfo> fromJson(const QJsonObject& json);
};

/// Notification `stats.snapshot` carries a Snapshot: {time_ms, interval_ms, values}.
/// Counters and histograms are what the interval added; a histogram is [[bucket, count], …].
QJsonObject toJson(const Snapshot& snapshot);
Result<Snapshot> snapshotFromJson(const QJsonObject& json);

/// `node.drain`; what is absent comes from the configuration.
struct DrainRequest {
    std::optional<double> rate_per_s, deadline_s, grace_s;
    QJsonObject toJson() const;
    static Result<DrainRequest> fromJson(const QJsonObject& json);
};
struct OperationRow {
    std::uint64_t id = 0;
    std::string kind; ///< "drain", "evict"
    std::string by;   ///< the operator's token name
    OperationState state = OperationState::Running;
    std::int64_t started_ms = 0;
    std::int64_t done = 0, total = 0;
    double rate_per_s = 0;
    std::optional<double> eta_s;
    std::int64_t moved = 0, moved_estimated = 0, lost = 0, pending = 0, untracked = 0;
    QJsonObject toJson() const;
    static Result<OperationRow> fromJson(const QJsonObject& json);
};

/// A row of `cluster.nodes` and of the registry in Redis.
struct ClusterNode {
    std::string id, instance, version;
    NodeState state = NodeState::Starting;
    std::string clients, ops; ///< advertised addresses: HOST:PORT, empty when not reachable by others
    std::int64_t connections = 0, capacity = 0;
    std::int64_t seen_ms = 0; ///< Unix time of the last beat
    QJsonObject toJson() const;
    static Result<ClusterNode> fromJson(const QJsonObject& json);
};

} // namespace shared::admin
