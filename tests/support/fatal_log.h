// SPDX-License-Identifier: Apache-2.0
// Makes an unexpected qWarning or qCritical fail the test that it came from. Messages may come from any
// thread.
//   void init() { m_log.emplace(); }
//   void cleanup() { QCOMPARE(m_log->unexpected(), QStringList()); m_log.reset(); }
#pragma once
#include <QList>
#include <QMutex>
#include <QMutexLocker>
#include <QRegularExpression>
#include <QStringList>
#include <QtGlobal>
#include <utility>

/// Must be made inside a test function (init() will do): Qt Test puts its own handler in place before.
class FatalLog {
public:
    FatalLog() {
        // The offscreen platform says this once a window; it is no fault of ours.
        expect(QStringLiteral("^This plugin does not support propagateSizeHints\\(\\)"));
        const QMutexLocker lock(&current().mutex);
        Q_ASSERT(!current().log);
        current().log = this;
        m_previous = qInstallMessageHandler(&FatalLog::receive);
    }
    ~FatalLog() {
        qInstallMessageHandler(m_previous);
        const QMutexLocker lock(&current().mutex);
        current().log = nullptr;
    }
    FatalLog(const FatalLog&) = delete;
    FatalLog& operator=(const FatalLog&) = delete;

    /// Lines that match `pattern` are no failure; they may come any number of times.
    void expect(const QString& pattern) {
        const QMutexLocker lock(&current().mutex);
        m_expected.append(QRegularExpression(pattern));
    }
    QStringList unexpected() const {
        const QMutexLocker lock(&current().mutex);
        return m_unexpected;
    }

private:
    // A message handler is a plain function: it has to find its log somewhere.
    struct Current {
        QMutex mutex;
        FatalLog* log = nullptr;
    };
    static Current& current() {
        static Current one;
        return one;
    }

    static void receive(QtMsgType type, const QMessageLogContext& context, const QString& message) {
        QtMessageHandler previous = nullptr;
        {
            const QMutexLocker lock(&current().mutex);
            if (auto* log = current().log) {
                previous = log->m_previous;
                if ((type == QtWarningMsg || type == QtCriticalMsg) && !log->isExpected(message))
                    log->m_unexpected.append(message);
            }
        }
        // Outside the lock: Qt Test's handler may fail the test, and so come back here.
        if (previous)
            previous(type, context, message);
    }
    bool isExpected(const QString& message) const {
        for (const auto& pattern : m_expected) {
            if (pattern.match(message).hasMatch())
                return true;
        }
        return false;
    }

    QList<QRegularExpression> m_expected;
    QStringList m_unexpected;
    QtMessageHandler m_previous = nullptr;
};
