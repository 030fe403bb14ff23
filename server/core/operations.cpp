// SPDX-License-Identifier: Apache-2.0
#include "server/core/operations.h"
#include <algorithm>
#include <cmath>
#include <numeric>

namespace server {

using shared::ErrorCode;
using shared::failure;
using shared::OperationId;
using shared::Result;
using shared::admin::OperationRow;
using shared::admin::OperationState;
using std::chrono::milliseconds;

namespace {

constexpr std::size_t MostRunning = 101, MostEnded = 100;
constexpr milliseconds Step{50};            ///< the rate is dealt out in portions of this
constexpr milliseconds AnswerTimeout{2000}; ///< a shard that stays silent longer is asked again
constexpr milliseconds RestRepeat{500};
constexpr milliseconds RestPatience{15000}; ///< past the deadline; closing a connection takes at most 1 s
constexpr milliseconds HintAtRate{1000}, HintAtRest{5000};
constexpr double LeastRate = 100;

double secondsOf(TimePoint::duration duration) {
    return std::chrono::duration<double>(duration).count();
}

} // namespace

struct Operations::Operation {
    OperationId id;
    std::string kind, by;
    OperationState state = OperationState::Running;
    std::int64_t started_ms = 0;
    std::int64_t done = 0, total = 0, asked = 0;
    double ratePerSecond = 0;
    TimePoint closesFrom{}, endsAt{}, restAskedAt{}, changedAt{};
    std::int64_t toldDone = 0;
    Phase phase = Phase::Grace;
    /// When the open question was put to each shard; one at a time, so that a slow shard is not flooded.
    std::vector<std::optional<TimePoint>> openSince;
    std::vector<std::int64_t> openCount; ///< what it asks for
    // Evictions only.
    bool mayReconnect = false;
    std::shared_ptr<const shared::Filter> filter;
    std::vector<std::vector<std::uint64_t>> numbers; ///< of each shard, still to be closed
    std::vector<bool> isExhausted;

    bool isOpen(std::size_t shard, TimePoint now) const {
        return openSince[shard] && now - *openSince[shard] < AnswerTimeout;
    }
    /// How many more the rate allows by now.
    std::int64_t allowance(TimePoint now) const {
        const double since = secondsOf(now - closesFrom + Step);
        return std::max<std::int64_t>(0, std::int64_t(std::ceil(ratePerSecond * since - 1e-6)) - asked);
    }
};

Operations::Operations(OperationsHost& host, const Clock& clock) : m_host(host), m_clock(clock) {}
Operations::~Operations() = default;

bool Operations::isDraining() const {
    return std::any_of(m_running.begin(), m_running.end(), [](const auto& each) {
        return each->kind == "drain" && each->state == OperationState::Running;
    });
}

Result<OperationId> Operations::drain(DrainPlan plan) {
    if (isDraining())
        return failure(ErrorCode::Busy, "a drain is already running");
    auto operation = std::make_unique<Operation>();
    const auto now = m_clock.now();
    operation->id = OperationId(++m_lastId);
    operation->kind = "drain";
    operation->by = std::move(plan.by);
    operation->started_ms = m_clock.unixMs();
    operation->total = m_host.left();
    operation->changedAt = now;
    operation->closesFrom = now + plan.grace;
    operation->endsAt = operation->closesFrom + plan.deadline;
    const double needed = double(operation->total) / (0.8 * std::max(0.001, secondsOf(plan.deadline)));
    operation->ratePerSecond =
        plan.ratePerSecond > 0 ? plan.ratePerSecond : std::max(LeastRate, std::ceil(needed));
    operation->openSince.resize(std::size_t(m_host.shards()));
    const auto id = operation->id;
    m_running.push_back(std::move(operation));
    m_host.operationChanged(row(*m_running.back()));
    tick();
    return id;
}

Result<OperationId> Operations::evict(EvictPlan plan) {
    if (m_running.size() >= MostRunning)
        return failure(ErrorCode::Busy, "too many operations are running");
    auto operation = std::make_unique<Operation>();
    const auto shards = std::size_t(m_host.shards());
    operation->id = OperationId(++m_lastId);
    operation->kind = "evict";
    operation->by = std::move(plan.by);
    operation->started_ms = m_clock.unixMs();
    operation->total = plan.ids.empty() ? plan.matched : std::int64_t(plan.ids.size());
    operation->changedAt = operation->closesFrom = m_clock.now();
    operation->endsAt = TimePoint::max();
    operation->ratePerSecond = plan.ratePerSecond;
    operation->mayReconnect = plan.mayReconnect;
    operation->filter = std::move(plan.filter);
    operation->openSince.resize(shards);
    operation->openCount.assign(shards, 0);
    operation->numbers.resize(shards);
    operation->isExhausted.assign(shards, false);
    for (const auto& id : plan.ids)
        if (id.shard < shards)
            operation->numbers[id.shard].push_back(id.number);
    const auto id = operation->id;
    m_running.push_back(std::move(operation));
    m_host.operationChanged(row(*m_running.back()));
    tick();
    return id;
}

Result<void> Operations::abort(OperationId id) {
    auto* operation = find(id);
    if (operation == nullptr || operation->state != OperationState::Running) {
        const bool isKnown =
            operation != nullptr || std::any_of(m_ended.begin(), m_ended.end(),
                                                [&](const auto& each) { return each.id == id.value(); });
        return isKnown ? failure(ErrorCode::Busy, "this operation has already ended")
                       : failure(ErrorCode::NotFound, "there is no operation of this id");
    }
    finish(*operation, OperationState::Aborted);
    removeEnded();
    return {};
}

void Operations::abortDrain() {
    for (auto& operation : m_running)
        if (operation->kind == "drain" && operation->state == OperationState::Running)
            finish(*operation, OperationState::Aborted);
    removeEnded();
}

void Operations::tick() {
    // By index: a host that answers at once may not add operations, but the vector must not be held by
    // iterators.
    for (std::size_t i = 0; i < m_running.size(); ++i) {
        auto& operation = *m_running[i];
        if (operation.state != OperationState::Running)
            continue;
        if (operation.kind == "drain")
            tickDrain(operation);
        else
            tickEvict(operation);
        const auto now = m_clock.now();
        if (operation.state == OperationState::Running && operation.done != operation.toldDone &&
            now - operation.changedAt >= milliseconds(200)) {
            operation.toldDone = operation.done;
            operation.changedAt = now;
            m_host.operationChanged(row(operation));
        }
    }
    removeEnded();
}

void Operations::tickDrain(Operation& operation) {
    const auto now = m_clock.now();
    const auto left = m_host.left();
    operation.total = std::max(operation.total, left); // handshakes that were under way at the start
    operation.done = operation.total - left;
    if (left == 0) {
        finish(operation, OperationState::Done);
        m_host.drained();
        return;
    }
    if (operation.phase == Phase::Grace && now >= operation.closesFrom)
        operation.phase = Phase::AtRate;
    if (operation.phase == Phase::AtRate && now >= operation.endsAt)
        operation.phase = Phase::Rest;
    switch (operation.phase) {
    case Phase::Grace:
        return;
    case Phase::AtRate:
        spreadDrain(operation, std::min(operation.allowance(now), left), HintAtRate);
        return;
    case Phase::Rest:
        if (now >= operation.endsAt + RestPatience) {
            finish(operation, OperationState::Failed);
        } else if (now - operation.restAskedAt >= RestRepeat) {
            operation.restAskedAt = now;
            for (int shard = 0; shard < m_host.shards(); ++shard)
                m_host.drainSome(operation.id, ShardIndex(std::uint16_t(shard)), left, HintAtRest);
        }
        return;
    }
}

void Operations::spreadDrain(Operation& operation, std::int64_t count, milliseconds hint) {
    const auto now = m_clock.now();
    std::vector<std::pair<std::int64_t, std::size_t>> free; // load and shard
    std::int64_t sum = 0;
    for (std::size_t shard = 0; shard < operation.openSince.size(); ++shard) {
        if (operation.isOpen(shard, now))
            continue;
        const auto load = m_host.load(ShardIndex(std::uint16_t(shard)));
        if (load > 0) {
            free.emplace_back(load, shard);
            sum += load;
        }
    }
    if (sum == 0 || count == 0)
        return;
    std::sort(free.begin(), free.end(), std::greater<>()); // the rounding favours the fullest
    std::int64_t remaining = std::min(count, sum);
    for (const auto& [load, shard] : free) {
        const auto exact = double(load) * double(count) / double(sum);
        const auto share = std::min({load, remaining, std::int64_t(std::ceil(exact - 1e-9))});
        if (share == 0)
            continue;
        remaining -= share;
        operation.asked += share;
        operation.openSince[shard] = now;
        m_host.drainSome(operation.id, ShardIndex(std::uint16_t(shard)), share, hint);
    }
}

void Operations::tickEvict(Operation& operation) {
    const auto now = m_clock.now();
    const auto shards = operation.openSince.size();
    if (operation.done >= operation.total ||
        std::all_of(operation.isExhausted.begin(), operation.isExhausted.end(), [](bool is) { return is; })) {
        finish(operation, OperationState::Done);
        return;
    }
    for (std::size_t shard = 0; shard < shards; ++shard)
        if (operation.openSince[shard] && !operation.isOpen(shard, now)) { // no answer came: ask again
            operation.openSince[shard].reset();
            if (operation.filter != nullptr)
                operation.asked -= operation.openCount[shard];
        }
    auto allowed = std::min(operation.allowance(now), operation.total - operation.asked);
    for (std::size_t shard = 0; shard < shards && allowed > 0; ++shard) {
        if (operation.isExhausted[shard] || operation.isOpen(shard, now))
            continue;
        std::vector<std::uint64_t> numbers;
        std::int64_t count = allowed;
        if (operation.filter == nullptr) {
            auto& waiting = operation.numbers[shard];
            if (waiting.empty()) {
                operation.isExhausted[shard] = true;
                continue;
            }
            count = std::min(allowed, std::int64_t(waiting.size()));
            numbers.assign(waiting.end() - count, waiting.end());
            waiting.resize(waiting.size() - std::size_t(count));
        } else {
            // A filter's matches are spread over the shards: each gets its share, and what one lacks goes to
            // others.
            const auto open = std::count(operation.isExhausted.begin(), operation.isExhausted.end(), false);
            count = std::max<std::int64_t>(1, allowed / std::max<std::int64_t>(1, open));
        }
        allowed -= count;
        operation.asked += count;
        operation.openSince[shard] = now;
        operation.openCount[shard] = count;
        m_host.evictSome(operation.id, ShardIndex(std::uint16_t(shard)), numbers, operation.filter, count,
                         operation.mayReconnect);
    }
}

void Operations::answered(OperationId id, ShardIndex shard, std::int64_t closed) {
    auto* operation = find(id);
    if (operation == nullptr || shard.value() >= operation->openSince.size())
        return;
    operation->openSince[shard.value()].reset();
    if (operation->kind != "evict")
        return;
    operation->done += closed;
    if (operation->filter != nullptr) {
        if (closed == 0)
            operation->isExhausted[shard.value()] = true;
        // What was asked for in vain may be asked of another shard.
        operation->asked -= std::max<std::int64_t>(0, operation->openCount[shard.value()] - closed);
    } else if (operation->numbers[shard.value()].empty()) {
        operation->isExhausted[shard.value()] = true;
    }
}

void Operations::finish(Operation& operation, OperationState state) {
    operation.state = state;
    m_host.operationChanged(row(operation));
}

void Operations::removeEnded() {
    for (auto& operation : m_running) {
        if (operation->state == OperationState::Running)
            continue;
        m_ended.push_back(row(*operation));
        if (m_ended.size() > MostEnded)
            m_ended.pop_front();
    }
    std::erase_if(m_running, [](const auto& each) { return each->state != OperationState::Running; });
}

Operations::Operation* Operations::find(OperationId id) {
    for (auto& operation : m_running)
        if (operation->id == id)
            return operation.get();
    return nullptr;
}

OperationRow Operations::row(const Operation& operation) const {
    OperationRow row;
    row.id = operation.id.value();
    row.kind = operation.kind;
    row.by = operation.by;
    row.state = operation.state;
    row.started_ms = operation.started_ms;
    row.done = operation.done;
    row.total = operation.total;
    row.rate_per_s = operation.ratePerSecond;
    row.untracked = operation.done; // where they went is not followed: nothing is claimed
    if (operation.state == OperationState::Running && operation.ratePerSecond > 0) {
        const auto now = m_clock.now();
        double eta = double(operation.total - operation.done) / operation.ratePerSecond;
        if (operation.closesFrom > now)
            eta += secondsOf(operation.closesFrom - now);
        if (operation.endsAt != TimePoint::max()) // the deadline ends it in any case
            eta = std::min(eta, std::max(0.0, secondsOf(operation.endsAt - now)) + 1);
        row.eta_s = eta;
    }
    return row;
}

std::vector<OperationRow> Operations::rows() const {
    std::vector<OperationRow> rows;
    for (auto it = m_running.rbegin(); it != m_running.rend(); ++it)
        rows.push_back(row(**it));
    rows.insert(rows.end(), m_ended.rbegin(), m_ended.rend());
    return rows;
}

} // namespace server
