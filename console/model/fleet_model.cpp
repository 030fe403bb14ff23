// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/model/fleet_model.h"
#include <algorithm>

namespace console {

namespace {

/// Rates and percentiles in numbers are over this long, so that they can be read while they change.
constexpr std::int64_t Smoothing_ms = 5'000;
constexpr std::int64_t PercentileBack_ms = 10'000;

Figures figuresOf(const Histories& nodes) {
    Figures result;
    result.connections = latest(nodes, {"weir_connections", {}, Derive::Gauge}, 0);
    result.in_per_s =
        latest(nodes, {"weir_messages_total", {{"direction", "in"}}, Derive::Rate}, Smoothing_ms);
    result.out_per_s =
        latest(nodes, {"weir_messages_total", {{"direction", "out"}}, Derive::Rate}, Smoothing_ms);
    result.p99_s = latest(nodes, {"weir_delivery_seconds", {}, Derive::Percentile, 99}, PercentileBack_ms);
    result.errors_per_s = latest(nodes, {"weir_errors_total", {}, Derive::Rate}, Smoothing_ms);
    result.memory_bytes = latest(nodes, {"process_resident_memory_bytes", {}, Derive::Gauge}, 0);
    result.queue_bytes = latest(nodes, {"weir_queue_bytes", {}, Derive::Gauge}, 0);
    return result;
}

std::optional<double> capacityOf(const NodeRecord& node) {
    if (node.announced) {
        for (const auto& [limit, value] : node.announced->limits) {
            if (limit == "max_connections" && value > 0)
                return double(value);
        }
    }
    if (node.registered && node.registered->capacity > 0)
        return double(node.registered->capacity);
    return std::nullopt;
}

} // namespace

QString name(Condition condition) {
    switch (condition) {
    case Condition::Lost:
        return QStringLiteral("Lost");
    case Condition::Refused:
        return QStringLiteral("Refused");
    case Condition::Stale:
        return QStringLiteral("Stale");
    case Condition::Degraded:
        return QStringLiteral("Degraded");
    case Condition::Draining:
        return QStringLiteral("Draining");
    case Condition::Drained:
        return QStringLiteral("Drained");
    case Condition::Connecting:
        return QStringLiteral("Connecting");
    case Condition::Starting:
        return QStringLiteral("Starting");
    case Condition::Offered:
        return QStringLiteral("Not linked");
    case Condition::Ready:
        return QStringLiteral("Ready");
    }
    return {};
}

QString roleHindrance(const NodeRecord* node) {
    const bool isViewer = node && node->role && *node->role != shared::admin::Role::Operator;
    return isViewer ? QStringLiteral("Your token may only look.") : QString();
}

bool NodeRecord::offers(const char* method) const {
    return std::any_of(commands.begin(), commands.end(),
                       [&](const auto& command) { return command.method == method; });
}

const OperationRecord* NodeRecord::runningDrain() const {
    for (const auto& operation : operations) {
        if (operation.row.kind == "drain" && operation.row.state == shared::admin::OperationState::Running)
            return &operation;
    }
    return nullptr;
}

const OperationRecord* NodeRecord::lastDrain() const {
    const OperationRecord* newest = nullptr;
    for (const auto& operation : operations) {
        if (operation.row.kind == "drain" && (!newest || operation.row.started_ms > newest->row.started_ms ||
                                              operation.row.id > newest->row.id))
            newest = &operation;
    }
    return newest;
}

NodeRecord& FleetModel::add(const QString& key) {
    if (auto* known = find(key))
        return *known;
    m_nodes.push_back(std::make_unique<NodeRecord>());
    m_nodes.back()->key = key;
    ++m_revision;
    return *m_nodes.back();
}

NodeRecord* FleetModel::find(const QString& key) {
    for (const auto& node : m_nodes) {
        if (node->key == key)
            return node.get();
    }
    return nullptr;
}

const NodeRecord* FleetModel::find(const QString& key) const {
    return const_cast<FleetModel*>(this)->find(key);
}

const NodeRecord* FleetModel::findId(const QString& id) const {
    for (const auto& node : m_nodes) {
        if (node->id == id)
            return node.get();
    }
    return nullptr;
}

void FleetModel::remove(const QString& key) {
    std::erase_if(m_nodes, [&](const auto& node) { return node->key == key; });
    ++m_revision;
}

void FleetModel::noteOperation(NodeRecord& node, const shared::admin::OperationRow& row, std::int64_t now_ms,
                               Told told) {
    const auto known = std::find_if(node.operations.begin(), node.operations.end(),
                                    [&](const auto& operation) { return operation.row.id == row.id; });
    const bool hasEnded = row.state != shared::admin::OperationState::Running;
    ++m_revision;
    if (known == node.operations.end()) {
        node.operations.insert(node.operations.begin(),
                               {row, now_ms, hasEnded && told == Told::Now ? now_ms : 0});
        if (node.operations.size() > MostOperations)
            node.operations.pop_back();
        return;
    }
    if (known->row.done != row.done || known->row.state != row.state)
        known->moved_ms = now_ms;
    if (hasEnded && known->ended_ms == 0)
        known->ended_ms = now_ms;
    known->row = row;
}

bool FleetModel::isEmpty() const {
    return std::all_of(m_nodes.begin(), m_nodes.end(), [](const auto& node) { return node->isGuess; });
}

Figures figures(const NodeRecord& node) {
    if (!node.isHeard() || node.history.isEmpty())
        return {};
    auto result = figuresOf({&node.history});
    result.capacity = capacityOf(node);
    return result;
}

Figures figures(const FleetModel& fleet) {
    Histories heard;
    for (const auto& node : fleet.nodes()) {
        if (node->link == LinkState::Live && !node->history.isEmpty())
            heard.push_back(&node->history);
    }
    return heard.empty() ? Figures{} : figuresOf(heard);
}

std::optional<double> lastConnections(const NodeRecord& node) {
    return latest({&node.history}, {"weir_connections", {}, Derive::Gauge}, 0);
}

Histories histories(const FleetModel& fleet, const QString& key) {
    Histories result;
    for (const auto& node : fleet.nodes()) {
        if (!node->history.isEmpty() && (key.isEmpty() || node->key == key))
            result.push_back(&node->history);
    }
    return result;
}

} // namespace console
