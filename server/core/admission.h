// SPDX-License-Identifier: Apache-2.0
// How many sessions the node holds and whether it takes more. One object per node; any thread (atomics, and a
// lock that is taken only where limits.per_address_connections is set).
#pragma once
#include "server/core/clock.h"
#include "server/core/settings.h"
#include "shared/metrics.h"
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

namespace server {

class Admission {
public:
    explicit Admission(std::int64_t capacity) : m_capacity(capacity) {}

    /// Descriptors that are no clients': files, peers of the cluster, operators, and handshakes.
    static constexpr std::int64_t DescriptorReserve = 512;
    /// Rates and shares, at the start and whenever they change. With evict-oldest as many newcomers as
    /// limits.handshakes_open, at most half of the reserve, may stand above the capacity until their CONNECT.
    void configure(const Settings& settings);

    /// Reserves one place; when there is none the result says why. Every accepted place is released once,
    /// with the key that it got.
    struct Outcome {
        shared::HandshakeResult result = shared::HandshakeResult::Accepted;
        std::string addressKey; ///< empty: its address is not counted
    };
    Outcome reserve(const std::string& address, TimePoint now);
    void release(const std::string& addressKey);

    /// A session enters its first namespace: true when the node holds fewer than its capacity of such. Each
    /// true is taken back once, or handed on by who is replaced.
    bool settle();
    void unsettle() { m_settled.fetch_sub(1, std::memory_order_relaxed); }

    void close() { m_isOpen.store(false, std::memory_order_relaxed); } ///< draining
    void open() { m_isOpen.store(true, std::memory_order_relaxed); }
    bool isOpen() const { return m_isOpen.load(std::memory_order_relaxed); }
    /// Above node.memory_percent; said by main once a second.
    void setMemoryShort(bool isShort) { m_isMemoryShort.store(isShort, std::memory_order_relaxed); }
    bool isMemoryShort() const { return m_isMemoryShort.load(std::memory_order_relaxed); }

    /// Handshakes under way, on all shards.
    void headOpened() { m_heads.fetch_add(1, std::memory_order_relaxed); }
    void headClosed() { m_heads.fetch_sub(1, std::memory_order_relaxed); }
    std::int64_t heads() const { return m_heads.load(std::memory_order_relaxed); }

    std::int64_t count() const { return m_count.load(std::memory_order_relaxed); }
    std::int64_t capacity() const { return m_capacity; }

private:
    bool takeRate(TimePoint now);
    bool takeAddress(const std::string& key);

    const std::int64_t m_capacity;
    std::atomic<std::int64_t> m_spare{0}, m_perSecond{0}, m_perAddress{0};
    std::atomic<std::int64_t> m_count{0}, m_settled{0}, m_heads{0};
    std::atomic<std::int64_t> m_paidUntil_ns{0}; ///< of the handshakes' rate: when what was taken is earned
    std::atomic<bool> m_isOpen{true}, m_isMemoryShort{false};
    std::mutex m_mutex;
    std::unordered_map<std::string, std::int64_t> m_byAddress; // under m_mutex
};

} // namespace server
