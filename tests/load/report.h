// SPDX-License-Identifier: Apache-2.0
// What a run tells in the end, and how the parts of one are added up: counts and buckets, never percentiles.
// Plain values, any thread.
#pragma once
#include "tests/load/ledger.h"
#include "tests/load/options.h"
#include "tests/load/seq_check.h"
#include "tests/load/server_use.h"
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Everybody but one in StayOneIn was cut at once.
struct StormReport {
    Backoff backoff = Backoff::Yes;
    double recoveredSeconds = 0;
    bool isRecovered = false; ///< all were back in time
    shared::Histogram stayed; ///< latency of those who were not cut, in microseconds
    Nanoseconds longest = 0;  ///< of these
};

/// Where a run stands; parts of one are where the last of them is.
enum class RunPhase { Ramp, Settling, Waiting, Measuring, Storm, Draining, Staying, Done };

/// Heartbeats that came in while it was measured, in windows of a tenth of a second.
struct PingReport {
    std::uint64_t received = 0;
    std::uint64_t most = 0; ///< in one window; of several processes at most so many
};

/// What came by another's word to everybody: events whose data begin with `{"b":NUMBER,"t":NANOSECONDS`.
struct BroadcastReport {
    std::uint64_t received = 0;
    shared::Histogram latency; ///< in microseconds
    Nanoseconds longest = 0;   ///< until the last one had it
};

struct Report {
    Scenario scenario = Scenario::Echo;
    RunPhase phase = RunPhase::Done;
    int asked = 0, open = 0;
    int ramped = 0; ///< open at the end of the ramp
    double rampSeconds = 0;
    std::uint64_t failed = 0;                ///< attempts that led to nothing
    std::uint64_t dropped = 0;               ///< joined clients that were closed by the other side
    std::uint64_t hinted = 0;                ///< of these, asked before to come back
    std::optional<std::uint64_t> compressed; ///< joins with permessage-deflate, where it was offered
    std::uint64_t measured = 0;              ///< deliveries while it was measured
    double seconds = 0;
    Ledger::Totals totals;
    std::optional<SeqCheck::Totals> seq; ///< where the dialect tells it
    std::vector<StormReport> storms;
    BroadcastReport broadcast;
    PingReport pings;
    std::optional<ServerReport> server; ///< where its processes are known
    std::string lastRefusal;            ///< a sentence, empty when there was none

    double connectsPerSecond() const;
    double deliveriesPerSecond() const;
    /// Of processes that ran at the same time.
    void add(const Report& part);
};

/// The object of `--json`, with a line end.
std::string jsonText(const Report& report);
std::string plainText(const Report& report);
/// How it goes, as one line of JSON without a line end.
std::string progressJson(const Report& report);
/// How it goes, in one line; `seconds` since `before`.
std::string progressText(const Report& now, const Report& before, double seconds);

/// A whole report as one line of JSON without a line end, and back.
std::string partText(const Report& report);
shared::Result<Report> parsePart(std::string_view text);
