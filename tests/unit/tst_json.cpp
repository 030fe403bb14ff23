// SPDX-License-Identifier: Apache-2.0
// The JSON dialect on the wire: what is decoded, and every encoding by hand.
#include "server/dialect/dialects.h"
#include <QtTest/QTest>

using namespace server;

namespace {

QByteArray bytes(const std::string& text) {
    return QByteArray::fromStdString(text);
}

/// A request as a line, so that a table can name it; an absent argument is "-".
struct Show {
    static QByteArray joined(const std::vector<std::string>& args) {
        QByteArray out;
        for (const auto& arg : args)
            out += " " + (arg.empty() ? QByteArray("-") : bytes(arg));
        return out;
    }
    QByteArray operator()(const NoRequest&) const { return "nothing"; }
    QByteArray operator()(const ConnectRequest&) const { return "connect"; }
    QByteArray operator()(const DisconnectRequest&) const { return "disconnect"; }
    QByteArray operator()(const EventRequest& r) const {
        return bytes(r.event) + joined(r.args) +
               (r.ackId ? " #" + QByteArray::number(qulonglong(*r.ackId)) : QByteArray());
    }
    QByteArray operator()(const AckRequest& r) const {
        return "ack" + joined(r.args) + " #" + QByteArray::number(qulonglong(r.id));
    }
    QByteArray operator()(const PongRequest&) const { return "pong"; }
    QByteArray operator()(const CloseRequest&) const { return "close"; }
};

QByteArray encoded(const Event& event) {
    QByteArray out;
    for (const auto& frame : jsonDialect().encode(event))
        out += (frame->kind == FrameKind::Text ? "" : "other:") + bytes(frame->bytes);
    return out;
}

} // namespace

class JsonTest : public QObject {
    Q_OBJECT

    static void is(const Event& event, const char* expected) {
        QCOMPARE(encoded(event), QByteArray(expected));
    }
private Q_SLOTS:
    void decodes_data() {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<QByteArray>("request"); // "!CODE": refused with it
        const auto row = [](const char* name, const QByteArray& text, const QByteArray& request) {
            QTest::newRow(name) << text << request;
        };
        row("join", R"({"op":"join","room":"a"})", R"(join "a")");
        row("join with an id", R"({ "id" : 0, "room":"a" ,"op":"join"})", R"(join "a" #0)");
        row("join nowhere", R"({"op":"join"})", "join");
        row("leave", R"({"op":"leave","room":"a","id":9007199254740991})", R"(leave "a" #9007199254740991)");
        row("publish", R"({"op":"publish","room":"a","event":"e","data":[1.10, "x" ]})",
            R"(publish "a" "e" [1.10, "x" ])");
        row("publish without data", R"({"op":"publish","room":"a","event":"e"})", R"(publish "a" "e")");
        row("publish without data, with options", R"({"op":"publish","room":"a","event":"e","options":{}})",
            R"(publish "a" "e" - {})");
        row("publish without a room", R"({"op":"publish","event":"e"})", R"(publish - "e")");
        row("data of every kind", R"({"op":"publish","room":"a","event":"e","data":"\ud83d"})",
            R"(publish "a" "e" "\ud83d")");
        row("an op that nobody knows", R"({"op":"dance","room":"a","id":1})", R"(dance "a" #1)");
        row("an escaped op", R"({"\u006fp":"jo\u0069n","room":"a"})", R"(join "a")");
        row("unknown keys are ignored", R"({"op":"join","room":"a","colour":{"x":[1]}})", R"(join "a")");
        row("ack", R"({"op":"ack","id":5,"data":{"x":1}})", R"(ack {"x":1} #5)");
        row("ack of nothing", R"({"op":"ack","id":5})", "ack #5");
        row("ack without an id", R"({"op":"ack"})", "!4400");
        row("an id that is a text", R"({"op":"join","room":"a","id":"1"})", "!4400");
        row("an id below 0", R"({"op":"join","room":"a","id":-1})", "!4400");
        row("a broken id", R"({"op":"join","room":"a","id":1.5})", "!4400");
        row("an id that is null", R"({"op":"join","room":"a","id":null})", "!4400");
        row("an id past 2^53", R"({"op":"join","room":"a","id":9007199254740992})", "!4400");
        row("no op", R"({"room":"a"})", "!4400");
        row("an empty op", R"({"op":""})", "!4400");
        row("an op that is no text", R"({"op":["join"]})", "!4400");
        row("two ops", R"({"op":"join","\u006fp":"leave","room":"a"})", "!4400");
        row("an array", R"(["join"])", "!4400");
        row("nothing", "", "!4400");
        row("something behind it", R"({"op":"join"}{})", "!4400");
        row("too deep", R"({"op":"publish","data":)" + QByteArray(100, '[') + QByteArray(100, ']') + "}",
            "!4400");
        row("not UTF-8", "{\"op\":\"\xff\"}", "!1007");
    }
    void decodes() {
        QFETCH(QByteArray, text);
        QFETCH(QByteArray, request);
        const auto decoder = jsonDialect().makeDecoder({shared::Bytes(1000), 10, 32});
        const auto outcome = decoder->decode(FrameKind::Text, {text.constData(), std::size_t(text.size())});
        QCOMPARE(outcome ? std::visit(Show{}, *outcome)
                         : "!" + QByteArray::number(shared::row(outcome.error().reason).code),
                 request);
        QVERIFY(!decoder->isWaiting());
    }

    void otherFrames() {
        const auto decoder = jsonDialect().makeDecoder({shared::Bytes(1000), 10, 32});
        QVERIFY(std::holds_alternative<PongRequest>(decoder->decode(FrameKind::Pong, "x").value()));
        const auto binary = decoder->decode(FrameKind::Binary, "{}");
        QVERIFY(!binary);
        QCOMPARE(binary.error().reason, shared::CloseReason::Unsupported);
    }

    void delivers_data() {
        QTest::addColumn<QByteArray>("args");
        QTest::addColumn<QList<QByteArray>>("attachments");
        QTest::addColumn<QByteArray>("data"); // what stands between event and stamp
        const auto row = [](const char* name, const char* args, QList<QByteArray> attachments,
                            const char* data) {
            QTest::newRow(name) << QByteArray(args) << attachments << QByteArray(data);
        };
        row("nothing", "", {}, "");
        row("byte for byte", R"({ "a" : 1.10, "b":"\u00e9\/" })", {},
            R"(,"data":{ "a" : 1.10, "b":"\u00e9\/" })");
        row("an array", "[1,2]", {}, R"(,"data":[1,2])");
        row("a comma in a text", R"("a,b")", {}, R"(,"data":"a,b")");
        row("two arguments", R"([1,2],"b")", {}, R"(,"data":[1,2],"rest":["b"])");
        row("three arguments", R"("a,b" , 2,{"c":3})", {}, R"(,"data":"a,b","rest":[ 2,{"c":3}])");
        row("one byte", R"({"x":{"_placeholder":true,"num":0}})", {"a"},
            R"(,"data":{"x":{"base64":"YQ=="}})");
        row("two and three bytes", R"([{"_placeholder":true,"num":1},{"num":0,"_placeholder":true}])",
            {"ab", QByteArray("\0\xff\xfe", 3)}, R"(,"data":[{"base64":"AP/+"},{"base64":"YWI="}])");
        row("no bytes at all", R"({"_placeholder":true,"num":0})", {""}, R"(,"data":{"base64":""})");
        row("bytes in the second argument", R"(1,{"_placeholder":true,"num":0})", {"abcd"},
            R"(,"data":1,"rest":[{"base64":"YWJjZA=="}])");
        row("a placeholder of nothing is data", R"({"_placeholder":true,"num":0})", {},
            R"(,"data":{"_placeholder":true,"num":0})");
    }
    void delivers() {
        QFETCH(QByteArray, args);
        QFETCH(QList<QByteArray>, attachments);
        QFETCH(QByteArray, data);
        Message message;
        message.rooms = {RoomName("r\n")};
        message.event = "e";
        message.args = args.toStdString();
        for (const auto& attachment : attachments)
            message.attachments.push_back(attachment.toStdString());
        message.stamp = Stamp{"n.0.1", 7, 1700000000000};
        const QByteArray expected = R"({"op":"event","room":"r\u000a","event":"e")" + data +
                                    R"(,"seq":7,"origin":"n.0.1","ts":1700000000000})";
        is(DeliverEvent{message}, expected.constData());
    }

    void deliversFromElsewhere() {
        Message message; // of a Node server: to everybody, or to several rooms, and without a stamp
        message.event = "e";
        message.args = "1";
        is(DeliverEvent{message}, R"({"op":"event","event":"e","data":1})");
        message.rooms = {RoomName("a"), RoomName("b")};
        is(DeliverEvent{message}, R"({"op":"event","rooms":["a","b"],"event":"e","data":1})");
    }

    void says() {
        const NamespaceName root("/");
        const MemberId member("m1");
        const std::chrono::milliseconds interval(25000);
        is(OpenEvent{"secret", interval, interval, 1}, "");
        is(ConnectedEvent{root, member, "n", interval},
           R"({"op":"hello","id":"m1","node":"n","heartbeat_ms":25000})");
        is(ConnectRefusedEvent{root, "server full", "", "overloaded"},
           R"({"op":"error","code":"overloaded","message":"server full"})");
        is(FailureEvent{root, "bad_request", "room\n"},
           R"({"op":"error","code":"bad_request","message":"room\u000a"})");
        is(EmitEvent{root, "ask", "1", {}, 3}, R"({"op":"event","event":"ask","data":1,"id":3})");
        is(AckEvent{root, 3, R"({"ok":true,"seq":1})", {}}, R"({"op":"ack","id":3,"ok":true,"seq":1})");
        is(AckEvent{root, 3, "", {}}, R"({"op":"ack","id":3,"ok":true})");
        is(AckEvent{root, 3, R"({"ok":true},2)", {}},
           R"({"op":"ack","id":3,"ok":true,"data":{"ok":true},"rest":[2]})");
        is(DisconnectedEvent{root}, "");
        is(ReconnectEvent{root, std::chrono::milliseconds(40), "draining"},
           R"({"op":"reconnect","after_ms":40})");
        const auto ping = jsonDialect().encode(PingEvent{});
        QCOMPARE(ping.size(), std::size_t(1));
        QCOMPARE(ping[0]->kind, FrameKind::Ping);
    }
};

QTEST_APPLESS_MAIN(JsonTest)
#include "tst_json.moc"
