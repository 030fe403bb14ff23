// SPDX-License-Identifier: Apache-2.0
// What a Session holds: its connection, presences, deadlines and rates. Shard thread.
#pragma once
#include "server/core/presence.h"
#include "server/core/rate.h"
#include "server/core/session.h"
#include "server/core/throttle.h"

namespace server {

struct Session::Inner final : PresenceHost, TimingWheel::Target {
    enum Tag : std::uint32_t { PingDue, PongMissing, ConnectMissing, AttachmentMissing, ReadAgain };

    Inner(Session& session, SessionHost& host, shared::ConnectionId id, Peer peer, const Dialect& dialect);
    ~Inner();

    // PresenceHost
    void sendEvent(const Event& event) override;
    Published publishFrom(Message message) override;
    Rooms& rooms() override { return host.rooms(); }
    std::size_t roomsLimit() const override;
    std::size_t seats() const override;
    void leaveNamespace(const NamespaceName& nsp) override; ///< with a DISCONNECT packet
    void countError(shared::ErrorKind kind) override {
        host.counters().add(shared::Metric::ErrorsTotal, kind);
    }
    void countLimit(shared::LimitKey limit) override {
        host.counters().add(shared::Metric::LimitHitsTotal, limit);
    }
    // TimingWheel::Target
    void expired(std::uint32_t tag, TimePoint due) override;

    void send(const FramePtr& frame);
    void handle(NoRequest&) {}
    void handle(ConnectRequest& request);
    void handle(DisconnectRequest& request);
    void handle(EventRequest& request);
    void handle(AckRequest& request);
    void handle(PongRequest&);
    void handle(CloseRequest&);
    /// Of its first member, also when that has just gone.
    std::string user() const;
    Presence* find(const NamespaceName& nsp);
    void remove(Presence& presence);
    void fault(shared::ErrorKind kind, std::string_view sentence, shared::CloseReason reason);
    void end(shared::CloseReason reason);
    void closeIfSlow();
    void touch(); ///< it is active now
    bool takePlace();
    void leavePlace();
    void charge(FrameKind kind, const Request& request);
    bool isBehind() const; ///< what it has said may lie unread because we hold it back
    void observeDelivery(const Message& message);

    Session& session;
    SessionHost& host;
    const shared::ConnectionId id;
    const Peer peer;
    const Dialect& dialect;
    const std::string sid;
    std::unique_ptr<Decoder> decoder;
    std::unique_ptr<Connection> connection;
    std::vector<std::unique_ptr<Presence>> presences; ///< one a namespace
    std::vector<std::unique_ptr<Presence>> gone;      ///< may still be on the stack of the application
    std::shared_ptr<Inner*> self; ///< replies that come late look whether it is still there
    TimerHandle ping, pong, connectLimit, attachmentLimit, readAgain;
    std::unique_ptr<Throttle> throttle; ///< none where no rate is set
    TimePoint openedAt, activeAt, pingedAt;
    std::int64_t since_ms = 0;
    std::uint64_t messagesIn = 0, messagesOut = 0;
    Rate inRate, outRate;
    std::optional<std::chrono::nanoseconds> roundTrip;
    std::optional<shared::CloseReason> ending; ///< why we close it
    std::int64_t queuedAtClose = 0;            ///< closing may free the queue
    bool isOneMember = false;                  ///< its member came with the connection, and goes with it
    bool hasPlace = false;                     ///< one of the node's capacity is its own
    bool isOver = false;
};

} // namespace server
