// SPDX-License-Identifier: Apache-2.0
// The wheel against a plain model, on a clock that only the test moves.
#include "server/core/timing_wheel.h"
#include <QtTest/QTest>
#include <algorithm>
#include <functional>
#include <map>
#include <random>

using namespace std::chrono_literals;
using server::TimePoint;
using server::TimerHandle;
using server::TimingWheel;

namespace {

const TimePoint Start = TimePoint() + 1000h;

class Log final : public TimingWheel::Target {
public:
    void expired(std::uint32_t tag, TimePoint due) override {
        tags.push_back(tag);
        dues.push_back(due);
        if (act)
            act(tag, due);
    }
    std::vector<std::uint32_t> tags;
    std::vector<TimePoint> dues;
    std::function<void(std::uint32_t, TimePoint)> act;
};

using Tags = std::vector<std::uint32_t>;

} // namespace

class TstTimingWheel : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void expires_data();
    void expires();
    void cancelAndMove();
    void staleHandles();
    void changesInsideExpired();
    void slices();
    void sleepsThroughEmptyTime();
    void aPeriodKeepsItsPlace();
    void spread_data();
    void spread();
    void againstModel_data();
    void againstModel();
    void halfAMillion();
};

void TstTimingWheel::expires_data() {
    QTest::addColumn<int>("deadlineMs");
    QTest::addColumn<int>("lastSilentMs");
    QTest::addColumn<int>("firstMs");
    QTest::newRow("now: the next tick") << 0 << 99 << 100;
    QTest::newRow("in the past: the next tick") << -5000 << 99 << 100;
    QTest::newRow("within a tick: rounded up") << 1 << 99 << 100;
    QTest::newRow("on a tick") << 100 << 99 << 100;
    QTest::newRow("just behind a tick") << 101 << 199 << 200;
    QTest::newRow("one turn") << 51'200 << 51'199 << 51'200;
    QTest::newRow("one turn and a tick") << 51'300 << 51'299 << 51'300;
    QTest::newRow("many turns") << 3'600'000 << 3'599'999 << 3'600'000;
}

void TstTimingWheel::expires() {
    QFETCH(int, deadlineMs);
    QFETCH(int, lastSilentMs);
    QFETCH(int, firstMs);
    TimingWheel wheel(Start);
    Log log;
    const TimerHandle handle = wheel.add(Start + std::chrono::milliseconds(deadlineMs), log, 7);
    QVERIFY(wheel.isWaiting(handle));
    QVERIFY(wheel.advance(Start + std::chrono::milliseconds(lastSilentMs)));
    QCOMPARE(log.tags, Tags());
    QVERIFY(wheel.advance(Start + std::chrono::milliseconds(firstMs)));
    QCOMPARE(log.tags, Tags{7});
    QVERIFY(log.dues.front() == Start + std::chrono::milliseconds(firstMs));
    QVERIFY(!wheel.isWaiting(handle));
    QCOMPARE(wheel.size(), std::size_t(0));
    wheel.advance(Start + 2h);
    QCOMPARE(log.tags, Tags{7});
}

void TstTimingWheel::cancelAndMove() {
    TimingWheel wheel(Start);
    Log log;
    TimerHandle one = wheel.add(Start + 1s, log, 1);
    const TimerHandle two = wheel.add(Start + 1s, log, 2);
    const TimerHandle three = wheel.add(Start + 3s, log, 3);
    QVERIFY(wheel.cancel(one));
    QVERIFY(!one.isSet());
    QVERIFY(!wheel.cancel(one));
    QVERIFY(wheel.move(two, Start + 4s));
    QVERIFY(wheel.move(three, Start + 2s));
    QCOMPARE(wheel.size(), std::size_t(2));
    wheel.advance(Start + 2s);
    QCOMPARE(log.tags, Tags{3});
    wheel.advance(Start + 4s);
    QCOMPARE(log.tags, (Tags{3, 2}));
    QVERIFY(!wheel.move(two, Start + 9s));
}

void TstTimingWheel::staleHandles() {
    TimingWheel wheel(Start);
    Log log;
    TimerHandle old = wheel.add(Start + 1s, log, 1);
    wheel.advance(Start + 1s);
    std::vector<TimerHandle> later; // one of them takes the old one's place
    for (std::uint32_t i = 0; i < 5000; ++i)
        later.push_back(wheel.add(Start + 2s, log, 2));
    QVERIFY(!wheel.isWaiting(old));
    QVERIFY(!wheel.cancel(old));
    QCOMPARE(wheel.size(), std::size_t(5000));
    TimerHandle unset;
    QVERIFY(!wheel.cancel(unset));
    QVERIFY(!wheel.move(unset, Start + 3s));
}

void TstTimingWheel::changesInsideExpired() {
    TimingWheel wheel(Start);
    Log log;
    std::vector<TimerHandle> handles(4);
    for (std::uint32_t i = 0; i < 4; ++i)
        handles[i] = wheel.add(Start + 1s, log, i);
    log.act = [&](std::uint32_t tag, TimePoint due) {
        if (tag != 0)
            return;
        QVERIFY(!wheel.isWaiting(handles[0])); // its own is spent
        QVERIFY(wheel.cancel(handles[1]));     // due in the same tick
        QVERIFY(wheel.move(handles[2], due + 1s));
        wheel.add(due, log, 9); // over already: the next tick, not this call
    };
    wheel.advance(Start + 1s);
    QCOMPARE(log.tags, (Tags{0, 3}));
    wheel.advance(Start + 1100ms);
    QCOMPARE(log.tags, (Tags{0, 3, 9}));
    wheel.advance(Start + 2s);
    QCOMPARE(log.tags, (Tags{0, 3, 9, 2}));
}

void TstTimingWheel::slices() {
    TimingWheel wheel(Start);
    Log log;
    std::vector<TimerHandle> handles;
    for (std::uint32_t i = 0; i < 1000; ++i)
        handles.push_back(wheel.add(Start + 1s, log, i));
    wheel.add(Start + 2s, log, 1000);
    QVERIFY(!wheel.advance(Start + 3s, 400));
    QCOMPARE(log.tags.size(), std::size_t(400));
    QVERIFY(wheel.cancel(handles[500])); // still waits for its slice
    QVERIFY(!wheel.advance(Start + 3s, 400));
    QVERIFY(wheel.advance(Start + 3s, 400));
    QCOMPARE(log.tags.size(), std::size_t(1000));
    QVERIFY(std::is_sorted(log.tags.begin(), log.tags.end()));
    QVERIFY(log.dues[998] == Start + 1s); // however late the slice was
    QVERIFY(log.dues[999] == Start + 2s);
}

void TstTimingWheel::sleepsThroughEmptyTime() {
    TimingWheel wheel(Start);
    Log log;
    const TimePoint muchLater = Start + 24h * 365 * 30; // over 32 bits of ticks
    QVERIFY(wheel.advance(muchLater));
    wheel.add(muchLater + 150ms, log, 1);
    wheel.advance(muchLater + 199ms);
    QCOMPARE(log.tags, Tags());
    wheel.advance(muchLater + 200ms);
    QCOMPARE(log.tags, Tags{1});
    wheel.advance(Start); // time does not go back
    QCOMPARE(log.tags, Tags{1});
}

void TstTimingWheel::aPeriodKeepsItsPlace() {
    TimingWheel wheel(Start);
    Log log;
    log.act = [&](std::uint32_t tag, TimePoint due) { wheel.add(due + 25s, log, tag); };
    wheel.add(Start + 300ms, log);
    for (TimePoint now = Start; now < Start + 10min; now += 733ms) // always late
        wheel.advance(now);
    QCOMPARE(log.dues.size(), std::size_t(24));
    for (std::size_t i = 0; i < log.dues.size(); ++i)
        QVERIFY(log.dues[i] == Start + 300ms + 25s * std::int64_t(i));
}

void TstTimingWheel::spread_data() {
    QTest::addColumn<int>("count");
    QTest::addColumn<int>("periodMs");
    QTest::addColumn<int>("betweenUs");
    QTest::newRow("a storm at one moment") << 10'000 << 25'000 << 0;
    QTest::newRow("half a million") << 500'000 << 25'000 << 20;
    QTest::newRow("two a place") << 500 << 25'000 << 0;
    QTest::newRow("a steady trickle") << 5'000 << 25'000 << 10'000;
    QTest::newRow("in step with the period") << 5'000 << 1'000 << 1'000'000;
    QTest::newRow("a period that is no multiple of the tick") << 10'000 << 12'345 << 1'700;
    QTest::newRow("a period below the tick") << 100 << 50 << 0;
}

void TstTimingWheel::spread() {
    QFETCH(int, count);
    QFETCH(int, periodMs);
    QFETCH(int, betweenUs);
    TimingWheel wheel(Start);
    const auto period = std::chrono::milliseconds(periodMs);
    const auto places = std::max<std::int64_t>(1, periodMs / 100);
    std::map<std::int64_t, int> held; // by place in the period: what one tick holds once all beat
    for (int i = 0; i < count; ++i) {
        const TimePoint now = Start + 7777ms + std::chrono::microseconds(std::int64_t(i) * betweenUs);
        const TimePoint first = wheel.spread(now, period);
        QVERIFY2(first > now, "in the past");
        QVERIFY2(first <= now + std::max<std::chrono::milliseconds>(period, 100ms), "after its period");
        QCOMPARE((first - Start) % 100ms, TimePoint::duration(0));
        ++held[((first - Start) / 100ms) % places];
    }
    const double mean = double(count) / double(places);
    int most = 0;
    for (const auto& [place, entries] : held)
        most = std::max(most, entries);
    QVERIFY2(most <= 2 * mean, qPrintable(QString("%1 of a mean of %2").arg(most).arg(mean)));
}

void TstTimingWheel::againstModel_data() {
    QTest::addColumn<int>("seed");
    for (int seed = 1; seed <= 8; ++seed)
        QTest::addRow("seed %d", seed) << seed;
}

void TstTimingWheel::againstModel() {
    QFETCH(int, seed);
    std::mt19937 random{std::mt19937::result_type(seed)};
    const auto below = [&](int bound) { return int(random() % std::uint32_t(bound)); };
    TimingWheel wheel(Start, 10ms);
    Log log;
    struct Entry {
        TimerHandle handle;
        TimePoint due; // the tick
    };
    std::map<std::uint32_t, Entry> model;
    TimePoint now = Start;
    std::uint32_t next = 0;
    const auto dueOf = [&](TimePoint deadline) {
        const auto ticks = (deadline - Start + 10ms - 1ns) / 10ms;
        return std::max(Start + 10ms * ticks, Start + 10ms * ((now - Start) / 10ms + 1));
    };
    for (int step = 0; step < 20'000; ++step) {
        const TimePoint deadline = now + std::chrono::milliseconds(below(12'000) - 500);
        const int action = below(10);
        if (action < 5) {
            model[next] = {wheel.add(deadline, log, next), dueOf(deadline)};
            ++next;
        } else if (action < 7 && !model.empty()) {
            const auto victim = std::next(model.begin(), below(int(model.size())) % 50);
            QVERIFY(wheel.cancel(victim->second.handle));
            model.erase(victim);
        } else if (action < 9 && !model.empty()) {
            const auto moved = std::next(model.begin(), below(int(model.size())) % 50);
            QVERIFY(wheel.move(moved->second.handle, deadline));
            moved->second.due = dueOf(deadline);
        } else {
            now += std::chrono::milliseconds(below(300));
            log.tags.clear();
            log.dues.clear();
            while (!wheel.advance(now, 7)) {
            }
            std::size_t expected = 0;
            for (const auto& [tag, entry] : model)
                expected += entry.due <= now ? 1U : 0U;
            QCOMPARE(log.tags.size(), expected);
            QVERIFY(std::is_sorted(log.dues.begin(), log.dues.end()));
            for (std::size_t i = 0; i < log.tags.size(); ++i) {
                const auto fired = model.find(log.tags[i]);
                QVERIFY(fired != model.end());
                QVERIFY(fired->second.due == log.dues[i]);
                model.erase(fired);
            }
        }
        QCOMPARE(wheel.size(), model.size());
    }
}

void TstTimingWheel::halfAMillion() {
    constexpr std::uint32_t Count = 500'000;
    TimingWheel wheel(Start);
    Log log;
    std::uint64_t beats = 0;
    log.act = [&](std::uint32_t tag, TimePoint due) {
        ++beats;
        wheel.add(due + 25s, log, tag);
        log.tags.clear();
        log.dues.clear();
    };
    for (std::uint32_t i = 0; i < Count; ++i)
        wheel.add(wheel.spread(Start, 25s), log, i);
    std::size_t most = 0;
    for (TimePoint now = Start; now <= Start + 50s; now += 100ms) {
        const std::uint64_t before = beats;
        while (!wheel.advance(now)) {
        }
        most = std::max(most, std::size_t(beats - before));
    }
    QCOMPARE(beats, std::uint64_t(2) * Count);
    QCOMPARE(wheel.size(), std::size_t(Count));
    QVERIFY(most <= 2 * Count / 250);
}

QTEST_APPLESS_MAIN(TstTimingWheel)
#include "tst_timing_wheel.moc"
