// SPDX-License-Identifier: Apache-2.0
// A session in one namespace: its member, and what the application may do with it. Shard thread.
#pragma once
#include "server/core/application.h"
#include "server/core/member.h"
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace server {

/// What a presence needs of its session.
class PresenceHost {
public:
    virtual void sendEvent(const Event& event) = 0;
    virtual Published publishFrom(Message message) = 0;
    virtual Rooms& rooms() = 0;
    virtual std::size_t roomsLimit() const = 0; ///< over all namespaces; 0: none
    virtual std::size_t seats() const = 0;      ///< taken, over all namespaces
    virtual void leaveNamespace(const NamespaceName& nsp) = 0;
    virtual void countError(shared::ErrorKind kind) = 0;
    virtual void countLimit(shared::LimitKey limit) = 0;

protected:
    ~PresenceHost() = default;
};

class Presence final : public Client {
public:
    /// Emits that may wait for an ack; beyond it the oldest is forgotten.
    static constexpr std::size_t MostAcks = 1000;

    Presence(PresenceHost& host, MemberId id, NamespaceName nsp, Recipient& recipient, Admitted who);
    Member& member() { return m_member; }
    const Member& member() const { return m_member; }
    /// An ack of the client; one that nobody waits for is ignored, as the official server does.
    void acknowledge(const AckRequest& ack);
    /// It is no longer in its namespace: whatever the application still asks of it does nothing.
    void end() { m_isOver = true; }

    const MemberId& id() const override { return m_member.id; }
    const NamespaceName& nsp() const override { return m_member.nsp; }
    const Admitted& who() const override { return m_who; }
    shared::Result<JoinOutcome> join(const RoomName& room) override;
    void leave(const RoomName& room) override;
    void emitEvent(std::string_view event, std::string_view argsJson,
                   const std::vector<std::string>& attachments, AckHandler onAck) override;
    Published publish(Message message) override;
    void disconnect() override;
    void sendFailure(std::string_view code, std::string_view message) override;
    void count(shared::ErrorKind kind) override { m_host.countError(kind); }
    void count(shared::LimitKey limit) override { m_host.countLimit(limit); }

private:
    PresenceHost& m_host;
    Member m_member;
    Admitted m_who;
    std::uint64_t m_nextAck = 0;
    std::map<std::uint64_t, AckHandler> m_acks;
    bool m_isOver = false;
};

} // namespace server
