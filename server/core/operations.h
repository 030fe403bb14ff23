// SPDX-License-Identifier: Apache-2.0
// Drains and evictions at a rate: a state machine over time and answers, without I/O. Main thread.
#pragma once
#include "server/core/clock.h"
#include "server/core/message.h"
#include "shared/admin_protocol.h"
#include "shared/filter.h"
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace server {

/// What operations need of their node.
class OperationsHost {
public:
    virtual ~OperationsHost() = default;
    virtual int shards() const = 0;
    /// How many clients a shard holds, as far as main knows: only proportions follow from it.
    virtual std::int64_t load(ShardIndex shard) const = 0;
    /// Clients of the whole node that are not gone yet.
    virtual std::int64_t left() const = 0;
    /// Each of these is answered by one Operations::answered(), at once or later.
    virtual void drainSome(shared::OperationId operation, ShardIndex shard, std::int64_t count,
                           std::chrono::milliseconds spread) = 0;
    virtual void evictSome(shared::OperationId operation, ShardIndex shard,
                           const std::vector<std::uint64_t>& numbers,
                           std::shared_ptr<const shared::Filter> filter, std::int64_t count,
                           bool mayReconnect) = 0;
    /// A row moved on: progress is told to consoles.
    virtual void operationChanged(const shared::admin::OperationRow& row) = 0;
    /// The last client of a drain has left.
    virtual void drained() = 0;
};

struct DrainPlan {
    std::string by;
    double ratePerSecond = 0;                            ///< 0: clients ÷ (0.8 × deadline), at least 100
    std::chrono::milliseconds grace{0}, deadline{30000}; ///< the deadline counts from the end of the grace
};
struct EvictPlan {
    std::string by;
    double ratePerSecond = 0; ///< above 0
    bool mayReconnect = false;
    std::vector<shared::ConnectionId> ids;        ///< or, when empty:
    std::shared_ptr<const shared::Filter> filter; ///< everybody it matches,
    std::int64_t matched = 0;                     ///< at most so many
};

class Operations {
public:
    Operations(OperationsHost& host, const Clock& clock);
    ~Operations();
    Operations(const Operations&) = delete;
    Operations& operator=(const Operations&) = delete;

    /// Busy while another drain runs.
    shared::Result<shared::OperationId> drain(DrainPlan plan);
    /// Busy when 100 evictions run already.
    shared::Result<shared::OperationId> evict(EvictPlan plan);
    /// NotFound, or Busy when it has ended already.
    shared::Result<void> abort(shared::OperationId id);
    /// The running drain, if any, stays as aborted.
    void abortDrain();

    /// Carries on whatever runs; call every 50 ms while isActive().
    void tick();
    void answered(shared::OperationId id, ShardIndex shard, std::int64_t closed);
    bool isActive() const { return !m_running.empty(); }
    bool isDraining() const;
    /// Newest first; the last 100 that ended are kept.
    std::vector<shared::admin::OperationRow> rows() const;

private:
    struct Operation;
    enum class Phase : std::uint8_t { Grace, AtRate, Rest };
    void tickDrain(Operation& operation);
    void tickEvict(Operation& operation);
    void spreadDrain(Operation& operation, std::int64_t count, std::chrono::milliseconds hint);
    void finish(Operation& operation, shared::admin::OperationState state);
    void removeEnded();
    Operation* find(shared::OperationId id);
    shared::admin::OperationRow row(const Operation& operation) const;

    OperationsHost& m_host;
    const Clock& m_clock;
    std::uint64_t m_lastId = 0;
    std::vector<std::unique_ptr<Operation>> m_running;
    std::deque<shared::admin::OperationRow> m_ended; ///< newest last
};

} // namespace server
