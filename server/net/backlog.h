// SPDX-License-Identifier: Apache-2.0
// The connections of one shard whose kernel took less than was written, by how long they have been stuck, and
// what waits for them in all. Shard thread.
#pragma once
#include "server/core/clock.h"
#include "shared/types.h"

namespace server {

class Backlog {
public:
    /// A connection, as its queue sees it. Must be settled with nothing queued before it dies.
    class Entry {
    public:
        bool isStuck() const { return m_next != nullptr; }
        /// Frees the queue at once and closes as slow-consumer.
        virtual void shed() = 0;

    protected:
        Entry() = default;
        ~Entry() = default;

    private:
        friend class Backlog;
        Entry* m_next = nullptr;
        Entry* m_previous = nullptr;
        std::uint64_t m_queued = 0;
        TimePoint m_since{};
    };

    Backlog() { m_ends.m_next = m_ends.m_previous = &m_ends; }
    Backlog(const Backlog&) = delete;
    Backlog& operator=(const Backlog&) = delete;

    /// What the kernel has left of an entry's bytes. True when it was not stuck before and now is.
    bool settle(Entry& entry, shared::Bytes queued, const Clock& clock) {
        m_queued += queued.count() - entry.m_queued;
        entry.m_queued = queued.count();
        if (entry.isStuck() == (queued.count() > 0))
            return false;
        if (!entry.isStuck()) {
            entry.m_since = clock.now();
            entry.m_next = &m_ends;
            entry.m_previous = m_ends.m_previous;
            entry.m_previous->m_next = m_ends.m_previous = &entry;
            return true;
        }
        entry.m_previous->m_next = entry.m_next;
        entry.m_next->m_previous = entry.m_previous;
        entry.m_next = entry.m_previous = nullptr;
        return false;
    }
    shared::Bytes queued() const { return shared::Bytes(m_queued); }
    /// The one whose queue was empty the longest time ago; null when nobody waits. A client that reads a
    /// byte now and then does not get behind the others by that.
    Entry* longestStuck() const { return m_ends.m_next == &m_ends ? nullptr : m_ends.m_next; }
    /// No time when nobody waits.
    TimePoint stuckSince() const { return m_ends.m_next->m_since; }

private:
    class Ends final : public Entry {
        void shed() override {}
    };
    Ends m_ends; ///< of the list, the longest stuck first
    std::uint64_t m_queued = 0;
};

} // namespace server
