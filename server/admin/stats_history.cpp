// SPDX-License-Identifier: Apache-2.0
#include "server/admin/stats_history.h"
#include "server/admin/snapshots.h"
#include <cmath>
#include <cstring>
#include <limits>

namespace server {

using shared::MetricKind;
using shared::Snapshot;
using shared::SparseBuckets;
using shared::Value;
using namespace shared::admin;

namespace {

constexpr std::size_t LongestAnswer = 900 * 1024;

void putNumber(std::string& out, std::uint64_t number) {
    for (; number >= 0x80; number >>= 7)
        out += char(std::uint8_t(number | 0x80));
    out += char(std::uint8_t(number));
}

std::uint64_t takeNumber(const std::string& bytes, std::size_t& at) {
    std::uint64_t number = 0;
    for (int shift = 0;; shift += 7) {
        const auto byte = std::uint8_t(bytes[at++]);
        number |= std::uint64_t(byte & 0x7f) << shift;
        if (byte < 0x80)
            return number;
    }
}

bool isNothing(const Value& value) {
    if (const auto* number = std::get_if<double>(&value))
        return *number == 0;
    return std::get<SparseBuckets>(value).empty();
}

/// Counts fit into a few bytes, other numbers take eight: whoever reads is told which.
bool isCount(double number) {
    return number >= 0 && number < 9e15 && number == std::floor(number);
}

/// (series behind the last one, whether it is a plain double), value; only what is not zero.
std::string packed(const Snapshot& second) {
    std::string out;
    std::size_t next = 0;
    for (std::size_t series = 0; series < second.values.size(); ++series) {
        const auto& value = second.values[series];
        if (isNothing(value))
            continue;
        const auto gap = series - next;
        next = series + 1;
        if (const auto* number = std::get_if<double>(&value)) {
            putNumber(out, gap << 1 | (isCount(*number) ? 0 : 1));
            if (isCount(*number))
                putNumber(out, std::uint64_t(*number));
            else
                out.append(reinterpret_cast<const char*>(number), sizeof *number);
            continue;
        }
        const auto& buckets = std::get<SparseBuckets>(value);
        putNumber(out, gap << 1);
        putNumber(out, buckets.size());
        for (const auto& [bucket, count] : buckets) {
            putNumber(out, std::uint64_t(bucket));
            putNumber(out, count);
        }
    }
    return out;
}

/// Those of [first, first + count) out of a packed second; kinds as the catalog has them.
void unpack(const std::string& bytes, const shared::MetricCatalog& catalog, std::size_t first,
            std::vector<Value>& values) {
    std::size_t at = 0, series = 0;
    while (at < bytes.size()) {
        const auto head = takeNumber(bytes, at);
        series += std::size_t(head >> 1);
        if (series >= first + values.size())
            return;
        Value value;
        if (catalog.series()[series].row->kind == MetricKind::Histogram) {
            auto& buckets = value.emplace<SparseBuckets>();
            for (auto left = takeNumber(bytes, at); left > 0; --left) {
                const auto bucket = takeNumber(bytes, at);
                buckets.emplace_back(int(bucket), takeNumber(bytes, at));
            }
        } else if ((head & 1) != 0) {
            double number = 0;
            std::memcpy(&number, bytes.data() + at, sizeof number);
            at += sizeof number;
            value = number;
        } else {
            value = double(takeNumber(bytes, at));
        }
        if (series >= first)
            values[series - first] = std::move(value);
        ++series;
    }
}

/// About what it takes as JSON.
std::size_t weight(const Value& value) {
    const auto* buckets = std::get_if<SparseBuckets>(&value);
    return buckets == nullptr ? 20 : 4 + buckets->size() * 14;
}

} // namespace

StatsHistory::StatsHistory(const shared::MetricCatalog& catalog) : m_catalog(catalog) {}

void StatsHistory::add(const Snapshot& snapshot) {
    if (m_gathered && m_gathered->time_ms / 1000 == snapshot.time_ms / 1000)
        return extend(*m_gathered, snapshot, m_catalog);
    if (m_gathered)
        keep(*m_gathered);
    m_gathered = snapshot;
}

void StatsHistory::keep(const Snapshot& second) {
    m_seconds.push_back({second.time_ms / 1000 * 1000, packed(second)});
    m_bytes += m_seconds.back().packed.size();
    while (m_seconds.size() > MostSeconds || m_bytes > MostBytes) {
        m_bytes -= m_seconds.front().packed.size();
        m_seconds.pop_front();
    }
}

shared::Result<HistoryAnswer> StatsHistory::points(const HistoryRequest& request) const {
    const auto all = m_catalog.series();
    std::size_t first = 0;
    while (first < all.size() && all[first].row->name != request.metric)
        ++first;
    if (first == all.size())
        return shared::failure(shared::ErrorCode::NotFound, "metric: hello lists them all; this is none");
    HistoryAnswer answer;
    answer.metric = request.metric;
    answer.step_ms = (request.step_ms + 999) / 1000 * 1000;
    for (auto at = first; at < all.size() && all[at].row == all[first].row; ++at)
        answer.series.push_back({all[at].labels, {}});
    const auto kind = all[first].row->kind;
    const auto empty = kind == MetricKind::Histogram ? Value(SparseBuckets()) : Value(0.0);
    std::vector<Value> second;
    std::size_t bytes = 0;
    for (const auto& row : m_seconds) {
        const auto end = (row.time_ms + answer.step_ms - 1) / answer.step_ms * answer.step_ms;
        if (end < request.from_ms)
            continue;
        const bool isNew = answer.times_ms.empty() || answer.times_ms.back() != end;
        if (isNew && bytes > LongestAnswer) {
            answer.next_ms = end;
            break;
        }
        second.assign(answer.series.size(), empty);
        unpack(row.packed, m_catalog, first, second);
        if (isNew)
            answer.times_ms.push_back(end);
        for (std::size_t series = 0; series < second.size(); ++series) {
            bytes += weight(second[series]);
            auto& values = answer.series[series].values;
            if (isNew)
                values.push_back(std::move(second[series]));
            else
                extend(values.back(), second[series], kind);
        }
    }
    return answer;
}

} // namespace server
