// SPDX-License-Identifier: Apache-2.0
// The adapter of a node that runs alone: nobody to publish to, and a cluster of one. Bus thread.
#pragma once
#include "server/core/adapter.h"

namespace server {

class MemoryAdapter final : public Adapter {
public:
    explicit MemoryAdapter(AdapterHost& host) : m_host(host) {}
    void start() override;
    void publish(MessagePtr message) override;
    void announce(const shared::admin::ClusterNode& row) override;
    void stop() override;

private:
    AdapterHost& m_host;
    bool m_isStopped = false;
};

} // namespace server
