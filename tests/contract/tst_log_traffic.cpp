// SPDX-License-Identifier: Apache-2.0
// What the log of two nodes tells of traffic: a message's way from one to the other, and never what was said,
// a token or a session's id.
#include <QTest> // first: moc cannot begin with <compare>

#include "tests/support/admin_link.h"
#include "tests/support/node_process.h"
#include <QRegularExpression>
#include <QTcpSocket>

namespace {

/// A WebSocket client that says what it is told to, with words of its own in everything that a client can
/// fill.
class TalkingClient {
public:
    TalkingClient(const QUrl& url, const QStringList& subprotocols) {
        QObject::connect(&socket, &QWebSocket::textMessageReceived, &socket,
                         [this](const QString& text) { frames.append(text); });
        QNetworkRequest request(url);
        request.setRawHeader("Authorization", "Bearer secret-header");
        request.setRawHeader("Cookie", "session=secret-cookie");
        QWebSocketHandshakeOptions options;
        options.setSubprotocols(subprotocols);
        socket.open(request, options);
    }
    bool waitFor(const QString& words) {
        return QTest::qWaitFor([&] { return frames.filter(words).size() > 0; }, Patience_ms);
    }
    bool waitForEnd() {
        return QTest::qWaitFor([&] { return socket.state() == QAbstractSocket::UnconnectedState; },
                               Patience_ms);
    }
    void say(const QString& text) { socket.sendTextMessage(text); }
    QWebSocket socket;
    QStringList frames;
};

} // namespace

class TestLogTraffic : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void initTestCase();
    void cleanupTestCase();
    void messageIsFollowed();
    void nothingSecret();
    void floodOfFaults();

private:
    std::unique_ptr<TalkingClient> socketIo(const NodeProcess& node) {
        auto client = std::make_unique<TalkingClient>(
            QUrl(node.clientUrl().toString() +
                 QStringLiteral("/socket.io/?EIO=4&transport=websocket&token=secret-query")),
            QStringList());
        if (!client->waitFor(QStringLiteral("\"sid\"")))
            return nullptr;
        m_sids.append(QRegularExpression(QStringLiteral("\"sid\":\"([^\"]+)"))
                          .match(client->frames.first())
                          .captured(1));
        client->say(QStringLiteral("40{\"token\":\"secret-auth\"}"));
        return client->waitFor(QStringLiteral("40{")) ? std::move(client) : nullptr;
    }
    std::unique_ptr<TalkingClient> json(const NodeProcess& node) {
        auto client =
            std::make_unique<TalkingClient>(QUrl(node.clientUrl().toString() + QStringLiteral("/ws")),
                                            QStringList{"weir.json.v1", "bearer.secret-subprotocol"});
        return client->waitFor(QStringLiteral("\"hello\"")) ? std::move(client) : nullptr;
    }
    bool isUp(const NodeProcess& node) { return node.get("/health").contains("\"redis\":\"up\""); }

    RedisProcess m_redis;
    NodeProcess m_one, m_two;
    QStringList m_sids; ///< of Engine.IO: whoever knows one can speak as its client
};

void TestLogTraffic::initTestCase() {
    QVERIFY2(m_redis.start(), qPrintable(m_redis.why()));
    for (auto* node : {&m_one, &m_two}) {
        node->setVariable(QStringLiteral("WEIR_ADMIN_TOKEN"), QStringLiteral("secret-admin"));
        QVERIFY2(node->start({"--redis", m_redis.url(), "--node-id", node == &m_one ? "one" : "two",
                              "--log-level", "trace", "--set", "log.lines_per_s=0"}),
                 qPrintable(node->why()));
    }
    QTRY_VERIFY_WITH_TIMEOUT(isUp(m_one) && isUp(m_two), Patience_ms);
}

void TestLogTraffic::cleanupTestCase() {
    QVERIFY(m_one.stop());
    QVERIFY(m_two.stop());
}

void TestLogTraffic::messageIsFollowed() {
    const auto here = socketIo(m_one), there = socketIo(m_two);
    QVERIFY(here && there);
    there->say(QStringLiteral("420[\"join\",\"lobby\"]"));
    QVERIFY(there->waitFor(QStringLiteral("430[")));
    here->say(QStringLiteral("421[\"publish\",\"lobby\",\"greeting\",{\"text\":\"secret-payload\"}]"));
    QVERIFY(there->waitFor(QStringLiteral("secret-payload")));
    const QRegularExpression published(QStringLiteral(
        "level=debug (origin=one\\.\\d+\\.\\d+ seq=1) published: event greeting to room lobby"));
    QTRY_VERIFY_WITH_TIMEOUT(published.match(QString::fromUtf8(m_one.log())).hasMatch(), Patience_ms);
    const auto name = published.match(QString::fromUtf8(m_one.log())).captured(1).toUtf8();
    QTRY_VERIFY2_WITH_TIMEOUT(m_two.log().contains(name + " received: event greeting to room lobby"),
                              name.constData(), Patience_ms);
}

void TestLogTraffic::nothingSecret() {
    // What is well said, what is not understood, and what is not even a packet.
    for (auto* node : {&m_one, &m_two}) {
        auto client = socketIo(*node);
        QVERIFY(client);
        client->say(QStringLiteral("420[\"nosuch\",\"secret-unknown\"]"));
        client->say(
            QStringLiteral("421[\"publish\",\"lobby\",\"greeting\",\"secret-payload\",{\"echo\":true}]"));
        QVERIFY(client->waitFor(QStringLiteral("431[")));
        client->say(QStringLiteral("422[\"publish\",\"lobby\",\"connect\",\"secret-refused\"]"));
        QVERIFY(client->waitFor(QStringLiteral("432[")));
        client->say(QStringLiteral("42[\"publish\",secret-malformed"));
        QVERIFY(client->waitForEnd());
        auto other = json(*node);
        QVERIFY(other);
        other->say(QStringLiteral(
            "{\"op\":\"publish\",\"room\":\"lobby\",\"event\":\"e\",\"data\":\"secret-json\",\"id\":1}"));
        QVERIFY(other->waitFor(QStringLiteral("\"ack\"")));
        other->say(QStringLiteral("{\"op\":\"publish\",\"room\":secret-malformed"));
        QVERIFY(QTest::qWaitFor(
            [&] {
                return other->frames.filter(QStringLiteral("\"error\"")).size() > 0 ||
                       other->socket.state() == QAbstractSocket::UnconnectedState;
            },
            Patience_ms));

        QTcpSocket raw; // refused before any session
        raw.connectToHost(QStringLiteral("127.0.0.1"), node->clientPort());
        raw.write("GET /socket.io/?EIO=9&transport=none&token=secret-query HTTP/1.1\r\nHost: a\r\n"
                  "Authorization: Bearer secret-header\r\n\r\n");
        QVERIFY(QTest::qWaitFor([&] { return raw.bytesAvailable() > 0; }, Patience_ms));

        // A console: with the wrong token, and with the right one in its requests.
        AdminLink wrong(node->adminUrl(), "secret-wrong");
        QVERIFY(QTest::qWaitFor([&] { return wrong.socket.state() == QAbstractSocket::UnconnectedState; },
                                Patience_ms));
        AdminLink link(node->adminUrl(), "secret-admin");
        QVERIFY(link.waitForHello());
        link.ask(QStringLiteral("config.set"), {{"key", "redis.url"}, {"value", "redis://:secret-redis@h"}});
        link.ask(QStringLiteral("message.publish"),
                 {{"namespace", "/"}, {"room", "lobby"}, {"event", "greeting"}, {"data", "secret-operator"}});
        QVERIFY(!link.result(QStringLiteral("connections.list"), {{"filter", "user=secret-auth"}}).isEmpty());
    }
    // Redis that refuses the password says so; the node does not repeat it.
    NodeProcess third;
    QVERIFY2(third.start({"--redis", QStringLiteral("redis://:secret-redis@127.0.0.1:%1").arg(m_redis.port()),
                          "--log-level", "trace", "--set", "log.lines_per_s=0"}),
             qPrintable(third.why()));
    QTRY_VERIFY_WITH_TIMEOUT(third.log().contains("level=warn"), Patience_ms);
    QVERIFY(third.stop());

    QVERIFY(m_sids.size() >= 2);
    for (const auto& log : {m_one.log(), m_two.log(), third.log()}) {
        QVERIFY(log.contains("level="));
        const auto at = log.indexOf("secret-");
        QVERIFY2(at < 0, log.mid(std::max<qsizetype>(0, at - 200), 300).constData());
        for (const auto& sid : m_sids)
            QVERIFY2(!log.contains(sid.toUtf8()), qPrintable(sid));
    }
    QVERIFY(m_one.log().contains("client="));
}

void TestLogTraffic::floodOfFaults() {
    // Clients that make mistakes as fast as they can: the log keeps to its rate and says what it left out.
    constexpr int PerSecond = 5, Faults = 300;
    NodeProcess node;
    QVERIFY2(
        node.start({"--set", QStringLiteral("log.lines_per_s=%1").arg(PerSecond), "--log-level", "info"}),
        qPrintable(node.why()));
    const auto before = node.log().size();
    QElapsedTimer timer;
    timer.start();
    for (int i = 0; i < Faults; ++i) {
        auto client = std::make_unique<TalkingClient>(
            QUrl(node.clientUrl().toString() + QStringLiteral("/socket.io/?EIO=4&transport=websocket")),
            QStringList());
        QVERIFY(client->waitFor(QStringLiteral("\"sid\"")));
        client->say(QStringLiteral("4x"));
        QVERIFY(client->waitForEnd());
    }
    const auto leftOut = [&] {
        int told = 0;
        auto matches = QRegularExpression(QStringLiteral("(\\d+) log lines were left out"))
                           .globalMatch(QString::fromUtf8(node.log().mid(before)));
        while (matches.hasNext())
            told += matches.next().captured(1).toInt();
        return told;
    };
    const auto written = [&] { return int(node.log().mid(before).count(" client=")); };
    QTRY_VERIFY_WITH_TIMEOUT(written() + leftOut() >= Faults, Patience_ms);
    const auto seconds = int(timer.elapsed() / 1000) + 3; // the node's begin and end elsewhere than ours
    const auto lines = int(node.log().mid(before).count('\n'));
    QVERIFY2(lines <= PerSecond * seconds, qPrintable(QStringLiteral("%1 in %2 s").arg(lines).arg(seconds)));
    QVERIFY(written() < Faults);
    QVERIFY(node.stop());
}

QTEST_GUILESS_MAIN(TestLogTraffic)
#include "tst_log_traffic.moc"
