// SPDX-License-Identifier: Apache-2.0
#include "server/dialect/json_decoder.h"
#include "server/core/json_spans.h"
#include <algorithm>
#include <charconv>
#include <simdjson.h>

namespace server {
namespace {

/// What a client whose numbers are doubles (a browser) can still tell apart.
constexpr std::uint64_t LargestId = (std::uint64_t(1) << 53) - 1;

auto bad(shared::ErrorKind kind, std::string sentence,
         shared::CloseReason reason = shared::CloseReason::BadMessage) {
    return tl::unexpected<DecodeFailure>(DecodeFailure{reason, kind, std::move(sentence)});
}

std::optional<std::uint64_t> idOf(std::string_view text) {
    std::uint64_t id = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, id);
    if (error != std::errc() || stop != end || id > LargestId)
        return std::nullopt;
    return id;
}

/// The members of one object by name, whose texts are empty where they are absent.
class Fields {
public:
    explicit Fields(const JsonMembers& members) : m_members(members) {}
    std::string_view text(std::string_view name) const {
        const auto found = std::find_if(m_members.begin(), m_members.end(),
                                        [name](const auto& member) { return member.first == name; });
        return found == m_members.end() ? std::string_view() : found->second;
    }
    bool has(std::string_view name) const { return !text(name).empty(); }

private:
    const JsonMembers& m_members;
};

/// The arguments as the broker takes them, those at the end left out when they are absent.
std::vector<std::string> arguments(const Fields& fields, std::initializer_list<std::string_view> names) {
    std::vector<std::string> args;
    for (const auto name : names)
        args.emplace_back(fields.text(name));
    while (!args.empty() && args.back().empty())
        args.pop_back();
    return args;
}

} // namespace

tl::expected<Request, DecodeFailure> JsonDecoder::decode(FrameKind kind, std::string_view bytes) {
    switch (kind) {
    case FrameKind::Pong:
        return Request(PongRequest{});
    case FrameKind::Ping:
        return Request(NoRequest{});
    case FrameKind::Binary:
        return bad(shared::ErrorKind::BadFrame, "a binary frame: this dialect is text",
                   shared::CloseReason::Unsupported);
    case FrameKind::Text:
        break;
    }
    if (!simdjson::validate_utf8(bytes.data(), bytes.size()))
        return bad(shared::ErrorKind::BadFrame, "a text frame that is not UTF-8",
                   shared::CloseReason::BadUtf8);
    const auto members = jsonMembers(bytes, m_depth);
    if (!members)
        return bad(shared::ErrorKind::BadJson, "a frame that is no JSON object, or says a key twice");
    const Fields fields(*members);
    const auto op = jsonString(fields.text("op"));
    if (!op || op->empty())
        return bad(shared::ErrorKind::BadPacket, "an object without `op`, or one that is no text");
    std::optional<std::uint64_t> id;
    if (fields.has("id")) {
        id = idOf(fields.text("id"));
        if (!id)
            return bad(shared::ErrorKind::BadPacket, "an `id` that is no whole number from 0 to 2^53 - 1");
    }
    if (*op == "ack") {
        if (!id)
            return bad(shared::ErrorKind::BadPacket, "an ack without an `id`");
        return Request(AckRequest{NamespaceName("/"), *id, arguments(fields, {"data"}), {}});
    }
    EventRequest event{NamespaceName("/"), *op, {}, {}, id};
    if (*op == "publish")
        event.args = arguments(fields, {"room", "event", "data", "options"});
    else
        event.args = arguments(fields, {"room"});
    return Request(std::move(event));
}

} // namespace server
