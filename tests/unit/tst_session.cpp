// SPDX-License-Identifier: Apache-2.0
// A session and the broker behind it, frame in and frame out, with a fake connection and clock and real
// rooms.
#include "tests/unit/session_fakes.h"
#include <QtTest/QTest>

using namespace server;

class SessionTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void opensAndConnects() {
        FakeShard shard(twoNamespaces());
        TestClient client(shard, 1);
        const QStringList open = client.heard();
        QCOMPARE(open.size(), 1);
        QVERIFY(open[0].startsWith(QStringLiteral("0{\"sid\":\"")));
        client.say("40{\"user\":\"ann\"}");
        const QStringList connected = client.heard();
        QCOMPARE(connected.size(), 1);
        QVERIFY(connected[0].startsWith(QStringLiteral("40{\"sid\":\"")));
        QCOMPARE(client.session().row().user, std::string("ann"));
        QCOMPARE(client.session().row().members.size(), std::size_t(1));
        QVERIFY(!open[0].contains(QString::fromStdString(client.session().row().members[0])));
        client.say("40/nope,");
        QCOMPARE(client.heard(), QStringList{QStringLiteral("44/nope,{\"message\":\"Invalid namespace\"}")});
        QVERIFY(!client.wire.closed);
        client.say("40/admin,");
        QVERIFY(client.heard().value(0).startsWith(QStringLiteral("40/admin,{\"sid\":")));
        QCOMPARE(shard.number(shared::Metric::Members), 2);
        client.say("41/admin,");
        QCOMPARE(shard.number(shared::Metric::Members), 1);
        client.session().connectionClosed(shared::CloseReason::GoingAway);
        QCOMPARE(shard.ended, QList<int>{int(shared::CloseReason::GoingAway)});
        QCOMPARE(shard.number(shared::Metric::Members), 0);
        QCOMPARE(shard.number(shared::Metric::Sessions), 0);
    }

    void broker_data() {
        QTest::addColumn<QByteArray>("said");
        QTest::addColumn<QString>("answer"); // a part of it
        const auto row = [](const char* name, const char* said, const char* answer) {
            QTest::newRow(name) << QByteArray(said) << QString::fromLatin1(answer);
        };
        row("join", "421[\"join\",\"a\"]", "431[{\"ok\":true,\"room\":\"a\"}]");
        row("join without a room", "421[\"join\"]", "\"code\":\"bad_request\"");
        row("join a number", "421[\"join\",5]", "\"code\":\"bad_request\"");
        row("join with a control character", "421[\"join\",\"a\\u0007\"]", "\"code\":\"bad_request\"");
        row("leave where it never was", "421[\"leave\",\"b\"]", "431[{\"ok\":true,\"room\":\"b\"}]");
        row("publish", "421[\"publish\",\"a\",\"e\",1]", "431[{\"ok\":true,\"seq\":1}]");
        row("publish without data", "421[\"publish\",\"a\",\"e\"]", "431[{\"ok\":true,\"seq\":1}]");
        row("publish without event", "421[\"publish\",\"a\"]", "\"code\":\"bad_request\"");
        row("publish a reserved event", "421[\"publish\",\"a\",\"connect\"]", "\"code\":\"bad_request\"");
        row("publish an event of ours", "421[\"publish\",\"a\",\"weir:x\"]", "\"code\":\"bad_request\"");
        row("options of wrong type", "421[\"publish\",\"a\",\"e\",1,7]", "\"code\":\"bad_request\"");
        row("echo of wrong type", "421[\"publish\",\"a\",\"e\",1,{\"echo\":1}]", "\"code\":\"bad_request\"");
        row("unknown event", "421[\"dance\"]", "\"code\":\"unknown_operation\"");
    }
    void broker() {
        QFETCH(QByteArray, said);
        QFETCH(QString, answer);
        FakeShard shard(twoNamespaces());
        TestClient client(shard, 1);
        client.say("40");
        client.heard();
        client.say(said.constData());
        const QStringList heard = client.heard();
        QCOMPARE(heard.size(), 1);
        QVERIFY2(heard[0].contains(answer), qPrintable(heard[0]));
        QVERIFY(!client.wire.closed);
        client.session().connectionClosed(shared::CloseReason::Normal);
    }

    void limitsOfRooms() {
        FakeShard shard(twoNamespaces());
        TestClient client(shard, 1);
        client.say("40");
        client.say("421[\"join\",\"a\"]");
        client.say("422[\"join\",\"b\"]");
        client.heard();
        client.say("423[\"join\",\"a\"]");
        QVERIFY(client.heard().value(0).contains(QStringLiteral("\"ok\":true")));
        client.say("424[\"join\",\"c\"]");
        QVERIFY(client.heard().value(0).contains(QStringLiteral("too_large")));
        const QByteArray longName = "425[\"join\",\"" + QByteArray(300, 'x') + "\"]";
        client.say(longName.constData());
        QVERIFY(client.heard().value(0).contains(QStringLiteral("too_large")));
        client.say("42[\"dance\"]");
        QVERIFY(client.heard().isEmpty());
        QCOMPARE(shard.number(shared::Metric::ErrorsTotal, std::size_t(shared::ErrorKind::UnknownEvent)), 1);
        client.session().connectionClosed(shared::CloseReason::Normal);
    }

    void publishReachesOthersInOrder() {
        FakeShard shard(twoNamespaces());
        TestClient ann(shard, 1), bob(shard, 2);
        for (TestClient* client : {&ann, &bob}) {
            client->say("40");
            client->say("42[\"join\",\"a\"]");
            client->heard();
        }
        ann.say("42[\"publish\",\"a\",\"e\",{\"n\":1.10}]");
        ann.say("42[\"publish\",\"a\",\"e\",2,{\"echo\":true}]");
        ann.say("452-[\"publish\",\"a\",\"bin\",[{\"x\":[{\"_placeholder\":true,\"num\":1},"
                "{\"_placeholder\":true,\"num\":0}]}]]");
        ann.sayBinary("one");
        ann.sayBinary("two");
        shard.settle();
        const QStringList expected{QStringLiteral("42[\"e\",{\"n\":1.10}]"), QStringLiteral("42[\"e\",2]"),
                                   QStringLiteral("452-[\"bin\",[{\"x\":[{\"_placeholder\":true,\"num\":1},"
                                                  "{\"_placeholder\":true,\"num\":0}]}]]"),
                                   QStringLiteral("b:one"), QStringLiteral("b:two")};
        QCOMPARE(bob.heard(), expected);
        QCOMPARE(ann.heard(), QStringList{QStringLiteral("42[\"e\",2]")});
        bob.say("42[\"leave\",\"a\"]");
        ann.say("42[\"publish\",\"a\",\"e\",3]");
        shard.settle();
        QVERIFY(bob.heard().isEmpty());
        QCOMPARE(shard.number(shared::Metric::DeliveriesTotal), 4);
        ann.session().connectionClosed(shared::CloseReason::Normal);
        bob.session().connectionClosed(shared::CloseReason::Normal);
    }

    void volatileAndSlow() {
        FakeShard shard(twoNamespaces());
        TestClient ann(shard, 1), bob(shard, 2);
        for (TestClient* client : {&ann, &bob}) {
            client->say("40");
            client->say("42[\"join\",\"a\"]");
            client->heard();
        }
        bob.wire.queued = shared::Bytes(1);
        ann.say("42[\"publish\",\"a\",\"e\",1,{\"volatile\":true}]");
        shard.settle();
        QVERIFY(bob.heard().isEmpty());
        QCOMPARE(shard.number(shared::Metric::DropsTotal, std::size_t(shared::DropReason::Volatile)), 1);
        bob.wire.queued = shared::Bytes(2000000);
        ann.say("42[\"publish\",\"a\",\"e\",1]");
        shard.settle();
        QCOMPARE(bob.wire.closed, std::optional(shared::CloseReason::SlowConsumer));
        QVERIFY(!ann.wire.closed);
        ann.session().connectionClosed(shared::CloseReason::Normal);
        bob.session().connectionClosed(shared::CloseReason::Lost);
        QCOMPARE(shard.ended.last(), int(shared::CloseReason::SlowConsumer));
    }

    void ends_data() {
        QTest::addColumn<QByteArray>("said");
        QTest::newRow("no JSON") << QByteArray("42[\"a\"");
        QTest::newRow("a second CONNECT") << QByteArray("40");
        QTest::newRow("an event elsewhere") << QByteArray("42/admin,[\"a\"]");
        QTest::newRow("an ack elsewhere") << QByteArray("43/admin,1[]");
        QTest::newRow("a version 3 ping") << QByteArray("2");
    }
    void ends() {
        QFETCH(QByteArray, said);
        FakeShard shard(twoNamespaces());
        TestClient client(shard, 1);
        client.say("40");
        client.say(said.constData());
        QCOMPARE(client.wire.closed, std::optional(shared::CloseReason::BadMessage));
        QCOMPARE(shard.faults.size(), 1);
        client.heard();
        client.say("421[\"join\",\"a\"]"); // nothing is heard of it any more
        QVERIFY(client.heard().isEmpty());
        client.session().connectionClosed(shared::CloseReason::Normal);
    }

    void heartbeat() {
        FakeShard shard(twoNamespaces());
        TestClient client(shard, 1);
        client.say("40");
        client.heard();
        shard.pass(std::chrono::milliseconds(25100));
        QVERIFY(client.heard().contains(QStringLiteral("2")));
        client.say("3");
        QVERIFY(client.session().row().rtt_ms.has_value());
        shard.pass(std::chrono::milliseconds(20000));
        QVERIFY(!client.wire.closed);
        shard.pass(std::chrono::milliseconds(10200));
        QCOMPARE(client.wire.closed, std::optional(shared::CloseReason::PingTimeout));
        client.session().connectionClosed(shared::CloseReason::Lost);
        QCOMPARE(shard.ended, QList<int>{int(shared::CloseReason::PingTimeout)});
    }

    void silentClientIsNotKept() {
        FakeShard shard(twoNamespaces());
        TestClient client(shard, 1);
        for (int i = 0; i < 46; ++i) {
            shard.pass(std::chrono::milliseconds(1000));
            client.say("3");
        }
        QCOMPARE(client.wire.closed, std::optional(shared::CloseReason::BadMessage));
        client.session().connectionClosed(shared::CloseReason::Lost);
    }

    void drainAndEvict() {
        FakeShard shard(twoNamespaces());
        TestClient drained(shard, 1), evicted(shard, 2), welcome(shard, 3);
        for (TestClient* client : {&drained, &evicted, &welcome}) {
            client->say("40");
            client->heard();
        }
        drained.session().drain(std::chrono::milliseconds(40));
        QCOMPARE(drained.heard(), QStringList{QStringLiteral(
                                      "42[\"weir:reconnect\",{\"after_ms\":40,\"reason\":\"draining\"}]")});
        QCOMPARE(drained.wire.closed, std::optional(shared::CloseReason::Draining));
        evicted.session().evict(false);
        QCOMPARE(evicted.heard(), QStringList{QStringLiteral("41")});
        QCOMPARE(evicted.wire.closed, std::optional(shared::CloseReason::Evicted));
        welcome.session().evict(true);
        QVERIFY(welcome.heard().value(0).contains(QStringLiteral("weir:reconnect")));
        QCOMPARE(welcome.wire.closed, std::optional(shared::CloseReason::Evicted));
        for (TestClient* client : {&drained, &evicted, &welcome})
            client->session().connectionClosed(shared::CloseReason::Normal);
    }

    void applicationAsksClient() {
        FakeShard shard(twoNamespaces());
        FakeApplication application;
        shard.other = &application;
        TestClient client(shard, 1);
        client.say("40{\"a\":1}");
        client.heard();
        client.say("42[\"ask\"]");
        client.say("42[\"ask\"]");
        QCOMPARE(client.heard(),
                 QStringList({QStringLiteral("420[\"question\",1]"), QStringLiteral("421[\"question\",1]")}));
        application.log.clear();
        client.say("431[\"b\",2]");
        client.say("461-0[{\"_placeholder\":true,\"num\":0}]");
        client.sayBinary("x");
        client.say("430[\"again\"]"); // nobody waits any more
        client.say("4399[\"never asked\"]");
        QCOMPARE(application.log,
                 QStringList({QStringLiteral("answered 2 \"b\""),
                              QStringLiteral("answered 1 {\"_placeholder\":true,\"num\":0}")}));
        QVERIFY(!client.wire.closed);
        client.session().connectionClosed(shared::CloseReason::Normal);
    }

    void pendingAcksAreBounded() {
        FakeShard shard(twoNamespaces());
        FakeApplication application;
        shard.other = &application;
        TestClient client(shard, 1);
        client.say("40");
        for (std::size_t i = 0; i <= 1000; ++i)
            client.say("42[\"ask\"]");
        application.log.clear();
        client.say("430[\"the oldest is forgotten\"]");
        QCOMPARE(application.log, QStringList());
        client.say("431[]");
        QCOMPARE(application.log, QStringList{QStringLiteral("answered 0")});
        client.session().connectionClosed(shared::CloseReason::Normal);
    }

    void repliesMayComeLate() {
        FakeShard shard(twoNamespaces());
        FakeApplication application;
        shard.other = &application;
        TestClient client(shard, 2);
        client.say("40");
        client.say("40/admin,");
        client.heard();
        client.say("42123456789012345[\"a\"]");
        client.say("42/admin,7[\"a\"]");
        client.say("41/admin,");
        QCOMPARE(application.replies.size(), std::size_t(2));
        application.replies[1]("1", {}); // it has left that namespace
        QVERIFY(client.heard().isEmpty());
        application.replies[0]("[{\"_placeholder\":true,\"num\":0}]", {"x"});
        QCOMPARE(client.heard(),
                 QStringList({QStringLiteral("461-123456789012345[[{\"_placeholder\":true,\"num\":0}]]"),
                              QStringLiteral("b:x")}));
        auto gone = std::make_unique<TestClient>(shard, 3);
        gone->say("40");
        gone->say("421[\"a\"]");
        gone->session().connectionClosed(shared::CloseReason::Lost);
        gone.reset();
        application.replies.back()("1", {}); // nobody is there
        client.session().connectionClosed(shared::CloseReason::Normal);
    }

    void serverDisconnectsNamespace() {
        FakeShard shard(twoNamespaces());
        FakeApplication application;
        shard.other = &application;
        TestClient client(shard, 1);
        client.say("40");
        client.say("40/admin,");
        client.heard();
        client.say("42/admin,1[\"go\"]");
        QCOMPARE(client.heard(), QStringList{QStringLiteral("41/admin,")});
        QCOMPARE(application.log.mid(2),
                 QStringList({QStringLiteral("event go"), QStringLiteral("disconnected /admin"),
                              QStringLiteral("not joined")}));
        QVERIFY(!client.wire.closed);
        client.say("42[\"still here\"]");
        QCOMPARE(application.log.last(), QStringLiteral("event still here"));
        client.say("40/admin,"); // and may come back
        QVERIFY(client.heard().value(0).startsWith(QStringLiteral("40/admin,{\"sid\"")));
        client.session().connectionClosed(shared::CloseReason::Normal);
        QCOMPARE(application.log.count(QStringLiteral("disconnected /admin")), 2);
        QCOMPARE(application.log.count(QStringLiteral("disconnected /")), 1);
        QCOMPARE(shard.number(shared::Metric::Members), 0);
    }

    void attachmentsHaveTenSeconds() {
        FakeShard shard(twoNamespaces());
        TestClient client(shard, 1);
        client.say("40");
        client.say("451-[\"publish\",\"a\",\"e\",{\"_placeholder\":true,\"num\":0}]");
        for (int second = 1; second < 10; ++second) {
            shard.pass(std::chrono::milliseconds(1000));
            client.say("3");
        }
        client.sayBinary("x");
        client.say("452-[\"publish\",\"a\",\"e\",[{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,"
                   "\"num\":1}]]");
        for (int second = 1; second < 10; ++second) {
            shard.pass(std::chrono::milliseconds(1000));
            client.say("3");
            if (second == 5)
                client.sayBinary("x"); // one that trickles gains nothing
            QVERIFY(!client.wire.closed);
        }
        shard.pass(std::chrono::milliseconds(1200));
        QCOMPARE(client.wire.closed, std::optional(shared::CloseReason::BadMessage));
        client.session().connectionClosed(shared::CloseReason::Lost);
    }

    void ourOwnStallIsNoPingTimeout() {
        FakeShard shard(twoNamespaces());
        TestClient client(shard, 1);
        client.say("40");
        client.heard();
        while (!client.heard().contains(QStringLiteral("2")))
            shard.pass(std::chrono::milliseconds(100));
        shard.stall(std::chrono::milliseconds(60000));
        shard.pass(std::chrono::milliseconds(200));
        QVERIFY(!client.wire.closed); // its pong may lie unread
        client.say("3");
        shard.pass(std::chrono::milliseconds(200));
        QVERIFY(client.heard().size() <= 1);          // what was due meanwhile is not asked one by one
        shard.pass(std::chrono::milliseconds(30200)); // now it really says nothing
        QCOMPARE(client.wire.closed, std::optional(shared::CloseReason::PingTimeout));
        client.session().connectionClosed(shared::CloseReason::Lost);
    }

    void heartbeatsAreNoActivity() {
        FakeShard shard(twoNamespaces());
        TestClient client(shard, 1);
        client.say("40");
        for (int i = 0; i < 40; ++i) {
            shard.pass(std::chrono::milliseconds(1000));
            client.say("3");
        }
        QVERIFY(client.session().row().idle_s >= 40);
        for (int i = 0; i < 100; ++i)
            client.say("42[\"join\",\"a\"]");
        const auto row = client.session().row();
        QVERIFY(row.idle_s < 0.001);
        QCOMPARE(row.messages_in, 100);
        QVERIFY(row.in_rate > 9 && row.in_rate < 11); // 100 within 10 s
        shard.pass(std::chrono::milliseconds(10000));
        const double later = client.session().row().in_rate;
        QVERIFY(later > 3 && later < 4.5);
        client.session().connectionClosed(shared::CloseReason::Normal);
    }

    void filters_data() {
        QTest::addColumn<QByteArray>("filter");
        QTest::addColumn<bool>("matches");
        QTest::newRow("all") << QByteArray("") << true;
        QTest::newRow("id") << QByteArray("id=0-1") << true;
        QTest::newRow("other id") << QByteArray("id=0-2") << false;
        QTest::newRow("network") << QByteArray("ip=10.0.0.0/8") << true;
        QTest::newRow("user") << QByteArray("user=ann") << true;
        QTest::newRow("room") << QByteArray("room=lobby") << true;
        QTest::newRow("room of another namespace") << QByteArray("room=back") << true;
        QTest::newRow("other room") << QByteArray("room=x") << false;
        QTest::newRow("idle") << QByteArray("idle>10m") << false;
        QTest::newRow("age") << QByteArray("age<1h agent~gen") << true;
        QTest::newRow("transport") << QByteArray("transport=polling") << false;
        QTest::newRow("dialect") << QByteArray("dialect=socketio") << true;
    }
    void filters() {
        QFETCH(QByteArray, filter);
        QFETCH(bool, matches);
        FakeShard shard(twoNamespaces());
        TestClient client(shard, 1);
        client.say("40{\"user\":\"ann\"}");
        client.say("40/admin,");
        client.say("42[\"join\",\"lobby\"]");
        client.say("42/admin,[\"join\",\"back\"]");
        const auto parsed = shared::Filter::parse(filter.toStdString());
        QVERIFY(parsed.has_value());
        QCOMPARE(client.session().matches(*parsed), matches);
        QCOMPARE(client.session().details().rooms.size(), std::size_t(2));
        client.session().connectionClosed(shared::CloseReason::Normal);
    }

    void isHeldOverTheRate() {
        Settings settings = twoNamespaces();
        settings.limits.messagesPerSecond = 5;
        FakeShard shard(settings);
        TestClient client(shard, 1);
        const auto held = [&] {
            return shard.number(shared::Metric::LimitHitsTotal, std::size_t(shared::LimitKey::MessagesPerS));
        };
        client.say("40"); // the first of ten
        for (int i = 0; i < 9; ++i)
            client.say("42[\"dance\"]");
        QCOMPARE(int(client.wire.reading), int(Reading::On));
        client.say("42[\"dance\"]");
        QCOMPARE(int(client.wire.reading), int(Reading::Held));
        QCOMPARE(held(), 1);
        QCOMPARE(shard.number(shared::Metric::MessagesTotal), 10); // all were taken
        shard.pass(std::chrono::milliseconds(300)); // a fifth of a second, and the wheel's tick
        QCOMPARE(int(client.wire.reading), int(Reading::On));
        // Who keeps to the rate from then on is never held again.
        for (int i = 0; i < 100; ++i) {
            shard.pass(std::chrono::milliseconds(200));
            client.say("42[\"dance\"]");
        }
        QCOMPARE(held(), 1);
        QVERIFY(!client.wire.closed);
    }

    void isClosedAfterTenSecondsOverTheRate() {
        Settings settings = twoNamespaces();
        settings.limits.messagesPerSecond = 5;
        settings.limits.messagesBurst = 3;
        settings.heartbeat.interval = std::chrono::milliseconds(2000);
        settings.heartbeat.timeout = std::chrono::milliseconds(1000);
        FakeShard shard(settings);
        TestClient client(shard, 1);
        client.say("40");
        int passed_ms = 0, taken = 0;
        for (; !client.wire.closed && passed_ms < 60000; passed_ms += 100) {
            for (int i = 0; i < 50 && client.wire.reading == Reading::On; ++i, ++taken)
                client.say("42[\"dance\"]");
            shard.pass(std::chrono::milliseconds(100));
        }
        // Its pongs lie behind what is not read: they are not missed.
        QVERIFY(client.wire.closed == shared::CloseReason::RateLimited);
        QVERIFY2(passed_ms >= 10000 && passed_ms < 16000, qPrintable(QString::number(passed_ms)));
        QVERIFY2(taken <= 3 + 5 * passed_ms / 1000 + 1, qPrintable(QString::number(taken)));
    }

    void pongsAreNotCharged() {
        Settings settings = twoNamespaces();
        settings.limits.messagesPerSecond = 1;
        settings.limits.messagesBurst = 1;
        settings.heartbeat.interval = std::chrono::milliseconds(100);
        FakeShard shard(settings);
        TestClient client(shard, 1);
        client.say("40");
        for (int i = 0; i < 30; ++i) {
            shard.pass(std::chrono::milliseconds(200));
            client.say("3");
        }
        QVERIFY(!client.wire.closed);
        QCOMPARE(shard.number(shared::Metric::LimitHitsTotal, std::size_t(shared::LimitKey::MessagesPerS)),
                 0);
        client.say("3"); // not asked for
        client.say("3");
        QCOMPARE(int(client.wire.reading), int(Reading::Held));
    }

    void aFullNodeRefusesAtConnect() {
        FakeShard shard(twoNamespaces());
        shard.places = 1;
        TestClient first(shard, 1), second(shard, 2);
        first.say("40");
        first.say("40/admin,"); // a place is a session's, however many namespaces
        QVERIFY(!first.wire.closed);
        second.heard();
        second.say("40");
        QCOMPARE(second.heard(), QStringList{QStringLiteral("44{\"message\":\"server full\"}")});
        QVERIFY(second.wire.closed == shared::CloseReason::Full);
        shard.places = 0;
        first.session().close(shared::CloseReason::Draining);
        QCOMPARE(shard.places, 1); // at once: its connection may take its time to end
        first.session().connectionClosed(shared::CloseReason::Draining);
        QCOMPARE(shard.places, 1);
    }

    void theLeastActiveIsFirst() {
        FakeShard shard(twoNamespaces());
        TestClient a(shard, 1), b(shard, 2), c(shard, 3);
        const auto first = [&] { return static_cast<Session*>(shard.activity().leastActive()); };
        QVERIFY(first() == nullptr);
        for (auto* const client : {&a, &b, &c}) {
            client->say("40");
            client->say("42[\"join\",\"r\"]");
            shard.pass(std::chrono::milliseconds(100));
        }
        QVERIFY(first() == &a.session());
        a.say("3"); // a heartbeat is no activity
        QVERIFY(first() == &a.session());
        a.say("42[\"dance\"]");
        QVERIFY(first() == &b.session());
        c.say("42[\"publish\",\"r\",\"e\"]"); // a delivery is one
        shard.settle();
        QVERIFY(first() == &c.session());
        const auto places = shard.places;
        c.session().makeWay();
        QVERIFY(c.wire.closed == shared::CloseReason::Evicted);
        QVERIFY(c.heard().contains(QStringLiteral("41")));
        QCOMPARE(shard.places, places); // whoever comes has it
        QVERIFY(first() != &c.session());
    }
};

QTEST_GUILESS_MAIN(SessionTest)
#include "tst_session.moc"
