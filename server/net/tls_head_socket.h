// SPDX-License-Identifier: Apache-2.0
// A peer before its upgrade that speaks TLS: shakes hands by Qt without blocking, then reads like any other.
// Shard thread.
#pragma once
#include "server/net/raw_socket.h"
#include <QSslConfiguration>

namespace server {

/// Takes the descriptor, also when it fails (null). The host is told in turns of their own, never from inside
/// Qt's decryption, so that it may destroy the socket.
std::unique_ptr<HeadSocket> takeTls(Descriptor socket, HeadSocket::Host& host,
                                    const QSslConfiguration& configuration);

} // namespace server
