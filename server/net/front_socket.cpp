// SPDX-License-Identifier: Apache-2.0
#include "server/net/front_socket.h"
#include "server/net/raw_socket.h"
#include <QTimer>
#include <utility>

namespace server {

FrontSocket::FrontSocket() {
    connect(this, &QAbstractSocket::disconnected, this, [this] { handDuplicateOver(); });
}

bool FrontSocket::take(Descriptor socket) {
    if (setSocketDescriptor(socket, QAbstractSocket::ConnectedState, QIODevice::ReadWrite))
        return true;
    closeSocket(socket);
    return false;
}

void FrontSocket::prepare(Events events, std::string lines) {
    m_events = std::move(events);
    m_lines = std::move(lines);
    // Qt must read nothing by itself before the upgrade: bytes behind the head would be parsed, and lost.
    setReadBufferSize(1);
}

FrontSocket::~FrontSocket() {
    m_events = {}; // what ends now ends without listeners
    closeSocket(m_duplicate);
}

void FrontSocket::giveBack(std::string_view bytes) {
    for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte)
        ungetChar(*byte);
}

void FrontSocket::announceLater() {
    QTimer::singleShot(0, this, [this] {
        if (bytesAvailable() > 0)
            Q_EMIT readyRead();
    });
}

void FrontSocket::setReading(Reading reading, qint64 most) {
    m_reading = reading;
    switch (reading) {
    case Reading::On:
        setReadBufferSize(most);
        return announceLater();
    case Reading::Held:
        // Qt stops watching a socket only when its buffer becomes full, not when it is so already: one byte
        // more is what it takes.
        return setReadBufferSize(QTcpSocket::bytesAvailable() + 1);
    }
}

qint64 FrontSocket::bytesAvailable() const {
    return m_reading == Reading::Held ? 0 : QTcpSocket::bytesAvailable();
}

void FrontSocket::endByReset() {
    m_isReset = true;
    if (socketDescriptor() != -1)
        resetOnClose(socketDescriptor());
}

void FrontSocket::close() {
    // A close with unread input would be a reset and could eat our close frame: the duplicate keeps the
    // connection until the peer has had its second to read.
    if (!m_isReset && m_isUpgraded && m_duplicate == -1 && state() == QAbstractSocket::ConnectedState)
        m_duplicate = duplicateSocket(socketDescriptor());
    QTcpSocket::close();
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

qint64 FrontSocket::writeData(const char* bytes, qint64 size) {
    const std::string_view text(bytes, std::size_t(size));
    if (m_isUpgraded || !text.starts_with("HTTP/1.1 101 ") || !text.ends_with("\r\n\r\n"))
        return QTcpSocket::writeData(bytes, size);
    m_isUpgraded = true;
    std::string answer(text.substr(0, text.size() - 2));
    answer += m_lines;
    answer += "\r\n";
    if (QTcpSocket::writeData(answer.data(), qint64(answer.size())) != qint64(answer.size()))
        return -1;
    if (m_events.upgraded)
        m_events.upgraded(*this);
    return size; // the caller must see its own length
}

} // namespace server
