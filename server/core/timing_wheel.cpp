// SPDX-License-Identifier: Apache-2.0
#include "server/core/timing_wheel.h"
#include <algorithm>
#include <limits>

namespace server {

TimingWheel::TimingWheel(TimePoint start, std::chrono::milliseconds tick)
    : m_start(start), m_tick(std::max(tick, std::chrono::milliseconds(1))) {
    m_chunks.push_back(std::make_unique<Entry[]>(std::size_t(1) << ChunkBits));
    for (std::uint32_t head = 0; head < FirstEntry; ++head)
        entry(head).next = entry(head).previous = head;
    for (std::uint32_t index = FirstEntry; index < (1U << ChunkBits); ++index)
        append(Free, index);
}

void TimingWheel::grow() {
    const auto first = std::uint32_t(m_chunks.size() << ChunkBits);
    m_chunks.push_back(std::make_unique<Entry[]>(std::size_t(1) << ChunkBits));
    for (std::uint32_t offset = 0; offset < (1U << ChunkBits); ++offset)
        append(Free, first + offset);
}

void TimingWheel::append(std::uint32_t list, std::uint32_t index) {
    Entry& head = entry(list);
    Entry& added = entry(index);
    added.next = list;
    added.previous = head.previous;
    entry(head.previous).next = index;
    head.previous = index;
}

void TimingWheel::unlink(std::uint32_t index) {
    const Entry& gone = entry(index);
    entry(gone.previous).next = gone.next;
    entry(gone.next).previous = gone.previous;
}

void TimingWheel::release(std::uint32_t index) {
    Entry& gone = entry(index);
    gone.target = nullptr;
    if (++gone.generation == 0) // 0 is what an unset handle carries
        gone.generation = 1;
    append(Free, index);
    --m_size;
}

std::uint32_t TimingWheel::tickOf(TimePoint deadline) const {
    // Ticks are compared by their difference in 32 bits, so none may lie further away than half of them.
    constexpr std::uint64_t Furthest = std::numeric_limits<std::int32_t>::max();
    std::uint64_t tick = m_now + 1;
    if (deadline > m_start) {
        const auto since = std::chrono::ceil<std::chrono::milliseconds>(deadline - m_start).count();
        tick = std::uint64_t((since - 1) / m_tick.count() + 1);
    }
    return std::uint32_t(std::clamp(tick, m_now + 1, m_now + Furthest));
}

TimerHandle TimingWheel::add(TimePoint deadline, Target& target, std::uint32_t tag) {
    if (entry(Free).next == Free)
        grow();
    const std::uint32_t index = entry(Free).next;
    unlink(index);
    Entry& added = entry(index);
    added.target = &target;
    added.tag = tag;
    added.tick = tickOf(deadline);
    append(added.tick % Slots, index);
    ++m_size;
    return TimerHandle(index, added.generation);
}

bool TimingWheel::isWaiting(TimerHandle handle) const {
    return handle.isSet() && handle.m_index >= FirstEntry &&
           (handle.m_index >> ChunkBits) < m_chunks.size() &&
           entry(handle.m_index).generation == handle.m_generation && entry(handle.m_index).target != nullptr;
}

bool TimingWheel::cancel(TimerHandle& handle) {
    const TimerHandle cancelled = handle;
    handle = TimerHandle();
    if (!isWaiting(cancelled))
        return false;
    unlink(cancelled.m_index);
    release(cancelled.m_index);
    return true;
}

bool TimingWheel::move(TimerHandle handle, TimePoint deadline) {
    if (!isWaiting(handle))
        return false;
    unlink(handle.m_index);
    Entry& moved = entry(handle.m_index);
    moved.tick = tickOf(deadline);
    append(moved.tick % Slots, handle.m_index);
    return true;
}

TimePoint TimingWheel::spread(TimePoint now, std::chrono::milliseconds period) {
    // Multiples of the golden ratio modulo the period: any run of successive ones is spread evenly. The
    // places are fixed ticks of the period, not distances from `now`, so connects in bursts are spread as
    // well.
    constexpr std::uint32_t GoldenRatio = 2654435769U;
    const auto places = std::uint64_t(std::max<std::int64_t>(1, period.count() / m_tick.count()));
    const auto place = (std::uint64_t(m_spread++ * GoldenRatio) * places) >> 32;
    const auto since = std::max(std::chrono::nanoseconds(0), std::chrono::nanoseconds(now - m_start));
    const auto nowTick = std::uint64_t(since / m_tick);
    const std::uint64_t ahead = (place + places - nowTick % places) % places;
    return m_start + m_tick * std::int64_t(nowTick + (ahead == 0 ? places : ahead));
}

void TimingWheel::collect() {
    const auto tick = std::uint32_t(m_now);
    const std::uint32_t slot = tick % Slots;
    for (std::uint32_t index = entry(slot).next; index != slot;) {
        const std::uint32_t next = entry(index).next;
        if (entry(index).tick == tick) { // others are for a later turn of the wheel
            unlink(index);
            append(Due, index);
        }
        index = next;
    }
}

bool TimingWheel::advance(TimePoint now, std::size_t limit) {
    const auto target = now > m_start ? std::uint64_t((now - m_start) / m_tick) : 0;
    std::size_t called = 0;
    for (;;) {
        while (entry(Due).next != Due) {
            if (called == limit)
                return false;
            ++called;
            const std::uint32_t index = entry(Due).next;
            const Entry expired = entry(index);
            const std::uint64_t late = std::uint32_t(std::uint32_t(m_now) - expired.tick);
            unlink(index);
            release(index); // before the call, which may add, cancel, or destroy its target
            expired.target->expired(expired.tag, m_start + m_tick * std::int64_t(m_now - late));
        }
        if (m_now >= target)
            return true;
        ++m_now;
        if (m_size == 0) { // nothing waits: the ticks slept through need no visit
            m_now = target;
            continue;
        }
        collect();
    }
}

} // namespace server
