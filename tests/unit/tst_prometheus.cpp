// SPDX-License-Identifier: Apache-2.0
// The metric table as Prometheus text: every series, cumulative histograms, and the judgement of promtool.
#include "server/admin/prometheus.h"
#include "server/core/counters.h"
#include <QProcess>
#include <QRegularExpression>
#include <QStandardPaths>
#include <QTest>

using namespace server;
using shared::Metric;

class TestPrometheus : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void everySeriesIsThere();
    void histogram();
    void promtool();

private:
    const shared::MetricCatalog m_catalog{2, {"0.1.0", "a\"b\\c", "6.4.2"}};
    QString textOf(const Counters& counters) const {
        Sampler sampler(m_catalog, {&counters});
        sampler.setValue(Metric::BuildInfo, 1);
        return QString::fromStdString(prometheusText(m_catalog, sampler.totals()));
    }
};

void TestPrometheus::everySeriesIsThere() {
    Counters counters(m_catalog);
    const auto lines = textOf(counters).split(u'\n');
    for (const auto& row : m_catalog.rows()) {
        const auto name = QString::fromStdString(row.name);
        QCOMPARE(lines.filter(QRegularExpression(QStringLiteral("^# HELP %1 .+").arg(name))).size(), 1);
        QCOMPARE(lines.filter(QRegularExpression(QStringLiteral("^# TYPE %1 ").arg(name))).size(), 1);
    }
    QVERIFY(lines.contains(QStringLiteral("weir_closes_total{reason=\"evicted\"} 0")));
    QVERIFY(lines.contains(
        QStringLiteral("weir_build_info{version=\"0.1.0\",commit=\"a\\\"b\\\\c\",qt=\"6.4.2\"} 1")));
}

void TestPrometheus::histogram() {
    Counters counters(m_catalog);
    for (const int ms : {1, 3, 3, 40, 20000})
        counters.observe(Metric::FanoutSeconds, std::chrono::milliseconds(ms));
    counters.observe(Metric::ConnectionAgeSeconds, std::chrono::hours(30), 0);
    counters.observeCount(Metric::FanoutMembers, 1);
    counters.observeCount(Metric::FanoutMembers, 5000);
    const auto lines = textOf(counters).split(u'\n');
    const auto has = [&](const char* line) { return lines.contains(QString::fromUtf8(line)); };
    QVERIFY(has("weir_fanout_seconds_bucket{le=\"0.0025\"} 1"));
    QVERIFY(has("weir_fanout_seconds_bucket{le=\"0.005\"} 3"));
    QVERIFY(has("weir_fanout_seconds_bucket{le=\"0.05\"} 4"));
    QVERIFY(has("weir_fanout_seconds_bucket{le=\"10\"} 4"));
    QVERIFY(has("weir_fanout_seconds_bucket{le=\"+Inf\"} 5"));
    QVERIFY(has("weir_fanout_seconds_count 5"));
    const auto sum = lines.filter(QRegularExpression(QStringLiteral("^weir_fanout_seconds_sum "))).value(0);
    const double value = sum.section(u' ', 1).toDouble();
    QVERIFY2(value > 20.047 * 0.97 && value < 20.047 * 1.03, qPrintable(sum));
    QVERIFY(has("weir_connection_age_seconds_bucket{reason=\"normal\",le=\"86400\"} 0"));
    QVERIFY(has("weir_connection_age_seconds_bucket{reason=\"normal\",le=\"+Inf\"} 1"));
    QVERIFY(has("weir_fanout_members_bucket{le=\"1\"} 1"));
    QVERIFY(has("weir_fanout_members_bucket{le=\"10000\"} 2"));
    QCOMPARE(lines.filter(QRegularExpression(QStringLiteral("^weir_fanout_seconds_bucket"))).size(), 14);
}

void TestPrometheus::promtool() {
    const auto program = QStandardPaths::findExecutable(QStringLiteral("promtool"));
    if (program.isEmpty())
        QSKIP("promtool is not installed");
    Counters counters(m_catalog);
    counters.observe(Metric::FanoutSeconds, std::chrono::milliseconds(3));
    counters.add(Metric::DeliveriesTotal);
    QProcess process;
    process.setProcessChannelMode(QProcess::MergedChannels);
    process.start(program, {QStringLiteral("check"), QStringLiteral("metrics")});
    QVERIFY(process.waitForStarted());
    process.write(textOf(counters).toUtf8());
    process.closeWriteChannel();
    QVERIFY(process.waitForFinished());
    const auto output = process.readAll();
    QVERIFY2(process.exitCode() == 0 && output.isEmpty(), output.constData());
}

QTEST_GUILESS_MAIN(TestPrometheus)
#include "tst_prometheus.moc"
