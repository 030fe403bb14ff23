// SPDX-License-Identifier: Apache-2.0
#include "server/net/linux/adopted_connection.h"
#include "server/net/raw_socket.h"
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <span>
#include <sys/socket.h>
#include <sys/uio.h>
#include <utility>

namespace server {

using shared::Bytes;
using shared::CloseReason;

namespace {

constexpr std::chrono::milliseconds CloseTime{1000};
constexpr std::uint16_t NoCode = 1005; // RFC 6455 §7.4.1: a close frame without one

bool isTransient(int error) {
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/// §5.5.1: the answer to a close frame says the peer's own code.
std::string codePayload(std::uint16_t code) {
    if (code == NoCode)
        return {};
    return {char(code >> 8), char(code & 0xff)};
}

} // namespace

std::unique_ptr<Adopter> makeAdopter(ConnectionWorld& world) {
    auto* const dispatcher = qobject_cast<EpollDispatcher*>(QAbstractEventDispatcher::instance());
    if (dispatcher == nullptr)
        return nullptr;
    return std::make_unique<LinuxAdopter>(world, *dispatcher);
}

// The adopter -------------------------------------------------------------------------------------------

LinuxAdopter::LinuxAdopter(ConnectionWorld& world, EpollDispatcher& dispatcher)
    : m_world(world), m_dispatcher(dispatcher), m_deflation(world.deflate, world.counters, world.clock) {}

std::unique_ptr<Connection> LinuxAdopter::adopt(const Newcomer& newcomer) {
    if (newcomer.socket == -1)
        return nullptr;
    auto connection = std::make_unique<AdoptedConnection>(*this, newcomer);
    if (!connection->isWatched())
        return nullptr;
    return connection;
}

void LinuxAdopter::expectTurn(AdoptedConnection& connection) {
    m_due.push_back(&connection);
    m_dispatcher.wakeUp();
}

void LinuxAdopter::forget(const AdoptedConnection& connection) {
    std::replace(m_due.begin(), m_due.end(), const_cast<AdoptedConnection*>(&connection),
                 static_cast<AdoptedConnection*>(nullptr));
    std::replace(m_turn.begin(), m_turn.end(), const_cast<AdoptedConnection*>(&connection),
                 static_cast<AdoptedConnection*>(nullptr));
}

void LinuxAdopter::turn() {
    m_turn.swap(m_due); // who becomes due in it has a turn of its own
    for (std::size_t i = 0; i < m_turn.size(); ++i)
        if (m_turn[i] != nullptr)
            m_turn[i]->turn();
    m_turn.clear();
}

// One connection ----------------------------------------------------------------------------------------

AdoptedConnection::AdoptedConnection(LinuxAdopter& adopter, const Adopter::Newcomer& newcomer)
    : m_adopter(adopter),
      m_deflate(newcomer.deflate ? std::make_unique<Deflation::Peer>(*newcomer.deflate) : nullptr),
      m_unread(newcomer.early.empty() ? nullptr : std::make_unique<std::string>(newcomer.early)),
      m_watch(adopter.m_dispatcher.watch(int(newcomer.socket), Interest::Nothing, *this)),
      m_socket(int(newcomer.socket)) {}

AdoptedConnection::~AdoptedConnection() {
    auto& world = m_adopter.m_world;
    if (m_phase != Phase::Ended)
        endByReset();
    if (m_isDue)
        m_adopter.forget(*this);
    if (m_isUnwritten)
        world.unwritten.remove(*this);
}

void AdoptedConnection::start(ConnectionHost& host) {
    m_host = &host;
    watchFor();
    if (m_unread && !std::exchange(m_isDue, true))
        m_adopter.expectTurn(*this);
}

void AdoptedConnection::watchFor() {
    if (m_phase == Phase::Ended)
        return;
    // What is closing is read too: unread input would turn the close into a reset.
    const bool wantsInput = m_phase == Phase::Closing || (mayRead() && !m_unread);
    const auto interest = unsigned(wantsInput ? Interest::Read : Interest::Nothing) |
                          unsigned(isStuck() ? Interest::Write : Interest::Nothing);
    m_adopter.m_dispatcher.modify(m_watch, Interest(interest));
}

void AdoptedConnection::ready(Ready what) {
    if (what.canWrite && isStuck()) {
        flush();
        watchFor();
    }
    if (what.canRead && m_phase != Phase::Ended)
        read();
}

// In ----------------------------------------------------------------------------------------------------

void AdoptedConnection::setReading(Reading reading) {
    m_isHeld = reading == Reading::Held;
    if (m_phase != Phase::Open)
        return;
    watchFor();
    if (!m_isHeld && m_unread && !std::exchange(m_isDue, true))
        m_adopter.expectTurn(*this);
}

/// One system call a turn: the kernel tells again of what is left, after the others had theirs.
void AdoptedConnection::read() {
    auto& input = m_adopter.m_input;
    const ssize_t got = ::recv(m_socket, input.data(), input.size(), MSG_DONTWAIT);
    if (got > 0) {
        if (m_phase == Phase::Open)
            decode({input.data(), std::size_t(got)});
        return;
    }
    if (got < 0 && isTransient(errno))
        return;
    end();
}

void AdoptedConnection::decode(std::span<char> bytes) {
    auto& world = m_adopter.m_world;
    const FrameDecoder::Limits limits{world.limits.message,
                                      m_deflate ? Compression::Deflate : Compression::None};
    const auto fault = m_decoder.feed(bytes, limits, *this, [this] { return mayRead(); });
    if (m_phase != Phase::Open)
        return;
    if (fault)
        return close(*fault);
    if (!bytes.empty()) { // held: they wait here, and the rest with the peer
        m_unread = std::make_unique<std::string>(bytes.data(), bytes.size());
        watchFor();
    }
    // Whoever pings and never reads the pongs would fill the queue unseen.
    if (isOverflowing()) {
        world.counters.add(shared::Metric::LimitHitsTotal, shared::LimitKey::QueueBytes);
        close(CloseReason::SlowConsumer);
    }
}

void AdoptedConnection::turn() {
    m_isDue = false;
    if (m_phase == Phase::Ended)
        return m_host == nullptr ? void() : m_host->connectionClosed(m_reason);
    if (!m_unread || !mayRead())
        return;
    const auto unread = std::move(m_unread);
    decode({unread->data(), unread->size()});
    watchFor();
}

void AdoptedConnection::messageReceived(FrameKind kind, std::string_view payload, Compression compression) {
    if (compression == Compression::None)
        return m_host->frameReceived(kind, payload);
    const auto message =
        m_adopter.m_deflation.inflated(payload, *m_deflate, m_adopter.m_world.limits.message);
    if (!message)
        return close(message.error());
    m_host->frameReceived(kind, *message);
}

void AdoptedConnection::pingReceived(std::string_view payload) {
    push(std::make_shared<const Frame>(Frame{FrameKind::Pong, std::string(payload)}), Opcode::Pong);
}

void AdoptedConnection::pongReceived(std::string_view payload) {
    m_host->frameReceived(FrameKind::Pong, payload);
}

void AdoptedConnection::closeReceived(std::uint16_t code) {
    beginClose(shared::closeReasonOfCode(code), codePayload(code));
}

// Out ---------------------------------------------------------------------------------------------------

void AdoptedConnection::send(const FramePtr& frame) {
    if (m_phase != Phase::Open)
        return;
    switch (frame->kind) {
    case FrameKind::Text:
        pushMessage(frame, Opcode::Text);
        break;
    case FrameKind::Binary:
        pushMessage(frame, Opcode::Binary);
        break;
    case FrameKind::Ping:
        push(frame, Opcode::Ping);
        break;
    case FrameKind::Pong: // pings are answered here, by nobody else
        return;
    }
    (void)isOverflowing(); // whoever asks for queued() next judges by it
}

void AdoptedConnection::pushMessage(const FramePtr& frame, Opcode opcode) {
    auto deflated = m_deflate ? m_adopter.m_deflation.deflated(*frame, *m_deflate) : nullptr;
    if (deflated)
        push(std::move(deflated), opcode, Compression::Deflate);
    else
        push(frame, opcode);
}

void AdoptedConnection::push(FramePtr frame, Opcode opcode, Compression compression) {
    m_out.push(m_adopter.m_frames, std::move(frame), opcode, compression);
    if (!std::exchange(m_isUnwritten, true))
        m_adopter.m_world.unwritten.add(*this);
}

/// Only after the kernel was offered what waits: frames of one turn are written together at its end.
bool AdoptedConnection::isOverflowing() {
    const auto limit = m_adopter.m_world.limits.queue.count();
    if (m_out.bytes() <= limit)
        return false;
    if (!isStuck()) // the kernel says when it takes more
        flush();
    return m_out.bytes() > limit;
}

void AdoptedConnection::write() {
    m_isUnwritten = false;
    if (m_phase == Phase::Ended)
        return;
    if (isStuck())
        return settle(); // the kernel says when it takes more
    flush();
    watchFor();
}

void AdoptedConnection::flush() {
    auto& output = m_adopter.m_output;
    while (!m_out.isEmpty()) {
        std::size_t offered = m_out.gather(output);
        ssize_t sent = 0;
        if (offered > 0) {
            sent = ::send(m_socket, output.data(), offered, MSG_NOSIGNAL | MSG_DONTWAIT);
        } else { // too large to be copied
            const auto pieces = m_out.first();
            const auto head = pieces.head.bytes().substr(pieces.headFrom);
            std::array<iovec, 2> parts{{{const_cast<char*>(head.data()), head.size()},
                                        {const_cast<char*>(pieces.payload.data()), pieces.payload.size()}}};
            msghdr message{};
            message.msg_iov = parts.data();
            message.msg_iovlen = parts.size();
            offered = head.size() + pieces.payload.size();
            sent = ::sendmsg(m_socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        }
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && !isTransient(errno))
            return end();
        if (sent < 0)
            break;
        m_out.written(m_adopter.m_frames, std::size_t(sent));
        if (std::size_t(sent) < offered)
            break;
    }
    if (m_out.isEmpty() && m_phase == Phase::Closing)
        (void)::shutdown(m_socket, SHUT_WR); // the peer's end is then all that is waited for
    settle();
}

void AdoptedConnection::settle() {
    auto& world = m_adopter.m_world;
    if (world.backlog.settle(*this, queued(), world.clock))
        world.counters.add(shared::Metric::LimitHitsTotal, shared::LimitKey::SendBufferBytes);
}

// The end -----------------------------------------------------------------------------------------------

void AdoptedConnection::close(CloseReason reason) {
    if (m_phase != Phase::Open)
        return;
    if (reason == CloseReason::Lost) {
        m_reason = reason;
        return endByReset();
    }
    if (reason != CloseReason::SlowConsumer)
        return beginClose(reason, closePayload(reason));
    // Its queue is freed at once. The kernel holds enough that it has not read: it is reset unless it reads
    // its way to the end.
    m_out.clear(m_adopter.m_frames);
    settle();
    beginClose(reason, {});
}

/// An empty payload is no code: RFC 6455 §5.5.1.
void AdoptedConnection::beginClose(CloseReason reason, std::string payload) {
    if (m_phase != Phase::Open)
        return;
    m_phase = Phase::Closing;
    m_reason = reason;
    m_unread.reset();
    m_deadline = m_adopter.m_world.wheel.add(m_adopter.m_world.clock.now() + CloseTime, *this);
    if (reason == CloseReason::SlowConsumer)
        (void)::shutdown(m_socket, SHUT_WR);
    else
        push(std::make_shared<const Frame>(Frame{FrameKind::Binary, std::move(payload)}), Opcode::Close);
    watchFor();
}

void AdoptedConnection::shed() {
    if (m_phase == Phase::Open)
        close(CloseReason::SlowConsumer);
    else
        endByReset();
}

void AdoptedConnection::expired(std::uint32_t, TimePoint) {
    endByReset();
}

void AdoptedConnection::endByReset() {
    resetOnClose(m_socket);
    end();
}

/// The host hears of it in a turn of its own: this may be inside its call of close() or send().
void AdoptedConnection::end() {
    if (m_phase == Phase::Ended)
        return;
    m_phase = Phase::Ended;
    auto& world = m_adopter.m_world;
    world.wheel.cancel(m_deadline);
    m_out.clear(m_adopter.m_frames);
    m_unread.reset();
    settle();
    m_adopter.m_dispatcher.unwatch(m_watch); // before the close: the number may be used again
    closeSocket(std::exchange(m_socket, -1));
    if (!std::exchange(m_isDue, true))
        m_adopter.expectTurn(*this);
}

Capabilities AdoptedConnection::capabilities() const {
    return {.deflate = m_deflate != nullptr, .sharedFrames = true, .pressure = true};
}

std::optional<shared::admin::TcpState> AdoptedConnection::tcp() const {
    return m_phase == Phase::Ended ? std::nullopt : tcpState(m_socket);
}

} // namespace server
