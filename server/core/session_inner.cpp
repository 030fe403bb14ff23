// SPDX-License-Identifier: Apache-2.0
#include "server/core/session_inner.h"
#include <algorithm>
#include <utility>

namespace server {
namespace {

constexpr seconds AttachmentTime{10};
constexpr seconds MostLag{1}; // of a deadline, beyond which a pong that is missing may be our fault

} // namespace

Session::Inner::Inner(Session& session, SessionHost& host, shared::ConnectionId id, Peer peer,
                      const Dialect& dialect)
    : session(session), host(host), id(id), peer(std::move(peer)), dialect(dialect),
      sid(makeId(host.shard())),
      decoder(dialect.makeDecoder(
          {host.settings().limits.message, host.settings().limits.attachments, /*depth*/ 32})),
      self(std::make_shared<Inner*>(this)), openedAt(host.clock().now()), activeAt(openedAt),
      since_ms(host.clock().unixMs()) {}

Session::Inner::~Inner() {
    for (TimerHandle* handle : {&ping, &pong, &connectLimit, &attachmentLimit, &readAgain})
        host.wheel().cancel(*handle);
    for (const auto& presence : presences)
        host.rooms().remove(presence->member());
    leavePlace();
}

void Session::Inner::touch() {
    activeAt = host.clock().now();
    if (hasPlace)
        host.activity().add(session);
}

bool Session::Inner::takePlace() {
    hasPlace = hasPlace || host.takePlace();
    touch();
    return hasPlace;
}

void Session::Inner::leavePlace() {
    host.activity().remove(session);
    if (std::exchange(hasPlace, false))
        host.givePlaceBack();
}

void Session::Inner::send(const FramePtr& frame) {
    host.counters().add(shared::Metric::BytesTotal, shared::Direction::Out,
                        std::int64_t(frame->bytes.size()));
    connection->send(frame);
}

void Session::Inner::sendEvent(const Event& event) {
    if (ending || isOver)
        return;
    std::size_t bytes = 0;
    for (const auto& frame : dialect.encode(event)) {
        send(frame);
        bytes += frame->bytes.size();
    }
    if (auto* const tracer = host.tracer())
        tracer->sent(session, event, bytes);
    if (std::holds_alternative<EmitEvent>(event) || std::holds_alternative<AckEvent>(event)) {
        host.counters().add(shared::Metric::MessagesTotal, shared::Direction::Out);
        ++messagesOut;
        outRate.add(host.clock().now());
    }
    closeIfSlow();
}

void Session::Inner::closeIfSlow() {
    if (ending || connection->queued() <= host.settings().limits.queue)
        return;
    host.counters().add(shared::Metric::LimitHitsTotal, shared::LimitKey::QueueBytes);
    session.close(shared::CloseReason::SlowConsumer);
}

Published Session::Inner::publishFrom(Message message) {
    if (host.stamper().isSampled())
        message.decodedAt = host.clock().now();
    return host.router().publish(std::move(message), host.stamper(), host.counters());
}

std::size_t Session::Inner::roomsLimit() const {
    return std::size_t(host.settings().limits.roomsPerSession);
}

std::size_t Session::Inner::seats() const {
    std::size_t count = 0;
    for (const auto& presence : presences)
        count += presence->member().seats.size();
    return count;
}

std::string Session::Inner::user() const {
    const auto& known = presences.empty() ? gone : presences;
    if (known.empty())
        return {};
    return (presences.empty() ? known.back() : known.front())->who().user; // the first one goes last
}

Presence* Session::Inner::find(const NamespaceName& nsp) {
    const auto it = std::find_if(presences.begin(), presences.end(),
                                 [&nsp](const auto& presence) { return presence->nsp() == nsp; });
    return it == presences.end() ? nullptr : it->get();
}

void Session::Inner::remove(Presence& presence) {
    const auto it = std::find_if(presences.begin(), presences.end(),
                                 [&presence](const auto& p) { return p.get() == &presence; });
    gone.push_back(std::move(*it));
    presences.erase(it);
    host.rooms().remove(presence.member());
    host.counters().add(shared::Metric::Members, 0, -1);
    host.application().disconnected(presence);
    presence.end();
}

void Session::Inner::leaveNamespace(const NamespaceName& nsp) {
    if (Presence* presence = find(nsp)) {
        sendEvent(DisconnectedEvent{presence->nsp()});
        remove(*presence);
        if (isOneMember)
            session.close(shared::CloseReason::Normal);
    }
}

void Session::Inner::fault(shared::ErrorKind kind, std::string_view sentence, shared::CloseReason reason) {
    countError(kind);
    host.clientFault(session, sentence);
    session.close(reason);
}

void Session::Inner::handle(ConnectRequest& request) {
    if (find(request.nsp))
        return fault(shared::ErrorKind::BadPacket, "a second CONNECT to the same namespace",
                     shared::CloseReason::BadMessage);
    auto admitted = host.access().connect(request.nsp, request.auth, peer);
    if (!admitted)
        return sendEvent(ConnectRefusedEvent{request.nsp, admitted.error().message, {}});
    if (!takePlace()) {
        sendEvent(ConnectRefusedEvent{request.nsp, "server full", {}, "overloaded"});
        return session.close(shared::CloseReason::Full);
    }
    host.wheel().cancel(connectLimit);
    presences.push_back(std::make_unique<Presence>(*this, MemberId(makeId(host.shard())), request.nsp,
                                                   session, std::move(*admitted)));
    Presence& presence = *presences.back();
    host.rooms().add(presence.member());
    host.counters().add(shared::Metric::Members);
    sendEvent(ConnectedEvent{presence.nsp(), presence.id(), host.node(), host.settings().heartbeat.interval});
    host.application().connected(presence, request.auth);
}

void Session::Inner::handle(DisconnectRequest& request) {
    if (Presence* presence = find(request.nsp))
        remove(*presence);
    else
        fault(shared::ErrorKind::BadPacket, "a DISCONNECT from a namespace it is not in",
              shared::CloseReason::BadMessage);
}

void Session::Inner::handle(EventRequest& request) {
    Presence* presence = find(request.nsp);
    if (!presence)
        return fault(shared::ErrorKind::BadPacket, "an event for a namespace it is not in",
                     shared::CloseReason::BadMessage);
    touch();
    inRate.add(activeAt);
    ++messagesIn;
    host.counters().add(shared::Metric::MessagesTotal, shared::Direction::In);
    Reply reply;
    if (request.ackId) {
        reply = [still = std::weak_ptr<Inner*>(self), nsp = request.nsp,
                 ack = *request.ackId](std::string args, std::vector<std::string> attachments) {
            const auto alive = still.lock();
            if (alive && (*alive)->find(nsp))
                (*alive)->sendEvent(AckEvent{nsp, ack, args, attachments});
        };
    }
    host.application().eventReceived(*presence, request, std::move(reply));
}

void Session::Inner::handle(AckRequest& request) {
    Presence* presence = find(request.nsp);
    if (!presence)
        return fault(shared::ErrorKind::BadPacket, "an ack for a namespace it is not in",
                     shared::CloseReason::BadMessage);
    touch();
    presence->acknowledge(request);
}

void Session::Inner::handle(PongRequest&) {
    if (!host.wheel().cancel(pong))
        return; // not asked for: neither harm nor use
    roundTrip = host.clock().now() - pingedAt;
    host.counters().observe(shared::Metric::PingRoundTripSeconds, *roundTrip);
}

void Session::Inner::handle(CloseRequest&) {
    session.close(shared::CloseReason::Normal);
}

void Session::Inner::expired(std::uint32_t tag, TimePoint due) {
    if (ending)
        return; // the connection ends within a second; nothing is asked of it any more
    switch (Tag(tag)) {
    case PingDue:
        ping = host.wheel().add(due + host.settings().heartbeat.interval, *this, PingDue);
        if (host.wheel().isWaiting(pong))
            return; // one question at a time, so that a round trip is that of its own ping
        pingedAt = host.clock().now();
        pong = host.wheel().add(pingedAt + host.settings().heartbeat.timeout, *this, PongMissing);
        return sendEvent(PingEvent{});
    case PongMissing:
        if (host.clock().now() - due < MostLag && !isBehind())
            return session.close(shared::CloseReason::PingTimeout);
        // We were the ones who stood still or held it back: the pong may lie unread, so it gets the time that
        // we did not have.
        pong = host.wheel().add(host.clock().now() + host.settings().heartbeat.timeout, *this, PongMissing);
        return;
    case ConnectMissing:
        return fault(shared::ErrorKind::BadPacket, "no CONNECT within heartbeat.connect_timeout_ms",
                     shared::CloseReason::BadMessage);
    case AttachmentMissing:
        if (isBehind()) {
            attachmentLimit = host.wheel().add(host.clock().now() + AttachmentTime, *this, AttachmentMissing);
            return;
        }
        return fault(shared::ErrorKind::BadPacket, "attachments that were announced did not come within 10 s",
                     shared::CloseReason::BadMessage);
    case ReadAgain:
        throttle->release(host.clock().now());
        if (throttle->isExceeded())
            return session.close(shared::CloseReason::RateLimited);
        connection->setReading(Reading::On);
    }
}

/// Attachments belong to their message, and a pong that was asked for is not the client's wish.
void Session::Inner::charge(FrameKind kind, const Request& request) {
    const auto& limits = host.settings().limits;
    if (limits.messagesPerSecond <= 0 || kind == FrameKind::Binary ||
        (std::holds_alternative<PongRequest>(request) && host.wheel().isWaiting(pong)))
        return;
    if (!throttle)
        throttle = std::make_unique<Throttle>();
    const auto now = host.clock().now();
    const auto wait = throttle->take(now, limits);
    if (!wait)
        return;
    host.counters().add(shared::Metric::LimitHitsTotal, shared::LimitKey::MessagesPerS);
    connection->setReading(Reading::Held);
    readAgain = host.wheel().add(now + std::chrono::ceil<milliseconds>(*wait), *this, ReadAgain);
}

bool Session::Inner::isBehind() const {
    return throttle && throttle->isBehind(host.clock().now());
}

void Session::Inner::observeDelivery(const Message& message) {
    auto& counters = host.counters();
    if (message.decodedAt) {
        counters.observe(shared::Metric::DeliverySeconds, host.clock().now() - *message.decodedAt,
                         std::size_t(shared::DeliveryPath::Local));
    } else if (message.sampledTs_ms) {
        const milliseconds took(host.clock().unixMs() - *message.sampledTs_ms);
        if (took.count() < 0)
            counters.add(shared::Metric::ClockSkewTotal);
        counters.observe(shared::Metric::DeliverySeconds, std::max(took, milliseconds(0)),
                         std::size_t(shared::DeliveryPath::Cluster));
    }
}

void Session::Inner::end(shared::CloseReason reason) {
    isOver = true;
    leavePlace();
    reason = ending.value_or(reason);
    host.counters().add(shared::Metric::Sessions, 0, -1);
    if (reason == shared::CloseReason::SlowConsumer) // its connection may have judged so by itself
        host.counters().add(shared::Metric::DropsTotal, shared::DropReason::SlowConsumer);
    if (auto* const tracer = host.tracer()) // while its rooms and user can still be filtered
        tracer->ended(session, shared::row(reason).name);
    while (!presences.empty())
        remove(*presences.back());
    for (TimerHandle* handle : {&ping, &pong, &connectLimit, &attachmentLimit, &readAgain})
        host.wheel().cancel(*handle);
    host.sessionEnded(session, reason);
}

void Session::frameReceived(FrameKind kind, std::string_view bytes) {
    auto& inner = *m_inner;
    inner.gone.clear();
    if (inner.ending || inner.isOver)
        return;
    inner.host.counters().add(shared::Metric::BytesTotal, shared::Direction::In, std::int64_t(bytes.size()));
    auto request = inner.decoder->decode(kind, bytes);
    if (!request && request.error().limit)
        inner.countLimit(*request.error().limit);
    if (!request)
        return inner.fault(request.error().kind, request.error().sentence, request.error().reason);
    if (auto* const tracer = inner.host.tracer())
        tracer->received(*this, *request, bytes.size());
    if (!inner.decoder->isWaiting())
        inner.host.wheel().cancel(inner.attachmentLimit);
    else if (!inner.host.wheel().isWaiting(inner.attachmentLimit))
        inner.attachmentLimit = inner.host.wheel().add(inner.host.clock().now() + AttachmentTime, inner,
                                                       Inner::AttachmentMissing);
    inner.charge(kind, *request);
    std::visit([&inner](auto& what) { inner.handle(what); }, *request);
}

} // namespace server
