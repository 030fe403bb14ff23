// SPDX-License-Identifier: Apache-2.0
// Engine.IO 4 and Socket.IO 5 on the wire: what is decoded, what ends the connection, and every encoding by
// hand.
#include "server/dialect/dialects.h"
#include <QtTest/QTest>

using namespace server;

namespace {

constexpr const char* Failed = "!";

/// A request as a line, so that a table can name it.
QByteArray shown(const Request& request) {
    struct Show {
        static QByteArray joined(const std::vector<std::string>& parts) {
            QByteArray out;
            for (const auto& part : parts)
                out += " " + QByteArray::fromStdString(part);
            return out;
        }
        QByteArray operator()(const NoRequest&) const { return "nothing"; }
        QByteArray operator()(const ConnectRequest& r) const {
            return "connect " + QByteArray::fromStdString(r.nsp.text() + " " + r.auth);
        }
        QByteArray operator()(const DisconnectRequest& r) const {
            return "disconnect " + QByteArray::fromStdString(r.nsp.text());
        }
        QByteArray operator()(const EventRequest& r) const {
            return "event " + QByteArray::fromStdString(r.nsp.text() + " " + r.event) + joined(r.args) +
                   (r.ackId ? " ack " + QByteArray::number(qulonglong(*r.ackId)) : QByteArray()) +
                   (r.attachments.empty() ? QByteArray() : " with" + joined(r.attachments));
        }
        QByteArray operator()(const AckRequest& r) const {
            return "ack " + QByteArray::fromStdString(r.nsp.text()) + " " +
                   QByteArray::number(qulonglong(r.id)) + joined(r.args) +
                   (r.attachments.empty() ? QByteArray() : " with" + joined(r.attachments));
        }
        QByteArray operator()(const PongRequest&) const { return "pong"; }
        QByteArray operator()(const CloseRequest&) const { return "close"; }
    };
    return std::visit(Show{}, request);
}

QByteArray encoded(const Event& event) {
    QByteArray out;
    for (const auto& frame : socketIoDialect().encode(event)) {
        if (!out.isEmpty())
            out += " | ";
        out += (frame->kind == FrameKind::Binary ? "b:" : "") + QByteArray::fromStdString(frame->bytes);
    }
    return out;
}

} // namespace

class SocketIoTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void decodes_data() {
        QTest::addColumn<QList<QByteArray>>("frames"); // "b:" marks a binary one
        QTest::addColumn<QByteArray>("request");
        const auto row = [](const char* name, QList<QByteArray> frames, const char* request) {
            QTest::newRow(name) << frames << QByteArray(request);
        };
        row("pong", {"3"}, "pong");
        row("close", {"1"}, "close");
        row("noop", {"6"}, "nothing");
        row("empty", {""}, Failed);
        row("open from a client", {"0{}"}, Failed);
        row("ping from a version 3 client", {"2"}, Failed);
        row("upgrade without a probe", {"5"}, Failed);
        row("not UTF-8", {"42[\"\xff\"]"}, Failed);
        row("message without a packet", {"4"}, Failed);
        row("unknown packet", {"49"}, Failed);
        row("connect error from a client", {"44{}"}, Failed);
        row("connect", {"40"}, "connect / ");
        row("connect with auth", {"40{\"token\":\"x\"}"}, "connect / {\"token\":\"x\"}");
        row("connect to a namespace", {"40/admin,{\"a\":1}"}, "connect /admin {\"a\":1}");
        row("namespace without its comma", {"40/admin"}, "connect /admin ");
        row("namespace with a query", {"40/admin?token=1,"}, "connect /admin ");
        row("connect with an array", {"40[]"}, Failed);
        row("connect with half an object", {"40{"}, Failed);
        row("disconnect", {"41"}, "disconnect /");
        row("disconnect a namespace", {"41/admin,"}, "disconnect /admin");
        row("disconnect with payload", {"41{}"}, Failed);
        row("event", {"42[\"a\",1.10,{\"b\":[]}]"}, "event / a 1.10 {\"b\":[]}");
        row("event in a namespace with ack", {"42/admin,13[\"a\"]"}, "event /admin a ack 13");
        row("event with a number as name", {"42[7,1]"}, "event / 7 1");
        row("event without name", {"42[]"}, Failed);
        row("event with an object as name", {"42[{}]"}, Failed);
        row("event with null as name", {"42[null]"}, Failed);
        row("event that is an object", {"42{\"length\":1}"}, Failed);
        row("event that is cut off", {"42[\"a\""}, Failed);
        row("reserved name", {"42[\"disconnect\"]"}, Failed);
        row("reserved name, escaped", {"42[\"\\u0064isconnect\"]"}, Failed);
        row("prototype names are names", {"42[\"__proto__\",\"constructor\"]"},
            "event / __proto__ \"constructor\"");
        row("ack id beyond 64 bits", {"4299999999999999999999999[\"a\"]"}, Failed);
        row("ack", {"4318[\"x\"]"}, "ack / 18 \"x\"");
        row("ack without id", {"43[\"x\"]"}, Failed);
        row("binary event", {"451-[\"a\",{\"_placeholder\":true,\"num\":0}]", "b:xyz"},
            "event / a {\"_placeholder\":true,\"num\":0} with xyz");
        row("two attachments in a namespace with ack",
            {"452-/n,5[\"a\",[{\"_placeholder\":true,\"num\":1},{\"_placeholder\":true,\"num\":0}]]", "b:x",
             "b:y"},
            "event /n a [{\"_placeholder\":true,\"num\":1},{\"_placeholder\":true,\"num\":0}] ack 5 with x "
            "y");
        row("binary ack", {"461-9[{\"_placeholder\":true,\"num\":0}]", "b:z"},
            "ack / 9 {\"_placeholder\":true,\"num\":0} with z");
        row("a pong between attachments", {"451-[\"a\",{\"_placeholder\":true,\"num\":0}]", "3"}, "pong");
        row("text while attachments are due", {"451-[\"a\",{\"_placeholder\":true,\"num\":0}]", "42[\"b\"]"},
            Failed);
        row("binary out of the blue", {"b:xyz"}, Failed);
        row("no number of attachments", {"45[\"a\"]"}, Failed);
        row("zero attachments", {"450-[\"a\"]"}, Failed);
        row("eleven attachments", {"4511-[\"a\"]"}, Failed);
        row("six million attachments", {"455999999-[\"a\"]"}, Failed);
        row("placeholder out of range", {"451-[\"a\",{\"_placeholder\":true,\"num\":1}]"}, Failed);
        row("placeholder of wrong type", {"451-[\"a\",{\"_placeholder\":true,\"num\":\"splice\"}]"}, Failed);
        row("placeholder out of range, hidden by an escape",
            {"451-[\"a\",{\"_placeholder\":true,\"num\":0},{\"\\u005fplaceholder\":true,\"num\":9}]"},
            Failed);
        row("placeholder behind an object of its own",
            {"451-[\"a\",{\"x\":{},\"_placeholder\":true,\"num\":0}]", "b:z"},
            "event / a {\"x\":{},\"_placeholder\":true,\"num\":0} with z");
        row("placeholders without attachments are data", {"42[\"a\",{\"_placeholder\":true,\"num\":9}]"},
            "event / a {\"_placeholder\":true,\"num\":9}");
        row("attachments over the limit",
            {"451-[\"a\",{\"_placeholder\":true,\"num\":0}]", "b:" + QByteArray(1001, 'x')}, Failed);
    }
    void decodes() {
        QFETCH(QList<QByteArray>, frames);
        QFETCH(QByteArray, request);
        const auto decoder = socketIoDialect().makeDecoder({shared::Bytes(1000), 10, 32});
        QByteArray last;
        for (const auto& frame : frames) {
            const bool isBinary = frame.startsWith("b:");
            const std::string bytes = (isBinary ? frame.mid(2) : frame).toStdString();
            const auto outcome = decoder->decode(isBinary ? FrameKind::Binary : FrameKind::Text, bytes);
            last = outcome ? shown(*outcome) : QByteArray(Failed);
            if (!outcome)
                QVERIFY2(!outcome.error().sentence.empty(), "a failure says why");
        }
        QCOMPARE(last, request);
    }

    void encodesEveryEvent() {
        using std::chrono::milliseconds;
        const NamespaceName root("/"), admin("/admin");
        QCOMPARE(encoded(OpenEvent{"s1", milliseconds(25000), milliseconds(5000), 1000000}),
                 QByteArray("0{\"sid\":\"s1\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":5000,"
                            "\"maxPayload\":1000000}"));
        const MemberId member("m1");
        const std::chrono::milliseconds interval(1);
        QCOMPARE(encoded(ConnectedEvent{root, member, "n", interval}), QByteArray("40{\"sid\":\"m1\"}"));
        QCOMPARE(encoded(ConnectedEvent{admin, member, "n", interval}),
                 QByteArray("40/admin,{\"sid\":\"m1\"}"));
        QCOMPARE(encoded(ConnectRefusedEvent{admin, "Invalid namespace", ""}),
                 QByteArray("44/admin,{\"message\":\"Invalid namespace\"}"));
        const std::vector<std::string> none, two{"x", "y"};
        QCOMPARE(encoded(EmitEvent{root, "a\"b", "1,2", none, 12}), QByteArray("4212[\"a\\\"b\",1,2]"));
        QCOMPARE(encoded(EmitEvent{admin, "a", "", two, {}}), QByteArray("452-/admin,[\"a\"] | b:x | b:y"));
        QCOMPARE(encoded(AckEvent{admin, 7, "{\"ok\":true}", none}), QByteArray("43/admin,7[{\"ok\":true}]"));
        QCOMPARE(encoded(AckEvent{root, 7, "", two}), QByteArray("462-7[] | b:x | b:y"));
        QCOMPARE(encoded(DisconnectedEvent{root}), QByteArray("41"));
        QCOMPARE(encoded(DisconnectedEvent{admin}), QByteArray("41/admin,"));
        QCOMPARE(encoded(PingEvent{}), QByteArray("2"));
        QCOMPARE(encoded(ReconnectEvent{root, milliseconds(250), "draining"}),
                 QByteArray("42[\"weir:reconnect\",{\"after_ms\":250,\"reason\":\"draining\"}]"));
        Message message;
        message.event = "news";
        message.args = "{\"n\":1.10}";
        message.stamp = Stamp{"n.0.5", 3, 1700};
        QCOMPARE(encoded(DeliverEvent{message}), QByteArray("42[\"news\",{\"n\":1.10}]"));
        message.showStamp = true;
        QCOMPARE(encoded(DeliverEvent{message}),
                 QByteArray("42[\"news\",{\"n\":1.10},{\"seq\":3,\"origin\":\"n.0.5\",\"ts\":1700}]"));
        message.showStamp = false;
        message.args.clear();
        QCOMPARE(encoded(DeliverEvent{message}), QByteArray("42[\"news\"]"));
    }
};

QTEST_APPLESS_MAIN(SocketIoTest)
#include "tst_socketio.moc"
