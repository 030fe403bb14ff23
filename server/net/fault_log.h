// SPDX-License-Identifier: Apache-2.0
// Lines about clients' faults: at most so many a second, the rest is counted and told in one line. One
// thread.
#pragma once
#include "server/core/clock.h"
#include "server/core/settings.h"
#include <cstdint>
#include <string_view>

namespace server {

class FaultLog {
public:
    /// `settings` outlive it; their rate is read at each line.
    FaultLog(shared::ShardIndex shard, const LogSettings& settings) : m_shard(shard), m_settings(settings) {}
    void line(TimePoint now, std::string_view client, std::string_view sentence);
    /// Each second or more often: says what was left out.
    void tick(TimePoint now);

private:
    const shared::ShardIndex m_shard;
    const LogSettings& m_settings;
    TimePoint m_since{};
    std::int64_t m_lines = 0;
    std::int64_t m_leftOut = 0;
};

} // namespace server
