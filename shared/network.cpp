// SPDX-License-Identifier: Apache-2.0
#include "shared/network.h"
#include <algorithm>
#include <charconv>

namespace shared {

namespace {

std::optional<AddressBytes> parseV4(std::string_view text) {
    AddressBytes bytes;
    const char* at = text.data();
    const char* end = at + text.size();
    while (bytes.size() < 4) {
        if (!bytes.empty() && (at == end || *at++ != '.'))
            return std::nullopt;
        std::uint8_t value = 0;
        const auto [next, error] = std::from_chars(at, end, value);
        if (error != std::errc() || next - at > 3)
            return std::nullopt;
        at = next;
        bytes.push_back(value);
    }
    return at == end ? std::optional(bytes) : std::nullopt;
}

/// One side of `::`, or all of the address. False on a mistake.
bool parseGroups(std::string_view text, AddressBytes& bytes) {
    while (!text.empty()) {
        const auto colon = text.find(':');
        const auto group = text.substr(0, colon);
        if (colon == std::string_view::npos && group.find('.') != std::string_view::npos) {
            const auto tail = parseV4(group);
            if (!tail)
                return false;
            bytes.insert(bytes.end(), tail->begin(), tail->end());
            return true;
        }
        std::uint16_t value = 0;
        const auto [next, error] = std::from_chars(group.data(), group.data() + group.size(), value, 16);
        if (error != std::errc() || next != group.data() + group.size() || group.size() > 4)
            return false;
        bytes.push_back(std::uint8_t(value >> 8));
        bytes.push_back(std::uint8_t(value & 0xff));
        if (colon == std::string_view::npos)
            return true;
        text.remove_prefix(colon + 1);
        if (text.empty() || bytes.size() > 16)
            return false;
    }
    return true;
}

std::optional<AddressBytes> parseV6(std::string_view text) {
    text = text.substr(0, text.find('%')); // a zone says nothing about the network
    const auto gap = text.find("::");
    AddressBytes head, tail;
    if (!parseGroups(text.substr(0, gap), head))
        return std::nullopt;
    if (gap == std::string_view::npos)
        return head.size() == 16 ? std::optional(head) : std::nullopt;
    if (!parseGroups(text.substr(gap + 2), tail) || head.size() + tail.size() > 14)
        return std::nullopt;
    head.resize(16 - tail.size());
    head.insert(head.end(), tail.begin(), tail.end());
    return head;
}

bool isMapped(const AddressBytes& bytes) {
    return bytes.size() == 16 &&
           std::all_of(bytes.begin(), bytes.begin() + 10, [](auto b) { return b == 0; }) &&
           bytes[10] == 0xff && bytes[11] == 0xff;
}

std::optional<AddressBytes> parseAddress(std::string_view text) {
    return text.find(':') == std::string_view::npos ? parseV4(text) : parseV6(text);
}

} // namespace

std::optional<Network> parseNetwork(std::string_view text) {
    const auto slash = text.find('/');
    auto bytes = parseAddress(text.substr(0, slash));
    if (!bytes)
        return std::nullopt;
    const int most = int(bytes->size()) * 8;
    int prefix = most;
    if (slash != std::string_view::npos) {
        const auto bits = text.substr(slash + 1);
        const auto [next, error] = std::from_chars(bits.data(), bits.data() + bits.size(), prefix);
        if (error != std::errc() || next != bits.data() + bits.size() || prefix < 0 || prefix > most)
            return std::nullopt;
    }
    if (isMapped(*bytes) && prefix >= 96) {
        bytes->erase(bytes->begin(), bytes->begin() + 12);
        prefix -= 96;
    }
    return Network{std::move(*bytes), prefix};
}

std::optional<AddressBytes> addressOfPeer(std::string_view text) {
    if (text.starts_with('[')) {
        text = text.substr(1, text.find(']') - 1);
    } else if (std::count(text.begin(), text.end(), ':') == 1) {
        text = text.substr(0, text.find(':'));
    }
    auto bytes = parseAddress(text);
    if (bytes && isMapped(*bytes))
        bytes->erase(bytes->begin(), bytes->begin() + 12);
    return bytes;
}

bool isInNetwork(const AddressBytes& address, const AddressBytes& network, int prefix) {
    if (address.size() != network.size())
        return false;
    for (std::size_t i = 0; i < network.size() && prefix > 0; ++i, prefix -= 8) {
        const int bits = std::min(prefix, 8);
        const auto mask = std::uint8_t(0xff << (8 - bits));
        if (((address[i] ^ network[i]) & mask) != 0)
            return false;
    }
    return true;
}

} // namespace shared
