// SPDX-License-Identifier: Apache-2.0
// Frames of one Socket.IO session to requests; remembers a binary packet until its attachments are there.
// Shard thread.
#pragma once
#include "server/core/dialect.h"
#include <optional>

namespace server {

class SocketIoDecoder final : public Decoder {
public:
    explicit SocketIoDecoder(const DecodeLimits& limits) : m_limits(limits) {}
    tl::expected<Request, DecodeFailure> decode(FrameKind kind, std::string_view bytes) override;
    bool isWaiting() const override { return m_waiting != nullptr; }

private:
    using Outcome = tl::expected<Request, DecodeFailure>;
    struct Waiting {
        Request request; ///< an EventRequest or an AckRequest
        std::vector<std::string> attachments;
        std::size_t due = 0;
        std::size_t bytes = 0;
    };
    Outcome packet(std::string_view text);
    Outcome attachment(std::string_view bytes);
    Outcome withAttachments(Request request, std::size_t count, std::size_t textBytes);

    DecodeLimits m_limits;
    std::unique_ptr<Waiting> m_waiting;
};

} // namespace server
