// SPDX-License-Identifier: Apache-2.0
// Deadlines of a whole shard (heartbeats, time-outs) on one hashed wheel. One thread: the one that made it.
#pragma once
#include "server/core/clock.h"
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace server {

/// Names one entry of one wheel. Goes stale by itself once the entry has expired or was cancelled.
class TimerHandle {
public:
    constexpr TimerHandle() = default;
    /// Was it ever given out? Says nothing about whether it still waits: ask the wheel.
    constexpr bool isSet() const { return m_generation != 0; }
    constexpr bool operator==(const TimerHandle&) const = default;

private:
    friend class TimingWheel;
    constexpr TimerHandle(std::uint32_t index, std::uint32_t generation)
        : m_index(index), m_generation(generation) {}
    std::uint32_t m_index = 0;
    std::uint32_t m_generation = 0;
};

/// Adding, moving and cancelling are O(1) and, once the wheel has grown to its size, free of allocations.
/// An entry never expires early, and at most one tick late as long as advance() is called every tick.
class TimingWheel {
public:
    /// Whose deadlines they are. Must cancel its entries before it dies.
    class Target {
    public:
        /// `tag` says which of its deadlines; `due` is the tick it was for, so that a period is `due +
        /// period` and keeps its place however late this call is. May add and cancel anything.
        virtual void expired(std::uint32_t tag, TimePoint due) = 0;

    protected:
        ~Target() = default;
    };

    static constexpr std::chrono::milliseconds DefaultTick{100};
    static constexpr std::size_t DefaultSlice = 512;

    explicit TimingWheel(TimePoint start, std::chrono::milliseconds tick = DefaultTick);
    TimingWheel(const TimingWheel&) = delete;
    TimingWheel& operator=(const TimingWheel&) = delete;

    /// Rounded up to the tick; a deadline that has passed expires on the next tick. The caller bounds the
    /// number of entries: each belongs to something that is bounded itself.
    TimerHandle add(TimePoint deadline, Target& target, std::uint32_t tag = 0);
    /// False when it has already expired or was cancelled; the handle is unset afterwards.
    bool cancel(TimerHandle& handle);
    /// Moves a waiting entry. False, and nothing happens, when it does not wait any more.
    bool move(TimerHandle handle, TimePoint deadline);
    bool isWaiting(TimerHandle handle) const;
    std::size_t size() const { return m_size; } ///< entries that wait

    /// The first deadline of something periodic, in (now, now + period]. Successive calls are spread over the
    /// period so evenly that no tick holds more than twice the mean, whenever they are made.
    TimePoint spread(TimePoint now, std::chrono::milliseconds period);

    /// Calls what has expired by `now`, at most `limit`. True when that was all; false: call again soon,
    /// others first. Not to be called from inside expired().
    bool advance(TimePoint now, std::size_t limit = DefaultSlice);

private:
    /// 32 bytes, in a circular list: of a slot of the wheel, of what is due, or of what is free.
    struct Entry {
        Target* target = nullptr; // null: a list's head, or free
        std::uint32_t next = 0;
        std::uint32_t previous = 0;
        std::uint32_t generation = 1;
        std::uint32_t tick = 0; // low bits of the deadline
        std::uint32_t tag = 0;
    };
    static_assert(sizeof(Entry) <= 32);
    static constexpr std::uint32_t Slots = 512; // a power of two
    static constexpr std::uint32_t Due = Slots; // heads of the lists after the slots
    static constexpr std::uint32_t Free = Slots + 1;
    static constexpr std::uint32_t FirstEntry = Slots + 2;
    static constexpr std::uint32_t ChunkBits = 12;

    Entry& entry(std::uint32_t index) {
        return m_chunks[index >> ChunkBits][index & ((1U << ChunkBits) - 1)];
    }
    const Entry& entry(std::uint32_t index) const {
        return m_chunks[index >> ChunkBits][index & ((1U << ChunkBits) - 1)];
    }
    void grow();
    void append(std::uint32_t list, std::uint32_t index);
    void unlink(std::uint32_t index);
    void release(std::uint32_t index);
    void collect(); // of the current slot: what is due
    std::uint32_t tickOf(TimePoint deadline) const;

    const TimePoint m_start;
    const std::chrono::milliseconds m_tick;
    std::vector<std::unique_ptr<Entry[]>> m_chunks; // grows by chunks: no copying of half a million entries
    std::uint64_t m_now = 0;                        // ticks since the start that were collected
    std::uint32_t m_spread = 0;
    std::size_t m_size = 0;
};

} // namespace server
