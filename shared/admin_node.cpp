// SPDX-License-Identifier: Apache-2.0
#include "shared/admin_fields.h"

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
    return Writer()
        .put("time_ms", snapshot.time_ms)
        .put("interval_ms", snapshot.interval_ms)
        .put("values", snapshot.values)
        .json();
}
Result<Snapshot> snapshotFromJson(const QJsonObject& json) {
    Snapshot out;
    Reader in(json);
    in.need("time_ms", out.time_ms)
        .need("interval_ms", out.interval_ms)
        .check("interval_ms", out.interval_ms > 0, "must be above 0")
        .need("values", out.values);
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

} // namespace shared::admin
