// SPDX-License-Identifier: Apache-2.0
#include "server/core/presence.h"

namespace server {

Presence::Presence(PresenceHost& host, MemberId id, NamespaceName nsp, Recipient& recipient, Admitted who)
    : m_host(host), m_who(std::move(who)) {
    m_member.id = std::move(id);
    m_member.nsp = std::move(nsp);
    m_member.recipient = &recipient;
}

shared::Result<JoinOutcome> Presence::join(const RoomName& room) {
    if (m_isOver)
        return shared::failure(shared::ErrorCode::Unavailable, "the client has left");
    const std::size_t limit = m_host.roomsLimit();
    if (limit > 0 && m_host.seats() >= limit && !m_host.rooms().isIn(m_member, room)) {
        m_host.countLimit(shared::LimitKey::RoomsPerSession);
        return shared::failure(shared::ErrorCode::TooLarge,
                               "room: a session may be in at most " + std::to_string(limit));
    }
    return m_host.rooms().join(m_member, room);
}

void Presence::leave(const RoomName& room) {
    if (!m_isOver)
        m_host.rooms().leave(m_member, room);
}

void Presence::emitEvent(std::string_view event, std::string_view argsJson,
                         const std::vector<std::string>& attachments, AckHandler onAck) {
    if (m_isOver)
        return;
    std::optional<std::uint64_t> ack;
    if (onAck) {
        if (m_acks.size() >= MostAcks)
            m_acks.erase(m_acks.begin());
        ack = m_nextAck++;
        m_acks.emplace(*ack, std::move(onAck));
    }
    m_host.sendEvent(EmitEvent{m_member.nsp, event, argsJson, attachments, ack});
}

void Presence::acknowledge(const AckRequest& ack) {
    const auto it = m_acks.find(ack.id);
    if (it == m_acks.end())
        return;
    const AckHandler handler = std::move(it->second);
    m_acks.erase(it);
    handler(ack);
}

Published Presence::publish(Message message) {
    if (m_isOver)
        return {};
    message.nsp = m_member.nsp;
    return m_host.publishFrom(std::move(message));
}

void Presence::sendFailure(std::string_view code, std::string_view message) {
    if (!m_isOver)
        m_host.sendEvent(FailureEvent{m_member.nsp, code, message});
}

void Presence::disconnect() {
    if (!m_isOver)
        m_host.leaveNamespace(m_member.nsp);
}

} // namespace server
