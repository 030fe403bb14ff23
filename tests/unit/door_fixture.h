// SPDX-License-Identifier: Apache-2.0
// A listening front door with all that a shard would give it, whose connections answer each frame with
// itself; and clients that speak bytes. Test thread.
#pragma once
#include <QSslSocket>
#include <QTcpSocket> // first: moc cannot begin with <compare>

#include "server/core/application.h"
#include "server/net/acceptor.h"
#include "server/net/adopter.h"
#include "server/net/front_door.h"
#include "server/net/raw_socket.h"
#include "server/net/tls.h"
#include "tests/support/test_authority.h"
#include <QAbstractEventDispatcher>
#include <QCoreApplication>
#include <QTimer>
#include <map>
#include <memory>
#include <vector>

namespace server {

inline const std::string UpgradeFields =
    "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
inline const std::string EnginePath = "/socket.io/?EIO=4&transport=websocket";

inline std::string upgradeHead(const std::string& target = EnginePath, const std::string& fields = {}) {
    return "GET " + target + " HTTP/1.1\r\n" + UpgradeFields + fields + "\r\n";
}

/// A masked frame with FIN.
inline std::string clientFrame(std::string_view payload, unsigned opcode = 1) {
    std::string frame(1, char(0x80U | opcode));
    if (payload.size() < 126) {
        frame += char(0x80U | payload.size());
    } else {
        const int bytes = payload.size() < 65536 ? 2 : 8;
        frame += char(bytes == 2 ? 0xfe : 0xff);
        for (int i = bytes - 1; i >= 0; --i)
            frame += char((payload.size() >> (8 * i)) & 0xff);
    }
    const char key[4] = {1, 2, 3, 4};
    frame.append(key, 4);
    for (std::size_t i = 0; i < payload.size(); ++i)
        frame += char(payload[i] ^ key[i % 4]);
    return frame;
}

/// The payloads of short unmasked frames behind the head, one a line; a close frame as "close CODE".
inline std::vector<std::string> framesIn(const QByteArray& bytes) {
    std::vector<std::string> frames;
    qsizetype at = bytes.indexOf("\r\n\r\n");
    for (at = at < 0 ? bytes.size() : at + 4; at + 2 <= bytes.size();) {
        const auto opcode = unsigned(bytes[at]) & 15U;
        qsizetype size = quint8(bytes[at + 1]) & 127;
        qsizetype begin = at + 2;
        if (size == 126 && at + 4 <= bytes.size()) {
            size = (quint8(bytes[at + 2]) << 8) | quint8(bytes[at + 3]);
            begin = at + 4;
        }
        if (begin + size > bytes.size())
            break;
        const QByteArray payload = bytes.mid(begin, size);
        if (opcode == 8 && size >= 2)
            frames.push_back("close " + std::to_string((quint8(payload[0]) << 8) | quint8(payload[1])));
        else
            frames.push_back(payload.toStdString());
        at = begin + size;
    }
    return frames;
}

/// The whole suite may run over TLS: what a client meets must be the same.
inline bool isOverTls() {
    return qEnvironmentVariableIsSet("TEST_OVER_TLS");
}

/// Or with connections that stay Qt's though they need not.
inline bool isKeptByQt() {
    return qEnvironmentVariableIsSet("TEST_KEPT_BY_QT");
}

/// Made by the first test that asks.
inline const TestAuthority& authority() {
    static const TestAuthority Made;
    return Made;
}
inline TlsIdentityPtr doorIdentity() {
    static const TestPair Pair = authority().issue(QStringLiteral("door"));
    const auto identity =
        readTlsIdentity({"listen.tls", Pair.certificate.toStdString(), Pair.key.toStdString()});
    if (!identity)
        qFatal("%s", identity.error().message.c_str());
    return *identity;
}

/// A client that collects what it is told.
class BytesClient {
public:
    explicit BytesClient(std::uint16_t port)
        : m_socket(isOverTls() ? std::make_unique<QSslSocket>() : std::make_unique<QTcpSocket>()),
          socket(*m_socket) {
        QObject::connect(&socket, &QIODevice::readyRead, &socket, [this] { got += socket.readAll(); });
        QObject::connect(&socket, &QAbstractSocket::disconnected, &socket, [this] {
            if (socket.isReadable())
                got += socket.readAll();
            hasEnded = true;
        });
        if (auto* const tls = qobject_cast<QSslSocket*>(m_socket.get())) {
            auto configuration = tls->sslConfiguration();
            configuration.setCaCertificates(QSslCertificate::fromPath(authority().file()));
            tls->setSslConfiguration(configuration);
            tls->connectToHostEncrypted(QStringLiteral("127.0.0.1"), port);
        } else {
            socket.connectToHost(QStringLiteral("127.0.0.1"), port);
        }
    }
    ~BytesClient() { socket.disconnect(&socket); }
    void send(const std::string& bytes) { socket.write(bytes.data(), qint64(bytes.size())); }
    /// What the kernel has not taken.
    qint64 unsent() const {
        auto* const tls = qobject_cast<QSslSocket*>(&socket);
        return socket.bytesToWrite() + (tls != nullptr ? tls->encryptedBytesToWrite() : 0);
    }
    int status() const { return got.mid(9, 3).toInt(); }
    QByteArray body() const { return got.mid(got.indexOf("\r\n\r\n") + 4); }

private:
    std::unique_ptr<QTcpSocket> m_socket;

public:
    QTcpSocket& socket;
    QByteArray got;
    bool hasEnded = false;
};

class EchoHost final : public ConnectionHost {
public:
    explicit EchoHost(std::unique_ptr<Connection> c) : connection(std::move(c)) { connection->start(*this); }
    void frameReceived(FrameKind kind, std::string_view bytes) override {
        received.emplace_back(bytes);
        if (received.size() == holdAfter)
            connection->setReading(Reading::Held);
        connection->send(std::make_shared<Frame>(Frame{kind, std::string(bytes)}));
    }
    void connectionClosed(shared::CloseReason reason) override {
        closed = reason;
        ++closes;
    }
    std::unique_ptr<Connection> connection;
    std::vector<std::string> received;
    std::size_t holdAfter = 0;
    std::optional<shared::CloseReason> closed;
    int closes = 0;
};

class DoorFixture final : public FrontDoor::Host {
public:
    explicit DoorFixture(Settings given = {}, std::int64_t capacity = 1000)
        : settings(std::move(given)), catalog(1, {"0", "0", "0"}), counters(catalog), access(settings.broker),
          broker(access, settings), router(settings, {}, nullptr), admission(capacity),
          queues(1, shared::Bytes::mebi(64)),
          main({1000, 1000, shared::Bytes::mebi(1)}), world{settings,  "test", access, broker, router,
                                                            admission, queues, clock,  main,   isReady},
          wheel(clock.now(), std::chrono::milliseconds(10)), qt{{settings.limits, settings.deflate, wheel,
                                                                 clock, counters}},
          adopter(isKeptByQt() ? nullptr : makeAdopter(qt)), door(*this, world, counters, qt, adopter.get()),
          acceptor(
              [this](Arrived arrived) {
                  door.arrived(std::move(arrived));
                  return true;
              },
              counters) {
        QObject::connect(&tick, &QTimer::timeout, &tick, [this] { wheel.advance(clock.now()); });
        tick.start(10);
        QObject::connect(QAbstractEventDispatcher::instance(), &QAbstractEventDispatcher::awake, &tick,
                         [this] {
                             if (adopter)
                                 adopter->turn();
                             qt.unwritten.write();
                         });
        if (isOverTls())
            door.useTls(*doorIdentity());
        const auto bound = acceptor.listen("127.0.0.1:0");
        if (!bound)
            qFatal("%s", bound.error().message.c_str());
        const auto address = acceptor.addresses().front();
        port = std::uint16_t(std::stoi(address.substr(address.rfind(':') + 1)));
    }
    ~DoorFixture() {
        acceptor.stop();
        door.close();
        echoes.clear();
        for (int round = 0; round < 3; ++round) // a WebSocket leaves its socket to the next round
            QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
    }
    void upgraded(std::unique_ptr<Connection> connection, Peer peer, const Dialect& dialect) override {
        peers.push_back(std::move(peer));
        dialects.push_back(dialect.name());
        echoes.push_back(std::make_unique<EchoHost>(std::move(connection)));
    }
    std::int64_t handshakes(shared::HandshakeResult result) const {
        return counters.number(catalog.index(shared::Metric::HandshakesTotal, std::size_t(result)));
    }
    std::size_t framesReceived() const {
        std::size_t sum = 0;
        for (const auto& echo : echoes)
            sum += echo->received.size();
        return sum;
    }

    Settings settings;
    shared::MetricCatalog catalog;
    Counters counters;
    Clock clock;
    BrokerAccess access;
    Broker broker;
    Router router;
    Admission admission;
    QueueBudget queues;
    MainBox main;
    std::atomic<bool> isReady{true};
    ShardWorld world;
    TimingWheel wheel;
    QtWorld qt;
    std::unique_ptr<Adopter> adopter;
    std::vector<std::unique_ptr<EchoHost>> echoes;
    std::vector<Peer> peers;
    std::vector<std::string_view> dialects; ///< of the peers
    FrontDoor door;
    Acceptor acceptor;
    QTimer tick;
    std::uint16_t port = 0;
};

} // namespace server
