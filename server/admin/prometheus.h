// SPDX-License-Identifier: Apache-2.0
// The metric table as Prometheus text. Any thread.
#pragma once
#include "shared/metrics.h"
#include <string>
#include <vector>

namespace server {

inline constexpr const char* PrometheusContentType = "text/plain; version=0.0.4; charset=utf-8";

/// `totals` in the order of the series, as Sampler::totals() makes them. Sums of histograms are computed from
/// the middles of their buckets, so they are true within 3 %.
std::string prometheusText(const shared::MetricCatalog& catalog, const std::vector<shared::Value>& totals);

} // namespace server
