// SPDX-License-Identifier: Apache-2.0
#include "server/net/fault_log.h"
#include "server/net/handshake.h"
#include <chrono>
#include <spdlog/spdlog.h>

namespace server {

void FaultLog::line(TimePoint now, std::string_view client, std::string_view sentence) {
    tick(now);
    if (m_settings.linesPerSecond > 0 && m_lines >= m_settings.linesPerSecond) {
        ++m_leftOut;
        return;
    }
    ++m_lines;
    spdlog::info("shard={} client={} {}", m_shard.value(), client, printable(sentence));
}

void FaultLog::tick(TimePoint now) {
    if (now - m_since < std::chrono::seconds(1))
        return;
    if (m_leftOut > 0)
        spdlog::info("shard={} {} more lines about clients were left out", m_shard.value(), m_leftOut);
    m_since = now;
    m_lines = 0;
    m_leftOut = 0;
}

} // namespace server
