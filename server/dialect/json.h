// SPDX-License-Identifier: Apache-2.0
// The JSON dialect: one object a text frame, liveness by the WebSocket's own pings. Stateless. Shard thread.
// Described in resources/docs/json_dialect.md.
#pragma once
#include "server/core/dialect.h"

namespace server {

class JsonDialect final : public Dialect {
public:
    std::size_t index() const override { return 1; }
    std::string_view name() const override { return "json"; }
    std::string_view subprotocol() const override { return "weir.json.v1"; }
    Request opening() const override { return ConnectRequest{NamespaceName("/"), {}}; }
    std::unique_ptr<Decoder> makeDecoder(const DecodeLimits& limits) const override;
    Frames encode(const Event& event) const override;
};

} // namespace server
