// SPDX-License-Identifier: Apache-2.0
// Engine.IO 4 over WebSocket with Socket.IO 5 in it. Stateless but for the decoder of each session. Shard
// thread. Source: engine.io-protocol v4, socket.io-protocol v5.
#pragma once
#include "server/core/dialect.h"

namespace server {

class SocketIoDialect final : public Dialect {
public:
    std::size_t index() const override { return 0; }
    std::string_view name() const override { return "socketio"; }
    std::string_view subprotocol() const override { return {}; }
    Request opening() const override { return NoRequest{}; }
    std::unique_ptr<Decoder> makeDecoder(const DecodeLimits& limits) const override;
    Frames encode(const Event& event) const override;
};

} // namespace server
