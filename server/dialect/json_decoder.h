// SPDX-License-Identifier: Apache-2.0
// Frames of one JSON session to requests; remembers nothing between them. Shard thread.
#pragma once
#include "server/core/dialect.h"

namespace server {

class JsonDecoder final : public Decoder {
public:
    explicit JsonDecoder(const DecodeLimits& limits) : m_depth(limits.depth) {}
    tl::expected<Request, DecodeFailure> decode(FrameKind kind, std::string_view bytes) override;
    bool isWaiting() const override { return false; }

private:
    const int m_depth;
};

} // namespace server
