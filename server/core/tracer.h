// SPDX-License-Identifier: Apache-2.0
// Tells operators what the connections that they trace say and hear: names and sizes, never payloads. Exists
// for sessions only while somebody traces. Shard thread.
#pragma once
#include "server/core/clock.h"
#include "server/core/request.h"
#include "shared/admin_records.h"
#include "shared/filter.h"
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace server {

class Session;

/// A trace that runs; main names it.
struct TraceSpec {
    std::uint64_t id = 0;
    std::shared_ptr<const shared::Filter> filter;
    double sample = 1; ///< the part of the events that is told
};
/// What a shard saw for one trace.
struct TraceLines {
    std::uint64_t trace = 0;
    std::vector<shared::admin::TraceLine> lines;
};

class Tracer {
public:
    /// Lines of one trace and shard in a second; what is more is counted in the next line.
    static constexpr int MostLinesPerSecond = 500;

    explicit Tracer(const Clock& clock) : m_clock(clock) {}
    /// All that run from now on.
    void set(std::vector<TraceSpec> traces);
    bool isActive() const { return !m_traces.empty(); }

    void received(const Session& session, const Request& request, std::size_t bytes);
    void sent(const Session& session, const Event& event, std::size_t bytes);
    void opened(const Session& session);
    void ended(const Session& session, std::string_view reason);

    /// What was gathered since the last call.
    std::vector<TraceLines> take();

private:
    struct Trace {
        TraceSpec spec;
        std::vector<shared::admin::TraceLine> lines;
        TimePoint second{}; ///< in which `told` were told
        int told = 0;
        std::int64_t dropped = 0;
    };
    void tell(const Session& session, const shared::admin::TraceLine& line);
    bool isChosen(double sample);

    const Clock& m_clock;
    std::vector<Trace> m_traces;
    std::uint64_t m_random = 0x9e3779b97f4a7c15; ///< chooses samples; nobody gains by guessing it
};

} // namespace server
