// SPDX-License-Identifier: Apache-2.0
// What a node remembers stays within its bounds, and comes back as it was: closed connections, history,
// audit.
#include <QtTest/QTest> // first: moc cannot begin with <compare>

#include "server/admin/audit.h"
#include "server/admin/stats_history.h"
#include "server/core/closed_ring.h"
#include <QTemporaryDir>
#include <spdlog/spdlog.h>

using namespace server;
using namespace shared::admin;
using shared::SparseBuckets;
using shared::Value;

namespace {

ClosedRow closedRow(int number) {
    ClosedRow row;
    row.id = "3-" + std::to_string(number);
    row.address = "10.0.0.1";
    row.user = "älice";
    row.dialect = "json";
    row.transport = "websocket";
    row.agent = std::string(120, 'a');
    row.reason = "lost";
    row.by = "client";
    row.closed_ms = 1000 + number;
    row.age_s = 1.5;
    row.queue_bytes = 70000;
    row.messages_in = number;
    return row;
}

} // namespace

class TestAdminMemory : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void theRingKeepsTheNewest() {
        ClosedRing ring(3, 5000, shared::Bytes::mebi(16));
        for (int i = 1; i <= 20000; ++i)
            ring.add(closedRow(i));
        QVERIFY(ring.records() >= 5000 && ring.records() < 5600);
        int expected = 20000;
        for (auto block = ring.lastBlock(); block >= ring.firstBlock(); --block)
            ring.visit(block,
                       [&](const ClosedRow& row) { QCOMPARE(row.id, "3-" + std::to_string(expected--)); });
        QCOMPARE(std::size_t(20000 - expected), ring.records());
        QCOMPARE(int(ring.forgottenBefore_ms()), 1000 + expected);
        const auto found = ring.find("3-19999");
        QVERIFY(found.has_value());
        QCOMPARE(found->toJson(), closedRow(19999).toJson());
        QVERIFY(!ring.find("3-1").has_value());
    }

    void theRingIsBoundedInBytes() {
        ClosedRing ring(0, 1000000, shared::Bytes::mebi(1));
        for (int i = 1; i <= 50000; ++i)
            ring.add(closedRow(i));
        QVERIFY(ring.bytes() <= std::size_t(1) << 20);
        QVERIFY(ring.records() > 3000);
    }

    void historyComesBackAsItWas() {
        const shared::MetricCatalog catalog(1, {"v", "c", "q"});
        StatsHistory history(catalog);
        const auto sessions = catalog.index(shared::Metric::Sessions);
        const auto cpu = catalog.index(shared::Metric::ProcessCpuSecondsTotal);
        const auto lag = catalog.index(shared::Metric::LoopLagSeconds);
        const auto messages = catalog.index(shared::Metric::MessagesTotal);
        std::size_t seconds = 2000;
        for (std::size_t half = 0; half < 2 * seconds; ++half) {
            shared::Snapshot snapshot;
            snapshot.time_ms = std::int64_t(1000000 + half * 500);
            snapshot.interval_ms = 500;
            for (const auto& series : catalog.series())
                snapshot.values.push_back(
                    series.row->kind == shared::MetricKind::Histogram ? Value(SparseBuckets()) : Value(0.0));
            snapshot.values[sessions] = double(half);
            snapshot.values[messages] = 2.0;
            snapshot.values[cpu] = 0.125;
            snapshot.values[lag] = SparseBuckets{{1, 3}, {400, 1}};
            history.add(snapshot);
        }
        QCOMPARE(history.seconds(), StatsHistory::MostSeconds);
        QVERIFY(history.bytes() < 64 * StatsHistory::MostSeconds);
        HistoryRequest request;
        request.metric = "weir_sessions";
        request.step_ms = 10000;
        auto answer = history.points(request);
        QVERIFY(answer);
        QVERIFY(answer->times_ms.size() >= 90 && answer->times_ms.size() <= 91);
        QCOMPARE(std::get<double>(answer->series[0].values.back()),
                 double(2 * seconds - 3)); // the last whole second
        request.metric = "weir_messages_total";
        answer = history.points(request);
        QVERIFY(answer);
        QCOMPARE(std::get<double>(answer->series[0].values[5]), 40.0);
        QCOMPARE(std::get<double>(answer->series[1].values[5]), 0.0);
        request.metric = "process_cpu_seconds_total";
        answer = history.points(request);
        QVERIFY(answer);
        QCOMPARE(std::get<double>(answer->series[0].values[5]), 2.5);
        request.metric = "weir_loop_lag_seconds";
        answer = history.points(request);
        QVERIFY(answer);
        QCOMPARE(std::get<SparseBuckets>(answer->series[0].values[5]), (SparseBuckets{{1, 60}, {400, 20}}));
    }

    void auditFilesAreRotatedAndBounded() {
        spdlog::set_level(spdlog::level::off); // each act is logged too
        QTemporaryDir directory;
        const auto path = directory.filePath(QStringLiteral("audit.jsonl"));
        Audit audit(path.toStdString());
        const Operator who{"anna", "127.0.0.1:1", Role::Operator};
        const std::string what(480, 'w');
        for (int i = 0; i < 100000; ++i)
            audit.record(i, who, what, "ok");
        const auto files = QDir(directory.path()).entryInfoList(QDir::Files);
        QCOMPARE(int(files.size()), Audit::OldFiles + 1);
        for (const auto& file : files) {
            QVERIFY(file.size() <= Audit::MostFileBytes + 2048);
            QCOMPARE(int(file.permissions()) & 0x77, 0);
        }
        QCOMPARE(audit.rows(0, 20000).size(), std::size_t(10000));
        const Audit again(path.toStdString());
        const auto rows = again.rows(0, 3);
        QCOMPARE(rows.size(), std::size_t(3));
        QCOMPARE(int(rows.front().time_ms), 99999);
    }
};

QTEST_APPLESS_MAIN(TestAdminMemory)
#include "tst_admin_memory.moc"
