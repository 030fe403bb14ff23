// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/view/chart_specs.h"
#include "console/model/format.h"
#include <QRegularExpression>
#include <array>

namespace console {

namespace {

std::vector<ChartLine> percentiles(const char* metric,
                                   const std::vector<std::pair<std::string, std::string>>& labels) {
    return {{QStringLiteral("p50"), {metric, labels, Derive::Percentile, 50}},
            {QStringLiteral("p95"), {metric, labels, Derive::Percentile, 95}},
            {QStringLiteral("p99"), {metric, labels, Derive::Percentile, 99}}};
}

} // namespace

std::span<const ChartSpec> chartSpecs() {
    static const std::vector<ChartSpec> Specs{
        {QStringLiteral("Connections"),
         ChartUnit::Count,
         {{QStringLiteral("open"), {"weir_connections", {}, Derive::Gauge}}}},
        {QStringLiteral("Messages"),
         ChartUnit::PerSecond,
         {{QStringLiteral("in"), {"weir_messages_total", {{"direction", "in"}}, Derive::Rate}},
          {QStringLiteral("out"), {"weir_messages_total", {{"direction", "out"}}, Derive::Rate}}}},
        {QStringLiteral("Delivery, same node"), ChartUnit::Seconds,
         percentiles("weir_delivery_seconds", {{"path", "local"}}), true},
        {QStringLiteral("Delivery, other nodes"), ChartUnit::Seconds,
         percentiles("weir_delivery_seconds", {{"path", "cluster"}}), true},
        {QStringLiteral("Arrivals and closes"),
         ChartUnit::PerSecond,
         {{QStringLiteral("accepted"), {"weir_handshakes_total", {{"result", "accepted"}}, Derive::Rate}},
          {QStringLiteral("closed"), {"weir_closes_total", {}, Derive::Rate}}}},
        {QStringLiteral("Errors and drops"),
         ChartUnit::PerSecond,
         {{QStringLiteral("errors"), {"weir_errors_total", {}, Derive::Rate}},
          {QStringLiteral("drops"), {"weir_drops_total", {}, Derive::Rate}}}},
        {QStringLiteral("Memory"),
         ChartUnit::Bytes,
         {{QStringLiteral("resident"), {"process_resident_memory_bytes", {}, Derive::Gauge}},
          {QStringLiteral("queued"), {"weir_queue_bytes", {}, Derive::Gauge}}}},
        {QStringLiteral("Heartbeat round trip"), ChartUnit::Seconds,
         percentiles("weir_ping_round_trip_seconds", {}), true},
    };
    return Specs;
}

std::span<const std::size_t> fleetCharts() {
    static constexpr std::array<std::size_t, 4> Rows{0, 1, 2, 5};
    return Rows;
}

QString unitText(ChartUnit unit) {
    switch (unit) {
    case ChartUnit::Count:
    case ChartUnit::Seconds:
    case ChartUnit::Bytes:
        return {};
    case ChartUnit::PerSecond:
        return QStringLiteral("per second");
    case ChartUnit::Cores:
        return QStringLiteral("cores");
    }
    return {};
}

QString unitName(ChartUnit unit) {
    switch (unit) {
    case ChartUnit::Count:
        return QStringLiteral("count");
    case ChartUnit::PerSecond:
        return QStringLiteral("per_second");
    case ChartUnit::Seconds:
        return QStringLiteral("seconds");
    case ChartUnit::Bytes:
        return QStringLiteral("bytes");
    case ChartUnit::Cores:
        return QStringLiteral("cores");
    }
    return {};
}

QString formatIn(ChartUnit unit, double value) {
    switch (unit) {
    case ChartUnit::Count:
    case ChartUnit::PerSecond:
    case ChartUnit::Cores:
        return formatShort(value);
    case ChartUnit::Seconds:
        return formatSeconds(value);
    case ChartUnit::Bytes:
        return formatBytes(value);
    }
    return {};
}

QString formatTick(ChartUnit unit, double value) {
    static const QRegularExpression Zeros(QStringLiteral("\\.0+(?=\\D|$)"));
    return formatIn(unit, value).remove(Zeros);
}

} // namespace console
