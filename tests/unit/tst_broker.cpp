// SPDX-License-Identifier: Apache-2.0
// The broker and its access, without a session: a client that keeps a log of what is asked of it.
#include "server/core/application.h"
#include <QtTest/QTest>

using namespace server;

namespace {

QString joined(const std::vector<RoomName>& rooms) {
    QStringList names;
    for (const auto& room : rooms)
        names << QString::fromStdString(room.text());
    return names.join(QLatin1Char('+'));
}

class FakeClient final : public Client {
public:
    const MemberId& id() const override { return m_id; }
    const NamespaceName& nsp() const override { return m_nsp; }
    const Admitted& who() const override { return m_who; }
    shared::Result<JoinOutcome> join(const RoomName& room) override {
        log << QStringLiteral("join ") + QString::fromStdString(room.text());
        return JoinOutcome::Joined;
    }
    void leave(const RoomName& room) override {
        log << QStringLiteral("leave ") + QString::fromStdString(room.text());
    }
    void emitEvent(std::string_view, std::string_view, const std::vector<std::string>&, AckHandler) override {
        log << QStringLiteral("emit");
    }
    Published publish(Message message) override {
        QStringList said{QStringLiteral("publish"), joined(message.rooms),
                         QString::fromStdString(message.event), QString::fromStdString(message.args)};
        if (!message.except.empty())
            said << QStringLiteral("except ") + joined(message.except);
        if (message.isVolatile)
            said << QStringLiteral("volatile");
        for (const auto& attachment : message.attachments)
            said << QStringLiteral("b:") + QString::fromStdString(attachment);
        log << said.join(QStringLiteral(" | "));
        return published;
    }
    void sendFailure(std::string_view code, std::string_view message) override {
        failures << QString::fromStdString(std::string(code) + ": " + std::string(message));
    }
    void disconnect() override { log << QStringLiteral("disconnect"); }
    void count(shared::ErrorKind kind) override { counted << kind; }
    void count(shared::LimitKey limit) override { limited << limit; }

    QStringList log, failures;
    QList<shared::ErrorKind> counted;
    QList<shared::LimitKey> limited;
    Published published{7, false, false};

private:
    const MemberId m_id{"me"};
    const NamespaceName m_nsp{"/"};
    const Admitted m_who{"ann"};
};

constexpr const char* Slot = R"({"_placeholder":true,"num":0})";
constexpr const char* Slot1 = R"({"_placeholder":true,"num":1})";

class Asked {
public:
    explicit Asked(BrokerSettings settings = {}) : m_access(settings), m_broker(m_access, Settings{}) {}
    /// What the client is answered; null without an ack.
    QString ask(const char* event, const QStringList& args, const QStringList& attachments = {},
                bool wantsAck = true) {
        EventRequest request{NamespaceName("/"), event, {}, {}, std::nullopt};
        for (const auto& arg : args)
            request.args.push_back(arg.toStdString());
        for (const auto& attachment : attachments)
            request.attachments.push_back(attachment.toStdString());
        QString answer;
        Reply reply;
        if (wantsAck) {
            reply = [&answer](std::string json, std::vector<std::string>) {
                answer += QString::fromStdString(json);
            };
        }
        m_broker.eventReceived(client, request, reply);
        return answer;
    }
    FakeClient client;

private:
    BrokerAccess m_access;
    Broker m_broker;
};

QString code(const QString& answer) {
    const QString begin = QStringLiteral("{\"ok\":false,\"error\":{\"code\":\"");
    return answer.startsWith(begin) ? answer.mid(begin.size()).section(QLatin1Char('"'), 0, 0) : answer;
}

} // namespace

class BrokerTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void asks_data() {
        QTest::addColumn<QString>("event");
        QTest::addColumn<QStringList>("args");
        QTest::addColumn<QStringList>("attachments");
        QTest::addColumn<QString>("answer"); // the whole, or the code of a refusal
        QTest::addColumn<QString>("done");   // empty: nothing
        const auto row = [](const char* name, const char* event, QStringList args, QStringList attachments,
                            const QString& answer, const QString& done) {
            QTest::newRow(name) << QString::fromLatin1(event) << args << attachments << answer << done;
        };
        const QString bad = QStringLiteral("bad_request"), large = QStringLiteral("too_large");
        const QString seven = QStringLiteral("{\"ok\":true,\"seq\":7}");
        const QString slot = QString::fromLatin1(Slot), slot1 = QString::fromLatin1(Slot1);
        const auto quoted = [](int length) { return '"' + QString(length, QLatin1Char('x')) + '"'; };

        row("join", "join", {"\"a#,b\""}, {}, "{\"ok\":true,\"room\":\"a#,b\"}", "join a#,b");
        row("join, escaped", "join", {"\"\\u0061\\\"\""}, {}, "{\"ok\":true,\"room\":\"a\\\"\"}", "join a\"");
        row("leave", "leave", {"\"a\""}, {}, "{\"ok\":true,\"room\":\"a\"}", "leave a");
        row("room of 256 bytes", "leave", {quoted(256)}, {}, "{\"ok\":true,\"room\":" + quoted(256) + "}",
            "leave " + QString(256, QLatin1Char('x')));
        row("room of 257 bytes", "join", {quoted(257)}, {}, large, {});
        row("empty room", "join", {"\"\""}, {}, bad, {});
        row("no room", "join", {}, {}, bad, {});
        row("room null", "join", {"null"}, {}, bad, {});
        row("room an object", "join", {"{\"room\":\"a\"}"}, {}, bad, {});
        row("room that is binary", "join", {slot}, {"x"}, bad, {});
        row("room with NUL", "join", {"\"a\\u0000b\""}, {}, bad, {});
        row("room with a line end", "leave", {"\"a\\n\""}, {}, bad, {});
        row("room with DEL", "join", {"\"a\\u007f\""}, {}, bad, {});
        row("room with C1", "join", {"\"a\\u0085\""}, {}, bad, {});
        row("room with a no-break space", "join", {"\"\\u00a0\""}, {},
            QString::fromUtf8("{\"ok\":true,\"room\":\"\u00a0\"}"), QString::fromUtf8("join \u00a0"));
        row("room that is no Unicode", "join", {"\"\\ud83d\""}, {}, bad, {});

        row("publish", "publish", {"\"r\"", "\"e\"", "{\"n\":1.10}"}, {}, seven,
            "publish | r | e | {\"n\":1.10} | except me");
        row("no data", "publish", {"\"r\"", "\"e\""}, {}, seven, "publish | r | e |  | except me");
        row("data null", "publish", {"\"r\"", "\"e\"", "null"}, {}, seven,
            "publish | r | e | null | except me");
        row("echo", "publish", {"\"r\"", "\"e\"", "1", "{\"echo\":true}"}, {}, seven, "publish | r | e | 1");
        row("volatile", "publish", {"\"r\"", "\"e\"", "1", "{\"volatile\":true,\"echo\":false}"}, {}, seven,
            "publish | r | e | 1 | except me | volatile");
        row("options null", "publish", {"\"r\"", "\"e\"", "1", "null"}, {}, seven,
            "publish | r | e | 1 | except me");
        row("options we do not know", "publish", {"\"r\"", "\"e\"", "1", "{\"later\":[1]}"}, {}, seven,
            "publish | r | e | 1 | except me");
        row("options a list", "publish", {"\"r\"", "\"e\"", "1", "[]"}, {}, bad, {});
        row("an option twice", "publish", {"\"r\"", "\"e\"", "1", "{\"echo\":true,\"echo\":false}"}, {}, bad,
            {});
        row("volatile a number", "publish", {"\"r\"", "\"e\"", "1", "{\"volatile\":1}"}, {}, bad, {});
        row("five arguments", "publish", {"\"r\"", "\"e\"", "1", "{}", "2"}, {}, bad, {});
        row("no event", "publish", {"\"r\""}, {}, bad, {});
        row("event a number", "publish", {"\"r\"", "5"}, {}, bad, {});
        row("event empty", "publish", {"\"r\"", "\"\""}, {}, bad, {});
        row("event of 256 bytes", "publish", {"\"r\"", quoted(256)}, {}, seven,
            "publish | r | " + QString(256, QLatin1Char('x')) + " |  | except me");
        row("event of 257 bytes", "publish", {"\"r\"", quoted(257)}, {}, bad, {});
        for (const char* name : {"connect", "connect_error", "disconnect", "disconnecting", "newListener",
                                 "removeListener", "weir:reconnect", "weir:"}) {
            row(qPrintable(QStringLiteral("reserved: ") + name), "publish",
                {"\"r\"", QStringLiteral("\"%1\"").arg(QLatin1String(name))}, {}, bad, {});
        }
        row("ours only in front", "publish", {"\"r\"", "\"a weir:\""}, {}, seven,
            "publish | r | a weir: |  | except me");

        row("binary", "publish", {"\"r\"", "\"e\"", "[" + slot1 + ",{\"x\":" + slot + "}]"}, {"p", "q"},
            seven, "publish | r | e | [" + slot1 + ",{\"x\":" + slot + "}] | except me | b:p | b:q");
        row("one buffer twice", "publish", {"\"r\"", "\"e\"", "[" + slot + "," + slot + "]"}, {"p"}, seven,
            "publish | r | e | [" + slot + "," + slot + "] | except me | b:p");
        row("binary that data does not name", "publish", {"\"r\"", "\"e\"", slot}, {"p", "q"}, bad, {});
        row("binary without data", "publish", {"\"r\"", "\"e\""}, {"p"}, bad, {});
        row("binary in options only", "publish", {"\"r\"", "\"e\"", "1", "{\"x\":" + slot + "}"}, {"p"}, bad,
            {});
        row("binary in options too", "publish", {"\"r\"", "\"e\"", slot, "{\"x\":" + slot + "}"}, {"p"}, bad,
            {});

        row("an event that nobody knows", "dance", {}, {}, "unknown_operation", {});
        row("a method's name", "__proto__", {}, {}, "unknown_operation", {});
    }
    void asks() {
        QFETCH(QString, event);
        QFETCH(QStringList, args);
        QFETCH(QStringList, attachments);
        QFETCH(QString, answer);
        QFETCH(QString, done);
        Asked asked;
        QCOMPARE(code(asked.ask(event.toUtf8().constData(), args, attachments)), answer);
        QCOMPARE(asked.client.log, done.isEmpty() ? QStringList() : QStringList{done});
        QVERIFY(asked.client.failures.isEmpty()); // the ack has said it
        const auto kind = answer == QLatin1String("unknown_operation") ? shared::ErrorKind::UnknownEvent
                                                                       : shared::ErrorKind::RefusedRequest;
        QCOMPARE(asked.client.counted,
                 done.isEmpty() ? QList<shared::ErrorKind>{kind} : QList<shared::ErrorKind>());
    }

    void withoutAck() {
        Asked asked;
        asked.ask("join", {"\"a\""}, {}, false);
        asked.ask("join", {}, {}, false);
        asked.ask("dance", {"1"}, {}, false);
        QCOMPARE(asked.client.log, QStringList{QStringLiteral("join a")});
        QCOMPARE(asked.client.failures,
                 QStringList({QStringLiteral("bad_request: room: a text that is not empty is expected"),
                              QStringLiteral("unknown_operation: this node knows join, leave and publish")}));
        QCOMPARE(asked.client.counted, QList<shared::ErrorKind>({shared::ErrorKind::RefusedRequest,
                                                                 shared::ErrorKind::UnknownEvent}));
    }

    void publishAnswers() {
        Asked asked;
        const QStringList args{"\"r\"", "\"e\"", "1"};
        asked.client.published = Published{9, true, false};
        QCOMPARE(asked.ask("publish", args), QStringLiteral("{\"ok\":true,\"seq\":9,\"queued\":true}"));
        asked.client.published = Published{10, true, true};
        QCOMPARE(code(asked.ask("publish", args)), QStringLiteral("overloaded"));
    }

    void accessSaysNo_data() {
        QTest::addColumn<QString>("closed");
        for (const char* act : {"join", "leave", "publish"})
            QTest::newRow(act) << QString::fromLatin1(act);
    }
    void accessSaysNo() {
        QFETCH(QString, closed);
        BrokerSettings settings;
        settings.join = closed != QLatin1String("join");
        settings.leave = closed != QLatin1String("leave");
        settings.publish = closed != QLatin1String("publish");
        for (const char* act : {"join", "leave", "publish"}) {
            Asked asked(settings);
            const QString answer = asked.ask(act, {"\"r\"", "\"e\""});
            const bool isClosed = closed == QLatin1String(act);
            QCOMPARE(code(answer) == QLatin1String("forbidden"), isClosed);
            QCOMPARE(asked.client.log.isEmpty(), isClosed);
        }
    }

    void whoConnects_data() {
        QTest::addColumn<QString>("nsp");
        QTest::addColumn<QString>("path");
        QTest::addColumn<QString>("auth");
        QTest::addColumn<QString>("user"); // "!": refused
        const auto row = [](const char* name, const char* nsp, const char* path, const char* auth,
                            const char* user) { QTest::newRow(name) << nsp << path << auth << user; };
        row("no path", "/", "", R"({"user":"ann"})", "");
        row("a text", "/admin", "auth.user", R"({"user":"ann"})", "ann");
        row("escaped", "/", "auth.user", R"({"us\u0065r":"\u00e9"})", "\u00e9");
        row("deeper", "/", "auth.me.name", R"({"x":1,"me":{"name":"ann"}})", "ann");
        row("no payload", "/", "auth.user", "", "");
        row("not there", "/", "auth.user", R"({"name":"ann"})", "");
        row("a number", "/", "auth.user", R"({"user":5})", "");
        row("not an object on the way", "/", "auth.me.name", R"({"me":"ann"})", "");
        row("twice", "/", "auth.user", R"({"user":"ann","user":"root"})", "");
        row("unknown namespace", "/nope", "auth.user", R"({"user":"ann"})", "!");
        row("prototype names are names", "/__proto__", "", "", "!");
    }
    void whoConnects() {
        QFETCH(QString, nsp);
        QFETCH(QString, path);
        QFETCH(QString, auth);
        QFETCH(QString, user);
        BrokerSettings settings;
        settings.namespaces = {"/", "/admin"};
        settings.userFrom = path.toStdString();
        const auto admitted =
            BrokerAccess(settings).connect(NamespaceName(nsp.toStdString()), auth.toStdString(), Peer{});
        QCOMPARE(admitted ? QString::fromStdString(admitted->user) : QStringLiteral("!"), user);
        if (!admitted)
            QCOMPARE(admitted.error().message, std::string("Invalid namespace"));
    }
};

QTEST_APPLESS_MAIN(BrokerTest)
#include "tst_broker.moc"
