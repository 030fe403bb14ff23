// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/dispatcher_cases.h"
#include <QtCore/QAbstractEventDispatcher>
#include <QtCore/QElapsedTimer>
#include <QtCore/QThread>
#include <QtCore/QTimer>
#include <algorithm>
#include <map>

namespace tests {

namespace {

/// Until something that was started long ago is due for certain. Waits for no event: there must be none yet.
void letTimePass(int milliseconds) {
    QThread::msleep(static_cast<unsigned long>(milliseconds));
}

QString typeName(Qt::TimerType type) {
    switch (type) {
    case Qt::PreciseTimer:
        return "precise";
    case Qt::CoarseTimer:
        return "coarse";
    case Qt::VeryCoarseTimer:
        return "very coarse";
    }
    return {};
}

/// Starts one timer of a type per interval, in the order given, and logs them by interval as they fire once.
void fireOnce(QStringList& log, Qt::TimerType type, const std::vector<int>& intervals) {
    Receiver receiver;
    std::map<int, int> intervalOf;
    receiver.onTimer = [&](int id) {
        log << QString::number(intervalOf.at(id));
        receiver.killTimer(id);
        intervalOf.erase(id);
    };
    for (const int interval : intervals)
        intervalOf[receiver.startTimer(interval, type)] = interval;
    spinUntil([&] { return intervalOf.empty(); });
}

/// Logs whether a timer's n-th time-out came in the span of its type.
void fireInSpan(QStringList& log, Qt::TimerType type, int interval, int times, int shortest) {
    Receiver receiver;
    QElapsedTimer since;
    int fired = 0;
    receiver.onTimer = [&](int) { ++fired; };
    since.start();
    receiver.startTimer(interval, type);
    spinUntil([&] { return fired >= times; });
    // Only what a loaded machine cannot spoil: never too early.
    log << (since.elapsed() >= shortest ? "not early" : QString("early: %1 ms").arg(since.elapsed()));
}

} // namespace

std::vector<DispatcherCase> timerCases() {
    return {
        {"precise timers in order of time",
         [](QStringList& log) {
             fireOnce(log, Qt::PreciseTimer, {45, 5, 25});
         },
         {"5", "25", "45"}},
        {"coarse timers in order of time",
         [](QStringList& log) {
             fireOnce(log, Qt::CoarseTimer, {150, 30, 80});
         },
         {"30", "80", "150"}},
        {"equal timers in order of start",
         [](QStringList& log) {
             Receiver receiver;
             std::vector<int> ids;
             receiver.onTimer = [&](int id) {
                 log << QString::number(std::find(ids.begin(), ids.end(), id) - ids.begin());
                 receiver.killTimer(id);
             };
             for (int i = 0; i < 4; ++i)
                 ids.push_back(receiver.startTimer(0));
             passes(1);
         },
         {"0", "1", "2", "3"}},
        {"precise is never early",
         [](QStringList& log) { fireInSpan(log, Qt::PreciseTimer, 10, 5, 50); },
         {"not early"}},
        {"coarse is at most 5 % early",
         [](QStringList& log) { fireInSpan(log, Qt::CoarseTimer, 100, 1, 95); },
         {"not early"}},
        {"very coarse is to the second",
         [](QStringList& log) { fireInSpan(log, Qt::VeryCoarseTimer, 1000, 1, 499); },
         {"not early"}},
        {"types that a dispatcher makes of what was asked for",
         [](QStringList& log) {
             auto* const dispatcher = QAbstractEventDispatcher::instance();
             const std::vector<std::pair<int, Qt::TimerType>> asked{
                 {10, Qt::CoarseTimer},    {20, Qt::CoarseTimer},      {21, Qt::CoarseTimer},
                 {19999, Qt::CoarseTimer}, {20000, Qt::CoarseTimer},   {30400, Qt::CoarseTimer},
                 {5, Qt::PreciseTimer},    {1600, Qt::VeryCoarseTimer}};
             for (const auto& [interval, type] : asked) {
                 QObject object;
                 object.startTimer(interval, type);
                 for (const auto& timer : dispatcher->registeredTimers(&object))
                     log << QString("%1 %2").arg(timer.interval).arg(typeName(timer.timerType));
             }
         },
         {"10 precise", "20 precise", "21 coarse", "19999 coarse", "20000 very coarse", "30000 very coarse",
          "5 precise", "2000 very coarse"}},
        {"time that remains",
         [](QStringList& log) {
             auto* const dispatcher = QAbstractEventDispatcher::instance();
             QObject object;
             const int id = object.startTimer(50'000, Qt::PreciseTimer);
             const int left = dispatcher->remainingTime(id);
             log << (left > 40'000 && left <= 50'000 ? "most" : QString::number(left));
             const int due = object.startTimer(1, Qt::PreciseTimer);
             letTimePass(3);
             log << QString::number(dispatcher->remainingTime(due));
         },
         {"most", "0"}},
        {"zero timer once a pass, after posted events",
         [](QStringList& log) {
             Receiver receiver;
             receiver.onTimer = [&](int) { log << "timer"; };
             receiver.onPosted = [&](int number) { log << QString::number(number); };
             receiver.startTimer(0);
             receiver.post(1);
             passes(1);
             receiver.post(2);
             passes(2);
         },
         {"1", "timer", "2", "timer", "timer"}},
        {"a zero timer alone makes no busy pass",
         [](QStringList& log) {
             passes(2);
             Receiver receiver;
             receiver.startTimer(0);
             log << (QAbstractEventDispatcher::instance()->processEvents(QEventLoop::WaitForMoreEvents)
                         ? "busy"
                         : "idle");
         },
         {"idle"}},
        {"late timers once, by due time, beside a zero timer",
         [](QStringList& log) {
             Receiver receiver;
             const int late = receiver.startTimer(8, Qt::PreciseTimer);
             const int later = receiver.startTimer(4, Qt::PreciseTimer);
             letTimePass(40); // both missed several of their times
             const int zero = receiver.startTimer(0);
             receiver.onTimer = [&](int id) {
                 log << (id == late ? "8" : id == later ? "4" : id == zero ? "0" : "?");
                 if (id != zero)
                     receiver.killTimer(id);
             };
             passes(1);
         },
         {"4", "8", "0"}},
        {"killed in its own handler",
         [](QStringList& log) {
             Receiver receiver;
             receiver.onTimer = [&](int id) {
                 log << "timer";
                 receiver.killTimer(id);
             };
             receiver.startTimer(0);
             passes(3);
         },
         {"timer"}},
        {"re-armed in its own handler",
         [](QStringList& log) {
             Receiver receiver;
             int fired = 0;
             receiver.onTimer = [&](int id) {
                 receiver.killTimer(id);
                 log << QString::number(++fired);
                 if (fired < 3)
                     receiver.startTimer(fired == 1 ? 0 : 3, Qt::PreciseTimer);
             };
             receiver.startTimer(1, Qt::PreciseTimer);
             spinUntil([&] { return fired == 3; });
             letTimePass(5);
             passes(2);
         },
         {"1", "2", "3"}},
        {"restarted by QTimer in its own slot",
         [](QStringList& log) {
             QTimer timer;
             int fired = 0;
             QObject::connect(&timer, &QTimer::timeout, [&] {
                 log << QString::number(++fired);
                 if (fired == 3)
                     timer.stop();
                 else
                     timer.start(fired);
             });
             timer.start(0);
             spinUntil([&] { return fired == 3; });
             letTimePass(5);
             passes(2);
         },
         {"1", "2", "3"}},
        {"one due timer kills the next",
         [](QStringList& log) {
             Receiver receiver;
             std::vector<int> ids;
             receiver.onTimer = [&](int id) {
                 log << QString::number(std::find(ids.begin(), ids.end(), id) - ids.begin());
                 if (id == ids[0])
                     receiver.killTimer(ids[1]);
                 receiver.killTimer(id);
             };
             for (int i = 0; i < 3; ++i)
                 ids.push_back(receiver.startTimer(0));
             passes(2);
         },
         {"0", "2"}},
        {"the object dies in its timer's handler",
         [](QStringList& log) {
             auto* const receiver = new Receiver;
             // The handler is copied out: it deletes what holds it.
             receiver->onTimer = [&log, receiver](int) {
                 QStringList& kept = log;
                 auto* const dying = receiver;
                 QTimer::singleShot(0, [dying] { delete dying; });
                 kept << "timer";
             };
             receiver->startTimer(0);
             receiver->startTimer(60'000);
             passes(3);
             log << QString::number(QAbstractEventDispatcher::instance()->registeredTimers(receiver).size());
         },
         {"timer", "0"}},
        {"not entered again in a nested loop, others are",
         [](QStringList& log) {
             Receiver receiver;
             int depth = 0;
             const int own = receiver.startTimer(0);
             const int other = receiver.startTimer(0);
             receiver.onTimer = [&](int id) {
                 log << QString("%1 at %2").arg(id == own ? "own" : "other").arg(depth);
                 if (id == other)
                     return;
                 ++depth;
                 passes(2);
                 --depth;
                 receiver.killTimer(own);
                 receiver.killTimer(other);
             };
             passes(2);
         },
         {"own at 0", "other at 1", "other at 1"}},
        {"a nested loop does not spin on the timer whose handler runs it",
         [](QStringList& log) {
             Receiver receiver;
             const int own = receiver.startTimer(0);
             int waited = 0;
             receiver.onTimer = [&](int id) {
                 if (id != own) {
                     log << "other";
                     return;
                 }
                 const int other = receiver.startTimer(20, Qt::PreciseTimer);
                 auto* const dispatcher = QAbstractEventDispatcher::instance();
                 const qsizetype before = log.size();
                 while (log.size() == before && waited < 1000) {
                     ++waited;
                     dispatcher->processEvents(QEventLoop::WaitForMoreEvents);
                 }
                 log << (waited <= 3 ? "slept" : "spun");
                 receiver.killTimer(other);
                 receiver.killTimer(own);
             };
             passes(2);
         },
         {"other", "slept"}},
        {"fires again after a nested loop in its handler",
         [](QStringList& log) {
             Receiver receiver;
             int fired = 0;
             receiver.onTimer = [&](int) {
                 ++fired;
                 passes(2);
             };
             receiver.startTimer(0);
             passes(3);
             log << QString::number(fired);
         },
         {"3"}},
        {"all timers of an object at once",
         [](QStringList& log) {
             Receiver receiver;
             receiver.onTimer = [&](int) { log << "timer"; };
             for (int i = 0; i < 10; ++i)
                 receiver.startTimer(i % 2);
             auto* const dispatcher = QAbstractEventDispatcher::instance();
             log << (dispatcher->unregisterTimers(&receiver) ? "some" : "none");
             log << (dispatcher->unregisterTimers(&receiver) ? "some" : "none");
             letTimePass(3);
             passes(2);
         },
         {"some", "none"}},
        {"twenty thousand timers, each once and none before an earlier one",
         [](QStringList& log) {
             std::vector<std::unique_ptr<Receiver>> receivers;
             std::vector<int> order;
             for (int i = 0; i < 20'000; ++i) {
                 auto& receiver = *receivers.emplace_back(std::make_unique<Receiver>());
                 const int interval = 1 + (i * 7919) % 97;
                 receiver.onTimer = [&order, &receiver, interval](int id) {
                     order.push_back(interval);
                     receiver.killTimer(id);
                 };
                 receiver.startTimer(interval, Qt::PreciseTimer);
             }
             letTimePass(
                 120); // all are due: one pass, in order of due time, which is that of start and interval
             passes(1);
             log << QString::number(order.size());
             log << (std::count(order.begin(), order.end(), 1) > 100 ? "all kinds" : "some kinds");
             passes(2);
             log << QString::number(order.size());
         },
         {"20000", "all kinds", "20000"}},
    };
}

} // namespace tests
