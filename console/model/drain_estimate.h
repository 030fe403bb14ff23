// SPDX-License-Identifier: GPL-3.0-or-later
// What a drain would do: where the clients would go, how long it takes, and why it may not begin. Pure
// functions.
#pragma once
#include "console/model/fleet_model.h"
#include <QString>
#include <vector>

namespace console {

struct DrainShare {
    QString node;
    double now = 0, after = 0;
    std::optional<double> capacity;
    std::optional<double> percent() const {
        return capacity && *capacity > 0 ? std::optional(after / *capacity) : std::nullopt;
    }
};
struct DrainEstimate {
    double clients = 0;
    std::vector<DrainShare> others; ///< the fullest first; empty: nobody could take them
    double pace_per_s = 0;          ///< as the node would choose when no rate is given
    double length_s = 0;            ///< without the grace
    bool meetsDeadline = true;
};

/// Clients spread evenly over the ready nodes that are heard, as a load balancer would do it.
DrainEstimate estimateDrain(const FleetModel& fleet, const NodeRecord& node, double rate_per_s,
                            double deadline_s);
/// Empty: it may begin.
QString drainHindrance(const NodeRecord* node);

} // namespace console
