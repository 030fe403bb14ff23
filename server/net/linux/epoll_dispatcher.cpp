// SPDX-License-Identifier: Apache-2.0
#include "server/net/linux/epoll_dispatcher.h"
#include <QtCore/QCoreApplication>
#include <QtCore/QEvent>
#include <QtCore/QSocketNotifier>
#include <QtCore/QThread>
#include <QtCore/QTimerEvent>
#include <algorithm>
#include <cerrno>
#include <ctime>
#include <limits>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace server {

namespace {

// What is pending for a slot; the first three are QSocketNotifier::Type's, in the order in which Qt delivers
// them.
constexpr std::uint32_t PendingRead = 1U << QSocketNotifier::Read;
constexpr std::uint32_t PendingWrite = 1U << QSocketNotifier::Write;
constexpr std::uint32_t PendingException = 1U << QSocketNotifier::Exception;
constexpr std::uint32_t PendingBroken = 8;

constexpr std::uint64_t WakeKey = 0; // generation 0 is nobody's
constexpr std::int64_t Millisecond = 1'000'000;
constexpr std::int64_t Second = 1'000 * Millisecond;

std::int64_t monotonicNow() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t(now.tv_sec) * Second + now.tv_nsec;
}

std::uint32_t epollEvents(Interest interest) {
    switch (interest) {
    case Interest::Nothing:
        return 0;
    case Interest::Read:
        return EPOLLIN;
    case Interest::Write:
        return EPOLLOUT;
    case Interest::ReadWrite:
        return EPOLLIN | EPOLLOUT;
    }
    return 0;
}

template <class Notifiers>
std::uint32_t epollEventsOf(const Notifiers& notifiers) {
    constexpr std::array<std::uint32_t, 3> Events{EPOLLIN, EPOLLOUT, EPOLLPRI};
    std::uint32_t events = 0;
    for (std::size_t type = 0; type < Events.size(); ++type)
        events |= notifiers[type] != nullptr ? Events[type] : 0U;
    return events;
}

/// Of what the kernel reports, what was asked for. Errors and hang-ups are news to everybody who asked.
std::uint32_t pendingOf(std::uint32_t events, std::uint32_t wanted) {
    constexpr std::uint32_t Broken = EPOLLHUP | EPOLLERR;
    std::uint32_t pending = 0;
    if ((wanted & EPOLLIN) != 0 && (events & (EPOLLIN | Broken)) != 0)
        pending |= PendingRead;
    if ((wanted & EPOLLOUT) != 0 && (events & (EPOLLOUT | Broken)) != 0)
        pending |= PendingWrite;
    if ((wanted & EPOLLPRI) != 0 && (events & (EPOLLPRI | Broken)) != 0)
        pending |= PendingException;
    if (pending != 0 && (events & Broken) != 0)
        pending |= PendingBroken;
    return pending;
}

} // namespace

EpollDispatcher::EpollDispatcher(QObject* parent)
    : QAbstractEventDispatcher(parent), m_wake(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)), m_slots(1) {
    if (m_wake < 0)
        qFatal("No event descriptor for an event loop (errno %d)", errno);
    openEpoll();
}

EpollDispatcher::~EpollDispatcher() {
    ::close(m_epoll);
    ::close(m_wake);
}

void EpollDispatcher::openEpoll() {
    m_epoll = ::epoll_create1(EPOLL_CLOEXEC);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = WakeKey;
    if (m_epoll < 0 || ::epoll_ctl(m_epoll, EPOLL_CTL_ADD, m_wake, &event) < 0)
        qFatal("No epoll descriptor for an event loop (errno %d)", errno);
}

void EpollDispatcher::rebuild() {
    ::close(m_epoll);
    openEpoll();
    for (std::uint32_t index = 1; index < m_slots.size(); ++index)
        if (const std::uint32_t wanted = std::exchange(m_slots[index].wanted, 0U); wanted != 0)
            update(index, wanted);
}

// Slots
// -------------------------------------------------------------------------------------------------------

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
    if (slot.wanted != 0)
        update(index, 0);
    const std::uint32_t next = slot.generation + 1;
    slot = Slot();
    slot.generation = next == 0 ? 1 : next;
    m_freeSlots.push_back(index);
}

bool EpollDispatcher::isCurrent(std::uint32_t index, std::uint32_t generation) const {
    return index < m_slots.size() && m_slots[index].descriptor >= 0 &&
           m_slots[index].generation == generation;
}

bool EpollDispatcher::update(std::uint32_t index, std::uint32_t wanted) {
    Slot& slot = m_slots[index];
    epoll_event event{};
    event.events = wanted;
    event.data.u64 = (std::uint64_t(slot.generation) << 32) | index;
    const bool wasAdded = std::exchange(slot.wanted, wanted) != 0;
    slot.pending = pendingOf(EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLHUP, wanted) & slot.pending;
    if (wanted == 0) {
        ::epoll_ctl(m_epoll, EPOLL_CTL_DEL, slot.descriptor,
                    &event); // fails when it was closed before: gone as well
        return true;
    }
    // A descriptor that was closed behind our back left the set by itself, and its number may be another file
    // now.
    if (wasAdded && (::epoll_ctl(m_epoll, EPOLL_CTL_MOD, slot.descriptor, &event) == 0 || errno != ENOENT))
        return true;
    if (::epoll_ctl(m_epoll, EPOLL_CTL_ADD, slot.descriptor, &event) == 0)
        return true;
    slot.wanted = 0;
    return false;
}

WatchHandle EpollDispatcher::watch(int descriptor, Interest interest, Handler& handler) {
    if (descriptor < 0)
        return WatchHandle();
    const std::uint32_t index = takeSlot(descriptor);
    m_slots[index].handler = &handler;
    const std::uint32_t wanted = epollEvents(interest);
    if (wanted != 0 && !update(index, wanted)) {
        freeSlot(index);
        return WatchHandle();
    }
    return WatchHandle(index, m_slots[index].generation);
}

void EpollDispatcher::modify(WatchHandle handle, Interest interest) {
    if (!isCurrent(handle.m_slot, handle.m_generation))
        return;
    if (const std::uint32_t wanted = epollEvents(interest); wanted != m_slots[handle.m_slot].wanted)
        update(handle.m_slot, wanted);
}

void EpollDispatcher::unwatch(WatchHandle handle) {
    if (isCurrent(handle.m_slot, handle.m_generation))
        freeSlot(handle.m_slot);
}

void EpollDispatcher::registerSocketNotifier(QSocketNotifier* notifier) {
    if (notifier->thread() != thread() || thread() != QThread::currentThread()) {
        qWarning("QSocketNotifier: socket notifiers cannot be enabled from another thread");
        return;
    }
    const int descriptor = int(notifier->socket());
    const auto [found, isNew] = m_notifiers.try_emplace(descriptor);
    auto& [index, notifiers] = found->second;
    if (isNew)
        index = takeSlot(descriptor);
    const auto type = std::size_t(notifier->type());
    if (notifiers[type] != nullptr)
        qWarning("Two socket notifiers of one type for descriptor %d: the newer one replaces the older",
                 descriptor);
    notifiers[type] = notifier;
    m_slots[index].pending &= ~(1U << type); // what was reported was reported to the other one
    if (!update(index, epollEventsOf(notifiers)))
        qWarning("Descriptor %d cannot be waited for (errno %d)", descriptor, errno);
}

void EpollDispatcher::unregisterSocketNotifier(QSocketNotifier* notifier) {
    if (notifier->thread() != thread() || thread() != QThread::currentThread()) {
        qWarning("QSocketNotifier: socket notifiers cannot be disabled from another thread");
        return;
    }
    const auto found = m_notifiers.find(int(notifier->socket()));
    if (found == m_notifiers.end())
        return;
    auto& [index, notifiers] = found->second;
    const auto type = std::size_t(notifier->type());
    if (notifiers[type] != notifier)
        return; // replaced by a newer one
    notifiers[type] = nullptr;
    if (const std::uint32_t wanted = epollEventsOf(notifiers); wanted != 0) {
        update(index, wanted);
        return;
    }
    freeSlot(index);
    m_notifiers.erase(found);
}

// Loop
// --------------------------------------------------------------------------------------------------------

bool EpollDispatcher::processEvents(QEventLoop::ProcessEventsFlags flags) {
    m_isInterrupted.store(false, std::memory_order_relaxed);
    Q_EMIT awake();
    // A wake-up from here on may be for an event that was posted too late to be sent now.
    m_wasPosted.store(false, std::memory_order_relaxed);
    QCoreApplication::sendPostedEvents();

    const bool mayBlock = flags.testFlag(QEventLoop::WaitForMoreEvents) &&
                          !m_isInterrupted.load(std::memory_order_relaxed) &&
                          !m_wasPosted.load(std::memory_order_relaxed);
    if (mayBlock)
        Q_EMIT aboutToBlock();
    if (m_isInterrupted.load(std::memory_order_relaxed))
        return false;

    int handled = waitForEvents(flags, mayBlock);
    if (!flags.testFlag(QEventLoop::ExcludeSocketNotifiers))
        handled += activate();
    if (!flags.testFlag(QEventLoop::X11ExcludeTimers))
        handled += fireTimers();
    return handled > 0;
}

int EpollDispatcher::waitForEvents(QEventLoop::ProcessEventsFlags flags, bool mayBlock) {
    const bool withNotifiers = !flags.testFlag(QEventLoop::ExcludeSocketNotifiers);
    std::array<epoll_event, EventsPerPass> events;
    int count = 0;
    do { // a signal is no event: wait for what is left of the time
        int timeout = 0;
        if (mayBlock && !(withNotifiers && !m_pending.empty()))
            timeout = flags.testFlag(QEventLoop::X11ExcludeTimers) ? -1 : timeToFirstTimer();
        if (withNotifiers) {
            count = ::epoll_wait(m_epoll, events.data(), EventsPerPass, timeout);
        } else {
            pollfd wake{m_wake, POLLIN, 0};
            count = ::poll(&wake, 1, timeout);
        }
    } while (count < 0 && errno == EINTR);
    if (!withNotifiers)
        return count > 0 ? drainWake() : 0;

    int handled = 0;
    bool hasGhost = false;
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[std::size_t(i)];
        const std::uint64_t key = event.data.u64;
        if (key == WakeKey)
            handled += drainWake();
        else if (isCurrent(std::uint32_t(key), std::uint32_t(key >> 32)))
            report(key, event.events);
        else
            hasGhost = true;
    }
    if (hasGhost) {
        // Somebody closed a descriptor before its watch, and a duplicate keeps the registration alive: nobody
        // can remove it any more, and it would fire for ever. A new set has only what is wanted.
        qWarning("A descriptor was closed while it was watched; its registration outlived it");
        rebuild();
    }
    return handled;
}

int EpollDispatcher::drainWake() {
    std::uint64_t count = 0;
    const bool wasRead = ::read(m_wake, &count, sizeof count) > 0;
    // After the read: a wake-up in between writes nothing, but this pass is not over, and the next one looks
    // again.
    m_isWoken.exchange(false, std::memory_order_acq_rel);
    return wasRead ? 1 : 0;
}

void EpollDispatcher::report(std::uint64_t key, std::uint32_t events) {
    Slot& slot = m_slots[std::uint32_t(key)];
    const std::uint32_t pending = pendingOf(events, slot.wanted);
    if (slot.pending == 0 && pending != 0)
        m_pending.push_back(Pending{std::uint32_t(key), std::uint32_t(key >> 32)});
    slot.pending |= pending;
}

int EpollDispatcher::activate() {
    int handled = 0;
    while (!m_pending.empty()) {
        const Pending next = m_pending.front();
        if (!isCurrent(next.slot, next.generation) || m_slots[next.slot].pending == 0) {
            m_pending.pop_front();
            continue;
        }
        Slot& slot = m_slots[next.slot]; // not to be used after a call: slots move
        if (slot.handler != nullptr) {
            m_pending.pop_front();
            const std::uint32_t pending = std::exchange(slot.pending, 0U);
            ++handled;
            slot.handler->ready(Ready{(pending & PendingRead) != 0, (pending & PendingWrite) != 0,
                                      (pending & PendingBroken) != 0});
            continue;
        }
        slot.pending &= ~PendingBroken;
        const auto type = slot.pending != 0 ? std::size_t(__builtin_ctz(slot.pending)) : 0;
        slot.pending &= slot.pending - 1;
        if (slot.pending == 0)
            m_pending.pop_front();
        const auto found = m_notifiers.find(slot.descriptor);
        if (found == m_notifiers.end() || found->second.second[type] == nullptr)
            continue;
        ++handled;
        QEvent event(QEvent::SockAct);
        QCoreApplication::sendEvent(found->second.second[type], &event);
    }
    return handled;
}

void EpollDispatcher::wakeUp() {
    m_wasPosted.store(true, std::memory_order_relaxed);
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

// Timers
// ------------------------------------------------------------------------------------------------------

void EpollDispatcher::enqueue(Timer& timer, Queue::node_type node) {
    timer.turn = m_turn++;
    if (node.empty()) {
        m_queue.emplace(std::pair(timer.due, timer.turn), &timer);
        return;
    }
    node.key() = std::pair(timer.due, timer.turn);
    m_queue.insert(std::move(node));
}

/// Moves a coarse timer to the coarsest grid that is within 5 % of its interval, so that many expire at one
/// wake-up.
void EpollDispatcher::align(Timer& timer, std::int64_t now) {
    const std::int64_t tolerance = timer.interval * Millisecond / 20;
    for (const std::int64_t milliseconds : {1000, 500, 250, 100, 50, 20, 10, 4, 2}) {
        const std::int64_t grid = milliseconds * Millisecond;
        if (grid / 2 > tolerance)
            continue;
        timer.due = (timer.due + grid / 2) / grid * grid;
        break;
    }
    if (timer.due <= now)
        timer.due += timer.interval * Millisecond;
}

void EpollDispatcher::rearm(Timer& timer, std::int64_t now) {
    if (timer.type == Qt::VeryCoarseTimer) {
        timer.due += timer.interval * Second;
        if (timer.due <= now)
            timer.due = (now / Second + timer.interval) * Second;
        return;
    }
    timer.due += timer.interval * Millisecond;
    if (timer.due < now) // late by more than an interval: what was missed is not made up for
        timer.due = now + timer.interval * Millisecond;
    if (timer.type == Qt::CoarseTimer)
        align(timer, now);
}

void EpollDispatcher::registerTimer(int timerId, qint64 interval, Qt::TimerType timerType, QObject* object) {
    if (timerId < 1 || interval < 0 || object == nullptr) {
        qWarning("A timer needs an id, an interval and an object");
        return;
    }
    if (object->thread() != thread() || thread() != QThread::currentThread()) {
        qWarning("QObject::startTimer: timers cannot be started from another thread");
        return;
    }
    auto timer = std::make_unique<Timer>();
    const std::int64_t now = monotonicNow();
    timer->id = timerId;
    timer->object = object;
    timer->serial = ++m_serial;
    timer->type = timerType;
    timer->interval = interval;
    timer->due = now + interval * Millisecond;
    // 5 % of up to 20 ms is less than the clock's step, 5 % of 20 s is the step of the very coarse ones.
    if (timerType == Qt::CoarseTimer && interval <= 20)
        timer->type = Qt::PreciseTimer;
    else if (timerType == Qt::CoarseTimer && interval >= 20'000)
        timer->type = Qt::VeryCoarseTimer;
    if (timer->type == Qt::CoarseTimer) {
        align(*timer, now);
    } else if (timer->type == Qt::VeryCoarseTimer) {
        timer->interval = interval == 0 ? 0 : std::max<qint64>(1, (interval + 500) / 1000);
        timer->due = ((now + Second / 2) / Second + timer->interval) * Second;
    }
    enqueue(*timer);
    m_timersOf.emplace(object, timerId);
    m_timers[timerId] = std::move(timer);
}

void EpollDispatcher::forget(Timer& timer) {
    m_queue.erase(std::pair(timer.due, timer.turn));
    m_timers.erase(timer.id);
}

bool EpollDispatcher::unregisterTimer(int timerId) {
    const auto found = m_timers.find(timerId);
    if (found == m_timers.end())
        return false;
    const auto [first, last] = m_timersOf.equal_range(found->second->object);
    m_timersOf.erase(
        std::find_if(first, last, [timerId](const auto& entry) { return entry.second == timerId; }));
    forget(*found->second);
    return true;
}

bool EpollDispatcher::unregisterTimers(QObject* object) {
    const auto [first, last] = m_timersOf.equal_range(object);
    if (first == last)
        return false;
    for (auto entry = first; entry != last; ++entry)
        forget(*m_timers.at(entry->second));
    m_timersOf.erase(first, last);
    return true;
}

QList<QAbstractEventDispatcher::TimerInfo> EpollDispatcher::registeredTimers(QObject* object) const {
    const auto [first, last] = m_timersOf.equal_range(object);
    QList<const Timer*> timers;
    for (auto entry = first; entry != last; ++entry)
        timers.append(m_timers.at(entry->second).get());
    std::sort(timers.begin(), timers.end(), [](const Timer* a, const Timer* b) {
        return std::pair(a->due, a->turn) < std::pair(b->due, b->turn);
    });
    QList<TimerInfo> list;
    for (const Timer* timer : timers)
        list.append(TimerInfo(
            timer->id, int(timer->type == Qt::VeryCoarseTimer ? timer->interval * 1000 : timer->interval),
            timer->type));
    return list;
}

int EpollDispatcher::remainingTime(int timerId) {
    const auto found = m_timers.find(timerId);
    if (found == m_timers.end())
        return -1;
    const std::int64_t left = std::max<std::int64_t>(0, found->second->due - monotonicNow());
    return int(
        std::min<std::int64_t>((left + Millisecond - 1) / Millisecond, std::numeric_limits<int>::max()));
}

int EpollDispatcher::timeToFirstTimer() const {
    // One whose handler is running (a nested loop) is nothing to wake up for.
    const auto first = std::find_if(m_queue.begin(), m_queue.end(),
                                    [](const auto& entry) { return !entry.second->isFiring; });
    if (first == m_queue.end())
        return -1;
    const std::int64_t left = std::max<std::int64_t>(0, first->second->due - monotonicNow());
    return int(
        std::min<std::int64_t>((left + Millisecond - 1) / Millisecond, std::numeric_limits<int>::max()));
}

int EpollDispatcher::fireTimers() {
    if (m_queue.empty())
        return 0;
    const std::int64_t now = monotonicNow();
    const std::uint64_t firstTurn = m_turn; // what is queued from here on waits for the next pass
    int handled = 0;
    while (!m_queue.empty()) {
        const auto& [place, timer] = *m_queue.begin();
        if (place.first > now || place.second >= firstTurn)
            break;
        const int id = timer->id;
        const std::uint64_t serial = timer->serial;
        Timer& fired = *timer;
        auto node = m_queue.extract(m_queue.begin());
        rearm(fired, now);
        enqueue(fired, std::move(node));
        if (fired.interval > 0) // a zero timer alone does not make a pass one that did something, as in Qt
            ++handled;
        if (fired.isFiring)
            continue;
        fired.isFiring = true;
        QTimerEvent event(id);
        QCoreApplication::sendEvent(fired.object, &event);
        if (const auto still = m_timers.find(id); still != m_timers.end() && still->second->serial == serial)
            still->second->isFiring = false;
    }
    return handled;
}

} // namespace server
