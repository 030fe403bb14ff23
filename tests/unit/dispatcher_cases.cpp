// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/dispatcher_cases.h"
#include <QtCore/QAbstractEventDispatcher>
#include <QtCore/QCoreApplication>
#include <QtCore/QDeadlineTimer>
#include <QtCore/QTimer>
#include <QtCore/QTimerEvent>
#include <atomic>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace tests {

namespace {

constexpr QEvent::Type Posted = QEvent::User;

class PostedEvent : public QEvent {
public:
    explicit PostedEvent(int value) : QEvent(Posted), number(value) {}
    const int number;
};

void require(bool isTrue, const char* what) {
    if (!isTrue)
        qFatal("The test's own %s failed", what);
}

} // namespace

SocketPair::SocketPair(Family family) {
    if (family == Family::Local) {
        require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, m_ends.data()) == 0,
                "socketpair");
        return;
    }
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    require(::bind(listener, any, size) == 0 && ::listen(listener, 1) == 0, "listen");
    require(::getsockname(listener, any, &size) == 0, "getsockname");
    m_ends[1] = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(::connect(m_ends[1], any, size) == 0, "connect");
    m_ends[0] = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    require(m_ends[0] >= 0, "accept");
    ::close(listener);
}

SocketPair::~SocketPair() {
    closeHere();
    closeThere();
}

void SocketPair::closeHere() {
    if (m_ends[0] >= 0)
        ::close(m_ends[0]);
    m_ends[0] = -1;
}

void SocketPair::closeThere() {
    if (m_ends[1] >= 0)
        ::close(m_ends[1]);
    m_ends[1] = -1;
}

void SocketPair::send(char byte) {
    require(::send(m_ends[1], &byte, 1, MSG_NOSIGNAL) == 1, "send");
}

void SocketPair::sendUrgent() {
    require(::send(m_ends[1], "!", 1, MSG_OOB | MSG_NOSIGNAL) == 1, "send");
}

void SocketPair::receive() {
    char byte = 0;
    require(::recv(m_ends[0], &byte, 1, MSG_DONTWAIT) == 1, "recv");
}

void Receiver::post(int number, int priority) {
    QCoreApplication::postEvent(this, new PostedEvent(number), priority);
}

void Receiver::timerEvent(QTimerEvent* event) {
    if (onTimer)
        onTimer(event->timerId());
}

void Receiver::customEvent(QEvent* event) {
    if (onPosted)
        onPosted(static_cast<PostedEvent*>(event)->number);
}

bool spinUntil(const std::function<bool()>& isDone, QEventLoop::ProcessEventsFlags flags) {
    QObject guard;
    guard.startTimer(10'000); // so that a wait for what never comes ends as well
    const QDeadlineTimer deadline(10'000);
    while (!isDone()) {
        if (deadline.hasExpired())
            return false;
        QAbstractEventDispatcher::instance()->processEvents(flags);
    }
    return true;
}

void passes(int count, QEventLoop::ProcessEventsFlags flags) {
    for (int i = 0; i < count; ++i)
        QAbstractEventDispatcher::instance()->processEvents(flags);
}

std::vector<DispatcherCase> loopCases() {
    using Flags = QEventLoop::ProcessEventsFlags;
    return {
        {"posted events by priority, one posted meanwhile in the next pass",
         [](QStringList& log) {
             Receiver receiver;
             receiver.onPosted = [&](int number) {
                 log << QString::number(number);
                 if (number == 1)
                     receiver.post(4);
             };
             receiver.post(1);
             receiver.post(2);
             receiver.post(3, 10);
             passes(1);
             log << "pass";
             passes(1);
         },
         {"3", "1", "2", "pass", "4"}},
        {"idle pass",
         [](QStringList& log) {
             passes(2);
             log << (QAbstractEventDispatcher::instance()->processEvents(QEventLoop::AllEvents) ? "busy"
                                                                                                : "idle");
         },
         {"idle"}},
        {"wake-up makes a pass a busy one",
         [](QStringList& log) {
             passes(2);
             QAbstractEventDispatcher::instance()->wakeUp();
             QAbstractEventDispatcher::instance()->wakeUp();
             for (int i = 0; i < 2; ++i)
                 log << (QAbstractEventDispatcher::instance()->processEvents(QEventLoop::AllEvents) ? "busy"
                                                                                                    : "idle");
         },
         {"busy", "idle"}},
        {"wake-up from another thread",
         [](QStringList& log) {
             passes(2);
             auto* const dispatcher = QAbstractEventDispatcher::instance();
             std::thread other([dispatcher] { dispatcher->wakeUp(); });
             log << (dispatcher->processEvents(QEventLoop::WaitForMoreEvents) ? "busy" : "idle");
             other.join();
         },
         {"busy"}},
        {"a thousand wake-ups from two threads",
         [](QStringList& log) {
             auto* const dispatcher = QAbstractEventDispatcher::instance();
             std::atomic<int> ended{0};
             const auto wake = [&] {
                 for (int i = 0; i < 500; ++i)
                     dispatcher->wakeUp();
                 ++ended;
                 dispatcher->wakeUp();
             };
             std::thread one(wake), two(wake);
             log << (spinUntil([&] { return ended == 2; }) ? "done" : "late");
             one.join();
             two.join();
         },
         {"done"}},
        {"awake and aboutToBlock around a wait",
         [](QStringList& log) {
             auto* const dispatcher = QAbstractEventDispatcher::instance();
             passes(2);
             QObject scope;
             QObject::connect(dispatcher, &QAbstractEventDispatcher::awake, &scope, [&] { log << "awake"; });
             QObject::connect(dispatcher, &QAbstractEventDispatcher::aboutToBlock, &scope,
                              [&] { log << "block"; });
             Receiver receiver;
             receiver.onTimer = [&](int id) {
                 log << "timer";
                 receiver.killTimer(id);
             };
             receiver.startTimer(5, Qt::PreciseTimer);
             dispatcher->processEvents(QEventLoop::WaitForMoreEvents);
             dispatcher->processEvents(QEventLoop::AllEvents);
         },
         {"awake", "block", "timer", "awake"}},
        {"no block while an event is posted",
         [](QStringList& log) {
             auto* const dispatcher = QAbstractEventDispatcher::instance();
             passes(2);
             QObject scope;
             QObject::connect(dispatcher, &QAbstractEventDispatcher::aboutToBlock, &scope,
                              [&] { log << "block"; });
             Receiver receiver;
             receiver.onPosted = [&](int number) {
                 log << QString::number(number);
                 if (number < 3)
                     receiver.post(number + 1);
             };
             receiver.post(1);
             dispatcher->processEvents(QEventLoop::WaitForMoreEvents);
             dispatcher->processEvents(QEventLoop::WaitForMoreEvents);
         },
         {"1", "2"}},
        {"interrupted before it waits",
         [](QStringList& log) {
             auto* const dispatcher = QAbstractEventDispatcher::instance();
             passes(2);
             QObject scope;
             QObject::connect(dispatcher, &QAbstractEventDispatcher::aboutToBlock, &scope,
                              [&] { log << "block"; });
             Receiver receiver;
             receiver.onPosted = [&](int) { dispatcher->interrupt(); };
             receiver.onTimer = [&](int) { log << "timer"; };
             receiver.startTimer(0);
             receiver.post(1);
             log << (dispatcher->processEvents(QEventLoop::WaitForMoreEvents) ? "busy" : "idle");
         },
         {"idle"}},
        {"interrupted from another thread",
         [](QStringList& log) {
             auto* const dispatcher = QAbstractEventDispatcher::instance();
             passes(2);
             std::thread other([dispatcher] { dispatcher->interrupt(); });
             dispatcher->processEvents(QEventLoop::WaitForMoreEvents);
             log << "back";
             other.join();
         },
         {"back"}},
        {"nested loops end in their order",
         [](QStringList& log) {
             QEventLoop outer, inner;
             Receiver receiver;
             receiver.onPosted = [&](int number) {
                 log << QString::number(number);
                 if (number == 1) {
                     receiver.post(2);
                     log << QString("inner %1").arg(inner.exec());
                 } else if (number == 2) {
                     inner.exit(7);
                     receiver.post(3);
                 } else {
                     outer.exit(8);
                 }
             };
             receiver.post(1);
             log << QString("outer %1").arg(outer.exec());
         },
         {"1", "2", "inner 7", "3", "outer 8"}},
        {"outer loop ended inside the inner one",
         [](QStringList& log) {
             QEventLoop outer, inner;
             QTimer::singleShot(0, [&] {
                 QTimer::singleShot(0, [&] {
                     outer.exit(1);
                     QTimer::singleShot(0, [&] { inner.exit(2); });
                 });
                 log << QString("inner %1").arg(inner.exec());
             });
             log << QString("outer %1").arg(outer.exec());
         },
         {"inner 2", "outer 1"}},
        {"deferred deletion waits for its own loop",
         [](QStringList& log) {
             QEventLoop outer;
             QTimer::singleShot(0, [&] {
                 auto* const dying = new QObject;
                 QObject::connect(dying, &QObject::destroyed, [&] {
                     log << "deleted";
                     outer.quit();
                 });
                 dying->deleteLater();
                 QEventLoop inner;
                 QTimer::singleShot(5, &inner, &QEventLoop::quit);
                 inner.exec();
                 log << "inner ended";
             });
             outer.exec();
         },
         {"inner ended", "deleted"}},
        {"timers left out",
         [](QStringList& log) {
             Receiver receiver;
             receiver.onTimer = [&](int id) {
                 log << "timer";
                 receiver.killTimer(id);
             };
             receiver.startTimer(0);
             passes(3, QEventLoop::X11ExcludeTimers);
             log << "then";
             passes(1);
         },
         {"then", "timer"}},
        {"notifiers left out, timers go on",
         [](QStringList& log) {
             SocketPair pair;
             pair.send();
             QSocketNotifier notifier(pair.here(), QSocketNotifier::Read);
             QObject::connect(&notifier, &QSocketNotifier::activated, [&] {
                 log << "read";
                 notifier.setEnabled(false);
             });
             bool isFired = false;
             Receiver receiver;
             receiver.onTimer = [&](int id) {
                 log << "timer";
                 isFired = true;
                 receiver.killTimer(id);
             };
             receiver.startTimer(10, Qt::PreciseTimer);
             spinUntil([&] { return isFired; },
                       Flags(QEventLoop::ExcludeSocketNotifiers) | QEventLoop::WaitForMoreEvents);
             log << "then";
             passes(1);
         },
         {"timer", "then", "read"}},
        {"posted events, sockets and timers left none out while posted events post themselves",
         [](QStringList& log) {
             // In the order of events, not of the clock: all must have had a turn long before the last posted
             // one.
             SocketPair pair;
             pair.send();
             QSocketNotifier notifier(pair.here(), QSocketNotifier::Read);
             Receiver receiver;
             int posted = 0;
             QObject::connect(&notifier, &QSocketNotifier::activated, [&] {
                 log << (posted <= 3 ? "socket early" : "socket late");
                 notifier.setEnabled(false);
             });
             receiver.onTimer = [&](int id) {
                 log << (posted <= 3 ? "timer early" : "timer late");
                 receiver.killTimer(id);
             };
             receiver.startTimer(0);
             receiver.onPosted = [&](int number) {
                 ++posted;
                 if (number < 100'000)
                     receiver.post(number + 1);
             };
             receiver.post(1);
             log << (spinUntil([&] { return posted == 100'000; }, QEventLoop::AllEvents) ? "all posted"
                                                                                         : "not done");
         },
         {"socket early", "timer early", "all posted"}},
        {"a million posted events do not starve a socket",
         [](QStringList& log) {
             SocketPair pair;
             pair.send();
             QSocketNotifier notifier(pair.here(), QSocketNotifier::Read);
             Receiver receiver;
             int posted = 0;
             QObject::connect(&notifier, &QSocketNotifier::activated, [&] {
                 log << "socket";
                 notifier.setEnabled(false);
             });
             // Ten batches: each posts the next one as it ends.
             receiver.onPosted = [&](int number) {
                 ++posted;
                 if (number == 0)
                     log << QString("batch %1").arg(posted / 100'000);
                 if (number == 0 && posted < 1'000'000)
                     for (int i = 99'999; i >= 0; --i)
                         receiver.post(i);
             };
             for (int i = 99'999; i >= 0; --i)
                 receiver.post(i);
             log << (spinUntil([&] { return posted == 1'000'000; }, QEventLoop::AllEvents) ? "all posted"
                                                                                           : "not done");
         },
         {"batch 1", "socket", "batch 2", "batch 3", "batch 4", "batch 5", "batch 6", "batch 7", "batch 8",
          "batch 9", "batch 10", "all posted"}},
    };
}

} // namespace tests
