// SPDX-License-Identifier: Apache-2.0
#include "server/net/fault_log.h"
#include "server/net/handshake.h"
#include <chrono>
#include <spdlog/spdlog.h>

namespace server {

void FaultLog::line(TimePoint now, std::string_view client, std::string_view sentence) {
    tick(now);
    if (m_limit > 0 && m_lines >= m_limit) {
        ++m_leftOut;
        return;
    }
    ++m_lines;
    spdlog::info("{}: client {}: {}", m_who, client, printable(sentence));
}

void FaultLog::tick(TimePoint now) {
    if (now - m_since < std::chrono::seconds(1))
        return;
    if (m_leftOut > 0)
        spdlog::info("{}: {} more lines about clients were left out", m_who, m_leftOut);
    m_since = now;
    m_lines = 0;
    m_leftOut = 0;
}

} // namespace server
