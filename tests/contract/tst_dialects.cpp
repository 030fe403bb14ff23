// SPDX-License-Identifier: Apache-2.0
// What every row of the table of dialects must be able to say and to understand: each in its own words, with
// the same meaning. A dialect without words here fails.
#include "tests/unit/session_fakes.h"
#include <QtTest/QTest>

using namespace server;

namespace {

/// The same conversation in the words of one dialect. What is heard is a part of the frame; empty: the
/// dialect says nothing there, the close frame being its word.
struct Words {
    const char* dialect;
    const char* come; ///< said to become a member; null: coming in is enough
    const char* welcome;
    const char *join, *joined;
    const char *leave, *left;
    const char *publish, *published, *delivered;
    const char *joinNowhere, *refused;       ///< with an ack
    const char *joinNowhereQuietly, *failed; ///< without one
    const char* ping;
    const char* pong; ///< null: the WebSocket's own
    const char* hint; ///< of a drain after 40 ms
    const char* goodbye;
    std::vector<const char*> nonsense; ///< each ends the connection with 4400
};

const std::vector<Words>& allWords() {
    static const std::vector<Words> words{
        {.dialect = "socketio",
         .come = "40",
         .welcome = R"(40{"sid":")",
         .join = R"(421["join","r"])",
         .joined = R"(431[{"ok":true,"room":"r"}])",
         .leave = R"(422["leave","r"])",
         .left = R"(432[{"ok":true,"room":"r"}])",
         .publish = R"(423["publish","r","e",{"n":1.10}])",
         .published = R"(433[{"ok":true,"seq":1}])",
         .delivered = R"(42["e",{"n":1.10}])",
         .joinNowhere = R"(424["join"])",
         .refused = R"(434[{"ok":false,"error":{"code":"bad_request","message":")",
         .joinNowhereQuietly = R"(42["join"])",
         .failed = "",
         .ping = "2",
         .pong = "3",
         .hint = R"(42["weir:reconnect",{"after_ms":40,"reason":"draining"}])",
         .goodbye = "41",
         .nonsense = {"", "hello", "42", "42{}", R"(42["a")", R"(42["a"]x)", "2", R"(42/nope,["a"])"}},
        {.dialect = "json",
         .come = nullptr,
         .welcome = R"({"op":"hello","id":")",
         .join = R"({"op":"join","room":"r","id":1})",
         .joined = R"({"op":"ack","id":1,"ok":true,"room":"r"})",
         .leave = R"({"op":"leave","room":"r","id":2})",
         .left = R"({"op":"ack","id":2,"ok":true,"room":"r"})",
         .publish = R"({"op":"publish","room":"r","event":"e","data":{"n":1.10},"id":3})",
         .published = R"({"op":"ack","id":3,"ok":true,"seq":1})",
         .delivered = R"({"op":"event","room":"r","event":"e","data":{"n":1.10},"seq":1,"origin":"n.0.)",
         .joinNowhere = R"({"op":"join","id":4})",
         .refused = R"({"op":"ack","id":4,"ok":false,"error":{"code":"bad_request","message":")",
         .joinNowhereQuietly = R"({"op":"join"})",
         .failed = R"({"op":"error","code":"bad_request","message":")",
         .ping = "ping:",
         .pong = nullptr,
         .hint = R"({"op":"reconnect","after_ms":40})",
         .goodbye = "",
         .nonsense = {"", "hello", "[]", "{}", R"({"op":1})", R"({"op":"join","op":"leave"})",
                      R"({"op":"join")", R"({"op":"join"}x)", R"({"op":"join","id":"a"})"}},
    };
    return words;
}

const Words* wordsOf(const Dialect& dialect) {
    for (const auto& words : allWords()) {
        if (words.dialect == dialect.name())
            return &words;
    }
    return nullptr;
}

/// A member of a dialect, whose frames so far are read.
class Speaker {
public:
    Speaker(FakeShard& shard, std::uint64_t number, const Dialect& dialect)
        : words(*wordsOf(dialect)), client(shard, number, dialect) {
        if (words.come != nullptr) {
            client.heard();
            client.say(words.come);
        }
        welcome = client.heard();
    }
    ~Speaker() { client.session().connectionClosed(shared::CloseReason::Normal); }
    void say(const char* text) { client.say(text); }
    QStringList heard() { return client.heard(); }
    void pong() {
        if (words.pong != nullptr)
            client.say(words.pong);
        else
            client.pong();
    }

    const Words& words;
    TestClient client;
    QStringList welcome;
};

bool isOne(const QStringList& heard, const char* expected) {
    if (*expected == '\0')
        return heard.isEmpty();
    return heard.size() == 1 && heard[0].startsWith(QString::fromUtf8(expected));
}

} // namespace

#define HEARD(speaker, expected)                                                                             \
    do {                                                                                                     \
        const QStringList lines = (speaker).heard();                                                         \
        QVERIFY2(isOne(lines, expected), qPrintable(lines.join(QLatin1Char('\n'))));                         \
    } while (false)

class DialectsTest : public QObject {
    Q_OBJECT

    static void rows() {
        QTest::addColumn<int>("index");
        for (const auto* dialect : dialects())
            QTest::newRow(dialect->name().data()) << int(dialect->index());
    }
    static const Dialect& dialect() {
        QFETCH(int, index);
        return *dialects()[std::size_t(index)];
    }

private Q_SLOTS:
    void everyRowHasWords() {
        QCOMPARE(dialects().size(), DialectSlots);
        QCOMPARE(allWords().size(), DialectSlots);
        for (std::size_t i = 0; i < dialects().size(); ++i) {
            QCOMPARE(dialects()[i]->index(), i);
            QVERIFY2(wordsOf(*dialects()[i]) != nullptr, dialects()[i]->name().data());
        }
    }

    void connects_data() { rows(); }
    void connects() {
        FakeShard shard(twoNamespaces());
        Speaker ann(shard, 1, dialect());
        QVERIFY(isOne(ann.welcome, ann.words.welcome));
        const auto row = ann.client.session().row();
        QCOMPARE(row.dialect, std::string(dialect().name()));
        QCOMPARE(row.members.size(), std::size_t(1));
        QVERIFY(ann.welcome[0].contains(QString::fromStdString(row.members[0])));
        QCOMPARE(shard.number(shared::Metric::Members), 1);
    }

    void refuses_data() { rows(); }
    void refuses() {
        Settings settings;
        settings.broker.namespaces = {"/elsewhere"};
        FakeShard shard(settings);
        Speaker ann(shard, 1, dialect());
        QVERIFY2(ann.welcome.join(QString()).contains(QStringLiteral("Invalid namespace")),
                 qPrintable(ann.welcome.join(QString())));
        QCOMPARE(shard.number(shared::Metric::Members), 0);
        // Where there is nothing else to connect to, it is over.
        QCOMPARE(ann.client.wire.closed.has_value(), ann.words.come == nullptr);
        if (ann.client.wire.closed)
            QCOMPARE(*ann.client.wire.closed, shared::CloseReason::Forbidden);
    }

    void asksAndIsAnswered_data() { rows(); }
    void asksAndIsAnswered() {
        FakeShard shard(twoNamespaces());
        Speaker ann(shard, 1, dialect()), bob(shard, 2, dialect());
        for (Speaker* who : {&ann, &bob}) {
            who->say(who->words.join);
            HEARD(*who, who->words.joined);
        }
        ann.say(ann.words.publish);
        HEARD(ann, ann.words.published);
        shard.settle();
        HEARD(bob, bob.words.delivered);
        HEARD(ann, ""); // not to itself
        bob.say(bob.words.leave);
        HEARD(bob, bob.words.left);
        ann.say(ann.words.publish);
        ann.heard();
        shard.settle();
        HEARD(bob, "");
    }

    void saysWhatFailed_data() { rows(); }
    void saysWhatFailed() {
        FakeShard shard(twoNamespaces());
        Speaker ann(shard, 1, dialect());
        ann.say(ann.words.joinNowhere);
        HEARD(ann, ann.words.refused);
        ann.say(ann.words.joinNowhereQuietly);
        HEARD(ann, ann.words.failed);
        QCOMPARE(shard.number(shared::Metric::ErrorsTotal, std::size_t(shared::ErrorKind::RefusedRequest)),
                 2);
        QVERIFY(!ann.client.wire.closed);
    }

    void beats_data() { rows(); }
    void beats() {
        FakeShard shard(twoNamespaces());
        Speaker ann(shard, 1, dialect());
        shard.pass(std::chrono::milliseconds(25100));
        HEARD(ann, ann.words.ping);
        ann.pong();
        QVERIFY(ann.client.session().row().rtt_ms.has_value());
        shard.pass(std::chrono::milliseconds(20000));
        QVERIFY(!ann.client.wire.closed);
        shard.pass(std::chrono::milliseconds(10200));
        QCOMPARE(ann.client.wire.closed, std::optional(shared::CloseReason::PingTimeout));
    }

    void saysGoodbye_data() { rows(); }
    void saysGoodbye() {
        FakeShard shard(twoNamespaces());
        Speaker drained(shard, 1, dialect()), evicted(shard, 2, dialect()), welcome(shard, 3, dialect());
        drained.client.session().drain(std::chrono::milliseconds(40));
        HEARD(drained, drained.words.hint);
        QCOMPARE(drained.client.wire.closed, std::optional(shared::CloseReason::Draining));
        evicted.client.session().evict(false);
        HEARD(evicted, evicted.words.goodbye);
        QCOMPARE(evicted.client.wire.closed, std::optional(shared::CloseReason::Evicted));
        welcome.client.session().evict(true);
        QCOMPARE(welcome.heard().size(), 1);
        QCOMPARE(welcome.client.wire.closed, std::optional(shared::CloseReason::Evicted));
    }

    void refusesNonsense_data() {
        QTest::addColumn<int>("index");
        QTest::addColumn<QByteArray>("said");
        for (const auto& words : allWords()) {
            for (const auto* dialect : dialects()) {
                for (std::size_t i = 0; dialect->name() == words.dialect && i < words.nonsense.size(); ++i)
                    QTest::addRow("%s %d", words.dialect, int(i))
                        << int(dialect->index()) << QByteArray(words.nonsense[i]);
            }
        }
    }
    void refusesNonsense() {
        QFETCH(QByteArray, said);
        FakeShard shard(twoNamespaces());
        Speaker ann(shard, 1, dialect());
        ann.say(said.constData());
        QCOMPARE(ann.client.wire.closed, std::optional(shared::CloseReason::BadMessage));
        QCOMPARE(shard.faults.size(), 1);
        HEARD(ann, "");
        ann.say(ann.words.join); // nothing is heard of it any more
        HEARD(ann, "");
    }

    /// Each pair of dialects, both ways: the meaning crosses, whatever the words.
    void meetInOneRoom_data() {
        QTest::addColumn<int>("index");
        QTest::addColumn<int>("other");
        for (const auto* from : dialects()) {
            for (const auto* to : dialects())
                QTest::addRow("%s to %s", from->name().data(), to->name().data())
                    << int(from->index()) << int(to->index());
        }
    }
    void meetInOneRoom() {
        QFETCH(int, other);
        FakeShard shard(twoNamespaces());
        Speaker ann(shard, 1, dialect()), bob(shard, 2, *dialects()[std::size_t(other)]);
        bob.say(bob.words.join);
        bob.heard();
        ann.say(ann.words.publish);
        shard.settle();
        HEARD(bob, bob.words.delivered);
    }

    void bothEndsAreCounted_data() { rows(); }
    void bothEndsAreCounted() {
        FakeShard shard(twoNamespaces());
        {
            Speaker ann(shard, 1, dialect());
            QCOMPARE(shard.number(shared::Metric::Sessions), 1);
            QCOMPARE(&ann.client.session().dialect(), &dialect());
        }
        QCOMPARE(shard.number(shared::Metric::Sessions), 0);
        QCOMPARE(shard.number(shared::Metric::Members), 0);
        QCOMPARE(shard.ended, QList<int>{int(shared::CloseReason::Normal)});
    }
};

QTEST_GUILESS_MAIN(DialectsTest)
#include "tst_dialects.moc"
