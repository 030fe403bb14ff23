// SPDX-License-Identifier: GPL-3.0-or-later
// The verdict: one sentence for the fleet, then one line per trouble. A pure function over what is known of
// each node; the conditions it finds are the ones that every table shows, so that they never disagree. Any
// thread.
#pragma once
#include "console/model/fleet_model.h"
#include <QString>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace console {

/// All that the verdict depends on, of one node.
struct Situation {
    QString key, id;
    LinkState link = LinkState::Connecting;
    shared::admin::NodeState state = shared::admin::NodeState::Ready;
    shared::admin::RedisState redis = shared::admin::RedisState::None;
    double silent_s = 0;             ///< since the last sample, or since the link was first tried
    std::optional<double> retryIn_s; ///< while lost
    QString sentence;                ///< of a refusal or a loss
    QString address;
    QString hindrance; ///< why nothing may be done to it with our token; empty: it may
    bool wasHeard = false;
    std::optional<double> lastConnections;
    Figures figures;
    std::optional<shared::admin::OperationRow> drain; ///< the running one
    double drainStill_s = 0;                          ///< since it last moved
};

/// Where the one button of a line leads.
enum class Lead : std::uint8_t { ShowNode, Retry, ConnectAgain, ShowClients, ShowDrain, Resume, Connect };

struct AttentionLine {
    QString key, node;
    Condition condition = Condition::Ready;
    QString text;
    Lead lead = Lead::ShowNode;
    QString hindrance = {}; ///< why the lead cannot be taken; empty: it can
};

struct Attention {
    QString verdict;
    std::vector<AttentionLine> lines;        ///< worst first
    std::map<QString, Condition> conditions; ///< by key
    Condition worst = Condition::Ready;
    Condition condition(const QString& key) const;
};

inline constexpr double DegradedShare = 0.9;

std::vector<Situation> situations(const FleetModel& fleet, std::int64_t now_ms);
Attention judge(const std::vector<Situation>& nodes);
/// Why a running drain does not move, or nothing when it does.
QString drainStandstill(const Situation& node);
QString name(Lead lead);

} // namespace console
