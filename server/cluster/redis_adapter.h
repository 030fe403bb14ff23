// SPDX-License-Identifier: Apache-2.0
// The other nodes over Redis Pub/Sub, on the same wire as Socket.IO's own Redis adapter. Bus thread.
#pragma once
#include "server/cluster/redis_link.h"
#include "server/cluster/registry.h"
#include "server/core/adapter.h"
#include "server/core/counters.h"
#include "server/core/settings.h"
#include <QtCore/QTimer>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>

namespace server {

/// Two links: one subscribes, the other publishes and asks. Redis is up when both are, and it is a master.
class RedisAdapter final : public Adapter, private RedisLink::Host {
public:
    /// Everything given outlives the adapter.
    RedisAdapter(const RedisAddress& address, const Settings& settings, AdapterHost& host, Counters& counters,
                 const Clock& clock, RedisLinkTimes times = {});
    ~RedisAdapter() override;

    void start() override;
    void publish(MessagePtr message) override;
    void announce(const shared::admin::ClusterNode& row) override;
    void stop() override;

private:
    struct Waiting {
        MessagePtr message;
        TimePoint since;
        std::uint64_t bytes;
    };

    // RedisLink::Host
    void linkUp(RedisLink& link) override;
    void linkDown(RedisLink& link, RedisLinkFault fault, const std::string& sentence) override;
    void messagePushed(RedisLink& link, const Reply& push) override;
    void roundTripMeasured(RedisLink& link, std::chrono::nanoseconds time) override;
    void linkWritable(RedisLink& link) override;

    void updateState();
    void pump();
    void write(const Message& message);
    void dropOldest();
    void dropLate();

    const RedisSettings& m_settings;
    AdapterHost& m_host;
    Counters& m_counters;
    const Clock& m_clock;
    const std::string m_uid;
    std::unordered_map<std::string, NamespaceName> m_namespaces; ///< by their patterns
    RedisLink m_subscriber, m_publisher;
    Registry m_registry;
    std::deque<Waiting> m_queue; ///< bounded by queue_messages, queue_bytes and queue_age_ms
    std::uint64_t m_queueBytes = 0;
    QTimer m_ageTimer, m_beatTimer;
    bool m_isUp = false, m_wasUp = false, m_isStopped = true;
    bool m_wasPublisherUp = false;
    std::optional<RedisLinkFault> m_saidFault; ///< one line for the whole time that it is away
};

} // namespace server
