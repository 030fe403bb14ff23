// SPDX-License-Identifier: Apache-2.0
#include "server/net/qt_connection.h"
#include "server/net/raw_socket.h"
#include <QSslSocket>
#include <QTimer>
#include <QWebSocket>
#include <algorithm>
#include <chrono>
#include <utility>

namespace server {

using shared::Bytes;
using shared::CloseReason;

namespace {

constexpr std::chrono::milliseconds CloseTime{1000};
/// Beside a whole message Qt may hold this much of what follows it.
constexpr qint64 ReadAhead = 65536;
/// What Qt queues by itself (pongs) on top of our own limit before the client counts as one that never reads.
constexpr std::uint64_t PongRoom = 65536;

} // namespace

const QString& FrameText::of(const FramePtr& frame) {
    if (m_frame != frame) {
        m_text = QString::fromUtf8(frame->bytes.data(), qsizetype(frame->bytes.size()));
        m_frame = frame;
    }
    return m_text;
}

QtConnection::QtConnection(QtWorld& world, QWebSocket* socket, FrontSocket& front)
    : m_world(world), m_socket(socket), m_front(&front), m_beneath(&front.qt()) {
    m_beneath->setParent(m_socket); // Qt would leave it to its server, which we have disconnected from it
    const auto most = world.limits.message.count();
    m_socket->setMaxAllowedIncomingMessageSize(most);
    m_socket->setMaxAllowedIncomingFrameSize(most);
    QObject::connect(m_socket, &QWebSocket::aboutToClose, &m_context, [this] { closeSeen(); });
    QObject::connect(m_socket, &QWebSocket::disconnected, &m_context, [this] { endSeen(); });
}

QtConnection::~QtConnection() {
    m_world.wheel.cancel(m_deadline);
    if (m_isUnwritten)
        m_world.unwritten.remove(*this);
    m_world.backlog.settle(*this, Bytes(), m_world.clock);
    m_socket->disconnect(&m_context);
    if (m_phase != Phase::Ended) {
        if (m_beneath)
            m_front->endByReset();
        m_socket->abort();
    }
    m_socket->deleteLater();
}

void QtConnection::start(ConnectionHost& host) {
    m_host = &host;
    QObject::connect(m_socket, &QWebSocket::textMessageReceived, &m_context,
                     [this](const QString& text) { received(FrameKind::Text, text.toUtf8()); });
    QObject::connect(m_socket, &QWebSocket::binaryMessageReceived, &m_context,
                     [this](const QByteArray& bytes) { received(FrameKind::Binary, bytes); });
    QObject::connect(m_socket, &QWebSocket::pong, &m_context,
                     [this](quint64, const QByteArray& bytes) { received(FrameKind::Pong, bytes); });
    if (m_beneath)
        m_beneath->setReadBufferSize(qint64(m_world.limits.message.count()) + ReadAhead);
}

/// The reader is called between two messages only, so it stops between two.
void QtConnection::setReading(Reading reading) {
    if (m_beneath && m_phase == Phase::Open)
        m_front->setReading(reading, qint64(m_world.limits.message.count()) + ReadAhead);
}

void QtConnection::received(FrameKind kind, const QByteArray& bytes) {
    if (m_phase != Phase::Open)
        return;
    const auto size = std::uint64_t(bytes.size());
    if (size > m_world.limits.message.count())
        return close(CloseReason::TooLarge);
    m_host->frameReceived(kind, {bytes.constData(), std::size_t(bytes.size())});
    // Whoever pings and never reads the pongs would fill Qt's queue unseen.
    if (m_phase == Phase::Open && isOverflowing(PongRoom)) {
        m_world.counters.add(shared::Metric::LimitHitsTotal, shared::LimitKey::QueueBytes);
        close(CloseReason::SlowConsumer);
    }
}

/// Only after the kernel was offered what waits: frames of one turn are written together at its end.
bool QtConnection::isOverflowing(std::uint64_t room) {
    if (queued().count() <= m_world.limits.queue.count() + room)
        return false;
    flush();
    return queued().count() > m_world.limits.queue.count() + room;
}

void QtConnection::send(const FramePtr& frame) {
    if (m_phase != Phase::Open)
        return;
    switch (frame->kind) {
    case FrameKind::Text:
        m_socket->sendTextMessage(m_world.text.of(frame));
        break;
    case FrameKind::Binary:
        // Qt copies what it sends, so the frame's own bytes can be lent to it.
        m_socket->sendBinaryMessage(
            QByteArray::fromRawData(frame->bytes.data(), qsizetype(frame->bytes.size())));
        break;
    case FrameKind::Ping:
        m_socket->ping(QByteArray::fromStdString(frame->bytes));
        break;
    case FrameKind::Pong: // Qt answers pings itself
        return;
    }
    if (!m_isUnwritten) {
        m_isUnwritten = true;
        m_world.unwritten.add(*this);
    }
    (void)isOverflowing(0); // whoever asks for queued() next judges by it
}

void QtConnection::write() {
    m_isUnwritten = false;
    flush();
}

void QtConnection::flush() {
    if (m_phase == Phase::Ended)
        return;
    m_socket->flush();
    settle();
}

void QtConnection::settle() {
    if (!m_world.backlog.settle(*this, queued(), m_world.clock))
        return;
    m_world.counters.add(shared::Metric::LimitHitsTotal, shared::LimitKey::SendBufferBytes);
    if (std::exchange(m_isWatched, true) || !m_beneath)
        return;
    QObject::connect(m_beneath, &QIODevice::bytesWritten, &m_context, [this] { settle(); });
    if (auto* const tls = qobject_cast<QSslSocket*>(m_beneath))
        QObject::connect(tls, &QSslSocket::encryptedBytesWritten, &m_context, [this] { settle(); });
}

void QtConnection::shed() {
    if (m_phase == Phase::Open)
        close(CloseReason::SlowConsumer);
    else
        abort();
}

std::optional<shared::admin::TcpState> QtConnection::tcp() const {
    return m_beneath ? tcpState(m_beneath->socketDescriptor()) : std::nullopt;
}

Bytes QtConnection::queued() const {
    if (m_phase == Phase::Ended)
        return {};
    return Bytes(std::uint64_t(m_socket->bytesToWrite() + (m_beneath ? m_front->unsentCipher() : 0)));
}

void QtConnection::close(CloseReason reason) {
    if (m_phase != Phase::Open)
        return;
    m_phase = Phase::Closing;
    m_reason = reason;
    if (reason == CloseReason::SlowConsumer || reason == CloseReason::Lost)
        return abort();
    m_deadline = m_world.wheel.add(m_world.clock.now() + CloseTime, *this);
    const auto& row = shared::row(reason);
    m_socket->close(QWebSocketProtocol::CloseCode(row.code),
                    QString::fromUtf8(row.sentence.data(), qsizetype(row.sentence.size())));
}

Capabilities QtConnection::capabilities() const {
    return {.deflate = false, .sharedFrames = false, .pressure = true};
}

shared::SocketKind QtConnection::kind() const {
    return shared::SocketKind::Qt;
}

void QtConnection::expired(std::uint32_t, TimePoint) {
    abort();
}

/// Qt sent a close frame of its own accord: as an answer to the peer's, or because its parser gave up.
void QtConnection::closeSeen() {
    if (m_phase != Phase::Open)
        return;
    m_phase = Phase::Closing;
    m_reason = shared::closeReasonOfCode(std::uint16_t(m_socket->closeCode()));
    m_deadline = m_world.wheel.add(m_world.clock.now() + CloseTime, *this);
}

void QtConnection::abort() {
    if (m_beneath)
        m_front->endByReset();
    m_socket->abort();
    endSeen(); // also where Qt has nothing left to say
}

/// The host hears of it in a turn of its own: this may be inside its call of close() or send().
void QtConnection::endSeen() {
    if (m_phase == Phase::Ended)
        return;
    m_phase = Phase::Ended;
    m_world.wheel.cancel(m_deadline);
    settle();
    QTimer::singleShot(0, &m_context, [this] {
        if (m_host != nullptr)
            m_host->connectionClosed(m_reason);
    });
}

} // namespace server
