// SPDX-License-Identifier: GPL-3.0-or-later
// What one node told about itself, in three tiers: each second for 15 minutes, each ten seconds for 3 hours,
// each minute for 24 hours. Counters add, gauges keep the last and the highest value, histograms add buckets;
// a percentile is computed only where it is shown. Main thread.
#pragma once
#include "shared/admin_protocol.h"
#include "shared/metrics.h"
#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace console {

enum class Tier : std::uint8_t { Second, TenSeconds, Minute };

struct TierSpec {
    std::int64_t step_ms;
    std::size_t most; ///< samples that are kept
};
inline constexpr std::array<TierSpec, 3> Tiers{{{1000, 900}, {10'000, 1080}, {60'000, 1440}}};
inline constexpr const TierSpec& spec(Tier tier) {
    return Tiers[std::size_t(tier)];
}

/// One interval of one tier. Numbers and histograms lie apart; History::place says where a series is.
struct Sample {
    std::int64_t end_ms = 0;     ///< end of the interval, on the console's clock
    std::int64_t covered_ms = 0; ///< how much time was really seen: rates divide by this
    std::vector<double> last;    ///< counters: the sum; gauges: the last value
    std::vector<double> most;    ///< gauges: the highest value
    std::vector<shared::SparseBuckets> buckets;
};

class History {
public:
    /// The series that following snapshots hold. What was kept of the same series stays.
    void announce(const std::vector<shared::admin::SeriesSpec>& series);
    /// `end_ms` is the snapshot's time on the console's clock. Older or malformed ones are ignored.
    void append(const shared::Snapshot& snapshot, std::int64_t end_ms);

    const std::vector<shared::admin::SeriesSpec>& series() const { return m_series; }
    /// Series of `metric` whose labels hold all of `labels`.
    std::vector<std::size_t> find(std::string_view metric,
                                  const std::vector<std::pair<std::string, std::string>>& labels = {}) const;
    /// Where series `index` lies in Sample::last, or in Sample::buckets when it is a histogram.
    std::size_t place(std::size_t index) const { return m_places[index]; }

    std::size_t size(Tier tier) const;
    /// Oldest first; the last one may still be growing.
    const Sample& at(Tier tier, std::size_t index) const;
    bool isEmpty() const { return m_rings[0].samples.empty(); }
    std::int64_t firstEnd_ms() const { return m_firstEnd_ms; }
    std::int64_t lastEnd_ms() const { return m_lastEnd_ms; }

private:
    struct Ring {
        std::deque<Sample> samples;
        Sample open;
        bool isOpen = false;
    };
    void merge(Sample& into, const Sample& sample) const;

    std::vector<shared::admin::SeriesSpec> m_series;
    std::vector<std::size_t> m_places;
    std::vector<bool> m_isGauge; ///< by place in Sample::last
    std::size_t m_numbers = 0, m_histograms = 0;
    std::array<Ring, 3> m_rings;
    std::int64_t m_firstEnd_ms = 0, m_lastEnd_ms = 0;
};

} // namespace console
