// SPDX-License-Identifier: Apache-2.0
// What a node is made of, in the order in which it is made; destroyed the other way round. Main thread.
#pragma once
#include "server/admin/ops_server.h"
#include "server/asks.h"
#include "server/certificates.h"
#include "server/cluster/bus.h"
#include "server/core/access.h"
#include "server/core/admission.h"
#include "server/core/application.h"
#include "server/core/counters.h"
#include "server/core/queue_budget.h"
#include "server/core/router.h"
#include "server/net/acceptor.h"
#include "server/net/shard.h"
#include "server/node.h"
#include "server/process.h"
#include <QTimer>
#include <optional>

namespace server {

/// Who may use the admin channel.
struct Node::Operators {
    Tokens tokens;
    std::string source; ///< for the banner
};

struct Node::Parts {
    Parts(const Configuration& given, const Clock& withClock, Log& withLog, Node::Ended whenEnded)
        : configuration(given), settings(configuration.settings), clock(withClock), log(withLog),
          ended(std::move(whenEnded)) {}

    Configuration configuration;
    Settings& settings;                 ///< of the configuration; fixed once the threads have started
    std::unique_ptr<LiveSettings> live; ///< what main itself goes by: with what was changed since
    /// Called at each SIGHUP with the settings as they are then: what is read from other files, such as
    /// certificates, is read again.
    std::vector<std::function<void(const Settings&)>> reloaded;
    const Clock& clock;
    Log& log;
    Node::Ended ended;
    bool hasEnded = false, isStopping = false;

    std::string id, instance;
    Certificates certificates;
    std::string clientsAddress, opsAddress; ///< as others are told
    shared::admin::NodeState state = shared::admin::NodeState::Starting;
    TimePoint startedAt{};
    int shardCount = 1;
    std::int64_t descriptors = 0, residentBytes = 0;
    std::int64_t mostConnections = 0; ///< since memory was handed back

    // What threads share: outlives them all.
    std::unique_ptr<shared::MetricCatalog> catalog;
    std::unique_ptr<Counters> mainCounters, busCounters;
    std::vector<std::unique_ptr<Counters>> shardCounters;
    MainBox mainBox{{.trafficMessages = 65536, .handovers = 65536, .trafficBytes = shared::Bytes::mebi(256)}};
    std::unique_ptr<BusBox> busBox;
    std::vector<std::unique_ptr<ShardBox>> shardBoxes;
    std::unique_ptr<Admission> admission;
    std::unique_ptr<QueueBudget> queues;
    std::atomic<bool> isReady{false};
    std::unique_ptr<Access> access;
    std::unique_ptr<Application> application;
    std::unique_ptr<Router> router;

    // Threads.
    std::unique_ptr<BusThread> bus; ///< null for a node that stands alone
    std::vector<std::unique_ptr<ShardThread>> shards;
    std::unique_ptr<Acceptor> clientAcceptor, opsAcceptor;

    // Main's own.
    std::unique_ptr<Sampler> sampler;
    std::unique_ptr<Asks> asks;
    std::unique_ptr<Operations> operations;
    std::vector<TraceSpec> traces;
    std::uint64_t lastTrace = 0;
    std::optional<process::RunFile> tokenFile, addressFile;
    std::string localToken;  ///< the one in tokenFile
    std::string tokenSource; ///< for the banner
    std::unique_ptr<OpsServer> ops;
    std::vector<shared::admin::ClusterNode> registry; ///< as last read; empty when alone
    int beatCountdown = 0;
    TimePoint sampledAt{};
    QTimer secondTimer, sampleTimer, fastTimer;
};

} // namespace server
