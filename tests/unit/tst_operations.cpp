// SPDX-License-Identifier: Apache-2.0
// Drains and evictions as a state machine: a fake host that keeps a log, a clock that is moved by hand.
#include <QTest> // first: moc cannot begin with <compare>

#include "server/core/operations.h"
#include <map>

using namespace server;
using namespace std::chrono_literals;
using shared::OperationId;
using shared::admin::OperationRow;
using shared::admin::OperationState;

namespace {

class FakeClock final : public Clock {
public:
    TimePoint now() const override { return m_now; }
    std::int64_t unixMs() const override { return m_now.time_since_epoch().count() / 1000000; }
    void pass(std::chrono::milliseconds time) { m_now += time; }

private:
    TimePoint m_now{1h};
};

enum class Answering { AtOnce, Later };

class FakeHost final : public OperationsHost {
public:
    Operations* operations = nullptr;
    std::vector<std::int64_t> clients{60, 40};
    std::vector<std::int64_t> matching; ///< of a filter, on each shard
    Answering answering = Answering::AtOnce;
    QStringList log;
    std::vector<OperationRow> told;
    int drainedCount = 0;
    std::int64_t largestAsk = 0;

    struct Question {
        OperationId operation;
        ShardIndex shard;
        std::int64_t count;
    };
    std::vector<Question> open;

    int shards() const override { return int(clients.size()); }
    std::int64_t load(ShardIndex shard) const override { return clients[shard.value()]; }
    std::int64_t left() const override {
        std::int64_t sum = 0;
        for (const auto count : clients)
            sum += count;
        return sum;
    }
    void drainSome(OperationId operation, ShardIndex shard, std::int64_t count,
                   std::chrono::milliseconds) override {
        log.append(QStringLiteral("drain %1: %2").arg(shard.value()).arg(count));
        largestAsk = std::max(largestAsk, count);
        open.push_back({operation, shard, count});
        if (answering == Answering::AtOnce)
            answerDrain();
    }
    void answerDrain() {
        for (const auto& question : std::exchange(open, {})) {
            auto& here = clients[question.shard.value()];
            const auto closed = std::min(here, question.count);
            here -= closed;
            operations->answered(question.operation, question.shard, closed);
        }
    }
    void evictSome(OperationId operation, ShardIndex shard, const std::vector<std::uint64_t>& numbers,
                   std::shared_ptr<const shared::Filter> filter, std::int64_t count, bool) override {
        log.append(
            QStringLiteral("evict %1: %2").arg(shard.value()).arg(filter ? count : qint64(numbers.size())));
        std::int64_t closed = std::int64_t(numbers.size());
        if (filter) {
            closed = std::min(count, matching[shard.value()]);
            matching[shard.value()] -= closed;
        }
        operations->answered(operation, shard, closed);
    }
    void operationChanged(const OperationRow& row) override { told.push_back(row); }
    void drained() override { ++drainedCount; }
};

} // namespace

class TestOperations : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void init() {
        m_clock = std::make_unique<FakeClock>();
        m_host = std::make_unique<FakeHost>();
        m_operations = std::make_unique<Operations>(*m_host, *m_clock);
        m_host->operations = m_operations.get();
    }
    void firstClientsCloseAtOnceWithoutGrace();
    void graceComesFirst();
    void defaultRate_data();
    void defaultRate();
    void rateIsKept();
    void sharesFollowLoad();
    void deadlineClosesTheRest();
    void slowShardIsNotFlooded();
    void silentShardIsAskedAgain();
    void nobodyToDrain();
    void oneDrainAtATime();
    void abortStopsAndStays();
    void clientsThatLeaveCount();
    void stuckClientsMakeItFail();
    void evictByIdsAtRate();
    void evictByFilterAtRate();
    void evictEndsWhenNobodyIsLeft();
    void unknownOperations();
    void endedOperationsAreBounded();
    void progressIsTold();

private:
    DrainPlan plan(double rate, std::chrono::milliseconds grace = 0ms,
                   std::chrono::milliseconds deadline = 30s) const {
        return {"anna", rate, grace, deadline};
    }
    void pass(std::chrono::milliseconds time) {
        for (auto left = time; left > 0ms; left -= 50ms) {
            m_clock->pass(50ms);
            m_operations->tick();
        }
    }
    OperationRow row(std::size_t index = 0) const { return m_operations->rows().at(index); }

    std::unique_ptr<FakeClock> m_clock;
    std::unique_ptr<FakeHost> m_host;
    std::unique_ptr<Operations> m_operations;
};

void TestOperations::firstClientsCloseAtOnceWithoutGrace() {
    QVERIFY(m_operations->drain(plan(100)));
    QVERIFY(!m_host->log.isEmpty());
    QVERIFY(row().done < 10);
    QCOMPARE(row().kind, std::string("drain"));
    QCOMPARE(row().by, std::string("anna"));
    QCOMPARE(row().total, std::int64_t(100));
}

void TestOperations::graceComesFirst() {
    QVERIFY(m_operations->drain(plan(100, 5s)));
    pass(4900ms);
    QCOMPARE(m_host->log, QStringList());
    QVERIFY(row().eta_s && *row().eta_s > 1.0 && *row().eta_s < 1.2);
    pass(150ms);
    QVERIFY(!m_host->log.isEmpty());
}

void TestOperations::defaultRate_data() {
    QTest::addColumn<qint64>("clients");
    QTest::addColumn<int>("deadline_s");
    QTest::addColumn<double>("rate");
    QTest::newRow("few: at least 100") << qint64(10) << 30 << 100.0;
    QTest::newRow("many: 80 % of the deadline") << qint64(24000) << 30 << 1000.0;
    QTest::newRow("short deadline") << qint64(800) << 1 << 1000.0;
}

void TestOperations::defaultRate() {
    QFETCH(qint64, clients);
    QFETCH(int, deadline_s);
    QFETCH(double, rate);
    m_host->clients = {clients, 0};
    QVERIFY(m_operations->drain(plan(0, 1s, std::chrono::seconds(deadline_s))));
    QCOMPARE(row().rate_per_s, rate);
}

void TestOperations::rateIsKept() {
    m_host->clients = {6000, 4000};
    QVERIFY(m_operations->drain(plan(1000)));
    pass(2s);
    const auto closed = 10000 - m_host->left();
    QVERIFY2(closed >= 1950 && closed <= 2100, qPrintable(QString::number(closed)));
    QVERIFY(m_host->largestAsk <= 60); // dealt out evenly, never in one blow
    pass(8200ms);
    QCOMPARE(m_host->left(), std::int64_t(0));
    QCOMPARE(row().state, OperationState::Done);
    QCOMPARE(row().done, std::int64_t(10000));
    QCOMPARE(row().untracked, std::int64_t(10000));
    QCOMPARE(row().moved + row().lost + row().pending + row().moved_estimated, std::int64_t(0));
    QCOMPARE(m_host->drainedCount, 1);
    QVERIFY(!m_operations->isActive());
}

void TestOperations::sharesFollowLoad() {
    m_host->clients = {9000, 1000};
    QVERIFY(m_operations->drain(plan(1000)));
    pass(1s);
    const auto first = 9000 - m_host->clients[0], second = 1000 - m_host->clients[1];
    QVERIFY2(first > 7 * second && first < 12 * second,
             qPrintable(QStringLiteral("%1 %2").arg(first).arg(second)));
}

void TestOperations::deadlineClosesTheRest() {
    m_host->clients = {600, 400};
    QVERIFY(m_operations->drain(plan(10, 0ms, 2s)));
    pass(1950ms);
    QVERIFY(m_host->left() > 950);
    pass(200ms);
    QCOMPARE(m_host->left(), std::int64_t(0));
    QCOMPARE(row().state, OperationState::Done);
}

void TestOperations::slowShardIsNotFlooded() {
    m_host->answering = Answering::Later;
    QVERIFY(m_operations->drain(plan(100)));
    pass(500ms);
    QCOMPARE(m_host->open.size(), std::size_t(2)); // one question a shard
    m_host->answerDrain();
    pass(100ms);
    QCOMPARE(m_host->open.size(), std::size_t(2));
    const auto asked = m_host->open[0].count + m_host->open[1].count;
    QVERIFY2(asked > 30, qPrintable(QString::number(asked))); // what it fell behind is caught up with
}

void TestOperations::silentShardIsAskedAgain() {
    m_host->answering = Answering::Later;
    QVERIFY(m_operations->drain(plan(100)));
    pass(200ms);
    const auto before = m_host->open.size();
    m_host->open.clear(); // the answers are lost
    pass(2100ms);
    QCOMPARE(m_host->open.size(), before);
}

void TestOperations::nobodyToDrain() {
    m_host->clients = {0, 0};
    QVERIFY(m_operations->drain(plan(0, 5s)));
    QCOMPARE(row().state, OperationState::Done);
    QCOMPARE(m_host->drainedCount, 1);
    QCOMPARE(m_host->log, QStringList());
}

void TestOperations::oneDrainAtATime() {
    QVERIFY(m_operations->drain(plan(1)));
    const auto second = m_operations->drain(plan(1));
    QVERIFY(!second);
    QCOMPARE(second.error().code, shared::ErrorCode::Busy);
}

void TestOperations::abortStopsAndStays() {
    const auto id = m_operations->drain(plan(100));
    QVERIFY(id);
    pass(200ms);
    QVERIFY(m_operations->abort(*id));
    const auto left = m_host->left();
    pass(1s);
    QCOMPARE(m_host->left(), left);
    QCOMPARE(row().state, OperationState::Aborted);
    QVERIFY(!row().eta_s);
    QVERIFY(!m_operations->isDraining());
    QCOMPARE(m_host->drainedCount, 0);
    const auto again = m_operations->abort(*id);
    QVERIFY(!again);
    QCOMPARE(again.error().code, shared::ErrorCode::Busy);
    QVERIFY(m_operations->drain(plan(100))); // a new one may begin
    QCOMPARE(m_operations->rows().size(), std::size_t(2));
}

void TestOperations::clientsThatLeaveCount() {
    QVERIFY(m_operations->drain(plan(10, 5s)));
    m_host->clients = {30, 0};
    pass(100ms);
    QCOMPARE(row().done, std::int64_t(70));
    m_host->clients = {120, 0}; // handshakes that were under way
    pass(100ms);
    QCOMPARE(row().total, std::int64_t(120));
    QCOMPARE(row().done, std::int64_t(0));
}

void TestOperations::stuckClientsMakeItFail() {
    m_host->answering = Answering::Later; // nobody ever closes
    QVERIFY(m_operations->drain(plan(100, 0ms, 1s)));
    pass(15s);
    QCOMPARE(row().state, OperationState::Running);
    pass(1500ms);
    QCOMPARE(row().state, OperationState::Failed);
    QVERIFY(!m_operations->isActive());
}

void TestOperations::evictByIdsAtRate() {
    EvictPlan evict{"anna", 100, false, {}, nullptr, 0};
    for (std::uint64_t number = 1; number <= 50; ++number)
        evict.ids.push_back({std::uint16_t(number % 2), number});
    QVERIFY(m_operations->evict(std::move(evict)));
    QCOMPARE(row().total, std::int64_t(50));
    pass(200ms);
    QVERIFY(row().done >= 15 && row().done <= 30);
    pass(400ms);
    QCOMPARE(row().state, OperationState::Done);
    QCOMPARE(row().done, std::int64_t(50));
    QCOMPARE(row().kind, std::string("evict"));
}

void TestOperations::evictByFilterAtRate() {
    m_host->matching = {5, 95}; // far from even
    EvictPlan evict{"anna", 100, true, {}, std::make_shared<const shared::Filter>(), 100};
    QVERIFY(m_operations->evict(std::move(evict)));
    pass(500ms);
    QVERIFY2(row().done >= 40 && row().done <= 60, qPrintable(QString::number(row().done)));
    pass(700ms);
    QCOMPARE(row().state, OperationState::Done);
    QCOMPARE(row().done, std::int64_t(100));
    QCOMPARE(m_host->matching, (std::vector<std::int64_t>{0, 0}));
}

void TestOperations::evictEndsWhenNobodyIsLeft() {
    m_host->matching = {3, 0};
    EvictPlan evict{"anna", 1000, false, {}, std::make_shared<const shared::Filter>(), 100};
    QVERIFY(m_operations->evict(std::move(evict)));
    pass(500ms);
    QCOMPARE(row().state, OperationState::Done);
    QCOMPARE(row().done, std::int64_t(3));
}

void TestOperations::unknownOperations() {
    const auto aborted = m_operations->abort(OperationId(99));
    QVERIFY(!aborted);
    QCOMPARE(aborted.error().code, shared::ErrorCode::NotFound);
    m_operations->answered(OperationId(99), ShardIndex(0), 1);
    QVERIFY(m_operations->drain(plan(1, 5s)));
    m_operations->answered(OperationId(1), ShardIndex(63), 1); // a shard that does not exist
    QCOMPARE(row().state, OperationState::Running);
}

void TestOperations::endedOperationsAreBounded() {
    m_host->clients = {0, 0};
    for (int i = 0; i < 150; ++i)
        QVERIFY(m_operations->drain(plan(1)));
    QCOMPARE(m_operations->rows().size(), std::size_t(100));
    QCOMPARE(row(0).id, std::uint64_t(150)); // newest first
    QCOMPARE(row(99).id, std::uint64_t(51));
}

void TestOperations::progressIsTold() {
    m_host->clients = {600, 400};
    QVERIFY(m_operations->drain(plan(1000)));
    pass(1200ms);
    QVERIFY(m_host->told.size() >= 4 && m_host->told.size() <= 9); // not for each tick
    QCOMPARE(m_host->told.front().state, OperationState::Running);
    QCOMPARE(m_host->told.back().state, OperationState::Done);
    for (std::size_t i = 1; i < m_host->told.size(); ++i)
        QVERIFY(m_host->told[i].done >= m_host->told[i - 1].done);
}

QTEST_APPLESS_MAIN(TestOperations)
#include "tst_operations.moc"
