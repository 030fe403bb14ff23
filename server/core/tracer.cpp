// SPDX-License-Identifier: Apache-2.0
#include "server/core/tracer.h"
#include "server/core/session.h"
#include <algorithm>
#include <utility>

namespace server {

using shared::Direction;
using shared::admin::TraceLine;

namespace {

constexpr std::chrono::seconds Second{1};
constexpr std::size_t LongestName = 256;

TraceLine line(Direction direction, const char* what, const NamespaceName* nsp = nullptr,
               std::string_view event = {}, std::size_t attachments = 0) {
    TraceLine made;
    made.direction = direction;
    made.what = what;
    if (nsp != nullptr)
        made.space = nsp->text();
    made.event = event.substr(0, LongestName);
    made.attachments = std::int64_t(attachments);
    return made;
}

struct ReceivedLine {
    TraceLine operator()(const NoRequest&) const { return line(Direction::In, "part"); }
    TraceLine operator()(const ConnectRequest& request) const {
        return line(Direction::In, "connect", &request.nsp);
    }
    TraceLine operator()(const DisconnectRequest& request) const {
        return line(Direction::In, "disconnect", &request.nsp);
    }
    TraceLine operator()(const EventRequest& request) const {
        return line(Direction::In, "event", &request.nsp, request.event, request.attachments.size());
    }
    TraceLine operator()(const AckRequest& request) const {
        return line(Direction::In, "ack", &request.nsp, {}, request.attachments.size());
    }
    TraceLine operator()(const PongRequest&) const { return line(Direction::In, "pong"); }
    TraceLine operator()(const CloseRequest&) const { return line(Direction::In, "goodbye"); }
};

struct SentLine {
    TraceLine operator()(const OpenEvent&) const { return line(Direction::Out, "handshake"); }
    TraceLine operator()(const ConnectedEvent& event) const {
        return line(Direction::Out, "connected", &event.nsp);
    }
    TraceLine operator()(const ConnectRefusedEvent& event) const {
        return line(Direction::Out, "refused", &event.nsp, event.code);
    }
    TraceLine operator()(const FailureEvent& event) const {
        return line(Direction::Out, "failure", &event.nsp, event.code);
    }
    TraceLine operator()(const DeliverEvent& event) const {
        const auto& message = event.message;
        return line(Direction::Out, "event", &message.nsp, message.event, message.attachments.size());
    }
    TraceLine operator()(const EmitEvent& event) const {
        return line(Direction::Out, "event", &event.nsp, event.event, event.attachments.size());
    }
    TraceLine operator()(const AckEvent& event) const {
        return line(Direction::Out, "ack", &event.nsp, {}, event.attachments.size());
    }
    TraceLine operator()(const DisconnectedEvent& event) const {
        return line(Direction::Out, "disconnect", &event.nsp);
    }
    TraceLine operator()(const PingEvent&) const { return line(Direction::Out, "ping"); }
    TraceLine operator()(const ReconnectEvent& event) const {
        return line(Direction::Out, "reconnect", &event.nsp, event.reason);
    }
};

} // namespace

void Tracer::set(std::vector<TraceSpec> specs) {
    std::vector<Trace> traces;
    for (auto& spec : specs) {
        const auto known = std::find_if(m_traces.begin(), m_traces.end(),
                                        [&](const Trace& trace) { return trace.spec.id == spec.id; });
        if (known != m_traces.end())
            traces.push_back(std::move(*known));
        else
            traces.push_back({std::move(spec), {}});
    }
    m_traces = std::move(traces);
}

void Tracer::received(const Session& session, const Request& request, std::size_t bytes) {
    auto made = std::visit(ReceivedLine(), request);
    made.bytes = std::int64_t(bytes);
    tell(session, made);
}

void Tracer::sent(const Session& session, const Event& event, std::size_t bytes) {
    auto made = std::visit(SentLine(), event);
    made.bytes = std::int64_t(bytes);
    tell(session, made);
}

void Tracer::opened(const Session& session) {
    tell(session, line(Direction::In, "open"));
}

void Tracer::ended(const Session& session, std::string_view reason) {
    tell(session, line(Direction::Out, "close", nullptr, reason));
}

bool Tracer::isChosen(double sample) {
    m_random ^= m_random << 13;
    m_random ^= m_random >> 7;
    m_random ^= m_random << 17;
    return sample >= 1 || double(m_random >> 11) * 0x1p-53 < sample;
}

void Tracer::tell(const Session& session, const TraceLine& line) {
    for (auto& trace : m_traces) {
        if (!isChosen(trace.spec.sample) || !session.matches(*trace.spec.filter))
            continue;
        const auto now = m_clock.now();
        if (now - trace.second >= Second) {
            trace.second = now;
            trace.told = 0;
        }
        if (trace.told >= MostLinesPerSecond) {
            ++trace.dropped;
            continue;
        }
        ++trace.told;
        auto& told = trace.lines.emplace_back(line);
        told.time_ms = m_clock.unixMs();
        told.connection = session.id().text();
        told.dropped = std::exchange(trace.dropped, 0);
    }
}

std::vector<TraceLines> Tracer::take() {
    std::vector<TraceLines> all;
    for (auto& trace : m_traces)
        if (!trace.lines.empty())
            all.push_back({trace.spec.id, std::exchange(trace.lines, {})});
    return all;
}

} // namespace server
