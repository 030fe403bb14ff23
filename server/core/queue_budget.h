// SPDX-License-Identifier: Apache-2.0
// What waits for all clients of the node, against limits.queue_bytes_total. One object per node; any thread
// (atomics): a shard reports at most once a turn of its loop.
#pragma once
#include "server/core/clock.h"
#include "shared/types.h"
#include <atomic>
#include <cstdint>
#include <limits>
#include <vector>

namespace server {

class QueueBudget {
public:
    QueueBudget(int shards, shared::Bytes limit) : m_shards(std::size_t(shards)) { setLimit(limit); }
    void setLimit(shared::Bytes limit) { m_limit.store(limit.count(), std::memory_order_relaxed); }
    /// What waits on one shard, and since when its longest stuck connection has been so (none: no time).
    void report(shared::ShardIndex shard, shared::Bytes queued, TimePoint stuckSince) {
        Slot& slot = m_shards[shard.value()];
        slot.bytes.store(queued.count(), std::memory_order_relaxed);
        slot.stuckSince.store(stuckSince == TimePoint() ? Never : stuckSince.time_since_epoch().count(),
                              std::memory_order_relaxed);
    }
    shared::Bytes total() const {
        std::uint64_t sum = 0;
        for (const Slot& slot : m_shards)
            sum += slot.bytes.load(std::memory_order_relaxed);
        return shared::Bytes(sum);
    }
    /// Too much waits, and nobody on another shard has been stuck for longer than this one's first.
    bool mustShed(shared::ShardIndex shard) const {
        if (total().count() <= m_limit.load(std::memory_order_relaxed))
            return false;
        const auto own = m_shards[shard.value()].stuckSince.load(std::memory_order_relaxed);
        for (const Slot& slot : m_shards)
            if (slot.stuckSince.load(std::memory_order_relaxed) < own)
                return false;
        return own != Never;
    }

private:
    static constexpr std::int64_t Never = std::numeric_limits<std::int64_t>::max();
    struct alignas(64) Slot { // a cache line each: shards write here all the time
        std::atomic<std::uint64_t> bytes{0};
        std::atomic<std::int64_t> stuckSince{Never};
    };
    std::vector<Slot> m_shards;
    std::atomic<std::uint64_t> m_limit{0};
};

} // namespace server
