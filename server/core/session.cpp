// SPDX-License-Identifier: Apache-2.0
#include "server/core/session.h"
#include "server/core/session_inner.h"
#include <algorithm>

namespace server {
namespace {

constexpr std::size_t LongestAgent = 120;
constexpr std::size_t MostRoomsShown = 1000;

double secondsBetween(TimePoint from, TimePoint to) {
    return std::chrono::duration<double>(to - from).count();
}

} // namespace

Session::Session(SessionHost& host, shared::ConnectionId id, Peer peer, const Dialect& dialect)
    : m_inner(std::make_unique<Inner>(*this, host, id, std::move(peer), dialect)) {}
Session::~Session() = default;

void Session::open(std::unique_ptr<Connection> connection) {
    auto& inner = *m_inner;
    const auto& settings = inner.host.settings();
    inner.connection = std::move(connection);
    inner.host.counters().add(shared::Metric::Sessions);
    if (auto* const tracer = inner.host.tracer())
        tracer->opened(*this);
    const TimePoint now = inner.host.clock().now();
    inner.ping = inner.host.wheel().add(inner.host.wheel().spread(now, settings.heartbeat.interval), inner,
                                        Inner::PingDue);
    inner.connectLimit =
        inner.host.wheel().add(now + settings.heartbeat.connectTimeout, inner, Inner::ConnectMissing);
    inner.sendEvent(OpenEvent{inner.sid, settings.heartbeat.interval, settings.heartbeat.timeout,
                              settings.limits.message.count()});
    auto opening = inner.dialect.opening();
    inner.isOneMember = std::holds_alternative<ConnectRequest>(opening);
    std::visit([&inner](auto& what) { inner.handle(what); }, opening);
    if (inner.isOneMember && inner.presences.empty())
        close(shared::CloseReason::Forbidden);
    inner.connection->start(*this);
}

shared::ConnectionId Session::id() const {
    return m_inner->id;
}
std::string_view Session::sid() const {
    return m_inner->sid;
}
const Dialect& Session::dialect() const {
    return m_inner->dialect;
}
shared::SocketKind Session::socket() const {
    return m_inner->connection->kind();
}
bool Session::isEnding() const {
    return m_inner->ending.has_value() || m_inner->isOver;
}
TimePoint Session::activeAt() const {
    return m_inner->activeAt;
}
const Peer& Session::peer() const {
    return m_inner->peer;
}
TimePoint Session::openedAt() const {
    return m_inner->openedAt;
}

void Session::connectionClosed(shared::CloseReason reason) {
    if (!m_inner->isOver)
        m_inner->end(reason);
}

void Session::deliver(Member&, Delivery& delivery) {
    auto& inner = *m_inner;
    if (inner.ending || inner.isOver)
        return;
    auto& counters = inner.host.counters();
    if (delivery.message().isVolatile && inner.connection->isStuck()) {
        counters.add(shared::Metric::DropsTotal, shared::DropReason::Volatile);
        return;
    }
    const auto& frames = delivery.frames(inner.dialect);
    for (const auto& frame : frames)
        inner.send(frame);
    if (auto* const tracer = inner.host.tracer()) {
        std::size_t bytes = 0;
        for (const auto& frame : frames)
            bytes += frame->bytes.size();
        tracer->sent(*this, DeliverEvent{delivery.message()}, bytes);
    }
    inner.touch();
    inner.outRate.add(inner.activeAt);
    ++inner.messagesOut;
    counters.add(shared::Metric::MessagesTotal, shared::Direction::Out);
    counters.add(shared::Metric::DeliveriesTotal);
    inner.observeDelivery(delivery.message());
    inner.closeIfSlow();
}

void Session::drain(std::chrono::milliseconds after) {
    for (const auto& presence : m_inner->presences)
        m_inner->sendEvent(ReconnectEvent{presence->nsp(), after, "draining"});
    close(shared::CloseReason::Draining);
}

void Session::evict(bool mayReconnect) {
    for (const auto& presence : m_inner->presences) {
        if (mayReconnect)
            m_inner->sendEvent(ReconnectEvent{presence->nsp(), std::chrono::milliseconds(0), "evicted"});
        else
            m_inner->sendEvent(DisconnectedEvent{presence->nsp()});
    }
    close(shared::CloseReason::Evicted);
}

void Session::makeWay() {
    m_inner->hasPlace = false;
    evict(false);
}

void Session::close(shared::CloseReason reason) {
    if (isEnding())
        return;
    m_inner->ending = reason;
    m_inner->queuedAtClose = std::int64_t(m_inner->connection->queued().count());
    m_inner->leavePlace();
    m_inner->connection->close(reason);
}

shared::admin::ConnectionRow Session::row() const {
    const auto& inner = *m_inner;
    const TimePoint now = inner.host.clock().now();
    shared::admin::ConnectionRow row;
    row.id = inner.id.text();
    row.address = inner.peer.address;
    row.user = inner.user();
    row.dialect = inner.dialect.name();
    row.transport = "websocket";
    row.agent = inner.peer.agent.substr(0, LongestAgent);
    row.since_ms = inner.since_ms;
    row.idle_s = secondsBetween(inner.activeAt, now);
    row.active_s = std::chrono::duration<double>(inner.activeAt.time_since_epoch()).count();
    row.rooms = std::int64_t(inner.seats());
    row.queue_bytes = inner.connection ? std::int64_t(inner.connection->queued().count()) : 0;
    row.messages_in = std::int64_t(inner.messagesIn);
    row.messages_out = std::int64_t(inner.messagesOut);
    row.in_rate = double(inner.inRate.value(now));
    row.out_rate = double(inner.outRate.value(now));
    if (inner.roundTrip)
        row.rtt_ms = std::chrono::duration<double, std::milli>(*inner.roundTrip).count();
    for (const auto& presence : inner.presences)
        row.members.push_back(presence->id().text());
    return row;
}

shared::admin::ConnectionSample Session::sample() const {
    const auto now = row();
    shared::admin::ConnectionSample sample;
    sample.id = now.id;
    sample.time_ms = m_inner->host.clock().unixMs();
    sample.messages_in = now.messages_in;
    sample.messages_out = now.messages_out;
    sample.queue_bytes = now.queue_bytes;
    sample.idle_s = now.idle_s;
    sample.rtt_ms = now.rtt_ms;
    sample.tcp = m_inner->connection ? m_inner->connection->tcp() : std::nullopt;
    return sample;
}

shared::admin::ClosedRow Session::closedRow(shared::CloseReason reason) const {
    const auto last = row();
    shared::admin::ClosedRow closed;
    closed.id = last.id;
    closed.address = last.address;
    closed.user = last.user;
    closed.dialect = last.dialect;
    closed.transport = last.transport;
    closed.agent = last.agent;
    closed.reason = shared::row(reason).name;
    closed.closed_ms = m_inner->host.clock().unixMs();
    closed.age_s = secondsBetween(m_inner->openedAt, m_inner->host.clock().now());
    closed.idle_s = last.idle_s;
    closed.rtt_ms = last.rtt_ms;
    closed.queue_bytes = std::max(last.queue_bytes, m_inner->queuedAtClose);
    closed.messages_in = last.messages_in;
    closed.messages_out = last.messages_out;
    return closed;
}

shared::admin::ConnectionDetails Session::details() const {
    shared::admin::ConnectionDetails details{row(), {}};
    for (const auto& presence : m_inner->presences) {
        for (const auto& room : m_inner->host.rooms().roomsOf(presence->member())) {
            if (details.rooms.size() == MostRoomsShown)
                return details;
            details.rooms.emplace_back(presence->nsp().text(), room.text());
        }
    }
    return details;
}

bool Session::matches(const shared::Filter& filter) const {
    if (filter.isEmpty())
        return true;
    const auto& inner = *m_inner;
    const TimePoint now = inner.host.clock().now();
    const std::string id = inner.id.text();
    shared::FilterSubject subject;
    subject.id = id;
    subject.address = inner.peer.address;
    if (!inner.presences.empty())
        subject.user = inner.presences.front()->who().user;
    subject.dialect = inner.dialect.name();
    subject.transport = "websocket";
    subject.agent = inner.peer.agent;
    subject.idle_s = secondsBetween(inner.activeAt, now);
    subject.age_s = secondsBetween(inner.openedAt, now);
    subject.queue_bytes = inner.connection ? std::int64_t(inner.connection->queued().count()) : 0;
    subject.rooms = std::int64_t(inner.seats());
    if (inner.roundTrip)
        subject.rtt_ms = std::chrono::duration<double, std::milli>(*inner.roundTrip).count();
    subject.context = &inner;
    subject.isInRoom = [](const void* context, std::string_view room) {
        const auto& held = *static_cast<const Inner*>(context);
        const RoomName name(room);
        return std::any_of(held.presences.begin(), held.presences.end(),
                           [&held, &name](const auto& presence) {
                               return held.host.rooms().isIn(presence->member(), name);
                           });
    };
    return filter.matches(subject);
}

} // namespace server
