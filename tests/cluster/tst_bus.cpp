// SPDX-License-Identifier: Apache-2.0
// The bus on its thread, by its mailboxes alone: embedded and over Redis, its end, and settings it cannot
// serve.
#include <QTest> // moc 6.4 cannot read the standard library's <concepts> unless Qt's headers come first

#include "server/cluster/adapters.h"
#include "server/cluster/bus.h"
#include "tests/support/redis_server.h"
#include <QElapsedTimer>
#include <QTcpServer>
#include <atomic>

using namespace server;
using namespace std::chrono_literals;
using shared::Metric;
using shared::admin::RedisState;

namespace {

constexpr MailboxLimits Limits{
    .trafficMessages = 10000, .handovers = 8, .trafficBytes = shared::Bytes::mebi(64)};

/// What a node has around its bus; main and the only shard are the test's thread.
struct Surroundings {
    Surroundings(std::string id, const std::string& url)
        : settings(withUrl(url)), router(settings, {&shardBox}, &busBox),
          bus(BusWorld{settings, std::move(id), router, clock, mainBox}, busBox, counters) {
        router.redis = url.empty() ? RedisState::None : RedisState::Away;
        shardBox.attach([this](ShardMail& mail) {
            if (const auto* deliver = std::get_if<Deliver>(&mail))
                delivered.push_back(deliver->message);
        });
        mainBox.attach([this](MainMail& mail) {
            if (auto* cluster = std::get_if<ClusterMail>(&mail))
                nodes = std::move(cluster->nodes);
            else if (auto* duplicate = std::get_if<DuplicateMail>(&mail))
                duplicateSentence = duplicate->sentence;
        });
    }
    ~Surroundings() {
        bus.stop();
        mainBox.detach();
        shardBox.detach();
    }
    static Settings withUrl(const std::string& url) {
        Settings settings;
        settings.redis.url = url;
        return settings;
    }
    void say(const std::string& id, const std::string& instance) {
        shared::admin::ClusterNode row;
        row.id = id;
        row.instance = instance;
        row.version = "0.1.0";
        busBox.postState("beat", BeatMail{row});
    }
    Published publish(const std::string& args) {
        Message message;
        message.event = "e";
        message.args = args;
        return router.publish(std::move(message), stamper, shardCounters);
    }
    bool isUp() const { return router.redis == RedisState::Up; }

    Clock clock;
    shared::MetricCatalog catalog{1, {"0", "0", "0"}};
    Counters counters{catalog}, shardCounters{catalog};
    const Settings settings;
    ShardBox shardBox{Limits};
    BusBox busBox{Limits};
    MainBox mainBox{Limits};
    Router router;
    Stamper stamper{"n", ShardIndex(0), clock};
    BusThread bus;
    std::vector<MessagePtr> delivered;
    std::vector<shared::admin::ClusterNode> nodes;
    std::string duplicateSentence;
};

} // namespace

class TestBus : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void initTestCase() {
        QVERIFY2(m_redis.start(), m_redis.output());
        QVERIFY(m_silent.listen(QHostAddress::LocalHost));
    }
    void alone();
    void nodeToNode();
    void lastWordsGoOut();
    void stopsWhileAway_data();
    void stopsWhileAway();
    void duplicateIsTold();
    void ticks();
    void ownDispatcher();
    void modes();

private:
    RedisServer m_redis;
    QTcpServer m_silent; ///< takes connections and says nothing
};

void TestBus::alone() {
    Surroundings one("one", "");
    one.bus.start();
    one.say("one", "1");
    QTRY_COMPARE(one.nodes.size(), std::size_t(1));
    QCOMPARE(one.nodes.front().id, "one");
    QVERIFY(!one.publish("1").isQueued);
    QTRY_COMPARE(one.delivered.size(), std::size_t(1));
    QCOMPARE(one.router.redis.load(), RedisState::None);
}

void TestBus::nodeToNode() {
    Surroundings one("one", m_redis.url()), other("other", m_redis.url());
    one.bus.start();
    other.bus.start();
    QTRY_VERIFY(one.isUp() && other.isUp());
    QCOMPARE(one.counters.number(one.catalog.index(Metric::RedisUp)), 1);
    one.say("one", "1");
    other.say("other", "2");
    QVERIFY(!one.publish("1").isQueued);
    QTRY_COMPARE(other.delivered.size(), std::size_t(1));
    QVERIFY(other.delivered.front()->sampledTs_ms.has_value()); // the first of its path
    QCOMPARE(other.delivered.front()->args, "1");
    QCOMPARE(one.delivered.size(), std::size_t(1)); // at home once, no echo
    QTRY_VERIFY_WITH_TIMEOUT(one.nodes.size() == 2 && other.nodes.size() == 2, 8000);
}

void TestBus::lastWordsGoOut() {
    constexpr int Count = 1000;
    Surroundings one("one", m_redis.url()), other("other", m_redis.url());
    one.bus.start();
    other.bus.start();
    QTRY_VERIFY(one.isUp() && other.isUp());
    for (int i = 0; i < Count; ++i)
        one.publish(std::to_string(i));
    one.bus.stop();
    QTRY_COMPARE(other.delivered.size(), std::size_t(Count));
    QCOMPARE(other.delivered.back()->args, std::to_string(Count - 1));
}

void TestBus::stopsWhileAway_data() {
    QTest::addColumn<QString>("url");
    QTest::newRow("nobody listens") << "redis://127.0.0.1:1";
    QTest::newRow("nobody answers") << QStringLiteral("redis://127.0.0.1:%1").arg(m_silent.serverPort());
    QTest::newRow("not to be served") << "redis+cluster://h";
    QTest::newRow("no socket") << "unix:///nowhere/redis.sock";
}

void TestBus::stopsWhileAway() {
    QFETCH(const QString, url);
    Surroundings one("one", url.toStdString());
    one.bus.start();
    QVERIFY(one.publish("1").isQueued);
    QTRY_COMPARE(one.delivered.size(), std::size_t(1)); // local members are served
    QElapsedTimer time;
    time.start();
    one.bus.stop();
    QVERIFY2(time.elapsed() < 3000, qPrintable(QString::number(time.elapsed())));
    one.bus.stop(); // a second time does nothing
    QVERIFY(!one.isUp());
}

void TestBus::duplicateIsTold() {
    Surroundings one("same", m_redis.url()), other("same", m_redis.url());
    one.bus.start();
    QTRY_VERIFY(one.isUp());
    one.say("same", "1");
    QTRY_VERIFY_WITH_TIMEOUT(!one.nodes.empty(), 8000);
    other.bus.start();
    other.say("same", "2");
    QTRY_VERIFY_WITH_TIMEOUT(!other.duplicateSentence.empty(), 10000);
    QVERIFY(one.duplicateSentence.empty());
}

void TestBus::ticks() {
    Surroundings one("one", "");
    one.bus.start();
    QTRY_VERIFY(one.counters.tickedAt_ms.load() > 0);
    const auto first = one.counters.tickedAt_ms.load();
    QTRY_VERIFY(one.counters.tickedAt_ms.load() > first);
}

void TestBus::ownDispatcher() {
    std::atomic<int> made{0};
    Surroundings one("one", "");
    BusBox box{Limits};
    BusThread bus(BusWorld{one.settings, "one", one.router, one.clock, one.mainBox,
                           [&made]() -> QAbstractEventDispatcher* {
                               ++made;
                               return nullptr; // Qt's own
                           }},
                  box, one.counters);
    bus.start();
    shared::admin::ClusterNode row;
    row.id = "one";
    box.postState("beat", BeatMail{row});
    QTRY_COMPARE(one.nodes.size(), std::size_t(1));
    bus.stop();
    QCOMPARE(made.load(), 1);
}

void TestBus::modes() {
    Settings settings;
    QVERIFY(checkAdapter(settings));
    settings.redis.url = "redis://h";
    QVERIFY(checkAdapter(settings));
    settings.redis.mode = "sharded";
    QVERIFY(!checkAdapter(settings));
}

QTEST_GUILESS_MAIN(TestBus)
#include "tst_bus.moc"
