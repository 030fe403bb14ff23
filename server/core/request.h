// SPDX-License-Identifier: Apache-2.0
// What a client asks (Request) and what it is told (Event), free of any dialect. Shard thread.
#pragma once
#include "server/core/message.h"
#include "shared/close_reasons.h"
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace server {

// Requests: decoded from frames.
struct ConnectRequest {
    NamespaceName nsp;
    std::string auth; ///< JSON text of the payload; empty when absent
};
struct DisconnectRequest {
    NamespaceName nsp;
};
struct EventRequest {
    NamespaceName nsp;
    std::string event; ///< decoded; a numeric name as its text
    /// JSON text of each argument, byte for byte; empty where one is absent before others.
    std::vector<std::string> args;
    std::vector<std::string> attachments;
    std::optional<std::uint64_t> ackId;
};
/// Names that official clients and servers keep for themselves.
inline bool isReservedEvent(std::string_view name) {
    constexpr std::string_view Names[] = {"connect",       "connect_error", "disconnect",
                                          "disconnecting", "newListener",   "removeListener"};
    return std::find(std::begin(Names), std::end(Names), name) != std::end(Names);
}
struct AckRequest {
    NamespaceName nsp;
    std::uint64_t id = 0;
    std::vector<std::string> args;
    std::vector<std::string> attachments;
};
struct PongRequest {};
struct CloseRequest {}; ///< the client ends the session (Engine.IO packet 1)
struct NoRequest {};    ///< a packet with no meaning here (noop, or the first part of a binary event)
using Request = std::variant<NoRequest, ConnectRequest, DisconnectRequest, EventRequest, AckRequest,
                             PongRequest, CloseRequest>;

// Events: to be encoded into frames. Views and references live during the encode call only.
struct OpenEvent {
    std::string_view sid; ///< the Engine.IO one
    std::chrono::milliseconds pingInterval, pingTimeout;
    std::uint64_t maxPayloadBytes;
};
struct ConnectedEvent {
    const NamespaceName& nsp;
    const MemberId& member;
    std::string_view node; ///< our id
    std::chrono::milliseconds pingInterval;
};
struct ConnectRefusedEvent {
    const NamespaceName& nsp;
    std::string_view message;  ///< as official clients show it: "Invalid namespace"
    std::string_view dataJson; ///< JSON text or empty
    std::string_view code = "forbidden";
};
/// A request that failed and wanted no ack; a dialect that has no word for it says nothing.
struct FailureEvent {
    const NamespaceName& nsp;
    std::string_view code; ///< one of the broker's: "bad_request"
    std::string_view message;
};
struct DeliverEvent {
    const Message& message;
};
/// To one client: an application's emit, with an ack wanted when `ackId` is set.
struct EmitEvent {
    const NamespaceName& nsp;
    std::string_view event;
    std::string_view args; ///< JSON texts joined by commas
    const std::vector<std::string>& attachments;
    std::optional<std::uint64_t> ackId;
};
struct AckEvent {
    const NamespaceName& nsp;
    std::uint64_t id;
    std::string_view args;
    const std::vector<std::string>& attachments;
};
struct DisconnectedEvent {
    const NamespaceName& nsp;
};
struct PingEvent {};
/// A drain's word: come back after a while. Socket.IO: event `weir:reconnect` in each namespace.
struct ReconnectEvent {
    const NamespaceName& nsp;
    std::chrono::milliseconds after;
    std::string_view reason;
};
using Event = std::variant<OpenEvent, ConnectedEvent, ConnectRefusedEvent, FailureEvent, DeliverEvent,
                           EmitEvent, AckEvent, DisconnectedEvent, PingEvent, ReconnectEvent>;

} // namespace server
