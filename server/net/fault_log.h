// SPDX-License-Identifier: Apache-2.0
// Lines about clients' faults: at most so many a second, the rest is counted and told in one line. One
// thread.
#pragma once
#include "server/core/clock.h"
#include <cstdint>
#include <string>
#include <string_view>

namespace server {

class FaultLog {
public:
    /// `linesPerSecond` 0: no limit.
    FaultLog(std::string who, std::int64_t linesPerSecond) : m_who(std::move(who)), m_limit(linesPerSecond) {}
    void line(TimePoint now, std::string_view client, std::string_view sentence);
    /// Each second or more often: says what was left out.
    void tick(TimePoint now);

private:
    const std::string m_who;
    const std::int64_t m_limit;
    TimePoint m_since{};
    std::int64_t m_lines = 0;
    std::int64_t m_leftOut = 0;
};

} // namespace server
