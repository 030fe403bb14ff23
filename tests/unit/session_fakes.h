// SPDX-License-Identifier: Apache-2.0
// What a session's tests stand on: a shard with real rooms and a clock moved by hand, a connection that keeps
// a log.
#pragma once
#include "server/core/session.h"
#include "server/dialect/dialects.h"
#include <QCoreApplication>
#include <QStringList>

namespace server {

class FakeClock final : public Clock {
public:
    TimePoint now() const override { return m_now; }
    std::int64_t unixMs() const override { return 1700000000000; }
    void advance(std::chrono::milliseconds time) { m_now += time; }

private:
    TimePoint m_now{std::chrono::hours(1)};
};

/// What the client would see, as lines.
struct Wire {
    QStringList frames;
    std::optional<shared::CloseReason> closed;
    shared::Bytes queued;
    Reading reading = Reading::On;
};

class FakeConnection final : public Connection {
public:
    explicit FakeConnection(Wire& wire) : m_wire(wire) {}
    void start(ConnectionHost&) override {}
    void send(const FramePtr& frame) override {
        m_wire.frames << QString::fromLatin1(mark(frame->kind)) + QString::fromStdString(frame->bytes);
    }
    shared::Bytes queued() const override { return m_wire.queued; }
    bool isStuck() const override { return m_wire.queued.count() > 0; }
    void setReading(Reading reading) override { m_wire.reading = reading; }
    void close(shared::CloseReason reason) override { m_wire.closed = reason; }
    Capabilities capabilities() const override { return {}; }
    shared::SocketKind kind() const override { return shared::SocketKind::Qt; }

private:
    static const char* mark(FrameKind kind) {
        switch (kind) {
        case FrameKind::Text:
            return "";
        case FrameKind::Binary:
            return "b:";
        case FrameKind::Ping:
            return "ping:";
        case FrameKind::Pong:
            return "pong:";
        }
        return "";
    }
    Wire& m_wire;
};

class FakeShard final : public SessionHost {
public:
    explicit FakeShard(Settings settings)
        : m_settings(std::move(settings)), m_catalog(1, {"0", "0", "0"}), m_counters(m_catalog),
          m_box({1000, 1000, shared::Bytes::mebi(10)}), m_router(m_settings, {&m_box}, nullptr),
          m_access(m_settings.broker), m_broker(m_access, m_settings), m_stamper("n", ShardIndex(0), m_clock),
          m_rooms(ShardIndex(0), m_router, m_counters, m_clock), m_wheel(m_clock.now()) {
        m_box.attach([this](ShardMail& mail) {
            if (auto* deliver = std::get_if<Deliver>(&mail))
                m_rooms.deliver(deliver->message);
        });
    }
    ~FakeShard() override { m_box.detach(); }

    void sessionEnded(Session&, shared::CloseReason reason) override { ended << int(reason); }
    const Settings& settings() const override { return m_settings; }
    const Access& access() const override { return m_access; }
    Application& application() override { return other ? *other : m_broker; }
    Rooms& rooms() override { return m_rooms; }
    Router& router() override { return m_router; }
    Stamper& stamper() override { return m_stamper; }
    Counters& counters() override { return m_counters; }
    TimingWheel& wheel() override { return m_wheel; }
    const Clock& clock() const override { return m_clock; }
    ShardIndex shard() const override { return ShardIndex(0); }
    ActivityOrder& activity() override { return m_activity; }
    bool takePlace() override { return --places >= 0; }
    void givePlaceBack() override { ++places; }
    std::string_view node() const override { return "n"; }
    void clientFault(const Session&, std::string_view sentence) override {
        faults << QString::fromUtf8(sentence.data(), qsizetype(sentence.size()));
    }

    /// Carries out what was posted and delivers it.
    void settle() {
        QCoreApplication::processEvents();
        QCoreApplication::processEvents();
        while (m_rooms.deliverSlice() == SliceOutcome::MoreLeft) {
        }
    }
    void pass(std::chrono::milliseconds time) {
        for (; time.count() > 0; time -= std::chrono::milliseconds(100)) {
            m_clock.advance(std::chrono::milliseconds(100));
            m_wheel.advance(m_clock.now());
            m_rooms.closeBatches(m_clock.now());
        }
    }
    std::int64_t number(shared::Metric metric, std::size_t ordinal = 0) const {
        return m_counters.number(m_catalog.index(metric, ordinal));
    }

    /// The loop stands still: the clock goes on alone.
    void stall(std::chrono::milliseconds time) { m_clock.advance(time); }

    int places = 1000;
    QList<int> ended;
    QStringList faults;
    Application* other = nullptr; ///< instead of the broker

private:
    const Settings m_settings;
    FakeClock m_clock;
    shared::MetricCatalog m_catalog;
    Counters m_counters;
    ShardBox m_box;
    Router m_router;
    BrokerAccess m_access;
    Broker m_broker;
    Stamper m_stamper;
    Rooms m_rooms;
    TimingWheel m_wheel;
    ActivityOrder m_activity;
};

class TestClient {
public:
    TestClient(FakeShard& shard, std::uint64_t number, const Dialect& dialect = socketIoDialect())
        : m_session(shard, shared::ConnectionId{0, number},
                    Peer{"10.0.0.1", 1234, "agent", "", "/", {}, false}, dialect) {
        m_session.open(std::make_unique<FakeConnection>(wire));
    }
    void say(const char* text) { m_session.frameReceived(FrameKind::Text, text); }
    void sayBinary(const char* bytes) { m_session.frameReceived(FrameKind::Binary, bytes); }
    void pong() { m_session.frameReceived(FrameKind::Pong, {}); }
    QStringList heard() { return std::exchange(wire.frames, QStringList()); }
    Session& session() { return m_session; }
    Wire wire;

private:
    Session m_session;
};

/// Emits with an ack on each event, keeps replies for later, leaves when told so.
class FakeApplication final : public Application {
public:
    void connected(Client& client, std::string_view auth) override {
        note("connected " + client.nsp().text() + " " + std::string(auth));
    }
    void eventReceived(Client& client, EventRequest& request, Reply reply) override {
        note("event " + request.event);
        if (reply)
            replies.push_back(std::move(reply));
        if (request.event == "ask") {
            client.emitEvent("question", "1", {}, [this](const AckRequest& ack) {
                note("answered " + std::to_string(ack.args.size()) +
                     (ack.args.empty() ? "" : " " + ack.args[0]));
            });
        } else if (request.event == "go") {
            client.disconnect();
            client.disconnect();
            client.emitEvent("after", "", {});
            note(client.join(RoomName("a")) ? "joined" : "not joined");
        }
    }
    void disconnected(Client& client) override { note("disconnected " + client.nsp().text()); }

    QStringList log;
    std::vector<Reply> replies;

private:
    void note(const std::string& line) { log << QString::fromStdString(line); }
};

inline Settings twoNamespaces() {
    Settings settings;
    settings.broker.namespaces = {"/", "/admin"};
    settings.broker.userFrom = "auth.user";
    settings.limits.roomsPerSession = 2;
    return settings;
}

} // namespace server
