// SPDX-License-Identifier: Apache-2.0
#include "shared/admin_fields.h"

namespace shared::admin {

std::string_view name(RoomSortKey value) {
    return nameOf(value);
}

QJsonObject RoomRow::toJson() const {
    return Writer()
        .put("namespace", space)
        .put("room", room)
        .put("members", members)
        .put("messages_per_s", messages_per_s)
        .json();
}
Result<RoomRow> RoomRow::fromJson(const QJsonObject& json) {
    RoomRow out;
    Reader in(json);
    in.need("namespace", out.space)
        .need("room", out.room)
        .need("members", out.members)
        .need("messages_per_s", out.messages_per_s);
    return in.result(std::move(out));
}

QJsonObject RoomsRequest::toJson() const {
    const std::string key(name(sort));
    return Writer()
        .put("filter", filter)
        .put("sort", descending ? '-' + key : key)
        .put("cursor", cursor)
        .put("limit", limit)
        .json();
}
Result<RoomsRequest> RoomsRequest::fromJson(const QJsonObject& json) {
    RoomsRequest out;
    std::string sort(name(out.sort));
    Reader in(json);
    in.may("filter", out.filter).may("sort", sort).may("cursor", out.cursor).may("limit", out.limit);
    out.descending = sort.starts_with('-');
    const bool isKnown = read(text(std::string_view(sort).substr(out.descending ? 1 : 0)), out.sort);
    in.check("sort", isKnown, "must be one of name members messages_per_s, with - to descend")
        .check("limit", out.limit >= 1 && out.limit <= LongestPage, "must be 1 to 1000");
    return in.result(std::move(out));
}

QJsonObject RoomsAnswer::toJson() const {
    return Writer()
        .put("rows", rows)
        .put("total", total)
        .put("cursor", cursor)
        .put("partial", partial)
        .json();
}
Result<RoomsAnswer> RoomsAnswer::fromJson(const QJsonObject& json) {
    RoomsAnswer out;
    Reader in(json);
    in.rows("rows", out.rows).need("total", out.total).may("cursor", out.cursor).may("partial", out.partial);
    return in.result(std::move(out));
}

QJsonObject RoomRequest::toJson() const {
    return Writer().put("namespace", space).put("room", room).json();
}
Result<RoomRequest> RoomRequest::fromJson(const QJsonObject& json) {
    RoomRequest out;
    Reader in(json);
    in.may("namespace", out.space).need("room", out.room);
    return in.result(std::move(out));
}

QJsonObject PublishRequest::toJson() const {
    return Writer()
        .put("namespace", space)
        .put("room", room)
        .put("all", all)
        .put("event", event)
        .put("data", data)
        .json();
}
Result<PublishRequest> PublishRequest::fromJson(const QJsonObject& json) {
    PublishRequest out;
    Reader in(json);
    in.may("namespace", out.space)
        .may("room", out.room)
        .may("all", out.all)
        .need("event", out.event)
        .check("room", out.room.has_value() != out.all, "give either a room or all: true")
        .check("room", !out.room || !out.room->empty(), "must not be empty");
    if (json.contains(QStringLiteral("data"))) // null is an argument too
        out.data = json.value(QStringLiteral("data"));
    return in.result(std::move(out));
}

QJsonObject PublishAnswer::toJson() const {
    return Writer().put("local", local).put("nodes", nodes).put("queued", queued).json();
}
Result<PublishAnswer> PublishAnswer::fromJson(const QJsonObject& json) {
    PublishAnswer out;
    Reader in(json);
    in.need("local", out.local).need("nodes", out.nodes).may("queued", out.queued);
    return in.result(std::move(out));
}

} // namespace shared::admin
