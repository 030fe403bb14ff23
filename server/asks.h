// SPDX-License-Identifier: Apache-2.0
// Questions to all shards: numbered, limited in time, their answers put together. Main thread.
#pragma once
#include "server/core/clock.h"
#include "server/core/control.h"
#include "server/core/counters.h"
#include "server/core/listing.h"
#include "server/core/mail.h"
#include <functional>
#include <map>
#include <vector>

namespace server {

class Asks {
public:
    /// What all shards said, or those that did in time.
    struct Answers {
        std::vector<Answer> answers;
        bool isComplete = true;
    };
    using Whole = std::function<void(Answers)>;

    Asks(std::vector<ShardBox*> shards, Counters& counters, const Clock& clock);

    /// To every shard, or to one. `whole` is called once: with everything, or with what came within
    /// `patience`.
    void askAll(Question what, std::chrono::milliseconds patience, Whole whole);
    void askOne(ShardIndex shard, Question what, std::chrono::milliseconds patience, Whole whole);
    /// Each shard its own question; shards without one are left out.
    void askEach(std::vector<std::pair<ShardIndex, Question>> questions, std::chrono::milliseconds patience,
                 Whole whole);
    void answered(Answer answer);
    /// Ends what waited too long; call every 50 ms while isWaiting().
    void tick();
    bool isWaiting() const { return !m_pending.empty(); }
    bool isFull() const { return m_pending.size() >= MostPending; }

private:
    static constexpr std::size_t MostPending = 1024;
    struct Pending {
        std::size_t missing = 0;
        TimePoint until;
        Answers answers;
        Whole whole;
    };
    void finish(std::map<std::uint64_t, Pending>::iterator pending);

    std::vector<ShardBox*> m_shards;
    Counters& m_counters;
    const Clock& m_clock;
    std::uint64_t m_lastId = 0;
    std::map<std::uint64_t, Pending> m_pending;
};

/// Puts together what the shards remember, newest first.
shared::admin::ClosedAnswer mergeClosed(std::size_t limit, Asks::Answers answers);

/// Puts the shards' rooms together.
shared::admin::RoomsAnswer mergeRooms(const RoomOrder& order, Asks::Answers answers);

/// Merges the sorted pages of the shards into one page with its cursor.
shared::admin::ListAnswer mergePages(const ListOrder& order, int limit, Asks::Answers answers);

} // namespace server
