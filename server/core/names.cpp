// SPDX-License-Identifier: Apache-2.0
#include "server/core/names.h"
#include "server/core/request.h"

namespace server {
namespace {

constexpr std::size_t LongestEvent = 256;

auto badRequest(const char* sentence) {
    return shared::failure(shared::ErrorCode::BadRequest, sentence);
}

/// C0, DEL and C1, in valid UTF-8.
bool hasControls(std::string_view text) {
    unsigned char before = 0;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f || (before == 0xc2 && byte < 0xa0))
            return true;
        before = byte;
    }
    return false;
}

} // namespace

shared::Result<RoomName> roomNamed(std::optional<std::string> text, const LimitSettings& limits) {
    if (!text || text->empty())
        return badRequest("room: a text that is not empty is expected");
    if (text->size() > limits.roomName.count())
        return shared::failure(shared::ErrorCode::TooLarge,
                               "room: at most " + std::to_string(limits.roomName.count()) + " bytes");
    if (hasControls(*text))
        return badRequest("room: control characters are not allowed");
    return RoomName(std::move(*text));
}

shared::Result<std::string> eventNamed(std::optional<std::string> text) {
    if (!text || text->empty() || text->size() > LongestEvent)
        return badRequest("event: a text of 1 to 256 bytes is expected");
    if (isReservedEvent(*text) || text->rfind("weir:", 0) == 0)
        return badRequest("event: this name is reserved");
    return std::move(*text);
}

} // namespace server
