// SPDX-License-Identifier: Apache-2.0
// A session and the broker behind it, frame in and frame out, with a fake connection and clock and real
// rooms.
#include "server/core/session.h"
#include "server/dialect/dialects.h"
#include <QCoreApplication>
#include <QtTest/QTest>

using namespace server;

namespace {

class FakeClock final : public Clock {
public:
    TimePoint now() const override { return m_now; }
    std::int64_t unixMs() const override { return 1700000000000; }
    void advance(std::chrono::milliseconds time) { m_now += time; }

private:
    TimePoint m_now{std::chrono::hours(1)};
};

/// What the client would see, as lines.
struct Wire {
    QStringList frames;
    std::optional<shared::CloseReason> closed;
    shared::Bytes queued;
};

class FakeConnection final : public Connection {
public:
    explicit FakeConnection(Wire& wire) : m_wire(wire) {}
    void start(ConnectionHost&) override {}
    void send(const FramePtr& frame) override {
        m_wire.frames << (frame->kind == FrameKind::Binary ? QStringLiteral("b:") : QString()) +
                             QString::fromStdString(frame->bytes);
    }
    shared::Bytes queued() const override { return m_wire.queued; }
    void close(shared::CloseReason reason) override { m_wire.closed = reason; }
    Capabilities capabilities() const override { return {}; }
    shared::SocketKind kind() const override { return shared::SocketKind::Qt; }

private:
    Wire& m_wire;
};

class FakeShard final : public SessionHost {
public:
    explicit FakeShard(Settings settings)
        : m_settings(std::move(settings)), m_catalog(1, {"0", "0", "0"}), m_counters(m_catalog),
          m_box({1000, 1000, shared::Bytes::mebi(10)}), m_router(m_settings, {&m_box}, nullptr),
          m_access(m_settings.broker), m_broker(m_access, m_settings), m_stamper("n", ShardIndex(0), m_clock),
          m_rooms(ShardIndex(0), m_router, m_counters, m_clock), m_wheel(m_clock.now()) {
        m_box.attach([this](ShardMail& mail) {
            if (auto* deliver = std::get_if<Deliver>(&mail))
                m_rooms.deliver(deliver->message);
        });
    }
    ~FakeShard() override { m_box.detach(); }

    void sessionEnded(Session&, shared::CloseReason reason) override { ended << int(reason); }
    const Settings& settings() const override { return m_settings; }
    const Access& access() const override { return m_access; }
    Application& application() override { return m_broker; }
    Rooms& rooms() override { return m_rooms; }
    Router& router() override { return m_router; }
    Stamper& stamper() override { return m_stamper; }
    Counters& counters() override { return m_counters; }
    TimingWheel& wheel() override { return m_wheel; }
    const Clock& clock() const override { return m_clock; }
    ShardIndex shard() const override { return ShardIndex(0); }
    void clientFault(const Session&, std::string_view sentence) override {
        faults << QString::fromUtf8(sentence.data(), qsizetype(sentence.size()));
    }

    /// Carries out what was posted and delivers it.
    void settle() {
        QCoreApplication::processEvents();
        QCoreApplication::processEvents();
        while (m_rooms.deliverSlice() == SliceOutcome::MoreLeft) {
        }
    }
    void pass(std::chrono::milliseconds time) {
        for (; time.count() > 0; time -= std::chrono::milliseconds(100)) {
            m_clock.advance(std::chrono::milliseconds(100));
            m_wheel.advance(m_clock.now());
        }
    }
    std::int64_t number(shared::Metric metric, std::size_t ordinal = 0) const {
        return m_counters.number(m_catalog.index(metric, ordinal));
    }

    QList<int> ended;
    QStringList faults;

private:
    const Settings m_settings;
    FakeClock m_clock;
    shared::MetricCatalog m_catalog;
    Counters m_counters;
    ShardBox m_box;
    Router m_router;
    BrokerAccess m_access;
    Broker m_broker;
    Stamper m_stamper;
    Rooms m_rooms;
    TimingWheel m_wheel;
};

class TestClient {
public:
    TestClient(FakeShard& shard, std::uint64_t number)
        : m_session(shard, shared::ConnectionId{0, number}, Peer{"10.0.0.1", 1234, "agent", "", "/", false},
                    socketIoDialect()) {
        m_session.open(std::make_unique<FakeConnection>(wire));
    }
    void say(const char* text) { m_session.frameReceived(FrameKind::Text, text); }
    void sayBinary(const char* bytes) { m_session.frameReceived(FrameKind::Binary, bytes); }
    QStringList heard() { return std::exchange(wire.frames, QStringList()); }
    Session& session() { return m_session; }
    Wire wire;

private:
    Session m_session;
};

Settings twoNamespaces() {
    Settings settings;
    settings.broker.namespaces = {"/", "/admin"};
    settings.broker.userFrom = "auth.user";
    settings.limits.roomsPerSession = 2;
    return settings;
}

} // namespace

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
};

QTEST_GUILESS_MAIN(SessionTest)
#include "tst_session.moc"
