// SPDX-License-Identifier: Apache-2.0
// Makes lean connections out of sockets whose WebSocket handshake is done, where the system can. Implemented
// in linux/; portable/ has none. Shard thread.
#pragma once
#include "server/core/connection.h"
#include "server/core/mail.h"
#include "server/net/connection_world.h"
#include "server/net/deflate.h"
#include <memory>
#include <optional>
#include <string_view>

namespace server {

class Adopter {
public:
    virtual ~Adopter() = default; ///< after all of its connections
    struct Newcomer {
        Descriptor socket = -1;
        std::string_view early{};              ///< what came behind the head: received before anything else
        std::optional<DeflateTerms> deflate{}; ///< as the handshake has agreed
    };
    /// Owns the descriptor from here on, also when it fails (null).
    virtual std::unique_ptr<Connection> adopt(const Newcomer& newcomer) = 0;
    /// Once in each turn of the loop: what connections could not say or read at once.
    virtual void turn() = 0;
};

/// Null where every connection stays Qt's.
std::unique_ptr<Adopter> makeAdopter(ConnectionWorld& world);

} // namespace server
