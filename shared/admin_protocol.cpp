// SPDX-License-Identifier: Apache-2.0
// The messages of the admin channel, key by key.
#include "shared/admin_protocol.h"
#include "shared/admin_fields.h"
#include <limits>

namespace shared::admin {

std::string_view name(Role value) {
    return nameOf(value);
}
std::string_view name(Effect value) {
    return nameOf(value);
}
std::string_view name(NodeState value) {
    return nameOf(value);
}
std::string_view name(OperationState value) {
    return nameOf(value);
}
std::string_view name(RedisState value) {
    return nameOf(value);
}
std::string_view name(SortKey value) {
    return nameOf(value);
}

std::optional<SortKey> sortKey(std::string_view word) {
    SortKey key{};
    return read(QJsonValue(text(word)), key) ? std::optional(key) : std::nullopt;
}

QJsonObject SeriesSpec::toJson() const {
    return Writer()
        .put("name", name)
        .put("labels", labels)
        .put("unit", unit)
        .put("kind", kind)
        .put("merge", merge)
        .put("scale", scale)
        .put("help", help)
        .json();
}
Result<SeriesSpec> SeriesSpec::fromJson(const QJsonObject& json) {
    SeriesSpec out;
    Reader in(json);
    in.need("name", out.name)
        .need("labels", out.labels)
        .need("unit", out.unit)
        .need("kind", out.kind)
        .need("merge", out.merge)
        .need("scale", out.scale)
        .need("help", out.help)
        .check("scale", out.scale > 0, "must be above 0");
    return in.result(std::move(out));
}

QJsonObject CommandSpec::toJson() const {
    return Writer()
        .put("method", method)
        .put("params", params)
        .put("help", help)
        .put("effect", effect)
        .json();
}
Result<CommandSpec> CommandSpec::fromJson(const QJsonObject& json) {
    CommandSpec out;
    Reader in(json);
    in.need("method", out.method)
        .need("params", out.params)
        .need("help", out.help)
        .need("effect", out.effect);
    return in.result(std::move(out));
}

QJsonObject Hello::toJson() const {
    return Writer()
        .put("protocol", protocol)
        .put("node", node)
        .put("role", role)
        .put("metrics", metrics)
        .put("commands", commands)
        .json();
}
Result<Hello> Hello::fromJson(const QJsonObject& json) {
    Hello out;
    Reader in(json);
    in.need("protocol", out.protocol)
        .need("node", out.node)
        .need("role", out.role)
        .rows("metrics", out.metrics)
        .rows("commands", out.commands);
    return in.result(std::move(out));
}

QJsonObject NodeInfo::toJson() const {
    return Writer()
        .put("id", id)
        .put("version", version)
        .put("state", state)
        .put("uptime_s", uptime_s)
        .put("addresses", addresses)
        .put("limits", limits)
        .put("shards", shards)
        .put("redis", redis)
        .json();
}
Result<NodeInfo> NodeInfo::fromJson(const QJsonObject& json) {
    NodeInfo out;
    Reader in(json);
    in.need("id", out.id)
        .need("version", out.version)
        .need("state", out.state)
        .need("uptime_s", out.uptime_s)
        .need("addresses", out.addresses)
        .need("limits", out.limits)
        .need("shards", out.shards)
        .need("redis", out.redis);
    return in.result(std::move(out));
}

QJsonObject toJson(const Snapshot& snapshot) {
    QJsonArray values;
    for (const auto& value : snapshot.values) {
        if (const auto* number = std::get_if<double>(&value)) {
            values.append(*number);
            continue;
        }
        QJsonArray buckets;
        for (const auto& [bucket, count] : std::get<SparseBuckets>(value))
            buckets.append(QJsonArray{bucket, qint64(count)});
        values.append(buckets);
    }
    return {{QStringLiteral("time_ms"), qint64(snapshot.time_ms)},
            {QStringLiteral("interval_ms"), qint64(snapshot.interval_ms)},
            {QStringLiteral("values"), values}};
}

namespace {

bool readBuckets(const QJsonArray& array, SparseBuckets& out) {
    for (const auto& element : array) {
        const auto pair = element.toArray();
        auto& [bucket, count] = out.emplace_back();
        if (pair.size() != 2 || !read(pair.at(0), bucket) || !read(pair.at(1), count) || bucket < 0 ||
            bucket >= HistogramBuckets)
            return false;
    }
    return true;
}

bool readValue(const QJsonValue& json, Value& out) {
    if (json.isArray())
        return readBuckets(json.toArray(), out.emplace<SparseBuckets>());
    out = json.isNull() ? std::numeric_limits<double>::quiet_NaN() : json.toDouble();
    return json.isNull() || json.isDouble();
}

} // namespace

Result<Snapshot> snapshotFromJson(const QJsonObject& json) {
    Snapshot out;
    Reader in(json);
    in.need("time_ms", out.time_ms)
        .need("interval_ms", out.interval_ms)
        .check("interval_ms", out.interval_ms > 0, "must be above 0");
    const auto values = json.value(QStringLiteral("values"));
    in.check("values", values.isArray(), "must be an array");
    for (const auto& value : values.toArray())
        in.check("values", readValue(value, out.values.emplace_back()),
                 "holds what is neither number nor buckets");
    return in.result(std::move(out));
}

QJsonObject ConnectionRow::toJson() const {
    return Writer()
        .put("id", id)
        .put("address", address)
        .put("user", user)
        .put("dialect", dialect)
        .put("transport", transport)
        .put("agent", agent)
        .put("since_ms", since_ms)
        .put("idle_s", idle_s)
        .put("rooms", rooms)
        .put("queue_bytes", queue_bytes)
        .put("messages_in", messages_in)
        .put("messages_out", messages_out)
        .put("in_rate", in_rate)
        .put("out_rate", out_rate)
        .put("rtt_ms", rtt_ms)
        .put("members", members)
        .json();
}
Result<ConnectionRow> ConnectionRow::fromJson(const QJsonObject& json) {
    ConnectionRow out;
    Reader in(json);
    in.need("id", out.id)
        .need("address", out.address)
        .need("user", out.user)
        .need("dialect", out.dialect)
        .need("transport", out.transport)
        .need("agent", out.agent)
        .need("since_ms", out.since_ms)
        .need("idle_s", out.idle_s)
        .need("rooms", out.rooms)
        .need("queue_bytes", out.queue_bytes)
        .need("messages_in", out.messages_in)
        .need("messages_out", out.messages_out)
        .need("in_rate", out.in_rate)
        .need("out_rate", out.out_rate)
        .may("rtt_ms", out.rtt_ms)
        .need("members", out.members);
    return in.result(std::move(out));
}

QJsonObject ListRequest::toJson() const {
    const std::string key(name(sort));
    return Writer()
        .put("filter", filter)
        .put("sort", descending ? '-' + key : key)
        .put("cursor", cursor)
        .put("limit", limit)
        .json();
}
Result<ListRequest> ListRequest::fromJson(const QJsonObject& json) {
    ListRequest out;
    std::string sort(name(out.sort));
    Reader in(json);
    in.may("filter", out.filter).may("sort", sort).may("cursor", out.cursor).may("limit", out.limit);
    out.descending = sort.starts_with('-');
    const auto key = sortKey(std::string_view(sort).substr(out.descending ? 1 : 0));
    in.check("sort", key.has_value(),
             "must be one of id since idle queue rooms rtt in_rate out_rate, with - to descend")
        .check("limit", out.limit >= 1 && out.limit <= LongestPage, "must be 1 to 1000");
    out.sort = key.value_or(SortKey::Id);
    return in.result(std::move(out));
}

QJsonObject ListAnswer::toJson() const {
    return Writer()
        .put("rows", rows)
        .put("total", total)
        .put("cursor", cursor)
        .put("partial", partial)
        .json();
}
Result<ListAnswer> ListAnswer::fromJson(const QJsonObject& json) {
    ListAnswer out;
    Reader in(json);
    in.rows("rows", out.rows).need("total", out.total).may("cursor", out.cursor).may("partial", out.partial);
    return in.result(std::move(out));
}

QJsonObject ConnectionDetails::toJson() const {
    QJsonArray list;
    for (const auto& [space, room] : rooms)
        list.append(
            QJsonObject{{QStringLiteral("namespace"), text(space)}, {QStringLiteral("room"), text(room)}});
    return {{QStringLiteral("row"), row.toJson()}, {QStringLiteral("rooms"), list}};
}
Result<ConnectionDetails> ConnectionDetails::fromJson(const QJsonObject& json) {
    ConnectionDetails out;
    auto row = ConnectionRow::fromJson(json.value(QStringLiteral("row")).toObject());
    Reader in(json);
    in.check("row", row.has_value(), row ? std::string() : row.error().message);
    const auto list = json.value(QStringLiteral("rooms"));
    in.check("rooms", list.isArray(), "must be an array");
    for (const auto& element : list.toArray()) {
        auto& [space, room] = out.rooms.emplace_back();
        const auto object = element.toObject();
        in.check("rooms",
                 read(object.value(QStringLiteral("namespace")), space) &&
                     read(object.value(QStringLiteral("room")), room),
                 "each needs namespace and room");
    }
    if (row)
        out.row = std::move(*row);
    return in.result(std::move(out));
}

QJsonObject EvictRequest::toJson() const {
    Writer out;
    if (filter)
        out.put("filter", *filter);
    else
        out.put("ids", ids);
    return out.put("reason", reason)
        .put("reconnect", reconnect)
        .put("rate_per_s", rate_per_s)
        .put("dry_run", dry_run)
        .json();
}
Result<EvictRequest> EvictRequest::fromJson(const QJsonObject& json) {
    EvictRequest out;
    Reader in(json);
    in.may("ids", out.ids)
        .may("filter", out.filter)
        .may("reason", out.reason)
        .may("reconnect", out.reconnect)
        .may("rate_per_s", out.rate_per_s)
        .may("dry_run", out.dry_run)
        .notNegative("rate_per_s", out.rate_per_s)
        .check("ids", json.value(QStringLiteral("ids")).isArray() != out.filter.has_value(),
               "give either ids or a filter");
    return in.result(std::move(out));
}

QJsonObject EvictAnswer::toJson() const {
    Writer out;
    out.put("matched", matched).put("evicted", evicted).put("operation", operation);
    if (!sample.empty())
        out.put("sample", sample);
    return out.json();
}
Result<EvictAnswer> EvictAnswer::fromJson(const QJsonObject& json) {
    EvictAnswer out;
    Reader in(json);
    in.need("matched", out.matched).may("evicted", out.evicted).may("operation", out.operation);
    if (json.contains(QStringLiteral("sample")))
        in.rows("sample", out.sample);
    return in.result(std::move(out));
}

QJsonObject DrainRequest::toJson() const {
    return Writer()
        .put("rate_per_s", rate_per_s)
        .put("deadline_s", deadline_s)
        .put("grace_s", grace_s)
        .json();
}
Result<DrainRequest> DrainRequest::fromJson(const QJsonObject& json) {
    DrainRequest out;
    Reader in(json);
    in.may("rate_per_s", out.rate_per_s)
        .may("deadline_s", out.deadline_s)
        .may("grace_s", out.grace_s)
        .notNegative("rate_per_s", out.rate_per_s)
        .notNegative("deadline_s", out.deadline_s)
        .notNegative("grace_s", out.grace_s);
    return in.result(std::move(out));
}

QJsonObject OperationRow::toJson() const {
    return Writer()
        .put("id", id)
        .put("kind", kind)
        .put("by", by)
        .put("state", state)
        .put("started_ms", started_ms)
        .put("done", done)
        .put("total", total)
        .put("rate_per_s", rate_per_s)
        .put("eta_s", eta_s)
        .put("moved", moved)
        .put("moved_estimated", moved_estimated)
        .put("lost", lost)
        .put("pending", pending)
        .put("untracked", untracked)
        .json();
}
Result<OperationRow> OperationRow::fromJson(const QJsonObject& json) {
    OperationRow out;
    Reader in(json);
    in.need("id", out.id)
        .need("kind", out.kind)
        .need("by", out.by)
        .need("state", out.state)
        .need("started_ms", out.started_ms)
        .need("done", out.done)
        .need("total", out.total)
        .need("rate_per_s", out.rate_per_s)
        .may("eta_s", out.eta_s)
        .need("moved", out.moved)
        .need("moved_estimated", out.moved_estimated)
        .need("lost", out.lost)
        .need("pending", out.pending)
        .need("untracked", out.untracked);
    return in.result(std::move(out));
}

QJsonObject ClusterNode::toJson() const {
    return Writer()
        .put("id", id)
        .put("instance", instance)
        .put("version", version)
        .put("state", state)
        .put("clients", clients)
        .put("ops", ops)
        .put("connections", connections)
        .put("capacity", capacity)
        .put("seen_ms", seen_ms)
        .json();
}
Result<ClusterNode> ClusterNode::fromJson(const QJsonObject& json) {
    ClusterNode out;
    Reader in(json);
    in.need("id", out.id)
        .need("instance", out.instance)
        .need("version", out.version)
        .need("state", out.state)
        .need("clients", out.clients)
        .need("ops", out.ops)
        .need("connections", out.connections)
        .need("capacity", out.capacity)
        .need("seen_ms", out.seen_ms);
    return in.result(std::move(out));
}

QJsonObject AuditRow::toJson() const {
    return Writer()
        .put("time_ms", time_ms)
        .put("who", who)
        .put("from", from)
        .put("what", what)
        .put("outcome", outcome)
        .json();
}
Result<AuditRow> AuditRow::fromJson(const QJsonObject& json) {
    AuditRow out;
    Reader in(json);
    in.need("time_ms", out.time_ms)
        .need("who", out.who)
        .need("from", out.from)
        .need("what", out.what)
        .need("outcome", out.outcome);
    return in.result(std::move(out));
}

} // namespace shared::admin
