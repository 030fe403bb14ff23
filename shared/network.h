// SPDX-License-Identifier: Apache-2.0
// IP addresses and networks as people write them, for filters. Plain values, any thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace shared {

/// 4 or 16 bytes, most significant first.
using AddressBytes = std::vector<std::uint8_t>;

struct Network {
    AddressBytes bytes;
    int prefix = 0; ///< the bits that count
};

/// `10.0.0.0/8`, `fd00::/8`, or one address; bits past the prefix do not count.
std::optional<Network> parseNetwork(std::string_view text);
/// The address of a connection, with or without its port; an IPv4 one in IPv6 clothes counts as IPv4.
std::optional<AddressBytes> addressOfPeer(std::string_view text);
bool isInNetwork(const AddressBytes& address, const AddressBytes& network, int prefix);

} // namespace shared
