// SPDX-License-Identifier: Apache-2.0
// First: moc 6.4 stumbles over <chrono> when it meets it before any header of Qt.
#include <QtTest/QTest>

#include "server/cluster/envelope.h"
#include <cstring>
#include <set>

using namespace server;

namespace {

QByteArray hex(const QByteArray& digits) {
    return QByteArray::fromHex(digits);
}
std::string_view view(const QByteArray& bytes) {
    return {bytes.constData(), std::size_t(bytes.size())};
}

Message message(const std::string& event, const std::string& args,
                const std::vector<std::string>& rooms = {}) {
    Message made;
    made.event = event;
    made.args = args;
    for (const auto& room : rooms)
        made.rooms.emplace_back(room);
    return made;
}

/// [uid, {type: 2, data, nsp: "/"}, {rooms: [], except: [], flags: {}}] with `data` as msgpack in
/// hexadecimal.
QByteArray enveloped(const QByteArray& data) {
    return hex("93a6" + QByteArray("abc123").toHex() + "83a47479706502a464617461" + data + "a36e7370a12f" +
               "83a5726f6f6d7390a665786365707490a5666c61677380");
}

/// The outcome in one line: the event and its arguments, the ignored kind, or "refused".
QByteArray opened(const QByteArray& bytes, const char* nsp = "/") {
    const auto result = decodeEnvelope(view(bytes), "ownuid", NamespaceName(nsp));
    if (!result)
        return "refused";
    if (const auto* ignored = std::get_if<Ignored>(&*result))
        switch (*ignored) {
        case Ignored::OwnEcho:
            return "own echo";
        case Ignored::OtherNamespace:
            return "other namespace";
        case Ignored::OtherPacket:
            return "other packet";
        }
    const auto& got = std::get<Message>(*result);
    return QByteArray::fromStdString(got.event + " " + got.args);
}

QByteArray nested(int levels) {
    return "92a165" + QByteArray("91").repeated(levels) + "c0";
}

} // namespace

class TestEnvelope : public QObject {
    Q_OBJECT

private Q_SLOTS:
    // What @socket.io/redis-adapter 8.3.0 (its uid set to abc123) published for the same broadcasts.
    void encode_data() {
        QTest::addColumn<QByteArray>("args");
        QTest::addColumn<QByteArray>("room");
        QTest::addColumn<QByteArray>("except");
        QTest::addColumn<bool>("isVolatile");
        QTest::addColumn<QByteArray>("channel");
        QTest::addColumn<QByteArray>("golden");
        QTest::newRow("news")
            << QByteArray("\"hello\",{\"n\":3}") << QByteArray("lobby") << QByteArray("sidsidsidsidsidsid20")
            << false << QByteArray("socket.io#/#lobby#")
            << QByteArray("93a661626331323383a47479706502a46461746193a46e657773a568656c6c6f81a16e03a3"
                          "6e7370a12f83a5726f6f6d7391a56c6f626279a665786365707491b47369647369647369"
                          "647369647369647369643230a5666c61677380");
        QTest::newRow("all")
            << QByteArray() << QByteArray() << QByteArray() << true << QByteArray("socket.io#/#")
            << QByteArray("93a661626331323383a47479706502a46461746191a3616c6ca36e7370a12f83a5726f6f6d73"
                          "90a665786365707490a5666c61677381a8766f6c6174696c65c3");
    }
    void encode() {
        QFETCH(QByteArray, args);
        QFETCH(QByteArray, room);
        QFETCH(QByteArray, except);
        QFETCH(bool, isVolatile);
        Message made = message(QTest::currentDataTag(), args.toStdString());
        if (!room.isEmpty())
            made.rooms.emplace_back(room.toStdString());
        if (!except.isEmpty())
            made.except.emplace_back(except.toStdString());
        made.isVolatile = isVolatile;
        const auto bytes = encodeEnvelope(made, "abc123");
        QVERIFY(bytes);
        QTEST(QByteArray::fromStdString(*bytes).toHex(), "golden");
        QTEST(QByteArray::fromStdString(channelOf(made, "socket.io")), "channel");
        made.stamp = Stamp{"node.0.7", 300, 1700000000000};
        QFETCH(QByteArray, golden);
        golden[1] = '4'; // an array of four
        QCOMPARE(QByteArray::fromStdString(*encodeEnvelope(made, "abc123")).toHex(),
                 golden + "83a173cd012ca16fa8" + QByteArray("node.0.7").toHex() + "a174cf0000018bcfe56800");
    }

    // What @socket.io/redis-emitter 5.1.0 published.
    void emitter_data() {
        QTest::addColumn<QByteArray>("nsp");
        QTest::addColumn<QByteArray>("bytes");
        QTest::addColumn<QByteArray>("outcome");
        QTest::addColumn<int>("rooms");
        QTest::addColumn<int>("attachments");
        QTest::newRow("to, except, volatile")
            << QByteArray("/")
            << QByteArray("93a7656d697474657283a47479706502a46461746192a46e65777382a16101a16295c3c0ffcb3ff800"
                          "0000000000a2"
                          "c3a9a36e7370a12f83a5726f6f6d7391a56c6f626279a5666c61677381a8766f6c6174696c65c3a665"
                          "7863657074"
                          "91a442616263")
            << QByteArray("news {\"a\":1,\"b\":[true,null,-1,1.5,\"é\"]}") << 1 << 0;
        QTest::newRow("binary")
            << QByteArray("/")
            << QByteArray("93a7656d697474657283a47479706502a46461746193a362696e81a46465657092c40200ff"
                          "81a178c4026869c40107a36e7370a12f83a5726f6f6d7390a5666c61677380a66578636570"
                          "7490")
            << QByteArray("bin {\"deep\":[{\"_placeholder\":true,\"num\":0},{\"x\":{\"_placeholder\":"
                          "true,\"num\":1}}]},{\"_placeholder\":true,\"num\":2}")
            << 0 << 3;
        QTest::newRow("another namespace") << QByteArray("/admin")
                                           << QByteArray("93a7656d697474657283a47479706502a46461746191a16ea36"
                                                         "e7370a62f61646d696e83a5726f6f6d7392a161a162"
                                                         "a5666c61677380a665786365707490")
                                           << QByteArray("n ") << 2 << 0;
        QTest::newRow("undefined, a date, large and small numbers")
            << QByteArray("/")
            << "93a7656d697474657283a47479706502a4646174619ca175c0d6ff00000000cf0000010000000000d3ffffff00000"
               "00000"
               "cf0000000000000000cd012cce00011170d1ff38d2ffff63c0d928" +
                   QByteArray("78").repeated(40) +
                   "cf0000000000000000a36e7370a12f83a5726f6f6d7391a23432a5666c61677381a8636f6d7072657373c2a66"
                   "578636570"
                   "7490"
            << "u null,null,1099511627776,-1099511627776,0,300,70000,-200,-40000,\"" +
                   QByteArray("x").repeated(40) + "\",0"
            << 1 << 0;
    }
    void emitter() {
        QFETCH(QByteArray, nsp);
        QFETCH(QByteArray, bytes);
        QTEST(opened(hex(bytes), nsp.constData()), "outcome");
        const auto result = decodeEnvelope(view(hex(bytes)), "ownuid", NamespaceName(nsp.constData()));
        const auto& got = std::get<Message>(*result);
        QTEST(int(got.rooms.size()), "rooms");
        QTEST(int(got.attachments.size()), "attachments");
        QVERIFY(!got.stamp);
        const bool isFirst = got.event == "news";
        QCOMPARE(got.isVolatile, isFirst);
        QCOMPARE(got.except.size(), std::size_t(isFirst ? 1 : 0));
        QCOMPARE(got.compress, got.event != "u");
        if (got.event == "bin") {
            QCOMPARE(got.attachments[0], std::string("\0\xff", 2));
            QCOMPARE(got.attachments[1], std::string("hi"));
        }
    }

    void arguments_data() {
        QTest::addColumn<QByteArray>("args");
        QTest::addColumn<QByteArray>("back"); // empty: the same text
        const auto row = [](const char* name, const QByteArray& args, const QByteArray& back = {}) {
            QTest::newRow(name) << args << back;
        };
        row("none", "");
        row("scalars", "null,true,false,0,-1,\"\"");
        row("blanks", " [ 1 , { \"a\" : 2 } ] ", "[1,{\"a\":2}]");
        row("empty containers", "[],{},[[]],{\"a\":{}}");
        row("integers",
            "127,128,255,256,65535,65536,4294967295,4294967296,9007199254740991,-32,-33,-128,-129,-32769");
        row("64 bits", "9223372036854775807,-9223372036854775808,18446744073709551615");
        row("past 64 bits", "18446744073709552000", "18446744073709551616");
        row("floats", "1.5,-0.1,1e+300,0.1");
        row("whole floats", "1.0,1e2", "1,100");
        row("past a double", "1e400,-1e400,1e-400", "null,null,0");
        row("escapes", "\"\\\"\\\\\\/\\b\\f\\n\\r\\té\\u0001\"",
            "\"\\\"\\\\/\\u0008\\u000c\\u000a\\u000d\\u0009\xC3\xA9\\u0001\"");
        row("a pair of surrogates", "\"\\ud83d\\ude00\"", "\"\xF0\x9F\x98\x80\"");
        row("half a pair", "\"\\ud83d\"");
        row("halves the wrong way round", "\"\\ude00\\ud83d\"");
        row("escaped letters", "\"\\u0041\\u00e9\\u2028\"", "\"A\xC3\xA9\xE2\x80\xA8\"");
        row("keys with escapes", "{\"a\\\"b\":1}");
        row("a placeholder that is none", "{\"_placeholder\":true,\"num\":0}");
        row("long string", "\"" + QByteArray(70000, 'x') + "\"");
        row("long array", "[" + QByteArray("1,").repeated(70000) + "1]");
        row("32 levels", QByteArray("[").repeated(32) + QByteArray("]").repeated(32));
    }
    void arguments() {
        QFETCH(QByteArray, args);
        QFETCH(QByteArray, back);
        const auto bytes = encodeEnvelope(message("e", args.toStdString()), "abc123");
        QVERIFY2(bytes, bytes ? "" : bytes.error().message.c_str());
        QCOMPARE(opened(QByteArray::fromStdString(*bytes)), "e " + (back.isEmpty() ? args : back));
    }

    void refusedArguments_data() {
        QTest::addColumn<QByteArray>("args");
        for (const char* args : {"x",    "[",   "]",  "{",   "{\"a\"}", "{\"a\":}",  "{a:1}",
                                 "[1,]", "1,",  ",1", "1 2", "\"",      "\"\\x\"",   "\"\\u12\"",
                                 "tru",  "nul", "-",  "1e",  "[}",      "{\"a\":1,}"})
            QTest::newRow(args) << QByteArray(args);
        QTest::newRow("33 levels") << QByteArray("[").repeated(33) + QByteArray("]").repeated(33);
        QTest::newRow("100,000 levels") << QByteArray("[").repeated(100000);
    }
    void refusedArguments() {
        QFETCH(QByteArray, args);
        QVERIFY(!encodeEnvelope(message("e", args.toStdString()), "abc123"));
    }

    void attachments() {
        Message made = message("e", "{\"a\":[{\"_placeholder\":true,\"num\":1}]},{ \"num\" : 0 , "
                                    "\"_placeholder\" : true },{\"_placeholder\":true,\"num\":2}");
        made.attachments = {std::string("\0\x80", 2), std::string(70000, 'b')};
        made.stamp = Stamp{"n.0.1", 5, 6};
        const auto bytes = encodeEnvelope(made, "abc123");
        QVERIFY(bytes);
        // The third names an attachment that is not there: an object like any other, which then cannot come
        // back.
        QVERIFY(!decodeEnvelope(*bytes, "ownuid", NamespaceName("/")));
        made.args.resize(made.args.rfind(','));
        made.args.resize(made.args.rfind(','));
        const auto fine = encodeEnvelope(made, "abc123");
        const auto back = decodeEnvelope(*fine, "ownuid", NamespaceName("/"));
        QVERIFY(back);
        const auto& got = std::get<Message>(*back);
        QCOMPARE(
            got.args,
            std::string("{\"a\":[{\"_placeholder\":true,\"num\":0}]},{\"_placeholder\":true,\"num\":1}"));
        QCOMPARE(got.attachments, (std::vector{made.attachments[1], made.attachments[0]}));
        QVERIFY(got.stamp);
        QCOMPARE(got.stamp->origin, std::string("n.0.1"));
        QCOMPARE(got.stamp->seq, std::uint64_t(5));
        QCOMPARE(got.stamp->ts_ms, std::int64_t(6));
    }

    void decode_data() {
        QTest::addColumn<QByteArray>("bytes");
        QTest::addColumn<QByteArray>("outcome");
        const auto row = [](const char* name, const QByteArray& bytes, const QByteArray& outcome) {
            QTest::newRow(name) << bytes << outcome;
        };
        const QByteArray options = "83a5726f6f6d7390a665786365707490a5666c61677380";
        row("plain", enveloped("91a165"), "e ");
        row("event is a number", enveloped("9107"), "7 ");
        row("no event", enveloped("90"), "refused");
        row("event is empty", enveloped("91a0"), "refused");
        row("event is an array", enveloped("9191a165"), "refused");
        row("data is a map", enveloped("80"), "refused");
        row("undefined as fixext", enveloped("92a165d40000"), "e null");
        row("unknown extension", enveloped("92a165c7030501020 3"), "e null");
        row("float 32", enveloped("92a165ca3fc00000"), "e 1.5");
        row("not a number", enveloped("92a165cb7ff8000000000000"), "e null");
        row("infinite", enveloped("92a165cb7ff0000000000000"), "e null");
        row("str 8, 16, 32", enveloped("94a165d90161da000162db0000000163"), "e \"a\",\"b\",\"c\"");
        row("array 16, 32", enveloped("93a165dc000101dd0000000102"), "e [1],[2]");
        row("map 16, 32", enveloped("93a165de0001a16101df00000001a16202"), "e {\"a\":1},{\"b\":2}");
        row("string that is no UTF-8", enveloped("92a165a2ff61"),
            "e \"\xEF\xBF\xBD"
            "a\"");
        row("control characters", enveloped("92a165a20a22"), "e \"\\u000a\\\"\"");
        row("a key that is a number", enveloped("92a165810102"), "refused");
        row("own placeholder beside binary", enveloped("93a16581ac5f706c616365686f6c646572c3c40101"),
            "refused");
        row("32 levels", enveloped(nested(32)),
            "e " + QByteArray("[").repeated(32) + "null" + QByteArray("]").repeated(32));
        row("33 levels", enveloped(nested(33)), "refused");
        row("100,000 levels", enveloped(nested(100000)), "refused");
        row("own", hex("93a66f776e75696483a47479706502a46461746191a165a36e7370a12f" + options), "own echo");
        row("without nsp",
            hex("93a178"
                "82a47479706502a46461746191a165" +
                options),
            "e ");
        row("other nsp",
            hex("93a178"
                "83a47479706502a46461746191a165a36e7370a22f78" +
                options),
            "other namespace");
        row("not an event",
            hex("93a178"
                "82a47479706501a46461746191a165" +
                options),
            "other packet");
        row("binary event",
            hex("93a178"
                "82a47479706505a46461746191a165" +
                options),
            "e ");
        row("options are nil",
            hex("93a178"
                "82a47479706502a46461746191a165"
                "c0"),
            "e ");
        row("flags are nil",
            hex("93a178"
                "82a47479706502a46461746191a165"
                "81a5666c616773c0"),
            "e ");
        row("unknown keys and elements",
            hex("95a178"
                "83a47479706502a46461746191a165a17781a17190"
                "81a17a9101"
                "80"
                "9101"),
            "e ");
        row("rooms are numbers",
            hex("93a178"
                "82a47479706502a46461746191a165"
                "81a5726f6f6d739107"),
            "e ");
        row("rooms are a map",
            hex("93a178"
                "82a47479706502a46461746191a165"
                "81a5726f6f6d7380"),
            "refused");
        row("two elements",
            hex("92a178"
                "82a47479706502a46461746191a165"),
            "e ");
        row("no packet", hex("91a178"), "refused");
        row("empty", "", "refused");
        row("X", "X", "refused");
        row("text", "{\"uid\":1}", "refused");
        row("a map", hex("80"), "refused");
        row("nil", hex("c0"), "refused");
        row("something behind", enveloped("91a165") + "x", "refused");
        row("claims 4 G elements", enveloped("92a165ddffffffff"), "refused");
        row("claims 4 G pairs", enveloped("92a165dfffffffff"), "refused");
        row("claims 4 GB text", enveloped("92a165dbffffffff"), "refused");
        row("claims 4 GB binary", enveloped("92a165c6ffffffff"), "refused");
        row("over 16 MB", enveloped("92a165c601100000") + QByteArray(0x1100000, 'x'), "refused");
        row("257 attachments", enveloped("92a165dc0101" + QByteArray("c400").repeated(257)), "refused");
    }
    void decode() {
        QFETCH(QByteArray, bytes);
        QTEST(opened(bytes), "outcome");
    }

    /// Every beginning of a good one is refused, and no changed byte does worse than that.
    void cutAndChanged() {
        const QByteArray good = enveloped("94a165d4000081a161c40101cb3ff8000000000000");
        QVERIFY(opened(good) != "refused");
        for (int size = 0; size < good.size(); ++size)
            QCOMPARE(opened(good.left(size)), QByteArray("refused"));
        for (int at = 0; at < good.size(); ++at)
            for (int value = 0; value < 256; ++value) {
                QByteArray changed = good;
                changed[at] = char(value);
                opened(changed);
            }
    }

    void channels_data() {
        QTest::addColumn<QByteArray>("prefix");
        QTest::addColumn<QByteArray>("nsp");
        QTest::addColumn<QByteArray>("pattern");
        QTest::newRow("root") << QByteArray("socket.io") << QByteArray("/") << QByteArray("socket.io#/#*");
        QTest::newRow("stars") << QByteArray("a*") << QByteArray("/a*b?[c]")
                               << QByteArray("a\\*#/a\\*b\\?\\[c\\]#*");
        QTest::newRow("backslash") << QByteArray("p") << QByteArray("/\\") << QByteArray("p#/\\\\#*");
    }
    void channels() {
        QFETCH(QByteArray, prefix);
        QFETCH(QByteArray, nsp);
        QTEST(QByteArray::fromStdString(patternOf(view(prefix), view(nsp))), "pattern");
        Message made = message("e", "", {"a#b"});
        made.nsp = NamespaceName(nsp.constData());
        QCOMPARE(QByteArray::fromStdString(channelOf(made, view(prefix))), prefix + "#" + nsp + "#a#b#");
        made.rooms.emplace_back("c");
        QCOMPARE(QByteArray::fromStdString(channelOf(made, view(prefix))), prefix + "#" + nsp + "#");
    }

    void uids() {
        std::set<std::string> seen;
        for (int i = 0; i < 100; ++i)
            seen.insert(makeUid());
        QCOMPARE(seen.size(), std::size_t(100));
        QCOMPARE(seen.begin()->size(), std::size_t(6));
    }
};

QTEST_GUILESS_MAIN(TestEnvelope)
#include "tst_envelope.moc"
