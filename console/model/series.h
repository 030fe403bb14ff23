// SPDX-License-Identifier: GPL-3.0-or-later
// From history to what a chart draws: rates per second, sums over the fleet, percentiles of the union of
// buckets, gaps, and thinning to pixels. Pure functions, main thread.
#pragma once
#include "console/model/history.h"
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace console {

enum class Derive : std::uint8_t { Gauge, Rate, Percentile };

/// Which series of a node are put together, and how.
struct Query {
    std::string metric;
    std::vector<std::pair<std::string, std::string>> labels; ///< empty: all series of the metric
    Derive derive = Derive::Gauge;
    double percent = 0; ///< for Percentile
};

/// A point on the console's clock; NaN is a gap.
struct Point {
    std::int64_t time_ms = 0;
    double value = std::numeric_limits<double>::quiet_NaN();
    bool isGap() const { return !std::isfinite(value); }
};

struct Span {
    std::int64_t from_ms = 0, to_ms = 0;
    bool operator==(const Span&) const = default;
};

enum class Range : std::uint8_t { Minute, QuarterHour, ThreeHours, Day };
std::int64_t length_ms(Range range);
Tier tier(Range range);

using Histories = std::vector<const History*>;

/// The points of the nodes together within `window`. One node: its samples as they are. Several: on a grid of
/// the tier's step that ends at window.to_ms; each node counts with its youngest sample of the last 2.5
/// steps.
std::vector<Point> points(const Histories& nodes, const Query& query, Span window, Tier tier);
/// Where a node that had been heard is missing.
std::vector<Span> gaps(const Histories& nodes, Span window, Tier tier);
/// Keeps at most two points a column, the lowest and the highest, and every gap.
std::vector<Point> thin(const std::vector<Point>& points, Span window, int columns);

/// One number over the last `back_ms` before the node's newest sample; nothing when it never told.
std::optional<double> latest(const Histories& nodes, const Query& query, std::int64_t back_ms);

} // namespace console
