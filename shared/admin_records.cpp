// SPDX-License-Identifier: Apache-2.0
#include "shared/admin_fields.h"

namespace shared::admin {

std::string_view name(LogLevel value) {
    return nameOf(value);
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

QJsonObject AuditRequest::toJson() const {
    return Writer().put("since_ms", since_ms).put("limit", limit).json();
}
Result<AuditRequest> AuditRequest::fromJson(const QJsonObject& json) {
    AuditRequest out;
    Reader in(json);
    in.may("since_ms", out.since_ms)
        .may("limit", out.limit)
        .check("limit", out.limit >= 1 && out.limit <= LongestPage, "must be 1 to 1000")
        .check("since_ms", out.since_ms >= 0, "must not be negative");
    return in.result(std::move(out));
}

QJsonObject LogRequest::toJson() const {
    return Writer().put("level", level).json();
}
Result<LogRequest> LogRequest::fromJson(const QJsonObject& json) {
    LogRequest out;
    Reader in(json);
    in.may("level", out.level);
    return in.result(std::move(out));
}

QJsonObject LogLine::toJson() const {
    return Writer()
        .put("time_ms", time_ms)
        .put("level", level)
        .put("text", text)
        .put("dropped", dropped)
        .json();
}
Result<LogLine> LogLine::fromJson(const QJsonObject& json) {
    LogLine out;
    Reader in(json);
    in.need("time_ms", out.time_ms)
        .need("level", out.level)
        .need("text", out.text)
        .may("dropped", out.dropped);
    return in.result(std::move(out));
}

QJsonObject TraceRequest::toJson() const {
    return Writer().put("filter", filter).put("seconds", seconds).put("sample", sample).json();
}
Result<TraceRequest> TraceRequest::fromJson(const QJsonObject& json) {
    TraceRequest out;
    Reader in(json);
    in.may("filter", out.filter)
        .may("seconds", out.seconds)
        .may("sample", out.sample)
        .check("seconds", out.seconds >= 1 && out.seconds <= LongestTrace, "must be 1 to 600")
        .check("sample", out.sample > 0 && out.sample <= 1, "must be above 0 and at most 1");
    return in.result(std::move(out));
}

QJsonObject TraceLine::toJson() const {
    return Writer()
        .put("time_ms", time_ms)
        .put("connection", connection)
        .put("direction", direction)
        .put("what", what)
        .put("namespace", space)
        .put("event", event)
        .put("bytes", bytes)
        .put("attachments", attachments)
        .put("dropped", dropped)
        .put("ended", ended)
        .json();
}
Result<TraceLine> TraceLine::fromJson(const QJsonObject& json) {
    TraceLine out;
    Reader in(json);
    in.need("time_ms", out.time_ms)
        .may("connection", out.connection)
        .may("direction", out.direction)
        .may("what", out.what)
        .may("namespace", out.space)
        .may("event", out.event)
        .may("bytes", out.bytes)
        .may("attachments", out.attachments)
        .may("dropped", out.dropped)
        .may("ended", out.ended);
    return in.result(std::move(out));
}

QJsonObject HistoryRequest::toJson() const {
    return Writer().put("metric", metric).put("from_ms", from_ms).put("step_ms", step_ms).json();
}
Result<HistoryRequest> HistoryRequest::fromJson(const QJsonObject& json) {
    HistoryRequest out;
    Reader in(json);
    in.need("metric", out.metric)
        .may("from_ms", out.from_ms)
        .may("step_ms", out.step_ms)
        .check("from_ms", out.from_ms >= 0, "must not be negative")
        .check("step_ms", out.step_ms >= 1 && out.step_ms <= 900000, "must be 1 to 900000");
    return in.result(std::move(out));
}

QJsonObject HistorySeries::toJson() const {
    return Writer().put("labels", labels).put("values", values).json();
}
Result<HistorySeries> HistorySeries::fromJson(const QJsonObject& json) {
    HistorySeries out;
    Reader in(json);
    in.need("labels", out.labels).need("values", out.values);
    return in.result(std::move(out));
}

QJsonObject HistoryAnswer::toJson() const {
    return Writer()
        .put("metric", metric)
        .put("step_ms", step_ms)
        .put("times_ms", times_ms)
        .put("series", series)
        .put("next_ms", next_ms)
        .json();
}
Result<HistoryAnswer> HistoryAnswer::fromJson(const QJsonObject& json) {
    HistoryAnswer out;
    Reader in(json);
    in.need("metric", out.metric)
        .need("step_ms", out.step_ms)
        .need("times_ms", out.times_ms)
        .rows("series", out.series)
        .may("next_ms", out.next_ms);
    return in.result(std::move(out));
}

} // namespace shared::admin
