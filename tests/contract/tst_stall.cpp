// SPDX-License-Identifier: Apache-2.0
// A shard that stands still: the node says so within seconds, goes on answering, and is well again by itself.
#include <QTest> // first: moc cannot begin with <compare>

#include "tests/support/node_process.h"
#include <QDir>
#include <QJsonDocument>
#include <QJsonObject>
#include <sys/ptrace.h>
#include <sys/wait.h>

namespace {

/// All threads of a process but its first stand still as long as this lives.
class Stopped {
public:
    explicit Stopped(qint64 pid) {
        const auto names =
            QDir(QStringLiteral("/proc/%1/task").arg(pid)).entryList(QDir::Dirs | QDir::NoDotAndDotDot);
        for (const auto& name : names) {
            const auto thread = pid_t(name.toInt());
            if (thread == pid_t(pid) || ptrace(PTRACE_SEIZE, thread, nullptr, nullptr) != 0)
                continue;
            ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr);
            waitpid(thread, nullptr, __WALL);
            m_threads.append(thread);
        }
    }
    ~Stopped() {
        for (const auto thread : m_threads)
            ptrace(PTRACE_DETACH, thread, nullptr, nullptr);
    }
    Stopped(const Stopped&) = delete;
    Stopped& operator=(const Stopped&) = delete;
    qsizetype count() const { return m_threads.size(); }

private:
    QList<pid_t> m_threads;
};

QString healthOf(const NodeProcess& node) {
    return QJsonDocument::fromJson(node.get("/health")).object().value(QLatin1String("status")).toString();
}

int readyOf(const NodeProcess& node, QByteArray* body = nullptr) {
    int status = 0;
    const auto got = node.get("/ready", &status);
    if (body != nullptr)
        *body = got;
    return status;
}

} // namespace

class TestStall : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void isSeenAndPasses();
};

void TestStall::isSeenAndPasses() {
    NodeProcess node;
    QVERIFY2(node.start(), qPrintable(node.why()));
    QCOMPARE(healthOf(node), QStringLiteral("healthy"));
    {
        const Stopped stopped(node.pid());
        QVERIFY(stopped.count() >= 2); // its two shards at least
        QTRY_COMPARE_WITH_TIMEOUT(healthOf(node), QStringLiteral("degraded"), 30000);
        QByteArray reasons;
        QTRY_COMPARE_WITH_TIMEOUT(readyOf(node, &reasons), 503, 30000);
        QVERIFY(reasons.contains("shard 0 has not moved for 5 s"));
        QVERIFY(reasons.contains("shard 1 has not moved for 5 s"));
    }
    QTRY_COMPARE_WITH_TIMEOUT(healthOf(node), QStringLiteral("healthy"), 30000);
    QTRY_COMPARE_WITH_TIMEOUT(readyOf(node), 200, 30000);
    QVERIFY(node.stop());
}

QTEST_GUILESS_MAIN(TestStall)
#include "tst_stall.moc"
