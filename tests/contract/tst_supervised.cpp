// SPDX-License-Identifier: Apache-2.0
// Plays systemd's part: the datagrams of a real weir-node, and their end when one of its threads stands
// still.
#include "tests/support/node_process.h"
#include <QDir>
#include <QJsonDocument>
#include <QJsonObject>
#include <QSocketNotifier>
#include <QTest>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

constexpr int Patience_ms = 30000;

/// A notify socket, in the file system or, with a name that begins with '@', outside of it.
class NotifySocket : public QObject {
public:
    explicit NotifySocket(const QString& name)
        : m_end(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
        const QByteArray path = name.toLocal8Bit();
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.constData(), size_t(path.size()));
        if (path.startsWith('@'))
            address.sun_path[0] = '\0';
        const auto length = socklen_t(offsetof(sockaddr_un, sun_path)) + socklen_t(path.size());
        m_isOpen = bind(m_end, reinterpret_cast<const sockaddr*>(&address), length) == 0;
        auto* const notifier = new QSocketNotifier(m_end, QSocketNotifier::Read, this);
        connect(notifier, &QSocketNotifier::activated, this, [this] {
            char text[2048];
            for (ssize_t size = 0; (size = recv(m_end, text, sizeof text, 0)) > 0;)
                lines += QString::fromUtf8(text, size).split(u'\n');
        });
    }
    ~NotifySocket() override { close(m_end); }
    bool isOpen() const { return m_isOpen; }
    QStringList lines;

private:
    const int m_end;
    bool m_isOpen = false;
};

/// Threads of a child of ours that are held as a debugger holds them: the rest of the process runs on.
class HeldThreads {
public:
    ~HeldThreads() { release(); }
    bool hold(qint64 thread) {
        const auto id = pid_t(thread);
        if (ptrace(PTRACE_SEIZE, id, nullptr, nullptr) != 0)
            return false;
        m_threads.push_back(id);
        int status = 0;
        return ptrace(PTRACE_INTERRUPT, id, nullptr, nullptr) == 0 && waitpid(id, &status, __WALL) == id;
    }
    void release() {
        for (const auto id : m_threads)
            ptrace(PTRACE_DETACH, id, nullptr, nullptr);
        m_threads.clear();
    }

private:
    std::vector<pid_t> m_threads;
};

} // namespace

class TestSupervised : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void startsAndStops_data();
    void startsAndStops();
    void waitsForRedis();
    void isDegradedWithoutRedis();
    void watchdogOfSomebodyElse();
    void watchdogStopsWithAThread();

private:
    QTemporaryDir m_directory;
};

void TestSupervised::startsAndStops_data() {
    QTest::addColumn<QString>("socket");
    QTest::newRow("a path") << m_directory.filePath("notify");
    QTest::newRow("an abstract name") << QStringLiteral("@weir-test-%1").arg(getpid());
}

void TestSupervised::startsAndStops() {
    QFETCH(QString, socket);
    NotifySocket manager(socket);
    QVERIFY(manager.isOpen());
    NodeProcess node;
    node.setVariable("NOTIFY_SOCKET", socket);
    QVERIFY2(node.start({"--set", "node.max_connections=77"}), qPrintable(node.why()));
    QTRY_VERIFY_WITH_TIMEOUT(manager.lines.contains("READY=1"), Patience_ms);
    QVERIFY(manager.lines.contains("STATUS=healthy, 0 of 77 clients"));
    QVERIFY2(node.stop(Patience_ms), node.log().constData());
    QTRY_VERIFY_WITH_TIMEOUT(manager.lines.contains("STOPPING=1"), Patience_ms);
    QCOMPARE(manager.lines.count("WATCHDOG=1"), 0);
}

void TestSupervised::waitsForRedis() {
    RedisProcess redis;
    QVERIFY2(redis.start(), qPrintable(redis.why()));
    NotifySocket manager(m_directory.filePath("redis"));
    NodeProcess node;
    node.setVariable("NOTIFY_SOCKET", m_directory.filePath("redis"));
    QVERIFY2(node.start({"--redis", redis.url()}), qPrintable(node.why()));
    QTRY_VERIFY_WITH_TIMEOUT(manager.lines.contains("READY=1"), Patience_ms);
    const auto status = manager.lines.value(manager.lines.indexOf("READY=1") + 1);
    QVERIFY2(status.startsWith("STATUS=healthy") && status.endsWith("Redis up"), qPrintable(status));
}

void TestSupervised::isDegradedWithoutRedis() {
    NotifySocket manager(m_directory.filePath("away"));
    NodeProcess node;
    node.setVariable("NOTIFY_SOCKET", m_directory.filePath("away"));
    QVERIFY2(node.start({"--redis", QStringLiteral("redis://127.0.0.1:%1").arg(freePort())}),
             qPrintable(node.why()));
    QTRY_VERIFY_WITH_TIMEOUT(manager.lines.contains("READY=1"), Patience_ms);
    const auto status = manager.lines.value(manager.lines.indexOf("READY=1") + 1);
    QVERIFY2(status.startsWith("STATUS=degraded") && status.endsWith("Redis away"), qPrintable(status));
}

void TestSupervised::watchdogOfSomebodyElse() {
    NotifySocket manager(m_directory.filePath("other"));
    NodeProcess node;
    node.setVariable("NOTIFY_SOCKET", m_directory.filePath("other"));
    node.setVariable("WATCHDOG_USEC", "200000");
    node.setVariable("WATCHDOG_PID", "1");
    QVERIFY2(node.start(), qPrintable(node.why()));
    QTRY_VERIFY_WITH_TIMEOUT(manager.lines.contains("READY=1"), Patience_ms);
    QVERIFY(node.stop(Patience_ms));
    QTRY_VERIFY_WITH_TIMEOUT(manager.lines.contains("STOPPING=1"), Patience_ms);
    QCOMPARE(manager.lines.count("WATCHDOG=1"), 0);
}

void TestSupervised::watchdogStopsWithAThread() {
    NotifySocket manager(m_directory.filePath("watchdog"));
    NodeProcess node;
    node.setVariable("NOTIFY_SOCKET", m_directory.filePath("watchdog"));
    node.setVariable("WATCHDOG_USEC", "1000000");
    QVERIFY2(node.start(), qPrintable(node.why()));
    QTRY_VERIFY_WITH_TIMEOUT(manager.lines.count("WATCHDOG=1") >= 4, Patience_ms);

    HeldThreads held;
    for (const auto& thread :
         QDir(QStringLiteral("/proc/%1/task").arg(node.pid())).entryList(QDir::Dirs | QDir::NoDotAndDotDot))
        if (thread.toLongLong() != node.pid()) // main lives: it is not its silence that is seen
            QVERIFY2(held.hold(thread.toLongLong()), std::strerror(errno));
    QTRY_VERIFY_WITH_TIMEOUT(!manager.lines.filter("shard 0 has not moved").isEmpty(), Patience_ms);
    const auto fed = manager.lines.count("WATCHDOG=1");
    // By the node's own clock six more meals were due: main runs and answers, but does not feed.
    const auto uptime = [&node] {
        return QJsonDocument::fromJson(node.get("/health")).object().value("uptime_s").toInt();
    };
    const int seenAt = uptime();
    QVERIFY(seenAt > 0);
    QTRY_VERIFY_WITH_TIMEOUT(uptime() >= seenAt + 3, Patience_ms);
    QCOMPARE(manager.lines.count("WATCHDOG=1"), fed);
    held.release();
    QTRY_VERIFY_WITH_TIMEOUT(manager.lines.count("WATCHDOG=1") > fed, Patience_ms);
    QVERIFY2(node.stop(Patience_ms), node.log().constData());
}

QTEST_GUILESS_MAIN(TestSupervised)
#include "tst_supervised.moc"
