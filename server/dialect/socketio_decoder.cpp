// SPDX-License-Identifier: Apache-2.0
#include "server/dialect/socketio_decoder.h"
#include "server/core/json_spans.h"
#include <algorithm>
#include <charconv>
#include <simdjson.h>

namespace server {
namespace {

auto bad(shared::ErrorKind kind, std::string sentence,
         shared::CloseReason reason = shared::CloseReason::BadMessage) {
    return tl::unexpected<DecodeFailure>(DecodeFailure{reason, kind, std::move(sentence), {}});
}
auto badPacket(std::string sentence) {
    return bad(shared::ErrorKind::BadPacket, std::move(sentence));
}
auto badJson(std::string sentence) {
    return bad(shared::ErrorKind::BadJson, std::move(sentence));
}

bool isDigit(char c) {
    return c >= '0' && c <= '9';
}

/// The digits at the front of `text`, taken off it; nothing when there are none or more than fit.
std::optional<std::uint64_t> takeNumber(std::string_view& text) {
    const auto length = std::size_t(std::find_if_not(text.begin(), text.end(), isDigit) - text.begin());
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + length, number);
    if (length == 0 || error != std::errc())
        return std::nullopt;
    text.remove_prefix(length);
    return number;
}

/// The namespace at the front of a packet, taken off it; its query is no part of its name.
NamespaceName takeNamespace(std::string_view& text) {
    if (text.empty() || text.front() != '/')
        return NamespaceName("/");
    const auto comma = text.find(',');
    std::string_view name = text.substr(0, comma);
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    return NamespaceName(name.substr(0, name.find('?')));
}

std::vector<std::string> texts(const std::vector<std::string_view>& views, std::size_t from) {
    return {views.begin() + std::ptrdiff_t(from), views.end()};
}

} // namespace

SocketIoDecoder::Outcome SocketIoDecoder::decode(FrameKind kind, std::string_view bytes) {
    switch (kind) {
    case FrameKind::Binary:
        return attachment(bytes);
    case FrameKind::Ping:
    case FrameKind::Pong:
        return Request(NoRequest{}); // its own heartbeat is the one that counts
    case FrameKind::Text:
        break;
    }
    if (!simdjson::validate_utf8(bytes.data(), bytes.size()))
        return bad(shared::ErrorKind::BadFrame, "a text frame that is not UTF-8",
                   shared::CloseReason::BadUtf8);
    if (bytes.empty())
        return badPacket("an empty Engine.IO packet");
    switch (bytes.front()) {
    case '1':
        return Request(CloseRequest{});
    case '2':
        return badPacket(
            "a ping from the client: Engine.IO 4 clients answer pings (is it a version 3 client?)");
    case '3':
        return Request(PongRequest{});
    case '4':
        if (m_waiting)
            return badPacket("a text packet while attachments are due");
        return packet(bytes.substr(1));
    case '6':
        return Request(NoRequest{});
    default:
        return badPacket("an Engine.IO packet of unknown type");
    }
}

SocketIoDecoder::Outcome SocketIoDecoder::packet(std::string_view text) {
    const std::size_t textBytes = text.size();
    if (text.empty())
        return badPacket("an empty Socket.IO packet");
    const char type = text.front();
    text.remove_prefix(1);
    std::size_t attachments = 0;
    if (type == '5' || type == '6') {
        const auto count = takeNumber(text);
        if (!count || text.empty() || text.front() != '-' || *count == 0)
            return badPacket("a binary packet without a number of attachments");
        if (*count > std::uint64_t(m_limits.attachments))
            return tl::unexpected<DecodeFailure>(DecodeFailure{
                shared::CloseReason::BadMessage, shared::ErrorKind::TooLarge,
                "more attachments than limits.attachments allows", shared::LimitKey::Attachments});
        text.remove_prefix(1);
        attachments = std::size_t(*count);
    }
    NamespaceName nsp = takeNamespace(text);
    std::optional<std::uint64_t> ack;
    if (!text.empty() && isDigit(text.front())) {
        ack = takeNumber(text);
        if (!ack)
            return badPacket("an ack id that is too large");
    }
    switch (type) {
    case '0': {
        const bool isObject = !text.empty() && text.front() == '{';
        if (ack || (!text.empty() && (!isObject || !isJson(text, m_limits.depth))))
            return badJson("a CONNECT whose payload is no JSON object");
        return Request(ConnectRequest{std::move(nsp), std::string(text)});
    }
    case '1':
        if (ack || !text.empty())
            return badPacket("a DISCONNECT with a payload");
        return Request(DisconnectRequest{std::move(nsp)});
    case '2':
    case '5': {
        const auto elements = jsonElements(text, m_limits.depth);
        if (!elements || elements->empty())
            return badJson("an EVENT whose payload is no JSON array with a name");
        const std::string_view name = elements->front();
        EventRequest event{std::move(nsp), {}, texts(*elements, 1), {}, ack};
        if (name.front() == '"') {
            auto decoded = jsonString(name);
            if (!decoded)
                return badJson("an event name that is no text");
            event.event = std::move(*decoded);
        } else if (isDigit(name.front()) || name.front() == '-') {
            event.event = name;
        } else {
            return badPacket("an event name that is neither text nor number");
        }
        if (isReservedEvent(event.event))
            return badPacket("an event with a reserved name");
        return withAttachments(std::move(event), attachments, textBytes);
    }
    case '3':
    case '6': {
        const auto elements = jsonElements(text, m_limits.depth);
        if (!elements || !ack)
            return badJson("an ACK without an id or a JSON array");
        return withAttachments(AckRequest{std::move(nsp), *ack, texts(*elements, 0), {}}, attachments,
                               textBytes);
    }
    default:
        return badPacket("a Socket.IO packet of unknown type");
    }
}

SocketIoDecoder::Outcome SocketIoDecoder::withAttachments(Request request, std::size_t count,
                                                          std::size_t textBytes) {
    if (count == 0)
        return request;
    const auto& args = std::holds_alternative<EventRequest>(request) ? std::get<EventRequest>(request).args
                                                                     : std::get<AckRequest>(request).args;
    for (const auto& arg : args) {
        const auto numbers = jsonPlaceholders(arg);
        if (!numbers || std::any_of(numbers->begin(), numbers->end(), [count](auto n) { return n >= count; }))
            return badPacket("a placeholder that names no attachment");
    }
    m_waiting = std::make_unique<Waiting>(Waiting{std::move(request), {}, count, textBytes});
    return Request(NoRequest{});
}

SocketIoDecoder::Outcome SocketIoDecoder::attachment(std::string_view bytes) {
    if (!m_waiting)
        return badPacket("a binary frame when no attachment is due");
    m_waiting->bytes += bytes.size();
    if (m_waiting->bytes > m_limits.message.count())
        return bad(shared::ErrorKind::TooLarge, "a packet with its attachments over limits.message_bytes",
                   shared::CloseReason::TooLarge);
    m_waiting->attachments.emplace_back(bytes);
    if (m_waiting->attachments.size() < m_waiting->due)
        return Request(NoRequest{});
    const auto whole = std::move(m_waiting);
    if (auto* event = std::get_if<EventRequest>(&whole->request))
        event->attachments = std::move(whole->attachments);
    else
        std::get<AckRequest>(whole->request).attachments = std::move(whole->attachments);
    return std::move(whole->request);
}

} // namespace server
