// SPDX-License-Identifier: Apache-2.0
#include "server/core/admission.h"
#include "shared/network.h"
#include <algorithm>

namespace server {

using shared::HandshakeResult;

namespace {

constexpr std::int64_t Second_ns = 1000000000;
constexpr std::size_t NetworkBytes = 8; // of an IPv6 address: whoever has one has all of its network

/// Empty for a peer without an IP address.
std::string keyOf(const std::string& address) {
    auto bytes = shared::addressOfPeer(address);
    if (!bytes)
        return {};
    bytes->resize(std::min(bytes->size(), NetworkBytes));
    return {bytes->begin(), bytes->end()};
}

} // namespace

void Admission::configure(const Settings& settings) {
    const auto spare = std::min(settings.limits.handshakesOpen, DescriptorReserve / 2);
    m_spare.store(settings.node.atCapacity == AtCapacity::EvictOldest ? spare : 0, std::memory_order_relaxed);
    m_perSecond.store(settings.limits.handshakesPerSecond, std::memory_order_relaxed);
    m_perAddress.store(settings.limits.perAddressConnections, std::memory_order_relaxed);
}

Admission::Outcome Admission::reserve(const std::string& address, TimePoint now) {
    if (!isOpen())
        return {HandshakeResult::Draining, {}};
    if (isMemoryShort())
        return {HandshakeResult::Memory, {}};
    const auto most = m_capacity + m_spare.load(std::memory_order_relaxed);
    if (m_count.fetch_add(1, std::memory_order_relaxed) >= most) {
        m_count.fetch_sub(1, std::memory_order_relaxed);
        return {HandshakeResult::Full, {}};
    }
    std::string key;
    if (m_perAddress.load(std::memory_order_relaxed) > 0) {
        key = keyOf(address);
        if (!key.empty() && !takeAddress(key)) {
            m_count.fetch_sub(1, std::memory_order_relaxed);
            return {HandshakeResult::PerAddress, {}};
        }
    }
    if (!takeRate(now)) {
        release(key);
        return {HandshakeResult::RateLimited, {}};
    }
    return {HandshakeResult::Accepted, std::move(key)};
}

void Admission::release(const std::string& key) {
    m_count.fetch_sub(1, std::memory_order_relaxed);
    if (key.empty())
        return;
    const std::lock_guard lock(m_mutex);
    const auto found = m_byAddress.find(key);
    if (found != m_byAddress.end() && --found->second == 0)
        m_byAddress.erase(found);
}

bool Admission::settle() {
    auto settled = m_settled.load(std::memory_order_relaxed);
    while (settled < m_capacity)
        if (m_settled.compare_exchange_weak(settled, settled + 1, std::memory_order_relaxed))
            return true;
    return false;
}

/// A bucket that holds one second's worth, as the time until which its emptiness lasts.
bool Admission::takeRate(TimePoint now) {
    const auto perSecond = m_perSecond.load(std::memory_order_relaxed);
    if (perSecond <= 0)
        return true;
    const auto now_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(now.time_since_epoch()).count();
    const auto price = Second_ns / perSecond;
    auto paidUntil = m_paidUntil_ns.load(std::memory_order_relaxed);
    for (;;) {
        const auto next = std::max(paidUntil, now_ns) + price;
        if (next - now_ns > Second_ns)
            return false;
        if (m_paidUntil_ns.compare_exchange_weak(paidUntil, next, std::memory_order_relaxed))
            return true;
    }
}

bool Admission::takeAddress(const std::string& key) {
    const std::lock_guard lock(m_mutex);
    auto& count = m_byAddress[key];
    if (count >= m_perAddress.load(std::memory_order_relaxed)) {
        if (count == 0)
            m_byAddress.erase(key);
        return false;
    }
    ++count;
    return true;
}

} // namespace server
