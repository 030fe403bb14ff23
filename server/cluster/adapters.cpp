// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/adapters.h"
#include "server/cluster/memory_adapter.h"
#include "server/cluster/redis_adapter.h"

namespace server {

using shared::Result;

Result<void> checkAdapter(const Settings& settings) {
    if (settings.redis.url.empty())
        return {};
    if (settings.redis.mode != "pubsub")
        return shared::failure(shared::ErrorCode::Configuration,
                               "redis.mode = " + settings.redis.mode + ": only pubsub can be served yet");
    if (const auto address = RedisAddress::parse(settings.redis.url); !address)
        return tl::unexpected(address.error());
    return {};
}

Result<std::unique_ptr<Adapter>> makeAdapter(const Settings& settings, AdapterHost& host, Counters& counters,
                                             const Clock& clock) {
    if (settings.redis.url.empty())
        return std::make_unique<MemoryAdapter>(host);
    if (auto checked = checkAdapter(settings); !checked)
        return tl::unexpected(checked.error());
    auto address = RedisAddress::parse(settings.redis.url);
    address->caFile = settings.redis.tlsCa;
    return std::make_unique<RedisAdapter>(*address, settings, host, counters, clock);
}

} // namespace server
