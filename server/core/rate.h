// SPDX-License-Identifier: Apache-2.0
// Events per second, decaying over 10 s, in 8 bytes. Plain value, one thread.
#pragma once
#include "server/core/clock.h"
#include <cmath>
#include <cstdint>

namespace server {

class Rate {
public:
    void add(TimePoint now) {
        m_value = value(now) + 0.1F;
        m_at = ticks(now);
    }
    float value(TimePoint now) const {
        return m_value == 0 ? 0 : m_value * std::exp(-float(ticks(now) - m_at) / (10 * TicksPerSecond));
    }

private:
    static constexpr float TicksPerSecond = 64; ///< wraps after two years: differences are taken modulo 2^32
    static std::uint32_t ticks(TimePoint time) {
        using Ticks = std::chrono::duration<std::int64_t, std::ratio<1, 64>>;
        return std::uint32_t(std::chrono::duration_cast<Ticks>(time.time_since_epoch()).count());
    }
    float m_value = 0;
    std::uint32_t m_at = 0;
};

} // namespace server
