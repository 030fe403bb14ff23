// SPDX-License-Identifier: Apache-2.0
// Exponential back-off with full jitter. One owner, any thread.
#pragma once
#include <chrono>
#include <random>

namespace shared {

class Backoff {
public:
    Backoff(std::chrono::milliseconds first, std::chrono::milliseconds most, std::uint32_t seed);
    /// The next wait: uniform in [first/2, current]; current doubles up to `most`.
    std::chrono::milliseconds next();
    void reset();

private:
    std::chrono::milliseconds m_first, m_most, m_current;
    std::minstd_rand m_random;
};

} // namespace shared
