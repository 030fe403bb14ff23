// SPDX-License-Identifier: Apache-2.0
// The seam to the other nodes. An adapter lives on the bus thread and is called there only.
#pragma once
#include "server/core/message.h"
#include "shared/admin_protocol.h"
#include "shared/metrics.h"
#include <chrono>
#include <string>
#include <vector>

namespace server {

/// What an adapter tells its host, on the bus thread.
class AdapterHost {
public:
    virtual ~AdapterHost() = default;
    /// From another node or a foreign server; never our own echo.
    virtual void messageReceived(Message message) = 0;
    virtual void redisStateChanged(shared::admin::RedisState state) = 0;
    virtual void clusterChanged(std::vector<shared::admin::ClusterNode> nodes) = 0;
    /// Another living node has our id: this one must end.
    virtual void duplicateFound(std::string sentence) = 0;
    virtual void errorSeen(shared::ErrorKind kind, std::string sentence) = 0;
};

class Adapter {
public:
    virtual ~Adapter() = default;
    /// Begins to connect; reports by the host.
    virtual void start() = 0;
    /// To the other nodes, in the order of the calls. While Redis is away it waits in a bounded queue
    /// (drop oldest, counted) for at most queue_age_ms; what was written without an answer is never repeated.
    virtual void publish(MessagePtr message) = 0;
    /// What the registry should say of this node: now, and every 2 s until told anew.
    virtual void announce(const shared::admin::ClusterNode& row) = 0;
    /// Leaves the registry and closes the links; nothing is reported afterwards.
    virtual void stop() = 0;
};

} // namespace server
