// SPDX-License-Identifier: Apache-2.0
// Counters of one thread (one writer, relaxed atomics, no lock), and the sampler that adds all threads up on
// main.
#pragma once
#include "shared/metrics.h"
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

namespace server {

/// Written by its own thread only; read by any.
class Counters {
public:
    explicit Counters(const shared::MetricCatalog& catalog);
    void add(shared::Metric metric, std::size_t ordinal = 0, std::int64_t amount = 1) {
        auto& cell = m_numbers[m_catalog.index(metric, ordinal)];
        cell.store(cell.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
    }
    void set(shared::Metric metric, std::int64_t value, std::size_t ordinal = 0) {
        m_numbers[m_catalog.index(metric, ordinal)].store(value, std::memory_order_relaxed);
    }
    template <class Enum>
    void add(shared::Metric metric, Enum label, std::int64_t amount = 1) requires std::is_enum_v<Enum> {
        add(metric, std::size_t(label), amount);
    }
    /// A duration of a histogram metric in its scale; negative counts as 0.
    void observe(shared::Metric metric, std::chrono::nanoseconds duration, std::size_t ordinal = 0);
    /// A plain count (scale 1).
    void observeCount(shared::Metric metric, std::uint64_t count, std::size_t ordinal = 0);
    std::int64_t number(std::size_t series) const {
        return m_numbers[series].load(std::memory_order_relaxed);
    }
    const shared::HistogramCells* cells(std::size_t series) const { return m_cells[series].get(); }

    /// Stamped by the thread's tick (steady clock, ms): main says unhealthy when one stops for 5 s.
    std::atomic<std::int64_t> tickedAt_ms{0};

private:
    const shared::MetricCatalog& m_catalog;
    std::unique_ptr<std::atomic<std::int64_t>[]> m_numbers;
    std::vector<std::unique_ptr<shared::HistogramCells>> m_cells; ///< null where the series is no histogram
};

/// Main thread: makes one Snapshot of an interval from all threads' counters.
class Sampler {
public:
    Sampler(const shared::MetricCatalog& catalog, std::vector<const Counters*> threads);
    /// What was added since the last call (gauges: as they are now).
    shared::Snapshot take(std::int64_t unixMs, std::int64_t interval_ms);
    /// Cumulative values since the start, in the order of the series: for Prometheus.
    std::vector<shared::Value> totals() const;
    /// Values that main computes itself (process_*, build_info); as doubles, kept until set again.
    void setValue(shared::Metric metric, double value, std::size_t ordinal = 0);

private:
    const shared::MetricCatalog& m_catalog;
    std::vector<const Counters*> m_threads;
    std::vector<double> m_own;
    std::vector<bool> m_isOwn;
    std::vector<shared::Value> m_last;
};

} // namespace server
