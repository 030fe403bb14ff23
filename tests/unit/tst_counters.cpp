// SPDX-License-Identifier: Apache-2.0
// Counters of several threads become one row: deltas for what grows, the present for what is.
#include "server/core/counters.h"
#include <QTest>

using namespace server;
using namespace std::chrono_literals;
using shared::Metric;
using shared::SparseBuckets;

class TestCounters : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void countersAreDeltas();
    void gaugesAreAsTheyAre();
    void largestOfThreads();
    void histogramsAddBuckets();
    void ownValues();
    void totalsNeverForget();
    void durations_data();
    void durations();

private:
    const shared::MetricCatalog m_catalog{2, {"0.1.0", "abc", "6.4.2"}};
    double number(const shared::Snapshot& snapshot, Metric metric, std::size_t ordinal = 0) const {
        return std::get<double>(snapshot.values[m_catalog.index(metric, ordinal)]);
    }
    const SparseBuckets& buckets(const shared::Snapshot& snapshot, Metric metric,
                                 std::size_t ordinal = 0) const {
        return std::get<SparseBuckets>(snapshot.values[m_catalog.index(metric, ordinal)]);
    }
};

void TestCounters::countersAreDeltas() {
    Counters first(m_catalog), second(m_catalog);
    first.add(Metric::DeliveriesTotal, 0, 7);
    Sampler sampler(m_catalog, {&first, &second}); // what was before it is no interval's
    first.add(Metric::DeliveriesTotal, 0, 2);
    second.add(Metric::DeliveriesTotal, 0, 3);
    second.add(Metric::MessagesTotal, shared::Direction::Out, 4);
    const auto snapshot = sampler.take(1000, 500);
    QCOMPARE(snapshot.time_ms, std::int64_t(1000));
    QCOMPARE(snapshot.interval_ms, std::int64_t(500));
    QCOMPARE(snapshot.values.size(), m_catalog.series().size());
    QCOMPARE(number(snapshot, Metric::DeliveriesTotal), 5.0);
    QCOMPARE(number(snapshot, Metric::MessagesTotal, std::size_t(shared::Direction::Out)), 4.0);
    QCOMPARE(number(snapshot, Metric::MessagesTotal, std::size_t(shared::Direction::In)), 0.0);
    QCOMPARE(number(sampler.take(1500, 500), Metric::DeliveriesTotal), 0.0);
}

void TestCounters::gaugesAreAsTheyAre() {
    Counters first(m_catalog), second(m_catalog);
    Sampler sampler(m_catalog, {&first, &second});
    first.set(Metric::Sessions, 10);
    second.set(Metric::Sessions, 5);
    QCOMPARE(number(sampler.take(0, 500), Metric::Sessions), 15.0);
    QCOMPARE(number(sampler.take(0, 500), Metric::Sessions), 15.0);
    first.set(Metric::Sessions, 1);
    QCOMPARE(number(sampler.take(0, 500), Metric::Sessions), 6.0);
}

void TestCounters::largestOfThreads() {
    QCOMPARE(m_catalog.row(Metric::ClusterNodes).merge, shared::Merge::Max);
    Counters first(m_catalog), second(m_catalog);
    Sampler sampler(m_catalog, {&first, &second});
    first.set(Metric::ClusterNodes, 3);
    second.set(Metric::ClusterNodes, 2);
    QCOMPARE(number(sampler.take(0, 500), Metric::ClusterNodes), 3.0);
}

void TestCounters::histogramsAddBuckets() {
    Counters first(m_catalog), second(m_catalog);
    Sampler sampler(m_catalog, {&first, &second});
    first.observeCount(Metric::FanoutMembers, 3);
    first.observeCount(Metric::FanoutMembers, 3);
    second.observeCount(Metric::FanoutMembers, 3);
    second.observeCount(Metric::FanoutMembers, 5);
    QCOMPARE(buckets(sampler.take(0, 500), Metric::FanoutMembers), (SparseBuckets{{3, 3}, {5, 1}}));
    second.observeCount(Metric::FanoutMembers, 5);
    QCOMPARE(buckets(sampler.take(0, 500), Metric::FanoutMembers), (SparseBuckets{{5, 1}}));
    QCOMPARE(buckets(sampler.take(0, 500), Metric::FanoutMembers), SparseBuckets());
}

void TestCounters::ownValues() {
    Counters only(m_catalog);
    Sampler sampler(m_catalog, {&only});
    sampler.setValue(Metric::ProcessCpuSecondsTotal, 1.5);
    sampler.setValue(Metric::BuildInfo, 1);
    auto snapshot = sampler.take(0, 500);
    QCOMPARE(number(snapshot, Metric::ProcessCpuSecondsTotal), 1.5);
    QCOMPARE(number(snapshot, Metric::BuildInfo), 1.0);
    sampler.setValue(Metric::ProcessCpuSecondsTotal, 1.75);
    snapshot = sampler.take(0, 500);
    QCOMPARE(number(snapshot, Metric::ProcessCpuSecondsTotal), 0.25);
    QCOMPARE(number(snapshot, Metric::BuildInfo), 1.0);
}

void TestCounters::totalsNeverForget() {
    Counters only(m_catalog);
    Sampler sampler(m_catalog, {&only});
    only.add(Metric::DeliveriesTotal, 0, 4);
    only.observeCount(Metric::FanoutMembers, 2);
    sampler.take(0, 500);
    only.add(Metric::DeliveriesTotal, 0, 4);
    only.observeCount(Metric::FanoutMembers, 2);
    const auto totals = sampler.totals();
    QCOMPARE(std::get<double>(totals[m_catalog.index(Metric::DeliveriesTotal)]), 8.0);
    QCOMPARE(std::get<SparseBuckets>(totals[m_catalog.index(Metric::FanoutMembers)]),
             (SparseBuckets{{2, 2}}));
}

void TestCounters::durations_data() {
    QTest::addColumn<qint64>("nanoseconds");
    QTest::addColumn<int>("metric");
    QTest::addColumn<quint64>("ticks");
    QTest::newRow("microseconds") << qint64(7000) << int(Metric::FanoutSeconds) << quint64(7);
    QTest::newRow("a second") << qint64(1000000000) << int(Metric::FanoutSeconds) << quint64(1000000);
    QTest::newRow("negative counts as 0") << qint64(-5000) << int(Metric::FanoutSeconds) << quint64(0);
    QTest::newRow("ages in hundredths")
        << qint64(1500000000) << int(Metric::ConnectionAgeSeconds) << quint64(150);
    QTest::newRow("past the end") << qint64(9e18) << int(Metric::FanoutSeconds) << quint64(9e15);
}

void TestCounters::durations() {
    QFETCH(qint64, nanoseconds);
    QFETCH(int, metric);
    QFETCH(quint64, ticks);
    Counters only(m_catalog);
    Sampler sampler(m_catalog, {&only});
    only.observe(Metric(metric), std::chrono::nanoseconds(nanoseconds));
    QCOMPARE(buckets(sampler.take(0, 500), Metric(metric)),
             (SparseBuckets{{shared::histogramBucket(ticks), 1}}));
}

QTEST_APPLESS_MAIN(TestCounters)
#include "tst_counters.moc"
