// SPDX-License-Identifier: Apache-2.0
// The frames of RFC 6455, section by section: each case is fed whole, byte by byte, and in every two pieces.
#include "server/net/websocket_codec.h"
#include <QStringList>
#include <QTest>
#include <functional>

using namespace server;
using shared::Bytes;
using shared::CloseReason;

namespace {

constexpr unsigned Fin = 0x80, Rsv1 = 0x40, Rsv2 = 0x20, Rsv3 = 0x10;
constexpr std::string_view Key = "\x37\xfa\x21\x3d";

std::string bigEndian(std::uint64_t value, int bytes) {
    std::string out;
    for (int i = bytes - 1; i >= 0; --i)
        out.push_back(char(static_cast<unsigned char>(value >> (8 * i))));
    return out;
}

/// A client's frame with its length in the shortest form.
std::string frame(unsigned first, std::string_view payload) {
    std::string out(1, char(static_cast<unsigned char>(first)));
    if (payload.size() < 126)
        out += bigEndian(0x80 | payload.size(), 1);
    else if (payload.size() < 65536)
        out += bigEndian(0x80 | 126, 1) + bigEndian(payload.size(), 2);
    else
        out += bigEndian(0x80 | 127, 1) + bigEndian(payload.size(), 8);
    out += Key;
    for (std::size_t i = 0; i < payload.size(); ++i)
        out.push_back(char(payload[i] ^ Key[i % 4]));
    return out;
}
std::string text(std::string_view payload) {
    return frame(Fin | 1, payload);
}
std::string closing(int code, std::string_view reason = {}) {
    return frame(Fin | 8, bigEndian(std::uint64_t(code), 2).append(reason));
}
std::string bytes(std::initializer_list<unsigned> values) {
    std::string out;
    for (const unsigned value : values)
        out.push_back(char(static_cast<unsigned char>(value)));
    return out;
}

/// Writes down what it hears; long payloads by their size.
struct Log final : FrameDecoder::Listener {
    QStringList lines;
    bool isOpen = true;

    static QString shown(std::string_view payload) {
        return payload.size() > 40 ? QString::number(payload.size()) + QStringLiteral(" bytes")
                                   : QString::fromLatin1(payload.data(), qsizetype(payload.size()));
    }
    void messageReceived(FrameKind kind, std::string_view payload, Compression compression) override {
        lines << (kind == FrameKind::Text ? QStringLiteral("text ") : QStringLiteral("binary ")) +
                     (compression == Compression::Deflate ? QStringLiteral("deflated ") : QString()) +
                     shown(payload);
        isOpen = isOpen && payload != "enough";
    }
    void pingReceived(std::string_view payload) override {
        lines << QStringLiteral("ping ") + shown(payload);
    }
    void pongReceived(std::string_view payload) override {
        lines << QStringLiteral("pong ") + shown(payload);
    }
    void closeReceived(std::uint16_t code) override {
        lines << QStringLiteral("close ") + QString::number(code);
        isOpen = false;
    }
};

/// Feeds the pieces one after the other, and says what came of it.
QStringList heard(const std::vector<std::string>& pieces, FrameDecoder::Limits limits,
                  bool* isWaiting = nullptr) {
    Log log;
    FrameDecoder decoder;
    for (std::string piece : pieces) {
        if (!log.isOpen)
            break;
        std::span<char> bytes(piece);
        if (const auto fault = decoder.feed(bytes, limits, log, [&log] { return log.isOpen; })) {
            const auto name = shared::row(*fault).name;
            log.lines << QStringLiteral("fault ") + QString::fromLatin1(name.data(), qsizetype(name.size()));
            break;
        }
    }
    if (isWaiting != nullptr)
        *isWaiting = decoder.isWaiting();
    return log.lines;
}

struct Case {
    const char* name;
    std::string bytes;
    QStringList wanted;
    bool isWaiting = false;
};

const QString TooLargeFault = QStringLiteral("fault too-large");
const QString Broken = QStringLiteral("fault protocol-error");

} // namespace

class TestWebSocketCodec : public QObject {
    Q_OBJECT
private:
    static constexpr FrameDecoder::Limits Plain{Bytes(100000), Compression::None};

    /// The whole of it, and without a fault.
    static bool isTaken(FrameDecoder& decoder, std::string bytes, FrameDecoder::Listener& listener) {
        std::span<char> rest(bytes);
        return !decoder.feed(rest, Plain, listener, [] { return true; }) && rest.empty();
    }

    static void check(const std::vector<Case>& cases, FrameDecoder::Limits limits = Plain);
private Q_SLOTS:
    void framing() { // §5.2
        check({
            {"empty text", text(""), {"text "}},
            {"text", text("Hello"), {"text Hello"}},
            {"binary", frame(Fin | 2, "\x01\x02"), {"binary \x01\x02"}},
            {"125 bytes", text(std::string(125, 'a')), {"text 125 bytes"}},
            {"126 bytes", text(std::string(126, 'a')), {"text 126 bytes"}},
            {"127 bytes", text(std::string(127, 'a')), {"text 127 bytes"}},
            {"65,535 bytes", text(std::string(65535, 'a')), {"text 65535 bytes"}},
            {"65,536 bytes", text(std::string(65536, 'a')), {"text 65536 bytes"}},
            {"two in one piece", text("a") + text("b"), {"text a", "text b"}},
            {"a byte of the next", text("a") + bytes({0x81}), {"text a"}, true},
            {"head without payload", text("abc").substr(0, 6), {}, true},
            {"all but the last byte", text("abc").substr(0, 8), {}, true},
            {"a claim of 2 GB", bytes({0x82, 0xFF, 0, 0, 0, 0, 0x80, 0, 0, 0, 1, 2, 3, 4}), {TooLargeFault}},
            {"a claim of 2^63 - 1",
             bytes({0x82, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4}),
             {TooLargeFault}},
            {"a claim of 2^64 - 1",
             bytes({0x82, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4}),
             {TooLargeFault}},
            {"16 bits for 125", bytes({0x81, 0xFE, 0, 125, 1, 2, 3, 4}), {Broken}},
            {"64 bits for 65,535", bytes({0x81, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 1, 2, 3, 4}), {Broken}},
            {"no mask", bytes({0x81, 0x01, 'a'}), {Broken}}, // §5.1
            {"an empty one without a mask", bytes({0x81, 0x00}), {Broken}},
        });
    }
    void reservedBits() { // §5.2
        std::vector<Case> cases;
        for (const unsigned bits : {Rsv1, Rsv2, Rsv3, Rsv1 | Rsv2, Rsv2 | Rsv3, Rsv1 | Rsv2 | Rsv3})
            for (const unsigned opcode : {1U, 2U, 8U, 9U, 10U})
                cases.push_back({"bit", text("a") + frame(Fin | bits | opcode, "b"), {"text a", Broken}});
        check(cases);
    }
    void reservedOpcodes() { // §5.2
        std::vector<Case> cases;
        for (const unsigned opcode : {3U, 4U, 5U, 6U, 7U, 11U, 12U, 13U, 14U, 15U})
            for (const unsigned fin : {Fin, 0U})
                cases.push_back({"opcode", text("a") + frame(fin | opcode, "b"), {"text a", Broken}});
        check(cases);
    }
    void controlFrames() { // §5.5
        check({
            {"ping", frame(Fin | 9, "p"), {"ping p"}},
            {"empty ping", frame(Fin | 9, ""), {"ping "}},
            {"ping of 125", frame(Fin | 9, std::string(125, 'p')), {"ping 125 bytes"}},
            {"ping of 126", frame(Fin | 9, std::string(126, 'p')), {Broken}},
            {"pong nobody asked for", frame(Fin | 10, "q"), {"pong q"}},
            {"pong of 126", frame(Fin | 10, std::string(126, 'q')), {Broken}},
            {"ping in pieces", frame(9, "p"), {Broken}},
            {"pong in pieces", frame(10, "p"), {Broken}},
            {"close in pieces", frame(8, ""), {Broken}},
            {"ten pings",
             frame(Fin | 9, "1") + frame(Fin | 9, "2") + frame(Fin | 9, "3"),
             {"ping 1", "ping 2", "ping 3"}},
        });
    }
    void fragmentation() { // §5.4
        check({
            {"two", frame(1, "Hel") + frame(Fin | 0, "lo"), {"text Hello"}},
            {"three of binary", frame(2, "a") + frame(0, "b") + frame(Fin | 0, "c"), {"binary abc"}},
            {"empty ones", frame(1, "") + frame(0, "") + frame(Fin | 0, ""), {"text "}},
            {"empty ones around", frame(1, "") + frame(0, "x") + frame(Fin | 0, ""), {"text x"}},
            {"a ping between",
             frame(1, "a") + frame(Fin | 9, "p") + frame(Fin | 0, "b"),
             {"ping p", "text ab"}},
            {"ping and pong between",
             frame(1, "a") + frame(Fin | 9, "p") + frame(0, "") + frame(Fin | 10, "q") + frame(Fin | 0, "b"),
             {"ping p", "pong q", "text ab"}},
            {"a close between", frame(1, "a") + closing(1000), {"close 1000"}, true},
            {"going on with nothing", frame(Fin | 0, "a"), {Broken}},
            {"going on with nothing, more to come", frame(0, "a"), {Broken}},
            {"going on after the end", text("a") + frame(Fin | 0, "b"), {"text a", Broken}},
            {"text inside text", frame(1, "a") + text("b"), {Broken}},
            {"binary inside text", frame(1, "a") + frame(2, "b"), {Broken}},
            {"not ended", frame(1, "a") + frame(0, "b"), {}, true},
        });
    }
    void closes() { // §5.5.1, §7.4
        std::vector<Case> cases{
            {"no code", frame(Fin | 8, ""), {"close 1005"}},
            {"half a code", frame(Fin | 8, "x"), {Broken}},
            {"with a reason", closing(1000, "bye"), {"close 1000"}},
            {"a reason of 123", closing(1000, std::string(123, 'r')), {"close 1000"}},
            {"a reason of 124", closing(1000, std::string(124, 'r')), {Broken}},
            {"a reason that is no UTF-8", closing(1000, "\xC3\x28"), {"fault bad-utf8"}},
            {"a reason cut in a character", closing(1000, "\xE2\x82"), {"fault bad-utf8"}},
            {"a reason in UTF-8", closing(1001, "\xE2\x82\xAC \xF0\x9F\x98\x80"), {"close 1001"}},
            {"a surrogate", closing(1001, "\xED\xA0\x80"), {"fault bad-utf8"}},
            {"too long a form", closing(1001, "\xC0\xAF"), {"fault bad-utf8"}},
            {"beyond U+10FFFF", closing(1001, "\xF4\x90\x80\x80"), {"fault bad-utf8"}},
            {"nothing behind it is read", closing(1000) + text("late"), {"close 1000"}},
        };
        for (const int code :
             {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999})
            cases.push_back({"allowed", closing(code), {QStringLiteral("close %1").arg(code)}});
        for (const int code : {0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535})
            cases.push_back({"forbidden", closing(code), {Broken}});
        check(cases);
    }
    void limits() {
        const FrameDecoder::Limits ten{Bytes(10), Compression::None};
        check(
            {
                {"just fits", text("0123456789"), {"text 0123456789"}},
                {"one over", text("0123456789x"), {TooLargeFault}},
                {"over in the second fragment",
                 frame(1, "01234") + frame(Fin | 0, "567890"),
                 {TooLargeFault}},
                {"fits in fragments", frame(1, "01234") + frame(Fin | 0, "56789"), {"text 0123456789"}},
                {"a fault at its head", text("0123456789x").substr(0, 6), {TooLargeFault}},
                {"control frames are none of it",
                 frame(1, "0123456789") + frame(Fin | 9, "01234567890123") + frame(Fin | 0, ""),
                 {"ping 01234567890123", "text 0123456789"}},
            },
            ten);
    }
    void compressedMessages() { // RFC 7692 §6
        const FrameDecoder::Limits deflate{Bytes(1000), Compression::Deflate};
        check(
            {
                {"deflated", frame(Fin | Rsv1 | 1, "z"), {"text deflated z"}},
                {"plain beside it", text("a"), {"text a"}},
                {"in fragments", frame(Rsv1 | 2, "x") + frame(Fin | 0, "y"), {"binary deflated xy"}},
                {"the bit in a later fragment", frame(Rsv1 | 1, "x") + frame(Fin | Rsv1 | 0, "y"), {Broken}},
                {"the bit in a ping", frame(Fin | Rsv1 | 9, "x"), {Broken}},
                {"another reserved bit", frame(Fin | Rsv1 | Rsv2 | 1, "x"), {Broken}},
            },
            deflate);
    }
    void stopsWhenToldTo() {
        check({{"had enough", text("enough") + text("late") + bytes({0xFF, 0xFF}), {"text enough"}}});
        Log log;
        FrameDecoder decoder;
        std::string two = text("one") + text("two");
        std::span<char> rest(two);
        QVERIFY(!decoder.feed(rest, Plain, log, [&log] { return log.lines.isEmpty(); }));
        QVERIFY(!decoder.isWaiting());
        QVERIFY(isTaken(decoder, std::string(rest.data(), rest.size()), log));
        QCOMPARE(log.lines, (QStringList{"text one", "text two"}));
    }
    /// CVE-2026-48779: what is held is what came, whatever the number of fragments.
    void manyFragmentsHoldWhatTheyBring() {
        Log log;
        FrameDecoder decoder;
        QVERIFY(isTaken(decoder, frame(1, ""), log));
        for (int i = 0; i < 100000; ++i)
            QVERIFY(isTaken(decoder, frame(0, ""), log));
        QVERIFY(decoder.isWaiting());
        QVERIFY(decoder.held().count() < 1000);
    }
    void claimsAllocateNothing() {
        Log log;
        FrameDecoder decoder;
        QVERIFY(isTaken(decoder, text(std::string(90000, 'a')).substr(0, 20), log));
        QVERIFY(decoder.isWaiting());
        QVERIFY(decoder.held().count() < 1000);
    }
    void unmasking_data() {
        QTest::addColumn<int>("size");
        for (const int size : {0, 1, 3, 4, 7, 8, 9, 15, 16, 17, 31, 1000})
            QTest::addRow("%d", size) << size;
    }
    void unmasking() {
        QFETCH(int, size);
        std::string payload;
        for (int i = 0; i < size; ++i)
            payload.push_back(char('a' + i % 26));
        struct Keep final : FrameDecoder::Listener {
            std::string got;
            void messageReceived(FrameKind, std::string_view payload, Compression) override { got = payload; }
            void pingReceived(std::string_view) override {}
            void pongReceived(std::string_view) override {}
            void closeReceived(std::uint16_t) override {}
        } keep;
        FrameDecoder decoder;
        QVERIFY(isTaken(decoder, text(payload), keep));
        QCOMPARE(keep.got, payload);
    }
    void heads_data() {
        QTest::addColumn<quint64>("payload");
        QTest::addColumn<QByteArray>("wanted");
        const auto row = [](quint64 payload, const char* hex) {
            QTest::addRow("%llu", payload) << payload << QByteArray::fromHex(hex);
        };
        row(0, "8100");
        row(125, "817d");
        row(126, "817e007e");
        row(65535, "817effff");
        row(65536, "817f0000000000010000");
    }
    void heads() {
        QFETCH(quint64, payload);
        QFETCH(QByteArray, wanted);
        const FrameHead head(Opcode::Text, payload);
        QCOMPARE(QByteArray(head.bytes().data(), qsizetype(head.bytes().size())), wanted);
        const FrameHead deflated(Opcode::Binary, payload, Compression::Deflate);
        QCOMPARE(uint(static_cast<unsigned char>(deflated.bytes()[0])), 0xC2U);
    }
    void closePayloads() {
        for (const auto& row : shared::closeReasons()) {
            const auto payload = closePayload(row.reason);
            if (row.reason == CloseReason::Lost) {
                QVERIFY(payload.empty()); // §7.4.1: 1006 is never sent
                continue;
            }
            QVERIFY(payload.size() >= 2 && payload.size() <= 125);
            const auto code = std::uint16_t(static_cast<unsigned char>(payload[0]) << 8 |
                                            static_cast<unsigned char>(payload[1]));
            QCOMPARE(code, row.code);
            QCOMPARE(payload.substr(2), std::string(row.sentence));
        }
    }
};

void TestWebSocketCodec::check(const std::vector<Case>& cases, FrameDecoder::Limits limits) {
    for (const auto& each : cases) {
        const auto says = [&each](const QStringList& got, const QString& how) {
            return QStringLiteral("%1, %2: %3 instead of %4")
                .arg(QString::fromLatin1(each.name), how, got.join(QLatin1Char('|')),
                     each.wanted.join(QLatin1Char('|')));
        };
        bool isWaiting = false;
        const auto whole = heard({each.bytes}, limits, &isWaiting);
        QVERIFY2(whole == each.wanted, qPrintable(says(whole, QStringLiteral("whole"))));
        if (!each.wanted.join(QString()).contains(QLatin1String("fault")))
            QVERIFY2(isWaiting == each.isWaiting, each.name);
        std::vector<std::string> single;
        for (const char byte : each.bytes)
            single.emplace_back(1, byte);
        const auto byByte = heard(single, limits);
        QVERIFY2(byByte == each.wanted, qPrintable(says(byByte, QStringLiteral("byte by byte"))));
        for (std::size_t cut = 1; cut < std::min<std::size_t>(each.bytes.size(), 300); ++cut) {
            const auto halves = heard({each.bytes.substr(0, cut), each.bytes.substr(cut)}, limits);
            QVERIFY2(halves == each.wanted, qPrintable(says(halves, QStringLiteral("cut at %1").arg(cut))));
        }
    }
}

QTEST_GUILESS_MAIN(TestWebSocketCodec)
#include "tst_websocket_codec.moc"
