// SPDX-License-Identifier: Apache-2.0
// Nodes know of each other by rows in Redis, and two with one id do not live beside each other.
#include "server/cluster/redis_adapter.h"
#include "tests/cluster/recording_host.h"
#include "tests/support/redis_server.h"
#include <QJsonDocument>
#include <QTest>

using namespace server;
using namespace std::chrono_literals;

namespace {

shared::admin::ClusterNode row(const std::string& id, const std::string& instance) {
    shared::admin::ClusterNode made;
    made.id = id;
    made.instance = instance;
    made.version = "0.1.0";
    made.state = shared::admin::NodeState::Ready;
    made.clients = "127.0.0.1:7400";
    made.ops = "127.0.0.1:7401";
    made.connections = 12;
    made.capacity = 100;
    return made;
}

struct Party {
    Party(const std::string& url, const std::string& prefix, const std::string& id,
          const std::string& instance) {
        settings.redis.keyPrefix = prefix;
        adapter = std::make_unique<RedisAdapter>(*RedisAddress::parse(url), settings, host, counters, clock);
        adapter->start();
        adapter->announce(row(id, instance));
    }
    ~Party() {
        if (adapter)
            adapter->stop();
    }
    /// As kill -9 would: the links are cut, and the row stays.
    void die() { adapter.reset(); }

    Settings settings;
    RecordingHost host;
    Clock clock;
    shared::MetricCatalog catalog{1, {"0", "0", "0"}};
    Counters counters{catalog};
    std::unique_ptr<RedisAdapter> adapter;
};

} // namespace

class TestRegistry : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void initTestCase() { QVERIFY2(m_redis.start(), m_redis.output()); }
    void init() { QVERIFY(m_redis.ask("FLUSHALL").startsWith("+OK")); }
    void nodesKnowEachOther();
    void prefixesStayApart();
    void rowEndsWithItsNode();
    void rowIsBackAfterFlush();
    void livingNodeKeepsItsId();
    void deadNodeIsReplaced();
    void unreadableRows_data();
    void unreadableRows();

private:
    QByteArray get(const QByteArray& key) const { return m_redis.ask("GET " + key); }
    RedisServer m_redis;
};

void TestRegistry::nodesKnowEachOther() {
    Party one(m_redis.url(), "p", "one", "1"), other(m_redis.url(), "p", "other", "2");
    QTRY_VERIFY_WITH_TIMEOUT(one.host.knows("other") && one.host.knows("one"), 6000);
    QTRY_VERIFY_WITH_TIMEOUT(other.host.knows("one") && other.host.knows("other"), 6000);
    const auto& seen = one.host.nodes.back();
    QCOMPARE(seen.id, "other");
    QCOMPARE(seen.instance, "2");
    QCOMPARE(seen.clients, "127.0.0.1:7400");
    QCOMPARE(seen.connections, 12);
    QCOMPARE(seen.capacity, 100);
    QVERIFY(std::abs(seen.seen_ms - one.clock.unixMs()) < 60000);
    auto changed = row("other", "2");
    changed.state = shared::admin::NodeState::Draining;
    other.adapter->announce(changed);
    QTRY_COMPARE_WITH_TIMEOUT(one.host.nodes.back().state, shared::admin::NodeState::Draining, 8000);
    QVERIFY(one.host.duplicates.empty() && other.host.duplicates.empty());
}

void TestRegistry::prefixesStayApart() {
    // What means something in a pattern of Redis means nothing in a prefix.
    Party one(m_redis.url(), "p*", "one", "1"), other(m_redis.url(), "pq", "other", "2");
    QTRY_VERIFY_WITH_TIMEOUT(other.host.knows("other"), 6000);
    const int before = one.host.reads;
    QTRY_VERIFY_WITH_TIMEOUT(one.host.reads >= before + 2 && one.host.knows("one"), 8000);
    QCOMPARE(one.host.nodes.size(), std::size_t(1));
}

void TestRegistry::rowEndsWithItsNode() {
    Party one(m_redis.url(), "p", "one", "1");
    {
        Party other(m_redis.url(), "p", "other", "2");
        QTRY_VERIFY_WITH_TIMEOUT(one.host.knows("other"), 6000);
        QVERIFY(get("weir:p:node:other").startsWith("$"));
        QVERIFY(m_redis.ask("PTTL weir:p:node:other").mid(1).toInt() <= 6000);
    }
    QCOMPARE(get("weir:p:node:other"), "$-1\r\n"); // stopped: at once
    QTRY_VERIFY_WITH_TIMEOUT(!one.host.knows("other"), 6000);
    Party dying(m_redis.url(), "p", "dying", "3");
    QTRY_VERIFY_WITH_TIMEOUT(one.host.knows("dying"), 6000);
    dying.die();
    QVERIFY(get("weir:p:node:dying").size() > 5);
    QTRY_VERIFY_WITH_TIMEOUT(!one.host.knows("dying"), 12000); // by itself
}

void TestRegistry::rowIsBackAfterFlush() {
    Party one(m_redis.url(), "p", "one", "1");
    QTRY_VERIFY(get("weir:p:node:one").size() > 5);
    QVERIFY(m_redis.ask("FLUSHALL").startsWith("+OK"));
    QTRY_VERIFY_WITH_TIMEOUT(get("weir:p:node:one").size() > 5, 4000);
    QVERIFY(one.host.duplicates.empty());
}

void TestRegistry::livingNodeKeepsItsId() {
    Party one(m_redis.url(), "p", "same", "1");
    QTRY_VERIFY_WITH_TIMEOUT(one.host.knows("same"), 6000);
    Party other(m_redis.url(), "p", "same", "2");
    QTRY_VERIFY_WITH_TIMEOUT(!other.host.duplicates.empty(), 10000);
    const auto sentence = QString::fromStdString(other.host.duplicates.front());
    for (const char* word : {"same", "127.0.0.1:7400", "127.0.0.1:7401"})
        QVERIFY2(sentence.contains(word), qPrintable(sentence));
    other.adapter->stop();
    QVERIFY(get("weir:p:node:same").contains("\"instance\":\"1\"")); // it took nothing away
    QVERIFY(one.host.duplicates.empty());
}

void TestRegistry::deadNodeIsReplaced() {
    Party one(m_redis.url(), "p", "same", "1");
    QTRY_VERIFY(get("weir:p:node:same").size() > 5);
    one.die();
    QVERIFY(m_redis.ask("PERSIST weir:p:node:same").startsWith(":1")); // not because the row ends
    Party other(m_redis.url(), "p", "same", "2");
    QTRY_VERIFY_WITH_TIMEOUT(get("weir:p:node:same").contains("\"instance\":\"2\""), 8000);
    QVERIFY(other.host.duplicates.empty());
}

void TestRegistry::unreadableRows_data() {
    QTest::addColumn<QByteArray>("key");
    QTest::addColumn<QByteArray>("value");
    QTest::newRow("no JSON") << QByteArray("bad") << QByteArray("nonsense");
    QTest::newRow("no row") << QByteArray("bad") << QByteArray("{}");
    QTest::newRow("of another key") << QByteArray("bad")
                                    << QJsonDocument(row("one", "9").toJson()).toJson(QJsonDocument::Compact);
    QTest::newRow("our own") << QByteArray("one") << QByteArray("nonsense");
}

void TestRegistry::unreadableRows() {
    QFETCH(const QByteArray, key);
    QFETCH(const QByteArray, value);
    const QByteArray full = "weir:p:node:" + key;
    const QByteArray set = "*3\r\n$3\r\nSET\r\n$" + QByteArray::number(full.size()) + "\r\n" + full +
                           "\r\n$" + QByteArray::number(value.size()) + "\r\n" + value + "\r\n";
    QVERIFY(m_redis.ask(set).startsWith("+OK"));
    Party one(m_redis.url(), "p", "one", "1");
    QTRY_VERIFY_WITH_TIMEOUT(one.host.knows("one"), 8000);
    QCOMPARE(one.host.nodes.size(), std::size_t(1));
    QCOMPARE(one.host.nodes.front().instance, "1");
    QVERIFY(one.host.duplicates.empty());
}

QTEST_GUILESS_MAIN(TestRegistry)
#include "tst_registry.moc"
