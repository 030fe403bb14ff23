// SPDX-License-Identifier: Apache-2.0
// Percentiles of buckets against percentiles of the sorted values themselves.
#include "shared/histogram.h"
#include <QTest>
#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

using shared::Histogram;
using shared::histogramBucket;
using shared::histogramBucketBegin;
using shared::HistogramBuckets;
using Values = std::vector<std::uint64_t>;

namespace {

/// Half a bucket's width to either side is 1/32 of the value.
constexpr double BucketError = 0.0315;

Histogram histogramOf(const Values& values) {
    Histogram histogram;
    for (const auto value : values)
        histogram.add(value);
    return histogram;
}

double exactPercentile(Values values, double percent) {
    std::sort(values.begin(), values.end());
    const auto rank = std::max<std::size_t>(1, std::size_t(std::ceil(percent / 100 * double(values.size()))));
    return double(values[rank - 1]);
}

/// Latencies as they are found: most are near `median`, a long tail is not.
Values lognormal(double median, double spread, std::size_t count, std::uint32_t seed) {
    std::mt19937 random(seed);
    std::lognormal_distribution<double> distribution(std::log(median), spread);
    Values values(count);
    for (auto& value : values)
        value = std::uint64_t(distribution(random));
    return values;
}

bool isNear(double value, double exact) {
    return std::abs(value - exact) <= exact * BucketError;
}

} // namespace

class TestHistogram : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void bucketOfTicks_data();
    void bucketOfTicks();
    void bucketsBeginWhereTheFormulaSays();
    void everyValueLiesInItsBucket();
    void percentileAgainstSortedData_data();
    void percentileAgainstSortedData();
    void mergedPercentileIsThatOfTheUnion_data();
    void mergedPercentileIsThatOfTheUnion();
    void emptyHasNoPercentile();
    void sparseRoundTrip();
    void foreignBucketsAreIgnored();
    void cellsCountLikeThePlainHistogram();
};

void TestHistogram::bucketOfTicks_data() {
    QTest::addColumn<quint64>("ticks");
    QTest::addColumn<int>("bucket");
    QTest::newRow("zero") << quint64(0) << 0;
    QTest::newRow("last linear") << quint64(15) << 15;
    QTest::newRow("first octave") << quint64(16) << 16;
    QTest::newRow("its end") << quint64(31) << 31;
    QTest::newRow("second octave") << quint64(32) << 32;
    QTest::newRow("two ticks a bucket") << quint64(33) << 32;
    QTest::newRow("next bucket") << quint64(34) << 33;
    QTest::newRow("third octave") << quint64(64) << 48;
    QTest::newRow("last bucket") << (quint64(1) << 31) - 1 << HistogramBuckets - 1;
    QTest::newRow("past the end") << (quint64(1) << 31) << HistogramBuckets - 1;
    QTest::newRow("largest") << std::numeric_limits<quint64>::max() << HistogramBuckets - 1;
}

void TestHistogram::bucketOfTicks() {
    QFETCH(quint64, ticks);
    QTEST(histogramBucket(ticks), "bucket");
}

void TestHistogram::bucketsBeginWhereTheFormulaSays() {
    for (int i = 0; i < HistogramBuckets; ++i) {
        const double formula = i < 16 ? i : (16 + i % 16) * std::pow(2.0, i / 16 - 1);
        QCOMPARE(double(histogramBucketBegin(i)), formula);
        QCOMPARE(histogramBucket(histogramBucketBegin(i)), i);
        if (i > 0)
            QCOMPARE(histogramBucket(histogramBucketBegin(i) - 1), i - 1);
    }
}

void TestHistogram::everyValueLiesInItsBucket() {
    std::mt19937_64 random(7);
    for (int i = 0; i < 100'000; ++i) {
        const auto ticks = random() >> (33 + random() % 31);
        const int bucket = histogramBucket(ticks);
        QVERIFY(ticks >= histogramBucketBegin(bucket));
        QVERIFY(ticks < histogramBucketBegin(bucket + 1));
    }
}

void TestHistogram::percentileAgainstSortedData_data() {
    QTest::addColumn<Values>("values");
    Values oneToTen(10);
    for (std::size_t i = 0; i < oneToTen.size(); ++i)
        oneToTen[i] = i + 1;
    QTest::newRow("one value") << Values{7};
    QTest::newRow("one large value") << Values{1'000'003};
    QTest::newRow("one to ten") << oneToTen;
    QTest::newRow("all equal") << Values(1000, 12'345);
    QTest::newRow("milliseconds") << lognormal(2'000, 0.7, 20'000, 1);
    QTest::newRow("long tail") << lognormal(300, 2.0, 20'000, 2);
    QTest::newRow("seconds") << lognormal(3e6, 0.5, 5'000, 3);
}

void TestHistogram::percentileAgainstSortedData() {
    QFETCH(Values, values);
    const auto histogram = histogramOf(values);
    QCOMPARE(histogram.count(), std::uint64_t(values.size()));
    for (const double percent : {0.0, 1.0, 25.0, 50.0, 90.0, 95.0, 99.0, 99.9, 100.0}) {
        const double exact = exactPercentile(values, percent);
        const double found = histogram.percentile(percent);
        QVERIFY2(isNear(found, exact),
                 qPrintable(QStringLiteral("p%1: %2, exactly %3").arg(percent).arg(found).arg(exact)));
    }
}

void TestHistogram::mergedPercentileIsThatOfTheUnion_data() {
    QTest::addColumn<Values>("first");
    QTest::addColumn<Values>("second");
    const auto fast = lognormal(800, 0.3, 30'000, 11);
    QTest::newRow("fast and slow") << fast << lognormal(90'000, 0.4, 3'000, 12);
    QTest::newRow("busy and idle") << fast << lognormal(400'000, 0.2, 40, 13);
    QTest::newRow("alike") << fast << lognormal(800, 0.3, 30'000, 14);
    QTest::newRow("one is empty") << fast << Values{};
}

void TestHistogram::mergedPercentileIsThatOfTheUnion() {
    QFETCH(Values, first);
    QFETCH(Values, second);
    auto merged = histogramOf(first);
    merged.merge(histogramOf(second));
    Values both = first;
    both.insert(both.end(), second.begin(), second.end());

    // Merging loses nothing at all: the buckets are those of the union.
    QCOMPARE(merged.sparse(), histogramOf(both).sparse());
    for (const double percent : {50.0, 99.0, 99.9}) {
        QCOMPARE(merged.percentile(percent), histogramOf(both).percentile(percent));
        QVERIFY(isNear(merged.percentile(percent), exactPercentile(both, percent)));
    }
}

void TestHistogram::emptyHasNoPercentile() {
    QCOMPARE(Histogram().percentile(99), 0.0);
    QCOMPARE(Histogram().count(), std::uint64_t(0));
    QVERIFY(Histogram().sparse().empty());
}

void TestHistogram::sparseRoundTrip() {
    const auto histogram = histogramOf(lognormal(5'000, 1.0, 1'000, 21));
    const auto sparse = histogram.sparse();
    QVERIFY(std::is_sorted(sparse.begin(), sparse.end()));
    Histogram again;
    again.addBuckets(sparse);
    QCOMPARE(again.sparse(), sparse);
    again.clear();
    QCOMPARE(again.count(), std::uint64_t(0));
}

void TestHistogram::foreignBucketsAreIgnored() {
    Histogram histogram;
    histogram.addBuckets({{-1, 5}, {3, 2}, {HistogramBuckets, 9}});
    QCOMPARE(histogram.count(), std::uint64_t(2));
    QCOMPARE(histogram.at(3), std::uint64_t(2));
}

void TestHistogram::cellsCountLikeThePlainHistogram() {
    shared::HistogramCells cells;
    Histogram histogram;
    for (const auto value : lognormal(5'000, 1.0, 1'000, 22)) {
        cells.add(value);
        histogram.add(value);
    }
    for (int i = 0; i < HistogramBuckets; ++i)
        QCOMPARE(cells.at(i), histogram.at(i));
}

QTEST_GUILESS_MAIN(TestHistogram)
#include "tst_shared_histogram.moc"
