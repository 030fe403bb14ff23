// SPDX-License-Identifier: Apache-2.0
// Tells the supervisor that started the node (systemd, or whoever speaks sd_notify) how the node is. Main
// thread.
#pragma once
#include "server/core/control.h"
#include <QTimer>
#include <chrono>
#include <functional>
#include <string>

namespace server {

class Supervisor {
public:
    /// Passes assignments, one a line, to the supervisor; false when they could not be passed now.
    using Tell = std::function<bool(const std::string&)>;

    /// Begins at once, for the node listens already. An empty `tell`: nobody wants to know, and nothing runs.
    /// `watchdog`: the silence after which the supervisor takes the node for dead; 0: it does not watch.
    Supervisor(std::function<Health()> health, Tell tell, std::chrono::milliseconds watchdog);
    Supervisor(const Supervisor&) = delete;
    Supervisor& operator=(const Supervisor&) = delete;

    /// `atMost`: how long the drain may take, so that nobody kills the node in the middle of it.
    void stopping(std::chrono::milliseconds atMost);
    void reloading();
    void reloaded();

    /// How long the start waits for the first word of Redis before it is called degraded.
    static constexpr std::chrono::milliseconds RedisPatience{3000};

private:
    void look();
    void feed();
    void tellStatus(const Health& health);

    const std::function<Health()> m_health;
    const Tell m_tell;
    bool m_isReady = false, m_isStopping = false;
    std::chrono::milliseconds m_waited{0};
    std::string m_status;
    QTimer m_look, m_feed;
};

/// What `systemctl status` shows of the node.
std::string statusLine(const Health& health);

} // namespace server
