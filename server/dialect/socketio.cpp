// SPDX-License-Identifier: Apache-2.0
#include "server/dialect/socketio.h"
#include "server/core/json_args.h"
#include "server/core/json_spans.h"
#include "server/dialect/socketio_decoder.h"

namespace server {
namespace {

FramePtr text(std::string bytes) {
    return std::make_shared<const Frame>(Frame{FrameKind::Text, std::move(bytes)});
}

/// Engine.IO message, Socket.IO type, number of attachments, namespace, ack id: everything before the JSON.
std::string head(char type, const NamespaceName& nsp, std::size_t attachments,
                 std::optional<std::uint64_t> ack) {
    std::string out{'4', type};
    if (attachments > 0)
        out.append(std::to_string(attachments)).push_back('-');
    if (nsp.text() != "/")
        out.append(nsp.text()).push_back(',');
    if (ack)
        out.append(std::to_string(*ack));
    return out;
}

Frames packet(std::string bytes, const std::vector<std::string>& attachments) {
    Frames frames;
    frames.reserve(1 + attachments.size());
    frames.push_back(text(std::move(bytes)));
    for (const auto& attachment : attachments)
        frames.push_back(std::make_shared<const Frame>(Frame{FrameKind::Binary, attachment}));
    return frames;
}

void appendArgs(std::string& out, std::string_view args) {
    if (!args.empty())
        out.append(",").append(args);
}

struct Encoder {
    Frames operator()(const OpenEvent& open) const {
        std::string out = "0{\"sid\":";
        appendQuoted(out, open.sid);
        out += ",\"upgrades\":[],\"pingInterval\":" + std::to_string(open.pingInterval.count()) +
               ",\"pingTimeout\":" + std::to_string(open.pingTimeout.count()) +
               ",\"maxPayload\":" + std::to_string(open.maxPayloadBytes) + "}";
        return {text(std::move(out))};
    }
    Frames operator()(const ConnectedEvent& connected) const {
        std::string out = head('0', connected.nsp, 0, {});
        out += "{\"sid\":" + quotedJson(connected.member.text()) + "}";
        return {text(std::move(out))};
    }
    Frames operator()(const ConnectRefusedEvent& refused) const {
        std::string out = head('4', refused.nsp, 0, {});
        out += "{\"message\":" + quotedJson(refused.message);
        if (!refused.dataJson.empty())
            out.append(",\"data\":").append(refused.dataJson);
        out += "}";
        return {text(std::move(out))};
    }
    Frames operator()(const FailureEvent&) const { return {}; } // it has acks for this, and nothing else
    Frames operator()(const DeliverEvent& deliver) const {
        const Message& message = deliver.message;
        std::string out =
            head(message.attachments.empty() ? '2' : '5', message.nsp, message.attachments.size(), {});
        out += "[";
        appendQuoted(out, message.event);
        appendArgs(out, message.args);
        if (message.showStamp && message.stamp) {
            out += ",{";
            appendStampMembers(out, *message.stamp);
            out += '}';
        }
        out += "]";
        return packet(std::move(out), message.attachments);
    }
    Frames operator()(const EmitEvent& emitted) const {
        std::string out = head(emitted.attachments.empty() ? '2' : '5', emitted.nsp,
                               emitted.attachments.size(), emitted.ackId);
        out += "[";
        appendQuoted(out, emitted.event);
        appendArgs(out, emitted.args);
        out += "]";
        return packet(std::move(out), emitted.attachments);
    }
    Frames operator()(const AckEvent& ack) const {
        std::string out = head(ack.attachments.empty() ? '3' : '6', ack.nsp, ack.attachments.size(), ack.id);
        out.append("[").append(ack.args).append("]");
        return packet(std::move(out), ack.attachments);
    }
    Frames operator()(const DisconnectedEvent& gone) const { return {text(head('1', gone.nsp, 0, {}))}; }
    Frames operator()(const PingEvent&) const { return {text("2")}; }
    Frames operator()(const ReconnectEvent& hint) const {
        std::string out = head('2', hint.nsp, 0, {});
        out += "[\"weir:reconnect\",{\"after_ms\":" + std::to_string(hint.after.count()) + ",\"reason\":";
        appendQuoted(out, hint.reason);
        out += "}]";
        return {text(std::move(out))};
    }
};

} // namespace

std::unique_ptr<Decoder> SocketIoDialect::makeDecoder(const DecodeLimits& limits) const {
    return std::make_unique<SocketIoDecoder>(limits);
}

Frames SocketIoDialect::encode(const Event& event) const {
    return std::visit(Encoder{}, event);
}

} // namespace server
