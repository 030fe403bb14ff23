// SPDX-License-Identifier: Apache-2.0
// The sessions of one shard by when they were last active: who goes when the node is full is found at once.
// Shard thread.
#pragma once

namespace server {

class ActivityOrder {
public:
    class Entry {
    public:
        Entry() = default;
        Entry(const Entry&) = delete;
        Entry& operator=(const Entry&) = delete;
        bool isListed() const { return m_next != nullptr; }

    protected:
        ~Entry() = default;

    private:
        friend class ActivityOrder;
        Entry* m_next = nullptr;
        Entry* m_previous = nullptr;
    };

    ActivityOrder() { m_ends.m_next = m_ends.m_previous = &m_ends; }
    ActivityOrder(const ActivityOrder&) = delete;
    ActivityOrder& operator=(const ActivityOrder&) = delete;

    /// It is active now: behind all others, whether it was listed or not.
    void add(Entry& entry) {
        remove(entry);
        entry.m_next = &m_ends;
        entry.m_previous = m_ends.m_previous;
        entry.m_previous->m_next = m_ends.m_previous = &entry;
    }
    void remove(Entry& entry) {
        if (!entry.isListed())
            return;
        entry.m_previous->m_next = entry.m_next;
        entry.m_next->m_previous = entry.m_previous;
        entry.m_next = entry.m_previous = nullptr;
    }
    /// Null when none is listed.
    Entry* leastActive() const { return m_ends.m_next == &m_ends ? nullptr : m_ends.m_next; }

private:
    class Ends final : public Entry {};
    Ends m_ends;
};

} // namespace server
