// SPDX-License-Identifier: GPL-3.0-or-later
// The one table of charts: what each shows, from which metrics, in which unit. A chart is one row.
#pragma once
#include "console/model/series.h"
#include <QString>
#include <span>
#include <string>
#include <vector>

namespace console {

enum class ChartUnit : std::uint8_t { Count, PerSecond, Seconds, Bytes, Cores };

struct ChartLine {
    QString name;
    Query query;
};
struct ChartSpec {
    QString title;
    ChartUnit unit;
    std::vector<ChartLine> lines; ///< at most six
    /// Lines are p50, p95, p99 of one thing: one hue, and a band from the first to the last.
    bool isBand = false;
};

std::span<const ChartSpec> chartSpecs();    ///< the Charts page: 2 × 4
std::span<const std::size_t> fleetCharts(); ///< rows of chartSpecs() at the foot of the Fleet page
QString unitText(ChartUnit unit);           ///< as in the title: `per second`; empty for a plain count
QString unitName(ChartUnit unit);           ///< for machines: `count`, `per_second`, `seconds`, …
QString formatIn(ChartUnit unit, double value);
QString formatTick(ChartUnit unit, double value); ///< round numbers: `30 k`

} // namespace console
