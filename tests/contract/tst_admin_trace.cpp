// SPDX-License-Identifier: Apache-2.0
// Tracing what clients of a real weir-node say and hear: names and sizes, never what was said.
#include <QTest> // first: moc cannot begin with <compare>

#include "tests/support/admin_link.h"
#include "tests/support/node_process.h"

using namespace shared::admin;

class TestAdminTrace : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void initTestCase();
    void tellsBothDirections();
    void followsTheFilterOnly();
    void stopsWhenAsked();
    void endsByItself();
    void endsWithItsLink();
    void samples();
    void isBounded();
    void isAudited();
    void refuses_data();
    void refuses();

private:
    static QList<TraceLine> lines(const AdminLink& link) {
        QList<TraceLine> all;
        for (const auto& json : link.notifications.value(QStringLiteral("trace.line")))
            if (const auto line = TraceLine::fromJson(json))
                all.append(*line);
        return all;
    }
    static int count(const AdminLink& link, shared::Direction direction, const char* what,
                     const char* event = "") {
        const auto all = lines(link);
        return int(std::count_if(all.begin(), all.end(), [&](const TraceLine& line) {
            return line.direction == direction && line.what == what && line.event == event;
        }));
    }
    bool publish(Client& client, const QString& event) {
        return client
            .ask({QStringLiteral("publish"), QStringLiteral("lobby"), event, QStringLiteral("a secret"),
                  QJsonObject{{"echo", true}}})
            .value(QStringLiteral("ok"))
            .toBool();
    }
    /// Once the node has seen that earlier links have gone.
    static bool startsTrace(AdminLink& link, const QJsonObject& params = {}) {
        return QTest::qWaitFor(
            [&] {
                return link.ask(QStringLiteral("trace.start"), params).contains(QStringLiteral("result"));
            },
            Patience_ms);
    }
    NodeProcess m_node;
    std::unique_ptr<AdminLink> m_link;
    std::vector<std::unique_ptr<Client>> m_clients;
};

void TestAdminTrace::initTestCase() {
    QVERIFY2(m_node.start(), qPrintable(m_node.why()));
    m_link = std::make_unique<AdminLink>(m_node.adminUrl(), m_node.token());
    QVERIFY(m_link->waitForHello());
    m_clients = openClients(m_node.clientUrl(), 2);
    QCOMPARE(int(m_clients.size()), 2);
    QVERIFY(m_clients[0]->join(QStringLiteral("lobby")));
}

void TestAdminTrace::tellsBothDirections() {
    using shared::Direction;
    QCOMPARE(m_link->result(QStringLiteral("trace.start"), {{"seconds", 600}}),
             (QJsonObject{{"seconds", 600}}));
    QVERIFY(publish(*m_clients[0], QStringLiteral("news")));
    {
        const auto passing = openClients(m_node.clientUrl(), 1);
        QCOMPARE(int(passing.size()), 1);
        passing[0]->socket.close();
        QTRY_COMPARE_WITH_TIMEOUT(count(*m_link, Direction::Out, "close", "normal"), 1, Patience_ms);
    }
    QCOMPARE(count(*m_link, Direction::In, "event", "publish"), 1);
    QCOMPARE(count(*m_link, Direction::Out, "event", "news"), 1);
    QCOMPARE(count(*m_link, Direction::Out, "ack"), 1);
    QCOMPARE(count(*m_link, Direction::In, "open"), 1);
    QCOMPARE(count(*m_link, Direction::In, "connect"), 1);
    QCOMPARE(count(*m_link, Direction::Out, "connected"), 1);
    for (const auto& line : lines(*m_link)) {
        QVERIFY(line.time_ms > 1600000000000);
        QVERIFY(!line.connection.empty());
        if (line.what == "event")
            QVERIFY(line.bytes > 10 && line.space == "/");
        QVERIFY(!QJsonDocument(line.toJson()).toJson().contains("secret"));
    }
    QCOMPARE(m_link->errorCode(QStringLiteral("trace.start")), BusyCode); // one a link
}

void TestAdminTrace::followsTheFilterOnly() {
    AdminLink link(m_node.adminUrl(), m_node.token());
    QVERIFY(link.waitForHello());
    link.result(QStringLiteral("trace.start"), {{"filter", "room=lobby"}});
    QVERIFY(publish(*m_clients[1], QStringLiteral("from outside")));
    QTRY_COMPARE_WITH_TIMEOUT(count(link, shared::Direction::Out, "event", "from outside"), 1, Patience_ms);
    QCOMPARE(count(link, shared::Direction::In, "event", "publish"), 0); // who published is not in the room
}

void TestAdminTrace::stopsWhenAsked() {
    m_link->result(QStringLiteral("trace.stop"));
    QVERIFY(!lines(*m_link).isEmpty());
    QCOMPARE(*lines(*m_link).last().ended, std::string("stopped"));
    const auto told = lines(*m_link).size();
    QVERIFY(publish(*m_clients[0], QStringLiteral("unheard")));
    QVERIFY(!m_link->result(QStringLiteral("node.info")).isEmpty());
    QCOMPARE(lines(*m_link).size(), told);
    QCOMPARE(m_link->errorCode(QStringLiteral("trace.stop")), NotFoundCode);
}

void TestAdminTrace::endsByItself() {
    m_link->notifications.remove(QStringLiteral("trace.line"));
    m_link->result(QStringLiteral("trace.start"), {{"seconds", 1}, {"filter", "user=nobody"}});
    QTRY_COMPARE_WITH_TIMEOUT(lines(*m_link).size(), 1, Patience_ms);
    QCOMPARE(*lines(*m_link).first().ended, std::string("time"));
}

void TestAdminTrace::endsWithItsLink() {
    for (int round = 0; round < 12; ++round) { // more than may run at once
        AdminLink link(m_node.adminUrl(), m_node.token());
        QVERIFY(link.waitForHello());
        QVERIFY(startsTrace(link));
        link.socket.close();
        QTRY_COMPARE_WITH_TIMEOUT(link.socket.state(), QAbstractSocket::UnconnectedState, Patience_ms);
    }
}

void TestAdminTrace::samples() {
    m_link->notifications.remove(QStringLiteral("trace.line"));
    QVERIFY(startsTrace(*m_link, {{"sample", 0.1}}));
    for (int i = 0; i < 200; ++i)
        QVERIFY(publish(*m_clients[0], QStringLiteral("sampled")));
    m_link->result(QStringLiteral("trace.stop"));
    const auto told = lines(*m_link).size() - 1;
    QVERIFY2(told > 0 && told < 200, qPrintable(QString::number(told))); // of 600
}

void TestAdminTrace::isBounded() {
    m_link->notifications.remove(QStringLiteral("trace.line"));
    m_link->result(QStringLiteral("trace.start"), {{"filter", "room=lobby"}});
    for (int i = 0; i < 5000; ++i)
        m_clients[1]->socket.sendTextMessage(QStringLiteral(R"(42["publish","lobby","flood",1])"));
    const auto heard = [&] { return m_clients[0]->frames.filter(QStringLiteral("flood")).size(); };
    QTRY_COMPARE_WITH_TIMEOUT(heard(), 5000, Patience_ms);
    const auto dropped = [&] {
        std::int64_t sum = 0;
        for (const auto& line : lines(*m_link))
            sum += line.dropped;
        return sum;
    };
    // A second later the next event says how many were left out before it.
    QTRY_VERIFY_WITH_TIMEOUT(publish(*m_clients[0], QStringLiteral("after")) && dropped() > 0, Patience_ms);
    QVERIFY(lines(*m_link).size() < 5000);
    m_link->result(QStringLiteral("trace.stop"));
}

void TestAdminTrace::isAudited() {
    m_link->result(QStringLiteral("trace.start"), {{"filter", "user=alice"}});
    m_link->result(QStringLiteral("trace.stop"));
    const auto rows =
        m_link->result(QStringLiteral("audit.list"), {{"limit", 1}}).value(QStringLiteral("rows")).toArray();
    QCOMPARE(rows.first().toObject().value(QStringLiteral("what")).toString(),
             QStringLiteral("trace.start {\"filter\":\"user=alice\"}"));
}

void TestAdminTrace::refuses_data() {
    QTest::addColumn<QJsonObject>("params");
    QTest::addColumn<int>("code");
    QTest::newRow("filter") << QJsonObject{{"filter", "colour=red"}} << InvalidFilterCode;
    QTest::newRow("too long") << QJsonObject{{"seconds", 601}} << InvalidParamsCode;
    QTest::newRow("no sample") << QJsonObject{{"sample", 0}} << InvalidParamsCode;
}

void TestAdminTrace::refuses() {
    QFETCH(QJsonObject, params);
    QFETCH(int, code);
    QCOMPARE(m_link->errorCode(QStringLiteral("trace.start"), params), code);
}

QTEST_GUILESS_MAIN(TestAdminTrace)
#include "tst_admin_trace.moc"
