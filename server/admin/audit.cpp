// SPDX-License-Identifier: Apache-2.0
#include "server/admin/audit.h"
#include <spdlog/spdlog.h>

namespace server {

namespace {
constexpr std::size_t MostRows = 10000, LongestText = 500;
} // namespace

void Audit::record(std::int64_t unixMs, const Operator& who, std::string what, std::string outcome) {
    what.resize(std::min(what.size(), LongestText));
    outcome.resize(std::min(outcome.size(), LongestText));
    spdlog::info("audit who={} from={} what=\"{}\" outcome=\"{}\"", who.name, who.from, what, outcome);
    m_rows.push_back({unixMs, who.name, who.from, std::move(what), std::move(outcome)});
    if (m_rows.size() > MostRows)
        m_rows.pop_front();
}

std::vector<shared::admin::AuditRow> Audit::rows(std::int64_t since_ms, std::size_t limit) const {
    std::vector<shared::admin::AuditRow> found;
    for (auto row = m_rows.rbegin(); row != m_rows.rend() && found.size() < limit; ++row)
        if (row->time_ms >= since_ms)
            found.push_back(*row);
    return found;
}

} // namespace server
