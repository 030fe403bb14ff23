// SPDX-License-Identifier: Apache-2.0
// What main asks of the connections that have gone: a block of them at a time. Shard thread.
#pragma once
#include "server/core/clock.h"
#include "server/core/closed_ring.h"
#include "server/core/counters.h"
#include "server/core/mail.h"
#include <deque>

namespace server {

class ClosedQuestions {
public:
    ClosedQuestions(const ClosedRing& ring, MainBox& main, Counters& counters, const Clock& clock);
    /// Answered to main, exactly once, when runSlice() has come to its end.
    void ask(std::uint64_t id, ClosedAsk ask);
    /// Reads one block for the question in hand. False when no question waits.
    bool runSlice();

private:
    struct Job {
        ClosedAsk ask;
        Answer answer;
        TimePoint startedAt{};
        std::uint64_t next = 0; ///< the block to read
    };
    void gather(Job& job, const shared::admin::ClosedRow& row) const;

    const ClosedRing& m_ring;
    MainBox& m_main;
    Counters& m_counters;
    const Clock& m_clock;
    std::deque<Job> m_jobs;
};

} // namespace server
