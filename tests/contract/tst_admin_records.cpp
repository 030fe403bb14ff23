// SPDX-License-Identifier: Apache-2.0
// What a real weir-node remembers and tells as it happens: audit, log lines, history.
#include <QTest> // first: moc cannot begin with <compare>

#include "tests/support/admin_link.h"
#include "tests/support/node_process.h"
#include <QFile>

using namespace shared::admin;

class TestAdminRecords : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void initTestCase();
    void logLines();
    void logLevels();
    void logLinesWhileOthersConnect();
    void auditIsKeptInAFile();
    void auditOutlivesTheNode();
    void historyOfACounter();
    void historyOfAHistogram();
    void refuses_data();
    void refuses();

private:
    QString auditFile() const {
        return QStringLiteral("%1/audit-%2.jsonl").arg(m_state.path()).arg(m_node.opsPort());
    }
    QStringList lines(const AdminLink& link) const {
        QStringList all;
        for (const auto& json : link.notifications.value(QStringLiteral("log.line")))
            if (const auto line = LogLine::fromJson(json))
                all.append(QString::fromStdString(line->text));
        return all;
    }
    bool connectLink() {
        m_link = std::make_unique<AdminLink>(m_node.adminUrl(), m_node.token());
        return m_link->waitForHello();
    }
    NodeProcess m_node;
    QTemporaryDir m_state;
    std::unique_ptr<AdminLink> m_link;
};

void TestAdminRecords::initTestCase() {
    qputenv("STATE_DIRECTORY", m_state.path().toLocal8Bit());
    QVERIFY2(m_node.start(), qPrintable(m_node.why()));
    QVERIFY(connectLink());
}

void TestAdminRecords::logLines() {
    m_link->result(QStringLiteral("log.subscribe"));
    m_link->result(QStringLiteral("operations.abort"), {}); // no id: refused, but an act, so it is logged
    QTRY_VERIFY_WITH_TIMEOUT(!lines(*m_link).filter(QStringLiteral("operations.abort")).isEmpty(),
                             Patience_ms);
    const auto first = LogLine::fromJson(m_link->notifications.value(QStringLiteral("log.line")).value(0));
    QVERIFY(first);
    QCOMPARE(first->level, LogLevel::Info);
    QVERIFY(first->time_ms > 1600000000000);
    QCOMPARE(int(first->dropped), 0);
    m_link->result(QStringLiteral("log.unsubscribe"));
    m_link->notifications.remove(QStringLiteral("log.line"));
    AdminLink other(m_node.adminUrl(), m_node.token());
    QVERIFY(other.waitForHello());
    other.result(QStringLiteral("log.subscribe"));
    m_link->errorCode(QStringLiteral("operations.abort"), {});
    QTRY_VERIFY_WITH_TIMEOUT(!lines(other).isEmpty(), Patience_ms);
    QVERIFY(lines(*m_link).isEmpty());
}

void TestAdminRecords::logLevels() {
    AdminLink all(m_node.adminUrl(), m_node.token()), warnings(m_node.adminUrl(), m_node.token());
    QVERIFY(all.waitForHello() && warnings.waitForHello());
    all.result(QStringLiteral("log.subscribe"), {{"level", "trace"}});
    warnings.result(QStringLiteral("log.subscribe"), {{"level", "warn"}});
    m_link->errorCode(QStringLiteral("operations.abort"), {});
    AdminLink wrong(m_node.adminUrl(), "nobody's"); // a warning
    QTRY_VERIFY_WITH_TIMEOUT(!lines(warnings).filter(QStringLiteral("wrong token")).isEmpty(), Patience_ms);
    QTRY_VERIFY_WITH_TIMEOUT(!lines(all).filter(QStringLiteral("wrong token")).isEmpty(), Patience_ms);
    QVERIFY(!lines(all).filter(QStringLiteral("operations.abort")).isEmpty());
    QVERIFY(lines(warnings).filter(QStringLiteral("operations.abort")).isEmpty());
}

void TestAdminRecords::logLinesWhileOthersConnect() {
    AdminLink reader(m_node.adminUrl(), m_node.token());
    QVERIFY(reader.waitForHello());
    reader.result(QStringLiteral("log.subscribe"));
    // One after the other, as a script runs weirctl: many more a second than lines are sent on.
    for (int i = 0; i < 200 && lines(reader).isEmpty(); ++i) {
        AdminLink other(m_node.adminUrl(), m_node.token());
        QVERIFY(other.waitForHello());
    }
    QVERIFY(!lines(reader).filter(QStringLiteral("admin link of")).isEmpty());
}

void TestAdminRecords::auditIsKeptInAFile() {
    m_link->result(QStringLiteral("node.drain"), {{"rate_per_s", 3}});
    m_link->result(QStringLiteral("node.resume"));
    QFile file(auditFile());
    QVERIFY2(file.open(QIODevice::ReadOnly), qPrintable(auditFile()));
    QCOMPARE(int(file.permissions()) & 0x77, 0); // nothing for group and others
    QByteArray last;
    while (!file.atEnd())
        last = file.readLine();
    const auto row = AuditRow::fromJson(QJsonDocument::fromJson(last).object());
    QVERIFY(row);
    QCOMPARE(row->what, std::string("node.resume"));
    QCOMPARE(row->outcome, std::string("ok"));
    QVERIFY(!QByteArray(last).contains(m_node.token()));
}

void TestAdminRecords::auditOutlivesTheNode() {
    const auto before = m_link->result(QStringLiteral("audit.list")).value(QStringLiteral("rows")).toArray();
    QVERIFY(before.size() >= 2);
    const auto port = m_node.opsPort();
    m_link.reset();
    QVERIFY(m_node.stop());
    {
        QFile file(QStringLiteral("%1/audit-%2.jsonl").arg(m_state.path()).arg(port));
        QVERIFY(file.open(QIODevice::Append));
        file.write("{\"time_ms\":1,\"who\""); // as a crash would leave it
    }
    QVERIFY2(m_node.start(), qPrintable(m_node.why()));
    QVERIFY(connectLink());
    QCOMPARE(m_node.opsPort(), port); // and with it the same file
    const auto after = m_link->result(QStringLiteral("audit.list")).value(QStringLiteral("rows")).toArray();
    for (int back = 1; back <= before.size(); ++back) // this test's own acts stand in front
        QCOMPARE(after.at(after.size() - back), before.at(before.size() - back));
}

void TestAdminRecords::historyOfACounter() {
    const auto clients = openClients(m_node.clientUrl(), 3);
    QCOMPARE(int(clients.size()), 3);
    const auto history = [&](int step_ms) {
        return HistoryAnswer::fromJson(m_link->result(
            QStringLiteral("stats.history"), {{"metric", "weir_handshakes_total"}, {"step_ms", step_ms}}));
    };
    const auto accepted = [&](const HistoryAnswer& answer) {
        double sum = 0;
        for (const auto& series : answer.series)
            if (series.labels.front().second == "accepted")
                for (const auto& value : series.values)
                    sum += std::get<double>(value);
        return sum;
    };
    QTRY_COMPARE_WITH_TIMEOUT(accepted(*history(1000)), 3.0, Patience_ms);
    const auto seconds = history(1000), longer = history(4500);
    QVERIFY(seconds && longer);
    QCOMPARE(int(longer->step_ms), 5000);
    QCOMPARE(accepted(*longer), 3.0);
    QVERIFY(longer->times_ms.size() < seconds->times_ms.size() || seconds->times_ms.size() == 1);
    for (const auto& series : seconds->series)
        QCOMPARE(series.values.size(), seconds->times_ms.size());
    for (const auto time : longer->times_ms)
        QCOMPARE(int(time % 5000), 0);
    QVERIFY(!seconds->next_ms);
    const auto later = HistoryAnswer::fromJson(
        m_link->result(QStringLiteral("stats.history"), {{"metric", "weir_sessions"}, {"from_ms", 9e12}}));
    QVERIFY(later && later->times_ms.empty());
}

void TestAdminRecords::historyOfAHistogram() {
    const auto lag = [&] {
        return HistoryAnswer::fromJson(
            m_link->result(QStringLiteral("stats.history"), {{"metric", "weir_loop_lag_seconds"}}));
    };
    QTRY_VERIFY_WITH_TIMEOUT(lag() && !lag()->times_ms.empty(), Patience_ms);
    const auto answer = lag();
    QCOMPARE(answer->series.size(), std::size_t(2)); // one a shard
    const auto* buckets = std::get_if<shared::SparseBuckets>(&answer->series.front().values.back());
    QVERIFY(buckets != nullptr && !buckets->empty());
}

void TestAdminRecords::refuses_data() {
    QTest::addColumn<QString>("method");
    QTest::addColumn<QJsonObject>("params");
    QTest::addColumn<int>("code");
    QTest::newRow("level") << "log.subscribe" << QJsonObject{{"level", "loud"}} << InvalidParamsCode;
    QTest::newRow("no metric") << "stats.history" << QJsonObject() << InvalidParamsCode;
    QTest::newRow("unknown metric") << "stats.history" << QJsonObject{{"metric", "weir_luck"}}
                                    << NotFoundCode;
    QTest::newRow("step") << "stats.history" << QJsonObject{{"metric", "weir_sessions"}, {"step_ms", 0}}
                          << InvalidParamsCode;
    QTest::newRow("audit limit") << "audit.list" << QJsonObject{{"limit", 1001}} << InvalidParamsCode;
}

void TestAdminRecords::refuses() {
    QFETCH(QString, method);
    QFETCH(QJsonObject, params);
    QFETCH(int, code);
    QCOMPARE(m_link->errorCode(method, params), code);
}

QTEST_GUILESS_MAIN(TestAdminRecords)
#include "tst_admin_records.moc"
