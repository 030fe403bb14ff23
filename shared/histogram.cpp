// SPDX-License-Identifier: Apache-2.0
#include "shared/histogram.h"
#include <algorithm>
#include <bit>
#include <cmath>

namespace shared {

int histogramBucket(std::uint64_t ticks) {
    if (ticks < 16)
        return int(ticks);
    const int shift = int(std::bit_width(ticks)) - 5;
    const int bucket = 16 * (shift + 1) + int(ticks >> shift) - 16;
    return std::min(bucket, HistogramBuckets - 1);
}

std::uint64_t histogramBucketBegin(int index) {
    if (index < 16)
        return std::uint64_t(std::max(index, 0));
    return std::uint64_t(16 + index % 16) << (index / 16 - 1);
}

void Histogram::add(std::uint64_t ticks, std::uint64_t count) {
    m_counts[std::size_t(histogramBucket(ticks))] += count;
}

void Histogram::addBuckets(const SparseBuckets& buckets) {
    for (const auto& [bucket, count] : buckets) {
        if (bucket >= 0 && bucket < HistogramBuckets)
            m_counts[std::size_t(bucket)] += count;
    }
}

void Histogram::merge(const Histogram& other) {
    for (std::size_t i = 0; i < m_counts.size(); ++i)
        m_counts[i] += other.m_counts[i];
}

std::uint64_t Histogram::count() const {
    std::uint64_t sum = 0;
    for (const auto count : m_counts)
        sum += count;
    return sum;
}

double Histogram::percentile(double percent) const {
    const auto all = count();
    if (all == 0)
        return 0;
    const double share = std::clamp(percent, 0.0, 100.0) / 100.0;
    const auto rank = std::clamp<std::uint64_t>(std::uint64_t(std::ceil(share * double(all))), 1, all);
    std::uint64_t seen = 0;
    for (int i = 0; i < HistogramBuckets; ++i) {
        seen += at(i);
        if (seen >= rank) {
            // Ticks are whole, so a bucket of one tick is exact and the middle is that of its first and last.
            const auto begin = histogramBucketBegin(i);
            const auto last = histogramBucketBegin(i + 1) - 1;
            return (double(begin) + double(last)) / 2;
        }
    }
    return 0;
}

SparseBuckets Histogram::sparse() const {
    SparseBuckets buckets;
    for (int i = 0; i < HistogramBuckets; ++i) {
        if (at(i) != 0)
            buckets.emplace_back(i, at(i));
    }
    return buckets;
}

} // namespace shared
