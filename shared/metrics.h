// SPDX-License-Identifier: Apache-2.0
// The one table of metrics. It feeds the counters, Prometheus, the admin channel and the reference page.
#pragma once
#include "shared/histogram.h"
#include "shared/result.h"
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace shared {

enum class MetricKind : std::uint8_t { Counter, Gauge, Histogram };
enum class Merge : std::uint8_t { Sum, Max, None }; ///< how shards and nodes are put together

/// One enumerator a row, in the order of the table.
enum class Metric : std::uint8_t {
    Connections, ///< {transport, dialect, socket}
    Sessions,
    Members,
    Rooms,
    HandshakesTotal,      ///< {result}
    ClosesTotal,          ///< {reason}: CloseReason is the ordinal
    ConnectionAgeSeconds, ///< histogram {reason}
    EvictionsTotal,       ///< {by}
    MessagesTotal,        ///< {direction}
    BytesTotal,           ///< {direction}
    DeliveriesTotal,
    DropsTotal,           ///< {reason}
    ErrorsTotal,          ///< {kind}
    LimitHitsTotal,       ///< {limit}
    FanoutMembers,        ///< histogram
    FanoutSeconds,        ///< histogram
    DeliverySeconds,      ///< histogram {path}
    PingRoundTripSeconds, ///< histogram
    MailboxRefusedTotal,  ///< {to}
    QueueBytes,
    DeflateBytesTotal, ///< {stage}
    DeflateCallsTotal,
    DeflateSeconds,
    ClockSkewTotal,
    RedisUp,
    RedisRoundTripSeconds, ///< histogram
    RedisQueueMessages,
    RedisDroppedTotal,
    RedisReconnectsTotal,
    ClusterNodes,
    LogLinesLeftOutTotal,
    Draining,                 ///< 0 or 1
    CertificateExpirySeconds, ///< {listener}: only those that have a certificate
    BuildInfo,                ///< {version, commit, qt}: always 1
    ProcessResidentMemoryBytes,
    ProcessCpuSecondsTotal,
    ProcessOpenFds,
    ProcessMaxFds,
    ProcessStartTimeSeconds,
    LoopLagSeconds, ///< histogram {shard}: the last row, for the number of shards is known at start only
    Count
};

// Ordinals of labels (row-major when a metric has several), in the order of the table's values.
enum class Direction : std::uint8_t { In, Out };
enum class SocketKind : std::uint8_t { Adopted, Qt, Http };
enum class HandshakeResult : std::uint8_t {
    Accepted,
    Full,
    Draining,
    RateLimited,
    Timeout,
    TooLarge,
    BadRequest,
    Forbidden,
    NotFound,
    NoDescriptors,
    Memory,     ///< above node.memory_percent
    PerAddress, ///< over limits.per_address_connections
    NoTls       ///< of the TLS handshake nothing came
};
enum class DeliveryPath : std::uint8_t { Local, Cluster };
enum class DeflateStage : std::uint8_t { SentPlain, SentDeflated, ReceivedDeflated, ReceivedPlain };
enum class DropReason : std::uint8_t { Volatile, SlowConsumer, Overloaded };
enum class ErrorKind : std::uint8_t {
    BadFrame,
    BadPacket,
    BadJson,
    TooLarge,
    UnknownEvent,
    BadEnvelope,
    RedisError,
    AcceptFailed,
    AdminRequest,
    RefusedRequest
};
/// The keys of [limits] that bite by themselves; messages_burst only widens messages_per_s.
enum class LimitKey : std::uint8_t {
    MessageBytes,
    HeadBytes,
    HeadFields,
    HandshakeMs,
    SendBufferBytes,
    QueueBytes,
    QueueBytesTotal,
    MessagesPerS,
    HandshakesPerS,
    HandshakesOpen,
    PerAddressConnections,
    RoomsPerSession,
    RoomNameBytes,
    Attachments
};
enum class EvictedBy : std::uint8_t { Operator, Capacity };
enum class MailboxOf : std::uint8_t { Shard, Bus, Main };

struct Label {
    std::string_view name;
    std::vector<std::string> values;
};
struct MetricRow {
    Metric metric;
    std::string name;      ///< with the prefix `weir_`, but for `process_*`
    std::string_view unit; ///< "connections", "seconds", "bytes", …
    MetricKind kind;
    Merge merge;
    double scale;     ///< value of one tick of a histogram; 1 otherwise
    std::string help; ///< one line
    std::vector<Label> labels;
};

/// One series as it is announced: the metric with one value for each label.
struct Series {
    const MetricRow* row = nullptr;
    std::vector<std::pair<std::string, std::string>> labels;
};

/// Table and series of one process, fixed from its start. Immutable afterwards: any thread.
class MetricCatalog {
public:
    MetricCatalog(int shards, const std::vector<std::string>& buildInfo /* version, commit, qt */,
                  const std::vector<std::string>& tlsListeners = {"clients", "ops"});
    MetricCatalog(const MetricCatalog&) = delete;
    MetricCatalog& operator=(const MetricCatalog&) = delete;
    std::span<const MetricRow> rows() const { return m_rows; }
    std::span<const Series> series() const { return m_series; }
    const MetricRow& row(Metric metric) const { return m_rows[std::size_t(metric)]; }
    /// Index into series(); `ordinal` is the row-major position of the label values.
    std::size_t index(Metric metric, std::size_t ordinal = 0) const {
        return m_first[std::size_t(metric)] + ordinal;
    }

private:
    std::vector<MetricRow> m_rows;
    std::vector<Series> m_series;
    std::vector<std::size_t> m_first;
};

/// A value of one series: a number, or the buckets of a histogram.
using Value = std::variant<double, SparseBuckets>;

/// One row of metric values over one interval. Counters and histograms hold what the interval added.
struct Snapshot {
    std::int64_t time_ms = 0; ///< end of the interval, Unix time
    std::int64_t interval_ms = 0;
    std::vector<Value> values; ///< in the order of the series
};

} // namespace shared
