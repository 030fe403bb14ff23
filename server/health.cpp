// SPDX-License-Identifier: Apache-2.0
#include "server/health.h"
#include <string>

namespace server {

using shared::admin::NodeState;
using shared::admin::RedisState;

namespace {
constexpr std::chrono::milliseconds Stall{5000};
} // namespace

Health judgeHealth(const Vitals& vitals) {
    Health health;
    health.connections = vitals.connections;
    health.capacity = vitals.capacity;
    health.memoryBytes = vitals.memoryBytes;
    health.uptime_s = vitals.uptime_s;
    health.redis = vitals.redis;

    for (std::size_t shard = 0; shard < vitals.ticks.size(); ++shard) {
        if (vitals.now - vitals.ticks[shard] <= Stall)
            continue;
        ++health.stalledShards;
        health.notReady.push_back("shard " + std::to_string(shard) + " has not moved for 5 s");
    }
    switch (vitals.state) {
    case NodeState::Starting:
        health.notReady.emplace_back("starting");
        break;
    case NodeState::Ready:
        break;
    case NodeState::Draining:
        health.notReady.emplace_back("draining");
        break;
    case NodeState::Drained:
        health.notReady.emplace_back("drained");
        break;
    }
    if (vitals.redis == RedisState::Away && vitals.isRedisRequired)
        health.notReady.emplace_back("Redis is away, and redis.required is set");
    if (vitals.isMemoryShort)
        health.notReady.emplace_back("the use of memory is above node.memory_percent");
    if (vitals.connections >= vitals.capacity && !vitals.doesReplace)
        health.notReady.emplace_back("at capacity");

    const bool isDraining = vitals.state == NodeState::Draining || vitals.state == NodeState::Drained;
    const bool isNearlyFull = vitals.connections * 10 >= vitals.capacity * 9;
    if (isDraining)
        health.state = HealthState::Draining;
    else if (isNearlyFull || health.stalledShards > 0 || vitals.redis == RedisState::Away)
        health.state = HealthState::Degraded;
    return health;
}

} // namespace server
