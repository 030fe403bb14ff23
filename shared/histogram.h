// SPDX-License-Identifier: Apache-2.0
// Log-linear histogram: 16 buckets an octave (any value within 3 %), 28 octaves above the metric's scale.
// Percentiles are never averaged: buckets are added, and a percentile is computed where a number is shown.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <utility>
#include <vector>

namespace shared {

inline constexpr int HistogramBuckets = 16 * 28;

/// The bucket of `ticks` (a value divided by the metric's scale); values past the end count in the last one.
int histogramBucket(std::uint64_t ticks);
/// Where bucket `index` begins, in ticks: i < 16 ? i : (16 + i % 16) * 2^(i / 16 - 1).
std::uint64_t histogramBucketBegin(int index);

/// Non-empty buckets in ascending order: the form in which an interval travels (`[[bucket, count], …]`).
using SparseBuckets = std::vector<std::pair<int, std::uint64_t>>;

/// A plain histogram: counts of one interval, or of the union of several. Not thread safe.
class Histogram {
public:
    void add(std::uint64_t ticks, std::uint64_t count = 1);
    void addBuckets(const SparseBuckets& buckets); ///< indices out of range are ignored
    void merge(const Histogram& other);
    std::uint64_t count() const;
    /// The value (in ticks, the middle of its bucket) below which `percent` of all lie; 0 when empty.
    double percentile(double percent) const;
    SparseBuckets sparse() const;
    std::uint64_t at(int bucket) const { return m_counts[std::size_t(bucket)]; }
    void clear() { m_counts.fill(0); }

private:
    std::array<std::uint64_t, HistogramBuckets> m_counts{};
};

/// Cumulative counts with one writing thread and any number of readers (relaxed atomics, no lock).
class HistogramCells {
public:
    void add(std::uint64_t ticks) {
        auto& cell = m_counts[std::size_t(histogramBucket(ticks))];
        cell.store(cell.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
    std::uint64_t at(int bucket) const {
        return m_counts[std::size_t(bucket)].load(std::memory_order_relaxed);
    }

private:
    std::array<std::atomic<std::uint64_t>, HistogramBuckets> m_counts{};
};

} // namespace shared
