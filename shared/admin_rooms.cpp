// SPDX-License-Identifier: Apache-2.0
#include "shared/admin_pages.h"

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
    return pageRequestJson(*this);
}
Result<RoomsRequest> RoomsRequest::fromJson(const QJsonObject& json) {
    return pageRequest<RoomsRequest>(json);
}

QJsonObject RoomsAnswer::toJson() const {
    return pageAnswerJson(*this);
}
Result<RoomsAnswer> RoomsAnswer::fromJson(const QJsonObject& json) {
    return pageAnswer<RoomsAnswer>(json);
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
