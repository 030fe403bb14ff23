// SPDX-License-Identifier: Apache-2.0
#include "tests/load/load_run.h"
#include <QRandomGenerator>
#include <algorithm>

namespace {

constexpr int MostConnecting = 128; ///< handshakes under way at once: a ramp, not a storm
constexpr int PublishersPerRoom = 4;
constexpr Nanoseconds DrainLimit = 5 * Ledger::Second;
/// So long nobody came in: those who are missing will not.
constexpr Nanoseconds RampPatience = 15 * Ledger::Second;
constexpr Nanoseconds ClosedLoopPatience = 2 * Ledger::Second;

Ledger makeLedger(const Options& options) {
    switch (options.scenario) {
    case Scenario::Rooms:
        return Ledger(options.connections, options.roomSize, PublishersPerRoom, Echo::No);
    case Scenario::Idle:
    case Scenario::Echo:
    case Scenario::Storm:
        break;
    }
    return Ledger(options.connections, 1, 1, Echo::Yes);
}

double seconds(Nanoseconds span) {
    return double(span) / 1e9;
}

} // namespace

LoadRun::LoadRun(const Options& options) : m_options(options), m_ledger(makeLedger(options)) {
    if (options.dialect == DialectName::Json)
        m_seq.emplace(options.connections);
    // Two runs at once, or one after the other, never share a room.
    const std::string prefix = "load:" + std::to_string(QRandomGenerator::global()->generate()) + ":";
    for (int index = 0; index < options.connections; ++index) {
        const int room = m_ledger.roomOf(index);
        m_clients.push_back(std::make_unique<LoadClient>(
            static_cast<LoadClientHost&>(*this), index, m_options,
            options.scenario == Scenario::Idle ? std::string() : prefix + std::to_string(room)));
        if (isPublisher(index))
            m_publishers.push_back(index);
        m_firstAttempts.push_back(options.connections - 1 - index);
    }
    if (options.compression == Compression::Deflate)
        m_report.compressed = 0;
    m_turns.resize(std::size_t(m_ledger.roomOf(std::max(options.connections - 1, 0)) + 1));
    m_tick.setTimerType(Qt::PreciseTimer);
    connect(&m_tick, &QTimer::timeout, this, &LoadRun::tick);
    connect(&m_sweep, &QTimer::timeout, this, &LoadRun::sweep);
}

LoadRun::~LoadRun() = default;

bool LoadRun::isPublisher(int member) const {
    switch (m_options.scenario) {
    case Scenario::Idle:
        return false;
    case Scenario::Echo:
        return true;
    case Scenario::Rooms:
        return member % std::max(m_options.roomSize, 1) < PublishersPerRoom;
    case Scenario::Storm:
        return member % StayOneIn == 0;
    }
    return false;
}

void LoadRun::start() {
    m_startedAt = m_phaseAt = m_lastTick = m_lastJoin = monotonicNow();
    m_useBefore = serverUse(m_options.watched);
    m_tick.start(5);
    m_sweep.start(1000);
    connectSome();
}

void LoadRun::connectSome() {
    const int most = m_phase == Phase::Storm ? m_options.connections : MostConnecting;
    const auto now = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < m_away.size() && m_connecting < most;) {
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
    while (!m_firstAttempts.empty() && m_connecting < most) {
        const int index = m_firstAttempts.back();
        m_firstAttempts.pop_back();
        ++m_connecting;
        m_clients[std::size_t(index)]->connectNow();
    }
}

void LoadRun::clientJoined(LoadClient& client) {
    --m_connecting;
    ++m_open;
    m_lastJoin = monotonicNow();
    m_ledger.joined(client.index(), m_lastJoin);
    if (client.isCompressed() && m_report.compressed)
        ++*m_report.compressed;
    if (m_seq)
        m_seq->joined(client.index(), client.ownOrigin());
    if (m_phase == Phase::Ramp) {
        if (m_open == m_options.connections)
            enter(Phase::Settling);
        else if (!m_firstAttempts.empty())
            connectSome();
    } else if (isPublishing() && isClosedLoop() && echo() == Echo::Yes && isPublisher(client.index())) {
        publishFrom(client.index());
    }
}

void LoadRun::clientLeft(LoadClient& client) {
    --m_open;
    ++m_report.dropped;
    m_report.hinted += client.wasHinted() ? 1 : 0;
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

void LoadRun::pingReceived(LoadClient&) {
    if (m_phase != Phase::Measuring)
        return;
    constexpr Nanoseconds Window = Ledger::Second / 10;
    if (const Nanoseconds window = monotonicNow() / Window; window != m_pingWindow) {
        m_pingWindow = window;
        m_pingsInWindow = 0;
    }
    ++m_report.pings.received;
    m_report.pings.most = std::max(m_report.pings.most, ++m_pingsInWindow);
}

void LoadRun::publishAnswered(LoadClient& client, std::uint64_t seq) {
    if (m_seq)
        m_seq->published(client.index(), seq);
}

void LoadRun::eventReceived(LoadClient& client, const Heard& event) {
    const MessageMark mark = parseMark(event.packet);
    if (mark.publisher < 0) {
        if (const auto broadcast = parseBroadcast(event.packet))
            broadcastReceived(*broadcast);
        return;
    }
    const Nanoseconds now = monotonicNow();
    m_ledger.received(client.index(), mark, now);
    if (m_seq && event.seq > 0)
        m_seq->received(client.index(), event.origin, event.seq);
    if (m_phase == Phase::Storm) {
        auto& storm = m_report.storms.back();
        const Nanoseconds took = std::max<Nanoseconds>(now - mark.sentAt, 0);
        storm.stayed.add(std::uint64_t(took / 1000));
        storm.longest = std::max(storm.longest, took);
    }
    if (!isPublishing() || !isClosedLoop())
        return;
    const int room = m_ledger.roomOf(client.index());
    auto& turn = m_turns[std::size_t(room)];
    if (mark.publisher == turn.publisher && mark.number - turn.number < std::uint64_t(m_options.burst) &&
        turn.waiting > 0 && --turn.waiting == 0)
        roomAnswered(room);
}

void LoadRun::broadcastReceived(const BroadcastMark& mark) {
    auto& broadcast = m_report.broadcast;
    const Nanoseconds took = std::max<Nanoseconds>(monotonicNow() - mark.sentAt, 0);
    ++broadcast.received;
    broadcast.latency.add(std::uint64_t(took / 1000));
    broadcast.longest = std::max(broadcast.longest, took);
}

void LoadRun::roomAnswered(int room) {
    if (echo() == Echo::Yes)
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
    const Nanoseconds now = monotonicNow();
    m_burst.clear();
    for (int i = 0; i < m_options.burst; ++i) {
        const MessageMark mark = m_ledger.publish(member, now);
        if (i == 0 && isClosedLoop())
            m_turns[std::size_t(m_ledger.roomOf(member))] = {m_ledger.audience(member) * m_options.burst,
                                                             member, mark.number, now};
        m_burst.push_back(markText(mark, m_options.payloadBytes));
    }
    client.publish(m_burst, echo());
}

void LoadRun::publishDue() {
    const Nanoseconds now = monotonicNow();
    m_credit += m_options.ratePerSecond * seconds(now - m_lastTick);
    // After a stall of this process the missed second is not made up for in one burst.
    const double burst = m_options.burst;
    m_credit = std::min(m_credit, std::max(m_options.ratePerSecond, burst));
    std::size_t skipped = 0;
    while (m_credit >= burst && skipped < m_publishers.size()) {
        const int member = m_publishers[m_nextPublisher];
        m_nextPublisher = (m_nextPublisher + 1) % m_publishers.size();
        if (!m_ledger.isPresent(member)) {
            ++skipped;
            continue;
        }
        skipped = 0;
        m_credit -= burst;
        publishFrom(member);
    }
}

void LoadRun::startClosedLoop() {
    if (echo() == Echo::Yes) {
        for (const int member : m_publishers)
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
    if (m_isStopped && m_phase < Phase::Draining)
        enter(isPublishing() ? Phase::Draining : Phase::Done);
    switch (m_phase) {
    case Phase::Ramp: {
        if (now - m_lastJoin > RampPatience)
            enter(m_open > 0 ? Phase::Settling : Phase::Done);
        break;
    }
    case Phase::Settling:
        // Past the second after a join that counts as neither.
        if (now - m_phaseAt > Ledger::Edge + Ledger::Second / 10)
            enter(Phase::Waiting);
        break;
    case Phase::Waiting:
        break;
    case Phase::Measuring:
        if (now - m_phaseAt >= std::chrono::nanoseconds(m_options.duration).count())
            enter(Phase::Draining);
        else if (isPublishing() && !isClosedLoop())
            publishDue();
        break;
    case Phase::Storm:
        if (isStormOver(now))
            enter(m_report.storms.size() == 1 ? Phase::Settling : Phase::Draining);
        else if (!isClosedLoop())
            publishDue();
        break;
    case Phase::Draining: {
        const Nanoseconds passed = now - m_phaseAt;
        if (passed > DrainLimit || m_ledger.outstanding() == 0)
            enter(m_options.stay.count() > 0 ? Phase::Staying : Phase::Done);
        break;
    }
    case Phase::Staying:
        if (m_isStopped || now - m_phaseAt >= std::chrono::nanoseconds(m_options.stay).count())
            enter(Phase::Done);
        break;
    case Phase::Done:
        break;
    }
    m_lastTick = now;
}

void LoadRun::leavePhase(Nanoseconds now) {
    switch (m_phase) {
    case Phase::Ramp:
        m_report.ramped = m_open;
        m_report.rampSeconds = seconds(now - m_startedAt);
        break;
    case Phase::Measuring:
    case Phase::Storm:
        if (m_report.server)
            m_report.server->run = serverUse(m_options.watched) - m_useBefore;
        m_report.seconds += seconds(now - m_phaseAt);
        m_report.measured += m_ledger.totals().deliveries - m_deliveriesAtStart;
        break;
    case Phase::Settling:
    case Phase::Waiting:
    case Phase::Draining:
    case Phase::Staying:
    case Phase::Done:
        break;
    }
}

void LoadRun::enter(Phase phase) {
    const Nanoseconds now = monotonicNow();
    leavePhase(now);
    m_phase = phase;
    m_phaseAt = now;
    m_deliveriesAtStart = m_ledger.totals().deliveries;
    switch (phase) {
    case Phase::Storm:
        cutAll();
        [[fallthrough]];
    case Phase::Measuring:
        m_useBefore = serverUse(m_options.watched);
        if (isPublishing() && isClosedLoop())
            startClosedLoop();
        break;
    case Phase::Waiting:
        if (!m_options.watched.empty() && !m_report.server)
            m_report.server = ServerReport{serverUse(m_options.watched) - m_useBefore, {}};
        Q_EMIT gateReached();
        break;
    case Phase::Done:
        finish();
        break;
    case Phase::Ramp:
    case Phase::Settling:
    case Phase::Draining:
    case Phase::Staying:
        break;
    }
}

void LoadRun::passGate() {
    if (m_phase == Phase::Waiting)
        enter(isStorm() ? Phase::Storm : Phase::Measuring);
}

void LoadRun::stop() {
    m_isStopped = true; // seen by the next tick
}

/// As a proxy that falls over does it: no goodbye, all in the same turn.
void LoadRun::cutAll() {
    StormReport storm;
    storm.backoff = m_report.storms.empty() ? Backoff::Yes : Backoff::No;
    for (auto& client : m_clients) {
        const int member = client->index();
        if (isPublisher(member) || !m_ledger.isPresent(member))
            continue;
        m_ledger.left(member, m_phaseAt);
        --m_open;
        client->cut(storm.backoff);
        m_away.push_back(member);
    }
    m_report.storms.push_back(std::move(storm));
}

bool LoadRun::isStormOver(Nanoseconds now) {
    auto& storm = m_report.storms.back();
    const Nanoseconds passed = now - m_phaseAt;
    if (!storm.isRecovered) {
        storm.recoveredSeconds = seconds(passed);
        storm.isRecovered = m_away.empty() && m_connecting == 0;
    }
    // Some messages of those who stayed must fall into it, however fast it is over.
    return passed > std::chrono::nanoseconds(m_options.duration).count() ||
           (storm.isRecovered && passed > Ledger::Second);
}

void LoadRun::sweep() {
    const Nanoseconds now = monotonicNow();
    const auto time = std::chrono::steady_clock::now();
    for (auto& client : m_clients)
        client->checkDeadlines(time);
    m_ledger.settle(now);
    if (isPublishing() && isClosedLoop()) {
        for (const int member : m_publishers) {
            const int room = m_ledger.roomOf(member);
            if (now - m_turns[std::size_t(room)].sentAt > ClosedLoopPatience)
                roomAnswered(room);
        }
    }
    Q_EMIT progressed();
}

Report LoadRun::report() const {
    Report report = m_report;
    report.scenario = m_options.scenario;
    report.phase = m_phase;
    report.asked = m_options.connections;
    report.open = m_open;
    report.totals = m_ledger.totals();
    if (m_seq)
        report.seq = m_seq->totals();
    return report;
}

void LoadRun::finish() {
    m_tick.stop();
    m_sweep.stop();
    m_ledger.finish();
    m_report = report();
    for (auto& client : m_clients)
        client->close();
    Q_EMIT finished();
}
