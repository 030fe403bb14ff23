// SPDX-License-Identifier: Apache-2.0
// What operators and back ends say in rooms: message.publish, and POST /api/v1/publish, on real nodes.
#include <QTest> // first: moc cannot begin with <compare>

#include "tests/support/admin_link.h"
#include "tests/support/node_process.h"
#include <QFile>
#include <QRegularExpression>
#include <QTcpSocket>

using namespace shared::admin;

namespace {

struct HttpReply {
    int status = 0;
    QJsonObject json;
    QByteArray head;
};

HttpReply post(quint16 port, const QByteArray& headers, const QByteArray& body,
               const QByteArray& line = "POST /api/v1/publish") {
    QTcpSocket socket;
    socket.connectToHost(QStringLiteral("127.0.0.1"), port);
    if (!socket.waitForConnected(Patience_ms))
        return {};
    socket.write(line + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + headers +
                 "Content-Length: " + QByteArray::number(body.size()) + "\r\n\r\n" + body);
    QByteArray answer;
    while (socket.waitForReadyRead(Patience_ms))
        answer += socket.readAll();
    answer += socket.readAll();
    const auto end = answer.indexOf("\r\n\r\n");
    return {answer.mid(9, 3).toInt(), QJsonDocument::fromJson(answer.mid(end + 4)).object(),
            answer.left(end)};
}

const QByteArray Anna = "Authorization: Bearer anna-token\r\n";

} // namespace

class TestAdminPublish : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void initTestCase();
    void reaches_data();
    void reaches();
    void refuses_data();
    void refuses();
    void posts_data();
    void posts();
    void aLongBodyInPieces();
    void postIsAudited();

private:
    QStringList got(std::size_t client) const {
        return m_clients[client]->frames.filter(QRegularExpression("^42"));
    }

    RedisProcess m_redis;
    NodeProcess m_node, m_other;
    QTemporaryDir m_directory;
    std::unique_ptr<AdminLink> m_link;
    std::vector<std::unique_ptr<Client>> m_clients; ///< 0 … 3 on m_node, 4 on m_other; 0, 1 and 4 in "lobby"
};

void TestAdminPublish::initTestCase() {
    QFile tokens(m_directory.filePath(QStringLiteral("tokens")));
    QVERIFY(tokens.open(QIODevice::WriteOnly));
    tokens.write("anna operator anna-token\nvic viewer vic-token\n");
    tokens.close();
    QVERIFY2(m_redis.start(), qPrintable(m_redis.why()));
    const QStringList common{"--redis", m_redis.url(), "--set", "admin.token_file=" + tokens.fileName()};
    QVERIFY2(m_node.start(common), qPrintable(m_node.why()));
    QVERIFY2(m_other.start(common), qPrintable(m_other.why()));
    m_link = std::make_unique<AdminLink>(m_node.adminUrl(), "anna-token");
    QVERIFY(m_link->waitForHello());
    QTRY_COMPARE_WITH_TIMEOUT(
        m_link->result(QStringLiteral("cluster.nodes")).value(QStringLiteral("rows")).toArray().size(), 2,
        Patience_ms);
    m_clients = openClients(m_node.clientUrl(), 4);
    QCOMPARE(int(m_clients.size()), 4);
    auto others = openClients(m_other.clientUrl(), 1);
    QCOMPARE(int(others.size()), 1);
    m_clients.push_back(std::move(others.front()));
    for (const std::size_t i : {0U, 1U, 4U})
        QVERIFY(m_clients[i]->join(QStringLiteral("lobby")));
}

void TestAdminPublish::reaches_data() {
    QTest::addColumn<QJsonObject>("params");
    QTest::addColumn<QString>("frame");
    QTest::addColumn<int>("local");
    QTest::addColumn<QList<int>>("reached");
    QTest::newRow("a room") << QJsonObject{{"room", "lobby"}, {"event", "news"}, {"data", "ä"}}
                            << R"(42["news","ä"])" << 2 << QList<int>{0, 1, 4};
    QTest::newRow("all") << QJsonObject{{"all", true}, {"event", "note"}, {"data", QJsonArray{1, "b"}}}
                         << R"(42["note",[1,"b"]])" << 4 << QList<int>{0, 1, 2, 3, 4};
    QTest::newRow("no data") << QJsonObject{{"room", "lobby"}, {"event", "bare"}} << R"(42["bare"])" << 2
                             << QList<int>{0, 1, 4};
    QTest::newRow("null") << QJsonObject{{"room", "lobby"}, {"event", "null"}, {"data", QJsonValue()}}
                          << R"(42["null",null])" << 2 << QList<int>{0, 1, 4};
    QTest::newRow("a whole number beyond double")
        << QJsonObject{{"room", "lobby"}, {"event", "id"}, {"data", 9007199254740993LL}}
        << R"(42["id",9007199254740993])" << 2 << QList<int>{0, 1, 4};
    QTest::newRow("an empty room") << QJsonObject{{"room", "nowhere"}, {"event", "x"}} << QString() << 0
                                   << QList<int>();
}

void TestAdminPublish::reaches() {
    QFETCH(QJsonObject, params);
    QFETCH(QString, frame);
    QFETCH(int, local);
    QFETCH(QList<int>, reached);
    for (auto& client : m_clients)
        client->frames.clear();
    const auto answer = PublishAnswer::fromJson(m_link->result(QStringLiteral("message.publish"), params));
    QVERIFY(answer);
    QCOMPARE(int(answer->local), local);
    QCOMPARE(int(answer->nodes), 1);
    QVERIFY(!answer->queued);
    for (const int client : reached)
        QTRY_COMPARE_WITH_TIMEOUT(got(std::size_t(client)), QStringList{frame}, Patience_ms);
    for (std::size_t client = 0; client < m_clients.size(); ++client)
        QCOMPARE(got(client).isEmpty(), !reached.contains(int(client)));
}

void TestAdminPublish::refuses_data() {
    QTest::addColumn<QJsonObject>("params");
    QTest::addColumn<int>("code");
    QTest::newRow("neither") << QJsonObject{{"event", "x"}} << InvalidParamsCode;
    QTest::newRow("both") << QJsonObject{{"event", "x"}, {"room", "a"}, {"all", true}} << InvalidParamsCode;
    QTest::newRow("no event") << QJsonObject{{"room", "a"}} << InvalidParamsCode;
    QTest::newRow("reserved") << QJsonObject{{"event", "disconnect"}, {"room", "a"}} << InvalidParamsCode;
    QTest::newRow("our own") << QJsonObject{{"event", "weir:reconnect"}, {"room", "a"}} << InvalidParamsCode;
    QTest::newRow("room with a control") << QJsonObject{{"event", "x"}, {"room", "a\n"}} << InvalidParamsCode;
    QTest::newRow("room too long") << QJsonObject{{"event", "x"}, {"room", QString(5000, u'a')}}
                                   << InvalidParamsCode;
    QTest::newRow("unknown namespace")
        << QJsonObject{{"namespace", "/none"}, {"event", "x"}, {"room", "a"}} << NotFoundCode;
}

void TestAdminPublish::refuses() {
    QFETCH(QJsonObject, params);
    QFETCH(int, code);
    QCOMPARE(m_link->errorCode(QStringLiteral("message.publish"), params), code);
}

void TestAdminPublish::posts_data() {
    QTest::addColumn<QByteArray>("headers");
    QTest::addColumn<QByteArray>("body");
    QTest::addColumn<int>("status");
    const QByteArray body = R"({"room":"lobby","event":"posted","data":{"n":1}})";
    QTest::newRow("an operator") << Anna << body << 200;
    QTest::newRow("no token") << QByteArray() << body << 401;
    QTest::newRow("wrong token") << QByteArray("Authorization: Bearer nobody\r\n") << body << 401;
    QTest::newRow("two tokens") << Anna + Anna << body << 401;
    QTest::newRow("a viewer") << QByteArray("Authorization: Bearer vic-token\r\n") << body << 403;
    QTest::newRow("foreign page") << Anna + "Origin: http://evil.test\r\n" << body << 403;
    QTest::newRow("no JSON") << Anna << QByteArray("room=lobby") << 400;
    QTest::newRow("no object") << Anna << QByteArray("[]") << 400;
    QTest::newRow("no body") << Anna << QByteArray() << 400;
    QTest::newRow("neither room nor all") << Anna << QByteArray(R"({"event":"x"})") << 400;
    QTest::newRow("unknown namespace")
        << Anna << QByteArray(R"({"namespace":"/none","room":"a","event":"x"})") << 404;
    QTest::newRow("too long") << Anna << QByteArray(256 * 1024 + 1, ' ') << 413;
}

void TestAdminPublish::posts() {
    QFETCH(QByteArray, headers);
    QFETCH(QByteArray, body);
    QFETCH(int, status);
    for (auto& client : m_clients)
        client->frames.clear();
    const auto reply = post(m_node.opsPort(), headers, body);
    QCOMPARE(reply.status, status);
    if (status == 200) {
        QCOMPARE(reply.json, (QJsonObject{{"local", 2}, {"nodes", 1}, {"queued", false}}));
        QTRY_COMPARE_WITH_TIMEOUT(got(4), QStringList{R"(42["posted",{"n":1}])"}, Patience_ms);
        return;
    }
    QVERIFY(!reply.json.value(QStringLiteral("error"))
                 .toObject()
                 .value(QStringLiteral("message"))
                 .toString()
                 .isEmpty());
    QCOMPARE(reply.head.contains("WWW-Authenticate: Bearer"), status == 401);
    QVERIFY(got(0).isEmpty());
}

void TestAdminPublish::aLongBodyInPieces() {
    const auto data = QByteArray(100 * 1024, 'x');
    const QByteArray body = R"({"room":"lobby","event":"long","data":")" + data + "\"}";
    m_clients[0]->frames.clear();
    QTcpSocket socket;
    socket.connectToHost(QStringLiteral("127.0.0.1"), m_node.opsPort());
    QVERIFY(socket.waitForConnected(Patience_ms));
    socket.write("POST /api/v1/publish HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\n" + Anna +
                 "Content-Length: " + QByteArray::number(body.size()) + "\r\n\r\n");
    QTRY_VERIFY_WITH_TIMEOUT(socket.bytesAvailable() > 0, Patience_ms);
    QCOMPARE(socket.readAll(), QByteArray("HTTP/1.1 100 Continue\r\n\r\n"));
    socket.write(body.left(50000));
    QVERIFY(socket.flush());
    socket.write(body.mid(50000));
    QTRY_VERIFY_WITH_TIMEOUT(socket.bytesAvailable() > 0, Patience_ms);
    QVERIFY(socket.readAll().startsWith("HTTP/1.1 200 OK\r\n"));
    QTRY_COMPARE_WITH_TIMEOUT(got(0), QStringList{QStringLiteral(R"(42["long",")") + data + "\"]"},
                              Patience_ms);
    QCOMPARE(post(m_node.opsPort(), Anna, {}, "GET /api/v1/publish").status, 405);
}

void TestAdminPublish::postIsAudited() {
    post(m_node.opsPort(), Anna, R"({"room":"lobby","event":"secret","data":"not to be kept"})");
    const auto rows =
        m_link->result(QStringLiteral("audit.list"), {{"limit", 1}}).value(QStringLiteral("rows")).toArray();
    const auto row = AuditRow::fromJson(rows.first().toObject());
    QVERIFY(row);
    QCOMPARE(row->who, std::string("anna"));
    QCOMPARE(row->outcome, std::string("ok"));
    QVERIFY2(row->what.starts_with("message.publish {\"data\":\"16 bytes\""), row->what.c_str());
    QVERIFY(!m_node.log().contains("not to be kept"));
}

QTEST_GUILESS_MAIN(TestAdminPublish)
#include "tst_admin_publish.moc"
