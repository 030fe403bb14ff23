// SPDX-License-Identifier: Apache-2.0
#include "server/admin/prometheus.h"
#include <cmath>
#include <limits>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <sstream>

namespace server {

namespace {

using shared::MetricKind;
using shared::SparseBuckets;

/// 1, 2.5, 5 times each power of ten of the metric's range, in its unit.
std::vector<double> bounds(const shared::MetricRow& row) {
    const bool isCount = row.scale == 1;
    const bool isAge = !isCount && row.scale >= 0.001;
    const int from = isCount || isAge ? 0 : -3; // 1, 1 s, or 1 ms
    const double most = isCount ? 1e6 : isAge ? 86400 : 10;
    std::vector<double> all;
    for (int exponent = from;; ++exponent) {
        for (const double factor : {1.0, 2.5, 5.0}) {
            const double bound =
                exponent < 0 ? factor / std::pow(10.0, -exponent) : factor * std::pow(10.0, exponent);
            if (bound >= most) {
                all.push_back(most);
                return all;
            }
            if (!isCount || bound != 2.5) // nobody counts halves
                all.push_back(bound);
        }
    }
}

double middle(int bucket) {
    const auto begin = double(shared::histogramBucketBegin(bucket));
    if (bucket < 16)
        return begin; // one value a bucket
    return (begin + double(shared::histogramBucketBegin(bucket + 1))) / 2;
}

void fillHistogram(const shared::MetricRow& row, const SparseBuckets& buckets,
                   prometheus::ClientMetric& metric) {
    auto& histogram = metric.histogram;
    std::size_t next = 0;
    std::uint64_t cumulative = 0;
    double sum = 0;
    for (const double bound : bounds(row)) {
        for (; next < buckets.size() && middle(buckets[next].first) * row.scale <= bound * (1 + 1e-9); ++next)
            cumulative += buckets[next].second;
        histogram.bucket.push_back({cumulative, bound});
    }
    std::uint64_t count = 0;
    for (const auto& [bucket, amount] : buckets) {
        count += amount;
        sum += middle(bucket) * row.scale * double(amount);
    }
    histogram.bucket.push_back({count, std::numeric_limits<double>::infinity()});
    histogram.sample_count = count;
    histogram.sample_sum = sum;
}

} // namespace

std::string prometheusText(const shared::MetricCatalog& catalog, const std::vector<shared::Value>& totals) {
    std::vector<prometheus::MetricFamily> families;
    const shared::MetricRow* last = nullptr;
    const auto series = catalog.series();
    for (std::size_t i = 0; i < series.size() && i < totals.size(); ++i) {
        const auto& row = *series[i].row;
        if (&row != last) {
            last = &row;
            auto& family = families.emplace_back();
            family.name = row.name;
            family.help = row.help;
            switch (row.kind) {
            case MetricKind::Counter:
                family.type = prometheus::MetricType::Counter;
                break;
            case MetricKind::Gauge:
                family.type = prometheus::MetricType::Gauge;
                break;
            case MetricKind::Histogram:
                family.type = prometheus::MetricType::Histogram;
                break;
            }
        }
        auto& metric = families.back().metric.emplace_back();
        for (const auto& [name, value] : series[i].labels)
            metric.label.push_back({name, value});
        switch (row.kind) {
        case MetricKind::Counter:
            metric.counter.value = std::get<double>(totals[i]);
            break;
        case MetricKind::Gauge:
            metric.gauge.value = std::get<double>(totals[i]);
            break;
        case MetricKind::Histogram:
            fillHistogram(row, std::get<SparseBuckets>(totals[i]), metric);
            break;
        }
    }
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, families);
    return out.str();
}

} // namespace server
