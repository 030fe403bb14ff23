// SPDX-License-Identifier: Apache-2.0
// One client's life on top of a connection: open packet, heartbeat, members, acks, limits, goodbye. Shard
// thread.
#pragma once
#include "server/core/access.h"
#include "server/core/activity.h"
#include "server/core/application.h"
#include "server/core/connection.h"
#include "server/core/dialect.h"
#include "server/core/rooms.h"
#include "server/core/router.h"
#include "server/core/timing_wheel.h"
#include "server/core/tracer.h"
#include "shared/admin_protocol.h"
#include <memory>
#include <optional>
#include <string>

namespace server {

class Session;

/// What a session needs of its shard. Outlives all sessions.
class SessionHost {
public:
    virtual ~SessionHost() = default;
    /// Null while nobody traces: one look at a member, and that is what tracing costs then.
    Tracer* tracer() const { return m_tracer; }
    /// The session is over (its connection closed): the host counts it and destroys it later, never inside
    /// this call.
    virtual void sessionEnded(Session& session, shared::CloseReason reason) = 0;
    virtual const Settings& settings() const = 0;
    virtual const Access& access() const = 0;
    virtual Application& application() = 0;
    virtual Rooms& rooms() = 0;
    virtual Router& router() = 0;
    virtual Stamper& stamper() = 0;
    virtual Counters& counters() = 0;
    virtual TimingWheel& wheel() = 0;
    virtual const Clock& clock() const = 0;
    virtual ShardIndex shard() const = 0;
    virtual ActivityOrder& activity() = 0;
    /// A place for a session that enters its first namespace; on a full node the least active one may have to
    /// go for it. False: there is none.
    virtual bool takePlace() = 0;
    virtual void givePlaceBack() = 0;
    virtual std::string_view node() const = 0; ///< our id
    /// One line about a client's fault, rate limited by the host.
    virtual void clientFault(const Session& session, std::string_view sentence) = 0;

protected:
    Tracer* m_tracer = nullptr;
};

/// Listed by its activity from its first namespace until it closes.
class Session final : public ConnectionHost, public Recipient, public ActivityOrder::Entry {
public:
    Session(SessionHost& host, shared::ConnectionId id, Peer peer, const Dialect& dialect);
    ~Session() override;
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// Takes the connection, sends the open packet, starts heartbeat and connect time-out.
    void open(std::unique_ptr<Connection> connection);
    shared::ConnectionId id() const;
    std::string_view sid() const; ///< the Engine.IO one: secret, never logged or shown
    const Dialect& dialect() const;
    shared::SocketKind socket() const; ///< once it is open

    // ConnectionHost
    void frameReceived(FrameKind kind, std::string_view bytes) override;
    void connectionClosed(shared::CloseReason reason) override;
    // Recipient
    void deliver(Member& member, Delivery& delivery) override;

    /// Draining: the reconnect hint in each namespace, then 1012 without a DISCONNECT packet.
    void drain(std::chrono::milliseconds after);
    /// Evicted: DISCONNECT in each namespace, then 4410, unless it may come back (then like a drain, with
    /// 4410).
    void evict(bool mayReconnect);
    /// Evicted for a newcomer, who takes over its place.
    void makeWay();
    void close(shared::CloseReason reason);
    bool isEnding() const;

    shared::admin::ConnectionRow row() const;
    shared::admin::ConnectionDetails details() const;
    bool matches(const shared::Filter& filter) const;
    TimePoint openedAt() const;
    /// How it is now, for one who watches it.
    shared::admin::ConnectionSample sample() const;
    /// What is remembered of it: once it is over.
    shared::admin::ClosedRow closedRow(shared::CloseReason reason) const;
    TimePoint activeAt() const; ///< the last event or ack of the client, or delivery to it
    const Peer& peer() const;

private:
    struct Inner;
    std::unique_ptr<Inner> m_inner;
};

} // namespace server
