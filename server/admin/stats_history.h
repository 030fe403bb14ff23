// SPDX-License-Identifier: Apache-2.0
// The last 15 minutes of every series, by the second, packed. Main thread.
#pragma once
#include "shared/admin_records.h"
#include "shared/metrics.h"
#include "shared/result.h"
#include <deque>
#include <optional>
#include <string>

namespace server {

/// A second holds only what is not zero, in variable length: some 0.5 to 2 KB of a busy node, so 2 MB in all.
/// At 8 MiB the oldest second goes early.
class StatsHistory {
public:
    static constexpr std::size_t MostSeconds = 900;
    static constexpr std::size_t MostBytes = std::size_t(8) << 20;

    explicit StatsHistory(const shared::MetricCatalog& catalog);
    void add(const shared::Snapshot& snapshot);
    /// Points of the steps that end at or after `from_ms`; what would be too long for an answer is cut, and
    /// `next_ms` says where to go on.
    shared::Result<shared::admin::HistoryAnswer> points(const shared::admin::HistoryRequest& request) const;
    std::size_t bytes() const { return m_bytes; }
    std::size_t seconds() const { return m_seconds.size(); }

private:
    struct Second {
        std::int64_t time_ms = 0;
        std::string packed;
    };
    void keep(const shared::Snapshot& second);

    const shared::MetricCatalog& m_catalog;
    std::optional<shared::Snapshot> m_gathered; ///< of the second that is not over
    std::deque<Second> m_seconds;
    std::size_t m_bytes = 0;
};

} // namespace server
