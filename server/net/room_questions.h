// SPDX-License-Identifier: Apache-2.0
// What main asks of a shard's rooms: walked a slice at a time. Shard thread.
#pragma once
#include "server/core/mail.h"
#include "server/core/rooms.h"
#include "server/core/router.h"
#include <deque>

namespace server {

class RoomQuestions {
public:
    RoomQuestions(ShardIndex shard, const Rooms& rooms, Router& router, Stamper& stamper, MainBox& main,
                  Counters& counters, const Clock& clock);
    /// Answered to main, exactly once: a list when runSlice() has come to its end, the others at once.
    void ask(std::uint64_t id, RoomsAsk ask);
    void ask(std::uint64_t id, const RoomAsk& ask);
    void ask(std::uint64_t id, const PublishAsk& ask);
    /// Visits at most 1,000 rooms for the question in hand. False when no question waits.
    bool runSlice();

private:
    struct Job {
        RoomsAsk ask;
        Answer answer;
        TimePoint startedAt{};
        std::size_t next = Rooms::AllRooms;
    };
    Answer answerTo(std::uint64_t id) const;
    void gather(Job& job, const LocalRoom& room) const;

    const ShardIndex m_shard;
    const Rooms& m_rooms;
    Router& m_router;
    Stamper& m_stamper;
    MainBox& m_main;
    Counters& m_counters;
    const Clock& m_clock;
    std::deque<Job> m_jobs;
};

} // namespace server
