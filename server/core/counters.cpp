// SPDX-License-Identifier: Apache-2.0
#include "server/core/counters.h"
#include <algorithm>
#include <cmath>

namespace server {

using shared::HistogramBuckets;
using shared::MetricKind;
using shared::SparseBuckets;
using shared::Value;

Counters::Counters(const shared::MetricCatalog& catalog)
    : m_catalog(catalog), m_numbers(std::make_unique<std::atomic<std::int64_t>[]>(catalog.series().size())),
      m_cells(catalog.series().size()) {
    for (std::size_t i = 0; i < m_cells.size(); ++i)
        if (catalog.series()[i].row->kind == MetricKind::Histogram)
            m_cells[i] = std::make_unique<shared::HistogramCells>();
}

void Counters::observe(shared::Metric metric, std::chrono::nanoseconds duration, std::size_t ordinal) {
    const double ticks = std::max(0.0, double(duration.count()) * 1e-9 / m_catalog.row(metric).scale);
    m_cells[m_catalog.index(metric, ordinal)]->add(std::uint64_t(std::llround(std::min(ticks, 9e18))));
}

void Counters::observeCount(shared::Metric metric, std::uint64_t count, std::size_t ordinal) {
    m_cells[m_catalog.index(metric, ordinal)]->add(count);
}

Sampler::Sampler(const shared::MetricCatalog& catalog, std::vector<const Counters*> threads)
    : m_catalog(catalog), m_threads(std::move(threads)), m_own(catalog.series().size(), 0.0),
      m_isOwn(catalog.series().size(), false) {
    m_last = totals();
}

void Sampler::setValue(shared::Metric metric, double value, std::size_t ordinal) {
    const auto index = m_catalog.index(metric, ordinal);
    m_own[index] = value;
    m_isOwn[index] = true;
}

std::vector<Value> Sampler::totals() const {
    const auto series = m_catalog.series();
    std::vector<Value> values;
    values.reserve(series.size());
    for (std::size_t i = 0; i < series.size(); ++i) {
        const auto& row = *series[i].row;
        if (row.kind == MetricKind::Histogram) {
            SparseBuckets buckets;
            for (int bucket = 0; bucket < HistogramBuckets; ++bucket) {
                std::uint64_t count = 0;
                for (const auto* thread : m_threads)
                    count += thread->cells(i)->at(bucket);
                if (count > 0)
                    buckets.emplace_back(bucket, count);
            }
            values.emplace_back(std::move(buckets));
        } else if (m_isOwn[i]) {
            values.emplace_back(m_own[i]);
        } else {
            std::int64_t number = 0;
            for (const auto* thread : m_threads)
                number = row.merge == shared::Merge::Max ? std::max(number, thread->number(i))
                                                         : number + thread->number(i);
            values.emplace_back(double(number));
        }
    }
    return values;
}

namespace {

/// Both ascending, and `now` never holds less than `before`: cells only grow.
SparseBuckets added(const SparseBuckets& now, const SparseBuckets& before) {
    SparseBuckets difference;
    auto old = before.begin();
    for (const auto& [bucket, count] : now) {
        while (old != before.end() && old->first < bucket)
            ++old;
        const std::uint64_t was = old != before.end() && old->first == bucket ? old->second : 0;
        if (count > was)
            difference.emplace_back(bucket, count - was);
    }
    return difference;
}

} // namespace

shared::Snapshot Sampler::take(std::int64_t unixMs, std::int64_t interval_ms) {
    auto now = totals();
    shared::Snapshot snapshot{unixMs, interval_ms, {}};
    snapshot.values.reserve(now.size());
    for (std::size_t i = 0; i < now.size(); ++i) {
        switch (m_catalog.series()[i].row->kind) {
        case MetricKind::Histogram:
            snapshot.values.emplace_back(
                added(std::get<SparseBuckets>(now[i]), std::get<SparseBuckets>(m_last[i])));
            break;
        case MetricKind::Counter:
            snapshot.values.emplace_back(std::get<double>(now[i]) - std::get<double>(m_last[i]));
            break;
        case MetricKind::Gauge:
            snapshot.values.push_back(now[i]);
            break;
        }
    }
    m_last = std::move(now);
    return snapshot;
}

} // namespace server
