// SPDX-License-Identifier: Apache-2.0
// One worker thread's world: its event loop, front door, sessions, rooms and wheel. Made and run on its own
// thread.
#pragma once
#include "server/core/admission.h"
#include "server/core/application.h"
#include "server/core/mail.h"
#include "server/core/queue_budget.h"
#include "server/core/router.h"
#include "server/core/settings.h"
#include "server/core/tls_identity.h"
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace server {

/// What all shards share: made before them, outlives them. Any thread.
struct ShardWorld {
    const Settings& settings; ///< as the node started; a shard goes on from them with a copy of its own
    std::string node;         ///< our id
    const Access& access;
    Application& application;
    Router& router;
    Admission& admission;
    QueueBudget& queues;
    const Clock& clock;
    MainBox& main;
    std::atomic<bool>& isReady; ///< what /ready of the client listener says
    int shards = 1;             ///< of the node
    TlsIdentityPtr identity{};  ///< null: the client listener is plain
};

/// A shard in its thread. start() and stop() on main.
class ShardThread {
public:
    ShardThread(ShardIndex index, ShardWorld world, ShardBox& box, Counters& counters);
    ~ShardThread();
    ShardThread(const ShardThread&) = delete;
    ShardThread& operator=(const ShardThread&) = delete;
    void start();
    /// Posts StopShard and joins.
    void stop();
    /// A socket was posted to it: it counts in load() before the shard has seen it. Main.
    void expectArrival();
    std::int64_t load() const; ///< open sessions and heads: the acceptor takes the least loaded

private:
    struct Inner;
    std::unique_ptr<Inner> m_inner;
};

} // namespace server
