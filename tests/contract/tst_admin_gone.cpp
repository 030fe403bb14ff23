// SPDX-License-Identifier: Apache-2.0
// Connections that are watched, and those that have gone, on a real weir-node with two shards.
#include <QTest> // first: moc cannot begin with <compare>

#include "tests/support/admin_link.h"
#include "tests/support/node_process.h"
#include <QRegularExpression>

using namespace shared::admin;

class TestAdminGone : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void initTestCase();
    void saysWhoLeftAndWhy_data();
    void saysWhoLeftAndWhy();
    void filtersAndLimits();
    void refuses_data();
    void refuses();
    void samplesWhileWatched();
    void saysThatAWatchedOneWent();
    void aLinkWatchesSixteen();

private:
    QString idOf(const Client& client) {
        const auto frame = client.frames.filter(QRegularExpression(QStringLiteral("^40"))).value(0);
        const auto sid = QJsonDocument::fromJson(frame.mid(2).toUtf8()).object().value(QStringLiteral("sid"));
        for (const auto& row :
             m_link->result(QStringLiteral("connections.list")).value(QStringLiteral("rows")).toArray())
            if (row.toObject().value(QStringLiteral("members")).toArray().contains(sid))
                return row.toObject().value(QStringLiteral("id")).toString();
        return {};
    }
    /// The newest row about this connection, once there is one.
    std::optional<ClosedRow> gone(const QString& id) {
        std::optional<ClosedRow> found;
        (void)QTest::qWaitFor(
            [&] {
                const auto answer = ClosedAnswer::fromJson(
                    m_link->result(QStringLiteral("connections.closed"), {{"filter", "id=" + id}}));
                if (answer && !answer->rows.empty())
                    found = answer->rows.front();
                return found.has_value();
            },
            Patience_ms);
        return found;
    }
    QList<ConnectionSample> samples(const QString& id) const {
        QList<ConnectionSample> all;
        for (const auto& json : m_link->notifications.value(QStringLiteral("connections.sample")))
            if (const auto sample = ConnectionSample::fromJson(json);
                sample && QString::fromStdString(sample->id) == id)
                all.append(*sample);
        return all;
    }

    NodeProcess m_node;
    std::unique_ptr<AdminLink> m_link;
};

void TestAdminGone::initTestCase() {
    QVERIFY2(m_node.start({"--set", "heartbeat.interval_ms=500", "--set", "heartbeat.timeout_ms=20000"}),
             qPrintable(m_node.why()));
    m_link = std::make_unique<AdminLink>(m_node.adminUrl(), m_node.token());
    QVERIFY(m_link->waitForHello());
}

void TestAdminGone::saysWhoLeftAndWhy_data() {
    QTest::addColumn<QString>("act");
    QTest::addColumn<QByteArray>("reason");
    QTest::addColumn<QByteArray>("by");
    QTest::newRow("it closed") << "close" << QByteArray("normal") << QByteArray("client");
    QTest::newRow("its line was cut") << "cut" << QByteArray("lost") << QByteArray("client");
    QTest::newRow("it spoke nonsense") << "nonsense" << QByteArray("bad-message") << QByteArray("node");
    QTest::newRow("an operator evicted it") << "evict" << QByteArray("evicted") << QByteArray("local");
    QTest::newRow("evicted at a rate") << "evict slowly" << QByteArray("evicted") << QByteArray("local");
}

void TestAdminGone::saysWhoLeftAndWhy() {
    QFETCH(QString, act);
    QFETCH(QByteArray, reason);
    QFETCH(QByteArray, by);
    const auto clients = openClients(m_node.clientUrl(), 1);
    QCOMPARE(int(clients.size()), 1);
    QVERIFY(clients[0]->join(QStringLiteral("lobby")));
    const auto id = idOf(*clients[0]);
    QVERIFY(!id.isEmpty());
    QTRY_VERIFY_WITH_TIMEOUT(m_link->result(QStringLiteral("connections.get"), {{"id", id}})
                                 .value(QStringLiteral("row"))
                                 .toObject()
                                 .contains(QStringLiteral("rtt_ms")),
                             Patience_ms);
    if (act == u"close")
        clients[0]->socket.close();
    else if (act == u"cut")
        clients[0]->socket.abort();
    else if (act == u"nonsense")
        clients[0]->socket.sendTextMessage(QStringLiteral("nonsense"));
    else
        m_link->result(QStringLiteral("connections.evict"),
                       {{"ids", QJsonArray{id}}, {"rate_per_s", act == u"evict slowly" ? 100 : 0}});
    const auto row = gone(id);
    QVERIFY(row.has_value());
    QCOMPARE(QByteArray::fromStdString(row->reason), reason);
    QCOMPARE(QByteArray::fromStdString(row->by), by);
    QCOMPARE(row->address, std::string("127.0.0.1"));
    QCOMPARE(row->dialect, std::string("socketio"));
    QVERIFY(row->messages_in >= 1);
    QVERIFY(row->rtt_ms.has_value());
    QVERIFY(row->age_s > 0 && row->age_s < 600);
    QVERIFY(row->closed_ms > 1600000000000);
}

void TestAdminGone::filtersAndLimits() {
    const auto all = ClosedAnswer::fromJson(m_link->result(QStringLiteral("connections.closed")));
    QVERIFY(all);
    QCOMPARE(int(all->total), 5); // the rows above
    QCOMPARE(int(all->rows.size()), 5);
    QVERIFY(!all->partial);
    QCOMPARE(int(all->oldest_ms), 0);
    QVERIFY(std::is_sorted(all->rows.begin(), all->rows.end(),
                           [](const auto& a, const auto& b) { return a.closed_ms > b.closed_ms; }));
    const auto two =
        ClosedAnswer::fromJson(m_link->result(QStringLiteral("connections.closed"), {{"limit", 2}}));
    QVERIFY(two);
    QCOMPARE(int(two->total), 5);
    QCOMPARE(int(two->rows.size()), 2);
    QCOMPARE(two->rows.front().id, all->rows.front().id);
    const auto since = ClosedAnswer::fromJson(
        m_link->result(QStringLiteral("connections.closed"), {{"since_ms", qint64(all->rows[1].closed_ms)}}));
    QVERIFY(since);
    QVERIFY(since->rows.size() >= 2 && since->rows.size() < 5);
    const auto none = ClosedAnswer::fromJson(
        m_link->result(QStringLiteral("connections.closed"), {{"filter", "user=nobody"}}));
    QVERIFY(none && none->rows.empty() && none->total == 0);
}

void TestAdminGone::refuses_data() {
    QTest::addColumn<QString>("method");
    QTest::addColumn<QJsonObject>("params");
    QTest::addColumn<int>("code");
    const QString closed("connections.closed"), watch("connections.watch"), unwatch("connections.unwatch");
    QTest::newRow("filter") << closed << QJsonObject{{"filter", "colour=red"}} << InvalidFilterCode;
    QTest::newRow("limit") << closed << QJsonObject{{"limit", 1001}} << InvalidParamsCode;
    QTest::newRow("no id") << watch << QJsonObject() << InvalidParamsCode;
    QTest::newRow("nobody") << watch << QJsonObject{{"id", "0-99999"}} << NotFoundCode;
    QTest::newRow("no such shard") << watch << QJsonObject{{"id", "77-1"}} << NotFoundCode;
    QTest::newRow("not watched") << unwatch << QJsonObject{{"id", "0-1"}} << NotFoundCode;
}

void TestAdminGone::refuses() {
    QFETCH(QString, method);
    QFETCH(QJsonObject, params);
    QFETCH(int, code);
    QCOMPARE(m_link->errorCode(method, params), code);
}

void TestAdminGone::samplesWhileWatched() {
    const auto clients = openClients(m_node.clientUrl(), 1);
    QCOMPARE(int(clients.size()), 1);
    const auto id = idOf(*clients[0]);
    const auto first =
        ConnectionSample::fromJson(m_link->result(QStringLiteral("connections.watch"), {{"id", id}}));
    QVERIFY(first);
    QCOMPARE(QString::fromStdString(first->id), id);
    QVERIFY(clients[0]->join(QStringLiteral("lobby")));
    QTRY_VERIFY_WITH_TIMEOUT(samples(id).size() >= 2, Patience_ms);
    QTRY_VERIFY_WITH_TIMEOUT(samples(id).last().rtt_ms.has_value(), Patience_ms);
    const auto all = samples(id);
    QVERIFY(std::any_of(all.begin(), all.end(), [](const auto& sample) { return sample.in_rate > 0; }));
    QCOMPARE(int(all.last().messages_in - first->messages_in), 1);
#ifdef WEIR_PORTABLE
    QVERIFY(!all.last().tcp.has_value());
#else
    QVERIFY(all.last().tcp.has_value());
    QVERIFY(all.last().tcp->peer_window_bytes > 0);
#endif
    m_link->result(QStringLiteral("connections.unwatch"), {{"id", id}});
    const auto told = samples(id).size();
    const auto ticks = m_link->notifications.value(QStringLiteral("stats.snapshot")).size();
    m_link->result(QStringLiteral("stats.subscribe"), {{"interval_ms", 500}});
    QTRY_VERIFY_WITH_TIMEOUT(m_link->notifications.value(QStringLiteral("stats.snapshot")).size() > ticks + 4,
                             Patience_ms); // more than two seconds
    m_link->result(QStringLiteral("stats.unsubscribe"));
    QCOMPARE(samples(id).size(), told);
}

void TestAdminGone::saysThatAWatchedOneWent() {
    const auto clients = openClients(m_node.clientUrl(), 1);
    QCOMPARE(int(clients.size()), 1);
    const auto id = idOf(*clients[0]);
    m_link->result(QStringLiteral("connections.watch"), {{"id", id}});
    m_link->result(QStringLiteral("connections.evict"), {{"ids", QJsonArray{id}}});
    QTRY_VERIFY_WITH_TIMEOUT(!samples(id).isEmpty() && samples(id).last().ended.has_value(), Patience_ms);
    QCOMPARE(*samples(id).last().ended, std::string("evicted"));
    QCOMPARE(m_link->errorCode(QStringLiteral("connections.unwatch"), {{"id", id}}), NotFoundCode);
    QCOMPARE(m_link->errorCode(QStringLiteral("connections.watch"), {{"id", id}}), NotFoundCode);
}

void TestAdminGone::aLinkWatchesSixteen() {
    const auto clients = openClients(m_node.clientUrl(), 17);
    QCOMPARE(int(clients.size()), 17);
    QStringList ids;
    for (const auto& client : clients)
        ids.append(idOf(*client));
    for (int i = 0; i < 16; ++i)
        m_link->result(QStringLiteral("connections.watch"), {{"id", ids[i]}});
    QCOMPARE(m_link->errorCode(QStringLiteral("connections.watch"), {{"id", ids[16]}}), BusyCode);
    m_link->result(QStringLiteral("connections.unwatch"), {{"id", ids[0]}});
    QVERIFY(!m_link->result(QStringLiteral("connections.watch"), {{"id", ids[16]}}).isEmpty());
}

QTEST_GUILESS_MAIN(TestAdminGone)
#include "tst_admin_gone.moc"
