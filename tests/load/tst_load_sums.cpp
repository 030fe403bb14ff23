// SPDX-License-Identifier: Apache-2.0
// What weir-load makes of dialects, of the node's numbers and of several processes.
#include <QtTest/QTest>

#include "tests/load/load_dialect.h"
#include "tests/load/report.h"
#include "tests/load/seq_check.h"
#include "tests/load/websocket_link.h"
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QNetworkProxy>
#include <QTcpServer>

namespace {

QJsonObject object(const Report& report) {
    return QJsonDocument::fromJson(QByteArray::fromStdString(jsonText(report))).object();
}

class SilentHost final : public LinkHost {
public:
    void linkOpened() override {}
    void pinged() override {}
    void textReceived(std::string_view) override {}
    void linkEnded(const LinkEnd&) override {}
};

} // namespace

class TestLoadSums : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void hears_data() {
        QTest::addColumn<bool>("isJson");
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<int>("kind");
        QTest::addColumn<QByteArray>("detail"); // answer, silence, origin, seq: what is not empty
        using Kind = Heard::Kind;
        const auto row = [](const char* name, bool isJson, const char* text, Kind kind, const char* detail) {
            QTest::newRow(name) << isJson << QByteArray(text) << int(kind) << QByteArray(detail);
        };
        row("open", false, R"(0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":5000})",
            Kind::Nothing, "40 30000");
        row("ping", false, "2", Kind::Ping, "3");
        row("connected", false, R"(40{"sid":"y"})", Kind::Connected, "");
        row("joined", false, R"(430[{"ok":true,"room":"a"}])", Kind::Joined, "");
        row("not joined", false, R"(430[{"ok":false}])", Kind::Refused, "");
        row("refused", false, R"(44{"message":"server full"})", Kind::Refused, "");
        row("hint", false, R"(42["weir:reconnect",{"after_ms":5}])", Kind::Hint, "");
        row("event", false, R"(42["load",{"p":1}])", Kind::Event, "");
        row("disconnect", false, "41", Kind::Evicted, "");
        row("close", false, "1", Kind::Closed, "");
        row("noop", false, "6", Kind::Nothing, "");
        row("nothing", false, "", Kind::Nothing, "");
        row("hello", true, R"({"op":"hello","id":"BAAAAAAAAAAAAAAAAAAA","node":"one","heartbeat_ms":25000})",
            Kind::Connected, "50000 one.1.");
        row("JSON joined", true, R"({"op":"ack","id":0,"ok":true,"room":"a"})", Kind::Joined, "");
        row("JSON not joined", true, R"({"op":"ack","id":0,"ok":false,"error":{}})", Kind::Refused, "");
        row("JSON published", true, R"({"op":"ack","id":1,"ok":true,"seq":77})", Kind::Published, "77");
        row("JSON not published", true, R"({"op":"ack","id":1,"ok":false,"error":{}})", Kind::Published, "");
        row("JSON hint", true, R"({"op":"reconnect","after_ms":5})", Kind::Hint, "");
        row("JSON error", true, R"({"op":"error","code":"forbidden","message":"x"})", Kind::Refused, "");
        row("JSON event", true,
            R"({"op":"event","room":"a","event":"load","data":{"seq":5},"seq":7,"origin":"one.0.9","ts":1})",
            Kind::Event, "one.0.9 7");
        row("JSON echoed plainly", true, R"({"op":"publish","id":1,"room":"a","event":"load","data":1})",
            Kind::Event, "");
        row("JSON from elsewhere", true, R"({"op":"event","room":"a","event":"load","data":1})", Kind::Event,
            "");
    }
    void hears() {
        QFETCH(bool, isJson);
        QFETCH(QByteArray, text);
        QFETCH(int, kind);
        QFETCH(QByteArray, detail);
        const auto& words = loadDialect(isJson ? DialectName::Json : DialectName::SocketIo);
        const Heard heard = words.hear({text.constData(), std::size_t(text.size())});
        QCOMPARE(int(heard.kind), kind);
        QStringList parts;
        if (!heard.answer.empty())
            parts << QString::fromUtf8(heard.answer.data(), qsizetype(heard.answer.size()));
        if (heard.silence.count() > 0)
            parts << QString::number(heard.silence.count());
        if (!heard.origin.empty())
            parts << QString::fromStdString(heard.origin);
        if (heard.seq > 0)
            parts << QString::number(heard.seq);
        QCOMPARE(parts.join(' '), QString::fromUtf8(detail));
    }

    void checksNumbers() {
        SeqCheck check(2);
        check.joined(0, "n.0.");
        for (const auto seq : std::initializer_list<std::uint64_t>{
                 10, 11, 14, 13, 13, 20}) // 13 late, once more; 12 and 15 … 19 missing
            check.received(0, "n.1.e", seq);
        for (const auto seq :
             std::initializer_list<std::uint64_t>{1, 2, 3}) // another origin counts by itself
            check.received(0, "m.1.e", seq);
        QCOMPARE(check.totals().missing, std::uint64_t(6));
        QCOMPARE(check.totals().reordered, std::uint64_t(1));
        QCOMPARE(check.totals().duplicated, std::uint64_t(1));
        check.joined(0, "n.0."); // what is missed while away is no hole
        check.received(0, "n.1.e", 100);
        QCOMPARE(check.totals().missing, std::uint64_t(6));
        check.received(1, "n.1.e", 5);
        check.received(1, "n.1.e", 4); // before all that came
        QCOMPARE(check.totals().reordered, std::uint64_t(2));
        QCOMPARE(check.totals().missing, std::uint64_t(6));
    }

    void ownNumbersAreNoHoles() {
        SeqCheck check(1);
        check.joined(0, "n.0.");
        check.received(0, "n.0.e", 1);
        check.published(0, 2); // told before the next one
        check.received(0, "n.0.e", 3);
        check.received(0, "n.0.e", 5);
        QCOMPARE(check.totals().missing, std::uint64_t(1));
        check.published(0, 4); // told after it
        QCOMPARE(check.totals().missing, std::uint64_t(0));
        check.received(0, "n.1.e", 1);
        check.published(0, 6);
        check.received(0, "n.1.e", 7); // numbers of another shard
        QCOMPARE(check.totals().missing, std::uint64_t(5));
    }

    void cutsIntoShares_data() {
        QTest::addColumn<int>("scenario");
        QTest::addColumn<int>("connections");
        QTest::addColumn<int>("roomSize");
        QTest::addColumn<int>("most");
        QTest::addColumn<QList<int>>("each"); // empty: refused
        const auto row = [](const char* name, Scenario scenario, int connections, int roomSize, int most,
                            QList<int> each) {
            QTest::newRow(name) << int(scenario) << connections << roomSize << most << each;
        };
        row("fits", Scenario::Echo, 100, 10, 100, {100});
        row("one too many", Scenario::Echo, 101, 10, 100, {50, 51});
        row("rooms stay whole", Scenario::Rooms, 155, 10, 56, {40, 40, 40, 35});
        row("a last room that is not full", Scenario::Rooms, 21, 10, 10, {10, 10, 1});
        row("a room that does not fit", Scenario::Rooms, 155, 70, 56, {});
        row("a room that is larger than the run", Scenario::Rooms, 5, 70, 56, {5});
        row("each has some who stay", Scenario::Storm, 100, 10, 45, {30, 30, 40});
        row("no room at all", Scenario::Echo, 10, 1, 0, {});
        row("too many processes", Scenario::Echo, 1000000, 1, 100, {});
    }
    void cutsIntoShares() {
        QFETCH(int, scenario);
        QFETCH(int, connections);
        QFETCH(int, roomSize);
        QFETCH(int, most);
        QFETCH(QList<int>, each);
        Options options;
        options.scenario = Scenario(scenario);
        options.connections = connections;
        options.roomSize = roomSize;
        options.ratePerSecond = 1000;
        const auto cut = shares(options, most);
        QCOMPARE(cut.has_value(), !each.isEmpty());
        QList<int> got;
        int next = 0;
        double rate = 0;
        for (const auto& share : cut.value_or(std::vector<Share>())) {
            QCOMPARE(share.firstClient, next);
            next += share.connections;
            rate += share.ratePerSecond;
            got << share.connections;
        }
        QCOMPARE(got, each);
        if (cut)
            QVERIFY(std::abs(rate - 1000) < 0.001);
    }

    void spreadsSources() {
        const Target loopback{"127.0.0.1", 7400, "/"}, other{"10.0.0.1", 7400, "/"};
        QCOMPARE(sourceAddress(loopback, 9999, 1), std::string());
        QCOMPARE(sourceAddress(loopback, 10000, 1), std::string("127.77.0.2"));
        QCOMPARE(sourceAddress(loopback, 19999, 2), std::string()); // each target has its own ports
        QCOMPARE(sourceAddress(loopback, 999999, 1), std::string("127.77.0.100"));
        QCOMPARE(sourceAddress(loopback, 2600000, 1), std::string("127.77.1.11"));
        QCOMPARE(sourceAddress(other, 999999, 1), std::string());
    }

    void comesFromItsSource() {
#ifndef Q_OS_LINUX
        QSKIP("only Linux has all of 127.0.0.0/8 on its loopback");
#endif
        QTcpServer server;
        server.setProxy(QNetworkProxy::NoProxy); // the system's may be looked up on a thread
        QVERIFY(server.listen(QHostAddress::LocalHost));
        SilentHost host;
        const Target target{"127.0.0.1", server.serverPort(), "/"};
        WebSocketLink link(host, LinkRoute{target, "/ws", "127.77.0.2"}, 1);
        link.open();
        QTRY_VERIFY(server.hasPendingConnections());
        QCOMPARE(server.nextPendingConnection()->peerAddress().toString(), QStringLiteral("127.77.0.2"));
        link.cut();
    }

    void addsBucketsNotPercentiles() {
        Report fast, slow, both;
        for (int i = 1; i <= 990; ++i) {
            fast.totals.latency.add(1000);
            both.totals.latency.add(1000);
        }
        for (int i = 1; i <= 110; ++i) {
            slow.totals.latency.add(50000);
            both.totals.latency.add(50000);
        }
        fast.totals.longest = 1000000;
        slow.totals.longest = both.totals.longest = 50000000;
        fast.add(slow);
        QCOMPARE(object(fast)["latency_ms"], object(both)["latency_ms"]);
    }

    void partsTravelWhole() {
        Report report;
        report.scenario = Scenario::Storm;
        report.asked = 10;
        report.open = 9;
        report.ramped = 8;
        report.rampSeconds = 0.5;
        report.failed = 7;
        report.dropped = 6;
        report.hinted = 5;
        report.phase = RunPhase::Storm;
        report.compressed = 4;
        report.pings = {6, 2};
        report.broadcast.received = 3;
        report.broadcast.latency.add(2000, 3);
        report.broadcast.longest = 2500000;
        report.server = ServerReport{{0.25, 0.5, 4096}, {1, 2, 0}};
        report.measured = 100;
        report.seconds = 2;
        report.totals.sent = 1;
        report.totals.expected = 2;
        report.totals.received = 3;
        report.totals.lost = 4;
        report.totals.duplicated = 5;
        report.totals.reordered = 6;
        report.totals.longest = 123456789;
        report.totals.latency.add(5, 3);
        report.seq = SeqCheck::Totals{7, 8, 9};
        report.storms = {{Backoff::Yes, 1.5, true, {}, 5000000}, {Backoff::No, 0.5, false, {}, 0}};
        report.storms[0].stayed.add(4000);
        report.lastRefusal = "a \"sentence\"";
        const auto back = parsePart(partText(report));
        QVERIFY(back.has_value());
        QCOMPARE(jsonText(*back), jsonText(report));
        QCOMPARE(plainText(*back), plainText(report));
        QCOMPARE(progressJson(*back), progressJson(report));
        QVERIFY(!parsePart("nonsense").has_value());
        Report sum;
        sum.add(report);
        sum.add(*back);
        QCOMPARE(sum.asked, 20);
        QCOMPARE(sum.connectsPerSecond(), 32.0);
        QCOMPARE(sum.deliveriesPerSecond(), 100.0);
        QCOMPARE(sum.seq->missing, std::uint64_t(14));
        QCOMPARE(sum.storms.size(), std::size_t(2));
        QCOMPARE(sum.storms[0].recoveredSeconds, 1.5);
        QVERIFY(!sum.storms[1].isRecovered);
    }

    void stormsAndNumbersAreReported() {
        Report report;
        report.scenario = Scenario::Storm;
        report.storms = {{Backoff::Yes, 1.5, true, {}, 0}, {Backoff::No, 60, false, {}, 0}};
        report.seq.emplace();
        const auto storms = object(report)["storm"].toArray();
        QCOMPARE(storms.size(), 2);
        QCOMPARE(storms[0].toObject(),
                 (QJsonObject{{"backoff", true}, {"recovered_s", 1.5}, {"stayed_p99_ms", 0}}));
        QVERIFY(storms[1].toObject()["recovered_s"].isNull());
        QCOMPARE(object(report)["messages"].toObject()["seq"].toObject().keys(),
                 (QStringList{"duplicated", "missing", "reordered"}));
    }
};

QTEST_GUILESS_MAIN(TestLoadSums)
#include "tst_load_sums.moc"
