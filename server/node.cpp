// SPDX-License-Identifier: Apache-2.0
#include "server/node.h"
#include "server/health.h"
#include "server/node_parts.h"
#include "weir_version.h"
#include <algorithm>
#include <cmath>
#include <spdlog/spdlog.h>

namespace server {

using shared::ErrorCode;
using shared::failure;
using shared::Metric;
using shared::OperationId;
using shared::Result;
using namespace shared::admin;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds ListPatience{150}, ActPatience{2000};
constexpr std::size_t SampleRows = 20;
constexpr int BeatEverySeconds = 2;
/// Of connections: fewer leave no holes worth the search.
constexpr std::int64_t LeastFall = 1000;

milliseconds fromSeconds(double value) {
    return milliseconds(std::int64_t(std::llround(value * 1000)));
}

} // namespace

Node::~Node() {
    auto& parts = *m_parts;
    parts.secondTimer.stop();
    parts.sampleTimer.stop();
    parts.fastTimer.stop();
    if (parts.clientAcceptor)
        parts.clientAcceptor->stop();
    if (parts.opsAcceptor)
        parts.opsAcceptor->stop();
    parts.ops.reset();
    for (auto& shard : parts.shards)
        shard->stop();
    if (parts.bus)
        parts.bus->stop(); // after the shards: their last publishes still go out
    parts.mainBox.detach();
}

void Node::take(MainMail& mail) {
    auto& parts = *m_parts;
    if (auto* answer = std::get_if<Answer>(&mail)) {
        parts.asks->answered(std::move(*answer));
    } else if (auto* cluster = std::get_if<ClusterMail>(&mail)) {
        parts.registry = std::move(cluster->nodes);
    } else if (const auto* traced = std::get_if<TracedMail>(&mail)) {
        for (const auto& trace : traced->traces)
            parts.ops->traced(trace);
    } else if (const auto* duplicate = std::get_if<DuplicateMail>(&mail)) {
        end({69, duplicate->sentence});
    }
}

// What operators ask
// ---------------------------------------------------------------------------------------------

NodeInfo Node::node() const {
    const auto& parts = *m_parts;
    const auto& settings = parts.live->settings();
    NodeInfo node;
    node.id = parts.id;
    node.version = shared::Version;
    node.state = parts.state;
    node.uptime_s = health().uptime_s;
    for (const auto& address : parts.clientAcceptor->addresses())
        node.addresses.emplace_back("clients", address);
    for (const auto& address : parts.opsAcceptor->addresses())
        node.addresses.emplace_back("ops", address);
    node.limits = {{"max_connections", settings.node.maxConnections},
                   {"message_bytes", std::int64_t(settings.limits.message.count())},
                   {"queue_bytes", std::int64_t(settings.limits.queue.count())},
                   {"rooms_per_session", settings.limits.roomsPerSession},
                   {"handshakes_open", settings.limits.handshakesOpen}};
    node.shards = parts.shardCount;
    node.redis = parts.router->redis;
    return node;
}

Health Node::health() const {
    const auto& parts = *m_parts;
    const auto now = parts.clock.now();
    std::vector<milliseconds> ticks;
    for (const auto& counters : parts.shardCounters) {
        const auto ticked = counters->tickedAt_ms.load(std::memory_order_relaxed);
        ticks.push_back(ticked > 0
                            ? milliseconds(ticked)
                            : std::chrono::duration_cast<milliseconds>(parts.startedAt.time_since_epoch()));
    }
    Vitals vitals;
    vitals.state = parts.state;
    vitals.connections = parts.admission->count();
    vitals.capacity = parts.admission->capacity();
    vitals.doesReplace = parts.settings.node.atCapacity == AtCapacity::EvictOldest;
    vitals.isMemoryShort = parts.admission->isMemoryShort();
    vitals.memoryBytes = parts.residentBytes;
    vitals.uptime_s = std::chrono::duration_cast<seconds>(now - parts.startedAt).count();
    vitals.redis = parts.router->redis;
    vitals.isRedisRequired = parts.live->settings().redis.required;
    vitals.now = std::chrono::duration_cast<milliseconds>(now.time_since_epoch());
    vitals.ticks = ticks;
    return judgeHealth(vitals);
}

void Node::connections(const ListRequest& request, Done<ListAnswer> done) {
    auto& parts = *m_parts;
    auto filter = shared::Filter::parse(request.filter);
    if (!filter)
        return done(tl::unexpected(filter.error()));
    auto order = ListOrder::create(request.sort, request.descending, request.cursor);
    if (!order)
        return done(tl::unexpected(order.error()));
    if (parts.asks->isFull())
        return done(failure(ErrorCode::Busy, "too many questions are under way"));
    ListAsk ask;
    ask.filter = std::make_shared<const shared::Filter>(std::move(*filter));
    ask.sort = request.sort;
    ask.descending = request.descending;
    ask.cursor = request.cursor;
    ask.limit = request.limit;
    parts.asks->askAll(std::move(ask), ListPatience,
                       [done = std::move(done), order = *order, limit = request.limit](
                           Asks::Answers answers) { done(mergePages(order, limit, std::move(answers))); });
    keepTicking();
}

void Node::connection(shared::ConnectionId id, Done<ConnectionDetails> done) {
    m_parts->asks->askOne(
        ShardIndex(id.shard), DetailsAsk{id.number}, ActPatience,
        [done = std::move(done), id](Asks::Answers answers) {
            for (auto& answer : answers.answers)
                if (answer.details)
                    return done(std::move(*answer.details));
            if (!answers.isComplete)
                return done(failure(ErrorCode::Busy, "the connection's shard did not answer in time"));
            done(failure(ErrorCode::NotFound, "there is no connection " + id.text()));
        });
    keepTicking();
}

void Node::evict(const EvictRequest& request, const Operator& by, Done<EvictAnswer> done) {
    auto& parts = *m_parts;
    if (request.ids.empty() == !request.filter)
        return done(failure(ErrorCode::BadRequest, "ids or filter: exactly one of them is needed"));
    if (parts.asks->isFull())
        return done(failure(ErrorCode::Busy, "too many questions are under way"));
    EvictPlan plan{by.name, request.rate_per_s, request.reconnect, {}, nullptr, 0};
    EvictAsk ask;
    ask.reconnect = request.reconnect;
    ask.by = by.name;
    ask.dryRun = request.dry_run || request.rate_per_s > 0; // at a rate: first how many there are
    std::vector<std::pair<ShardIndex, Question>> questions;
    if (request.filter) {
        auto filter = shared::Filter::parse(*request.filter);
        if (!filter)
            return done(tl::unexpected(filter.error()));
        ask.filter = plan.filter = std::make_shared<const shared::Filter>(std::move(*filter));
        for (int shard = 0; shard < parts.shardCount; ++shard)
            questions.emplace_back(ShardIndex(std::uint16_t(shard)), ask);
    } else {
        std::map<std::uint16_t, EvictAsk> byShard;
        for (const auto& text : request.ids) {
            shared::ConnectionId id;
            if (!shared::ConnectionId::parse(text, id))
                return done(failure(ErrorCode::BadRequest, "ids: SHARD-NUMBER is needed"));
            byShard.try_emplace(id.shard, ask).first->second.numbers.push_back(id.number);
            plan.ids.push_back(id);
        }
        for (auto& [shard, each] : byShard)
            questions.emplace_back(ShardIndex(shard), std::move(each));
    }
    auto whole = [this, done = std::move(done), plan = std::move(plan),
                  isDryRun = request.dry_run](Asks::Answers answers) {
        EvictAnswer result;
        for (auto& answer : answers.answers) {
            result.matched += answer.matched;
            result.evicted += answer.closed;
            for (auto& row : answer.rows)
                if (isDryRun && result.sample.size() < SampleRows)
                    result.sample.push_back(std::move(row));
        }
        if (!answers.isComplete && answers.answers.empty())
            return done(failure(ErrorCode::Busy, "no shard answered in time"));
        if (!isDryRun && plan.ratePerSecond > 0 && result.matched > 0) {
            auto running = plan;
            running.matched = result.matched;
            const auto operation = m_parts->operations->evict(std::move(running));
            if (!operation)
                return done(tl::unexpected(operation.error()));
            result.operation = operation->value();
            keepTicking();
        }
        done(std::move(result));
    };
    parts.asks->askEach(std::move(questions), ActPatience, std::move(whole));
    keepTicking();
}

Result<OperationId> Node::drain(const DrainRequest& request, const Operator& by) {
    auto& parts = *m_parts;
    const auto& standard = parts.live->settings().node;
    DrainPlan plan;
    plan.by = by.name;
    plan.ratePerSecond = request.rate_per_s.value_or(standard.drainRatePerSecond);
    plan.deadline =
        request.deadline_s ? fromSeconds(*request.deadline_s) : milliseconds(standard.drainDeadline);
    plan.grace = request.grace_s ? fromSeconds(*request.grace_s) : milliseconds(standard.drainGrace);
    constexpr milliseconds Day{86400000};
    if (!(plan.ratePerSecond >= 0 && plan.ratePerSecond <= 1e6) || plan.deadline < milliseconds(0) ||
        plan.deadline > Day || plan.grace < milliseconds(0) || plan.grace > Day)
        return failure(ErrorCode::BadRequest, "rate_per_s: 0 to 1000000; deadline_s, grace_s: 0 to 86400");
    if (parts.operations->isDraining())
        return failure(ErrorCode::Busy, "a drain is already running");
    admit(false);
    parts.state = NodeState::Draining; // before the drain begins: without clients it ends at once
    updateReadiness();
    auto id = parts.operations->drain(std::move(plan));
    announce();
    keepTicking();
    return id;
}

Result<void> Node::resume(const Operator&) {
    auto& parts = *m_parts;
    if (parts.isStopping)
        return failure(ErrorCode::Busy, "the process is ending; it cannot resume");
    parts.operations->abortDrain();
    parts.state = NodeState::Ready;
    admit(true);
    updateReadiness();
    announce();
    return {};
}

std::vector<OperationRow> Node::operations() const {
    return m_parts->operations->rows();
}

Result<void> Node::abort(OperationId id, const Operator&) {
    if (m_parts->isStopping)
        return failure(ErrorCode::Busy, "the process is ending; nothing can be aborted");
    return m_parts->operations->abort(id);
}

std::vector<ClusterNode> Node::cluster() const {
    const auto own = ownRow();
    std::vector<ClusterNode> rows;
    for (const auto& row : m_parts->registry)
        if (row.id != own.id)
            rows.push_back(row);
    rows.push_back(own); // ourselves as we are now, not as Redis last heard
    std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    return rows;
}

ClusterNode Node::ownRow() const {
    const auto& parts = *m_parts;
    ClusterNode row;
    row.id = parts.id;
    row.instance = parts.instance;
    row.version = shared::Version;
    row.state = parts.state;
    row.clients = parts.clientsAddress;
    row.ops = parts.opsAddress;
    row.connections = parts.admission->count();
    row.capacity = parts.admission->capacity();
    row.seen_ms = parts.clock.unixMs();
    return row;
}

// What operations need
// ---------------------------------------------------------------------------------------------

int Node::shards() const {
    return m_parts->shardCount;
}

std::int64_t Node::load(ShardIndex shard) const {
    return m_parts->shards[shard.value()]->load();
}

std::int64_t Node::left() const {
    return m_parts->admission->count();
}

void Node::drainSome(OperationId operation, ShardIndex shard, std::int64_t count, milliseconds spread) {
    m_parts->asks->askOne(shard, DrainAsk{count, spread, whoRuns(operation)}, ActPatience,
                          [this, operation, shard](Asks::Answers answers) {
                              std::int64_t closed = 0;
                              for (const auto& answer : answers.answers)
                                  closed += answer.closed;
                              m_parts->operations->answered(operation, shard, closed);
                          });
}

void Node::evictSome(OperationId operation, ShardIndex shard, const std::vector<std::uint64_t>& numbers,
                     std::shared_ptr<const shared::Filter> filter, std::int64_t count, bool mayReconnect) {
    EvictAsk ask;
    ask.numbers = numbers;
    ask.filter = std::move(filter);
    ask.limit = int(std::min<std::int64_t>(count, 1000000));
    ask.reconnect = mayReconnect;
    ask.by = whoRuns(operation);
    m_parts->asks->askOne(shard, std::move(ask), ActPatience,
                          [this, operation, shard](Asks::Answers answers) {
                              std::int64_t closed = 0;
                              for (const auto& answer : answers.answers)
                                  closed += answer.closed;
                              m_parts->operations->answered(operation, shard, closed);
                          });
}

void Node::operationChanged(const OperationRow& row) {
    auto& parts = *m_parts;
    if (parts.ops)
        parts.ops->operationChanged(row);
    // A drain that failed at its deadline has not drained, but a process that ends ends all the same.
    if (row.kind == "drain" && row.state == OperationState::Failed && parts.isStopping)
        end({0, {}});
}

void Node::drained() {
    auto& parts = *m_parts;
    parts.state = NodeState::Drained;
    spdlog::info("drained: no client is left");
    announce();
    if (parts.isStopping)
        end({0, {}});
}

// The node's own acts
// ------------------------------------------------------------------------------------------------

void Node::admit(bool isOpen) {
    auto& parts = *m_parts;
    if (isOpen)
        parts.admission->open();
    else
        parts.admission->close();
    for (auto& box : parts.shardBoxes)
        box->postState("admit", Admit{isOpen});
}

void Node::updateReadiness() {
    m_parts->isReady.store(health().notReady.empty(), std::memory_order_relaxed);
}

void Node::announce() {
    auto& parts = *m_parts;
    parts.beatCountdown = BeatEverySeconds;
    if (parts.busBox)
        parts.busBox->postState("beat", BeatMail{ownRow()});
}

void Node::stopAsked() {
    auto& parts = *m_parts;
    if (parts.isStopping || parts.admission->count() == 0) {
        admit(false);
        return end({0, {}});
    }
    spdlog::info("asked to end: draining {} clients", parts.admission->count());
    parts.isStopping = true;
    if (!parts.operations->isDraining() && !drain({}, Operator{"signal", "this machine", Role::Operator}))
        end({0, {}});
}

void Node::end(NodeFailure why) {
    if (std::exchange(m_parts->hasEnded, true))
        return;
    m_parts->ended(std::move(why));
}

void Node::tickSecond() {
    auto& parts = *m_parts;
    const auto figures = process::figures();
    parts.residentBytes = figures.residentBytes;
    watchMemory();
    returnMemory();
    parts.sampler->setValue(Metric::ProcessResidentMemoryBytes, double(figures.residentBytes));
    parts.sampler->setValue(Metric::ProcessCpuSecondsTotal, figures.cpu_s);
    parts.sampler->setValue(Metric::ProcessOpenFds, double(figures.openDescriptors));
    parts.sampler->setValue(Metric::ClusterNodes, double(cluster().size()));
    parts.certificates.tick(parts.clock, *parts.sampler);
    parts.mainCounters->tickedAt_ms.store(
        std::chrono::duration_cast<milliseconds>(parts.clock.now().time_since_epoch()).count(),
        std::memory_order_relaxed);
    updateReadiness();
    if (--parts.beatCountdown <= 0)
        announce();
    parts.ops->tick();
    parts.log.tick();
}

/// A storm leaves holes all over the heap: what it took is handed back once it is over.
void Node::returnMemory() {
    auto& parts = *m_parts;
    const auto connections = parts.admission->count();
    parts.mostConnections = std::max(parts.mostConnections, connections);
    if (parts.mostConnections - connections < std::max(LeastFall, parts.mostConnections / 5))
        return;
    parts.mostConnections = connections;
    process::returnFreedMemory();
}

/// Above the watermark nobody new comes in, and of what waits for clients half goes each second.
void Node::watchMemory() {
    auto& parts = *m_parts;
    const auto& settings = parts.live->settings();
    const auto percent = settings.node.memoryPercent;
    const auto memory = process::memory();
    const bool isShort = percent > 0 && memory.usedPercent >= percent;
    if (isShort != parts.admission->isMemoryShort())
        spdlog::warn("{:.0f} % of memory is in use: newcomers are {} (node.memory_percent = {})",
                     memory.usedPercent, isShort ? "refused" : "served again", percent);
    parts.admission->setMemoryShort(isShort);
    const auto& limit = settings.limits.queueTotal;
    const auto most = limit.count() > 0 ? limit.count() : memory.smallest / 4;
    parts.queues->setLimit(shared::Bytes(isShort ? std::min(most, parts.queues->total().count() / 2) : most));
}

void Node::tickSample() {
    auto& parts = *m_parts;
    const bool isDraining = parts.state == NodeState::Draining || parts.state == NodeState::Drained;
    parts.sampler->setValue(Metric::Draining, isDraining ? 1 : 0);
    parts.sampler->setValue(Metric::LogLinesLeftOutTotal, double(parts.log.leftOut()));
    const auto now = parts.clock.now();
    const auto interval = std::chrono::duration_cast<milliseconds>(now - parts.sampledAt);
    parts.sampledAt = now;
    parts.ops->snapshotTaken(parts.sampler->take(parts.clock.unixMs(), interval.count()));
}

void Node::tickFast() {
    auto& parts = *m_parts;
    parts.asks->tick();
    parts.operations->tick();
    if (!parts.asks->isWaiting() && !parts.operations->isActive())
        parts.fastTimer.stop();
}

void Node::keepTicking() {
    auto& parts = *m_parts;
    const bool isNeeded = parts.asks->isWaiting() || parts.operations->isActive();
    if (isNeeded && !parts.fastTimer.isActive())
        parts.fastTimer.start(50);
}

} // namespace server
