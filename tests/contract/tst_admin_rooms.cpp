// SPDX-License-Identifier: Apache-2.0
// Rooms on the admin channel of a real weir-node with two shards.
#include <QTest> // first: moc cannot begin with <compare>

#include "tests/support/admin_link.h"
#include "tests/support/node_process.h"

using namespace shared::admin;

class TestAdminRooms : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void initTestCase();
    void orders_data();
    void orders();
    void pagesHoldEveryRoomOnce_data();
    void pagesHoldEveryRoomOnce();
    void one();
    void rates();
    void refuses_data();
    void refuses();
    void longPagesEndEarly();
    void emptiedRoomsAreGone();

private:
    NodeProcess m_node;
    std::unique_ptr<AdminLink> m_link;
    std::vector<std::unique_ptr<Client>> m_clients;
};

void TestAdminRooms::initTestCase() {
    QVERIFY2(m_node.start(), qPrintable(m_node.why()));
    m_link = std::make_unique<AdminLink>(m_node.adminUrl(), m_node.token());
    QVERIFY(m_link->waitForHello());
    m_clients = openClients(m_node.clientUrl(), 6); // on both shards
    QCOMPARE(int(m_clients.size()), 6);
    for (std::size_t i = 0; i < m_clients.size(); ++i) {
        QVERIFY(m_clients[i]->join(QStringLiteral("all")));
        if (i < 4)
            QVERIFY(m_clients[i]->join(QStringLiteral("four")));
        QVERIFY(m_clients[i]->join(QStringLiteral("own-%1").arg(i)));
    }
}

void TestAdminRooms::orders_data() {
    QTest::addColumn<QJsonObject>("params");
    QTest::addColumn<QStringList>("rows"); // NAME:MEMBERS
    QTest::addColumn<int>("total");
    const QStringList own{"own-0:1", "own-1:1", "own-2:1", "own-3:1", "own-4:1", "own-5:1"};
    QTest::newRow("by name") << QJsonObject() << QStringList{"all:6", "four:4"} + own << 8;
    QTest::newRow("by name, descending")
        << QJsonObject{{"sort", "-name"}, {"limit", 2}} << QStringList{"own-5:1", "own-4:1"} << 8;
    QTest::newRow("fullest") << QJsonObject{{"sort", "-members"}, {"limit", 2}}
                             << QStringList{"all:6", "four:4"} << 8;
    QTest::newRow("emptiest") << QJsonObject{{"sort", "members"}, {"limit", 1}} << QStringList{"own-0:1"}
                              << 8;
    QTest::newRow("filter") << QJsonObject{{"filter", "n-"}} << own << 6;
    QTest::newRow("nothing") << QJsonObject{{"filter", "nowhere"}} << QStringList() << 0;
}

void TestAdminRooms::orders() {
    QFETCH(QJsonObject, params);
    QFETCH(QStringList, rows);
    QFETCH(int, total);
    const auto answer = RoomsAnswer::fromJson(m_link->result(QStringLiteral("rooms.list"), params));
    QVERIFY2(answer, answer ? "" : answer.error().message.c_str());
    QStringList found;
    for (const auto& row : answer->rows) {
        QCOMPARE(row.space, std::string("/"));
        found.append(QStringLiteral("%1:%2").arg(QString::fromStdString(row.room)).arg(row.members));
    }
    QCOMPARE(found, rows);
    QCOMPARE(int(answer->total), total);
    QVERIFY(!answer->partial);
    QCOMPARE(answer->cursor.empty(), int(answer->rows.size()) == total);
}

void TestAdminRooms::pagesHoldEveryRoomOnce_data() {
    QTest::addColumn<QString>("sort");
    for (const char* sort : {"name", "-name", "members", "-members", "messages_per_s"})
        QTest::newRow(sort) << QString(sort);
}

void TestAdminRooms::pagesHoldEveryRoomOnce() {
    QFETCH(QString, sort);
    QJsonObject params{{"sort", sort}, {"limit", 3}};
    QStringList names;
    for (int page = 0; page < 4; ++page) {
        const auto answer = RoomsAnswer::fromJson(m_link->result(QStringLiteral("rooms.list"), params));
        QVERIFY(answer);
        for (const auto& row : answer->rows)
            names.append(QString::fromStdString(row.room));
        if (answer->cursor.empty())
            break;
        params.insert(QStringLiteral("cursor"), QString::fromStdString(answer->cursor));
    }
    QCOMPARE(int(names.size()), 8);
    QCOMPARE(names.removeDuplicates(), 0);
}

void TestAdminRooms::one() {
    const auto row = RoomRow::fromJson(
        m_link->result(QStringLiteral("rooms.get"), {{"namespace", "/"}, {"room", "four"}}));
    QVERIFY(row);
    QCOMPARE(row->room, std::string("four"));
    QCOMPARE(int(row->members), 4);
    QCOMPARE(m_link->errorCode(QStringLiteral("rooms.get"), {{"room", "nowhere"}}), NotFoundCode);
    QCOMPARE(m_link->errorCode(QStringLiteral("rooms.get"), {{"namespace", "/x"}, {"room", "four"}}),
             NotFoundCode);
    QCOMPARE(m_link->errorCode(QStringLiteral("rooms.get")), InvalidParamsCode);
}

void TestAdminRooms::rates() {
    for (int i = 0; i < 20; ++i)
        QVERIFY(m_clients[0]
                    ->ask({QStringLiteral("publish"), QStringLiteral("four"), QStringLiteral("x")})
                    .value(QStringLiteral("ok"))
                    .toBool());
    const auto busiest = [&] {
        const auto answer = RoomsAnswer::fromJson(
            m_link->result(QStringLiteral("rooms.list"), {{"sort", "-messages_per_s"}, {"limit", 1}}));
        return answer && !answer->rows.empty() ? answer->rows.front() : RoomRow();
    };
    QTRY_COMPARE_WITH_TIMEOUT(busiest().room, std::string("four"), Patience_ms);
    // 20 messages, each a tenth of a message per second, whatever the number of shards and members.
    const auto rate = busiest().messages_per_s;
    QVERIFY2(rate > 0 && rate <= 2.001, qPrintable(QString::number(rate)));
    QTRY_VERIFY_WITH_TIMEOUT(busiest().messages_per_s < rate * 0.95, Patience_ms);
}

void TestAdminRooms::refuses_data() {
    QTest::addColumn<QJsonObject>("params");
    QTest::newRow("limit 0") << QJsonObject{{"limit", 0}};
    QTest::newRow("limit 1001") << QJsonObject{{"limit", 1001}};
    QTest::newRow("sort") << QJsonObject{{"sort", "age"}};
    QTest::newRow("cursor") << QJsonObject{{"cursor", "x"}};
    QTest::newRow("cursor with a wrong number") << QJsonObject{{"cursor", "nan/YQ/Lw"}};
    QTest::newRow("cursor with wrong letters") << QJsonObject{{"cursor", "1/!/Lw"}};
}

void TestAdminRooms::refuses() {
    QFETCH(QJsonObject, params);
    QCOMPARE(m_link->errorCode(QStringLiteral("rooms.list"), params), InvalidParamsCode);
}

/// 1,000 rows with names of 2 KB would be an answer of 2 MB; one has at most 1 MiB.
void TestAdminRooms::longPagesEndEarly() {
    NodeProcess node;
    QVERIFY2(node.start({"--set", "limits.room_name_bytes=4000", "--set", "limits.rooms_per_session=2000"}),
             qPrintable(node.why()));
    AdminLink link(node.adminUrl(), node.token());
    QVERIFY(link.waitForHello());
    const auto clients = openClients(node.clientUrl(), 1);
    constexpr int Rooms = 1000;
    for (int i = 0; i < Rooms; ++i)
        QVERIFY(clients.front()->join(QStringLiteral("%1-").arg(i, 4, 10, QLatin1Char('0')) +
                                      QString(2000, QLatin1Char('x'))));
    QStringList names;
    QJsonObject params{{"limit", Rooms}};
    int pages = 0;
    for (std::string cursor = "first"; !cursor.empty() && pages < 10; ++pages) {
        const auto result = link.result(QStringLiteral("rooms.list"), params);
        const auto bytes = QJsonDocument(result).toJson(QJsonDocument::Compact).size();
        QVERIFY2(bytes > 500000 || pages > 0, qPrintable(QString::number(bytes)));
        QVERIFY2(bytes <= MostAnswerBytes, qPrintable(QString::number(bytes)));
        const auto answer = RoomsAnswer::fromJson(result);
        QVERIFY(answer);
        QCOMPARE(int(answer->total), Rooms);
        for (const auto& row : answer->rows)
            names.append(QString::fromStdString(row.room).left(4));
        cursor = answer->cursor;
        params.insert(QStringLiteral("cursor"), QString::fromStdString(cursor));
    }
    QVERIFY(pages >= 2 && pages < 10);
    QCOMPARE(int(names.size()), Rooms);
    QCOMPARE(names.removeDuplicates(), 0);
}

void TestAdminRooms::emptiedRoomsAreGone() {
    m_clients.clear();
    QTRY_COMPARE_WITH_TIMEOUT(
        m_link->result(QStringLiteral("rooms.list")).value(QStringLiteral("total")).toInt(-1), 0,
        Patience_ms);
}

QTEST_GUILESS_MAIN(TestAdminRooms)
#include "tst_admin_rooms.moc"
