// SPDX-License-Identifier: Apache-2.0
// The only way into a thread: a bounded inbox that any thread posts to and its owner's event loop takes from.
#pragma once
#include "shared/types.h"
#include <QtCore/QAbstractEventDispatcher>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace server {

/// What happens to a mail when the box is full.
enum class MailKind {
    State,   ///< kept per key, the newest wins: bounded by state, never refused
    Traffic, ///< bounded by messages and bytes, the newest is refused
    Handover ///< bounded by number, the newest is refused and its sender cleans up
};
enum class Posted { Accepted, Refused };

struct MailboxLimits {
    std::size_t trafficMessages = 0;
    std::size_t handovers = 0;
    shared::Bytes trafficBytes;
};

/// First in, first out per sender. Everything that crosses is ordered by the one mutex, which is held for one
/// push or one swap. The box outlives its senders; attach() and detach() belong to the owner's thread.
template <class Mail>
class Mailbox {
public:
    explicit Mailbox(MailboxLimits limits) : m_limits(limits) {}
    Mailbox(const Mailbox&) = delete;
    Mailbox& operator=(const Mailbox&) = delete;
    ~Mailbox() { QObject::disconnect(m_awake); }

    /// Any thread. `key` names what it is the state of; an older one with that key that still waits vanishes.
    void postState(std::string key, Mail mail) {
        std::list<Item> fresh; // made and destroyed outside the lock, as is what it replaces
        fresh.push_back(Item{std::move(mail), MailKind::State, 0});
        std::list<Item> replaced;
        const std::lock_guard lock(m_mutex);
        if (m_isClosed) {
            m_refused.fetch_add(1, std::memory_order_relaxed);
            return;
        }
        const auto [state, isNew] = m_states.try_emplace(std::move(key));
        if (!isNew)
            replaced.splice(replaced.end(), m_waiting, state->second);
        push(fresh);
        state->second = std::prev(m_waiting.end());
    }

    [[nodiscard]] Posted postTraffic(Mail mail, shared::Bytes size) {
        std::list<Item> fresh;
        fresh.push_back(Item{std::move(mail), MailKind::Traffic, size.count()});
        const std::lock_guard lock(m_mutex);
        // The owner only ever takes away from the two sums, so what is read here is an upper bound.
        const auto bytes = m_trafficBytes.load(std::memory_order_relaxed);
        if (m_isClosed || m_trafficMessages.load(std::memory_order_relaxed) >= m_limits.trafficMessages ||
            size.count() > m_limits.trafficBytes.count() ||
            bytes > m_limits.trafficBytes.count() - size.count())
            return refuse();
        m_trafficMessages.fetch_add(1, std::memory_order_relaxed);
        m_trafficBytes.fetch_add(size.count(), std::memory_order_relaxed);
        push(fresh);
        return Posted::Accepted;
    }

    [[nodiscard]] Posted postHandover(Mail mail) {
        std::list<Item> fresh;
        fresh.push_back(Item{std::move(mail), MailKind::Handover, 0});
        const std::lock_guard lock(m_mutex);
        if (m_isClosed || m_handovers.load(std::memory_order_relaxed) >= m_limits.handovers)
            return refuse();
        m_handovers.fetch_add(1, std::memory_order_relaxed);
        push(fresh);
        return Posted::Accepted;
    }

    /// Owner thread, which has an event dispatcher. `take` is called for each mail in order, in slices
    /// between which the loop runs its I/O; it may post to this box, run a nested loop (which takes no mail)
    /// or detach().
    void attach(std::function<void(Mail&)> take) {
        QAbstractEventDispatcher* const dispatcher = QAbstractEventDispatcher::instance();
        Q_ASSERT_X(dispatcher != nullptr, "Mailbox::attach", "this thread has no event dispatcher");
        QObject::disconnect(m_awake);
        m_take = std::make_shared<const std::function<void(Mail&)>>(std::move(take));
        m_awake = QObject::connect(dispatcher, &QAbstractEventDispatcher::awake, [this] { drain(); });
        const std::lock_guard lock(m_mutex);
        m_isClosed = false;
        m_dispatcher = dispatcher;
        if (!m_waiting.empty() || !m_taken.empty())
            m_dispatcher->wakeUp();
    }

    /// Owner thread, before it ends. From now on posts are refused. Returns what nobody took any more
    /// (counted as refused), so that descriptors in it can be closed.
    std::vector<Mail> detach() {
        QObject::disconnect(m_awake);
        m_take.reset();
        std::list<Item> left = std::move(m_taken);
        m_taken.clear();
        {
            const std::lock_guard lock(m_mutex);
            m_isClosed = true;
            m_dispatcher = nullptr;
            left.splice(left.end(), m_waiting);
            m_states.clear();
        }
        std::vector<Mail> mails;
        mails.reserve(left.size());
        for (Item& item : left) {
            giveBack(item);
            mails.push_back(std::move(item.mail));
        }
        m_refused.fetch_add(mails.size(), std::memory_order_relaxed);
        return mails;
    }

    /// Mails of all kinds that were refused, dropped after detach() or left over at it. Any thread.
    std::uint64_t refused() const { return m_refused.load(std::memory_order_relaxed); }

private:
    struct Item {
        Mail mail;
        MailKind kind;
        std::uint64_t bytes;
    };
    static constexpr int SliceMails = 256;
    static constexpr std::chrono::milliseconds SliceTime{5};

    Posted refuse() {
        m_refused.fetch_add(1, std::memory_order_relaxed);
        return Posted::Refused;
    }

    /// Under the mutex: detach() takes it too, so the dispatcher cannot die during wakeUp().
    void push(std::list<Item>& fresh) {
        const bool wasEmpty = m_waiting.empty();
        m_waiting.splice(m_waiting.end(), fresh);
        if (wasEmpty && m_dispatcher != nullptr)
            m_dispatcher->wakeUp();
    }

    void giveBack(const Item& item) {
        switch (item.kind) {
        case MailKind::State:
            break;
        case MailKind::Traffic:
            m_trafficMessages.fetch_sub(1, std::memory_order_relaxed);
            m_trafficBytes.fetch_sub(item.bytes, std::memory_order_relaxed);
            break;
        case MailKind::Handover:
            m_handovers.fetch_sub(1, std::memory_order_relaxed);
            break;
        }
    }

    /// One slice. Later mails must not overtake the one in hand, so a nested loop inside `take` takes none.
    void drain() {
        if (m_isDraining)
            return;
        m_isDraining = true;
        const std::shared_ptr<const std::function<void(Mail&)>> take =
            m_take; // survives detach() inside itself
        const auto deadline = std::chrono::steady_clock::now() + SliceTime;
        for (int taken = 0; m_take == take && taken < SliceMails; ++taken) {
            if (m_taken.empty() && !refill())
                break;
            std::list<Item> current;
            current.splice(current.end(), m_taken, m_taken.begin());
            giveBack(current.front());
            (*take)(current.front().mail);
            if (std::chrono::steady_clock::now() >= deadline)
                break;
        }
        m_isDraining = false;
        // A wake-up for mails that came meanwhile may have been eaten by a nested loop: ask again.
        const std::lock_guard lock(m_mutex);
        if (m_dispatcher != nullptr && (!m_taken.empty() || !m_waiting.empty()))
            m_dispatcher->wakeUp();
    }

    bool refill() {
        std::unordered_map<std::string, typename std::list<Item>::iterator> states; // freed outside the lock
        const std::lock_guard lock(m_mutex);
        m_taken.swap(m_waiting);
        m_states.swap(states);
        return !m_taken.empty();
    }

    const MailboxLimits m_limits;
    std::mutex m_mutex;
    std::list<Item> m_waiting; // under m_mutex
    std::unordered_map<std::string, typename std::list<Item>::iterator>
        m_states;                                     // under m_mutex: into m_waiting
    QAbstractEventDispatcher* m_dispatcher = nullptr; // under m_mutex
    bool m_isClosed = false;                          // under m_mutex
    std::atomic<std::size_t> m_trafficMessages{0};
    std::atomic<std::uint64_t> m_trafficBytes{0};
    std::atomic<std::size_t> m_handovers{0};
    std::atomic<std::uint64_t> m_refused{0};
    // The owner's alone:
    std::list<Item> m_taken;
    std::shared_ptr<const std::function<void(Mail&)>> m_take;
    QMetaObject::Connection m_awake;
    bool m_isDraining = false;
};

} // namespace server
