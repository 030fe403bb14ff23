// SPDX-License-Identifier: Apache-2.0
// What fatal_log.h sees, and what it lets pass.
#include "tests/support/fatal_log.h"
#include <QTest>
#include <thread>

class TestFatalLog : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void quietTestHasNoLines();
    void warningsAreKept();
    void expectedLinesPass();
    void otherThreadsCount();
    void nextLogStartsEmpty();
};

void TestFatalLog::quietTestHasNoLines() {
    const FatalLog log;
    qDebug("a word for the developer");
    qInfo("a word for everybody");
    QCOMPARE(log.unexpected(), QStringList());
}

void TestFatalLog::warningsAreKept() {
    const FatalLog log;
    qWarning("first");
    qCritical("second");
    QCOMPARE(log.unexpected(), QStringList({QStringLiteral("first"), QStringLiteral("second")}));
}

void TestFatalLog::expectedLinesPass() {
    FatalLog log;
    log.expect(QStringLiteral("^Redis is away"));
    qWarning("This plugin does not support propagateSizeHints()");
    qWarning("Redis is away: refused");
    qWarning("but Redis is away");
    QCOMPARE(log.unexpected(), QStringList(QStringLiteral("but Redis is away")));
}

void TestFatalLog::otherThreadsCount() {
    const FatalLog log;
    std::thread([] { qWarning("from a thread"); }).join();
    QCOMPARE(log.unexpected(), QStringList(QStringLiteral("from a thread")));
}

void TestFatalLog::nextLogStartsEmpty() {
    {
        const FatalLog log;
        qWarning("of the last test");
    }
    const FatalLog log;
    QCOMPARE(log.unexpected(), QStringList());
}

QTEST_GUILESS_MAIN(TestFatalLog)
#include "tst_fatal_log.moc"
