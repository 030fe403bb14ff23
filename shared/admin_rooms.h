// SPDX-License-Identifier: Apache-2.0
// Rooms on the admin channel, and publishing into them. Plain values, any thread.
#pragma once
#include "shared/admin_rpc.h"

namespace shared::admin {

/// A row of `rooms.list`; `rooms.get` answers one. What the node's own members make of it: a fleet's rows of
/// one room add up.
struct RoomRow {
    std::string space = "/"; ///< key "namespace"
    std::string room;
    std::int64_t members = 0;
    double messages_per_s = 0; ///< delivered in it, decaying over 10 s
    QJsonObject toJson() const;
    static Result<RoomRow> fromJson(const QJsonObject& json);
};
enum class RoomSortKey : std::uint8_t { Name, Members, MessagesPerSecond };
std::string_view name(RoomSortKey);
/// `rooms.list`. `sort` is a key, with a leading '-' for descending.
struct RoomsRequest {
    std::string filter; ///< a part of the name; empty: all rooms
    RoomSortKey sort = RoomSortKey::Name;
    bool descending = false;
    std::string cursor; ///< empty: from the start; else as the last answer gave it
    int limit = 100;    ///< 1 … LongestPage
    QJsonObject toJson() const;
    static Result<RoomsRequest> fromJson(const QJsonObject& json);
};
struct RoomsAnswer {
    std::vector<RoomRow> rows;
    std::int64_t total = 0; ///< matching, before paging
    std::string cursor;     ///< empty: this was the last page
    bool partial = false;   ///< a shard did not finish in 100 ms, or holds more rooms than are merged
    QJsonObject toJson() const;
    static Result<RoomsAnswer> fromJson(const QJsonObject& json);
};
/// `rooms.get`.
struct RoomRequest {
    std::string space = "/"; ///< key "namespace"
    std::string room;
    QJsonObject toJson() const;
    static Result<RoomRequest> fromJson(const QJsonObject& json);
};

/// `message.publish` and `POST /api/v1/publish`: to one room, or to everybody of the namespace.
struct PublishRequest {
    std::string space = "/";         ///< key "namespace"
    std::optional<std::string> room; ///< or `all`
    bool all = false;
    std::string event;
    std::optional<QJsonValue> data; ///< absent: the event has no argument
    QJsonObject toJson() const;
    static Result<PublishRequest> fromJson(const QJsonObject& json);
};
struct PublishAnswer {
    std::int64_t local = 0; ///< members of this node that it was given to
    std::int64_t nodes = 0; ///< other nodes that it was sent to
    bool queued = false;    ///< Redis is away: the others get it only if it comes back in time
    QJsonObject toJson() const;
    static Result<PublishAnswer> fromJson(const QJsonObject& json);
};

} // namespace shared::admin
