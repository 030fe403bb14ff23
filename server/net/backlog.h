// SPDX-License-Identifier: Apache-2.0
// The connections of one shard whose kernel took less than was written, by how long they have been stuck, and
// what waits for them in all. Shard thread.
#pragma once
#include "server/core/clock.h"
#include "server/core/linked_list.h"
#include "shared/types.h"

namespace server {

class Backlog {
public:
    /// A connection, as its queue sees it. Must be settled with nothing queued before it dies.
    class Entry : public ListLink {
    public:
        bool isStuck() const { return isListed(); }
        /// Frees the queue at once and closes as slow-consumer.
        virtual void shed() = 0;

    protected:
        Entry() = default;
        ~Entry() = default;

    private:
        friend class Backlog;
        std::uint64_t m_queued = 0;
        TimePoint m_since{};
    };

    /// What the kernel has left of an entry's bytes. True when it was not stuck before and now is.
    bool settle(Entry& entry, shared::Bytes queued, const Clock& clock) {
        m_queued += queued.count() - entry.m_queued;
        entry.m_queued = queued.count();
        if (entry.isStuck() == (queued.count() > 0))
            return false;
        if (entry.isStuck()) {
            m_stuck.remove(entry);
            return false;
        }
        entry.m_since = clock.now();
        m_stuck.append(entry);
        return true;
    }
    shared::Bytes queued() const { return shared::Bytes(m_queued); }
    /// The one whose queue was empty the longest time ago; null when nobody waits. A client that reads a
    /// byte now and then does not get behind the others by that.
    Entry* longestStuck() const { return m_stuck.first(); }
    /// No time when nobody waits.
    TimePoint stuckSince() const {
        const Entry* const longest = longestStuck();
        return longest == nullptr ? TimePoint() : longest->m_since;
    }

private:
    LinkedList<Entry> m_stuck; ///< the longest stuck first
    std::uint64_t m_queued = 0;
};

} // namespace server
