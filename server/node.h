// SPDX-License-Identifier: Apache-2.0
// The composition root: makes and joins the parts of one node, and carries out what operators ask. Main
// thread.
#pragma once
#include "server/config.h"
#include "server/core/clock.h"
#include "server/core/control.h"
#include "server/core/mail.h"
#include "server/core/operations.h"
#include "server/live_settings.h"
#include "server/log.h"
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace server {

/// Why a node cannot start, or had to end: what the process answers, and a sentence for people.
struct NodeFailure {
    int exitCode = 70;
    std::string sentence;
};

class Node final : public Control, private OperationsHost {
public:
    /// Called once, when the node has nothing more to do.
    using Ended = std::function<void(NodeFailure)>;
    /// Binds, starts the threads and serves as soon as the event loop runs. `clock` and `log` outlive it.
    static tl::expected<std::unique_ptr<Node>, NodeFailure> create(const Configuration& configuration,
                                                                   const Clock& clock, Log& log, Ended ended);
    ~Node() override;
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    /// What the node says at its start: version, addresses, files, and what is open.
    std::vector<std::string> banner() const;
    /// As they are now; the reference holds for the node's life.
    const Settings& settings() const;
    /// SIGTERM or SIGINT: the first drains and ends, the second ends now.
    void stopAsked();
    /// SIGHUP: what file and environment say now. A mistake refuses the whole, and what was stays.
    void reload(const shared::Result<Configuration>& read);

    // Control
    shared::admin::NodeInfo node() const override;
    Health health() const override;
    void connections(const shared::admin::ListRequest& request,
                     Done<shared::admin::ListAnswer> done) override;
    void connection(shared::ConnectionId id, Done<shared::admin::ConnectionDetails> done) override;
    void evict(const shared::admin::EvictRequest& request, const Operator& by,
               Done<shared::admin::EvictAnswer> done) override;
    void closed(const shared::admin::ClosedRequest& request, Done<shared::admin::ClosedAnswer> done) override;
    void sample(shared::ConnectionId id, Done<shared::admin::ConnectionSample> done) override;
    shared::Result<std::uint64_t> startTrace(const shared::admin::TraceRequest& request) override;
    void stopTrace(std::uint64_t trace) override;
    void rooms(const shared::admin::RoomsRequest& request, Done<shared::admin::RoomsAnswer> done) override;
    void room(const shared::admin::RoomRequest& request, Done<shared::admin::RoomRow> done) override;
    void publish(const shared::admin::PublishRequest& request,
                 Done<shared::admin::PublishAnswer> done) override;
    shared::Result<shared::OperationId> drain(const shared::admin::DrainRequest& request,
                                              const Operator& by) override;
    shared::Result<void> resume(const Operator& by) override;
    std::vector<shared::admin::OperationRow> operations() const override;
    shared::Result<void> abort(shared::OperationId id, const Operator& by) override;
    std::vector<shared::admin::ClusterNode> cluster() const override;
    std::vector<shared::admin::ConfigRow> configuration() const override;
    shared::Result<void> configure(const shared::admin::ConfigChange& change) override;

private:
    // OperationsHost
    int shards() const override;
    std::int64_t load(ShardIndex shard) const override;
    std::int64_t left() const override;
    void drainSome(shared::OperationId operation, ShardIndex shard, std::int64_t count,
                   std::chrono::milliseconds spread) override;
    void evictSome(shared::OperationId operation, ShardIndex shard, const std::vector<std::uint64_t>& numbers,
                   std::shared_ptr<const shared::Filter> filter, std::int64_t count,
                   bool mayReconnect) override;
    void operationChanged(const shared::admin::OperationRow& row) override;
    void drained() override;

    struct Parts; ///< what the node is made of, in the order in which it is made
    explicit Node(std::unique_ptr<Parts> parts);
    tl::expected<void, NodeFailure> start();
    tl::expected<void, NodeFailure> bind();
    tl::expected<void, NodeFailure> openOps();
    void showCertificates(); ///< to those who connect from now on
    void take(MainMail& mail);
    void admit(bool isOpen);
    void updateReadiness();
    void announce();
    void tickSecond();
    void watchMemory();
    void returnMemory();
    void tickSample();
    void tickFast();
    void keepTicking();
    void end(NodeFailure why);
    shared::admin::ClusterNode ownRow() const;
    void tellTraces();
    std::string whoRuns(shared::OperationId operation) const;
    struct Operators;
    shared::Result<Operators> readOperators(const Settings& settings) const;
    shared::Result<Operators> newOperators(const Settings& settings) const;
    void takeOver(LiveSettings::Reload reload, Operators operators);

    std::unique_ptr<Parts> m_parts;
};

} // namespace server
