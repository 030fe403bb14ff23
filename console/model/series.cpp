// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/model/series.h"
#include <algorithm>

namespace console {

namespace {

/// A sample is missed when the next one ends more than this many steps later.
constexpr double PatienceSteps = 2.5;

std::int64_t patience_ms(Tier tier) {
    return std::int64_t(PatienceSteps * double(spec(tier).step_ms));
}

/// Puts samples of any nodes together into one number.
class Gatherer {
public:
    explicit Gatherer(const Query& query) : m_query(query) {}

    void add(const History& history, const std::vector<std::size_t>& series, const Sample& sample) {
        for (const auto index : series) {
            const auto place = history.place(index);
            if (m_query.derive == Derive::Percentile) {
                m_histogram.addBuckets(sample.buckets[place]);
                m_scale = history.series()[index].scale;
                continue;
            }
            double value = sample.last[place];
            if (!std::isfinite(value))
                continue;
            if (m_query.derive == Derive::Rate)
                value = value * 1000 / double(std::max<std::int64_t>(1, sample.covered_ms));
            if (!m_isKnown)
                m_sum = value;
            else if (history.series()[index].merge == shared::Merge::Sum)
                m_sum += value;
            else
                m_sum = std::max(m_sum, value);
            m_isKnown = true;
        }
    }
    double value() const {
        if (m_query.derive == Derive::Percentile)
            return m_histogram.count() == 0 ? std::numeric_limits<double>::quiet_NaN()
                                            : m_histogram.percentile(m_query.percent) * m_scale;
        return m_isKnown ? m_sum : std::numeric_limits<double>::quiet_NaN();
    }

private:
    const Query& m_query;
    shared::Histogram m_histogram;
    double m_scale = 1, m_sum = 0;
    bool m_isKnown = false;
};

std::size_t firstAfter(const History& history, Tier tier, std::int64_t time_ms) {
    std::size_t low = 0;
    std::size_t high = history.size(tier);
    while (low < high) {
        const auto middle = (low + high) / 2;
        if (history.at(tier, middle).end_ms <= time_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

std::vector<Point> pointsOfOne(const History& history, const Query& query, Span window, Tier tier) {
    std::vector<Point> result;
    const auto series = history.find(query.metric, query.labels);
    std::int64_t before_ms = 0;
    for (auto i = firstAfter(history, tier, window.from_ms - 1); i < history.size(tier); ++i) {
        const auto& sample = history.at(tier, i);
        if (sample.end_ms > window.to_ms)
            break;
        if (before_ms != 0 && sample.end_ms - before_ms > patience_ms(tier))
            result.push_back({before_ms + spec(tier).step_ms / 2});
        Gatherer gatherer(query);
        gatherer.add(history, series, sample);
        result.push_back({sample.end_ms, gatherer.value()});
        before_ms = sample.end_ms;
    }
    return result;
}

} // namespace

std::int64_t length_ms(Range range) {
    switch (range) {
    case Range::Minute:
        return 60'000;
    case Range::QuarterHour:
        return 15 * 60'000;
    case Range::ThreeHours:
        return 3 * 3'600'000;
    case Range::Day:
        return 24 * 3'600'000;
    }
    return 0;
}

Tier tier(Range range) {
    switch (range) {
    case Range::Minute:
    case Range::QuarterHour:
        return Tier::Second;
    case Range::ThreeHours:
        return Tier::TenSeconds;
    case Range::Day:
        return Tier::Minute;
    }
    return Tier::Second;
}

std::vector<Point> points(const Histories& nodes, const Query& query, Span window, Tier tier) {
    if (nodes.size() == 1)
        return pointsOfOne(*nodes.front(), query, window, tier);
    const auto step_ms = spec(tier).step_ms;
    std::vector<std::vector<std::size_t>> series;
    std::int64_t first_ms = std::numeric_limits<std::int64_t>::max();
    for (const auto* node : nodes) {
        series.push_back(node->find(query.metric, query.labels));
        if (!node->isEmpty())
            first_ms = std::min(first_ms, node->firstEnd_ms());
    }
    std::vector<Point> result;
    if (first_ms == std::numeric_limits<std::int64_t>::max())
        return result;
    const auto from_ms = std::max(window.from_ms, first_ms);
    const auto steps = std::max<std::int64_t>(0, (window.to_ms - from_ms) / step_ms);
    for (auto i = steps; i >= 0; --i) {
        const auto time_ms = window.to_ms - i * step_ms;
        Gatherer gatherer(query);
        for (std::size_t n = 0; n < nodes.size(); ++n) {
            const auto after = firstAfter(*nodes[n], tier, time_ms);
            if (after == 0)
                continue;
            const auto& sample = nodes[n]->at(tier, after - 1);
            if (time_ms - sample.end_ms < patience_ms(tier))
                gatherer.add(*nodes[n], series[n], sample);
        }
        result.push_back({time_ms, gatherer.value()});
    }
    return result;
}

std::vector<Span> gaps(const Histories& nodes, Span window, Tier tier) {
    std::vector<Span> found;
    for (const auto* node : nodes) {
        if (node->isEmpty())
            continue;
        std::int64_t before_ms = 0;
        const auto note = [&](std::int64_t next_ms) {
            if (before_ms != 0 && next_ms - before_ms > patience_ms(tier) && next_ms > window.from_ms)
                found.push_back({std::max(before_ms, window.from_ms), std::min(next_ms, window.to_ms)});
        };
        auto i = firstAfter(*node, tier, window.from_ms);
        if (i > 0)
            before_ms = node->at(tier, i - 1).end_ms;
        for (; i < node->size(tier); ++i) {
            const auto end_ms = node->at(tier, i).end_ms;
            note(end_ms);
            before_ms = end_ms;
        }
        note(window.to_ms);
    }
    std::sort(found.begin(), found.end(), [](Span a, Span b) { return a.from_ms < b.from_ms; });
    std::vector<Span> merged;
    for (const auto& span : found) {
        if (!merged.empty() && span.from_ms <= merged.back().to_ms)
            merged.back().to_ms = std::max(merged.back().to_ms, span.to_ms);
        else
            merged.push_back(span);
    }
    return merged;
}

std::vector<Point> thin(const std::vector<Point>& points, Span window, int columns) {
    if (columns < 1 || points.size() <= std::size_t(columns) * 2)
        return points;
    const double width_ms = std::max(1.0, double(window.to_ms - window.from_ms) / columns);
    const auto column = [&](const Point& point) {
        return std::int64_t(double(point.time_ms - window.from_ms) / width_ms);
    };
    std::vector<Point> kept;
    std::size_t i = 0;
    while (i < points.size()) {
        if (points[i].isGap()) {
            kept.push_back(points[i++]);
            continue;
        }
        const auto here = column(points[i]);
        std::size_t low = i;
        std::size_t high = i;
        std::size_t end = i;
        for (; end < points.size() && !points[end].isGap() && column(points[end]) == here; ++end) {
            if (points[end].value < points[low].value)
                low = end;
            if (points[end].value > points[high].value)
                high = end;
        }
        kept.push_back(points[std::min(low, high)]);
        if (low != high)
            kept.push_back(points[std::max(low, high)]);
        // The newest point is the one that people compare with the node's own number.
        if (end == points.size() && kept.back().time_ms != points.back().time_ms)
            kept.push_back(points.back());
        i = end;
    }
    return kept;
}

std::optional<double> latest(const Histories& nodes, const Query& query, std::int64_t back_ms) {
    double sum = 0;
    bool isKnown = false;
    Gatherer all(query);
    for (const auto* node : nodes) {
        if (node->isEmpty())
            continue;
        const auto series = node->find(query.metric, query.labels);
        const auto count = node->size(Tier::Second);
        if (query.derive == Derive::Gauge) {
            all.add(*node, series, node->at(Tier::Second, count - 1));
            continue;
        }
        const auto from = firstAfter(*node, Tier::Second, node->lastEnd_ms() - back_ms);
        if (query.derive == Derive::Percentile) {
            for (auto i = from; i < count; ++i)
                all.add(*node, series, node->at(Tier::Second, i));
            continue;
        }
        double added = 0;
        std::int64_t covered_ms = 0;
        bool isTold = false;
        for (auto i = from; i < count; ++i) {
            const auto& sample = node->at(Tier::Second, i);
            covered_ms += sample.covered_ms;
            for (const auto index : series) {
                const auto value = sample.last[node->place(index)];
                if (std::isfinite(value)) {
                    added += value;
                    isTold = true;
                }
            }
        }
        if (isTold && covered_ms > 0) {
            sum += added * 1000 / double(covered_ms);
            isKnown = true;
        }
    }
    if (query.derive == Derive::Rate)
        return isKnown ? std::optional(sum) : std::nullopt;
    const auto value = all.value();
    return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

} // namespace console
