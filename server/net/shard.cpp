// SPDX-License-Identifier: Apache-2.0
#include "server/net/shard.h"
#include "server/core/rooms.h"
#include "server/core/session.h"
#include "server/net/adopter.h"
#include "server/net/closed_questions.h"
#include "server/net/front_door.h"
#include "server/net/handshake.h"
#include "server/net/raw_socket.h"
#include "server/net/room_questions.h"
#include "server/net/sessions.h"
#include <QAbstractEventDispatcher>
#include <QCoreApplication>
#include <QEventLoop>
#include <QThread>
#include <QTimer>
#include <spdlog/spdlog.h>

namespace server {

using shared::CloseReason;
using shared::ErrorKind;
using shared::Metric;

namespace {

/// A connection has a second for its goodbye.
constexpr std::chrono::milliseconds StopTime{1500};
/// Frames of so many members are made before they are written.
constexpr std::size_t RecipientsAWrite = 32;

std::int64_t steadyMs(TimePoint time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

/// Label ordinal of {transport, dialect, socket}; the transport is a WebSocket.
std::size_t connectionKind(const Session& session) {
    return session.dialect().index() * 3 + std::size_t(session.socket());
}

/// Faults of the WebSocket layer, which no session has seen.
std::optional<ErrorKind> frameError(CloseReason reason) {
    if (reason == CloseReason::TooLarge)
        return ErrorKind::TooLarge;
    if (reason == CloseReason::ProtocolError || reason == CloseReason::BadUtf8)
        return ErrorKind::BadFrame;
    return std::nullopt;
}

ShardWorld withSettings(const ShardWorld& world, const Settings& settings) {
    return {settings,     world.node,  world.access, world.application, world.router, world.admission,
            world.queues, world.clock, world.main,   world.isReady,     world.shards, world.identity};
}

/// What the acceptor weighs; read on main.
struct ShardLoad {
    std::atomic<std::int64_t> open{0};     ///< sessions and heads
    std::atomic<std::int64_t> expected{0}; ///< sockets in the mailbox
};

class Shard final : public SessionHost, FrontDoor::Host {
public:
    Shard(ShardIndex index, const ShardWorld& world, ShardBox& box, Counters& counters, ShardLoad& load,
          std::function<void()> ended)
        : m_index(index), m_settings(world.settings), m_world(withSettings(world, m_settings)), m_box(box),
          m_counters(counters), m_load(load), m_ended(std::move(ended)), m_wheel(world.clock.now()),
          m_rooms(index, world.router, counters, world.clock),
          m_stamper(world.node, index, world.clock), m_qt{{m_settings.limits, m_settings.deflate, m_wheel,
                                                           world.clock, counters}},
          m_adopter(makeAdopter(m_qt)),
          m_roomQuestions(index, m_rooms, world.router, m_stamper, world.main, counters, world.clock),
          m_traces(world.clock), m_sessions(index, world.shards, world.main, counters, world.clock),
          m_closedQuestions(m_sessions.closed(), world.main, counters, world.clock),
          m_door(*this, m_world, counters, m_qt, m_adopter.get()) {
        m_dispatcher = QAbstractEventDispatcher::instance();
        if (world.identity)
            m_door.useTls(*world.identity);
        m_box.attach([this](ShardMail& mail) { std::visit([this](auto& what) { take(what); }, mail); });
        m_awake = QObject::connect(m_dispatcher, &QAbstractEventDispatcher::awake, [this] { turn(); });
        m_plannedTick = m_world.clock.now() + TimingWheel::DefaultTick;
        m_tick.setTimerType(Qt::PreciseTimer);
        QObject::connect(&m_tick, &QTimer::timeout, &m_tick, [this] { tick(); });
        m_tick.start(TimingWheel::DefaultTick);
        m_batchTimer.setSingleShot(true);
        m_batchTimer.setTimerType(Qt::PreciseTimer);
        stamp(m_world.clock.now());
    }
    ~Shard() override {
        QObject::disconnect(m_awake);
        for (auto& mail : m_box.detach()) {
            if (const auto* const left = std::get_if<Arrived>(&mail))
                closeSocket(left->descriptor);
        }
        m_door.close();
    }

    // SessionHost
    void sessionEnded(Session& session, CloseReason reason) override;
    const Settings& settings() const override { return m_settings; }
    const Access& access() const override { return m_world.access; }
    Application& application() override { return m_world.application; }
    Rooms& rooms() override { return m_rooms; }
    Router& router() override { return m_world.router; }
    Stamper& stamper() override { return m_stamper; }
    Counters& counters() override { return m_counters; }
    TimingWheel& wheel() override { return m_wheel; }
    const Clock& clock() const override { return m_world.clock; }
    ShardIndex shard() const override { return m_index; }
    std::string_view node() const override { return m_world.node; }
    ActivityOrder& activity() override { return m_activity; }
    bool takePlace() override;
    void givePlaceBack() override { m_world.admission.unsettle(); }
    void clientFault(const Session& session, std::string_view sentence) override {
        m_faulty = session.id().number;
        spdlog::info("shard={} client={} {}", m_index.value(), session.id().text(), printable(sentence));
    }

    // FrontDoor::Host
    void upgraded(std::unique_ptr<Connection> connection, Peer peer, const Dialect& dialect) override;

private:
    void take(Arrived& mail) {
        m_load.expected.fetch_sub(1, std::memory_order_relaxed);
        if (m_isStopping)
            return closeSocket(mail.descriptor);
        m_door.arrived(std::move(mail));
    }
    void take(Deliver& mail) {
        m_rooms.deliver(std::move(mail.message));
        m_hasDeliveries = true;
    }
    void take(Ask& mail) {
        if (auto* const list = std::get_if<RoomsAsk>(&mail.what))
            m_roomQuestions.ask(mail.id, std::move(*list));
        else if (const auto* const one = std::get_if<RoomAsk>(&mail.what))
            m_roomQuestions.ask(mail.id, *one);
        else if (const auto* const message = std::get_if<PublishAsk>(&mail.what))
            m_roomQuestions.ask(mail.id, *message);
        else if (auto* const gone = std::get_if<ClosedAsk>(&mail.what))
            m_closedQuestions.ask(mail.id, std::move(*gone));
        else
            m_sessions.ask(std::move(mail));
        m_hasAsks = true;
    }
    void take(Admit&) {} // the count and the door are the node's, in Admission; nothing here remembers it
    void take(Certify& mail) { m_door.useTls(*mail.identity); }
    void take(Configure& mail) { m_settings = *mail.settings; }
    void take(TraceMail& mail) {
        m_traces.set(std::move(mail.traces));
        m_tracer = m_traces.isActive() ? &m_traces : nullptr;
    }
    void tellTraces();
    void take(StopShard&);

    void turn();
    SliceOutcome deliver();
    void closeBatches();
    bool answerSome() {
        const bool hasRooms = m_roomQuestions.runSlice();
        const bool hasClosed = m_closedQuestions.runSlice();
        return m_sessions.runSlice() || hasRooms || hasClosed;
    }
    void tick();
    void stamp(TimePoint now) { m_counters.tickedAt_ms.store(steadyMs(now), std::memory_order_relaxed); }
    void reportQueues();
    void endWhenEmpty();

    const ShardIndex m_index;
    Settings m_settings; ///< all of the shard looks here, so what changes live is seen at once
    const ShardWorld m_world;
    ShardBox& m_box;
    Counters& m_counters;
    ShardLoad& m_load;
    std::function<void()> m_ended;
    QAbstractEventDispatcher* m_dispatcher = nullptr;
    QMetaObject::Connection m_awake;
    QTimer m_tick;
    TimePoint m_plannedTick{};
    QTimer m_batchTimer; ///< wakes the loop when a batch is due; turn() does the rest
    TimePoint m_batchDue{};
    TimePoint m_stopAt{};
    // In the order of their dependence: sessions use rooms and wheel, connections the Qt world.
    TimingWheel m_wheel;
    Rooms m_rooms;
    Stamper m_stamper;
    ActivityOrder m_activity;
    QtWorld m_qt;
    const std::unique_ptr<Adopter> m_adopter; ///< null where the system has none
    RoomQuestions m_roomQuestions;
    Tracer m_traces; ///< sessions see it while somebody traces
    Sessions m_sessions;
    ClosedQuestions m_closedQuestions;
    FrontDoor m_door;
    std::uint64_t m_faulty = 0; ///< the session that was logged last
    bool m_hasDeliveries = false;
    bool m_hasAsks = false;
    bool m_hasDeadlines = false;
    bool m_isStopping = false;
};

void Shard::upgraded(std::unique_ptr<Connection> connection, Peer peer, const Dialect& dialect) {
    auto& session =
        m_sessions.add(std::make_unique<Session>(*this, m_sessions.nextId(), std::move(peer), dialect));
    session.open(std::move(connection));
    m_counters.add(Metric::Connections, connectionKind(session));
}

void Shard::sessionEnded(Session& session, CloseReason reason) {
    m_counters.add(Metric::ClosesTotal, reason);
    m_counters.observe(Metric::ConnectionAgeSeconds, m_world.clock.now() - session.openedAt(),
                       std::size_t(reason));
    m_counters.add(Metric::Connections, connectionKind(session), -1);
    m_world.admission.release(session.peer().admissionKey);
    if (reason == CloseReason::TooLarge)
        m_counters.add(Metric::LimitHitsTotal, shared::LimitKey::MessageBytes);
    if (const auto error = frameError(reason); error && m_faulty != session.id().number) {
        m_counters.add(Metric::ErrorsTotal, *error);
        clientFault(session, shared::row(reason).sentence);
    }
    m_sessions.remove(session, reason);
    m_dispatcher->wakeUp(); // buried in the next turn
}

/// Who replaces whom is a matter of one shard: nobody is asked elsewhere, and nothing waits.
bool Shard::takePlace() {
    if (m_world.admission.settle())
        return true;
    auto* const oldest = static_cast<Session*>(m_activity.leastActive());
    if (m_settings.node.atCapacity != AtCapacity::EvictOldest || oldest == nullptr ||
        m_world.clock.now() - oldest->activeAt() < m_settings.node.evictMinIdle)
        return false;
    m_counters.add(Metric::EvictionsTotal, shared::EvictedBy::Capacity);
    oldest->makeWay();
    return true;
}

void Shard::take(StopShard&) {
    if (m_isStopping)
        return;
    m_isStopping = true;
    m_stopAt = m_world.clock.now() + StopTime;
    m_door.close();
    m_sessions.closeAll(CloseReason::Draining);
}

/// A slice with its writes.
SliceOutcome Shard::deliver() {
    const auto until = m_world.clock.now() + Rooms::SliceTime;
    for (std::size_t done = 0; done < Rooms::SliceRecipients; done += RecipientsAWrite) {
        if (m_rooms.deliverSlice(RecipientsAWrite) == SliceOutcome::Finished)
            return SliceOutcome::Finished;
        m_qt.unwritten.write();
        if (m_world.clock.now() >= until)
            break;
    }
    return SliceOutcome::MoreLeft;
}

void Shard::closeBatches() {
    auto due = m_rooms.nextBatch();
    if (!due)
        return;
    const auto now = m_world.clock.now();
    if (*due <= now) {
        m_rooms.closeBatches(now);
        m_hasDeliveries = true;
        due = m_rooms.nextBatch();
    }
    if (due && (*due != m_batchDue || !m_batchTimer.isActive())) {
        m_batchDue = *due;
        m_batchTimer.start(std::chrono::ceil<std::chrono::milliseconds>(*due - now));
    }
}

/// One slice of everything that waits; what is left makes the loop come back after its I/O, without blocking.
void Shard::turn() {
    if (m_adopter)
        m_adopter->turn();
    m_sessions.buryEnded();
    closeBatches();
    if (m_hasDeliveries)
        m_hasDeliveries = deliver() == SliceOutcome::MoreLeft;
    if (m_hasAsks)
        m_hasAsks = answerSome();
    if (m_hasDeadlines)
        m_hasDeadlines = !m_wheel.advance(m_world.clock.now());
    m_qt.unwritten.write();
    reportQueues();
    m_load.open.store(std::int64_t(m_sessions.size() + m_door.heads()), std::memory_order_relaxed);
    if (m_isStopping)
        endWhenEmpty();
    if (m_hasDeliveries || m_hasAsks || m_hasDeadlines)
        m_dispatcher->wakeUp();
}

/// The node's sum is looked at once a turn, never once a recipient.
void Shard::reportQueues() {
    auto& backlog = m_qt.backlog;
    const auto report = [&] {
        m_counters.set(Metric::QueueBytes, std::int64_t(backlog.queued().count()));
        m_world.queues.report(m_index, backlog.queued(), backlog.stuckSince());
    };
    report();
    while (backlog.longestStuck() != nullptr && m_world.queues.mustShed(m_index)) {
        m_counters.add(Metric::LimitHitsTotal, shared::LimitKey::QueueBytesTotal);
        backlog.longestStuck()->shed();
        report();
    }
}

void Shard::tick() {
    const auto now = m_world.clock.now();
    m_counters.observe(Metric::LoopLagSeconds, now - m_plannedTick, m_index.value());
    // What was missed is not caught up: the next tick is planned from now on.
    m_plannedTick = std::max(m_plannedTick, now - TimingWheel::DefaultTick / 2) + TimingWheel::DefaultTick;
    stamp(now);
    if (m_traces.isActive())
        tellTraces();
    reportQueues(); // what waits elsewhere may have made ours too much
    if (!m_wheel.advance(now)) {
        m_hasDeadlines = true;
        m_dispatcher->wakeUp();
    }
    if (m_isStopping)
        endWhenEmpty();
}

void Shard::tellTraces() {
    auto lines = m_traces.take();
    if (lines.empty())
        return;
    std::size_t bytes = 0;
    for (const auto& trace : lines)
        bytes += trace.lines.size() * 512;
    if (m_world.main.postTraffic(TracedMail{std::move(lines)}, shared::Bytes(bytes)) == Posted::Refused)
        m_counters.add(Metric::MailboxRefusedTotal, shared::MailboxOf::Main);
}

void Shard::endWhenEmpty() {
    if (m_sessions.size() == 0 || m_world.clock.now() >= m_stopAt)
        m_ended();
}

} // namespace

struct ShardThread::Inner {
    Inner(ShardIndex i, const ShardWorld& w, ShardBox& b, Counters& c)
        : index(i), world(w), box(b), counters(c) {}

    void run() {
        if (auto* const dispatcher = makeDispatcher())
            QThread::currentThread()->setEventDispatcher(dispatcher); // the thread deletes it
        QEventLoop loop;
        {
            Shard shard(index, world, box, counters, weight, [&loop] { loop.quit(); });
            loop.exec();
        }
        // A WebSocket that is deleted leaves its socket to the next round.
        for (int round = 0; round < 3; ++round)
            QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
    }

    const ShardIndex index;
    const ShardWorld world;
    ShardBox& box;
    Counters& counters;
    ShardLoad weight;
    std::thread thread;
};

ShardThread::ShardThread(ShardIndex index, ShardWorld world, ShardBox& box, Counters& counters)
    : m_inner(std::make_unique<Inner>(index, world, box, counters)) {}

ShardThread::~ShardThread() {
    stop();
}

void ShardThread::start() {
    ignoreBrokenPipes();
    m_inner->thread = std::thread([inner = m_inner.get()] { inner->run(); });
}

void ShardThread::stop() {
    if (!m_inner->thread.joinable())
        return;
    m_inner->box.postState("stop", StopShard{});
    m_inner->thread.join();
}

void ShardThread::expectArrival() {
    m_inner->weight.expected.fetch_add(1, std::memory_order_relaxed);
}

std::int64_t ShardThread::load() const {
    const auto& weight = m_inner->weight;
    return weight.open.load(std::memory_order_relaxed) + weight.expected.load(std::memory_order_relaxed);
}

} // namespace server
