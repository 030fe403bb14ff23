// SPDX-License-Identifier: Apache-2.0
#include "server/net/raw_socket.h"
#include "server/net/front_socket.h"
#include <QHostInfo>
#include <QTcpServer>

namespace server {

namespace {

constexpr int Backlog = 4096;

class PortableListener final : public Listener {
public:
    explicit PortableListener(Events events) : m_server(std::move(events)) {}
    shared::Result<void> listen(const std::string& host, std::uint16_t port) {
        QHostAddress address(QString::fromStdString(host));
        if (address.isNull() && !host.empty()) {
            const auto found = QHostInfo::fromName(QString::fromStdString(host)).addresses();
            if (found.isEmpty())
                return shared::failure(shared::ErrorCode::Configuration, "no such host");
            address = found.front();
        } else if (host.empty()) {
            address = QHostAddress(QHostAddress::Any);
        }
        m_server.setListenBacklogSize(Backlog);
        if (!m_server.listen(address, port))
            return shared::failure(shared::ErrorCode::Unavailable, m_server.errorString().toStdString());
        return {};
    }
    std::uint16_t port() const override { return m_server.serverPort(); }
    void pause() override { m_server.pauseAccepting(); }
    void resume() override { m_server.resumeAccepting(); }

private:
    class Server final : public QTcpServer {
    public:
        explicit Server(Events events) : m_events(std::move(events)) {
            connect(this, &QTcpServer::acceptError, this, [this](QAbstractSocket::SocketError error) {
                m_events.failed(error == QAbstractSocket::SocketResourceError ? Problem::NoDescriptors
                                                                              : Problem::Other);
            });
        }

    protected:
        void incomingConnection(qintptr socket) override {
            m_events.arrived(Arrived{socket, {}, 0}); // the shard asks Qt for the peer's name
        }

    private:
        Events m_events;
    };
    Server m_server;
};

class PortableHeadSocket final : public HeadSocket {
public:
    PortableHeadSocket(FrontSocket* front, Host& host) : m_front(front), m_socket(&front->qt()) {
        QObject::connect(m_socket, &QIODevice::readyRead, &m_context, [&host] { host.readable(); });
        QObject::connect(m_socket, &QAbstractSocket::disconnected, &m_context, [&host] { host.readable(); });
    }
    ~PortableHeadSocket() override {
        if (m_socket == nullptr)
            return;
        m_socket->disconnect(&m_context);
        m_socket->abort();
        m_socket->deleteLater(); // it may be what calls us
    }
    Read read(char* into, std::size_t most) override {
        const qint64 got = m_socket->read(into, qint64(most));
        if (got > 0)
            return {ReadState::Some, std::size_t(got)};
        const bool isOpen = m_socket->state() == QAbstractSocket::ConnectedState ||
                            m_socket->state() == QAbstractSocket::ClosingState;
        return {isOpen ? ReadState::Nothing : ReadState::Ended, 0};
    }
    void write(std::string_view bytes) override {
        m_socket->write(bytes.data(), qint64(bytes.size()));
        m_socket->flush();
    }
    void shutdownWrite() override {
        QObject::disconnect(m_socket, &QAbstractSocket::disconnected, &m_context, nullptr);
        m_socket->disconnectFromHost(); // Qt knows no half close
    }
    std::string peerAddress() const override { return m_socket->peerAddress().toString().toStdString(); }
    FrontSocket* toFront(std::string& surplus) override {
        m_socket->disconnect(&m_context);
        surplus += m_socket->readAll().toStdString();
        m_socket = nullptr;
        return m_front;
    }

private:
    FrontSocket* m_front;
    QTcpSocket* m_socket; ///< the same; null once it is given away
    QObject m_context;
};

} // namespace

QAbstractEventDispatcher* makeDispatcher() {
    return nullptr;
}

void ignoreBrokenPipes() {} // Qt's sockets raise no signal

std::optional<shared::admin::TcpState> tcpState(Descriptor) {
    return std::nullopt;
}

void closeSocket(Descriptor socket) {
    if (socket < 0)
        return;
    QTcpSocket closing;
    if (closing.setSocketDescriptor(socket))
        closing.abort();
}

void resetOnClose(Descriptor) {}

Descriptor duplicateSocket(Descriptor) {
    return -1;
}

void prepareSocket(Descriptor, shared::Bytes) {}

void refuseSocket(Descriptor socket, std::string_view words) {
    auto* const closing = new QTcpSocket;
    if (!closing->setSocketDescriptor(socket)) {
        delete closing;
        return;
    }
    QObject::connect(closing, &QAbstractSocket::disconnected, closing, &QObject::deleteLater);
    closing->write(words.data(), qint64(words.size()));
    closing->disconnectFromHost();
}

shared::Result<std::unique_ptr<Listener>> Listener::open(const std::string& host, std::uint16_t port,
                                                         Events events) {
    if (host.starts_with(UnixAddress))
        return shared::failure(shared::ErrorCode::Configuration,
                               "this build has no sockets in the file system");
    auto listener = std::make_unique<PortableListener>(std::move(events));
    if (auto bound = listener->listen(host, port); !bound)
        return tl::unexpected(bound.error());
    return listener;
}

std::unique_ptr<HeadSocket> HeadSocket::take(Descriptor socket, Host& host) {
    FrontSocket* const front = FrontSocket::plain(socket);
    if (front == nullptr)
        return nullptr;
    front->qt().setSocketOption(QAbstractSocket::LowDelayOption, 1);
    return std::make_unique<PortableHeadSocket>(front, host);
}

} // namespace server
