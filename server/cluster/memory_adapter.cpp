// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/memory_adapter.h"

namespace server {

void MemoryAdapter::start() {
    m_host.redisStateChanged(shared::admin::RedisState::None);
}

void MemoryAdapter::publish(MessagePtr) {}

void MemoryAdapter::announce(const shared::admin::ClusterNode& row) {
    if (!m_isStopped)
        m_host.clusterChanged({row});
}

void MemoryAdapter::stop() {
    m_isStopped = true;
}

} // namespace server
