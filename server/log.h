// SPDX-License-Identifier: Apache-2.0
// Where log lines go: stderr, one line each, bounded in length, rate and queue, and a tap for those who read
// along. Made and ended on main; any thread logs.
#pragma once
#include "server/core/log_tap.h"
#include "server/core/settings.h"
#include <memory>

namespace server {

/// The journal stamps lines itself and takes their priority from a prefix `<N>`.
enum class LogPlace : std::uint8_t { Plain, Journal };

/// Spdlog's default logger for as long as it lives: one process has one. Lines are handed to a writing thread
/// through a bounded queue, so that a stuck stderr never stops a shard; when the queue is full the oldest
/// line goes, and is counted.
///
/// A line about a client begins with `shard=N client=N-NUMBER `, a message's with `origin=… seq=… `: in JSON
/// these are fields of their own. No line holds a payload or a token.
class Log {
public:
    Log(const LogSettings& settings, LogPlace place);
    /// Writes what is queued, and how many were left out. What is logged afterwards goes nowhere.
    ~Log();
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    /// Level and rate as they are from now on; the format stays. Main thread.
    void configure(const LogSettings& settings);
    /// Says what was left out when no further line does; once a second or so. Main thread.
    void tick();
    /// Lines that were not written since the start: over the rate, or the queue was full. Any thread.
    std::int64_t leftOut() const;
    LogTap& tap();

private:
    struct Inner;
    std::unique_ptr<Inner> m_inner;
};

} // namespace server
