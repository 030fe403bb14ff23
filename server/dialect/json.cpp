// SPDX-License-Identifier: Apache-2.0
#include "server/dialect/json.h"
#include "server/core/json_args.h"
#include "server/core/json_spans.h"
#include "server/dialect/json_decoder.h"
#include <algorithm>
#include <utility>

namespace server {
namespace {

Frames text(std::string bytes) {
    return {std::make_shared<const Frame>(Frame{FrameKind::Text, std::move(bytes)})};
}

std::string base64(std::string_view bytes) {
    static constexpr std::string_view Letters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const std::size_t many = std::min<std::size_t>(bytes.size() - at, 3);
        std::uint32_t word = 0;
        for (std::size_t i = 0; i < 3; ++i)
            word = word << 8 | (i < many ? static_cast<unsigned char>(bytes[at + i]) : 0u);
        for (std::size_t i = 0; i < 4; ++i)
            out.push_back(i <= many ? Letters[word >> (18 - 6 * i) & 63] : '=');
    }
    return out;
}

/// The arguments with {"base64":"…"} where an attachment belongs: a placeholder means nothing here.
std::string withAttachments(std::string_view args, const std::vector<std::string>& attachments) {
    const auto placeholders = jsonPlaceholderTexts(args);
    std::string out;
    std::size_t at = 0;
    for (const auto& placeholder : placeholders.value_or(std::vector<JsonPlaceholder>())) {
        const auto from = std::size_t(placeholder.text.data() - args.data());
        out.append(args.substr(at, from - at));
        at = from + placeholder.text.size();
        if (placeholder.number < attachments.size())
            out.append("{\"base64\":\"").append(base64(attachments[placeholder.number])).append("\"}");
        else
            out.append("null");
    }
    return out.append(args.substr(at));
}

void appendArgs(std::string& out, std::string_view args, const std::vector<std::string>& attachments) {
    if (attachments.empty())
        appendDataMembers(out, args);
    else
        appendDataMembers(out, withAttachments(args, attachments));
}

void appendRooms(std::string& out, const std::vector<RoomName>& rooms) {
    if (rooms.size() == 1) {
        out += ",\"room\":";
        appendQuoted(out, rooms.front().text());
    } else if (!rooms.empty()) {
        out += ",\"rooms\":";
        char before = '[';
        for (const auto& room : rooms) {
            out += std::exchange(before, ',');
            appendQuoted(out, room.text());
        }
        out += ']';
    }
}

struct Encoder {
    Frames operator()(const OpenEvent&) const { return {}; } // hello says it all, once the member is there
    Frames operator()(const ConnectedEvent& connected) const {
        std::string out = "{\"op\":\"hello\",\"id\":" + quotedJson(connected.member.text()) +
                          ",\"node\":" + quotedJson(connected.node) +
                          ",\"heartbeat_ms\":" + std::to_string(connected.pingInterval.count()) + "}";
        return text(std::move(out));
    }
    Frames operator()(const ConnectRefusedEvent& refused) const {
        return error(refused.code, refused.message);
    }
    Frames operator()(const FailureEvent& failure) const { return error(failure.code, failure.message); }
    Frames operator()(const DeliverEvent& deliver) const {
        const Message& message = deliver.message;
        std::string out = "{\"op\":\"event\"";
        appendRooms(out, message.rooms);
        out += ",\"event\":";
        appendQuoted(out, message.event);
        appendArgs(out, message.args, message.attachments);
        if (const auto& stamp = message.stamp) {
            out += ',';
            appendStampMembers(out, *stamp);
        }
        return text(std::move(out.append("}")));
    }
    Frames operator()(const EmitEvent& emitted) const {
        std::string out = "{\"op\":\"event\",\"event\":" + quotedJson(emitted.event);
        appendArgs(out, emitted.args, emitted.attachments);
        if (emitted.ackId)
            out.append(",\"id\":").append(std::to_string(*emitted.ackId));
        return text(std::move(out.append("}")));
    }
    Frames operator()(const AckEvent& ack) const {
        std::string out = "{\"op\":\"ack\",\"id\":" + std::to_string(ack.id);
        // The broker answers {"ok":…}: its members stand beside the id.
        if (ack.args.starts_with("{\"ok\":") && ack.attachments.empty() && isJson(ack.args))
            return text(out.append(",").append(ack.args.substr(1)));
        out += ",\"ok\":true";
        appendArgs(out, ack.args, ack.attachments);
        return text(std::move(out.append("}")));
    }
    Frames operator()(const DisconnectedEvent&) const { return {}; } // the close says it
    Frames operator()(const PingEvent&) const {
        return {std::make_shared<const Frame>(Frame{FrameKind::Ping, {}})};
    }
    Frames operator()(const ReconnectEvent& hint) const {
        return text("{\"op\":\"reconnect\",\"after_ms\":" + std::to_string(hint.after.count()) + "}");
    }

private:
    static Frames error(std::string_view code, std::string_view message) {
        return text("{\"op\":\"error\",\"code\":" + quotedJson(code) + ",\"message\":" + quotedJson(message) +
                    "}");
    }
};

} // namespace

std::unique_ptr<Decoder> JsonDialect::makeDecoder(const DecodeLimits& limits) const {
    return std::make_unique<JsonDecoder>(limits);
}

Frames JsonDialect::encode(const Event& event) const {
    return std::visit(Encoder{}, event);
}

} // namespace server
