// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/adapters.h"
#include "server/cluster/memory_adapter.h"

namespace server {

shared::Result<std::unique_ptr<Adapter>> makeAdapter(const Settings& settings, const std::string&,
                                                     AdapterHost& host, Counters&, const Clock&) {
    if (settings.redis.url.empty())
        return std::make_unique<MemoryAdapter>(host);
    return shared::failure(shared::ErrorCode::Configuration, "redis.url cannot be served yet");
}

} // namespace server
