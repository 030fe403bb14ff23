// SPDX-License-Identifier: GPL-3.0-or-later
// One node's sample as a row of numbers: what `status` and `top` show. Plain values, any thread.
#pragma once
#include "console/ctl/printer.h"
#include "shared/admin_protocol.h"
#include <optional>

namespace console {

/// One metric of a sample, its series put together as their `merge` says; nothing when the node has none.
std::optional<double> metricValue(const shared::admin::Hello& hello, const shared::Snapshot& sample,
                                  std::string_view name);
/// In the metric's unit, over all its series; nothing when there were no values.
std::optional<double> metricPercentile(const shared::admin::Hello& hello, const shared::Snapshot& sample,
                                       std::string_view name, double percent);

QJsonObject vitals(const shared::admin::Hello& hello, const shared::Snapshot& sample,
                   const shared::admin::NodeInfo& node);
const Columns& vitalsColumns();

} // namespace console
