// SPDX-License-Identifier: Apache-2.0
// limits.messages_per_s for one session: a bucket of tokens, and for how long the client was kept waiting.
// Plain value, shard thread.
#pragma once
#include "server/core/clock.h"
#include "server/core/settings.h"
#include <algorithm>
#include <chrono>
#include <optional>

namespace server {

class Throttle {
public:
    /// One more message. Past the rate: the time for which the client must not be read, so that on the whole
    /// it sends at the rate. The message itself is still taken: nothing is dropped.
    std::optional<std::chrono::nanoseconds> take(TimePoint now, const LimitSettings& limits) {
        const auto rate = double(limits.messagesPerSecond);
        const double burst = limits.messagesBurst > 0 ? double(limits.messagesBurst) : 2 * rate;
        const double refilled = std::chrono::duration<double>(now - m_at).count() * rate;
        m_tokens = m_at == TimePoint() ? burst : std::min(burst, m_tokens + refilled);
        m_tokens -= 1;
        m_at = now;
        if (m_tokens >= 0 || m_isHeld)
            return std::nullopt;
        if (now - m_readAgainAt > Forgiven)
            m_heldFor = {};
        m_isHeld = true;
        m_heldAt = now;
        return std::chrono::nanoseconds(std::int64_t(-m_tokens / rate * 1e9));
    }
    /// It is read again.
    void release(TimePoint now) {
        m_isHeld = false;
        m_readAgainAt = now;
        m_heldFor += now - m_heldAt;
    }
    /// It was kept waiting for 10 s with no second between in which it kept to the rate.
    bool isExceeded() const { return m_heldFor >= Patience; }
    /// What the client has said may lie unread because of us.
    bool isBehind(TimePoint now) const { return m_isHeld || now - m_readAgainAt <= Forgiven; }

private:
    static constexpr std::chrono::seconds Patience{10}, Forgiven{1};
    double m_tokens = 0;
    TimePoint m_at{}, m_heldAt{}, m_readAgainAt{};
    TimePoint::duration m_heldFor{};
    bool m_isHeld = false;
};

} // namespace server
