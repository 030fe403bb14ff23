// SPDX-License-Identifier: Apache-2.0
// Every message of the admin channel as a struct, and its JSON-RPC 2.0 codec: the contract of node and
// console. Times are Unix milliseconds (`_ms`) unless a name says otherwise. Plain values, any thread.
#pragma once
#include "shared/metrics.h"
#include "shared/result.h"
#include "shared/types.h"
#include <QByteArray>
#include <QJsonArray>
#include <QJsonObject>
#include <QJsonValue>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace shared::admin {

inline constexpr int ProtocolMajor = 1;
inline constexpr const char* Subprotocol = "weirkeeper.admin.v1";
inline constexpr qsizetype MostRequestBytes = 256 * 1024;
inline constexpr qsizetype MostAnswerBytes = 1024 * 1024;
inline constexpr int MostRequestsInFlight = 32;
inline constexpr int MostLinksPerToken = 8;
inline constexpr int LongestPage = 1000;

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

/// One decoded text frame: a request (method and id), a notification (method, no id) or an answer (id, no
/// method).
struct RpcMessage {
    std::optional<std::int64_t> id;
    QString method;
    QJsonObject params;
    QJsonObject result;
    bool isError = false;
    int errorCode = 0;
    QString errorMessage;
};
inline constexpr int ParseErrorCode = -32700, InvalidRequestCode = -32600, MethodNotFoundCode = -32601,
                     InvalidParamsCode = -32602, InternalErrorCode = -32603, ForbiddenCode = -32001,
                     NotFoundCode = -32002, BusyCode = -32003, InvalidFilterCode = -32004;
int rpcCode(ErrorCode code);

/// Refuses what is not one JSON object of JSON-RPC 2.0, ids that are not whole numbers, and depth over 32.
Result<RpcMessage> decodeRpc(const QByteArray& text);
QByteArray encodeRequest(std::int64_t id, const QString& method, const QJsonObject& params);
QByteArray encodeNotification(const QString& method, const QJsonObject& params);
QByteArray encodeResult(std::int64_t id, const QJsonObject& result);
QByteArray encodeError(std::optional<std::int64_t> id, int code, const QString& message);

// Each message has toJson() and a static fromJson() that names the first missing or wrong key in its error.
// Unknown keys are ignored: two versions run in one fleet.

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

struct ConnectionRow {
    std::string id;                                       ///< `SHARD-NUMBER`
    std::string address, user, dialect, transport, agent; ///< agent is cut at 120 bytes
    std::int64_t since_ms = 0;
    double idle_s = 0;
    double active_s = 0; ///< when it was last active, on the node's steady clock: never sent, keeps the order
                         ///< of idle times the same from page to page
    std::int64_t rooms = 0, queue_bytes = 0, messages_in = 0, messages_out = 0;
    double in_rate = 0, out_rate = 0; ///< messages per second, decaying over 10 s
    std::optional<double> rtt_ms;     ///< absent before the first pong
    std::vector<std::string> members; ///< Socket.IO sids
    QJsonObject toJson() const;
    static Result<ConnectionRow> fromJson(const QJsonObject& json);
};
enum class SortKey : std::uint8_t { Id, Since, Idle, Queue, Rooms, Rtt, InRate, OutRate };
std::string_view name(SortKey);
std::optional<SortKey> sortKey(std::string_view name);
/// `connections.list`. `sort` is a key, with a leading '-' for descending.
struct ListRequest {
    std::string filter;
    SortKey sort = SortKey::Id;
    bool descending = false;
    std::string cursor; ///< empty: from the start; else as the last answer gave it
    int limit = 100;    ///< 1 … LongestPage
    QJsonObject toJson() const;
    static Result<ListRequest> fromJson(const QJsonObject& json);
};
struct ListAnswer {
    std::vector<ConnectionRow> rows;
    std::int64_t total = 0; ///< matching, before paging
    std::string cursor;     ///< empty: this was the last page
    bool partial = false;   ///< a shard did not finish in 100 ms
    QJsonObject toJson() const;
    static Result<ListAnswer> fromJson(const QJsonObject& json);
};
/// `connections.get` answers a row and what only one is asked for.
struct ConnectionDetails {
    ConnectionRow row;
    std::vector<std::pair<std::string, std::string>> rooms; ///< (namespace, room), at most 1,000
    QJsonObject toJson() const;
    static Result<ConnectionDetails> fromJson(const QJsonObject& json);
};
/// `connections.evict`: by ids or by filter, never both.
struct EvictRequest {
    std::vector<std::string> ids;
    std::optional<std::string> filter;
    std::string reason;
    bool reconnect = false; ///< they may come back
    double rate_per_s = 0;  ///< 0: at once
    bool dry_run = false;
    QJsonObject toJson() const;
    static Result<EvictRequest> fromJson(const QJsonObject& json);
};
struct EvictAnswer {
    std::int64_t matched = 0, evicted = 0;
    std::optional<std::uint64_t> operation; ///< set when it runs at a rate
    std::vector<ConnectionRow> sample;      ///< dry run: at most 20
    QJsonObject toJson() const;
    static Result<EvictAnswer> fromJson(const QJsonObject& json);
};

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

struct AuditRow {
    std::int64_t time_ms = 0;
    std::string who, from, what, outcome;
    QJsonObject toJson() const;
    static Result<AuditRow> fromJson(const QJsonObject& json);
};

/// Lists travel as {"rows": […]}: `operations.list`, `cluster.nodes`, `audit.list`.
template <class Row>
QJsonObject rowsToJson(const std::vector<Row>& rows) {
    QJsonArray array;
    for (const auto& row : rows)
        array.append(row.toJson());
    return {{QStringLiteral("rows"), array}};
}
template <class Row>
Result<std::vector<Row>> rowsFromJson(const QJsonObject& json) {
    if (!json.value(QStringLiteral("rows")).isArray())
        return failure(ErrorCode::BadRequest, "rows: an array is missing");
    std::vector<Row> rows;
    for (const auto& value : json.value(QStringLiteral("rows")).toArray()) {
        auto row = Row::fromJson(value.toObject());
        if (!row)
            return tl::unexpected<Error>(row.error());
        rows.push_back(std::move(*row));
    }
    return rows;
}

} // namespace shared::admin
