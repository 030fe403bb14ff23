// SPDX-License-Identifier: Apache-2.0
// Questions to shards and what is made of their answers: pages, lateness, health.
#include <QTest> // first: moc cannot begin with <compare>

#include "server/asks.h"
#include "server/health.h"

using namespace server;
using namespace std::chrono_literals;
using shared::admin::ConnectionRow;
using shared::admin::NodeState;
using shared::admin::RedisState;
using shared::admin::SortKey;

namespace {

class FakeClock final : public Clock {
public:
    TimePoint now() const override { return current; }
    TimePoint current{1h};
};

ConnectionRow row(int shard, int number, std::int64_t rooms) {
    ConnectionRow result;
    result.id = std::to_string(shard) + "-" + std::to_string(number);
    result.rooms = rooms;
    return result;
}

QStringList ids(const std::vector<ConnectionRow>& rows) {
    QStringList result;
    for (const auto& each : rows)
        result.append(QString::fromStdString(each.id));
    return result;
}

} // namespace

class TestAsks : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void init() {
        for (auto& box : m_boxes)
            box = std::make_unique<ShardBox>(
                MailboxLimits{.trafficMessages = 0, .handovers = 2, .trafficBytes = {}});
        m_asks = std::make_unique<Asks>(std::vector<ShardBox*>{m_boxes[0].get(), m_boxes[1].get()},
                                        m_counters, m_clock);
    }
    void whenAllHaveAnswered();
    void whenOneIsLate();
    void whenAMailboxIsFull();
    void unknownShard();
    void mayAskInsideTheAnswer();
    void pagesAreMerged_data();
    void pagesAreMerged();
    void everyRowOnce_data();
    void everyRowOnce();
    void badCursors_data();
    void badCursors();
    void health_data();
    void health();

private:
    Answer answer(std::uint64_t ask, std::uint16_t shard) const {
        Answer result;
        result.ask = ask;
        result.shard = shard;
        return result;
    }
    shared::MetricCatalog m_catalog{2, {}};
    Counters m_counters{m_catalog};
    FakeClock m_clock;
    std::unique_ptr<ShardBox> m_boxes[2];
    std::unique_ptr<Asks> m_asks;
};

void TestAsks::whenAllHaveAnswered() {
    int calls = 0;
    m_asks->askAll(DetailsAsk{1}, 100ms, [&](Asks::Answers answers) {
        ++calls;
        QVERIFY(answers.isComplete);
        QCOMPARE(answers.answers.size(), std::size_t(2));
    });
    m_asks->answered(answer(1, 0));
    QCOMPARE(calls, 0);
    m_asks->answered(answer(1, 1));
    QCOMPARE(calls, 1);
    QVERIFY(!m_asks->isWaiting());
    m_asks->answered(answer(1, 1)); // nobody waits for it
    QCOMPARE(calls, 1);
}

void TestAsks::whenOneIsLate() {
    int calls = 0;
    m_asks->askAll(DetailsAsk{1}, 100ms, [&](Asks::Answers answers) {
        ++calls;
        QVERIFY(!answers.isComplete);
        QCOMPARE(answers.answers.size(), std::size_t(1));
    });
    m_asks->answered(answer(1, 0));
    m_clock.current += 99ms;
    m_asks->tick();
    QCOMPARE(calls, 0);
    m_clock.current += 1ms;
    m_asks->tick();
    QCOMPARE(calls, 1);
    m_asks->answered(answer(1, 1));
    QCOMPARE(calls, 1);
}

void TestAsks::whenAMailboxIsFull() {
    int calls = 0;
    for (int i = 0; i < 3; ++i)
        m_asks->askOne(ShardIndex(0), DetailsAsk{1}, 100ms, [&](Asks::Answers answers) {
            ++calls;
            QVERIFY(!answers.isComplete);
        });
    QCOMPARE(calls, 1); // the third was refused at once
    QCOMPARE(m_counters.number(m_catalog.index(shared::Metric::MailboxRefusedTotal)), std::int64_t(1));
}

void TestAsks::unknownShard() {
    int calls = 0;
    m_asks->askOne(ShardIndex(9), DetailsAsk{1}, 100ms, [&](Asks::Answers answers) {
        ++calls;
        QVERIFY(answers.isComplete && answers.answers.empty());
    });
    QCOMPARE(calls, 1);
}

void TestAsks::mayAskInsideTheAnswer() {
    int calls = 0;
    m_asks->askOne(ShardIndex(0), DetailsAsk{1}, 100ms, [&](Asks::Answers) {
        m_asks->askOne(ShardIndex(0), DetailsAsk{2}, 100ms, [&](Asks::Answers) { ++calls; });
    });
    m_asks->answered(answer(1, 0));
    QVERIFY(m_asks->isWaiting());
    m_asks->answered(answer(2, 0));
    QCOMPARE(calls, 1);
}

void TestAsks::pagesAreMerged_data() {
    QTest::addColumn<bool>("descending");
    QTest::addColumn<int>("limit");
    QTest::addColumn<QStringList>("wanted");
    QTest::addColumn<QString>("cursor");
    QTest::newRow("all") << false << 10 << QStringList{"0-2", "1-1", "0-1", "1-2"} << QString();
    QTest::newRow("descending") << true << 10 << QStringList{"1-2", "0-1", "1-1", "0-2"} << QString();
    QTest::newRow("cut") << false << 3 << QStringList{"0-2", "1-1", "0-1"} << QStringLiteral("5/0-1");
    QTest::newRow("exactly all") << false << 4 << QStringList{"0-2", "1-1", "0-1", "1-2"} << QString();
}

void TestAsks::pagesAreMerged() {
    QFETCH(bool, descending);
    QFETCH(int, limit);
    QFETCH(QStringList, wanted);
    QFETCH(QString, cursor);
    const auto order = ListOrder::create(SortKey::Rooms, descending, {});
    QVERIFY(order);
    auto first = answer(1, 0), second = answer(1, 1);
    first.matched = second.matched = 2;
    first.rows = {row(0, 1, 5), row(0, 2, 1)};
    second.rows = {row(1, 1, 5 - 1), row(1, 2, 9)};
    const auto page = mergePages(*order, limit, {{first, second}, true});
    QCOMPARE(ids(page.rows), wanted);
    QCOMPARE(QString::fromStdString(page.cursor), cursor);
    QCOMPARE(page.total, std::int64_t(4));
    QVERIFY(!page.partial);
    second.isPartial = true;
    QVERIFY(mergePages(*order, limit, {{first, second}, true}).partial);
    QVERIFY(mergePages(*order, limit, {{first}, false}).partial);
}

void TestAsks::everyRowOnce_data() {
    QTest::addColumn<int>("key");
    QTest::addColumn<bool>("descending");
    for (const auto key : {SortKey::Id, SortKey::Rooms, SortKey::Rtt, SortKey::InRate, SortKey::Idle})
        for (const bool descending : {false, true})
            QTest::addRow("%s %s", shared::admin::name(key).data(), descending ? "down" : "up")
                << int(key) << descending;
}

void TestAsks::everyRowOnce() {
    QFETCH(int, key);
    QFETCH(bool, descending);
    // What shards do: keep what stands behind the cursor, sort, cut. Many rows are equal in their sort value.
    std::vector<ConnectionRow> shards[2];
    for (int shard = 0; shard < 2; ++shard)
        for (int number = 1; number <= 30; ++number) {
            auto each = row(shard, number, number % 3);
            each.in_rate = number / 7.0; // its cursor must be exact
            each.active_s = 7000 + number / 9.0;
            if (number % 2 == 0)
                each.rtt_ms = number * 0.1;
            shards[shard].push_back(each);
        }
    QStringList seen;
    std::string cursor;
    int pages = 0;
    do {
        for (auto& shard : shards)
            for (auto& each : shard)
                each.idle_s += 1000; // time passes between two pages
        const auto order = ListOrder::create(SortKey(key), descending, cursor);
        QVERIFY(order);
        Asks::Answers answers;
        for (std::uint16_t shard = 0; shard < 2; ++shard) {
            auto part = answer(1, shard);
            part.matched = 30;
            for (const auto& each : shards[shard])
                if (order->isInPage(order->position(each)))
                    part.rows.push_back(each);
            order->sort(part.rows, 7);
            answers.answers.push_back(std::move(part));
        }
        const auto page = mergePages(*order, 7, std::move(answers));
        seen += ids(page.rows);
        cursor = page.cursor;
    } while (!cursor.empty() && ++pages < 20);
    QCOMPARE(seen.size(), 60);
    seen.removeDuplicates();
    QCOMPARE(seen.size(), 60);
}

void TestAsks::badCursors_data() {
    QTest::addColumn<QString>("cursor");
    for (const auto* cursor :
         {"x", "1", "1/", "/0-1", "1/0", "nan/0-1", "inf/0-1", "1 /0-1", "1/0-1x", "1e999/0-1"})
        QTest::newRow(cursor) << QString::fromUtf8(cursor);
    QTest::newRow("long") << QString(200, u'1') + QStringLiteral("/0-1");
}

void TestAsks::badCursors() {
    QFETCH(QString, cursor);
    const auto order = ListOrder::create(SortKey::Id, false, cursor.toStdString());
    QVERIFY(!order);
    QCOMPARE(order.error().code, shared::ErrorCode::BadRequest);
}

void TestAsks::health_data() {
    QTest::addColumn<int>("node");
    QTest::addColumn<qint64>("connections");
    QTest::addColumn<int>("redis");
    QTest::addColumn<bool>("isRequired");
    QTest::addColumn<qint64>("stalled_ms");
    QTest::addColumn<int>("state");
    QTest::addColumn<QString>("reason"); // empty: ready
    const auto add = [](const char* name, NodeState node, qint64 connections, RedisState redis,
                        bool isRequired, qint64 stalled, HealthState state, const char* reason) {
        QTest::newRow(name) << int(node) << connections << int(redis) << isRequired << stalled << int(state)
                            << QString::fromUtf8(reason);
    };
    using enum HealthState;
    add("fine", NodeState::Ready, 10, RedisState::None, false, 0, Healthy, "");
    add("Redis up", NodeState::Ready, 10, RedisState::Up, true, 0, Healthy, "");
    add("Redis away", NodeState::Ready, 10, RedisState::Away, false, 0, Degraded, "");
    add("Redis away, required", NodeState::Ready, 10, RedisState::Away, true, 0, Degraded, "Redis");
    add("below 90 %", NodeState::Ready, 89, RedisState::None, false, 0, Healthy, "");
    add("at 90 %", NodeState::Ready, 90, RedisState::None, false, 0, Degraded, "");
    add("full", NodeState::Ready, 100, RedisState::None, false, 0, Degraded, "capacity");
    add("a shard stands still", NodeState::Ready, 10, RedisState::None, false, 5001, Degraded, "shard 1");
    add("a shard is slow", NodeState::Ready, 10, RedisState::None, false, 4999, Healthy, "");
    add("draining before degraded", NodeState::Draining, 95, RedisState::Away, false, 0, Draining,
        "draining");
    add("drained", NodeState::Drained, 0, RedisState::None, false, 0, Draining, "drained");
    add("starting", NodeState::Starting, 0, RedisState::None, false, 0, Healthy, "starting");
}

void TestAsks::health() {
    QFETCH(int, node);
    QFETCH(qint64, connections);
    QFETCH(int, redis);
    QFETCH(bool, isRequired);
    QFETCH(qint64, stalled_ms);
    QFETCH(int, state);
    QFETCH(QString, reason);
    Vitals vitals;
    vitals.state = NodeState(node);
    vitals.connections = connections;
    vitals.capacity = 100;
    vitals.redis = RedisState(redis);
    vitals.isRedisRequired = isRequired;
    vitals.now = 100000ms;
    const std::chrono::milliseconds ticks[] = {100000ms, 100000ms - std::chrono::milliseconds(stalled_ms)};
    vitals.ticks = ticks;
    const auto result = judgeHealth(vitals);
    QCOMPARE(int(result.state), state);
    QCOMPARE(result.notReady.empty(), reason.isEmpty());
    if (!reason.isEmpty())
        QVERIFY(QString::fromStdString(result.notReady.front()).contains(reason));
}

QTEST_APPLESS_MAIN(TestAsks)
#include "tst_asks.moc"
