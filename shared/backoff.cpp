// SPDX-License-Identifier: Apache-2.0
#include "shared/backoff.h"
#include <algorithm>

namespace shared {

Backoff::Backoff(std::chrono::milliseconds first, std::chrono::milliseconds most, std::uint32_t seed)
    : m_first(std::max(first, std::chrono::milliseconds(1))), m_most(std::max(most, m_first)),
      m_current(m_first), m_random(seed) {}

std::chrono::milliseconds Backoff::next() {
    std::uniform_int_distribution<std::int64_t> wait(m_first.count() / 2, m_current.count());
    const std::chrono::milliseconds result(wait(m_random));
    // Compared before doubling: the sum cannot overflow.
    m_current = m_current > m_most / 2 ? m_most : m_current * 2;
    return result;
}

void Backoff::reset() {
    m_current = m_first;
}

} // namespace shared
