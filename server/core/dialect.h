// SPDX-License-Identifier: Apache-2.0
// The seam of the dialects: pure codecs between Frame and Request/Event, no I/O. The table of them is in
// server/dialect.
#pragma once
#include "server/core/frame.h"
#include "server/core/request.h"
#include "shared/close_reasons.h"
#include "shared/metrics.h"
#include "shared/types.h"
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace server {

/// Why a frame cannot be decoded: ends the connection.
struct DecodeFailure {
    shared::CloseReason reason = shared::CloseReason::BadMessage;
    shared::ErrorKind kind = shared::ErrorKind::BadPacket; ///< label of weir_errors_total
    std::string sentence;                                  ///< for the log; never holds the payload
    std::optional<shared::LimitKey> limit = std::nullopt;  ///< which one it was, beside message_bytes
};

struct DecodeLimits {
    shared::Bytes message;
    int attachments = 10;
    int depth = 32; ///< of JSON
};

/// What one session's decoder remembers between frames: a binary event waiting for its attachments.
/// Costs a pointer while there is none.
class Decoder {
public:
    virtual ~Decoder() = default;
    virtual tl::expected<Request, DecodeFailure> decode(FrameKind kind, std::string_view bytes) = 0;
    /// Whether attachments are due; the session gives them 10 s.
    virtual bool isWaiting() const = 0;
};

/// One row of the dialect table. Stateless: any thread.
class Dialect {
public:
    virtual ~Dialect() = default;
    virtual std::size_t index() const = 0;     ///< its place in the table: label ordinal and encoding slot
    virtual std::string_view name() const = 0; ///< "socketio", "json"
    /// The WebSocket subprotocol that chooses it; empty: whatever a client offers first is confirmed.
    virtual std::string_view subprotocol() const = 0;
    /// What a client asks by coming in, before any frame. When it is a CONNECT there is no other: the session
    /// ends with that member.
    virtual Request opening() const = 0;
    virtual std::unique_ptr<Decoder> makeDecoder(const DecodeLimits& limits) const = 0;
    /// No frame where the dialect has no word for it.
    virtual Frames encode(const Event& event) const = 0;
};

inline constexpr std::size_t DialectSlots = 2; ///< socketio, json

} // namespace server
