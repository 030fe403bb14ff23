// SPDX-License-Identifier: Apache-2.0
// The sessions of one shard, by their number and so by their age, and what main asks of them: a slice at a
// time. Shard thread.
#pragma once
#include "server/core/closed_ring.h"
#include "server/core/listing.h"
#include "server/core/mail.h"
#include "server/core/session.h"
#include <deque>
#include <map>
#include <memory>
#include <optional>

namespace server {

class Sessions {
public:
    /// `shards` of the node: each remembers its part of the connections that have gone.
    Sessions(ShardIndex shard, int shards, MainBox& main, Counters& counters, const Clock& clock);

    shared::ConnectionId nextId(); ///< never used before
    Session& add(std::unique_ptr<Session> session);
    /// It stays until buryEnded(): the caller may stand on its stack.
    void remove(const Session& session, shared::CloseReason reason);
    const ClosedRing& closed() const { return m_closed; }
    void buryEnded();
    std::size_t size() const { return m_open.size(); }
    void closeAll(shared::CloseReason reason);

    /// Answered to main, exactly once, when runSlice() has come to its end.
    void ask(Ask ask);
    /// Visits at most 1,000 sessions for the question in hand. False when no question waits.
    bool runSlice();

private:
    struct Job {
        Ask ask;
        Answer answer;
        TimePoint startedAt{};
        std::uint64_t next = 0; ///< the number to go on with
        bool hasBegun = false;
        std::optional<ListOrder> order;
    };
    void begin(Job& job, const ListAsk& ask);
    void begin(Job& job, const DetailsAsk& ask);
    void begin(Job& job, const EvictAsk& ask);
    void begin(Job& job, const DrainAsk& ask);
    void begin(Job& job, const RoomsAsk&) { job.next = m_lastNumber + 1; } // not asked of sessions
    void begin(Job& job, const RoomAsk&) { job.next = m_lastNumber + 1; }
    void begin(Job& job, const PublishAsk&) { job.next = m_lastNumber + 1; }
    void begin(Job& job, const ClosedAsk&) { job.next = m_lastNumber + 1; }
    void begin(Job& job, const SampleAsk& ask);
    void visit(Job& job, Session& session);
    void list(Job& job, const ListAsk& ask, const Session& session);
    void evict(Job& job, const EvictAsk& ask, Session& session);
    void drain(Job& job, const DrainAsk& ask, Session& session);
    void finish(Job& job);

    const ShardIndex m_shard;
    MainBox& m_main;
    Counters& m_counters;
    const Clock& m_clock;
    std::uint64_t m_lastNumber = 0;
    std::map<std::uint64_t, std::unique_ptr<Session>> m_open; ///< oldest first
    std::vector<std::unique_ptr<Session>> m_ended;
    std::map<std::uint64_t, std::string> m_endedBy; ///< operators, of those that have not gone yet
    ClosedRing m_closed;
    std::deque<Job> m_jobs;
};

} // namespace server
