// SPDX-License-Identifier: Apache-2.0
// The sessions of one shard by when they were last active: who goes when the node is full is found at once.
// Shard thread.
#pragma once
#include "server/core/linked_list.h"

namespace server {

class ActivityOrder {
public:
    class Entry : public ListLink {
    protected:
        ~Entry() = default;
    };

    /// It is active now: behind all others, whether it was listed or not.
    void add(Entry& entry) {
        remove(entry);
        m_entries.append(entry);
    }
    void remove(Entry& entry) {
        if (entry.isListed())
            m_entries.remove(entry);
    }
    /// Null when none is listed.
    Entry* leastActive() const { return m_entries.first(); }

private:
    LinkedList<Entry> m_entries;
};

} // namespace server
