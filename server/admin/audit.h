// SPDX-License-Identifier: Apache-2.0
// Who did what to this node: the last 10,000 acts, refused ones too, in memory and in the log. Main thread.
#pragma once
#include "server/core/control.h"
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace server {

class Audit {
public:
    void record(std::int64_t unixMs, const Operator& who, std::string what, std::string outcome);
    /// Newest first, not older than `since_ms`.
    std::vector<shared::admin::AuditRow> rows(std::int64_t since_ms, std::size_t limit) const;

private:
    std::deque<shared::admin::AuditRow> m_rows;
};

} // namespace server
