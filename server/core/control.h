// SPDX-License-Identifier: Apache-2.0
// The acts that an operator has on a node; admin commands call it, the node implements it. Main thread.
#pragma once
#include "shared/admin_protocol.h"
#include "shared/result.h"
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace server {

/// Who acts, for the audit.
struct Operator {
    std::string name; ///< the token's name
    std::string from; ///< address and port
    shared::admin::Role role = shared::admin::Role::Viewer;
};

enum class HealthState : std::uint8_t { Healthy, Degraded, Draining };
struct Health {
    HealthState state = HealthState::Healthy;
    std::vector<std::string> notReady; ///< reasons of /ready; empty: ready
    std::int64_t connections = 0, capacity = 0, memoryBytes = 0, uptime_s = 0;
    shared::admin::RedisState redis = shared::admin::RedisState::None;
    int stalledShards = 0; ///< that have not ticked for 5 s
};

/// Called exactly once, on main, at once or later.
template <class T>
using Done = std::function<void(shared::Result<T>)>;

class Control {
public:
    virtual ~Control() = default;
    virtual shared::admin::NodeInfo node() const = 0;
    virtual Health health() const = 0;
    virtual void connections(const shared::admin::ListRequest& request,
                             Done<shared::admin::ListAnswer> done) = 0;
    virtual void connection(shared::ConnectionId id, Done<shared::admin::ConnectionDetails> done) = 0;
    virtual void evict(const shared::admin::EvictRequest& request, const Operator& by,
                       Done<shared::admin::EvictAnswer> done) = 0;
    virtual void closed(const shared::admin::ClosedRequest& request,
                        Done<shared::admin::ClosedAnswer> done) = 0;
    /// One connection as it is now, without rates; its last word when it has gone.
    virtual void sample(shared::ConnectionId id, Done<shared::admin::ConnectionSample> done) = 0;
    /// What connections of this filter say and hear, told by whoever implements it; Busy when 8 run already.
    virtual shared::Result<std::uint64_t> startTrace(const shared::admin::TraceRequest& request) = 0;
    virtual void stopTrace(std::uint64_t trace) = 0;
    virtual void rooms(const shared::admin::RoomsRequest& request, Done<shared::admin::RoomsAnswer> done) = 0;
    virtual void room(const shared::admin::RoomRequest& request, Done<shared::admin::RoomRow> done) = 0;
    virtual void publish(const shared::admin::PublishRequest& request,
                         Done<shared::admin::PublishAnswer> done) = 0;
    /// /ready is 503 and handshakes are refused before this returns.
    virtual shared::Result<shared::OperationId> drain(const shared::admin::DrainRequest& request,
                                                      const Operator& by) = 0;
    virtual shared::Result<void> resume(const Operator& by) = 0;
    virtual std::vector<shared::admin::OperationRow> operations() const = 0;
    virtual shared::Result<void> abort(shared::OperationId id, const Operator& by) = 0;
    virtual std::vector<shared::admin::ClusterNode> cluster() const = 0;
    /// Every setting as it is now.
    virtual std::vector<shared::admin::ConfigRow> configuration() const = 0;
    /// Until the node restarts; the error says what is allowed.
    virtual shared::Result<void> configure(const shared::admin::ConfigChange& change) = 0;
};

} // namespace server
