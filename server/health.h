// SPDX-License-Identifier: Apache-2.0
// How well the node is, from plain figures. Main thread.
#pragma once
#include "server/core/control.h"
#include <chrono>
#include <span>

namespace server {

struct Vitals {
    shared::admin::NodeState state = shared::admin::NodeState::Starting;
    std::int64_t connections = 0, capacity = 0, memoryBytes = 0, uptime_s = 0;
    shared::admin::RedisState redis = shared::admin::RedisState::None;
    bool isRedisRequired = false;
    bool doesReplace = false;                         ///< a full node still takes newcomers (evict-oldest)
    bool isMemoryShort = false;                       ///< and refuses newcomers
    std::chrono::milliseconds now{0};                 ///< steady clock
    std::span<const std::chrono::milliseconds> ticks; ///< when each shard last ticked, same clock
};

/// Draining goes before degraded; degraded from 90 % of capacity, with Redis away, or when a shard stands
/// still.
Health judgeHealth(const Vitals& vitals);

} // namespace server
