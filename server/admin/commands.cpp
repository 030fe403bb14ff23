// SPDX-License-Identifier: Apache-2.0
#include "server/admin/commands.h"
#include "server/core/listing.h"
#include "server/core/room_listing.h"
#include <QJsonDocument>
#include <algorithm>
#include <cmath>

namespace server {

using shared::Error;
using shared::ErrorCode;
using shared::failure;
using shared::Result;
using namespace shared::admin;

namespace {

/// Room is left for the envelope.
constexpr qsizetype LongestPageBytes = MostAnswerBytes - 16 * 1024;
constexpr std::size_t MostEvictIds = 10000;

enum class Outcome : std::uint8_t { Done, Failed };

QJsonObject operationJson(shared::OperationId id) {
    return {{QStringLiteral("operation"), qint64(id.value())}};
}

Result<std::int64_t> wholeNumber(const QJsonObject& params, const char* key,
                                 std::optional<std::int64_t> standard) {
    const auto value = params.value(QLatin1String(key));
    if (value.isUndefined() && standard)
        return *standard;
    const double number = value.toDouble(-1);
    if (!value.isDouble() || number < 0 || number > 9e15 || number != std::floor(number))
        return failure(ErrorCode::BadRequest, std::string(key) + ": a whole number is needed");
    return std::int64_t(number);
}

void nodeInfo(CommandCall call) {
    call.done(call.world.control.node().toJson());
}

void statsSubscribe(CommandCall call) {
    const auto interval = wholeNumber(call.params, "interval_ms", 500);
    if (!interval)
        return call.done(tl::unexpected(interval.error()));
    if (*interval < 1 || *interval > 3600000)
        return call.done(failure(ErrorCode::BadRequest, "interval_ms: 500 to 3600000"));
    call.done(QJsonObject{{QStringLiteral("interval_ms"), qint64(call.link.subscribe(*interval))}});
}

void statsUnsubscribe(CommandCall call) {
    call.link.unsubscribe();
    call.done(QJsonObject());
}

/// Answers a message as its JSON.
template <class Message>
Done<Message> jsonDone(Done<QJsonObject> done) {
    return [done = std::move(done)](Result<Message> answer) {
        if (answer)
            done(answer->toJson());
        else
            done(tl::unexpected(answer.error()));
    };
}

/// A page that would be too long for one answer ends early, with the cursor of its last row.
template <class Answer, class CursorAfter>
QJsonObject pageJson(Answer answer, CursorAfter cursorAfter) {
    qsizetype bytes = 0;
    for (std::size_t i = 0; i < answer.rows.size(); ++i) {
        bytes += QJsonDocument(answer.rows[i].toJson()).toJson(QJsonDocument::Compact).size() + 1;
        if (bytes > LongestPageBytes && i > 0) {
            answer.rows.resize(i);
            answer.cursor = cursorAfter(answer.rows.back());
            break;
        }
    }
    return answer.toJson();
}

void connectionsList(CommandCall call) {
    const auto request = ListRequest::fromJson(call.params);
    if (!request)
        return call.done(tl::unexpected(request.error()));
    call.world.control.connections(*request, [done = call.done, asked = *request](Result<ListAnswer> answer) {
        if (answer)
            done(pageJson(std::move(*answer), [&](const ConnectionRow& row) {
                const auto order = ListOrder::create(asked.sort, asked.descending, {});
                return order ? order->cursorAfter(row) : std::string();
            }));
        else
            done(tl::unexpected(answer.error()));
    });
}

void roomsList(CommandCall call) {
    const auto request = RoomsRequest::fromJson(call.params);
    if (!request)
        return call.done(tl::unexpected(request.error()));
    auto first = *request;
    first.cursor.clear();
    call.world.control.rooms(*request, [done = call.done, first](Result<RoomsAnswer> answer) {
        if (answer)
            done(pageJson(std::move(*answer), [&](const RoomRow& row) {
                const auto order = RoomOrder::create(first);
                return order ? order->cursorAfter(row) : std::string();
            }));
        else
            done(tl::unexpected(answer.error()));
    });
}

void roomsGet(CommandCall call) {
    const auto request = RoomRequest::fromJson(call.params);
    if (!request)
        return call.done(tl::unexpected(request.error()));
    call.world.control.room(*request, jsonDone<RoomRow>(call.done));
}

void connectionsGet(CommandCall call) {
    shared::ConnectionId id;
    if (!shared::ConnectionId::parse(call.params.value(QStringLiteral("id")).toString().toStdString(), id))
        return call.done(failure(ErrorCode::BadRequest, "id: SHARD-NUMBER is needed"));
    call.world.control.connection(id, jsonDone<ConnectionDetails>(call.done));
}

/// The connection that `params.id` names, or the failure is answered.
std::optional<shared::ConnectionId> connectionOf(const CommandCall& call) {
    shared::ConnectionId id;
    if (shared::ConnectionId::parse(call.params.value(QStringLiteral("id")).toString().toStdString(), id))
        return id;
    call.done(failure(ErrorCode::BadRequest, "id: SHARD-NUMBER is needed"));
    return std::nullopt;
}

void connectionsWatch(CommandCall call) {
    if (const auto id = connectionOf(call))
        call.link.watch(*id, call.done);
}

void connectionsUnwatch(CommandCall call) {
    const auto id = connectionOf(call);
    if (!id)
        return;
    if (!call.link.unwatch(*id))
        return call.done(failure(ErrorCode::NotFound, "this link does not watch " + id->text()));
    call.done(QJsonObject());
}

void connectionsClosed(CommandCall call) {
    const auto request = ClosedRequest::fromJson(call.params);
    if (!request)
        return call.done(tl::unexpected(request.error()));
    call.world.control.closed(*request, jsonDone<ClosedAnswer>(call.done));
}

void connectionsEvict(CommandCall call) {
    const auto request = EvictRequest::fromJson(call.params);
    if (!request)
        return call.done(tl::unexpected(request.error()));
    if (request->ids.size() > MostEvictIds)
        return call.done(failure(ErrorCode::BadRequest, "ids: at most 10000"));
    call.world.control.evict(*request, call.by, jsonDone<EvictAnswer>(call.done));
}

void messagePublish(CommandCall call) {
    const auto request = PublishRequest::fromJson(call.params);
    if (!request)
        return call.done(tl::unexpected(request.error()));
    call.world.control.publish(*request, jsonDone<PublishAnswer>(call.done));
}

void nodeDrain(CommandCall call) {
    const auto request = DrainRequest::fromJson(call.params);
    if (!request)
        return call.done(tl::unexpected(request.error()));
    const auto id = call.world.control.drain(*request, call.by);
    call.done(id ? Result<QJsonObject>(operationJson(*id)) : tl::unexpected(id.error()));
}

void nodeResume(CommandCall call) {
    const auto resumed = call.world.control.resume(call.by);
    call.done(resumed ? Result<QJsonObject>(QJsonObject()) : tl::unexpected(resumed.error()));
}

void operationsList(CommandCall call) {
    call.done(rowsToJson(call.world.control.operations()));
}

void operationsGet(CommandCall call) {
    const auto id = wholeNumber(call.params, "id", {});
    if (!id)
        return call.done(tl::unexpected(id.error()));
    for (const auto& row : call.world.control.operations())
        if (row.id == std::uint64_t(*id))
            return call.done(row.toJson());
    call.done(failure(ErrorCode::NotFound, "there is no operation of this id"));
}

void operationsAbort(CommandCall call) {
    const auto id = wholeNumber(call.params, "id", {});
    if (!id)
        return call.done(tl::unexpected(id.error()));
    const auto aborted = call.world.control.abort(shared::OperationId(std::uint64_t(*id)), call.by);
    call.done(aborted ? Result<QJsonObject>(QJsonObject()) : tl::unexpected(aborted.error()));
}

void clusterNodes(CommandCall call) {
    call.done(rowsToJson(call.world.control.cluster()));
}

void traceStart(CommandCall call) {
    const auto request = TraceRequest::fromJson(call.params);
    if (!request)
        return call.done(tl::unexpected(request.error()));
    if (const auto started = call.link.startTrace(*request); !started)
        return call.done(tl::unexpected(started.error()));
    call.done(QJsonObject{{QStringLiteral("seconds"), request->seconds}});
}

void traceStop(CommandCall call) {
    if (!call.link.stopTrace())
        return call.done(failure(ErrorCode::NotFound, "no trace runs on this link"));
    call.done(QJsonObject());
}

void logSubscribe(CommandCall call) {
    const auto request = LogRequest::fromJson(call.params);
    if (!request)
        return call.done(tl::unexpected(request.error()));
    call.link.subscribeLog(request->level);
    call.done(QJsonObject());
}

void logUnsubscribe(CommandCall call) {
    call.link.unsubscribeLog();
    call.done(QJsonObject());
}

void auditList(CommandCall call) {
    const auto request = AuditRequest::fromJson(call.params);
    if (!request)
        return call.done(tl::unexpected(request.error()));
    call.done(rowsToJson(call.world.audit.rows(request->since_ms, std::size_t(request->limit))));
}

void statsHistory(CommandCall call) {
    const auto request = HistoryRequest::fromJson(call.params);
    if (!request)
        return call.done(tl::unexpected(request.error()));
    const auto answer = call.world.history.points(*request);
    call.done(answer ? Result<QJsonObject>(answer->toJson()) : tl::unexpected(answer.error()));
}

void configGet(CommandCall call) {
    call.done(rowsToJson(call.world.control.configuration()));
}

void configSet(CommandCall call) {
    const auto change = ConfigChange::fromJson(call.params);
    if (!change)
        return call.done(tl::unexpected(change.error()));
    const auto configured = call.world.control.configure(*change);
    call.done(configured ? Result<QJsonObject>(QJsonObject()) : tl::unexpected(configured.error()));
}

constexpr auto Reads = Effect::Reads;
constexpr auto Changes = Effect::Changes;

const Command Table[] = {
    {"node.info", {}, "What this node is, and how it is", Reads, &nodeInfo},
    {"stats.subscribe",
     {"interval_ms"},
     "Sends a stats.snapshot each interval, a multiple of 500 ms",
     Reads,
     &statsSubscribe},
    {"stats.unsubscribe", {}, "Ends the snapshots", Reads, &statsUnsubscribe},
    {"stats.history",
     {"metric", "from_ms", "step_ms"},
     "What the node still has of one metric: 15 minutes",
     Reads,
     &statsHistory},
    {"connections.list",
     {"filter", "sort", "cursor", "limit"},
     "A page of the open connections",
     Reads,
     &connectionsList},
    {"connections.get", {"id"}, "All that is known of one connection", Reads, &connectionsGet},
    {"connections.watch",
     {"id"},
     "Sends a connections.sample of one connection each second",
     Reads,
     &connectionsWatch},
    {"connections.unwatch", {"id"}, "Ends it", Reads, &connectionsUnwatch},
    {"connections.closed",
     {"filter", "since_ms", "limit"},
     "Who left, why and by whom, newest first",
     Reads,
     &connectionsClosed},
    {"connections.evict",
     {"ids", "filter", "reason", "reconnect", "rate_per_s", "dry_run"},
     "Closes connections by ids or by filter",
     Changes,
     &connectionsEvict},
    {"rooms.list",
     {"filter", "sort", "cursor", "limit"},
     "A page of the rooms with members on this node",
     Reads,
     &roomsList},
    {"rooms.get", {"namespace", "room"}, "Members and message rate of one room", Reads, &roomsGet},
    {"message.publish",
     {"namespace", "room", "all", "event", "data"},
     "Sends an event to a room, or to everybody of a namespace",
     Changes,
     &messagePublish},
    {"node.drain",
     {"rate_per_s", "deadline_s", "grace_s"},
     "Refuses newcomers and closes all clients at a rate",
     Changes,
     &nodeDrain},
    {"node.resume", {}, "Takes clients again; a running drain is aborted", Changes, &nodeResume},
    {"operations.list", {}, "Drains and evictions, newest first", Reads, &operationsList},
    {"operations.get", {"id"}, "One drain or eviction", Reads, &operationsGet},
    {"operations.abort", {"id"}, "Stops a drain or eviction where it is", Changes, &operationsAbort},
    {"cluster.nodes", {}, "The nodes that the registry knows", Reads, &clusterNodes},
    {"trace.start",
     {"filter", "seconds", "sample"},
     "Sends a trace.line for what matching connections say and hear: names and sizes",
     Changes,
     &traceStart},
    {"trace.stop", {}, "Ends this link's trace", Reads, &traceStop},
    {"log.subscribe", {"level"}, "Sends each log line of this level and above", Reads, &logSubscribe},
    {"log.unsubscribe", {}, "Ends the log lines", Reads, &logUnsubscribe},
    {"audit.list", {"since_ms", "limit"}, "Who did what, newest first", Reads, &auditList},
    {"config.get", {}, "Every setting with its value and origin", Reads, &configGet},
    {"config.set", {"key", "value"}, "Changes a live setting until the node restarts", Changes, &configSet},
};

/// What was done, with its parameters: ids and numbers, never a secret. Of what was published only its size;
/// a setting's value that was not taken over may be anything, such as a password; those that are hold none.
std::string deed(const QString& method, QJsonObject params, Outcome outcome) {
    constexpr QLatin1String Data("data"), Value("value");
    if (const auto data = params.find(Data); data != params.end())
        *data = QStringLiteral("%1 bytes")
                    .arg(QJsonDocument(QJsonArray{*data}).toJson(QJsonDocument::Compact).size() - 2);
    if (method == QStringLiteral("config.set") && outcome == Outcome::Failed && params.contains(Value))
        params.insert(Value, QStringLiteral("***"));
    const auto text = QJsonDocument(params).toJson(QJsonDocument::Compact);
    return method.toStdString() + (params.isEmpty() ? "" : " " + text.left(400).toStdString());
}

} // namespace

std::span<const Command> commands() {
    return Table;
}

void runCommand(const QString& method, CommandCall call) {
    const auto command = std::find_if(std::begin(Table), std::end(Table),
                                      [&](const auto& each) { return method == QLatin1String(each.method); });
    if (command == std::end(Table))
        return call.done(
            failure(ErrorCode::UnknownOperation, "this node has no such method; hello lists them"));
    if (command->effect == Effect::Changes) {
        const auto world = call.world;
        if (call.by.role != Role::Operator) {
            world.audit.record(world.clock.unixMs(), call.by, deed(method, call.params, Outcome::Failed),
                               "refused: a viewer may not act");
            return call.done(failure(ErrorCode::Forbidden, "the token's role is viewer, which may not act"));
        }
        call.done = [world, by = call.by, method, params = call.params,
                     done = call.done](Result<QJsonObject> result) {
            const auto what = deed(method, params, result ? Outcome::Done : Outcome::Failed);
            world.audit.record(world.clock.unixMs(), by, what,
                               result ? "ok" : "failed: " + result.error().message);
            done(std::move(result));
        };
    }
    command->run(std::move(call));
}

} // namespace server
