// SPDX-License-Identifier: Apache-2.0
#include "server/net/front_socket.h"
#include "server/net/raw_socket.h"
#include <QSslSocket>
#include <QTimer>
#include <memory>
#include <utility>

namespace server {

namespace {

template <class Socket>
class FrontSocketOn final : public Socket, public FrontSocket {
    static constexpr bool IsSecure = std::is_same_v<Socket, QSslSocket>;

public:
    FrontSocketOn() { listen(); }
    ~FrontSocketOn() override { deafen(); } // what ends now ends without listeners
    QTcpSocket& qt() override { return *this; }
    bool isSecure() const override { return IsSecure; }
    qint64 unsentCipher() const override {
        if constexpr (IsSecure)
            return Socket::encryptedBytesToWrite();
        return 0;
    }
    qint64 bytesAvailable() const override { return isHeld() ? 0 : Socket::bytesAvailable(); }
    void close() override {
        closing();
        Socket::close();
    }
    using FrontSocket::take;

protected:
    qint64 buffered() const override { return Socket::bytesAvailable(); }
    qint64 writeData(const char* bytes, qint64 size) override {
        return writeThrough(
            [](FrontSocket& self, const char* text, qint64 count) {
                return static_cast<FrontSocketOn&>(self).Socket::writeData(text, count);
            },
            bytes, size);
    }
};

} // namespace

FrontSocket* FrontSocket::plain(Descriptor socket) {
    auto front = std::make_unique<FrontSocketOn<QTcpSocket>>();
    return front->take(socket) ? front.release() : nullptr;
}

FrontSocket* FrontSocket::tls(Descriptor socket, const QSslConfiguration& configuration) {
    auto front = std::make_unique<FrontSocketOn<QSslSocket>>();
    if (!front->take(socket))
        return nullptr;
    front->setSslConfiguration(configuration);
    front->startServerEncryption();
    return front.release();
}

FrontSocket::~FrontSocket() {
    closeSocket(m_duplicate);
}

bool FrontSocket::take(Descriptor socket) {
    if (qt().setSocketDescriptor(socket, QAbstractSocket::ConnectedState, QIODevice::ReadWrite))
        return true;
    closeSocket(socket);
    return false;
}

void FrontSocket::listen() {
    m_end = QObject::connect(&qt(), &QAbstractSocket::disconnected, &qt(), [this] { handDuplicateOver(); });
}

void FrontSocket::deafen() {
    m_events = {};
    QObject::disconnect(m_end);
}

void FrontSocket::prepare(Events events, std::string lines) {
    m_events = std::move(events);
    m_lines = std::move(lines);
    // Qt must read nothing by itself before the upgrade: bytes behind the head would be parsed, and lost.
    if (!isSecure())
        qt().setReadBufferSize(1);
}

void FrontSocket::giveBack(std::string_view bytes) {
    for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte)
        qt().ungetChar(*byte);
}

void FrontSocket::announceLater() {
    QTimer::singleShot(0, &qt(), [this] {
        if (qt().bytesAvailable() > 0)
            Q_EMIT qt().readyRead();
        // What came while TLS had no room waits in the socket beneath it, which says nothing of it again.
        if (auto* const cipher = isSecure() && !isHeld() ? qt().findChild<QTcpSocket*>() : nullptr;
            cipher != nullptr && cipher->bytesAvailable() > 0)
            Q_EMIT cipher->readyRead();
    });
}

void FrontSocket::setReading(Reading reading, qint64 most) {
    m_reading = reading;
    switch (reading) {
    case Reading::On:
        qt().setReadBufferSize(most);
        return announceLater();
    case Reading::Held:
        // Qt stops watching a socket only when its buffer becomes full, not when it is so already: one byte
        // more is what it takes.
        return qt().setReadBufferSize(buffered() + 1);
    }
}

Descriptor FrontSocket::duplicate() {
    qt().flush();
    return duplicateSocket(qt().socketDescriptor());
}

void FrontSocket::letGo() {
    deafen();
    m_isUpgraded = false; // closing() is not to keep it for lingering
}

void FrontSocket::endByReset() {
    m_isReset = true;
    if (qt().socketDescriptor() != -1)
        resetOnClose(qt().socketDescriptor());
}

void FrontSocket::closing() {
    // A close with unread input would be a reset and could eat our close frame: the duplicate keeps the
    // connection until the peer has had its second to read.
    if (!m_isReset && m_isUpgraded && m_duplicate == -1 && qt().state() == QAbstractSocket::ConnectedState)
        m_duplicate = duplicateSocket(qt().socketDescriptor());
}

void FrontSocket::handDuplicateOver() {
    const Descriptor duplicate = std::exchange(m_duplicate, -1);
    if (duplicate == -1)
        return;
    if (m_events.lingers && !m_isReset)
        m_events.lingers(duplicate);
    else
        closeSocket(duplicate);
}

qint64 FrontSocket::writeThrough(Write write, const char* bytes, qint64 size) {
    const std::string_view text(bytes, std::size_t(size));
    if (m_isUpgraded || !text.starts_with("HTTP/1.1 101 ") || !text.ends_with("\r\n\r\n"))
        return write(*this, bytes, size);
    m_isUpgraded = true;
    std::string answer(text.substr(0, text.size() - 2));
    answer += m_lines;
    answer += "\r\n";
    if (write(*this, answer.data(), qint64(answer.size())) != qint64(answer.size()))
        return -1;
    if (m_events.upgraded)
        m_events.upgraded(*this);
    return size; // the caller must see its own length
}

} // namespace server
