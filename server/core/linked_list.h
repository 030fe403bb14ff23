// SPDX-License-Identifier: Apache-2.0
// A list through its items, in the order in which they were put in: nothing is allocated, and any item is
// taken out at once. One thread.
#pragma once

namespace server {

/// What an item derives from. It must be taken out before it dies.
class ListLink {
public:
    ListLink() = default;
    ListLink(const ListLink&) = delete;
    ListLink& operator=(const ListLink&) = delete;
    bool isListed() const { return m_next != nullptr; }

protected:
    ~ListLink() = default;

private:
    template <class>
    friend class LinkedList;
    ListLink* m_next = nullptr;
    ListLink* m_previous = nullptr;
};

template <class Item>
class LinkedList {
public:
    LinkedList() { m_ends.m_next = m_ends.m_previous = &m_ends; }
    LinkedList(const LinkedList&) = delete;
    LinkedList& operator=(const LinkedList&) = delete;

    /// Behind all others; it must not be listed.
    void append(Item& item) {
        ListLink& link = item;
        link.m_next = &m_ends;
        link.m_previous = m_ends.m_previous;
        link.m_previous->m_next = m_ends.m_previous = &link;
    }
    /// It must be listed here.
    void remove(Item& item) {
        ListLink& link = item;
        link.m_previous->m_next = link.m_next;
        link.m_next->m_previous = link.m_previous;
        link.m_next = link.m_previous = nullptr;
    }
    /// Null when there is none.
    Item* first() const { return m_ends.m_next == &m_ends ? nullptr : static_cast<Item*>(m_ends.m_next); }

private:
    struct Ends final : ListLink {};
    Ends m_ends;
};

} // namespace server
