// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/redis_adapter.h"
#include "server/cluster/envelope.h"
#include <array>

namespace server {

using shared::ErrorKind;
using shared::Metric;
using shared::admin::RedisState;

namespace {

constexpr std::chrono::milliseconds AgeCheckEvery{100};

std::vector<std::string> patternsOf(const Settings& settings) {
    std::vector<std::string> patterns;
    for (const auto& nsp : settings.broker.namespaces)
        patterns.push_back(patternOf(settings.redis.keyPrefix, nsp));
    return patterns;
}

} // namespace

RedisAdapter::RedisAdapter(const RedisAddress& address, const Settings& settings, AdapterHost& host,
                           Counters& counters, const Clock& clock, RedisLinkTimes times)
    : m_settings(settings.redis), m_host(host), m_counters(counters), m_clock(clock), m_uid(makeUid()),
      m_subscriber(address, patternsOf(settings), *this, clock, times),
      m_publisher(address, {}, *this, clock, times),
      m_registry(settings.redis.keyPrefix, m_publisher, host, clock) {
    for (const auto& nsp : settings.broker.namespaces)
        m_namespaces.emplace(patternOf(settings.redis.keyPrefix, nsp), NamespaceName(nsp));
    QObject::connect(&m_ageTimer, &QTimer::timeout, &m_ageTimer, [this] { dropLate(); });
    QObject::connect(&m_beatTimer, &QTimer::timeout, &m_beatTimer, [this] { m_registry.beat(); });
}

RedisAdapter::~RedisAdapter() = default;

void RedisAdapter::start() {
    m_isStopped = false;
    m_host.redisStateChanged(RedisState::Away);
    m_subscriber.start();
    m_publisher.start();
    m_ageTimer.start(AgeCheckEvery);
    m_beatTimer.start(Registry::BeatInterval);
}

void RedisAdapter::stop() {
    if (m_isStopped)
        return;
    pump();
    m_isStopped = true;
    m_ageTimer.stop();
    m_beatTimer.stop();
    m_registry.leave();
    m_publisher.stop();
    m_subscriber.stop();
}

void RedisAdapter::announce(const shared::admin::ClusterNode& row) {
    m_registry.announce(row);
}

// Out
// ------------------------------------------------------------------------------------------------------------

void RedisAdapter::publish(MessagePtr message) {
    if (m_isStopped)
        return;
    const auto bytes = message->size().count();
    m_queue.push_back(Waiting{std::move(message), m_clock.now(), bytes});
    m_queueBytes += bytes;
    pump();
    while (!m_queue.empty() && (m_queue.size() > std::size_t(m_settings.queueMessages) ||
                                m_queueBytes > m_settings.queueBytes.count()))
        dropOldest();
    m_counters.set(Metric::RedisQueueMessages, std::int64_t(m_queue.size()));
}

/// What is written before our own subscription stands would reach others that may have none yet either.
void RedisAdapter::pump() {
    while (m_isUp && !m_queue.empty() && m_publisher.hasRoom()) {
        const Waiting next = std::move(m_queue.front());
        m_queue.pop_front();
        m_queueBytes -= next.bytes;
        if (m_clock.now() - next.since > m_settings.queueAge)
            m_counters.add(Metric::RedisDroppedTotal);
        else
            write(*next.message);
    }
    m_counters.set(Metric::RedisQueueMessages, std::int64_t(m_queue.size()));
}

void RedisAdapter::write(const Message& message) {
    const auto envelope = encodeEnvelope(message, m_uid);
    if (!envelope) {
        m_counters.add(Metric::RedisDroppedTotal);
        m_host.errorSeen(ErrorKind::BadEnvelope,
                         "a message cannot be told to the other nodes: " + envelope.error().message);
        return;
    }
    const auto channel = channelOf(message, m_settings.keyPrefix);
    const std::array<std::string_view, 3> words{"PUBLISH", channel, *envelope};
    const bool isWritten = m_publisher.command(words, [this](const Reply* reply) {
        if (reply && reply->kind != Reply::Kind::Error)
            return;
        // Without an answer nobody knows whether it arrived; a second time it would be doubled.
        m_counters.add(Metric::RedisDroppedTotal);
        if (reply)
            m_host.errorSeen(ErrorKind::RedisError,
                             "Redis does not let us publish: " +
                                 reply->text.substr(0, std::min(reply->text.find(' '), std::size_t(32))));
    });
    if (!isWritten)
        m_counters.add(Metric::RedisDroppedTotal);
}

void RedisAdapter::dropOldest() {
    m_queueBytes -= m_queue.front().bytes;
    m_queue.pop_front();
    m_counters.add(Metric::RedisDroppedTotal);
}

void RedisAdapter::dropLate() {
    const auto now = m_clock.now();
    while (!m_queue.empty() && now - m_queue.front().since > m_settings.queueAge)
        dropOldest();
    pump(); // Redis may have been slow to answer and is not any more
}

// The links
// ------------------------------------------------------------------------------------------------------

void RedisAdapter::updateState() {
    const bool isUp = m_subscriber.isUp() && m_publisher.isUp();
    if (isUp == m_isUp)
        return;
    m_isUp = isUp;
    m_host.redisStateChanged(isUp ? RedisState::Up : RedisState::Away);
    if (isUp) {
        if (std::exchange(m_wasUp, true))
            m_counters.add(Metric::RedisReconnectsTotal);
        m_saidFault.reset();
        pump();
    }
}

void RedisAdapter::linkUp(RedisLink& link) {
    if (&link == &m_publisher) {
        m_wasPublisherUp = true;
        m_registry.beat();
    }
    updateState();
}

void RedisAdapter::linkDown(RedisLink& link, RedisLinkFault fault, const std::string& sentence) {
    if (m_saidFault != fault) {
        m_saidFault = fault;
        m_host.errorSeen(ErrorKind::RedisError, sentence);
    }
    if (&link == &m_publisher && std::exchange(m_wasPublisherUp, false)) {
        // The address may lead to another server now: both links must be on the same one.
        m_subscriber.stop();
        m_subscriber.start();
    }
    updateState();
}

void RedisAdapter::messagePushed(RedisLink&, const Reply& push) {
    if (push.elements.size() < 4)
        return;
    const auto nsp = m_namespaces.find(push.elements[1].text);
    if (nsp == m_namespaces.end())
        return;
    auto opened = decodeEnvelope(push.elements[3].text, m_uid, nsp->second);
    if (!opened)
        m_host.errorSeen(ErrorKind::BadEnvelope, opened.error().message);
    else if (auto* message = std::get_if<Message>(&*opened))
        m_host.messageReceived(std::move(*message));
}

void RedisAdapter::roundTripMeasured(RedisLink&, std::chrono::nanoseconds time) {
    m_counters.observe(Metric::RedisRoundTripSeconds, time);
}

void RedisAdapter::linkWritable(RedisLink& link) {
    if (&link == &m_publisher)
        pump();
}

} // namespace server
