// SPDX-License-Identifier: Apache-2.0
// The tables that both sides read, checked for what their readers rely on.
#include "shared/backoff.h"
#include "shared/close_reasons.h"
#include "shared/metrics.h"
#include "shared/types.h"
#include <QSet>
#include <QTest>

using namespace shared;
using namespace std::chrono_literals;

namespace {

QString text(std::string_view view) {
    return QString::fromUtf8(view.data(), qsizetype(view.size()));
}

MetricCatalog catalogOf(int shards) {
    return MetricCatalog(shards, {"0.1.0", "abc", "6.4.2"});
}

} // namespace

class TestTables : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void closeReasonsAreInOrderAndUnique();
    void closeReasonOfCode_data();
    void closeReasonOfCode();
    void metricRows_data();
    void metricRows();
    void metricNamesAreUnique();
    void seriesAreFoundByOrdinal();
    void ordinalsAreThoseOfTheEnums();
    void connectionOrdinalIsRowMajor();
    void backoffStaysWithinItsBounds_data();
    void backoffStaysWithinItsBounds();
    void backoffSpreads();
    void connectionIdParses_data();
    void connectionIdParses();
};

void TestTables::closeReasonsAreInOrderAndUnique() {
    QSet<QString> names;
    QSet<int> codes;
    int last = 0;
    for (const auto& each : shared::closeReasons()) {
        QCOMPARE(&row(each.reason), &each);
        QVERIFY2(each.code > last, each.name.data());
        last = each.code;
        QVERIFY(each.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") ==
                std::string_view::npos);
        // A close frame's payload is at most 125 bytes, two of them are the code.
        QVERIFY2(!each.sentence.empty() && each.sentence.size() <= 123, each.name.data());
        names.insert(text(each.name));
        codes.insert(each.code);
        QCOMPARE(shared::closeReasonOfCode(each.code), each.reason);
    }
    QCOMPARE(names.size(), qsizetype(shared::closeReasons().size()));
    QCOMPARE(codes.size(), names.size());
    QCOMPARE(shared::closeReasons().size(), std::size_t(CloseReason::Evicted) + 1);
}

void TestTables::closeReasonOfCode_data() {
    QTest::addColumn<int>("code");
    QTest::addColumn<QString>("name");
    QTest::newRow("normal") << 1000 << "normal";
    QTest::newRow("lost") << 1006 << "lost";
    QTest::newRow("no status") << 1005 << "normal";
    QTest::newRow("of another application") << 4999 << "normal";
    QTest::newRow("slow") << 4008 << "slow-consumer";
    QTest::newRow("too small") << 999 << "lost";
    QTest::newRow("too large") << 5000 << "lost";
}

void TestTables::closeReasonOfCode() {
    QFETCH(int, code);
    QTEST(text(row(shared::closeReasonOfCode(std::uint16_t(code))).name), "name");
}

void TestTables::metricRows_data() {
    QTest::addColumn<int>("index");
    const auto catalog = catalogOf(2);
    for (std::size_t i = 0; i < catalog.rows().size(); ++i)
        QTest::newRow(catalog.rows()[i].name.c_str()) << int(i);
}

void TestTables::metricRows() {
    QFETCH(int, index);
    const auto catalog = catalogOf(2);
    const auto& metric = catalog.rows()[std::size_t(index)];
    const auto name = text(metric.name);
    QCOMPARE(int(metric.metric), index);
    QCOMPARE(&catalog.row(metric.metric), &metric);
    QVERIFY(name.startsWith(QStringLiteral("weir_")) || name.startsWith(QStringLiteral("process_")));
    QCOMPARE(name.endsWith(QStringLiteral("_total")), metric.kind == MetricKind::Counter);
    const auto bare = name.endsWith(QStringLiteral("_total")) ? name.chopped(6) : name;
    QCOMPARE(bare.endsWith(QStringLiteral("_seconds")), metric.unit == "seconds");
    QCOMPARE(bare.endsWith(QStringLiteral("_bytes")) || bare == QStringLiteral("weir_bytes"),
             metric.unit == "bytes");
    QVERIFY(!metric.unit.empty());
    if (metric.kind == MetricKind::Histogram) {
        const double latency = metric.metric == Metric::ConnectionAgeSeconds ? 0.01 : 1e-6;
        QCOMPARE(metric.scale, metric.unit == "seconds" ? latency : 1.0);
        QCOMPARE(metric.merge, Merge::Sum);
    } else {
        QCOMPARE(metric.scale, 1.0);
    }
    if (metric.kind == MetricKind::Counter)
        QCOMPARE(metric.merge, Merge::Sum);
    QVERIFY(metric.help.ends_with('.'));
    QVERIFY2(metric.help.find_first_of("\n\\") == std::string::npos,
             "HELP is not escaped in Prometheus text");
    for (const auto& label : metric.labels) {
        QVERIFY(!label.values.empty());
        QCOMPARE(std::size_t(QSet(label.values.begin(), label.values.end()).size()), label.values.size());
    }
}

void TestTables::metricNamesAreUnique() {
    const auto catalog = catalogOf(4);
    QSet<QString> names;
    for (const auto& metric : catalog.rows())
        names.insert(text(metric.name));
    QCOMPARE(names.size(), qsizetype(Metric::Count));
    QCOMPARE(catalog.rows().size(), std::size_t(Metric::Count));
}

void TestTables::seriesAreFoundByOrdinal() {
    for (const int shards : {1, 3, 64}) {
        const auto catalog = catalogOf(shards);
        std::size_t next = 0;
        QSet<QString> seen;
        for (const auto& metric : catalog.rows()) {
            std::size_t count = 1;
            for (const auto& label : metric.labels)
                count *= label.values.size();
            for (std::size_t ordinal = 0; ordinal < count; ++ordinal, ++next) {
                QCOMPARE(catalog.index(metric.metric, ordinal), next);
                const auto& series = catalog.series()[next];
                QCOMPARE(series.row, &metric);
                QString key = text(metric.name);
                for (std::size_t i = 0; i < series.labels.size(); ++i) {
                    QCOMPARE(text(series.labels[i].first), text(metric.labels[i].name));
                    key += QLatin1Char(',') + text(series.labels[i].second);
                }
                seen.insert(key);
            }
        }
        QCOMPARE(catalog.series().size(), next);
        QCOMPARE(std::size_t(seen.size()), next);
        QCOMPARE(catalog.row(Metric::LoopLagSeconds).labels[0].values.size(), std::size_t(shards));
    }
}

void TestTables::ordinalsAreThoseOfTheEnums() {
    const auto catalog = catalogOf(1);
    const auto labelAt = [&](Metric metric, auto ordinal) {
        return text(catalog.series()[catalog.index(metric, std::size_t(ordinal))].labels[0].second);
    };
    QCOMPARE(labelAt(Metric::ClosesTotal, CloseReason::Evicted), QStringLiteral("evicted"));
    QCOMPARE(labelAt(Metric::ConnectionAgeSeconds, CloseReason::Lost), QStringLiteral("lost"));
    QCOMPARE(labelAt(Metric::HandshakesTotal, HandshakeResult::Accepted), QStringLiteral("accepted"));
    QCOMPARE(labelAt(Metric::HandshakesTotal, HandshakeResult::NoDescriptors),
             QStringLiteral("no_descriptors"));
    QCOMPARE(labelAt(Metric::MessagesTotal, Direction::Out), QStringLiteral("out"));
    QCOMPARE(labelAt(Metric::EvictionsTotal, EvictedBy::Capacity), QStringLiteral("capacity"));
    QCOMPARE(labelAt(Metric::DropsTotal, DropReason::Overloaded), QStringLiteral("overloaded"));
    QCOMPARE(labelAt(Metric::ErrorsTotal, ErrorKind::AdminRequest), QStringLiteral("admin_request"));
    QCOMPARE(labelAt(Metric::DeliverySeconds, DeliveryPath::Cluster), QStringLiteral("cluster"));
    QCOMPARE(labelAt(Metric::MailboxRefusedTotal, MailboxOf::Main), QStringLiteral("main"));
}

void TestTables::connectionOrdinalIsRowMajor() {
    const auto catalog = catalogOf(1);
    // transport × dialect × socket, the last turns fastest: polling, socketio, http.
    const auto& series =
        catalog.series()[catalog.index(Metric::Connections, (1 * 2 + 0) * 3 + std::size_t(SocketKind::Http))];
    QCOMPARE(text(series.labels[0].second), QStringLiteral("polling"));
    QCOMPARE(text(series.labels[1].second), QStringLiteral("socketio"));
    QCOMPARE(text(series.labels[2].second), QStringLiteral("http"));
}

void TestTables::backoffStaysWithinItsBounds_data() {
    QTest::addColumn<int>("first");
    QTest::addColumn<int>("most");
    QTest::newRow("redis") << 100 << 2000;
    QTest::newRow("console") << 500 << 10'000;
    QTest::newRow("constant") << 50 << 50;
    QTest::newRow("most below first") << 50 << 10;
    QTest::newRow("nothing") << 0 << 0;
}

void TestTables::backoffStaysWithinItsBounds() {
    QFETCH(int, first);
    QFETCH(int, most);
    const auto least = std::max(first, 1);
    const auto limit = std::max(most, least);
    Backoff backoff{std::chrono::milliseconds(first), std::chrono::milliseconds(most), 42};
    std::int64_t current = least;
    for (int i = 0; i < 200; ++i) {
        const auto wait = backoff.next().count();
        QVERIFY(wait >= least / 2);
        QVERIFY(wait <= current);
        current = std::min<std::int64_t>(current * 2, limit);
    }
    backoff.reset();
    QVERIFY(backoff.next().count() <= least);
}

void TestTables::backoffSpreads() {
    // Two that fail together must not come back together.
    Backoff one(1000ms, 60s, 1);
    Backoff other(1000ms, 60s, 2);
    int equal = 0;
    for (int i = 0; i < 50; ++i)
        equal += one.next() == other.next() ? 1 : 0;
    QVERIFY(equal < 5);
}

void TestTables::connectionIdParses_data() {
    QTest::addColumn<QByteArray>("id");
    QTest::addColumn<bool>("isFine");
    QTest::newRow("first") << QByteArray("0-0") << true;
    QTest::newRow("usual") << QByteArray("3-1234567") << true;
    QTest::newRow("largest") << QByteArray("65535-18446744073709551615") << true;
    QTest::newRow("shard too large") << QByteArray("65536-1") << false;
    QTest::newRow("number too large") << QByteArray("0-18446744073709551616") << false;
    QTest::newRow("empty") << QByteArray("") << false;
    QTest::newRow("no number") << QByteArray("0-") << false;
    QTest::newRow("no shard") << QByteArray("-1") << false;
    QTest::newRow("negative") << QByteArray("0--1") << false;
    QTest::newRow("plus") << QByteArray("0-+1") << false;
    QTest::newRow("leading zero") << QByteArray("00-1") << false;
    QTest::newRow("rest") << QByteArray("0-1x") << false;
    QTest::newRow("node in front") << QByteArray("a/0-1") << false;
}

void TestTables::connectionIdParses() {
    QFETCH(QByteArray, id);
    QFETCH(bool, isFine);
    const ConnectionId before{9, 9};
    ConnectionId out = before;
    QCOMPARE(ConnectionId::parse(id.toStdString(), out), isFine);
    if (isFine)
        QCOMPARE(out.text(), id.toStdString());
    else
        QVERIFY(out == before);
}

QTEST_GUILESS_MAIN(TestTables)
#include "tst_shared_tables.moc"
