// SPDX-License-Identifier: Apache-2.0
// One transport to one client: frames, pressure, liveness. Lives and dies on its shard's thread.
#pragma once
#include "server/core/frame.h"
#include "shared/admin_connections.h"
#include "shared/close_reasons.h"
#include "shared/metrics.h"
#include "shared/types.h"
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace server {

/// What the handshake told of the peer; kept for rows, access and logs.
struct Peer {
    std::string address; ///< without the port
    std::uint16_t port = 0;
    std::string agent; ///< at most 256 bytes, printable
    std::string origin;
    std::string target; ///< path and query of the handshake; never logged (it may hold a token)
    std::string token;  ///< bearer token of the handshake, empty without one; for access alone, never shown
    bool isSecure = false;
    std::string admissionKey = {}; ///< for Admission::release()
};

/// What this kind of connection can do; nothing that it cannot is ever offered to a client.
struct Capabilities {
    bool deflate = false;
    bool sharedFrames = false; ///< one prebuilt frame serves all members without a copy
    bool pressure = false;     ///< queued() is exact
};

/// Who a connection speaks to: its session. Never called after closed().
class ConnectionHost {
public:
    virtual ~ConnectionHost() = default;
    /// `bytes` lives during the call only. Whether text is UTF-8 is the dialect's to say: not every kind of
    /// connection looks.
    virtual void frameReceived(FrameKind kind, std::string_view bytes) = 0;
    /// Exactly once; the connection is dead afterwards and is destroyed by its shard.
    virtual void connectionClosed(shared::CloseReason reason) = 0;
};

enum class Reading : std::uint8_t { On, Held };

class Connection {
public:
    virtual ~Connection() = default;
    /// From the first frame on; before it nothing is received.
    virtual void start(ConnectionHost& host) = 0;
    /// Queues the frame; frames leave in order. Ignored once closing.
    virtual void send(const FramePtr& frame) = 0;
    /// Bytes that the kernel has not taken.
    virtual shared::Bytes queued() const = 0;
    /// The kernel was offered bytes and did not take them all yet: the client reads too slowly. What was only
    /// just sent, and is written at the end of the turn, does not count.
    virtual bool isStuck() const = 0;
    /// Held: after the message in hand none is received, nor an end, until it is On again; TCP pushes back.
    virtual void setReading(Reading reading) = 0;
    /// Sends a close frame with the row's code and sentence after what is queued, then ends within 1 s.
    /// SlowConsumer and Lost free the queue at once instead. Never calls back synchronously.
    virtual void close(shared::CloseReason reason) = 0;
    virtual Capabilities capabilities() const = 0;
    virtual shared::SocketKind kind() const = 0;
    /// What the kernel says of the way to the client; absent where it does not tell.
    virtual std::optional<shared::admin::TcpState> tcp() const { return std::nullopt; }
};

} // namespace server
