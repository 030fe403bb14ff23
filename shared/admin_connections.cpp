// SPDX-License-Identifier: Apache-2.0
#include "shared/admin_pages.h"

namespace shared::admin {

std::string_view name(SortKey value) {
    return nameOf(value);
}

std::optional<SortKey> sortKey(std::string_view word) {
    SortKey key{};
    return read(QJsonValue(text(word)), key) ? std::optional(key) : std::nullopt;
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
    return pageRequestJson(*this);
}
Result<ListRequest> ListRequest::fromJson(const QJsonObject& json) {
    return pageRequest<ListRequest>(json);
}

QJsonObject ListAnswer::toJson() const {
    return pageAnswerJson(*this);
}
Result<ListAnswer> ListAnswer::fromJson(const QJsonObject& json) {
    return pageAnswer<ListAnswer>(json);
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

QJsonObject WatchRequest::toJson() const {
    return Writer().put("id", id).json();
}
Result<WatchRequest> WatchRequest::fromJson(const QJsonObject& json) {
    WatchRequest out;
    Reader in(json);
    in.need("id", out.id);
    return in.result(std::move(out));
}

QJsonObject TcpState::toJson() const {
    return Writer()
        .put("rtt_ms", rtt_ms)
        .put("rtt_deviation_ms", rtt_deviation_ms)
        .put("retransmits", retransmits)
        .put("unacknowledged", unacknowledged)
        .put("unsent_bytes", unsent_bytes)
        .put("peer_window_bytes", peer_window_bytes)
        .put("delivered_bytes_per_s", delivered_bytes_per_s)
        .json();
}
Result<TcpState> TcpState::fromJson(const QJsonObject& json) {
    TcpState out;
    Reader in(json);
    in.need("rtt_ms", out.rtt_ms)
        .need("rtt_deviation_ms", out.rtt_deviation_ms)
        .need("retransmits", out.retransmits)
        .need("unacknowledged", out.unacknowledged)
        .need("unsent_bytes", out.unsent_bytes)
        .need("peer_window_bytes", out.peer_window_bytes)
        .need("delivered_bytes_per_s", out.delivered_bytes_per_s);
    return in.result(std::move(out));
}

QJsonObject ConnectionSample::toJson() const {
    return Writer()
        .put("id", id)
        .put("time_ms", time_ms)
        .put("in_rate", in_rate)
        .put("out_rate", out_rate)
        .put("messages_in", messages_in)
        .put("messages_out", messages_out)
        .put("queue_bytes", queue_bytes)
        .put("idle_s", idle_s)
        .put("rtt_ms", rtt_ms)
        .put("tcp", tcp)
        .put("ended", ended)
        .json();
}
Result<ConnectionSample> ConnectionSample::fromJson(const QJsonObject& json) {
    ConnectionSample out;
    Reader in(json);
    in.need("id", out.id)
        .need("time_ms", out.time_ms)
        .need("in_rate", out.in_rate)
        .need("out_rate", out.out_rate)
        .need("messages_in", out.messages_in)
        .need("messages_out", out.messages_out)
        .need("queue_bytes", out.queue_bytes)
        .need("idle_s", out.idle_s)
        .may("rtt_ms", out.rtt_ms)
        .may("tcp", out.tcp)
        .may("ended", out.ended);
    return in.result(std::move(out));
}

QJsonObject ClosedRequest::toJson() const {
    return Writer().put("filter", filter).put("since_ms", since_ms).put("limit", limit).json();
}
Result<ClosedRequest> ClosedRequest::fromJson(const QJsonObject& json) {
    ClosedRequest out;
    Reader in(json);
    in.may("filter", out.filter)
        .may("since_ms", out.since_ms)
        .may("limit", out.limit)
        .check("limit", out.limit >= 1 && out.limit <= LongestPage, "must be 1 to 1000")
        .check("since_ms", out.since_ms >= 0, "must not be negative");
    return in.result(std::move(out));
}

QJsonObject ClosedRow::toJson() const {
    return Writer()
        .put("id", id)
        .put("address", address)
        .put("user", user)
        .put("dialect", dialect)
        .put("transport", transport)
        .put("agent", agent)
        .put("reason", reason)
        .put("by", by)
        .put("closed_ms", closed_ms)
        .put("age_s", age_s)
        .put("idle_s", idle_s)
        .put("rtt_ms", rtt_ms)
        .put("queue_bytes", queue_bytes)
        .put("messages_in", messages_in)
        .put("messages_out", messages_out)
        .json();
}
Result<ClosedRow> ClosedRow::fromJson(const QJsonObject& json) {
    ClosedRow out;
    Reader in(json);
    in.need("id", out.id)
        .need("address", out.address)
        .need("user", out.user)
        .need("dialect", out.dialect)
        .need("transport", out.transport)
        .need("agent", out.agent)
        .need("reason", out.reason)
        .need("by", out.by)
        .need("closed_ms", out.closed_ms)
        .need("age_s", out.age_s)
        .need("idle_s", out.idle_s)
        .may("rtt_ms", out.rtt_ms)
        .need("queue_bytes", out.queue_bytes)
        .need("messages_in", out.messages_in)
        .need("messages_out", out.messages_out);
    return in.result(std::move(out));
}

QJsonObject ClosedAnswer::toJson() const {
    return Writer()
        .put("rows", rows)
        .put("total", total)
        .put("oldest_ms", oldest_ms)
        .put("partial", partial)
        .json();
}
Result<ClosedAnswer> ClosedAnswer::fromJson(const QJsonObject& json) {
    ClosedAnswer out;
    Reader in(json);
    in.rows("rows", out.rows)
        .need("total", out.total)
        .may("oldest_ms", out.oldest_ms)
        .may("partial", out.partial);
    return in.result(std::move(out));
}

} // namespace shared::admin
