// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/model/attention.h"
#include "console/model/format.h"
#include <algorithm>
#include <cmath>

namespace console {

namespace {

using shared::admin::NodeState;
using shared::admin::RedisState;

constexpr double StandstillAfter_s = 3;
constexpr std::size_t FewestForOutlier = 4;
constexpr double OutlierDeviations = 3;

QString dot() {
    return QStringLiteral(" · ");
}

/// One number by which a node may stand apart from the others.
struct Oddity {
    const char* what;
    std::optional<double> Figures::*figure;
    double floor; ///< below this nothing is odd
    QString (*format)(double);
};
const Oddity Oddities[]{
    {"p99 is", &Figures::p99_s, 0.050, &formatSeconds},
    {"errors per second:", &Figures::errors_per_s, 1, &formatShort},
    {"queued for clients:", &Figures::queue_bytes, 16.0 * 1024 * 1024, &formatBytes},
    {"memory is", &Figures::memory_bytes, 256.0 * 1024 * 1024, &formatBytes},
};

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const auto middle = values.size() / 2;
    return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

/// What of `node` is far above the rest of the fleet.
QStringList oddities(const Situation& node, const std::vector<Situation>& nodes) {
    QStringList found;
    for (const auto& oddity : Oddities) {
        const auto own = node.figures.*oddity.figure;
        std::vector<double> others;
        for (const auto& other : nodes) {
            if (other.key != node.key && other.figures.*oddity.figure)
                others.push_back(*(other.figures.*oddity.figure));
        }
        if (!own || *own < oddity.floor || others.size() + 1 < FewestForOutlier)
            continue;
        const double middle = median(others);
        std::vector<double> deviations;
        for (const double value : others)
            deviations.push_back(std::abs(value - middle));
        if (*own - middle <= OutlierDeviations * std::max(median(deviations), middle * 0.05))
            continue;
        const auto [low, high] = std::minmax_element(others.begin(), others.end());
        const auto lowest = oddity.format(*low);
        const auto highest = oddity.format(*high);
        found.append(QStringLiteral("%1 %2 (others %3)")
                         .arg(QLatin1String(oddity.what), oddity.format(*own),
                              lowest == highest ? lowest : lowest + QStringLiteral("–") + highest));
    }
    return found;
}

bool isNearCapacity(const Figures& figures) {
    return figures.connections && figures.capacity &&
           *figures.connections >= DegradedShare * *figures.capacity;
}

AttentionLine silentLine(const Situation& node) {
    QString text;
    if (node.wasHeard) {
        text = QStringLiteral("%1 has not answered for %2").arg(node.id, formatAge(node.silent_s));
        if (node.lastConnections)
            text += QStringLiteral("; %1 clients were on it").arg(formatCount(*node.lastConnections));
    } else {
        text = QStringLiteral("%1 has never answered").arg(node.id);
    }
    if (!node.sentence.isEmpty())
        text += dot() + node.sentence;
    if (node.retryIn_s)
        text += dot() + (*node.retryIn_s < 1 ? QStringLiteral("retrying now")
                                             : QStringLiteral("retry in %1").arg(formatAge(*node.retryIn_s)));
    return {node.key, node.id, Condition::Lost, text, Lead::Retry};
}

AttentionLine degradedLine(const Situation& node, const QStringList& odd) {
    QStringList reasons;
    if (isNearCapacity(node.figures))
        reasons.append(QStringLiteral("is at %1 of its capacity of %2")
                           .arg(formatPercent(*node.figures.connections / *node.figures.capacity),
                                formatCount(*node.figures.capacity)));
    if (node.redis == RedisState::Away)
        reasons.append(QStringLiteral("has no Redis: other nodes do not get its messages"));
    return {node.key, node.id, Condition::Degraded, node.id + QLatin1Char(' ') + (reasons + odd).join(dot()),
            isNearCapacity(node.figures) ? Lead::ShowClients : Lead::ShowNode};
}

AttentionLine drainLine(const Situation& node) {
    QString text = node.id;
    if (!node.drain)
        return {node.key, node.id, Condition::Draining, text + QStringLiteral(" is draining"),
                Lead::ShowDrain};
    const auto& drain = *node.drain;
    text += QStringLiteral(": %1 of %2 left")
                .arg(formatCount(double(std::max<std::int64_t>(0, drain.total - drain.done))),
                     formatCount(double(drain.total)));
    const auto why = drainStandstill(node);
    if (!why.isEmpty())
        return {node.key, node.id, Condition::Draining, text + dot() + why, Lead::ShowDrain};
    text += QStringLiteral(" · %1/s").arg(formatShort(drain.rate_per_s));
    if (drain.eta_s)
        text += QStringLiteral(" · %1 to go").arg(formatAge(*drain.eta_s));
    if (drain.moved + drain.moved_estimated + drain.lost + drain.pending > 0)
        text += QStringLiteral(" · moved %1 · lost %2 · pending %3")
                    .arg(formatCount(double(drain.moved + drain.moved_estimated)),
                         formatCount(double(drain.lost)), formatCount(double(drain.pending)));
    return {node.key, node.id, Condition::Draining, text, Lead::ShowDrain};
}

/// The condition of one node, and its line when somebody should know.
std::pair<Condition, std::optional<AttentionLine>> judgeOne(const Situation& node,
                                                            const std::vector<Situation>& nodes) {
    switch (node.link) {
    case LinkState::Offered:
        return {Condition::Offered,
                AttentionLine{
                    node.key, node.id, Condition::Offered,
                    QStringLiteral("%1 is known to the cluster, but not linked: its numbers are not here")
                        .arg(node.id),
                    Lead::Connect}};
    case LinkState::Connecting:
        return {Condition::Connecting, std::nullopt};
    case LinkState::Lost:
        return {Condition::Lost, silentLine(node)};
    case LinkState::Refused:
        return {Condition::Refused,
                AttentionLine{node.key, node.id, Condition::Refused,
                              QStringLiteral("%1 refused us: %2").arg(node.id, node.sentence),
                              Lead::ConnectAgain}};
    case LinkState::Stale:
        return {Condition::Stale,
                AttentionLine{
                    node.key, node.id, Condition::Stale,
                    QStringLiteral("%1: the last sample is %2 old").arg(node.id, formatAge(node.silent_s)),
                    Lead::ShowNode}};
    case LinkState::Live:
        break;
    }
    switch (node.state) {
    case NodeState::Draining:
        return {Condition::Draining, drainLine(node)};
    case NodeState::Drained: {
        auto text =
            node.figures.connections.value_or(0) > 0
                ? QStringLiteral("%1 refuses new clients; %2 are still on it")
                      .arg(node.id, formatCount(*node.figures.connections))
                : QStringLiteral("%1 is drained: it refuses new clients until it is resumed").arg(node.id);
        return {Condition::Drained,
                AttentionLine{node.key, node.id, Condition::Drained, text, Lead::Resume, node.hindrance}};
    }
    case NodeState::Starting:
        return {Condition::Starting, std::nullopt};
    case NodeState::Ready:
        break;
    }
    const auto odd = oddities(node, nodes);
    if (isNearCapacity(node.figures) || node.redis == RedisState::Away || !odd.isEmpty())
        return {Condition::Degraded, degradedLine(node, odd)};
    return {Condition::Ready, std::nullopt};
}

QString nodesText(std::size_t count) {
    return count == 1 ? QStringLiteral("1 node") : QStringLiteral("%1 nodes").arg(count);
}

QString verdictOf(const Attention& attention, std::size_t count) {
    const auto counted = [&](Condition condition) {
        return std::size_t(std::count_if(attention.conditions.begin(), attention.conditions.end(),
                                         [&](const auto& entry) { return entry.second == condition; }));
    };
    if (count == 0)
        return QStringLiteral("No node yet");
    const auto connecting = counted(Condition::Connecting);
    const auto offered = counted(Condition::Offered);
    const auto ready = counted(Condition::Ready) + counted(Condition::Starting);
    const auto blind = counted(Condition::Lost) + counted(Condition::Refused);
    if (blind > 0 && blind + connecting + offered == count)
        return count == 1 && counted(Condition::Refused) == 1 ? QStringLiteral("The node refuses us")
               : count == 1                                   ? QStringLiteral("The node does not answer")
                                                              : QStringLiteral("No node answers");
    const auto troubled = count - ready - connecting - offered;
    if (troubled > 0)
        return nodesText(troubled) +
               (troubled == 1 ? QStringLiteral(" needs you") : QStringLiteral(" need you"));
    if (connecting > 0 && ready == 0)
        return QStringLiteral("Connecting to %1").arg(nodesText(connecting));
    QString verdict = ready == 1       ? QStringLiteral("1 node is ready")
                      : ready == count ? QStringLiteral("All %1 are ready").arg(nodesText(ready))
                                       : QStringLiteral("%1 are ready").arg(nodesText(ready));
    if (connecting > 0)
        verdict += QStringLiteral(", %1 connecting").arg(connecting);
    if (offered > 0)
        verdict += QStringLiteral(", %1 not linked").arg(offered);
    return verdict;
}

} // namespace

QString name(Lead lead) {
    switch (lead) {
    case Lead::ShowNode:
        return QStringLiteral("Show");
    case Lead::Retry:
        return QStringLiteral("Retry now");
    case Lead::ConnectAgain:
        return QStringLiteral("Connect again…");
    case Lead::ShowClients:
        return QStringLiteral("Show clients");
    case Lead::ShowDrain:
        return QStringLiteral("Show drain");
    case Lead::Resume:
        return QStringLiteral("Resume");
    case Lead::Connect:
        return QStringLiteral("Connect…");
    }
    return {};
}

Condition Attention::condition(const QString& key) const {
    const auto found = conditions.find(key);
    return found == conditions.end() ? Condition::Connecting : found->second;
}

QString drainStandstill(const Situation& node) {
    if (!node.drain || node.drain->state != shared::admin::OperationState::Running)
        return {};
    if (node.link == LinkState::Connecting)
        return {};
    if (node.link != LinkState::Live)
        return QStringLiteral("the link is lost: the node goes on by itself, its progress is not known");
    const auto& drain = *node.drain;
    const double left = double(drain.total - drain.done);
    if (drain.done == 0)
        return QStringLiteral("waiting for the load balancer to notice, before the first close");
    if (node.drainStill_s < StandstillAfter_s)
        return {};
    if (node.figures.connections &&
        *node.figures.connections > left + std::max(5.0, 0.02 * double(drain.total)))
        return QStringLiteral("clients still arrive: the load balancer has not noticed");
    if (drain.pending > 0)
        return QStringLiteral("waiting for %1 that were closed and have not come back")
            .arg(formatCount(double(drain.pending)));
    return QStringLiteral("nothing has moved for %1").arg(formatAge(node.drainStill_s));
}

std::vector<Situation> situations(const FleetModel& fleet, std::int64_t now_ms) {
    std::vector<Situation> result;
    for (const auto& node : fleet.nodes()) {
        if (node->isGuess)
            continue;
        Situation situation;
        situation.key = node->key;
        situation.id = node->id;
        situation.link = node->link;
        situation.address = node->address;
        situation.sentence = node->sentence;
        situation.hindrance = roleHindrance(node.get());
        situation.wasHeard = node->lastSample_ms != 0;
        situation.silent_s =
            double(now_ms - (node->lastSample_ms != 0 ? node->lastSample_ms : node->linkSince_ms)) / 1000;
        if (node->link == LinkState::Lost && node->retryAt_ms != 0)
            situation.retryIn_s = std::max(0.0, double(node->retryAt_ms - now_ms) / 1000);
        if (node->announced) {
            situation.state = node->announced->state;
            situation.redis = node->announced->redis;
        }
        situation.lastConnections = lastConnections(*node);
        situation.figures = figures(*node);
        if (const auto* drain = node->runningDrain()) {
            situation.drain = drain->row;
            situation.drainStill_s = double(now_ms - drain->moved_ms) / 1000;
            if (situation.state == NodeState::Ready)
                situation.state = NodeState::Draining;
        }
        result.push_back(std::move(situation));
    }
    return result;
}

Attention judge(const std::vector<Situation>& nodes) {
    Attention attention;
    for (const auto& node : nodes) {
        auto [condition, line] = judgeOne(node, nodes);
        attention.conditions[node.key] = condition;
        attention.worst = std::min(attention.worst, condition);
        if (line)
            attention.lines.push_back(std::move(*line));
    }
    std::stable_sort(attention.lines.begin(), attention.lines.end(),
                     [](const auto& a, const auto& b) { return a.condition < b.condition; });
    attention.verdict = verdictOf(attention, nodes.size());
    return attention;
}

} // namespace console
