// SPDX-License-Identifier: Apache-2.0
// Qt's event dispatcher on epoll, with descriptors watched beside QObject. Own thread; wakeUp() any.
#pragma once
#include <QtCore/QAbstractEventDispatcher>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

namespace server {

/// What a watcher waits for. Nothing: stays registered but is not even told of errors.
enum class Interest : std::uint8_t { Nothing = 0, Read = 1, Write = 2, ReadWrite = 3 };

/// What a watched descriptor is ready for. An error or hang-up makes all that was asked for ready, so that
/// the system call tells.
struct Ready {
    bool canRead = false;
    bool canWrite = false;
    bool isBroken = false;
};

/// Names one watch of one dispatcher; stale once unwatched.
class WatchHandle {
public:
    constexpr WatchHandle() = default;
    constexpr bool isSet() const { return m_generation != 0; }
    constexpr bool operator==(const WatchHandle&) const = default;

private:
    friend class EpollDispatcher;
    constexpr WatchHandle(std::uint32_t slot, std::uint32_t generation)
        : m_slot(slot), m_generation(generation) {}
    std::uint32_t m_slot = 0;
    std::uint32_t m_generation = 0;
};

/// Behaves like Qt's own dispatcher for Unix, except that a wake-up costs nothing per idle descriptor or
/// timer. Level-triggered. One pass sends the posted events, then handles at most EventsPerPass descriptors,
/// then the timers that are due: none of the three starves another.
class EpollDispatcher final : public QAbstractEventDispatcher {
    Q_OBJECT
public:
    static constexpr int EventsPerPass = 256;

    class Handler {
    public:
        /// May watch, modify and unwatch anything, itself included, and run a nested loop.
        virtual void ready(Ready what) = 0;

    protected:
        ~Handler() = default;
    };

    explicit EpollDispatcher(QObject* parent = nullptr);
    ~EpollDispatcher() override;

    /// Costs no QObject. Unset when the kernel refuses (not a pollable descriptor, no memory) or when the
    /// descriptor is watched already. Excluded with the socket notifiers.
    [[nodiscard]] WatchHandle watch(int descriptor, Interest interest, Handler& handler);
    void modify(WatchHandle handle, Interest interest);
    /// At once, before the descriptor is closed: no event of this watch is delivered any more, not even one
    /// that the kernel has already reported.
    void unwatch(WatchHandle handle);

    bool processEvents(QEventLoop::ProcessEventsFlags flags) override;
    void registerSocketNotifier(QSocketNotifier* notifier) override;
    void unregisterSocketNotifier(QSocketNotifier* notifier) override;
    using QAbstractEventDispatcher::registerTimer;
    void registerTimer(int timerId, qint64 interval, Qt::TimerType timerType, QObject* object) override;
    bool unregisterTimer(int timerId) override;
    bool unregisterTimers(QObject* object) override;
    QList<TimerInfo> registeredTimers(QObject* object) const override;
    int remainingTime(int timerId) override;
    void wakeUp() override;
    void interrupt() override;

private:
    using Notifiers = std::array<QSocketNotifier*, 3>; // by QSocketNotifier::Type
    /// One registration with the kernel. Its events carry (slot, generation): what is stale is seen to be.
    struct Slot {
        Handler* handler = nullptr; // null: socket notifiers, or free
        int descriptor = -1;
        std::uint32_t generation = 1;
        std::uint32_t wanted = 0;  // epoll's events
        std::uint32_t pending = 0; // reported and not yet delivered: not zero only while queued
    };
    struct Pending {
        std::uint32_t slot, generation;
    };
    struct Timer {
        int id = 0;
        Qt::TimerType type = Qt::PreciseTimer;
        qint64 interval = 0; // milliseconds; seconds when very coarse
        QObject* object = nullptr;
        std::int64_t due = 0;     // nanoseconds
        std::uint64_t turn = 0;   // of its place in the queue
        std::uint64_t serial = 0; // ids are used again
        bool isFiring = false;
    };
    /// By due time, first come first among equals.
    using Queue = std::map<std::pair<std::int64_t, std::uint64_t>, Timer*>;

    std::uint32_t takeSlot(int descriptor);
    void freeSlot(std::uint32_t index);
    bool update(std::uint32_t index, std::uint32_t wanted);
    bool isCurrent(std::uint32_t index, std::uint32_t generation) const;
    void openEpoll();
    void rebuild();
    void report(std::uint64_t key, std::uint32_t events);
    int waitForEvents(QEventLoop::ProcessEventsFlags flags, bool mayBlock);
    int drainWake();
    int activate();
    int fireTimers();
    int timeToFirstTimer() const;
    void enqueue(Timer& timer, Queue::node_type node = {});
    void forget(Timer& timer);
    static void align(Timer& timer, std::int64_t now);
    static void rearm(Timer& timer, std::int64_t now);

    int m_epoll = -1;
    int m_wake = -1;
    std::atomic<bool> m_isWoken{false};
    std::atomic<bool> m_isInterrupted{false};
    std::atomic<bool> m_wasPosted{false}; // a wake-up since the posted events were sent: no reason to block
    std::vector<Slot> m_slots;
    std::vector<std::uint32_t> m_freeSlots;
    std::unordered_map<int, std::pair<std::uint32_t, Notifiers>> m_notifiers; // by descriptor: slot
    std::deque<Pending> m_pending; // a member: a nested loop goes on with what the outer one has left
    std::unordered_map<int, std::unique_ptr<Timer>> m_timers;
    std::unordered_multimap<QObject*, int> m_timersOf;
    Queue m_queue;
    std::uint64_t m_turn = 0;
    std::uint64_t m_serial = 0;
};

} // namespace server
