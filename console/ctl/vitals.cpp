// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/ctl/vitals.h"
#include <algorithm>

namespace console {

using shared::admin::Hello;

namespace {

/// The values of one metric, series by series.
template <class Visit>
void eachSeries(const Hello& hello, const shared::Snapshot& sample, std::string_view name, Visit visit) {
    const auto count = std::min(hello.metrics.size(), sample.values.size());
    for (std::size_t i = 0; i < count; ++i) {
        if (hello.metrics[i].name == name)
            visit(hello.metrics[i], sample.values[i]);
    }
}

QJsonValue orNull(const std::optional<double>& value) {
    return value ? QJsonValue(*value) : QJsonValue();
}

} // namespace

std::optional<double> metricValue(const Hello& hello, const shared::Snapshot& sample, std::string_view name) {
    std::optional<double> total;
    eachSeries(hello, sample, name, [&](const shared::admin::SeriesSpec& spec, const shared::Value& value) {
        const auto* number = std::get_if<double>(&value);
        if (!number)
            return;
        total = !total                             ? *number
                : spec.merge == shared::Merge::Max ? std::max(*total, *number)
                                                   : *total + *number;
    });
    return total;
}

std::optional<double> metricPercentile(const Hello& hello, const shared::Snapshot& sample,
                                       std::string_view name, double percent) {
    shared::Histogram all;
    double scale = 1;
    eachSeries(hello, sample, name, [&](const shared::admin::SeriesSpec& spec, const shared::Value& value) {
        if (const auto* buckets = std::get_if<shared::SparseBuckets>(&value)) {
            all.addBuckets(*buckets);
            scale = spec.scale;
        }
    });
    if (all.count() == 0)
        return {};
    return all.percentile(percent) * scale;
}

QJsonObject vitals(const Hello& hello, const shared::Snapshot& sample, const shared::admin::NodeInfo& node) {
    const double interval_s = double(std::max<std::int64_t>(sample.interval_ms, 1)) / 1000;
    const auto value = [&](std::string_view name) { return metricValue(hello, sample, name); };
    const auto rate = [&](std::string_view name) {
        const auto added = value(name);
        return added ? QJsonValue(*added / interval_s) : QJsonValue();
    };
    double in = 0;
    double out = 0;
    eachSeries(hello, sample, "weir_messages_total", [&](const auto& spec, const shared::Value& added) {
        const bool isIn =
            std::find(spec.labels.begin(), spec.labels.end(),
                      std::pair<std::string, std::string>("direction", "in")) != spec.labels.end();
        if (const auto* number = std::get_if<double>(&added))
            (isIn ? in : out) += *number / interval_s;
    });
    const auto milliseconds = [&](std::string_view name, double percent) {
        const auto seconds = metricPercentile(hello, sample, name, percent);
        return seconds ? QJsonValue(*seconds * 1000) : QJsonValue();
    };
    auto row = node.toJson();
    QJsonValue capacity;
    for (const auto& [key, limit] : node.limits) {
        if (key == "max_connections")
            capacity = qint64(limit);
    }
    row.insert(QStringLiteral("node"), QString::fromStdString(node.id));
    row.insert(QStringLiteral("capacity"), capacity);
    row.insert(QStringLiteral("connections"), orNull(value("weir_connections")));
    row.insert(QStringLiteral("in_per_s"), in);
    row.insert(QStringLiteral("out_per_s"), out);
    row.insert(QStringLiteral("deliveries_per_s"), rate("weir_deliveries_total"));
    row.insert(QStringLiteral("errors_per_s"), rate("weir_errors_total"));
    row.insert(QStringLiteral("p99_ms"), milliseconds("weir_delivery_seconds", 99));
    row.insert(QStringLiteral("loop_lag_ms"), milliseconds("weir_loop_lag_seconds", 99));
    row.insert(QStringLiteral("queue_bytes"), orNull(value("weir_queue_bytes")));
    row.insert(QStringLiteral("memory_bytes"), orNull(value("process_resident_memory_bytes")));
    const auto cores = rate("process_cpu_seconds_total");
    row.insert(QStringLiteral("cpu_percent"), cores.isDouble() ? QJsonValue(cores.toDouble() * 100) : cores);
    row.insert(QStringLiteral("time_ms"), qint64(sample.time_ms));
    return row;
}

const Columns& vitalsColumns() {
    static const Columns All{{"node", "NODE", Show::Text},
                             {"state", "STATE", Show::Text},
                             {"connections", "CONNS", Show::Count},
                             {"capacity", "OF", Show::Count},
                             {"in_per_s", "IN/s", Show::PerSecond},
                             {"out_per_s", "OUT/s", Show::PerSecond},
                             {"p99_ms", "P99 ms", Show::Milliseconds},
                             {"loop_lag_ms", "LAG ms", Show::Milliseconds},
                             {"errors_per_s", "ERR/s", Show::PerSecond},
                             {"queue_bytes", "QUEUE", Show::Bytes},
                             {"memory_bytes", "MEMORY", Show::Bytes},
                             {"cpu_percent", "CPU", Show::Percent},
                             {"redis", "REDIS", Show::Text},
                             {"uptime_s", "UP", Show::Seconds},
                             {"version", "VERSION", Show::Text}};
    return All;
}

} // namespace console
