// SPDX-License-Identifier: Apache-2.0
// The one table of goodbyes: why a connection ends, the WebSocket code, the sentence, and whether to come
// back.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

namespace shared {

/// In the order of the table; the row's name is the label of `weir_closes_total`.
enum class CloseReason : std::uint8_t {
    Normal,        ///< 1000
    GoingAway,     ///< 1001
    ProtocolError, ///< 1002
    Unsupported,   ///< 1003
    Lost,          ///< 1006: never sent; the peer went without a word
    BadUtf8,       ///< 1007
    TooLarge,      ///< 1009
    ServerError,   ///< 1011
    Draining,      ///< 1012
    Full,          ///< 1013
    SlowConsumer,  ///< 4008
    RateLimited,   ///< 4029
    BadMessage,    ///< 4400
    Unauthorised,  ///< 4401
    Forbidden,     ///< 4403
    PingTimeout,   ///< 4408
    Replaced,      ///< 4409
    Evicted        ///< 4410
};

enum class Retry : std::uint8_t { No, Yes, AsAsked };

struct CloseReasonRow {
    CloseReason reason;
    std::uint16_t code;
    std::string_view name;     ///< as in contracts: "slow-consumer"
    std::string_view sentence; ///< for the close frame and people; at most 123 bytes
    Retry retry;
};

std::span<const CloseReasonRow> closeReasons();
const CloseReasonRow& row(CloseReason reason);
/// The row of a close code that a peer sent; codes we do not know count as Normal (1000–4999) or Lost.
CloseReason closeReasonOfCode(std::uint16_t code);

} // namespace shared
