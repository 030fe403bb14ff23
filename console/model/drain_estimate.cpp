// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/model/drain_estimate.h"
#include <algorithm>

namespace console {

namespace {

/// A node without a rate closes this share of the deadline's time, and never fewer a second than this.
constexpr double ShareOfDeadline = 0.8;
constexpr double SlowestPace_per_s = 100;

} // namespace

DrainEstimate estimateDrain(const FleetModel& fleet, const NodeRecord& node, double rate_per_s,
                            double deadline_s) {
    DrainEstimate estimate;
    estimate.clients = figures(node).connections.value_or(0);
    for (const auto& other : fleet.nodes()) {
        const bool isReady = other->link == LinkState::Live && other->announced &&
                             other->announced->state == shared::admin::NodeState::Ready;
        if (other->key == node.key || !isReady)
            continue;
        const auto numbers = figures(*other);
        estimate.others.push_back({other->id, numbers.connections.value_or(0), 0, numbers.capacity});
    }
    for (auto& other : estimate.others)
        other.after = other.now + estimate.clients / double(estimate.others.size());
    std::stable_sort(estimate.others.begin(), estimate.others.end(), [](const auto& a, const auto& b) {
        return a.percent().value_or(0) > b.percent().value_or(0);
    });
    estimate.pace_per_s = rate_per_s;
    if (rate_per_s <= 0)
        estimate.pace_per_s =
            deadline_s > 0 ? std::max(SlowestPace_per_s, estimate.clients / (ShareOfDeadline * deadline_s))
                           : SlowestPace_per_s;
    estimate.length_s = estimate.clients / estimate.pace_per_s;
    estimate.meetsDeadline = deadline_s <= 0 || estimate.length_s <= deadline_s;
    return estimate;
}

QString drainHindrance(const NodeRecord* node) {
    if (!node)
        return QStringLiteral("Select a node.");
    if (node->link != LinkState::Live)
        return QStringLiteral("%1 is not linked: an order would not reach it.").arg(node->id);
    if (const auto hindrance = roleHindrance(node); !hindrance.isEmpty())
        return hindrance;
    if (!node->offers("node.drain"))
        return QStringLiteral("%1 does not offer node.drain.").arg(node->id);
    if (node->runningDrain())
        return QStringLiteral("%1 is draining already.").arg(node->id);
    if (node->announced && node->announced->state == shared::admin::NodeState::Drained)
        return QStringLiteral("%1 is drained already.").arg(node->id);
    if (!figures(*node).connections)
        return QStringLiteral("%1 has not told its clients yet.").arg(node->id);
    return {};
}

} // namespace console
