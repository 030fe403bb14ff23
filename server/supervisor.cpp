// SPDX-License-Identifier: Apache-2.0
#include "server/supervisor.h"
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace server {

using shared::admin::RedisState;
using std::chrono::milliseconds;

namespace {
constexpr milliseconds StartInterval{100}, StatusInterval{5000}, EndingTakes{10000};
} // namespace

std::string statusLine(const Health& health) {
    std::string line;
    switch (health.state) {
    case HealthState::Healthy:
        line = "healthy";
        break;
    case HealthState::Degraded:
        line = "degraded";
        break;
    case HealthState::Draining:
        line = "draining";
        break;
    }
    line += fmt::format(", {} of {} clients", health.connections, health.capacity);
    switch (health.redis) {
    case RedisState::None:
        break;
    case RedisState::Up:
        line += ", Redis up";
        break;
    case RedisState::Away:
        line += ", Redis away";
        break;
    }
    if (health.state != HealthState::Draining && !health.notReady.empty())
        line += fmt::format("; not ready: {}", fmt::join(health.notReady, ", "));
    return line;
}

Supervisor::Supervisor(std::function<Health()> health, Tell tell, milliseconds watchdog)
    : m_health(std::move(health)), m_tell(std::move(tell)) {
    if (!m_tell)
        return;
    QObject::connect(&m_look, &QTimer::timeout, &m_look, [this] { look(); });
    m_look.start(StartInterval);
    if (watchdog > milliseconds(0)) {
        QObject::connect(&m_feed, &QTimer::timeout, &m_feed, [this] { feed(); });
        m_feed.start(std::max(watchdog / 2, milliseconds(1)));
        feed();
    }
    look();
}

void Supervisor::look() {
    const auto health = m_health();
    if (m_isReady)
        return tellStatus(health);
    if (health.redis == RedisState::Away && m_waited < RedisPatience) {
        m_waited += StartInterval;
        return;
    }
    m_status = statusLine(health);
    if (!m_tell(fmt::format("READY=1\nSTATUS={}", m_status)))
        return; // the supervisor's queue is full: tried again at the next look
    m_isReady = true;
    m_look.start(StatusInterval);
}

void Supervisor::tellStatus(const Health& health) {
    auto status = statusLine(health);
    if (status != m_status && m_tell("STATUS=" + status))
        m_status = std::move(status);
}

void Supervisor::feed() {
    // Main runs, or we would not be here; a shard that stands still serves nobody, and only a restart mends
    // it.
    if (m_health().stalledShards == 0)
        m_tell("WATCHDOG=1");
}

void Supervisor::stopping(milliseconds atMost) {
    if (!m_tell || std::exchange(m_isStopping, true))
        return;
    m_isReady = true; // a stop before the first word of Redis: READY would be a lie now
    m_status = statusLine(m_health());
    const std::chrono::microseconds patience = atMost + EndingTakes;
    m_tell(fmt::format("STOPPING=1\nEXTEND_TIMEOUT_USEC={}\nSTATUS={}", patience.count(), m_status));
    m_look.start(StatusInterval);
}

void Supervisor::reloading() {
    if (!m_tell)
        return;
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    m_tell(fmt::format("RELOADING=1\nMONOTONIC_USEC={}",
                       std::chrono::duration_cast<std::chrono::microseconds>(now).count()));
}

void Supervisor::reloaded() {
    if (m_tell)
        m_tell("READY=1");
}

} // namespace server
