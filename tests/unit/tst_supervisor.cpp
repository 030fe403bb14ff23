// SPDX-License-Identifier: Apache-2.0
// What a supervisor is told, and when it is told nothing.
#include "server/supervisor.h"
#include <QStringList>
#include <QTest>

using namespace server;
using shared::admin::RedisState;
using std::chrono::milliseconds;

namespace {
constexpr int Patience_ms = 20000;
} // namespace

class TestSupervisor : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void init() {
        m_said.clear();
        m_health = {};
        m_health.capacity = 10;
        m_takes = true;
    }
    void statusLines_data();
    void statusLines();
    void readyAtOnceAlone();
    void readyWithRedis();
    void readyDegradedWithoutRedis();
    void readyIsRepeatedUntilTaken();
    void watchdogStopsWithAShard();
    void stopsOnce();
    void reloads();
    void nobodyListens();

private:
    Supervisor::Tell tell() {
        return [this](const std::string& text) {
            if (m_takes)
                m_said += QString::fromStdString(text);
            return m_takes;
        };
    }
    std::function<Health()> health() {
        return [this] { return m_health; };
    }
    Health m_health;
    QStringList m_said;
    bool m_takes = true;
};

void TestSupervisor::statusLines_data() {
    QTest::addColumn<int>("state");
    QTest::addColumn<int>("redis");
    QTest::addColumn<QString>("reason");
    QTest::addColumn<QString>("line");
    const auto row = [](HealthState state, RedisState redis, const char* reason, const char* line) {
        QTest::newRow(line) << int(state) << int(redis) << QString(reason) << QString(line);
    };
    row(HealthState::Healthy, RedisState::None, "", "healthy, 3 of 10 clients");
    row(HealthState::Healthy, RedisState::Up, "", "healthy, 3 of 10 clients, Redis up");
    row(HealthState::Degraded, RedisState::Away, "", "degraded, 3 of 10 clients, Redis away");
    row(HealthState::Degraded, RedisState::Up, "at capacity",
        "degraded, 3 of 10 clients, Redis up; not ready: at capacity");
    row(HealthState::Draining, RedisState::None, "draining", "draining, 3 of 10 clients");
}

void TestSupervisor::statusLines() {
    QFETCH(int, state);
    QFETCH(int, redis);
    QFETCH(QString, reason);
    m_health.state = HealthState(state);
    m_health.redis = RedisState(redis);
    m_health.connections = 3;
    if (!reason.isEmpty())
        m_health.notReady.push_back(reason.toStdString());
    QTEST(QString::fromStdString(statusLine(m_health)), "line");
}

void TestSupervisor::readyAtOnceAlone() {
    const Supervisor supervisor(health(), tell(), milliseconds(0));
    QCOMPARE(m_said, QStringList{"READY=1\nSTATUS=healthy, 0 of 10 clients"});
}

void TestSupervisor::readyWithRedis() {
    m_health.redis = RedisState::Away;
    const Supervisor supervisor(health(), tell(), milliseconds(0));
    QVERIFY(m_said.isEmpty());
    m_health.redis = RedisState::Up;
    QTRY_COMPARE_WITH_TIMEOUT(m_said, QStringList{"READY=1\nSTATUS=healthy, 0 of 10 clients, Redis up"},
                              Patience_ms);
}

void TestSupervisor::readyDegradedWithoutRedis() {
    m_health.redis = RedisState::Away;
    m_health.state = HealthState::Degraded;
    const Supervisor supervisor(health(), tell(), milliseconds(0));
    QTRY_COMPARE_WITH_TIMEOUT(m_said, QStringList{"READY=1\nSTATUS=degraded, 0 of 10 clients, Redis away"},
                              Patience_ms);
}

void TestSupervisor::readyIsRepeatedUntilTaken() {
    m_takes = false;
    const Supervisor supervisor(health(), tell(), milliseconds(0));
    m_takes = true;
    QTRY_COMPARE_WITH_TIMEOUT(m_said.size(), 1, Patience_ms);
    QVERIFY(m_said.first().startsWith("READY=1\n"));
}

void TestSupervisor::watchdogStopsWithAShard() {
    const Supervisor supervisor(health(), tell(), milliseconds(20));
    QTRY_VERIFY_WITH_TIMEOUT(m_said.count("WATCHDOG=1") >= 3, Patience_ms);
    m_health.stalledShards = 1;
    m_health.state = HealthState::Degraded;
    const auto fed = m_said.count("WATCHDOG=1");
    // The next status line says that whole intervals of the watchdog have passed.
    QTRY_VERIFY_WITH_TIMEOUT(m_said.contains("STATUS=degraded, 0 of 10 clients"), Patience_ms);
    QCOMPARE(m_said.count("WATCHDOG=1"), fed);
    m_health.stalledShards = 0;
    QTRY_VERIFY_WITH_TIMEOUT(m_said.count("WATCHDOG=1") > fed, Patience_ms);
}

void TestSupervisor::stopsOnce() {
    Supervisor supervisor(health(), tell(), milliseconds(0));
    m_said.clear();
    m_health.state = HealthState::Draining;
    supervisor.stopping(milliseconds(5000));
    supervisor.stopping(milliseconds(5000));
    QCOMPARE(m_said,
             QStringList{"STOPPING=1\nEXTEND_TIMEOUT_USEC=15000000\nSTATUS=draining, 0 of 10 clients"});
}

void TestSupervisor::reloads() {
    Supervisor supervisor(health(), tell(), milliseconds(0));
    m_said.clear();
    supervisor.reloading();
    supervisor.reloaded();
    QCOMPARE(m_said.size(), 2);
    QVERIFY2(m_said[0].startsWith("RELOADING=1\nMONOTONIC_USEC="), qPrintable(m_said[0]));
    QVERIFY(m_said[0].section('=', 2).toLongLong() > 0);
    QCOMPARE(m_said[1], QString("READY=1"));
}

void TestSupervisor::nobodyListens() {
    int asked = 0;
    Supervisor supervisor(
        [&asked] {
            ++asked;
            return Health();
        },
        {}, milliseconds(1));
    supervisor.stopping(milliseconds(5000));
    supervisor.reloading();
    supervisor.reloaded();
    QCOMPARE(asked, 0);
}

QTEST_GUILESS_MAIN(TestSupervisor)
#include "tst_supervisor.moc"
