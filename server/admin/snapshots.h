// SPDX-License-Identifier: Apache-2.0
// Snapshots put together: counters and histograms add up, of a gauge the last value stays. Main thread.
#pragma once
#include "shared/metrics.h"

namespace server {

/// `held` then ends where `next` does.
void extend(shared::Snapshot& held, const shared::Snapshot& next, const shared::MetricCatalog& catalog);
/// One value of a series of this kind.
void extend(shared::Value& held, const shared::Value& next, shared::MetricKind kind);

} // namespace server
