// SPDX-License-Identifier: Apache-2.0
// The pure parts of weir-load: frames, ledger, words of the command line, waits.
#include "shared/nearest_word.h"
#include "tests/load/frame_codec.h"
#include "tests/load/ledger.h"
#include "tests/load/load_client.h"
#include "tests/load/load_run.h"
#include "tests/load/options.h"
#include <QJsonDocument>
#include <QJsonObject>
#include <QTest>

namespace {

constexpr Nanoseconds Second = Ledger::Second;

std::string serverFrame(int first, std::string_view payload) {
    std::string frame(1, char(first));
    if (payload.size() < 126) {
        frame.push_back(char(payload.size()));
    } else {
        frame.push_back(126);
        frame.push_back(char(payload.size() >> 8));
        frame.push_back(char(payload.size() & 0xff));
    }
    return frame.append(payload);
}

/// What a reader makes of `stream` when it comes in pieces of `piece` bytes: `opcode:payload` each, `!` for a
/// failure.
QStringList readAll(const std::string& stream, std::size_t piece) {
    FrameReader reader;
    QStringList seen;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
        reader.feed(std::string_view(stream).substr(at, piece));
        for (;;) {
            const auto frame = reader.next();
            if (!frame)
                return seen << "!";
            if (!frame->has_value())
                break;
            seen << QString("%1:%2")
                        .arg(int((*frame)->opcode))
                        .arg(
                            QString::fromUtf8((*frame)->payload.data(), qsizetype((*frame)->payload.size())));
        }
    }
    return seen;
}

} // namespace

class TestLoadParts : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void framesIn_data();
    void framesIn();
    void framesOut_data();
    void framesOut();
    void deflatedFrames();
    void marks();
    void broadcastMarks();
    void judgesEveryMessage();
    void edgesCountAsNeither();
    void settlesAndForgets();
    void echoesToItself();
    void targets_data();
    void targets();
    void durations_data();
    void durations();
    void nearestWords();
    void waitsLikeOfficialClients();
    void reportHasTheAgreedKeys();
};

void TestLoadParts::framesIn_data() {
    QTest::addColumn<QByteArray>("stream");
    QTest::addColumn<QStringList>("expected");
    const std::string big(300, 'b');
    const auto row = [](const char* name, const std::string& stream, const QStringList& expected) {
        QTest::newRow(name) << QByteArray::fromStdString(stream) << expected;
    };
    row("text", serverFrame(0x81, "hi"), {"1:hi"});
    row("two", serverFrame(0x81, "a") + serverFrame(0x81, "b"), {"1:a", "1:b"});
    row("sixteen bits of length", serverFrame(0x81, big), {"1:" + QString(300, 'b')});
    row("fragments", serverFrame(0x01, "a") + serverFrame(0x00, "b") + serverFrame(0x80, "c"), {"1:abc"});
    row("ping between fragments", serverFrame(0x01, "a") + serverFrame(0x89, "p") + serverFrame(0x80, "c"),
        {"9:p", "1:ac"});
    row("close", serverFrame(0x88, closePayload(1012, "x")), {"8:" + QString::fromUtf8("\x03\xf4x", 3)});
    row("empty", serverFrame(0x81, ""), {"1:"});
    row("masked", std::string("\x81\x80\x01\x02\x03\x04", 6), {"!"});
    row("reserved bit", serverFrame(0xc1, "x"), {"!"});
    row("continuation of nothing", serverFrame(0x80, "x"), {"!"});
    row("message in a message", serverFrame(0x01, "x") + serverFrame(0x81, "y"), {"!"});
    row("unknown opcode", serverFrame(0x83, "x"), {"!"});
    row("long ping", serverFrame(0x89, big), {"!"});
    row("absurd length", std::string("\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", 10), {"!"});
}

void TestLoadParts::framesIn() {
    QFETCH(QByteArray, stream);
    QFETCH(QStringList, expected);
    for (const std::size_t piece : {std::size_t(1), std::size_t(3), std::size_t(100000)})
        QCOMPARE(readAll(stream.toStdString(), piece), expected);
}

void TestLoadParts::framesOut_data() {
    QTest::addColumn<int>("size");
    QTest::addColumn<int>("head");
    QTest::newRow("empty") << 0 << 6;
    QTest::newRow("short") << 125 << 6;
    QTest::newRow("medium") << 126 << 8;
    QTest::newRow("medium, longest") << 65535 << 8;
    QTest::newRow("long") << 65536 << 14;
}

void TestLoadParts::framesOut() {
    QFETCH(int, size);
    QFETCH(int, head);
    const std::string payload(std::size_t(size), 'q');
    std::string frame;
    appendFrame(frame, Opcode::Text, payload, 0x01020304);
    QCOMPARE(frame.size(), std::size_t(head + size));
    QCOMPARE(std::uint8_t(frame[0]), std::uint8_t(0x81));
    QVERIFY((std::uint8_t(frame[1]) & 0x80) != 0);
    std::string back = frame.substr(std::size_t(head));
    for (std::size_t i = 0; i < back.size(); ++i)
        back[i] = char(back[i] ^ frame[std::size_t(head) - 4 + i % 4]);
    QCOMPARE(back, payload);
}

void TestLoadParts::marks() {
    const MessageMark mark{7, 123456789012ull, 987654321098765};
    const std::string text = markText(mark, 100);
    QCOMPARE(text.size(), std::size_t(100));
    QVERIFY(QJsonDocument::fromJson(QByteArray::fromStdString(text)).isObject());
    const auto back = parseMark("2[\"load\"," + text + "]");
    QCOMPARE(back.publisher, 7);
    QCOMPARE(back.number, mark.number);
    QCOMPARE(back.sentAt, mark.sentAt);
    QCOMPARE(parseMark("2[\"other\",{}]").publisher, -1);
    QCOMPARE(parseMark("").publisher, -1);
}

void TestLoadParts::deflatedFrames() {
    QCOMPARE(readAll(serverFrame(0xc1, "x"), 100), QStringList{"!"}); // nobody agreed to it
    FrameReader reader;
    reader.allowCompression();
    const std::string stream =
        serverFrame(0xc1, "a") + serverFrame(0x41, "b") + serverFrame(0x80, "c") + serverFrame(0x81, "d");
    reader.feed(stream);
    QStringList seen;
    for (auto frame = reader.next(); frame && *frame; frame = reader.next())
        seen << QString::fromUtf8((*frame)->payload.data(), qsizetype((*frame)->payload.size())) +
                    ((*frame)->compression == Compression::Deflate ? "z" : "");
    QCOMPARE(seen, (QStringList{"az", "bcz", "d"}));
    for (const std::string& wrong : {serverFrame(0xc9, ""), serverFrame(0xc0, ""), serverFrame(0xe1, "")}) {
        FrameReader strict;
        strict.allowCompression();
        strict.feed(wrong);
        QVERIFY(!strict.next());
    }
}

void TestLoadParts::broadcastMarks() {
    const auto mark = parseBroadcast("2[\"load\",{\"b\":7,\"t\":123}]");
    QVERIFY(mark.has_value());
    QCOMPARE(mark->number, std::uint64_t(7));
    QCOMPARE(mark->sentAt, Nanoseconds(123));
    QVERIFY(!parseBroadcast("2[\"load\",{\"p\":7,\"n\":1,\"t\":123}]"));
    QCOMPARE(parseMark("2[\"load\",{\"b\":7,\"t\":123}]").publisher, -1);
}

void TestLoadParts::judgesEveryMessage() {
    // A room of three; member 0 publishes 0 … 9, which reach 1 and 2 in different shapes.
    Ledger ledger(3, 3, 1, Echo::No);
    for (int member = 0; member < 3; ++member)
        ledger.joined(member, 0);
    QCOMPARE(ledger.audience(0), 2);
    std::vector<MessageMark> marks;
    for (int i = 0; i < 10; ++i)
        marks.push_back(ledger.publish(0, 5 * Second + i));
    for (const int index : {0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
        ledger.received(1, marks[std::size_t(index)], 6 * Second);
    for (const int index : {0, 2, 1, 3, 3, 6, 7}) // 1 late, 3 twice, 4 and 5 lost, 8 and 9 lost at the end
        ledger.received(2, marks[std::size_t(index)], 6 * Second);
    QCOMPARE(ledger.outstanding(), std::uint64_t(4));
    ledger.finish();
    const auto& totals = ledger.totals();
    QCOMPARE(totals.sent, std::uint64_t(10));
    QCOMPARE(totals.expected, std::uint64_t(20));
    QCOMPARE(totals.lost, std::uint64_t(4));
    QCOMPARE(totals.received, std::uint64_t(16));
    QCOMPARE(totals.duplicated, std::uint64_t(1));
    QCOMPARE(totals.reordered, std::uint64_t(1));
    QCOMPARE(totals.longest, Second);
}

void TestLoadParts::edgesCountAsNeither() {
    Ledger ledger(2, 2, 1, Echo::No);
    ledger.joined(0, 0);
    ledger.joined(1, 10 * Second);
    ledger.publish(0, 10 * Second + Second / 2);        // just joined: neither
    const auto inside = ledger.publish(0, 12 * Second); // expected
    ledger.publish(0, 12 * Second + 1);                 // expected, lost
    const auto late =
        ledger.publish(0, 14 * Second + Second / 2); // just before the end: neither, though it came
    ledger.received(1, inside, 12 * Second);
    ledger.received(1, late, 15 * Second);
    ledger.left(1, 15 * Second);
    ledger.publish(0, 16 * Second); // away
    ledger.joined(1, 20 * Second);
    const auto again = ledger.publish(0, 22 * Second);
    ledger.received(1, again, 22 * Second);
    ledger.finish();
    QCOMPARE(ledger.totals().expected, std::uint64_t(3));
    QCOMPARE(ledger.totals().received, std::uint64_t(2));
    QCOMPARE(ledger.totals().lost, std::uint64_t(1));
    QCOMPARE(ledger.totals().duplicated, std::uint64_t(0));
}

void TestLoadParts::settlesAndForgets() {
    Ledger ledger(2, 2, 1, Echo::No);
    ledger.joined(0, 0);
    ledger.joined(1, 0);
    const auto lost = ledger.publish(0, 2 * Second);
    const auto kept = ledger.publish(0, 3 * Second);
    ledger.received(1, kept, 3 * Second);
    ledger.settle(5 * Second);
    QCOMPARE(ledger.totals().expected, std::uint64_t(0)); // still within its patience
    ledger.settle(20 * Second);
    QCOMPARE(ledger.totals().expected, std::uint64_t(2));
    QCOMPARE(ledger.totals().lost, std::uint64_t(1));
    ledger.received(1, lost, 21 * Second); // too late to count
    ledger.finish();
    QCOMPARE(ledger.totals().expected, std::uint64_t(2));
    QCOMPARE(ledger.totals().lost, std::uint64_t(1));
    QCOMPARE(ledger.totals().reordered, std::uint64_t(0));
}

void TestLoadParts::echoesToItself() {
    Ledger ledger(2, 1, 1, Echo::Yes);
    ledger.joined(0, 0);
    ledger.joined(1, 0);
    QCOMPARE(ledger.audience(1), 1);
    ledger.received(1, ledger.publish(1, 2 * Second), 2 * Second);
    ledger.received(0, MessageMark{1, 0, 2 * Second}, 2 * Second); // not its room
    ledger.finish();
    QCOMPARE(ledger.totals().expected, std::uint64_t(1));
    QCOMPARE(ledger.totals().received, std::uint64_t(1));
}

void TestLoadParts::targets_data() {
    QTest::addColumn<QString>("text");
    QTest::addColumn<QString>("expected"); // host port path; empty: refused
    QTest::newRow("plain") << "ws://127.0.0.1:7400"
                           << "127.0.0.1 7400 /socket.io/";
    QTest::newRow("slash") << "ws://localhost:1/"
                           << "localhost 1 /socket.io/";
    QTest::newRow("path") << "ws://h:2/x"
                          << "h 2 /x/";
    QTest::newRow("v6") << "ws://[::1]:7400"
                        << "::1 7400 /socket.io/";
    for (const char* bad : {"127.0.0.1:7400", "https://a:1", "wss://a", "ws://a", "ws://a:0", "ws://a:70000",
                            "ws://a:1x", "ws://:1", "ws://[::1]"})
        QTest::newRow(bad) << bad << "";
}

void TestLoadParts::targets() {
    QFETCH(QString, text);
    QFETCH(QString, expected);
    const auto target = parseTarget(text.toStdString());
    QCOMPARE(target.has_value(), !expected.isEmpty());
    if (target)
        QCOMPARE(
            QString::fromStdString(target->host + " " + std::to_string(target->port) + " " + target->path),
            expected);
}

void TestLoadParts::durations_data() {
    QTest::addColumn<QString>("text");
    QTest::addColumn<int>("ms"); // 0: refused
    QTest::newRow("15s") << "15s" << 15000;
    QTest::newRow("500ms") << "500ms" << 500;
    QTest::newRow("2m") << "2m" << 120000;
    QTest::newRow("1h") << "1h" << 3600000;
    QTest::newRow("1.5s") << "1.5s" << 1500;
    QTest::newRow("plain") << "20" << 20000;
    for (const char* bad : {"", "s", "15 s", "-1s", "0s", "1y", "nan", "99999h"})
        QTest::newRow(qPrintable(QString("bad %1").arg(bad))) << bad << 0;
}

void TestLoadParts::durations() {
    QFETCH(QString, text);
    QFETCH(int, ms);
    const auto duration = parseDuration(text.toStdString());
    QCOMPARE(duration ? int(duration->count()) : 0, ms);
}

void TestLoadParts::nearestWords() {
    QCOMPARE(shared::nearestWord("--conections", {"--target", "--connections"}),
             std::string("--connections"));
    QCOMPARE(shared::nearestWord("ehco", {"idle", "echo"}), std::string("echo"));
    QCOMPARE(shared::nearestWord("zzzzzzzz", {"idle", "echo"}), std::string());
}

void TestLoadParts::waitsLikeOfficialClients() {
    using std::chrono::milliseconds;
    QCOMPARE(reconnectDelay(0, 0.5), milliseconds(1000));
    QCOMPARE(reconnectDelay(0, 0.0), milliseconds(500));
    QCOMPARE(reconnectDelay(1, 0.5), milliseconds(2000));
    QCOMPARE(reconnectDelay(2, 0.5), milliseconds(4000));
    QCOMPARE(reconnectDelay(3, 0.0), milliseconds(2500));
    QCOMPARE(reconnectDelay(1000, 0.99), milliseconds(5000));
}

void TestLoadParts::reportHasTheAgreedKeys() {
    Report report;
    report.asked = 3;
    const auto object = QJsonDocument::fromJson(QByteArray::fromStdString(jsonText(report))).object();
    QCOMPARE(object.keys(), (QStringList{"connections", "connects_per_s", "duration_s", "latency_ms",
                                         "messages", "rate_per_s", "scenario"}));
    QCOMPARE(object["connections"].toObject().keys(),
             (QStringList{"asked", "closed", "failed", "hinted", "open"}));
    QCOMPARE(object["messages"].toObject().keys(),
             (QStringList{"duplicated", "expected", "lost", "received", "reordered", "sent"}));
    QCOMPARE(object["latency_ms"].toObject().keys(), (QStringList{"max", "p50", "p95", "p99"}));
}

QTEST_GUILESS_MAIN(TestLoadParts)
#include "tst_load_parts.moc"
