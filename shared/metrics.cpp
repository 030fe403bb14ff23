// SPDX-License-Identifier: Apache-2.0
#include "shared/metrics.h"
#include "shared/close_reasons.h"
#include <algorithm>

namespace shared {

namespace {

constexpr double Latency = 1e-6; // one tick is a microsecond
constexpr double Age = 0.01;     // one tick is ten milliseconds
constexpr double Whole = 1;

using Labels = std::vector<Label>;

Labels closeReasonLabel() {
    Label label{"reason", {}};
    for (const auto& reason : closeReasons())
        label.values.emplace_back(reason.name);
    return {label};
}

Labels shardLabel(int shards) {
    Label label{"shard", {}};
    for (int i = 0; i < std::max(shards, 1); ++i)
        label.values.push_back(std::to_string(i));
    return {label};
}

Labels buildLabels(const std::vector<std::string>& build) {
    const auto at = [&](std::size_t i) { return std::vector{i < build.size() ? build[i] : "unknown"}; };
    return {{"version", at(0)}, {"commit", at(1)}, {"qt", at(2)}};
}

std::vector<MetricRow> table(int shards, const std::vector<std::string>& build,
                             const std::vector<std::string>& tlsListeners) {
    using enum Metric;
    using enum MetricKind;
    const Labels none;
    const Labels direction{{"direction", {"in", "out"}}};
    return {
        {Connections,
         "weir_connections",
         "connections",
         Gauge,
         Merge::Sum,
         Whole,
         "Open client connections.",
         {{"transport", {"websocket", "polling"}},
          {"dialect", {"socketio", "json"}},
          {"socket", {"adopted", "qt", "http"}}}},
        {Sessions, "weir_sessions", "sessions", Gauge, Merge::Sum, Whole, "Client sessions.", none},
        {Members, "weir_members", "members", Gauge, Merge::Sum, Whole,
         "Members: presences of sessions in namespaces.", none},
        {Rooms, "weir_rooms", "rooms", Gauge, Merge::Sum, Whole,
         "Rooms with at least one member, counted once on each shard that has members.", none},
        {HandshakesTotal,
         "weir_handshakes_total",
         "handshakes",
         Counter,
         Merge::Sum,
         Whole,
         "Handshakes by how they ended.",
         {{"result",
           {"accepted", "full", "draining", "rate_limited", "timeout", "too_large", "bad_request",
            "forbidden", "not_found", "no_descriptors", "memory", "per_address", "no_tls"}}}},
        {ClosesTotal, "weir_closes_total", "connections", Counter, Merge::Sum, Whole,
         "Connections that ended, by reason.", closeReasonLabel()},
        {ConnectionAgeSeconds, "weir_connection_age_seconds", "seconds", Histogram, Merge::Sum, Age,
         "Age of connections when they ended, by reason.", closeReasonLabel()},
        {EvictionsTotal,
         "weir_evictions_total",
         "connections",
         Counter,
         Merge::Sum,
         Whole,
         "Connections that were evicted.",
         {{"by", {"operator", "capacity"}}}},
        {MessagesTotal, "weir_messages_total", "messages", Counter, Merge::Sum, Whole,
         "Messages from and to clients.", direction},
        {BytesTotal, "weir_bytes_total", "bytes", Counter, Merge::Sum, Whole, "Bytes from and to clients.",
         direction},
        {DeliveriesTotal, "weir_deliveries_total", "deliveries", Counter, Merge::Sum, Whole,
         "Room messages handed to members on this node.", none},
        {DropsTotal,
         "weir_drops_total",
         "messages",
         Counter,
         Merge::Sum,
         Whole,
         "Messages that were dropped, by reason.",
         {{"reason", {"volatile", "slow_consumer", "overloaded"}}}},
        {ErrorsTotal,
         "weir_errors_total",
         "errors",
         Counter,
         Merge::Sum,
         Whole,
         "Errors by kind.",
         {{"kind",
           {"bad_frame", "bad_packet", "bad_json", "too_large", "unknown_event", "bad_envelope",
            "redis_error", "accept_failed", "admin_request", "refused_request"}}}},
        {LimitHitsTotal,
         "weir_limit_hits_total",
         "hits",
         Counter,
         Merge::Sum,
         Whole,
         "Times that a limit of the section [limits] took effect, by its key.",
         {{"limit",
           {"message_bytes", "head_bytes", "head_fields", "handshake_ms", "send_buffer_bytes", "queue_bytes",
            "queue_bytes_total", "messages_per_s", "handshakes_per_s", "handshakes_open",
            "per_address_connections", "rooms_per_session", "room_name_bytes", "attachments"}}}},
        {FanoutMembers, "weir_fanout_members", "members", Histogram, Merge::Sum, Whole,
         "Members on one shard that one room message was delivered to.", none},
        {FanoutSeconds, "weir_fanout_seconds", "seconds", Histogram, Merge::Sum, Latency,
         "Time from the first to the last delivery of one room message on one shard.", none},
        {DeliverySeconds,
         "weir_delivery_seconds",
         "seconds",
         Histogram,
         Merge::Sum,
         Latency,
         "Time from a publish to the write for a member, sampled; cluster: from the origin node's clock.",
         {{"path", {"local", "cluster"}}}},
        {PingRoundTripSeconds, "weir_ping_round_trip_seconds", "seconds", Histogram, Merge::Sum, Latency,
         "Time from a heartbeat ping to its pong.", none},
        {MailboxRefusedTotal,
         "weir_mailbox_refused_total",
         "messages",
         Counter,
         Merge::Sum,
         Whole,
         "Posts that a full mailbox refused.",
         {{"to", {"shard", "bus", "main"}}}},
        {QueueBytes, "weir_queue_bytes", "bytes", Gauge, Merge::Sum, Whole,
         "Bytes that wait in queues for clients, shared frames counted once.", none},
        {DeflateBytesTotal,
         "weir_deflate_bytes_total",
         "bytes",
         Counter,
         Merge::Sum,
         Whole,
         "Bytes of messages before and after their compression, or inflation.",
         {{"stage", {"sent_plain", "sent_deflated", "received_deflated", "received_plain"}}}},
        {DeflateCallsTotal, "weir_deflate_calls_total", "calls", Counter, Merge::Sum, Whole,
         "Messages that were compressed: one for all members of a room on a shard, whose windows are alike.",
         none},
        {DeflateSeconds, "weir_deflate_seconds", "seconds", Histogram, Merge::Sum, Latency,
         "Time of compressing or inflating one message.", none},
        {ClockSkewTotal, "weir_clock_skew_total", "messages", Counter, Merge::Sum, Whole,
         "Sampled deliveries from other nodes that seemed to arrive before they were sent.", none},
        {RedisUp, "weir_redis_up", "state", Gauge, Merge::None, Whole,
         "1 when the link to Redis is usable, 0 when it is away or not configured.", none},
        {RedisRoundTripSeconds, "weir_redis_round_trip_seconds", "seconds", Histogram, Merge::Sum, Latency,
         "Time from a PING to Redis to its answer.", none},
        {RedisQueueMessages, "weir_redis_queue_messages", "messages", Gauge, Merge::Sum, Whole,
         "Messages that wait for Redis.", none},
        {RedisDroppedTotal, "weir_redis_dropped_total", "messages", Counter, Merge::Sum, Whole,
         "Messages for other nodes that were dropped because Redis was away or too slow.", none},
        {RedisReconnectsTotal, "weir_redis_reconnects_total", "connections", Counter, Merge::Sum, Whole,
         "Times that the link to Redis came up again.", none},
        {ClusterNodes, "weir_cluster_nodes", "nodes", Gauge, Merge::Max, Whole,
         "Nodes in the registry, this one included.", none},
        {LogLinesLeftOutTotal, "weir_log_lines_left_out_total", "lines", Counter, Merge::Sum, Whole,
         "Log lines that were not written: over log.lines_per_s, or stderr was too slow.", none},
        {Draining, "weir_draining", "state", Gauge, Merge::Max, Whole, "1 while the node drains, else 0.",
         none},
        {CertificateExpirySeconds,
         "weir_certificate_expiry_seconds",
         "seconds",
         Gauge,
         Merge::None,
         Whole,
         "Time until the first certificate of the listener's chain expires; negative: since it did.",
         {{"listener", tlsListeners}}},
        {BuildInfo, "weir_build_info", "state", Gauge, Merge::None, Whole,
         "Always 1; the labels say which build runs.", buildLabels(build)},
        {ProcessResidentMemoryBytes, "process_resident_memory_bytes", "bytes", Gauge, Merge::Sum, Whole,
         "Resident memory size in bytes.", none},
        {ProcessCpuSecondsTotal, "process_cpu_seconds_total", "seconds", Counter, Merge::Sum, Whole,
         "Total user and system CPU time spent in seconds.", none},
        {ProcessOpenFds, "process_open_fds", "descriptors", Gauge, Merge::Sum, Whole,
         "Number of open file descriptors.", none},
        {ProcessMaxFds, "process_max_fds", "descriptors", Gauge, Merge::Sum, Whole,
         "Maximum number of open file descriptors.", none},
        {ProcessStartTimeSeconds, "process_start_time_seconds", "seconds", Gauge, Merge::None, Whole,
         "Start time of the process since the Unix epoch in seconds.", none},
        {LoopLagSeconds, "weir_loop_lag_seconds", "seconds", Histogram, Merge::Sum, Latency,
         "How late a shard's tick came.", shardLabel(shards)},
    };
}

/// The last label turns fastest: the order in which ordinals count.
void appendSeries(const MetricRow& row, std::vector<Series>& series) {
    std::size_t count = 1;
    for (const auto& label : row.labels)
        count *= label.values.size();
    for (std::size_t ordinal = 0; ordinal < count; ++ordinal) {
        Series one{&row, {}};
        std::size_t below = count;
        for (const auto& label : row.labels) {
            below /= label.values.size();
            one.labels.emplace_back(label.name, label.values[ordinal / below % label.values.size()]);
        }
        series.push_back(std::move(one));
    }
}

} // namespace

MetricCatalog::MetricCatalog(int shards, const std::vector<std::string>& buildInfo,
                             const std::vector<std::string>& tlsListeners)
    : m_rows(table(shards, buildInfo, tlsListeners)) {
    for (const auto& row : m_rows) {
        m_first.push_back(m_series.size());
        appendSeries(row, m_series);
    }
}

} // namespace shared
