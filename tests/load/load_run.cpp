// SPDX-License-Identifier: Apache-2.0
#include "tests/load/load_run.h"
#include "tests/load/process.h"
#include <QRandomGenerator>
#include <algorithm>
#include <cstdio>

namespace {

constexpr int MostConnecting = 128; ///< handshakes under way at once: a ramp, not a storm
constexpr int PublishersPerRoom = 4;
constexpr Nanoseconds DrainLimit = 5 * Ledger::Second;
constexpr Nanoseconds ClosedLoopPatience = 2 * Ledger::Second;

Ledger makeLedger(const Options& options) {
    switch (options.scenario) {
    case Scenario::Rooms:
        return Ledger(options.connections, options.roomSize, PublishersPerRoom, Echo::No);
    case Scenario::Idle:
    case Scenario::Echo:
        break;
    }
    return Ledger(options.connections, 1, 1, Echo::Yes);
}

double seconds(Nanoseconds span) {
    return double(span) / 1e9;
}

} // namespace

LoadRun::LoadRun(const Options& options, Progress progress)
    : m_options(options), m_progress(progress), m_ledger(makeLedger(options)) {
    // Two runs at once, or one after the other, never share a room.
    const std::string prefix = "load:" + std::to_string(QRandomGenerator::global()->generate()) + ":";
    for (int index = 0; index < options.connections; ++index) {
        const int room = m_ledger.roomOf(index);
        m_clients.push_back(std::make_unique<LoadClient>(
            static_cast<LoadClientHost&>(*this), index, m_options.targets,
            options.scenario == Scenario::Idle ? std::string() : prefix + std::to_string(room)));
        const int place = options.scenario == Scenario::Rooms ? index % std::max(options.roomSize, 1) : 0;
        if (place < PublishersPerRoom)
            m_publishers.push_back(index);
        m_firstAttempts.push_back(options.connections - 1 - index);
    }
    m_turns.resize(std::size_t(m_ledger.roomOf(std::max(options.connections - 1, 0)) + 1));
    m_tick.setTimerType(Qt::PreciseTimer);
    connect(&m_tick, &QTimer::timeout, this, &LoadRun::tick);
    connect(&m_sweep, &QTimer::timeout, this, &LoadRun::sweep);
}

LoadRun::~LoadRun() = default;

void LoadRun::start() {
    m_startedAt = m_phaseAt = m_lastTick = monotonicNow();
    m_tick.start(5);
    m_sweep.start(1000);
    connectSome();
}

void LoadRun::connectSome() {
    const auto now = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < m_away.size() && m_connecting < MostConnecting;) {
        auto& client = *m_clients[std::size_t(m_away[i])];
        if (client.dueAt() > now) {
            ++i;
            continue;
        }
        m_away[i] = m_away.back();
        m_away.pop_back();
        ++m_connecting;
        client.connectNow();
    }
    while (!m_firstAttempts.empty() && m_connecting < MostConnecting) {
        const int index = m_firstAttempts.back();
        m_firstAttempts.pop_back();
        ++m_connecting;
        m_clients[std::size_t(index)]->connectNow();
    }
}

void LoadRun::clientJoined(LoadClient& client) {
    --m_connecting;
    ++m_open;
    m_ledger.joined(client.index(), monotonicNow());
    if (m_phase == Phase::Ramp) {
        if (m_open == m_options.connections)
            enter(Phase::Settling);
        else if (!m_firstAttempts.empty())
            connectSome();
    } else if (isPublishing() && isClosedLoop() && m_options.scenario == Scenario::Echo) {
        publishFrom(client.index());
    }
}

void LoadRun::clientLeft(LoadClient& client) {
    --m_open;
    ++m_report.dropped;
    m_ledger.left(client.index(), monotonicNow());
}

void LoadRun::clientAway(LoadClient& client) {
    m_away.push_back(client.index());
}

void LoadRun::clientRefused(LoadClient&, const std::string& sentence) {
    --m_connecting;
    ++m_report.failed;
    m_report.lastRefusal = sentence;
}

void LoadRun::eventReceived(LoadClient& client, std::string_view packet) {
    const MessageMark mark = parseMark(packet);
    if (mark.publisher < 0)
        return;
    m_ledger.received(client.index(), mark, monotonicNow());
    if (!isPublishing() || !isClosedLoop())
        return;
    const int room = m_ledger.roomOf(client.index());
    auto& turn = m_turns[std::size_t(room)];
    if (mark.publisher == turn.publisher && mark.number == turn.number && turn.waiting > 0 &&
        --turn.waiting == 0)
        roomAnswered(room);
}

void LoadRun::roomAnswered(int room) {
    if (m_options.scenario == Scenario::Echo)
        return publishFrom(room);
    const int first = room * m_options.roomSize;
    const int many = std::min({PublishersPerRoom, m_options.roomSize, m_options.connections - first});
    const int last = m_turns[std::size_t(room)].publisher;
    for (int step = 1; step <= many; ++step) {
        const int candidate = first + (last - first + step) % many;
        if (m_ledger.isPresent(candidate))
            return publishFrom(candidate);
    }
}

void LoadRun::publishFrom(int member) {
    auto& client = *m_clients[std::size_t(member)];
    if (client.state() != LoadClient::State::Joined)
        return;
    const MessageMark mark = m_ledger.publish(member, monotonicNow());
    if (isClosedLoop()) {
        auto& turn = m_turns[std::size_t(m_ledger.roomOf(member))];
        turn = {m_ledger.audience(member), member, mark.number, mark.sentAt};
    }
    const std::string data = markText(mark, m_options.payloadBytes);
    if (m_options.scenario == Scenario::Echo)
        client.publishWithEcho(data);
    else
        client.publish(data);
}

void LoadRun::publishDue() {
    const Nanoseconds now = monotonicNow();
    m_credit += m_options.ratePerSecond * seconds(now - m_lastTick);
    // After a stall of this process the missed second is not made up for in one burst.
    m_credit = std::min(m_credit, std::max(m_options.ratePerSecond, 1.0));
    std::size_t skipped = 0;
    while (m_credit >= 1 && skipped < m_publishers.size()) {
        const int member = m_publishers[m_nextPublisher];
        m_nextPublisher = (m_nextPublisher + 1) % m_publishers.size();
        if (!m_ledger.isPresent(member)) {
            ++skipped;
            continue;
        }
        skipped = 0;
        m_credit -= 1;
        publishFrom(member);
    }
}

void LoadRun::startClosedLoop() {
    if (m_options.scenario == Scenario::Echo) {
        for (int member = 0; member < m_options.connections; ++member)
            publishFrom(member);
        return;
    }
    for (int room = 0; room < int(m_turns.size()); ++room) {
        m_turns[std::size_t(room)].publisher = room * m_options.roomSize;
        roomAnswered(room);
    }
}

void LoadRun::tick() {
    const Nanoseconds now = monotonicNow();
    if (m_phase != Phase::Done)
        connectSome();
    if (interrupted() && m_phase < Phase::Draining)
        enter(m_phase == Phase::Measuring ? Phase::Draining : Phase::Done);
    switch (m_phase) {
    case Phase::Ramp: {
        const Nanoseconds limit = std::max<Nanoseconds>(15, m_options.connections / 500) * Ledger::Second;
        if (now - m_startedAt > limit)
            enter(m_open > 0 ? Phase::Settling : Phase::Done);
        break;
    }
    case Phase::Settling:
        // Past the second after a join that counts as neither.
        if (now - m_phaseAt > Ledger::Edge + Ledger::Second / 10)
            enter(Phase::Measuring);
        break;
    case Phase::Measuring:
        if (now - m_phaseAt >= std::chrono::nanoseconds(m_options.duration).count())
            enter(Phase::Draining);
        else if (isPublishing() && !isClosedLoop())
            publishDue();
        break;
    case Phase::Draining: {
        const Nanoseconds passed = now - m_phaseAt;
        if (passed > DrainLimit || m_ledger.outstanding() == 0)
            enter(Phase::Done);
        break;
    }
    case Phase::Done:
        break;
    }
    m_lastTick = now;
}

void LoadRun::enter(Phase phase) {
    const Nanoseconds now = monotonicNow();
    switch (phase) {
    case Phase::Settling:
        m_rampedAt = now;
        m_report.connectsPerSecond = double(m_open) / std::max(seconds(now - m_startedAt), 0.001);
        break;
    case Phase::Measuring:
        m_deliveriesAtStart = m_ledger.totals().deliveries;
        break;
    case Phase::Draining:
        m_report.seconds = seconds(now - m_phaseAt);
        m_report.deliveriesPerSecond =
            double(m_ledger.totals().deliveries - m_deliveriesAtStart) / std::max(m_report.seconds, 0.001);
        break;
    case Phase::Ramp:
    case Phase::Done:
        break;
    }
    m_phase = phase;
    m_phaseAt = now;
    if (phase == Phase::Measuring && isPublishing() && isClosedLoop())
        startClosedLoop();
    if (phase == Phase::Done)
        finish();
}

void LoadRun::sweep() {
    const Nanoseconds now = monotonicNow();
    const auto time = std::chrono::steady_clock::now();
    for (auto& client : m_clients)
        client->checkDeadlines(time);
    m_ledger.settle(now);
    if (isPublishing() && isClosedLoop()) {
        for (int room = 0; room < int(m_turns.size()); ++room) {
            auto& turn = m_turns[std::size_t(room)];
            if (now - turn.sentAt > ClosedLoopPatience)
                roomAnswered(room);
        }
    }
    if (m_progress == Progress::Silent)
        return;
    const auto& totals = m_ledger.totals();
    std::fprintf(
        stderr, "\r%d of %d open, %llu refused, %llu closed, %llu sent, %llu received/s, p99 %.2f ms   ",
        m_open, m_options.connections, static_cast<unsigned long long>(m_report.failed),
        static_cast<unsigned long long>(m_report.dropped), static_cast<unsigned long long>(totals.sent),
        static_cast<unsigned long long>(totals.deliveries - m_shownDeliveries),
        totals.latency.percentile(99) / 1000);
    m_shownDeliveries = totals.deliveries;
}

void LoadRun::finish() {
    m_tick.stop();
    m_sweep.stop();
    m_ledger.finish();
    m_report.scenario = m_options.scenario;
    m_report.asked = m_options.connections;
    m_report.open = m_open;
    m_report.totals = m_ledger.totals();
    if (m_progress == Progress::Shown)
        std::fputc('\n', stderr);
    for (auto& client : m_clients)
        client->close();
    Q_EMIT finished();
}
