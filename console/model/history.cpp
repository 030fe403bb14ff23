// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/model/history.h"
#include <algorithm>
#include <cmath>
#include <limits>

namespace console {

namespace {

constexpr double NotKnown = std::numeric_limits<double>::quiet_NaN();

void addBuckets(shared::SparseBuckets& into, const shared::SparseBuckets& more) {
    shared::SparseBuckets sum;
    sum.reserve(into.size() + more.size());
    auto left = into.begin();
    auto right = more.begin();
    while (left != into.end() || right != more.end()) {
        if (right == more.end() || (left != into.end() && left->first < right->first))
            sum.push_back(*left++);
        else if (left == into.end() || right->first < left->first)
            sum.push_back(*right++);
        else {
            sum.emplace_back(left->first, left->second + right->second);
            ++left;
            ++right;
        }
    }
    into = std::move(sum);
}

} // namespace

void History::announce(const std::vector<shared::admin::SeriesSpec>& series) {
    std::vector<std::size_t> places;
    std::vector<bool> isGauge;
    std::size_t numbers = 0;
    std::size_t histograms = 0;
    for (const auto& row : series) {
        if (row.kind == shared::MetricKind::Histogram) {
            places.push_back(histograms++);
        } else {
            places.push_back(numbers++);
            isGauge.push_back(row.kind == shared::MetricKind::Gauge);
        }
    }
    // A node that restarts may announce another set: what was kept of a series moves to its new place.
    std::vector<std::pair<std::size_t, std::size_t>> movedNumbers, movedBuckets;
    for (std::size_t now = 0; now < series.size(); ++now) {
        for (std::size_t before = 0; before < m_series.size(); ++before) {
            if (m_series[before].name != series[now].name || m_series[before].labels != series[now].labels ||
                m_series[before].kind != series[now].kind)
                continue;
            const bool isHistogram = series[now].kind == shared::MetricKind::Histogram;
            (isHistogram ? movedBuckets : movedNumbers).emplace_back(m_places[before], places[now]);
            break;
        }
    }
    const auto move = [&](Sample& sample) {
        Sample moved{sample.end_ms, sample.covered_ms, std::vector<double>(numbers, NotKnown),
                     std::vector<double>(numbers, NotKnown), std::vector<shared::SparseBuckets>(histograms)};
        for (const auto& [before, now] : movedNumbers) {
            moved.last[now] = sample.last[before];
            moved.most[now] = sample.most[before];
        }
        for (const auto& [before, now] : movedBuckets)
            moved.buckets[now] = std::move(sample.buckets[before]);
        sample = std::move(moved);
    };
    for (auto& ring : m_rings) {
        for (auto& sample : ring.samples)
            move(sample);
        if (ring.isOpen)
            move(ring.open);
    }
    m_series = series;
    m_places = std::move(places);
    m_isGauge = std::move(isGauge);
    m_numbers = numbers;
    m_histograms = histograms;
}

void History::merge(Sample& into, const Sample& sample) const {
    into.end_ms = sample.end_ms;
    into.covered_ms += sample.covered_ms;
    for (std::size_t i = 0; i < m_numbers; ++i) {
        if (m_isGauge[i]) {
            into.last[i] = sample.last[i];
            into.most[i] = std::fmax(into.most[i], sample.most[i]);
        } else {
            into.last[i] = std::isnan(into.last[i]) ? sample.last[i] : into.last[i] + sample.last[i];
        }
    }
    for (std::size_t i = 0; i < m_histograms; ++i)
        addBuckets(into.buckets[i], sample.buckets[i]);
}

void History::append(const shared::Snapshot& snapshot, std::int64_t end_ms) {
    if (snapshot.values.size() != m_series.size() || m_series.empty() || snapshot.interval_ms <= 0 ||
        (m_lastEnd_ms != 0 && end_ms <= m_lastEnd_ms))
        return;
    Sample sample{end_ms, snapshot.interval_ms, std::vector<double>(m_numbers, NotKnown),
                  std::vector<double>(m_numbers, NotKnown), std::vector<shared::SparseBuckets>(m_histograms)};
    for (std::size_t i = 0; i < m_series.size(); ++i) {
        if (m_series[i].kind == shared::MetricKind::Histogram) {
            if (const auto* buckets = std::get_if<shared::SparseBuckets>(&snapshot.values[i]))
                sample.buckets[m_places[i]] = *buckets;
        } else if (const auto* number = std::get_if<double>(&snapshot.values[i])) {
            sample.last[m_places[i]] = *number;
            sample.most[m_places[i]] = *number;
        }
    }
    if (m_firstEnd_ms == 0)
        m_firstEnd_ms = end_ms;
    m_lastEnd_ms = end_ms;
    for (std::size_t tier = 0; tier < Tiers.size(); ++tier) {
        auto& ring = m_rings[tier];
        const auto slot = [&](std::int64_t time_ms) { return (time_ms - 1) / Tiers[tier].step_ms; };
        // The first tier holds snapshots as they came: two within one wall second stay two.
        if (ring.isOpen && tier > 0 && slot(ring.open.end_ms) == slot(end_ms)) {
            merge(ring.open, sample);
            continue;
        }
        if (ring.isOpen) {
            ring.samples.push_back(std::move(ring.open));
            if (ring.samples.size() > Tiers[tier].most)
                ring.samples.pop_front();
        }
        ring.open = sample;
        ring.isOpen = true;
        if (tier == 0) {
            ring.samples.push_back(std::move(ring.open));
            ring.isOpen = false;
            if (ring.samples.size() > Tiers[tier].most)
                ring.samples.pop_front();
        }
    }
}

std::vector<std::size_t> History::find(std::string_view metric,
                                       const std::vector<std::pair<std::string, std::string>>& labels) const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < m_series.size(); ++i) {
        if (m_series[i].name != metric)
            continue;
        const bool hasAll = std::all_of(labels.begin(), labels.end(), [&](const auto& label) {
            const auto& own = m_series[i].labels;
            return std::find(own.begin(), own.end(), label) != own.end();
        });
        if (hasAll)
            found.push_back(i);
    }
    return found;
}

std::size_t History::size(Tier tier) const {
    const auto& ring = m_rings[std::size_t(tier)];
    return ring.samples.size() + (ring.isOpen ? 1 : 0);
}

const Sample& History::at(Tier tier, std::size_t index) const {
    const auto& ring = m_rings[std::size_t(tier)];
    return index < ring.samples.size() ? ring.samples[index] : ring.open;
}

} // namespace console
