// SPDX-License-Identifier: Apache-2.0
// What waits for clients: a shard's stuck connections in their order, and the node's sum over its shards.
#include <QTest> // first: moc cannot begin with <compare>

#include "server/core/queue_budget.h"
#include "server/net/backlog.h"
#include "tests/unit/session_fakes.h"

using namespace server;
using namespace std::chrono_literals;
using shared::Bytes;

namespace {

struct Stuck final : Backlog::Entry {
    void shed() override { wasShed = true; }
    bool wasShed = false;
};

} // namespace

class TestQueues : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void theLongestStuckIsFirst();
    void theSumIsExact();
    void theNodeShedsItsLongestStuck();
};

void TestQueues::theLongestStuckIsFirst() {
    FakeClock clock;
    Backlog backlog;
    Stuck first, second, third;
    QVERIFY(backlog.longestStuck() == nullptr);
    QVERIFY(backlog.stuckSince() == TimePoint());
    const auto begin = clock.now();
    for (auto* const entry : {&first, &second, &third}) {
        QVERIFY(!backlog.settle(*entry, Bytes(), clock));
        QVERIFY(backlog.settle(*entry, Bytes(100), clock));
        clock.advance(1s);
    }
    QVERIFY(backlog.longestStuck() == &first);
    QVERIFY(backlog.stuckSince() == begin);
    // A byte that is read now and then changes nothing; an empty queue does.
    QVERIFY(!backlog.settle(first, Bytes(1), clock));
    QVERIFY(!backlog.settle(second, Bytes(), clock));
    QVERIFY(backlog.longestStuck() == &first);
    QVERIFY(!second.isStuck());
    QVERIFY(backlog.settle(second, Bytes(7), clock));
    backlog.settle(first, Bytes(), clock);
    QVERIFY(backlog.longestStuck() == &third);
    backlog.settle(third, Bytes(), clock);
    QVERIFY(backlog.longestStuck() == &second);
    backlog.settle(second, Bytes(), clock);
    QVERIFY(backlog.longestStuck() == nullptr);
}

void TestQueues::theSumIsExact() {
    FakeClock clock;
    Backlog backlog;
    std::vector<Stuck> entries(50);
    std::vector<std::uint64_t> queued(entries.size(), 0);
    for (std::size_t step = 0; step < 5000; ++step) {
        const std::size_t which = step * 31 % entries.size();
        queued[which] = step * step % 5 == 0 ? 0 : step * 7919 % 100000;
        backlog.settle(entries[which], Bytes(queued[which]), clock);
        std::uint64_t sum = 0;
        for (const auto each : queued)
            sum += each;
        QCOMPARE(backlog.queued().count(), sum);
        QCOMPARE(backlog.longestStuck() == nullptr, sum == 0);
    }
    for (auto& entry : entries)
        backlog.settle(entry, Bytes(), clock);
    QCOMPARE(backlog.queued().count(), std::uint64_t(0));
}

void TestQueues::theNodeShedsItsLongestStuck() {
    const TimePoint start{1h};
    QueueBudget budget(3, Bytes(1000));
    const ShardIndex one(0), two(1), idle(2);
    QVERIFY(!budget.mustShed(one));
    budget.report(one, Bytes(600), start + 2s);
    budget.report(two, Bytes(400), start + 1s);
    QCOMPARE(budget.total().count(), std::uint64_t(1000));
    QVERIFY(!budget.mustShed(one) && !budget.mustShed(two));
    budget.report(one, Bytes(601), start + 2s);
    QVERIFY(!budget.mustShed(one)); // the other shard's has been stuck for longer
    QVERIFY(budget.mustShed(two));
    QVERIFY(!budget.mustShed(idle));
    budget.report(two, Bytes(), TimePoint());
    QVERIFY(!budget.mustShed(one));
    budget.setLimit(Bytes(600));
    QVERIFY(budget.mustShed(one));
    QVERIFY(!budget.mustShed(two));
}

QTEST_GUILESS_MAIN(TestQueues)
#include "tst_queues.moc"
