// SPDX-License-Identifier: Apache-2.0
// Bare sockets of the operating system, for clients by the ten thousand. Nothing blocks. Main thread.
#pragma once
#include "shared/result.h"
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bare {

/// What a read or write came to. An `error` of 0 with `isEnded`: the other side has ended it.
struct Moved {
    std::size_t bytes = 0;
    bool isEnded = false;
    int error = 0;
};

/// Begins to connect to an address literal, from `source` unless that is empty; the descriptor.
shared::Result<int> connectTo(const std::string& host, std::uint16_t port, const std::string& source);
/// How connecting ended: 0 when it is open.
int connectError(int socket);
Moved read(int socket, char* into, std::size_t most);
Moved write(int socket, std::string_view bytes);
void close(int socket);
/// `error` in words.
std::string sentence(int error);

} // namespace bare
