// SPDX-License-Identifier: Apache-2.0
// From bytes on a socket to an answer or a connection: what is refused and how, and that nothing said early
// is lost.
#include <QTest> // first: moc cannot begin with <compare>

#include "tests/unit/door_fixture.h"
#include <QElapsedTimer>
#include <QProcess>
#include <QStandardPaths>

using namespace server;
using namespace std::chrono_literals;
using shared::CloseReason;
using shared::HandshakeResult;

namespace {

/// The child of descriptorsRunOut(): serves until its input ends, with few descriptors.
int serveStarved(QCoreApplication& app) {
    DoorFixture fixture;
    printf("%d\n", int(fixture.port));
    fflush(stdout);
    return app.exec();
}

QByteArray name(HandshakeResult result) {
    return QByteArray::number(int(result));
}

} // namespace

class TestFrontDoor : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void answers_data();
    void answers();
    void readyFollowsTheNode();
    void origins_data();
    void origins();
    void fullAndDraining();
    void slowHeads();
    void tooManyHeads();
    void earlyFrames_data();
    void earlyFrames();
    void storm();
    void subprotocol();
    void takesJson_data();
    void takesJson();
    void faultyFrames_data();
    void faultyFrames();
    void closesWithItsRow();
    void heldBetweenTwoMessages_data();
    void heldBetweenTwoMessages();
    void lostPeer();
    void slowConsumer();
    void failedTls();
    void slowTls();
    void secureIsToldOfThePeer();
    void replacedCertificate();
    void descriptorsRunOut();
};

void TestFrontDoor::answers_data() {
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<int>("status");
    QTest::addColumn<QByteArray>("body");
    QTest::addColumn<QByteArray>("result"); // empty: not counted
    const auto row = [](const char* label, const std::string& text, int status, const char* body,
                        std::optional<HandshakeResult> result) {
        QTest::newRow(label) << QByteArray::fromStdString(text) << status << QByteArray(body)
                             << (result ? name(*result) : QByteArray());
    };
    const auto get = [](const std::string& target) {
        return "GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n";
    };
    const auto bad = HandshakeResult::BadRequest;
    row("health", get("/health"), 200, R"({"status":"healthy"})", {});
    row("health by HEAD", "HEAD /health HTTP/1.1\r\nHost: x\r\n\r\n", 200, "", {});
    row("health by POST", "POST /health HTTP/1.1\r\nHost: x\r\n\r\n", 405, nullptr, bad);
    row("ready", get("/ready"), 200, R"({"ready":true})", {});
    row("root", get("/"), 404, nullptr, HandshakeResult::NotFound);
    row("longer path", upgradeHead("/socket.io/x?EIO=4&transport=websocket"), 404, nullptr,
        HandshakeResult::NotFound);
    row("polling", get("/socket.io/?EIO=4&transport=polling"), 400,
        R"({"code":0,"message":"Transport unknown"})", bad);
    row("no transport", get("/socket.io/?EIO=4"), 400, R"({"code":0,"message":"Transport unknown"})", bad);
    row("prototype as transport", get("/socket.io/?EIO=4&transport=__proto__"), 400,
        R"({"code":0,"message":"Transport unknown"})", bad);
    row("sid", upgradeHead(EnginePath + "&sid=constructor"), 400,
        R"({"code":1,"message":"Session ID unknown"})", bad);
    row("POST", "POST " + EnginePath + " HTTP/1.1\r\nHost: x\r\n\r\n", 400,
        R"({"code":2,"message":"Bad handshake method"})", bad);
    row("no upgrade", get(EnginePath), 400, R"({"code":3,"message":"Bad request"})", bad);
    row("EIO 3", upgradeHead("/socket.io/?EIO=3&transport=websocket"), 400,
        R"({"code":5,"message":"Unsupported protocol version"})", bad);
    row("no EIO", upgradeHead("/socket.io/?transport=websocket"), 400,
        R"({"code":5,"message":"Unsupported protocol version"})", bad);
    row("two keys", upgradeHead(EnginePath, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"), 400,
        R"({"code":3,"message":"Bad request"})", bad);
    row("key x",
        "GET " + EnginePath +
            " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: "
            "13\r\n"
            "Sec-WebSocket-Key: x\r\n\r\n",
        400, R"({"code":3,"message":"Bad request"})", bad);
    row("version 8",
        "GET " + EnginePath +
            " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: "
            "8\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        400, R"({"code":3,"message":"Bad request"})", bad);
    row("JSON without upgrade", get("/ws"), 426, nullptr, bad);
    row("JSON by POST", "POST /ws HTTP/1.1\r\nHost: x\r\n\r\n", 405, nullptr, bad);
    row("JSON with version 8",
        "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        426, nullptr, bad);
    row("JSON with two keys", upgradeHead("/ws", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"), 400,
        nullptr, bad);
    row("JSON with a foreign subprotocol", upgradeHead("/ws", "Sec-WebSocket-Protocol: chat\r\n"), 400,
        nullptr, bad);
    row("longer JSON path", upgradeHead("/ws/x"), 404, nullptr, HandshakeResult::NotFound);
    row("bare LF", "GET / HTTP/1.1\nHost: x\n\n", 400, nullptr, bad);
    row("folded upgrade", upgradeHead(EnginePath, "A: b\r\n c\r\n"), 400, nullptr, bad);
    row("two Hosts", upgradeHead(EnginePath, "Host: y\r\n"), 400, nullptr, bad);
    row("HTTP/inf", "GET " + EnginePath + " HTTP/inf\r\n" + UpgradeFields + "\r\n", 505, nullptr, bad);
    row("upgrade with a body", upgradeHead(EnginePath, "Content-Length: 3\r\n") + "abc", 400, nullptr, bad);
    row("chunked upgrade", upgradeHead(EnginePath, "Transfer-Encoding: chunked\r\n"), 400, nullptr, bad);
    row("TLS hello", std::string("\x16\x03\x01\x02\x00\x01\x00", 7), 400, nullptr, bad);
    row("head of 17 KB", "GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(17000, 'a'), 431, nullptr,
        HandshakeResult::TooLarge);
    std::string fields;
    for (int i = 0; i < 2000; ++i)
        fields += "A: b\r\n";
    row("2,000 fields", upgradeHead(EnginePath, fields), 431, nullptr, HandshakeResult::TooLarge);
}

void TestFrontDoor::answers() {
    QFETCH(QByteArray, text);
    QFETCH(int, status);
    QFETCH(QByteArray, body);
    QFETCH(QByteArray, result);
    DoorFixture fixture;
    BytesClient client(fixture.port);
    client.send(text.toStdString());
    QTRY_VERIFY(client.hasEnded);
    QCOMPARE(client.status(), status);
    if (!body.isNull())
        QCOMPARE(client.body(), body);
    QTRY_COMPARE(fixture.door.heads(), std::size_t(0));
    QCOMPARE(fixture.echoes.size(), std::size_t(0));
    QCOMPARE(fixture.admission.count(), 0);
    for (int i = 0; i <= int(HandshakeResult::NoTls); ++i)
        QCOMPARE(fixture.handshakes(HandshakeResult(i)), name(HandshakeResult(i)) == result ? 1 : 0);
}

void TestFrontDoor::readyFollowsTheNode() {
    DoorFixture fixture;
    const auto ask = [&](const std::string& path) {
        auto client = std::make_unique<BytesClient>(fixture.port);
        client->send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n");
        return client;
    };
    fixture.isReady = false;
    auto client = ask("/ready");
    QTRY_VERIFY(client->hasEnded);
    QCOMPARE(client->status(), 503);
    QCOMPARE(client->body(), QByteArray(R"({"ready":false})"));
    fixture.isReady = true;
    fixture.admission.close();
    client = ask("/ready");
    QTRY_VERIFY(client->hasEnded);
    QCOMPARE(client->status(), 503);
    client = ask("/health");
    QTRY_VERIFY(client->hasEnded);
    QCOMPARE(client->status(), 200);
    QCOMPARE(client->body(), QByteArray(R"({"status":"draining"})"));
}

void TestFrontDoor::origins_data() {
    QTest::addColumn<QByteArray>("allowed");
    QTest::addColumn<QByteArray>("field");
    QTest::addColumn<int>("status");
    const QByteArray ours = "https://a.example";
    QTest::newRow("all") << QByteArray("*") << QByteArray("Origin: https://evil.example\r\n") << 101;
    QTest::newRow("ours") << ours << QByteArray("Origin: https://A.example\r\n") << 101;
    QTest::newRow("no browser") << ours << QByteArray() << 101;
    QTest::newRow("foreign") << ours << QByteArray("Origin: https://evil.example\r\n") << 403;
    QTest::newRow("prefix") << ours << QByteArray("Origin: https://a.example.evil.example\r\n") << 403;
    QTest::newRow("null") << ours << QByteArray("Origin: null\r\n") << 403;
    QTest::newRow("two") << ours << QByteArray("Origin: https://a.example\r\nOrigin: https://a.example\r\n")
                         << 403;
}

void TestFrontDoor::origins() {
    QFETCH(QByteArray, allowed);
    QFETCH(QByteArray, field);
    QFETCH(int, status);
    Settings settings;
    settings.listen.origins = {allowed.toStdString()};
    DoorFixture fixture(settings);
    BytesClient client(fixture.port);
    client.send(upgradeHead(EnginePath, field.toStdString()));
    QTRY_COMPARE(client.status(), status);
    QCOMPARE(fixture.handshakes(HandshakeResult::Forbidden), status == 403 ? 1 : 0);
    if (status == 403) {
        QTRY_VERIFY(client.hasEnded);
        QCOMPARE(client.body(), QByteArray(R"({"code":4,"message":"Forbidden"})"));
    }
}

void TestFrontDoor::fullAndDraining() {
    DoorFixture fixture({}, 1);
    BytesClient first(fixture.port), second(fixture.port);
    first.send(upgradeHead());
    QTRY_COMPARE(first.status(), 101);
    second.send(upgradeHead());
    QTRY_VERIFY(second.hasEnded);
    QCOMPARE(second.status(), 503);
    QVERIFY(second.got.contains("\r\nRetry-After: "));
    QCOMPARE(fixture.handshakes(HandshakeResult::Full), 1);
    fixture.admission.close();
    BytesClient third(fixture.port);
    third.send(upgradeHead());
    QTRY_VERIFY(third.hasEnded);
    QCOMPARE(third.status(), 503);
    QCOMPARE(fixture.handshakes(HandshakeResult::Draining), 1);
    QCOMPARE(fixture.admission.count(), 1);
}

void TestFrontDoor::slowHeads() {
    Settings settings;
    settings.limits.handshake = 200ms;
    DoorFixture fixture(settings);
    BytesClient silent(fixture.port), half(fixture.port);
    half.send("GET / HTTP/1.1\r\nHo");
    QTRY_VERIFY(silent.hasEnded && half.hasEnded);
    QCOMPARE(silent.status(), 408);
    QCOMPARE(half.status(), 408);
    QCOMPARE(fixture.handshakes(HandshakeResult::Timeout), 2);
}

void TestFrontDoor::tooManyHeads() {
    Settings settings;
    settings.limits.handshakesOpen = 3;
    DoorFixture fixture(settings);
    std::vector<std::unique_ptr<BytesClient>> clients;
    for (int i = 0; i < 3; ++i) {
        clients.push_back(std::make_unique<BytesClient>(fixture.port));
        QTRY_COMPARE(fixture.door.heads(), std::size_t(i + 1));
    }
    clients[0]->send("GET /health HTTP/1.1\r\n"); // progress: the second is now the oldest without
    QTRY_COMPARE(clients[0]->socket.bytesToWrite(), 0);
    QTest::qWait(50);
    BytesClient newcomer(fixture.port);
    QTRY_VERIFY(clients[1]->hasEnded);
    QCOMPARE(clients[1]->status(), 408);
    newcomer.send(upgradeHead());
    QTRY_COMPARE(newcomer.status(), 101);
    QVERIFY(!clients[0]->hasEnded && !clients[2]->hasEnded);
    clients[0]->send("Host: x\r\n\r\n");
    QTRY_COMPARE(clients[0]->status(), 200);
}

void TestFrontDoor::earlyFrames_data() {
    QTest::addColumn<int>("cut"); // bytes from the end that come later; 0: all at once
    QTest::addColumn<int>("later");
    const int all = int(upgradeHead().size() + 3 * clientFrame("three").size()) - 4;
    QTest::newRow("one segment") << 0 << 0;
    QTest::newRow("more after the 101") << 0 << 2;
    QTest::newRow("third frame cut in half") << 4 << 1;
    QTest::newRow("second frame cut in its header") << int(clientFrame("three").size()) + 8 << 0;
    QTest::newRow("head in two pieces") << all - 30 << 1;
}

void TestFrontDoor::earlyFrames() {
    QFETCH(int, cut);
    QFETCH(int, later);
    DoorFixture fixture;
    const std::string text = upgradeHead() + clientFrame("one") + clientFrame("two") + clientFrame("three");
    BytesClient client(fixture.port);
    client.send(text.substr(0, text.size() - std::size_t(cut)));
    if (cut > 0) {
        if (std::size_t(cut) < text.size() - upgradeHead().size())
            QTRY_VERIFY(client.got.contains("\r\n\r\n"));
        QTest::qWait(50);
        client.send(text.substr(text.size() - std::size_t(cut)));
    }
    std::vector<std::string> wanted{"one", "two", "three"};
    for (int i = 0; i < later; ++i) {
        client.send(clientFrame("late"));
        wanted.emplace_back("late");
    }
    QTRY_COMPARE(framesIn(client.got), wanted);
    QCOMPARE(fixture.echoes.front()->received, wanted);
    QVERIFY(client.got.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    QCOMPARE(fixture.peers.front().address, std::string("127.0.0.1"));
    QCOMPARE(fixture.peers.front().target, EnginePath);
}

void TestFrontDoor::storm() {
    DoorFixture fixture;
    std::vector<std::unique_ptr<BytesClient>> clients;
    const std::string text = upgradeHead() + clientFrame("one") + clientFrame("two") + clientFrame("three");
    for (int i = 0; i < 200; ++i) {
        clients.push_back(std::make_unique<BytesClient>(fixture.port));
        clients.back()->send(text.substr(0, text.size() - 4));
    }
    QTRY_COMPARE_WITH_TIMEOUT(fixture.echoes.size(), std::size_t(200), 20000);
    for (const auto& client : clients)
        client->send(text.substr(text.size() - 4));
    QTRY_COMPARE_WITH_TIMEOUT(fixture.framesReceived(), std::size_t(600), 20000);
    for (const auto& client : clients)
        QTRY_COMPARE(framesIn(client->got), (std::vector<std::string>{"one", "two", "three"}));
    QCOMPARE(fixture.handshakes(HandshakeResult::Accepted), 200);
    QCOMPARE(fixture.admission.count(), 200);
}

void TestFrontDoor::subprotocol() {
    DoorFixture fixture;
    BytesClient client(fixture.port);
    client.send(upgradeHead(EnginePath, "Sec-WebSocket-Protocol: first.v1 , second\r\n"));
    QTRY_COMPARE(client.status(), 101);
    QVERIFY(client.got.contains("\r\nSec-WebSocket-Protocol: first.v1\r\n"));
    BytesClient hostile(fixture.port);
    hostile.send(upgradeHead(EnginePath, "Sec-WebSocket-Protocol: a b\r\n"));
    QTRY_COMPARE(hostile.status(), 101);
    QVERIFY(!hostile.got.contains("Sec-WebSocket-Protocol"));
}

void TestFrontDoor::takesJson_data() {
    QTest::addColumn<QByteArray>("fields");
    QTest::addColumn<QByteArray>("confirmed");
    QTest::addColumn<QByteArray>("token");
    const auto row = [](const char* label, const char* fields, const char* confirmed, const char* token) {
        QTest::newRow(label) << QByteArray(fields) << QByteArray(confirmed) << QByteArray(token);
    };
    row("nothing offered", "", "", "");
    row("its subprotocol", "Sec-WebSocket-Protocol: weir.json.v1\r\n", "weir.json.v1", "");
    row("not the first", "Sec-WebSocket-Protocol: chat, weir.json.v1\r\n", "weir.json.v1", "");
    row("with a token", "Sec-WebSocket-Protocol: weir.json.v1, bearer.a-B_1.x\r\n", "weir.json.v1",
        "a-B_1.x");
    row("token first", "Sec-WebSocket-Protocol: bearer.t ,weir.json.v1\r\n", "weir.json.v1", "t");
    row("a header", "Authorization: Bearer  abc \r\n", "", "abc");
    row("a header wins", "Authorization: bearer abc\r\nSec-WebSocket-Protocol: weir.json.v1, bearer.x\r\n",
        "weir.json.v1", "abc");
    row("another scheme", "Authorization: Basic abc\r\n", "", "");
    row("two headers", "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n", "", "");
}

void TestFrontDoor::takesJson() {
    QFETCH(QByteArray, fields);
    QFETCH(QByteArray, confirmed);
    QFETCH(QByteArray, token);
    DoorFixture fixture;
    BytesClient client(fixture.port);
    client.send(upgradeHead("/ws", fields.toStdString()));
    QTRY_COMPARE(fixture.peers.size(), std::size_t(1));
    QTRY_VERIFY(client.got.endsWith("\r\n\r\n"));
    QCOMPARE(fixture.dialects[0], std::string_view("json"));
    QCOMPARE(fixture.peers[0].token, token.toStdString());
    QCOMPARE(client.got.contains("Sec-WebSocket-Protocol"), !confirmed.isEmpty());
    QVERIFY(confirmed.isEmpty() || client.got.contains("\r\nSec-WebSocket-Protocol: " + confirmed + "\r\n"));
}

void TestFrontDoor::faultyFrames_data() {
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<int>("reason");
    const auto row = [](const char* label, const std::string& bytes, CloseReason reason) {
        QTest::newRow(label) << QByteArray::fromStdString(bytes) << int(reason);
    };
    row("too large", clientFrame(std::string(2000, 'x')), CloseReason::TooLarge);
    row("claims 2^62 bytes", std::string("\x81\xff\x40\x00\x00\x00\x00\x00\x00\x00\x01\x02\x03\x04", 14),
        CloseReason::TooLarge);
    if (isOverTls() || isKeptByQt()) // text of adopted connections is judged by the dialect
        row("bad UTF-8", clientFrame("\xff\xfe"), CloseReason::BadUtf8);
    row("reserved bit", std::string("\xc1\x81\x01\x02\x03\x04\x00", 7), CloseReason::ProtocolError);
    row("reserved opcode", clientFrame("x", 3), CloseReason::ProtocolError);
    row("normal close", clientFrame("\x03\xe8", 8), CloseReason::Normal);
    row("going away", clientFrame("\x03\xe9", 8), CloseReason::GoingAway);
}

void TestFrontDoor::faultyFrames() {
    QFETCH(QByteArray, bytes);
    QFETCH(int, reason);
    Settings settings;
    settings.limits.message = shared::Bytes(1000);
    DoorFixture fixture(settings);
    BytesClient client(fixture.port), other(fixture.port);
    other.send(upgradeHead());
    client.send(upgradeHead() + clientFrame("fine") + bytes.toStdString());
    QTRY_VERIFY(client.hasEnded);
    const auto frames = framesIn(client.got);
    QCOMPARE(frames.size(), std::size_t(2));
    QCOMPARE(frames.back(), "close " + std::to_string(shared::row(CloseReason(reason)).code));
    const auto echo = std::find_if(fixture.echoes.begin(), fixture.echoes.end(),
                                   [](const auto& each) { return !each->received.empty(); });
    QTRY_VERIFY((*echo)->closed.has_value());
    QCOMPARE(int(*(*echo)->closed), reason);
    other.send(clientFrame("undisturbed"));
    QTRY_COMPARE(framesIn(other.got), (std::vector<std::string>{"undisturbed"}));
}

void TestFrontDoor::closesWithItsRow() {
    DoorFixture fixture;
    BytesClient client(fixture.port);
    client.send(upgradeHead());
    QTRY_COMPARE(fixture.echoes.size(), std::size_t(1));
    auto& echo = *fixture.echoes.front();
    echo.connection->send(std::make_shared<Frame>(Frame{FrameKind::Text, "last"}));
    echo.connection->close(CloseReason::Evicted);
    QCOMPARE(echo.closes, 0); // never within the call
    echo.connection->close(CloseReason::Normal);
    client.send(clientFrame("unread input must not turn the close into a reset"));
    QTRY_VERIFY(client.hasEnded);
    QCOMPARE(framesIn(client.got), (std::vector<std::string>{"last", "close 4410"}));
    QTRY_COMPARE(echo.closes, 1);
    QCOMPARE(int(*echo.closed), int(CloseReason::Evicted));
}

void TestFrontDoor::heldBetweenTwoMessages_data() {
    QTest::addColumn<int>("count");
    QTest::addColumn<int>("bytes");
    QTest::newRow("all in one read") << 20 << 3;
    QTest::newRow("more than is read ahead") << 600 << 20000;
}

void TestFrontDoor::heldBetweenTwoMessages() {
    QFETCH(const int, count);
    QFETCH(const int, bytes);
    Settings settings;
    settings.limits.queue = shared::Bytes::mebi(64);
    DoorFixture fixture(settings);
    BytesClient client(fixture.port);
    client.send(upgradeHead());
    QTRY_COMPARE(fixture.echoes.size(), std::size_t(1));
    fixture.echoes[0]->holdAfter = 3;
    std::string all;
    for (int i = 0; i < count; ++i)
        all += clientFrame(std::to_string(1000 + i) + std::string(std::size_t(bytes), 'x'));
    client.send(all);
    QTRY_COMPARE(fixture.echoes[0]->received.size(), std::size_t(3));
    BytesClient other(fixture.port); // is served all the while
    other.send(upgradeHead());
    QTRY_COMPARE(fixture.echoes.size(), std::size_t(2));
    for (std::size_t i = 1; i <= 50; ++i) {
        other.send(clientFrame("x"));
        QTRY_COMPARE(fixture.echoes[1]->received.size(), i);
    }
    QCOMPARE(fixture.echoes[0]->received.size(), std::size_t(3));
    QCOMPARE(client.unsent() > 0, std::size_t(count * bytes) > (std::size_t(8) << 20));
    fixture.echoes[0]->holdAfter = 0;
    fixture.echoes[0]->connection->setReading(Reading::On);
    QTRY_COMPARE_WITH_TIMEOUT(fixture.echoes[0]->received.size(), std::size_t(count), 20000);
    for (int i = 0; i < count; ++i)
        QCOMPARE(fixture.echoes[0]->received[std::size_t(i)].substr(0, 4), std::to_string(1000 + i));
}

void TestFrontDoor::lostPeer() {
    DoorFixture fixture;
    BytesClient client(fixture.port);
    client.send(upgradeHead() + clientFrame("hello").substr(0, 8)); // goes in the middle of a frame
    QTRY_COMPARE(fixture.echoes.size(), std::size_t(1));
    client.socket.abort();
    QTRY_COMPARE(fixture.echoes.front()->closes, 1);
    QCOMPARE(int(*fixture.echoes.front()->closed), int(CloseReason::Lost));
}

void TestFrontDoor::slowConsumer() {
    DoorFixture fixture;
    BytesClient client(fixture.port);
    client.socket.setReadBufferSize(1000);
    client.send(upgradeHead());
    QTRY_COMPARE(fixture.echoes.size(), std::size_t(1));
    QObject::disconnect(&client.socket, &QIODevice::readyRead, nullptr, nullptr);
    auto& connection = *fixture.echoes.front()->connection;
    const auto frame = std::make_shared<Frame>(Frame{FrameKind::Binary, std::string(100000, 'x')});
    QElapsedTimer timer;
    timer.start();
    while (connection.queued() < shared::Bytes::mebi(4) && timer.elapsed() < 20000) {
        connection.send(frame);
        QCoreApplication::processEvents();
    }
    QVERIFY(connection.queued() >= shared::Bytes::mebi(4));
    connection.close(CloseReason::SlowConsumer);
    QCOMPARE(connection.queued().count(), std::uint64_t(0)); // freed at once
    QTRY_COMPARE(fixture.echoes.front()->closes, 1);
    QCOMPARE(int(*fixture.echoes.front()->closed), int(CloseReason::SlowConsumer));
}

void TestFrontDoor::failedTls() {
    if (!isOverTls())
        QSKIP("the listener is plain here");
    DoorFixture fixture;
    QTcpSocket plain, silent;
    plain.connectToHost(QStringLiteral("127.0.0.1"), fixture.port);
    plain.write("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    silent.connectToHost(QStringLiteral("127.0.0.1"), fixture.port);
    QTRY_COMPARE(fixture.handshakes(HandshakeResult::NoTls), 1);
    QTRY_COMPARE(plain.state(), QAbstractSocket::UnconnectedState);
    QTRY_COMPARE(fixture.door.heads(), std::size_t(1));
    silent.abort(); // who leaves is no failure
    QTRY_COMPARE(fixture.door.heads(), std::size_t(0));
    QCOMPARE(fixture.handshakes(HandshakeResult::NoTls), 1);
}

void TestFrontDoor::slowTls() {
    if (!isOverTls())
        QSKIP("the listener is plain here");
    Settings settings;
    settings.limits.handshake = 200ms;
    settings.limits.handshakesOpen = 2;
    DoorFixture fixture(settings);
    std::vector<std::unique_ptr<QTcpSocket>> silent;
    for (int i = 0; i < 4; ++i) {
        silent.push_back(std::make_unique<QTcpSocket>());
        silent.back()->connectToHost(QStringLiteral("127.0.0.1"), fixture.port);
        QVERIFY(silent.back()->waitForConnected());
    }
    QTRY_COMPARE(fixture.handshakes(HandshakeResult::Timeout), 4);
    for (const auto& socket : silent)
        QTRY_COMPARE(socket->state(), QAbstractSocket::UnconnectedState);
    QCOMPARE(fixture.door.heads(), std::size_t(0));
}

void TestFrontDoor::secureIsToldOfThePeer() {
    DoorFixture fixture;
    BytesClient client(fixture.port);
    client.send(upgradeHead());
    QTRY_COMPARE(client.status(), 101);
    QCOMPARE(fixture.peers.front().isSecure, isOverTls());
    QCOMPARE(fixture.peers.front().port, client.socket.localPort());
}

void TestFrontDoor::replacedCertificate() {
    if (!isOverTls())
        QSKIP("the listener is plain here");
    DoorFixture fixture;
    BytesClient before(fixture.port);
    before.send(upgradeHead());
    QTRY_COMPARE(before.status(), 101);
    const auto pair = authority().issue(QStringLiteral("replaced"));
    const auto fresh =
        readTlsIdentity({"listen.tls", pair.certificate.toStdString(), pair.key.toStdString()});
    QVERIFY(fresh.has_value());
    fixture.door.useTls(**fresh);
    BytesClient after(fixture.port);
    after.send(upgradeHead());
    QTRY_COMPARE(after.status(), 101);
    const auto shown = [](const BytesClient& client) {
        return qobject_cast<QSslSocket*>(&client.socket)
            ->peerCertificate()
            .digest(QCryptographicHash::Sha256);
    };
    QCOMPARE(shown(after).toHex().toStdString(), (*fresh)->fingerprint);
    QVERIFY(shown(before) != shown(after));
    before.send(clientFrame("still there"));
    QTRY_COMPARE(framesIn(before.got), (std::vector<std::string>{"still there"}));
}

void TestFrontDoor::descriptorsRunOut() {
    if (isOverTls())
        QSKIP("who finds no descriptor is told in plain text, before there is TLS");
#ifdef WEIR_PORTABLE
    QSKIP("the reserve descriptor belongs to our own accept loop");
#endif
#ifdef WEIR_SANITIZED
    QSKIP("a sanitizer's own check of an address needs descriptors, and calls the address bad without");
#endif
    const QString prlimit = QStandardPaths::findExecutable(QStringLiteral("prlimit"));
    QVERIFY2(!prlimit.isEmpty(), "prlimit (util-linux) is needed");
    QProcess child;
    child.start(prlimit, {QStringLiteral("--nofile=40:40"), QCoreApplication::applicationFilePath(),
                          QStringLiteral("--starved")});
    QVERIFY(child.waitForReadyRead(10000));
    const auto port = std::uint16_t(child.readLine().trimmed().toInt());
    QVERIFY(port > 0);
    std::vector<std::unique_ptr<BytesClient>> clients;
    const auto refusals = [&] {
        return std::count_if(clients.begin(), clients.end(),
                             [](const auto& client) { return client->status() == 503; });
    };
    for (int i = 0; i < 60; ++i)
        clients.push_back(std::make_unique<BytesClient>(port));
    QTRY_VERIFY_WITH_TIMEOUT(refusals() > 0, 10000);
    clients.clear();
    // There is room again: who comes now is served, after the pause at the latest.
    BytesClient client(port);
    client.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    QTRY_COMPARE_WITH_TIMEOUT(client.status(), 200, 10000);
    child.kill();
    QVERIFY(child.waitForFinished(10000));
}

int main(int argc, char** argv) {
    if (auto* const dispatcher = makeDispatcher())
        QCoreApplication::setEventDispatcher(dispatcher);
    ignoreBrokenPipes();
    QCoreApplication app(argc, argv);
    if (app.arguments().contains(QStringLiteral("--starved")))
        return serveStarved(app);
    TestFrontDoor test;
    QTEST_SET_MAIN_SOURCE_PATH
    return QTest::qExec(&test, argc, argv);
}
#include "tst_front_door.moc"
