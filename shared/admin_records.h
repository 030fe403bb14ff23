// SPDX-License-Identifier: Apache-2.0
// What a node remembers or tells as it happens on the admin channel: audit, log, trace, history. Times are
// Unix milliseconds (`_ms`) unless a name says otherwise. Plain values, any thread.
#pragma once
#include "shared/admin_rpc.h"
#include "shared/metrics.h"

namespace shared::admin {

struct AuditRow {
    std::int64_t time_ms = 0;
    std::string who, from, what, outcome;
    QJsonObject toJson() const;
    static Result<AuditRow> fromJson(const QJsonObject& json);
};

/// `audit.list`: newest first.
struct AuditRequest {
    std::int64_t since_ms = 0;
    int limit = 100; ///< 1 … LongestPage
    QJsonObject toJson() const;
    static Result<AuditRequest> fromJson(const QJsonObject& json);
};

enum class LogLevel : std::uint8_t { Trace, Debug, Info, Warn, Error };
std::string_view name(LogLevel);
/// `log.subscribe`: lines of this level and above. The node does not log below its own `log.level`.
struct LogRequest {
    LogLevel level = LogLevel::Info;
    QJsonObject toJson() const;
    static Result<LogRequest> fromJson(const QJsonObject& json);
};
/// Notification `log.line`.
struct LogLine {
    std::int64_t time_ms = 0;
    LogLevel level = LogLevel::Info;
    std::string text;
    std::int64_t dropped = 0; ///< lines before this one that the link was too slow for
    QJsonObject toJson() const;
    static Result<LogLine> fromJson(const QJsonObject& json);
};

/// `trace.start`: one trace a link.
struct TraceRequest {
    std::string filter; ///< the grammar of connections.list
    int seconds = 60;   ///< 1 … LongestTrace
    double sample = 1;  ///< above 0, at most 1: the part of the events that is told
    QJsonObject toJson() const;
    static Result<TraceRequest> fromJson(const QJsonObject& json);
};
inline constexpr int LongestTrace = 600;
/// Notification `trace.line`: one decoded event of one connection, names and sizes only.
struct TraceLine {
    std::int64_t time_ms = 0;
    std::string connection;             ///< its id; empty in the last line
    std::optional<Direction> direction; ///< in: from the client
    std::string what;  ///< "open", "close", "connect", "disconnect", "event", "ack", "ping", "pong", …
    std::string space; ///< key "namespace"
    std::string event; ///< its name, or a close reason
    std::int64_t bytes = 0, attachments = 0;
    std::int64_t dropped = 0;         ///< lines before this one that were too many
    std::optional<std::string> ended; ///< in the last line: "stopped" or "time"
    QJsonObject toJson() const;
    static Result<TraceLine> fromJson(const QJsonObject& json);
};

/// `stats.history`: what the node still has of one metric.
struct HistoryRequest {
    std::string metric; ///< a name of hello's metrics; all of its series are answered
    std::int64_t from_ms = 0;
    std::int64_t step_ms = 1000; ///< a multiple of 1000, else rounded up
    QJsonObject toJson() const;
    static Result<HistoryRequest> fromJson(const QJsonObject& json);
};
struct HistorySeries {
    std::vector<std::pair<std::string, std::string>> labels;
    std::vector<Value> values; ///< one a time of the answer; not a number: unknown
    QJsonObject toJson() const;
    static Result<HistorySeries> fromJson(const QJsonObject& json);
};
/// Values are as in a Snapshot: counters and histograms hold what the step added, gauges the last value.
struct HistoryAnswer {
    std::string metric;
    std::int64_t step_ms = 1000;
    std::vector<std::int64_t> times_ms; ///< end of each step
    std::vector<HistorySeries> series;
    std::optional<std::int64_t> next_ms; ///< the answer was cut: ask again from here
    QJsonObject toJson() const;
    static Result<HistoryAnswer> fromJson(const QJsonObject& json);
};

} // namespace shared::admin
