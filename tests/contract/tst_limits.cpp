// SPDX-License-Identifier: Apache-2.0
// Each limit of the section [limits] is provoked on a real node, and its counter read from /metrics. A key of
// the settings table that has no row here fails.
#include <QTest> // first: moc cannot begin with <compare>

#include "server/config_table.h"
#include "tests/support/node_process.h"
#include "tests/unit/door_fixture.h"

using namespace server;

namespace {

constexpr const char* Event = R"(42["dance"])";
constexpr int Patience_ms = 30000;

std::string publishOf(std::size_t bytes) {
    return clientFrame(R"(42["publish","r","e",")" + std::string(bytes, 'x') + "\"]");
}

/// A node and its clients.
class Bench {
public:
    bool start(const QStringList& settings) {
        QStringList arguments;
        for (const auto& setting : settings)
            arguments << QStringLiteral("--set") << setting;
        return node.start(arguments);
    }
    BytesClient& client(const std::string& words = {}) {
        clients.push_back(std::make_unique<BytesClient>(node.clientPort()));
        clients.back()->send(words);
        return *clients.back();
    }
    /// One that has entered `/`.
    BytesClient& member() {
        auto& made = client(upgradeHead() + clientFrame("40"));
        [&] { QTRY_VERIFY_WITH_TIMEOUT(framesIn(made.got).size() >= 2, Patience_ms); }();
        return made;
    }
    /// One that is in room r, and reads nothing from here on.
    void stuckMember() {
        auto& made = member();
        made.send(clientFrame(R"(421["join","r"])"));
        [&] { QTRY_VERIFY_WITH_TIMEOUT(framesIn(made.got).size() >= 3, Patience_ms); }();
        QObject::disconnect(&made.socket, &QIODevice::readyRead, &made.socket, nullptr);
        made.socket.setReadBufferSize(1);
    }
    double number(const QByteArray& series) const {
        for (const auto& line : node.get("/metrics").split('\n'))
            if (line.startsWith(series + ' '))
                return line.mid(series.size() + 1).toDouble();
        return -1;
    }
    double hits(const QByteArray& limit) const {
        return number("weir_limit_hits_total{limit=\"" + limit + "\"}");
    }
    /// Publishes to a member that does not read until the limit bites.
    void flood(const QByteArray& limit, std::size_t bytes) {
        stuckMember();
        auto& publisher = member();
        for (int i = 0; i < 5000 && hits(limit) == 0; ++i) {
            publisher.send(publishOf(bytes));
            QCoreApplication::processEvents();
        }
    }

    NodeProcess node;
    std::vector<std::unique_ptr<BytesClient>> clients;
};

struct Provocation {
    const char* key; ///< without the section
    QStringList settings;
    void (*act)(Bench&);
    const char* counter; ///< label of weir_limit_hits_total
};

bool answers(BytesClient& client, int status) {
    return QTest::qWaitFor([&] { return client.status() == status; }, Patience_ms);
}

const Provocation Provocations[] = {
    {"message_bytes",
     {QStringLiteral("limits.message_bytes=1000")},
     [](Bench& bench) {
         auto& client = bench.member();
         client.send(clientFrame(std::string(5000, 'x')));
         QTRY_VERIFY(client.hasEnded);
         QCOMPARE(framesIn(client.got).back(), std::string("close 1009"));
     },
     "message_bytes"},
    {"head_bytes",
     {QStringLiteral("limits.head_bytes=512")},
     [](Bench& bench) {
         QVERIFY(
             answers(bench.client(upgradeHead(EnginePath, "X: " + std::string(1000, 'x') + "\r\n")), 431));
     },
     "head_bytes"},
    {"head_fields",
     {QStringLiteral("limits.head_fields=6")},
     [](Bench& bench) {
         QVERIFY(answers(bench.client(upgradeHead(EnginePath, "A: 1\r\nB: 2\r\nC: 3\r\n")), 431));
     },
     "head_fields"},
    {"handshake_ms",
     {QStringLiteral("limits.handshake_ms=300")},
     [](Bench& bench) { QVERIFY(answers(bench.client("GET / HT"), 408)); },
     "handshake_ms"},
    {"send_buffer_bytes",
     {QStringLiteral("limits.send_buffer_bytes=4096")},
     [](Bench& bench) { bench.flood("send_buffer_bytes", 4000); },
     "send_buffer_bytes"},
    {"queue_bytes",
     {QStringLiteral("limits.message_bytes=50000"), QStringLiteral("limits.queue_bytes=50000")},
     [](Bench& bench) {
         bench.flood("queue_bytes", 20000);
         QTRY_COMPARE(bench.number("weir_closes_total{reason=\"slow-consumer\"}"), 1.0);
     },
     "queue_bytes"},
    {"queue_bytes_total",
     {QStringLiteral("limits.queue_bytes_total=100000")},
     [](Bench& bench) {
         bench.flood("queue_bytes_total", 20000);
         QTRY_COMPARE(bench.number("weir_closes_total{reason=\"slow-consumer\"}"), 1.0);
     },
     "queue_bytes_total"},
    {"messages_per_s",
     {QStringLiteral("limits.messages_per_s=5")},
     [](Bench& bench) {
         auto& client = bench.member();
         for (int i = 0; i < 15; ++i)
             client.send(clientFrame(Event));
         QTRY_COMPARE_WITH_TIMEOUT(bench.number("weir_messages_total{direction=\"in\"}"), 15.0, Patience_ms);
     },
     "messages_per_s"},
    {"messages_burst",
     {QStringLiteral("limits.messages_per_s=100"), QStringLiteral("limits.messages_burst=5")},
     [](Bench& bench) {
         auto& client = bench.member();
         for (int i = 0; i < 50; ++i)
             client.send(clientFrame(Event));
         QTRY_COMPARE_WITH_TIMEOUT(bench.number("weir_messages_total{direction=\"in\"}"), 50.0, Patience_ms);
     },
     "messages_per_s"},
    {"handshakes_per_s",
     {QStringLiteral("limits.handshakes_per_s=2")},
     [](Bench& bench) {
         int refused = 0;
         for (int i = 0; i < 20 && refused == 0; ++i) {
             auto& client = bench.client(upgradeHead());
             QTRY_VERIFY(client.status() == 101 || client.status() == 503);
             refused += client.status() == 503 && client.got.contains("\r\nRetry-After: ") ? 1 : 0;
         }
         QCOMPARE(refused, 1);
         while (refused > 0) { // it ends by itself
             auto& client = bench.client(upgradeHead());
             QTRY_VERIFY(client.status() == 101 || client.status() == 503);
             refused = client.status() == 503 ? 1 : 0;
         }
     },
     "handshakes_per_s"},
    {"handshakes_open",
     {QStringLiteral("limits.handshakes_open=2"), QStringLiteral("node.shards=1")},
     [](Bench& bench) {
         auto& first = bench.client("GET / HT");
         QTRY_COMPARE(first.socket.state(), QAbstractSocket::ConnectedState);
         bench.client("GET / HT");
         bench.member(); // is served, and the one that has waited longest goes
         QVERIFY(answers(first, 408));
     },
     "handshakes_open"},
    {"per_address_connections",
     {QStringLiteral("limits.per_address_connections=2")},
     [](Bench& bench) {
         auto& first = bench.member();
         bench.member();
         QVERIFY(answers(bench.client(upgradeHead()), 503));
         QCOMPARE(bench.number("weir_handshakes_total{result=\"per_address\"}"), 1.0);
         first.socket.abort();
         QTRY_COMPARE(bench.number("weir_sessions"), 1.0);
         bench.member();
     },
     "per_address_connections"},
    {"rooms_per_session",
     {QStringLiteral("limits.rooms_per_session=2")},
     [](Bench& bench) {
         auto& client = bench.member();
         for (const char* room : {"a", "b", "c"})
             client.send(clientFrame(R"(421["join",")" + std::string(room) + "\"]"));
         QTRY_COMPARE(framesIn(client.got).size(), std::size_t(5));
         QVERIFY(framesIn(client.got).back().find("too_large") != std::string::npos);
     },
     "rooms_per_session"},
    {"room_name_bytes",
     {QStringLiteral("limits.room_name_bytes=8")},
     [](Bench& bench) {
         auto& client = bench.member();
         client.send(clientFrame(R"(421["join","nine bytes"])"));
         QTRY_COMPARE(framesIn(client.got).size(), std::size_t(3));
         QVERIFY(framesIn(client.got).back().find("too_large") != std::string::npos);
     },
     "room_name_bytes"},
    {"attachments",
     {QStringLiteral("limits.attachments=1")},
     [](Bench& bench) {
         auto& client = bench.member();
         client.send(clientFrame(R"(452-["e",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}])"));
         QTRY_VERIFY(client.hasEnded);
         QCOMPARE(framesIn(client.got).back(), std::string("close 4400"));
     },
     "attachments"},
};

} // namespace

class TestLimits : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void takesEffect_data();
    void takesEffect();
};

void TestLimits::takesEffect_data() {
    QTest::addColumn<int>("row");
    const std::string section = "limits.";
    for (const auto& setting : settingRows()) {
        if (setting.key.substr(0, section.size()) != section)
            continue;
        const auto key = setting.key.substr(section.size());
        int found = -1;
        for (std::size_t i = 0; i < std::size(Provocations); ++i)
            if (key == Provocations[i].key)
                found = int(i);
        QTest::newRow(std::string(key).c_str()) << found;
    }
}

void TestLimits::takesEffect() {
    QFETCH(const int, row);
    QVERIFY2(row >= 0, "this key of [limits] has no provocation in the table above");
    const auto& provocation = Provocations[row];
    Bench bench;
    QVERIFY2(bench.start(provocation.settings), qPrintable(bench.node.why()));
    QCOMPARE(bench.hits(provocation.counter), 0.0);
    provocation.act(bench);
    QTRY_VERIFY_WITH_TIMEOUT(bench.hits(provocation.counter) > 0, Patience_ms);
    QVERIFY(bench.node.isRunning());
}

QTEST_GUILESS_MAIN(TestLimits)
#include "tst_limits.moc"
