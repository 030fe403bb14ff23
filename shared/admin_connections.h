// SPDX-License-Identifier: Apache-2.0
// Connections on the admin channel: rows, pages, watching, evicting, and those that have gone. Times are Unix
// milliseconds (`_ms`) unless a name says otherwise. Plain values, any thread.
#pragma once
#include "shared/admin_rpc.h"

namespace shared::admin {

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

/// `connections.watch`, `connections.unwatch`. A watch ends with its link too.
struct WatchRequest {
    std::string id; ///< `SHARD-NUMBER`
    QJsonObject toJson() const;
    static Result<WatchRequest> fromJson(const QJsonObject& json);
};
/// What the kernel says of a TCP connection (TCP_INFO).
struct TcpState {
    double rtt_ms = 0, rtt_deviation_ms = 0;
    std::int64_t retransmits = 0;    ///< segments, in its whole life
    std::int64_t unacknowledged = 0; ///< segments on their way: many of them mean a slow network
    std::int64_t unsent_bytes = 0;   ///< not sent yet: many of them and no segment on its way, a slow reader
    std::int64_t peer_window_bytes = 0;     ///< what the peer would take now
    std::int64_t delivered_bytes_per_s = 0; ///< the kernel's estimate
    QJsonObject toJson() const;
    static Result<TcpState> fromJson(const QJsonObject& json);
};
/// Notification `connections.sample`, each second of a watch.
struct ConnectionSample {
    std::string id;
    std::int64_t time_ms = 0;
    double in_rate = 0, out_rate = 0; ///< messages of the last second, per second
    std::int64_t messages_in = 0, messages_out = 0, queue_bytes = 0;
    double idle_s = 0;
    std::optional<double> rtt_ms;     ///< of the last ping; absent before the first pong
    std::optional<TcpState> tcp;      ///< absent where the platform or the transport does not tell
    std::optional<std::string> ended; ///< in the last sample: the close reason
    QJsonObject toJson() const;
    static Result<ConnectionSample> fromJson(const QJsonObject& json);
};

/// `connections.closed`.
struct ClosedRequest {
    std::string filter; ///< the grammar of connections.list; `room` never matches here
    std::int64_t since_ms = 0;
    int limit = 100; ///< 1 … LongestPage
    QJsonObject toJson() const;
    static Result<ClosedRequest> fromJson(const QJsonObject& json);
};
struct ClosedRow {
    std::string id, address, user, dialect, transport, agent;
    std::string reason; ///< a name of shared/close_reasons
    std::string by;     ///< who ended it: "client", "node", or the operator's token name
    std::int64_t closed_ms = 0;
    double age_s = 0;
    double idle_s = 0; ///< when it was closed
    std::optional<double> rtt_ms;
    std::int64_t queue_bytes = 0, messages_in = 0, messages_out = 0;
    QJsonObject toJson() const;
    static Result<ClosedRow> fromJson(const QJsonObject& json);
};
/// Newest first.
struct ClosedAnswer {
    std::vector<ClosedRow> rows;
    std::int64_t total = 0;     ///< matching, before the limit
    std::int64_t oldest_ms = 0; ///< what closed before it may be forgotten already; 0: nothing is
    bool partial = false;       ///< a shard did not finish in 100 ms
    QJsonObject toJson() const;
    static Result<ClosedAnswer> fromJson(const QJsonObject& json);
};

} // namespace shared::admin
