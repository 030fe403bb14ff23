// SPDX-License-Identifier: Apache-2.0
#include "server/admin/snapshots.h"

namespace server {

using shared::MetricKind;
using shared::SparseBuckets;

namespace {

SparseBuckets sum(const SparseBuckets& a, const SparseBuckets& b) {
    SparseBuckets result;
    auto left = a.begin(), right = b.begin();
    while (left != a.end() || right != b.end()) {
        if (right == b.end() || (left != a.end() && left->first < right->first)) {
            result.push_back(*left++);
        } else if (left == a.end() || right->first < left->first) {
            result.push_back(*right++);
        } else {
            result.emplace_back(left->first, left->second + right->second);
            ++left;
            ++right;
        }
    }
    return result;
}

} // namespace

void extend(shared::Value& held, const shared::Value& next, MetricKind kind) {
    switch (kind) {
    case MetricKind::Counter:
        held = std::get<double>(held) + std::get<double>(next);
        break;
    case MetricKind::Gauge:
        held = next;
        break;
    case MetricKind::Histogram:
        held = sum(std::get<SparseBuckets>(held), std::get<SparseBuckets>(next));
        break;
    }
}

void extend(shared::Snapshot& held, const shared::Snapshot& next, const shared::MetricCatalog& catalog) {
    held.time_ms = next.time_ms;
    held.interval_ms += next.interval_ms;
    const auto series = catalog.series();
    for (std::size_t i = 0; i < series.size(); ++i)
        extend(held.values[i], next.values[i], series[i].row->kind);
}

} // namespace server
