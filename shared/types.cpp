// SPDX-License-Identifier: Apache-2.0
#include "shared/types.h"
#include <charconv>

namespace shared {

std::string ConnectionId::text() const {
    return std::to_string(shard) + '-' + std::to_string(number);
}

bool ConnectionId::parse(std::string_view text, ConnectionId& out) {
    const auto dash = text.find('-');
    if (dash == std::string_view::npos)
        return false;
    ConnectionId id;
    const char* begin = text.data();
    const char* middle = begin + dash;
    const char* end = begin + text.size();
    const auto shardEnd = std::from_chars(begin, middle, id.shard);
    const auto numberEnd = std::from_chars(middle + 1, end, id.number);
    if (shardEnd.ec != std::errc() || shardEnd.ptr != middle || numberEnd.ec != std::errc() ||
        numberEnd.ptr != end)
        return false;
    // One connection has one spelling, so that ids can be compared as texts.
    if (id.text() != text)
        return false;
    out = id;
    return true;
}

} // namespace shared
