// SPDX-License-Identifier: Apache-2.0
#include "server/net/linux/epoll_dispatcher.h"
#include <QtCore/QCoreApplication>
#include <QtCore/QSocketNotifier>
#include <QtCore/QTimerEvent>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace server {
namespace {

constexpr std::uint32_t WakeSlot = 0xffffffffU;
constexpr std::int64_t Millisecond = 1000000; // ns
constexpr std::int64_t Second = 1000 * Millisecond;

std::int64_t nowNs() {
    return std::chrono::steady_clock::now().time_since_epoch().count();
}

std::uint32_t eventsOf(Interest interest) {
    std::uint32_t events = 0;
    if (std::uint8_t(interest) & std::uint8_t(Interest::Read))
        events |= EPOLLIN | EPOLLRDHUP;
    if (std::uint8_t(interest) & std::uint8_t(Interest::Write))
        events |= EPOLLOUT;
    return events;
}

constexpr std::uint32_t NotifierEvents[3] = {EPOLLIN, EPOLLOUT, EPOLLPRI}; // by QSocketNotifier::Type

} // namespace

EpollDispatcher::EpollDispatcher(QObject* parent)
    : QAbstractEventDispatcher(parent), m_epoll(::epoll_create1(EPOLL_CLOEXEC)),
      m_wake(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (m_epoll < 0 || m_wake < 0)
        qFatal("no descriptor is left for an event loop: raise the descriptor limit (ulimit -n)");
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = std::uint64_t(WakeSlot) << 32;
    if (::epoll_ctl(m_epoll, EPOLL_CTL_ADD, m_wake, &event) != 0)
        qFatal("an event loop cannot watch its own wake-up descriptor");
}

EpollDispatcher::~EpollDispatcher() {
    ::close(m_epoll);
    ::close(m_wake);
}

std::uint32_t EpollDispatcher::takeSlot(int descriptor) {
    std::uint32_t index = 0;
    if (m_freeSlots.empty()) {
        index = std::uint32_t(m_slots.size());
        m_slots.emplace_back();
    } else {
        index = m_freeSlots.back();
        m_freeSlots.pop_back();
    }
    m_slots[index].descriptor = descriptor;
    return index;
}

void EpollDispatcher::freeSlot(std::uint32_t index) {
    Slot& slot = m_slots[index];
    const std::uint32_t next = slot.generation + 1;
    slot = Slot();
    slot.generation = next == 0 ? 1 : next; // 0 is an unset handle
    m_freeSlots.push_back(index);
}

bool EpollDispatcher::update(std::uint32_t index, std::uint32_t wanted) {
    Slot& slot = m_slots[index];
    if (wanted == slot.wanted)
        return true;
    epoll_event event{};
    event.events = wanted;
    event.data.u64 = std::uint64_t(index) << 32 | slot.generation;
    const int act = wanted == 0 ? EPOLL_CTL_DEL : slot.wanted == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    const bool isDone = ::epoll_ctl(m_epoll, act, slot.descriptor, &event) == 0;
    if (isDone || wanted == 0) // a descriptor closed too early takes its registration along
        slot.wanted = wanted;
    return isDone || wanted == 0;
}

bool EpollDispatcher::isCurrent(std::uint32_t index, std::uint32_t generation) const {
    return index < m_slots.size() && m_slots[index].generation == generation &&
           m_slots[index].descriptor >= 0;
}

WatchHandle EpollDispatcher::watch(int descriptor, Interest interest, Handler& handler) {
    if (descriptor < 0 || m_watched.contains(descriptor) || m_notifiers.contains(descriptor))
        return {};
    const std::uint32_t index = takeSlot(descriptor);
    m_slots[index].handler = &handler;
    if (!update(index, eventsOf(interest))) {
        freeSlot(index);
        return {};
    }
    m_watched.emplace(descriptor, index);
    return {index, m_slots[index].generation};
}

void EpollDispatcher::modify(WatchHandle handle, Interest interest) {
    if (isCurrent(handle.m_slot, handle.m_generation))
        update(handle.m_slot, eventsOf(interest));
}

void EpollDispatcher::unwatch(WatchHandle handle) {
    if (!isCurrent(handle.m_slot, handle.m_generation))
        return;
    update(handle.m_slot, 0);
    m_watched.erase(m_slots[handle.m_slot].descriptor);
    freeSlot(handle.m_slot);
}

void EpollDispatcher::registerSocketNotifier(QSocketNotifier* notifier) {
    const int descriptor = int(notifier->socket());
    auto it = m_notifiers.find(descriptor);
    if (it == m_notifiers.end()) {
        if (m_watched.contains(descriptor)) {
            qWarning("descriptor %d is watched already: its socket notifier stays silent", descriptor);
            return;
        }
        it = m_notifiers.emplace(descriptor, std::pair(takeSlot(descriptor), Notifiers{})).first;
    }
    auto& [slot, notifiers] = it->second;
    notifiers[std::size_t(notifier->type())] = notifier;
    update(slot, m_slots[slot].wanted | NotifierEvents[notifier->type()]);
}

void EpollDispatcher::unregisterSocketNotifier(QSocketNotifier* notifier) {
    const auto it = m_notifiers.find(int(notifier->socket()));
    if (it == m_notifiers.end() || it->second.second[std::size_t(notifier->type())] != notifier)
        return;
    auto& [slot, notifiers] = it->second;
    notifiers[std::size_t(notifier->type())] = nullptr;
    update(slot, m_slots[slot].wanted & ~NotifierEvents[notifier->type()]);
    if (notifiers == Notifiers{}) {
        freeSlot(slot);
        m_notifiers.erase(it);
    }
}

bool EpollDispatcher::processEvents(QEventLoop::ProcessEventsFlags flags) {
    m_isInterrupted.store(false, std::memory_order_relaxed);
    Q_EMIT awake();
    m_wasPosted.store(false, std::memory_order_relaxed);
    QCoreApplication::sendPostedEvents();
    if (m_isInterrupted.load(std::memory_order_relaxed))
        return false;

    const bool hasTimers = !(flags & QEventLoop::X11ExcludeTimers);
    const bool hasSockets = !(flags & QEventLoop::ExcludeSocketNotifiers);
    const bool mayBlock = flags.testFlag(QEventLoop::WaitForMoreEvents) &&
                          !m_wasPosted.load(std::memory_order_acquire) && !(hasSockets && !m_pending.empty());
    if (mayBlock)
        Q_EMIT aboutToBlock();
    if (m_isInterrupted.load(std::memory_order_relaxed))
        return false;
    int handled = poll(flags, mayBlock);
    if (hasSockets)
        handled += activate();
    if (hasTimers)
        handled += fireTimers();
    return handled > 0;
}

/// Waits for the kernel and queues what it reports; the wake-up itself counts as an event.
int EpollDispatcher::poll(QEventLoop::ProcessEventsFlags flags, bool mayBlock) {
    int timeout = 0;
    if (mayBlock)
        timeout = flags.testFlag(QEventLoop::X11ExcludeTimers) ? -1 : timeToFirstTimer();
    if (flags.testFlag(QEventLoop::ExcludeSocketNotifiers)) {
        // Sockets stay registered, so the epoll descriptor would never sleep: wait for the wake-up alone.
        const int only = ::epoll_create1(EPOLL_CLOEXEC);
        if (only < 0)
            return drainWake();
        epoll_event event{};
        event.events = EPOLLIN;
        if (::epoll_ctl(only, EPOLL_CTL_ADD, m_wake, &event) == 0)
            ::epoll_wait(only, &event, 1, timeout);
        ::close(only);
        return drainWake();
    }
    std::array<epoll_event, EventsPerPass> events;
    const int count = ::epoll_wait(m_epoll, events.data(), int(events.size()), timeout);
    int woken = 0;
    for (int i = 0; i < count; ++i) {
        const auto index = std::uint32_t(events[std::size_t(i)].data.u64 >> 32);
        const auto generation = std::uint32_t(events[std::size_t(i)].data.u64);
        if (index == WakeSlot) {
            woken = drainWake();
            continue;
        }
        if (!isCurrent(index, generation))
            continue;
        Slot& slot = m_slots[index];
        if (slot.pending == 0)
            m_pending.push_back({index, generation});
        slot.pending |= events[std::size_t(i)].events;
    }
    return woken;
}

int EpollDispatcher::drainWake() {
    std::uint64_t value = 0;
    if (!m_isWoken.load(std::memory_order_acquire))
        return 0;
    // Read before the flag falls: the other way round a wake-up in between would leave the flag up for ever.
    // One that comes now is served by the pass that follows this one.
    while (::read(m_wake, &value, sizeof value) < 0 && errno == EINTR) {
    }
    m_isWoken.store(false, std::memory_order_release);
    return 1;
}

int EpollDispatcher::activate() {
    int handled = 0;
    // Only what is queued now: what a handler's nested loop adds belongs to the next pass.
    for (std::size_t left = m_pending.size(); left > 0 && !m_pending.empty() && handled < EventsPerPass;
         --left) {
        const auto [index, generation] = m_pending.front();
        m_pending.pop_front();
        if (!isCurrent(index, generation))
            continue;
        const std::uint32_t what = std::exchange(m_slots[index].pending, 0U);
        if (what == 0)
            continue;
        const bool isBroken = (what & (EPOLLERR | EPOLLHUP)) != 0;
        if (Handler* handler = m_slots[index].handler) {
            const std::uint32_t wanted = m_slots[index].wanted;
            if (wanted == 0)
                continue; // modified to nothing since it was reported
            ++handled;
            handler->ready({((what & (EPOLLIN | EPOLLRDHUP)) != 0 || isBroken) && (wanted & EPOLLIN) != 0,
                            ((what & EPOLLOUT) != 0 || isBroken) && (wanted & EPOLLOUT) != 0, isBroken});
            continue;
        }
        const int descriptor = m_slots[index].descriptor;
        for (const std::size_t type :
             {std::size_t(QSocketNotifier::Read), std::size_t(QSocketNotifier::Exception),
              std::size_t(QSocketNotifier::Write)}) {
            const bool isReady =
                (what & NotifierEvents[type]) != 0 || (isBroken && type != QSocketNotifier::Exception);
            if (!isReady || !isCurrent(index, generation))
                continue;
            const auto it = m_notifiers.find(descriptor); // a handler may have taken any of them away
            if (it == m_notifiers.end() || !it->second.second[type])
                continue;
            ++handled;
            QEvent event(QEvent::SockAct);
            QCoreApplication::sendEvent(it->second.second[type], &event);
        }
    }
    return handled;
}

void EpollDispatcher::wakeUp() {
    m_wasPosted.store(true, std::memory_order_release);
    if (m_isWoken.exchange(true, std::memory_order_acq_rel))
        return;
    const std::uint64_t one = 1;
    while (::write(m_wake, &one, sizeof one) < 0 && errno == EINTR) {
    }
}

void EpollDispatcher::interrupt() {
    m_isInterrupted.store(true, std::memory_order_relaxed);
    wakeUp();
}

void EpollDispatcher::align(Timer& timer, std::int64_t now) {
    switch (timer.type) {
    case Qt::PreciseTimer:
        timer.due = now + timer.interval * Millisecond;
        return;
    case Qt::CoarseTimer: {
        // Within 5 %, on a common grid, so that many fire in one wake-up; short ones are precise.
        timer.due = now + timer.interval * Millisecond;
        const std::int64_t grid = timer.interval * Millisecond / 20;
        if (timer.interval >= 20 && grid > 0)
            timer.due = timer.due / grid * grid + (timer.due % grid == 0 ? 0 : grid);
        return;
    }
    case Qt::VeryCoarseTimer:
        timer.due = (now + timer.interval * Second + Second / 2) / Second * Second;
        return;
    }
}

void EpollDispatcher::rearm(Timer& timer, std::int64_t now) {
    if (timer.type != Qt::PreciseTimer || timer.interval == 0) {
        align(timer, now);
        return;
    }
    // Precise ones keep their phase; what was missed is not made up for.
    const std::int64_t period = timer.interval * Millisecond;
    timer.due += period;
    if (timer.due < now)
        timer.due = now + period - (now - timer.due) % period;
}

void EpollDispatcher::enqueue(Timer& timer) {
    timer.turn = ++m_turn;
    m_queue.emplace(std::pair(timer.due, timer.turn), &timer);
}

void EpollDispatcher::registerTimer(int timerId, qint64 interval, Qt::TimerType timerType, QObject* object) {
    if (timerId < 1 || interval < 0 || !object) {
        qWarning("a timer needs an id, an interval that is not negative, and an object");
        return;
    }
    unregisterTimer(timerId);
    auto timer = std::make_unique<Timer>();
    timer->id = timerId;
    timer->type = timerType;
    timer->object = object;
    timer->interval = timerType == Qt::VeryCoarseTimer ? (interval + 500) / 1000 : interval;
    if (timerType == Qt::VeryCoarseTimer && timer->interval == 0) {
        timer->type = Qt::CoarseTimer; // below half a second it cannot be to the second
        timer->interval = interval;
    }
    align(*timer, nowNs());
    enqueue(*timer);
    m_timersOf.emplace(object, timerId);
    m_timers.emplace(timerId, std::move(timer));
}

bool EpollDispatcher::unregisterTimer(int timerId) {
    const auto it = m_timers.find(timerId);
    if (it == m_timers.end())
        return false;
    m_queue.erase(std::pair(it->second->due, it->second->turn));
    const auto [first, last] = m_timersOf.equal_range(it->second->object);
    const auto mine =
        std::find_if(first, last, [timerId](const auto& entry) { return entry.second == timerId; });
    if (mine != last)
        m_timersOf.erase(mine);
    m_timers.erase(it);
    return true;
}

bool EpollDispatcher::unregisterTimers(QObject* object) {
    bool isAny = false;
    for (auto it = m_timersOf.find(object); it != m_timersOf.end(); it = m_timersOf.find(object))
        isAny = unregisterTimer(it->second) || isAny;
    return isAny;
}

QList<QAbstractEventDispatcher::TimerInfo> EpollDispatcher::registeredTimers(QObject* object) const {
    QList<TimerInfo> list;
    const auto [first, last] = m_timersOf.equal_range(object);
    for (auto it = first; it != last; ++it) {
        const Timer& timer = *m_timers.at(it->second);
        const qint64 interval = timer.type == Qt::VeryCoarseTimer ? timer.interval * 1000 : timer.interval;
        list.append(TimerInfo(timer.id, int(interval), timer.type));
    }
    return list;
}

int EpollDispatcher::remainingTime(int timerId) {
    const auto it = m_timers.find(timerId);
    if (it == m_timers.end()) {
        qWarning("timer %d is not registered here", timerId);
        return -1;
    }
    const std::int64_t left = it->second->due - nowNs();
    return left <= 0 ? 0 : int((left + Millisecond - 1) / Millisecond);
}

/// Milliseconds for epoll_wait, rounded up so that it does not spin; -1 without a timer that may fire.
int EpollDispatcher::timeToFirstTimer() const {
    for (const auto& [place, timer] : m_queue) {
        if (timer->isFiring)
            continue;
        const std::int64_t left = place.first - nowNs();
        return left <= 0 ? 0 : int(std::min<std::int64_t>((left + Millisecond - 1) / Millisecond, 86400000));
    }
    return -1;
}

int EpollDispatcher::fireTimers() {
    const std::int64_t now = nowNs();
    const std::uint64_t lastTurn = m_turn; // what is armed from here on belongs to the next pass
    int fired = 0;
    // Timers that are inside their own handler stay in the queue: step over them.
    std::pair<std::int64_t, std::uint64_t> after{INT64_MIN, 0};
    for (auto it = m_queue.upper_bound(after); it != m_queue.end() && it->first.first <= now;
         it = m_queue.upper_bound(after)) {
        after = it->first;
        Timer& timer = *it->second;
        if (timer.isFiring || timer.turn > lastTurn)
            continue;
        m_queue.erase(it);
        rearm(timer, now);
        enqueue(timer);
        timer.isFiring = true;
        const int id = timer.id;
        QTimerEvent event(id);
        ++fired;
        QCoreApplication::sendEvent(timer.object, &event);
        if (const auto alive = m_timers.find(id); alive != m_timers.end() && alive->second.get() == &timer)
            alive->second->isFiring = false;
    }
    return fired;
}

} // namespace server
