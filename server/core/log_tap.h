// SPDX-License-Identifier: Apache-2.0
// The newest log lines, kept for whoever reads along. The log's writing thread puts, main reads; any thread
// may call.
#pragma once
#include "shared/admin_records.h"
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

namespace server {

using shared::admin::LogLevel;

/// A line as it was logged: after the level and the rate limit, with no control character in it.
struct LogLine {
    std::int64_t unix_ms = 0;
    LogLevel level = LogLevel::Info;
    std::string logger; ///< "node", or "shard N" when the line is about a client
    std::string text;   ///< begins with `shard=N client=N-NUMBER ` when the line is about a client
};

/// Bounded: the oldest line goes, and whoever has not read it is told how many it missed. Each reader keeps
/// its own cursor, so that any number may read.
class LogTap {
public:
    static constexpr std::size_t MostLines = 1000;
    struct Read {
        std::vector<LogLine> lines;
        std::uint64_t cursor = 0; ///< for the next read
        std::uint64_t missed = 0; ///< lines after the given cursor that are gone
    };

    void put(LogLine line) {
        const std::lock_guard lock(m_mutex);
        if (m_lines.size() == MostLines)
            m_lines.pop_front();
        m_lines.push_back(std::move(line));
        ++m_end;
    }
    /// What came since `cursor`, oldest first, at most `limit`; 0 is the oldest line that is kept.
    Read read(std::uint64_t cursor, std::size_t limit = MostLines) const {
        const std::lock_guard lock(m_mutex);
        const auto oldest = m_end - m_lines.size();
        Read result;
        if (cursor > 0 && cursor < oldest)
            result.missed = oldest - cursor;
        auto at = cursor < oldest ? oldest : cursor;
        for (; at < m_end && result.lines.size() < limit; ++at)
            result.lines.push_back(m_lines[std::size_t(at - oldest)]);
        result.cursor = at;
        return result;
    }
    /// Behind the newest line: what a reader begins with that wants only what comes.
    std::uint64_t end() const {
        const std::lock_guard lock(m_mutex);
        return m_end;
    }

private:
    mutable std::mutex m_mutex;
    std::deque<LogLine> m_lines; ///< guarded by m_mutex, as is m_end
    std::uint64_t m_end = 1;     ///< number of the next line; 0 is no line's
};

} // namespace server
