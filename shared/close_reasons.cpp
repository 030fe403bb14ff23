// SPDX-License-Identifier: Apache-2.0
#include "shared/close_reasons.h"
#include <array>

namespace shared {

namespace {

using enum CloseReason;

constexpr std::array Table{
    CloseReasonRow{Normal, 1000, "normal", "closed as agreed", Retry::No},
    CloseReasonRow{GoingAway, 1001, "going-away", "the client went away", Retry::Yes},
    CloseReasonRow{ProtocolError, 1002, "protocol-error", "the WebSocket protocol was broken", Retry::No},
    CloseReasonRow{Unsupported, 1003, "unsupported", "this kind of frame is not accepted here", Retry::No},
    CloseReasonRow{Lost, 1006, "lost", "the connection was lost without a close", Retry::Yes},
    CloseReasonRow{BadUtf8, 1007, "bad-utf8", "a text was not valid UTF-8", Retry::No},
    CloseReasonRow{TooLarge, 1009, "too-large", "a message was larger than this node allows", Retry::No},
    CloseReasonRow{ServerError, 1011, "server-error", "the node failed; please reconnect", Retry::Yes},
    CloseReasonRow{Draining, 1012, "draining", "this node is draining; please reconnect", Retry::Yes},
    CloseReasonRow{Full, 1013, "full", "this node is at capacity; please try again later", Retry::Yes},
    CloseReasonRow{SlowConsumer, 4008, "slow-consumer", "the client read too slowly and its queue was full",
                   Retry::Yes},
    CloseReasonRow{RateLimited, 4029, "rate-limited", "the client sent messages faster than allowed",
                   Retry::Yes},
    CloseReasonRow{BadMessage, 4400, "bad-message", "a message could not be decoded or came out of order",
                   Retry::No},
    CloseReasonRow{Unauthorised, 4401, "unauthorised", "a valid token is needed", Retry::No},
    CloseReasonRow{Forbidden, 4403, "forbidden", "this client may not connect here", Retry::No},
    CloseReasonRow{PingTimeout, 4408, "ping-timeout", "the client did not answer a ping in time", Retry::Yes},
    CloseReasonRow{Replaced, 4409, "replaced", "the same session came back elsewhere", Retry::No},
    CloseReasonRow{Evicted, 4410, "evicted", "an operator or a newer client ended this connection",
                   Retry::AsAsked},
};

constexpr bool isIndexedByReason() {
    for (std::size_t i = 0; i < Table.size(); ++i) {
        if (std::size_t(Table[i].reason) != i)
            return false;
    }
    return Table.size() == std::size_t(Evicted) + 1;
}
static_assert(isIndexedByReason(), "a row is found by its enumerator");

} // namespace

std::span<const CloseReasonRow> closeReasons() {
    return Table;
}

const CloseReasonRow& row(CloseReason reason) {
    return Table[std::size_t(reason)];
}

CloseReason closeReasonOfCode(std::uint16_t code) {
    for (const auto& candidate : Table) {
        if (candidate.code == code)
            return candidate.reason;
    }
    return code >= 1000 && code <= 4999 ? Normal : Lost;
}

} // namespace shared
