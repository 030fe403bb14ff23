// SPDX-License-Identifier: Apache-2.0
#include "server/core/application.h"
#include "server/core/json_spans.h"
#include "server/core/names.h"
#include <algorithm>

namespace server {
namespace {

std::string_view name(shared::ErrorCode code) {
    switch (code) {
    case shared::ErrorCode::Forbidden:
        return "forbidden";
    case shared::ErrorCode::TooLarge:
        return "too_large";
    case shared::ErrorCode::RateLimited:
        return "rate_limited";
    case shared::ErrorCode::Overloaded:
    case shared::ErrorCode::Busy:
        return "overloaded";
    case shared::ErrorCode::Unavailable:
        return "unavailable";
    case shared::ErrorCode::UnknownOperation:
        return "unknown_operation";
    case shared::ErrorCode::BadRequest:
    case shared::ErrorCode::NotFound:
    case shared::ErrorCode::InvalidFilter:
    case shared::ErrorCode::Configuration:
    case shared::ErrorCode::Internal:
        return "bad_request";
    }
    return "bad_request";
}

void answer(Client& client, const Reply& reply, const shared::Result<std::string>& outcome) {
    if (!outcome && outcome.error().code != shared::ErrorCode::UnknownOperation)
        client.count(shared::ErrorKind::RefusedRequest);
    if (!reply) {
        if (!outcome)
            client.sendFailure(name(outcome.error().code), outcome.error().message);
        return;
    }
    if (outcome) {
        reply("{\"ok\":true" + *outcome + "}", {});
        return;
    }
    std::string json = "{\"ok\":false,\"error\":{\"code\":";
    appendQuoted(json, name(outcome.error().code));
    json += ",\"message\":";
    appendQuoted(json, outcome.error().message);
    json += "}}";
    reply(std::move(json), {});
}

auto badRequest(std::string sentence) {
    return shared::failure(shared::ErrorCode::BadRequest, std::move(sentence));
}

shared::Result<RoomName> roomOf(Client& client, const std::vector<std::string>& args,
                                const LimitSettings& limits) {
    auto room = roomNamed(args.empty() ? std::nullopt : jsonString(args[0]), limits);
    if (!room && room.error().code == shared::ErrorCode::TooLarge)
        client.count(shared::LimitKey::RoomNameBytes);
    return room;
}

struct PublishOptions {
    bool echo = false, isVolatile = false;
};
shared::Result<PublishOptions> optionsOf(std::string_view json) {
    PublishOptions options;
    if (json == "null")
        return options;
    const auto members = jsonMembers(json);
    if (!members)
        return badRequest("options: an object is expected");
    for (const auto& [key, value] : *members) {
        if (key != "echo" && key != "volatile")
            continue;
        if (value != "true" && value != "false")
            return badRequest("options." + key + ": true or false is expected");
        (key == "echo" ? options.echo : options.isVolatile) = value == "true";
    }
    return options;
}

/// The message that a publish asks for, all but the sender's exclusion.
shared::Result<Message> messageOf(Client& client, EventRequest& request, const LimitSettings& limits) {
    auto& args = request.args;
    if (args.size() < 2 || args.size() > 4)
        return badRequest("publish takes (room, event, data, options)");
    auto room = roomOf(client, args, limits);
    if (!room)
        return tl::unexpected(room.error());
    auto event = eventNamed(jsonString(args[1]));
    if (!event)
        return tl::unexpected(event.error());
    PublishOptions options;
    if (args.size() == 4) {
        const auto asked = optionsOf(args[3]);
        if (!asked)
            return tl::unexpected(asked.error());
        options = *asked;
    }
    Message message;
    message.nsp = request.nsp;
    message.rooms.push_back(std::move(*room));
    message.event = std::move(*event);
    message.isVolatile = options.isVolatile;
    if (args.size() > 2)
        message.args = std::move(args[2]);
    if (!request.attachments.empty()) {
        const auto used = jsonPlaceholders(message.args);
        std::vector<bool> isNamed(request.attachments.size(), false);
        for (const auto number : used.value_or(std::vector<std::uint64_t>()))
            isNamed[std::size_t(number)] = true; // the decoder has checked the range
        const bool isElsewhere = args.size() > 3 && jsonPlaceholders(args[3]) != std::vector<std::uint64_t>();
        if (isElsewhere || std::find(isNamed.begin(), isNamed.end(), false) != isNamed.end())
            return badRequest("binary may stand in data only");
        message.attachments = std::move(request.attachments);
    }
    if (!options.echo)
        message.except.emplace_back(); // filled in with the sender
    return message;
}

} // namespace

Broker::Broker(const Access& access, const Settings& settings)
    : m_access(access), m_limits(settings.limits) {}

void Broker::connected(Client&, std::string_view) {}
void Broker::disconnected(Client&) {}

void Broker::eventReceived(Client& client, EventRequest& request, Reply reply) {
    if (request.event == "publish") {
        auto message = messageOf(client, request, m_limits);
        if (!message)
            return answer(client, reply, tl::unexpected(message.error()));
        if (const auto allowed = m_access.publish(client.who(), client.nsp(), message->rooms.front());
            !allowed)
            return answer(client, reply, tl::unexpected(allowed.error()));
        if (!message->except.empty())
            message->except.front() = RoomName(client.id().text());
        const auto published = client.publish(std::move(*message));
        if (published.isOverloaded)
            return answer(client, reply,
                          shared::failure(shared::ErrorCode::Overloaded, "the node has too much under way"));
        return answer(client, reply,
                      ",\"seq\":" + std::to_string(published.seq) +
                          (published.isQueued ? std::string(",\"queued\":true") : std::string()));
    }
    if (request.event != "join" && request.event != "leave") {
        client.count(shared::ErrorKind::UnknownEvent);
        return answer(
            client, reply,
            shared::failure(shared::ErrorCode::UnknownOperation, "this node knows join, leave and publish"));
    }
    const auto room = roomOf(client, request.args, m_limits);
    if (!room)
        return answer(client, reply, tl::unexpected(room.error()));
    if (request.event == "join") {
        if (const auto allowed = m_access.join(client.who(), client.nsp(), *room); !allowed)
            return answer(client, reply, tl::unexpected(allowed.error()));
        if (const auto joined = client.join(*room); !joined)
            return answer(client, reply, tl::unexpected(joined.error()));
    } else {
        if (const auto allowed = m_access.leave(client.who(), client.nsp(), *room); !allowed)
            return answer(client, reply, tl::unexpected(allowed.error()));
        client.leave(*room);
    }
    answer(client, reply, ",\"room\":" + quotedJson(room->text()));
}

} // namespace server
