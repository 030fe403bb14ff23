// SPDX-License-Identifier: Apache-2.0
// How many sessions the node holds and whether it takes more. One object per node; any thread (atomics).
#pragma once
#include "shared/metrics.h"
#include <atomic>
#include <cstdint>

namespace server {

class Admission {
public:
    explicit Admission(std::int64_t capacity) : m_capacity(capacity) {}
    /// Reserves one place; when there is none the result says why. Every accepted place is released once.
    shared::HandshakeResult reserve() {
        if (!m_isOpen.load(std::memory_order_relaxed))
            return shared::HandshakeResult::Draining;
        if (m_count.fetch_add(1, std::memory_order_relaxed) >= m_capacity) {
            m_count.fetch_sub(1, std::memory_order_relaxed);
            return shared::HandshakeResult::Full;
        }
        return shared::HandshakeResult::Accepted;
    }
    void release() { m_count.fetch_sub(1, std::memory_order_relaxed); }
    void close() { m_isOpen.store(false, std::memory_order_relaxed); } ///< draining
    void open() { m_isOpen.store(true, std::memory_order_relaxed); }
    bool isOpen() const { return m_isOpen.load(std::memory_order_relaxed); }
    std::int64_t count() const { return m_count.load(std::memory_order_relaxed); }
    std::int64_t capacity() const { return m_capacity; }

private:
    const std::int64_t m_capacity;
    std::atomic<std::int64_t> m_count{0};
    std::atomic<bool> m_isOpen{true};
};

} // namespace server
