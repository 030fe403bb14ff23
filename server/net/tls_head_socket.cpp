// SPDX-License-Identifier: Apache-2.0
#include "server/net/tls_head_socket.h"
#include "server/net/front_socket.h"
#include <QHostAddress>
#include <QSslSocket>
#include <utility>

namespace server {

namespace {

/// What Qt decrypts ahead of us; the head's own limit is the parser's.
constexpr qint64 ReadAhead = 32768;

class TlsHeadSocket final : public HeadSocket {
public:
    TlsHeadSocket(FrontSocket* front, Host& host) : m_front(front), m_host(host) {
        const auto tell = [&host] { host.readable(); };
        QObject::connect(&socket(), &QIODevice::readyRead, &m_context, tell, Qt::QueuedConnection);
        QObject::connect(&socket(), &QAbstractSocket::disconnected, &m_context, tell, Qt::QueuedConnection);
        QObject::connect(&socket(), &QAbstractSocket::errorOccurred, &m_context,
                         [this](QAbstractSocket::SocketError error) {
                             m_hasFailed = m_hasFailed || error == QAbstractSocket::SslHandshakeFailedError;
                         });
    }
    ~TlsHeadSocket() override { release(); }

    Read read(char* into, std::size_t most) override {
        if (m_rest)
            return m_rest->read(into, most);
        if (m_front == nullptr)
            return {ReadState::Ended, 0};
        const qint64 got = socket().read(into, qint64(most));
        if (got > 0)
            return {ReadState::Some, std::size_t(got)};
        if (m_hasFailed)
            return {ReadState::NoTls, 0};
        const bool isOpen = socket().state() == QAbstractSocket::ConnectedState ||
                            socket().state() == QAbstractSocket::ClosingState;
        return {isOpen ? ReadState::Nothing : ReadState::Ended, 0};
    }
    std::string peerAddress() const override {
        return m_front == nullptr ? std::string() : m_front->qt().peerAddress().toString().toStdString();
    }
    void write(std::string_view bytes) override {
        if (m_front == nullptr || !isEncrypted())
            return; // there is no language yet in which to say it
        socket().write(bytes.data(), qint64(bytes.size()));
        socket().flush();
    }
    /// TLS says goodbye and Qt closes; a duplicate half closes the connection, and drains it.
    void shutdownWrite() override {
        if (m_front == nullptr)
            return;
        const Descriptor duplicate = duplicateSocket(socket().socketDescriptor());
        if (duplicate == -1 && isEncrypted()) { // Qt alone, then, which knows no half close
            socket().disconnectFromHost();
            return;
        }
        release();
        if (duplicate == -1)
            return;
        m_rest = HeadSocket::take(duplicate, m_host);
        if (m_rest)
            m_rest->shutdownWrite();
    }
    FrontSocket* toFront(std::string& surplus) override {
        QObject::disconnect(&socket(), nullptr, &m_context, nullptr);
        surplus += socket().readAll().toStdString();
        return std::exchange(m_front, nullptr);
    }

private:
    QTcpSocket& socket() { return m_front->qt(); }
    bool isEncrypted() { return static_cast<QSslSocket&>(socket()).isEncrypted(); }
    void release() {
        if (m_front == nullptr)
            return;
        QObject::disconnect(&socket(), nullptr, &m_context, nullptr);
        if (isEncrypted())
            socket().disconnectFromHost();
        socket().abort();
        socket().deleteLater();
        m_front = nullptr;
    }

    FrontSocket* m_front; ///< null once it is given away, or closed
    std::unique_ptr<HeadSocket> m_rest;
    Host& m_host;
    QObject m_context;
    bool m_hasFailed = false;
};

} // namespace

std::unique_ptr<HeadSocket> takeTls(Descriptor socket, HeadSocket::Host& host,
                                    const QSslConfiguration& configuration) {
    FrontSocket* const front = FrontSocket::tls(socket, configuration);
    if (front == nullptr)
        return nullptr;
    front->qt().setReadBufferSize(ReadAhead);
    front->qt().setSocketOption(QAbstractSocket::LowDelayOption, 1);
    return std::make_unique<TlsHeadSocket>(front, host);
}

} // namespace server
