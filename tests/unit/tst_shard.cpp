// SPDX-License-Identifier: Apache-2.0
// A shard in its thread: sockets in, questions answered, drained, evicted and stopped.
#include <QTest> // first: moc cannot begin with <compare>

#include "tests/unit/door_fixture.h"
#include <QElapsedTimer>

using namespace server;
using namespace std::chrono_literals;
using shared::CloseReason;
using shared::Metric;

namespace {

#ifdef WEIR_PORTABLE
constexpr auto SocketOfPlain = shared::SocketKind::Qt;
#else
constexpr auto SocketOfPlain = shared::SocketKind::Adopted;
#endif

/// The clients here answer no ping, and fill the kernel's buffers for as long as that takes.
Settings withoutPings(Settings settings) {
    settings.heartbeat.interval = settings.heartbeat.timeout = 1h;
    return settings;
}

struct Fixture {
    explicit Fixture(Settings given = {})
        : settings(withoutPings(std::move(given))), catalog(1, {"0", "0", "0"}), counters(catalog),
          mainCounters(catalog), access(settings.broker), broker(access, settings), box(limits), main(limits),
          router(settings, {&box}, nullptr), admission(1000),
          queues(1, settings.limits.queueTotal.count() > 0 ? settings.limits.queueTotal
                                                           : shared::Bytes::mebi(64)),
          thread(ShardIndex(0),
                 {settings, "test", access, broker, router, admission, queues, clock, main, isReady}, box,
                 counters),
          acceptor(
              [this](Arrived arrived) {
                  if (box.postHandover(std::move(arrived)) == Posted::Refused)
                      return false;
                  thread.expectArrival();
                  return true;
              },
              mainCounters) {
        main.attach([this](MainMail& mail) {
            if (auto* const answer = std::get_if<Answer>(&mail))
                answers.push_back(std::move(*answer));
        });
        thread.start();
        if (const auto bound = acceptor.listen("127.0.0.1:0"); !bound)
            qFatal("%s", bound.error().message.c_str());
        const auto address = acceptor.addresses().front();
        port = std::uint16_t(std::stoi(address.substr(address.rfind(':') + 1)));
    }
    ~Fixture() {
        acceptor.stop();
        thread.stop();
        main.detach();
    }
    /// Clients that have joined `/`.
    void open(int count) {
        for (int i = 0; i < count; ++i) {
            clients.push_back(std::make_unique<BytesClient>(port));
            clients.back()->send(upgradeHead() + clientFrame("40"));
        }
        const auto areReady = [&] {
            return std::all_of(clients.begin(), clients.end(),
                               [](const auto& client) { return framesIn(client->got).size() >= 2; });
        };
        QTRY_VERIFY_WITH_TIMEOUT(areReady(), 20000);
    }
    /// The first `stuck` of `count` clients read nothing from here on; all are in room r.
    void openRoom(int count, int stuck) {
        open(count);
        for (const auto& client : clients)
            client->send(clientFrame(R"(421["join","r"])"));
        for (const auto& client : clients)
            QTRY_VERIFY(framesIn(client->got).size() >= 3);
        for (int i = 0; i < stuck; ++i) {
            auto& socket = clients[std::size_t(i)]->socket;
            QObject::disconnect(&socket, &QIODevice::readyRead, &socket, nullptr);
            socket.setReadBufferSize(1);
        }
    }
    /// The last client publishes to all others.
    void publish(int times, std::size_t bytes, const char* options = "{}") {
        const std::string text =
            R"(42["publish","r","e",")" + std::string(bytes, 'x') + "\"," + options + "]";
        for (int i = 0; i < times; ++i)
            clients.back()->send(clientFrame(text));
    }
    void ask(std::uint64_t id, decltype(Ask::what) what) {
        QCOMPARE(int(box.postHandover(Ask{id, std::move(what)})), int(Posted::Accepted));
    }
    std::int64_t number(Metric metric, std::size_t ordinal = 0) const {
        return counters.number(catalog.index(metric, ordinal));
    }
    int ended() const {
        return int(
            std::count_if(clients.begin(), clients.end(), [](const auto& each) { return each->hasEnded; }));
    }

    const MailboxLimits limits{10000, 10000, shared::Bytes::mebi(64)};
    Settings settings;
    shared::MetricCatalog catalog;
    Counters counters, mainCounters;
    Clock clock;
    BrokerAccess access;
    Broker broker;
    ShardBox box;
    MainBox main;
    Router router;
    Admission admission;
    QueueBudget queues;
    std::atomic<bool> isReady{true};
    ShardThread thread;
    Acceptor acceptor;
    std::vector<Answer> answers;
    std::vector<std::unique_ptr<BytesClient>> clients;
    std::uint16_t port = 0;
};

} // namespace

class TestShard : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void listsItsSessions();
    void evicts();
    void drains();
    void delivers();
    void volatileMeansStuckOnly();
    void aFullQueueCloses();
    void theLongestStuckGoFirst();
    void oversizeIsCounted();
    void stopsWithinASecond();
    void ticks();
};

void TestShard::listsItsSessions() {
    Fixture fixture;
    fixture.open(200);
    QCOMPARE(fixture.thread.load(), 200);
    QCOMPARE(fixture.number(Metric::Connections, std::size_t(SocketOfPlain)), 200);
    ListAsk list;
    list.limit = 50;
    fixture.ask(1, list);
    QTRY_COMPARE(fixture.answers.size(), std::size_t(1));
    const Answer first = fixture.answers.front();
    QCOMPARE(first.ask, std::uint64_t(1));
    QCOMPARE(first.matched, 200);
    QCOMPARE(first.rows.size(), std::size_t(50));
    QCOMPARE(first.rows.front().id, std::string("0-1"));
    QVERIFY(!first.isPartial);
    list.descending = true;
    list.filter = std::make_shared<const shared::Filter>(*shared::Filter::parse("id=0-17"));
    fixture.ask(2, list);
    fixture.ask(3, DetailsAsk{17});
    fixture.ask(4, DetailsAsk{1700});
    QTRY_COMPARE(fixture.answers.size(), std::size_t(4));
    QCOMPARE(fixture.answers[1].matched, 1);
    QVERIFY(fixture.answers[2].details.has_value());
    QCOMPARE(fixture.answers[2].details->row.id, std::string("0-17"));
    QVERIFY(!fixture.answers[3].details.has_value());
}

void TestShard::evicts() {
    Fixture fixture;
    fixture.open(3);
    EvictAsk dry;
    dry.dryRun = true;
    dry.filter = std::make_shared<const shared::Filter>(*shared::Filter::parse(""));
    fixture.ask(1, dry);
    EvictAsk evict;
    evict.numbers = {2, 77};
    fixture.ask(2, evict);
    QTRY_COMPARE(fixture.answers.size(), std::size_t(2));
    QCOMPARE(fixture.answers[0].matched, 3);
    QCOMPARE(fixture.answers[0].rows.size(), std::size_t(3));
    QCOMPARE(fixture.answers[0].closed, 0);
    QCOMPARE(fixture.answers[1].matched, 1);
    QCOMPARE(fixture.answers[1].closed, 1);
    QTRY_COMPARE(fixture.ended(), 1);
    QTRY_COMPARE(fixture.number(Metric::ClosesTotal, std::size_t(CloseReason::Evicted)), 1);
    QCOMPARE(fixture.number(Metric::EvictionsTotal), 1);
    for (const auto& client : fixture.clients) {
        if (!client->hasEnded)
            continue;
        const auto frames = framesIn(client->got);
        QCOMPARE(frames[frames.size() - 2], std::string("41"));
        QCOMPARE(frames.back(), std::string("close 4410"));
    }
    QTRY_COMPARE(fixture.admission.count(), 2);
    QTRY_COMPARE(fixture.thread.load(), 2);
}

void TestShard::drains() {
    Fixture fixture;
    fixture.open(10);
    fixture.ask(1, DrainAsk{4, 100ms, {}});
    QTRY_COMPARE(fixture.answers.size(), std::size_t(1));
    QCOMPARE(fixture.answers[0].closed, 4);
    QCOMPARE(fixture.answers[0].left, 6);
    QTRY_COMPARE(fixture.ended(), 4);
    for (const auto& client : fixture.clients) {
        if (!client->hasEnded)
            continue;
        const auto frames = framesIn(client->got);
        QVERIFY(frames[frames.size() - 2].find("weir:reconnect") != std::string::npos);
        QCOMPARE(frames.back(), std::string("close 1012"));
    }
}

void TestShard::delivers() {
    Fixture fixture;
    fixture.open(20);
    for (const auto& client : fixture.clients)
        client->send(clientFrame(R"(421["join","r"])"));
    for (const auto& client : fixture.clients)
        QTRY_COMPARE(framesIn(client->got).size(), std::size_t(3));
    for (int i = 0; i < 50; ++i)
        fixture.clients[0]->send(clientFrame(R"(42["publish","r","e",)" + std::to_string(i) + "]"));
    for (std::size_t i = 1; i < fixture.clients.size(); ++i) {
        QTRY_COMPARE(framesIn(fixture.clients[i]->got).size(), std::size_t(53));
        const auto frames = framesIn(fixture.clients[i]->got);
        for (std::size_t n = 0; n < 50; ++n)
            QCOMPARE(frames[3 + n], R"(42["e",)" + std::to_string(n) + "]");
    }
}

void TestShard::volatileMeansStuckOnly() {
    Fixture fixture;
    fixture.openRoom(3, 1);
    fixture.publish(40, 10, R"({"volatile":true})"); // one burst: many a turn, and nobody is slow
    QTRY_COMPARE(framesIn(fixture.clients[1]->got).size(), std::size_t(43));
    const auto dropped = [&] {
        return fixture.number(Metric::DropsTotal, std::size_t(shared::DropReason::Volatile));
    };
    QCOMPARE(dropped(), 0);
    while (fixture.number(Metric::QueueBytes) == 0 && !QTest::currentTestFailed()) {
        fixture.publish(1, 60000);
        const auto had = fixture.clients[1]->got.size();
        QTRY_VERIFY(fixture.clients[1]->got.size() > had + 60000);
    }
    fixture.publish(20, 10, R"({"volatile":true})");
    QTRY_COMPARE(dropped(), 20); // for the one that does not read
    QVERIFY(fixture.number(Metric::LimitHitsTotal, std::size_t(shared::LimitKey::SendBufferBytes)) > 0);
}

void TestShard::aFullQueueCloses() {
    Settings settings;
    settings.limits.queue = shared::Bytes::kibi(256);
    Fixture fixture(settings);
    fixture.openRoom(3, 1);
    const auto hits = [&] {
        return fixture.number(Metric::LimitHitsTotal, std::size_t(shared::LimitKey::QueueBytes));
    };
    std::int64_t most = 0;
    for (int i = 0; hits() == 0 && i < 1000; ++i) {
        const auto had = fixture.clients[1]->got.size();
        fixture.publish(1, 20000);
        QTRY_VERIFY(fixture.clients[1]->got.size() > had + 20000);
        most = std::max(most, fixture.number(Metric::QueueBytes));
    }
    QTRY_COMPARE(fixture.number(Metric::QueueBytes), 0); // freed at once
    QTRY_COMPARE(fixture.number(Metric::ClosesTotal, std::size_t(CloseReason::SlowConsumer)), 1);
    QVERIFY2(most > 200 * 1024 && most <= 256 * 1024, qPrintable(QString::number(most)));
    QCOMPARE(hits(), 1);
    QCOMPARE(fixture.number(Metric::DropsTotal, std::size_t(shared::DropReason::SlowConsumer)), 1);
    QCOMPARE(fixture.admission.count(), 2);
}

void TestShard::theLongestStuckGoFirst() {
    Settings settings;
    settings.limits.queueTotal = shared::Bytes::kibi(512);
    Fixture fixture(settings);
    fixture.openRoom(6, 4);
    const auto shed = [&] {
        return fixture.number(Metric::LimitHitsTotal, std::size_t(shared::LimitKey::QueueBytesTotal));
    };
    for (int i = 0; shed() == 0 && i < 1000; ++i) {
        const auto had = fixture.clients[4]->got.size();
        fixture.publish(1, 20000);
        QTRY_VERIFY(fixture.clients[4]->got.size() > had + 20000);
    }
    QVERIFY(shed() >= 1 && shed() <= 2);
    QTRY_COMPARE(fixture.number(Metric::ClosesTotal, std::size_t(CloseReason::SlowConsumer)), shed());
    QCOMPARE(fixture.number(Metric::LimitHitsTotal, std::size_t(shared::LimitKey::QueueBytes)), 0);
    QVERIFY(fixture.number(Metric::QueueBytes) <= 512 * 1024);
    QVERIFY(fixture.number(Metric::QueueBytes) > 0);
    QCOMPARE(fixture.queues.total().count(), std::uint64_t(fixture.number(Metric::QueueBytes)));
}

void TestShard::oversizeIsCounted() {
    Settings settings;
    settings.limits.message = shared::Bytes(1000);
    Fixture fixture(settings);
    fixture.open(2);
    fixture.clients[0]->send(clientFrame(std::string(5000, 'x')));
    QTRY_COMPARE(fixture.ended(), 1);
    QCOMPARE(framesIn(fixture.clients[0]->got).back(), std::string("close 1009"));
    QTRY_COMPARE(fixture.number(Metric::ClosesTotal, std::size_t(CloseReason::TooLarge)), 1);
    QCOMPARE(fixture.number(Metric::ErrorsTotal, std::size_t(shared::ErrorKind::TooLarge)), 1);
    QVERIFY(!fixture.clients[1]->hasEnded);
}

void TestShard::stopsWithinASecond() {
    Fixture fixture;
    fixture.open(50);
    BytesClient half(fixture.port);
    half.send("GET / HT");
    QTRY_COMPARE(fixture.thread.load(), 51);
    QElapsedTimer timer;
    timer.start();
    fixture.thread.stop();
    QVERIFY(timer.elapsed() < 5000);
    QTRY_COMPARE(fixture.ended(), 50);
    for (const auto& client : fixture.clients)
        QCOMPARE(framesIn(client->got).back(), std::string("close 1012"));
    QTRY_VERIFY(half.hasEnded);
    QCOMPARE(fixture.admission.count(), 0);
}

void TestShard::ticks() {
    Fixture fixture;
    const auto first = fixture.counters.tickedAt_ms.load();
    QTRY_VERIFY(fixture.counters.tickedAt_ms.load() >= first + 200);
}

int main(int argc, char** argv) {
    if (auto* const dispatcher = makeDispatcher())
        QCoreApplication::setEventDispatcher(dispatcher);
    QCoreApplication app(argc, argv);
    TestShard test;
    QTEST_SET_MAIN_SOURCE_PATH
    return QTest::qExec(&test, argc, argv);
}
#include "tst_shard.moc"
