// SPDX-License-Identifier: Apache-2.0
// Rooms with batch_size: what goes as one, what goes alone, in which order, in both dialects, and how it is
// counted.
#include "tests/unit/session_fakes.h"
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QtTest/QTest>
#include <algorithm>

using namespace server;

namespace {

constexpr std::chrono::milliseconds Window{500};

Settings batching(std::int64_t size = 3) {
    Settings settings = twoNamespaces();
    settings.limits.roomsPerSession = 100;
    settings.rooms = {{"b*", size, Window, false}, {"*", 0, Window, true}};
    return settings;
}

/// The events of a client's frames, shortened: `e1`, or `[e1 e2]` for a batch; stamps are left out.
QString events(const QStringList& frames) {
    QStringList out;
    for (const auto& frame : frames) {
        if (frame.startsWith(QStringLiteral("b:"))) {
            out << QStringLiteral("bytes");
            continue;
        }
        const auto begin = frame.indexOf(QLatin1Char('['));
        const auto object = QJsonDocument::fromJson(frame.toUtf8()).object();
        const auto array = QJsonDocument::fromJson(frame.mid(std::max<qsizetype>(begin, 0)).toUtf8()).array();
        const bool isJson = !object.isEmpty();
        const auto name = isJson ? object[QLatin1String("event")].toString() : array.at(0).toString();
        if (name != QStringLiteral("batch-update")) {
            out << name;
            continue;
        }
        QStringList parts;
        for (const auto& part : isJson ? object[QLatin1String("data")].toArray() : array.at(1).toArray())
            parts << part.toObject()[QLatin1String("event")].toString();
        out << QLatin1Char('[') + parts.join(QLatin1Char(' ')) + QLatin1Char(']');
    }
    return out.join(QLatin1Char(' '));
}

/// ann and bob speak Socket.IO, cat JSON; all are in b1 and b2. dan is in none.
struct Party {
    explicit Party(Settings settings = batching()) : shard(std::move(settings)) {
        for (auto* who : {&ann, &bob, &dan})
            who->say("40");
        for (auto* who : {&ann, &bob}) {
            who->say(R"(42["join","b1"])");
            who->say(R"(42["join","b2"])");
        }
        cat.say(R"({"op":"join","room":"b1"})");
        cat.say(R"({"op":"join","room":"b2"})");
        for (auto* who : {&ann, &bob, &cat, &dan})
            who->heard();
    }
    ~Party() {
        for (auto* who : {&ann, &bob, &cat, &dan})
            who->session().connectionClosed(shared::CloseReason::Normal); // nothing more for who has gone
    }
    static std::string idOf(TestClient& client) { return client.session().row().members.at(0); }
    TestClient& named(const QString& name) {
        return name == QStringLiteral("ann") ? ann : name == QStringLiteral("bob") ? bob : dan;
    }
    /// Steps: `NAME ROOM EVENT [options]`, `NAME ROOM EVENT binary`, `all EVENT`, `both EVENT`, `wait`.
    void run(const QStringList& steps) {
        for (const auto& step : steps) {
            const auto words = step.split(QLatin1Char(' '));
            if (words[0] == QStringLiteral("wait")) {
                shard.settle();
                shard.pass(Window);
            } else if (words[0] == QStringLiteral("all") || words[0] == QStringLiteral("both")) {
                Message message;
                message.event = words[1].toStdString();
                if (words[0] == QStringLiteral("both"))
                    message.rooms = {RoomName("b1"), RoomName("b2")};
                shard.router().publish(std::move(message), shard.stamper(), shard.counters());
            } else if (words.size() > 3 && words[3] == QStringLiteral("binary")) {
                named(words[0]).say(qPrintable(
                    QString::fromLatin1(R"(451-["publish","%1","%2",{"_placeholder":true,"num":0}])")
                        .arg(words[1], words[2])));
                named(words[0]).sayBinary("\x01");
            } else {
                const auto options = words.size() > 3 ? words[3] : QStringLiteral("{}");
                named(words[0]).say(qPrintable(
                    QString::fromLatin1(R"(42["publish","%1","%2",7,%3])").arg(words[1], words[2], options)));
            }
            shard.settle();
        }
    }

    FakeShard shard;
    TestClient ann{shard, 1}, bob{shard, 2}, cat{shard, 3, jsonDialect()}, dan{shard, 4};
};

} // namespace

class BatchesTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void order_data() {
        QTest::addColumn<QStringList>("steps");
        QTest::addColumn<QString>("toAnn");
        QTest::addColumn<QString>("toBob");
        QTest::addColumn<QString>("toCat");
        const auto row = [](const char* name, QStringList steps, const char* ann, const char* bob,
                            const char* cat) {
            QTest::newRow(name) << std::move(steps) << QString::fromLatin1(ann) << QString::fromLatin1(bob)
                                << QString::fromLatin1(cat);
        };
        row("not full yet", {"dan b1 x", "dan b1 y"}, "", "", "");
        row("full", {"dan b1 x", "dan b1 y", "dan b1 z"}, "[x y z]", "[x y z]", "[x y z]");
        row("full, and one more", {"dan b1 x", "dan b1 y", "dan b1 z", "dan b1 u"}, "[x y z]", "[x y z]",
            "[x y z]");
        row("two full ones", {"dan b1 x", "dan b1 y", "dan b1 z", "dan b1 u", "dan b1 v", "dan b1 w"},
            "[x y z] [u v w]", "[x y z] [u v w]", "[x y z] [u v w]");
        row("after its time", {"dan b1 x", "dan b1 y", "wait"}, "[x y]", "[x y]", "[x y]");
        row("one alone after its time", {"dan b1 x", "wait"}, "[x]", "[x]", "[x]");
        row("the time begins with the first", {"dan b1 x", "wait", "dan b1 y"}, "[x]", "[x]", "[x]");
        row("rooms by themselves", {"dan b1 x", "dan b2 y", "dan b1 z", "wait"}, "[x z] [y]", "[x z] [y]",
            "[x z] [y]");
        row("senders do not get their own", {"ann b1 x", "bob b1 y", "dan b1 z"}, "[y z]", "[x z]",
            "[x y z]");
        row("a sender alone gets nothing", {"ann b1 x", "ann b1 y", "wait"}, "", "[x y]", "[x y]");
        row("an echo", {R"(ann b1 x {"echo":true})", "ann b1 y", "wait"}, "[x]", "[x y]", "[x y]");
        row("binary goes alone, what waits before it", {"dan b1 x", "dan b1 y binary", "dan b1 z", "wait"},
            "[x] y bytes [z]", "[x] y bytes [z]", "[x] y [z]");
        row("to two rooms: alone, what waits in both before it",
            {"dan b1 x", "dan b2 y", "both z", "dan b1 u", "wait"}, "[x] [y] z [u]", "[x] [y] z [u]",
            "[x] [y] z [u]");
        row("to everybody: alone, and it does not wait", {"dan b1 x", "all y", "wait"}, "y [x]", "y [x]",
            "y [x]");
        row("a room without a rule", {"dan other x", "wait"}, "", "", "");
    }
    void order() {
        QFETCH(QStringList, steps);
        Party party;
        party.run(steps);
        QTEST(events(party.ann.heard()), "toAnn");
        QTEST(events(party.bob.heard()), "toBob");
        QTEST(events(party.cat.heard()), "toCat");
    }

    void wireForms() {
        Party party;
        party.dan.say(R"(42["publish","b1","tick",{"p":1.10}])");
        party.dan.say(R"(42["publish","b1","tock"])");
        party.shard.settle();
        party.shard.pass(Window);
        party.shard.settle();
        const auto ours = party.ann.heard(), theirs = party.cat.heard();
        QCOMPARE(ours.size(), 1);
        QCOMPARE(theirs.size(), 1);
        const auto origin =
            QString::fromStdString(party.shard.stamper().next(NamespaceName("/"), RoomName("z")).origin);
        const auto array =
            QString::fromLatin1(
                R"([{"event":"tick","data":{"p":1.10},"seq":1,"origin":"%1","ts":1700000000000},)"
                R"({"event":"tock","seq":2,"origin":"%1","ts":1700000000000}])")
                .arg(origin);
        const auto toOurs = QString::fromLatin1(R"(42["batch-update",%1])").arg(array);
        QCOMPARE(ours[0], toOurs);
        const auto toTheirs =
            QString::fromLatin1(R"({"op":"event","room":"b1","event":"batch-update","data":%1})").arg(array);
        QCOMPARE(theirs[0], toTheirs);
    }

    /// From a Node server: no stamp, and more than one argument.
    void foreignMessages() {
        Party party;
        Message message;
        message.rooms = {RoomName("b1")};
        message.event = "old";
        message.args = R"(1,[2,3],"x")";
        party.shard.router().receive(std::move(message), party.shard.counters());
        party.shard.settle();
        party.shard.pass(Window);
        party.shard.settle();
        const QStringList expected{R"(42["batch-update",[{"event":"old","data":1,"rest":[[2,3],"x"]}]])"};
        QCOMPARE(party.bob.heard(), expected);
    }

    void aBatchIsOneMessage() {
        Party party;
        party.run({"dan b1 x", "dan b1 y", "ann b1 z"});
        QCOMPARE(party.shard.number(shared::Metric::DeliveriesTotal), 3);
        QCOMPARE(party.shard.number(shared::Metric::MessagesTotal, std::size_t(shared::Direction::Out)), 3);
        QCOMPARE(party.bob.session().row().messages_out, std::int64_t(1));
        QVERIFY(party.shard.number(shared::Metric::DropsTotal, std::size_t(shared::DropReason::Volatile)) ==
                0);
    }

    /// Volatile ones are dropped for who is stuck, unless one among them must not be.
    void volatileOnes_data() {
        QTest::addColumn<QStringList>("steps");
        QTest::addColumn<QString>("toBob");
        QTest::addColumn<int>("drops");
        QTest::newRow("all of them") << QStringList{R"(dan b1 x {"volatile":true})",
                                                    R"(dan b1 y {"volatile":true})", "wait"}
                                     << QString() << 1;
        QTest::newRow("one is not") << QStringList{R"(dan b1 x {"volatile":true})", "dan b1 y", "wait"}
                                    << QStringLiteral("[x y]") << 0;
    }
    void volatileOnes() {
        QFETCH(QStringList, steps);
        QFETCH(int, drops);
        Party party;
        party.bob.wire.queued = shared::Bytes(10);
        party.run(steps);
        QTEST(events(party.bob.heard()), "toBob");
        QCOMPARE(events(party.ann.heard()), QStringLiteral("[x y]"));
        QCOMPARE(party.shard.number(shared::Metric::DropsTotal, std::size_t(shared::DropReason::Volatile)),
                 drops);
    }

    void whoLeavesAndWhoStays() {
        Party party;
        party.run({"dan b1 x"});
        party.ann.say(R"(42["leave","b1"])");
        party.run({"ann b1 y", "wait"});
        QCOMPARE(events(party.ann.heard()), QString());
        QCOMPARE(events(party.bob.heard()), QStringLiteral("[x y]"));
    }

    /// What nobody is left to get is forgotten, and does not reach who comes later.
    void emptiedRoom() {
        Party party;
        party.run({"dan b1 x"});
        party.ann.say(R"(42["leave","b1"])");
        party.bob.say(R"(42["leave","b1"])");
        party.cat.say(R"({"op":"leave","room":"b1"})");
        QVERIFY(!party.shard.rooms().nextBatch());
        party.ann.say(R"(42["join","b1"])");
        party.run({"dan b1 y", "wait"});
        QCOMPARE(events(party.ann.heard()), QStringLiteral("[y]"));
    }

    /// A sender that has gone, and whose place in memory is another's, leaves nobody out.
    void senderGoesBeforeItsBatch() {
        Party party;
        party.run({"ann b1 x", "dan b1 y"});
        party.ann.session().connectionClosed(shared::CloseReason::Normal);
        party.run({"wait"});
        QCOMPARE(events(party.bob.heard()), QStringLiteral("[x y]"));
    }

    /// One member's own room is no room for batches, whatever the rule's pattern.
    void impliedRoomsAreNotBatched() {
        Settings settings = batching();
        settings.rooms = {{"*", 10, Window, false}};
        Party party(settings);
        party.run({QString::fromStdString("dan " + Party::idOf(party.ann) + " direct")});
        QCOMPARE(events(party.ann.heard()), QStringLiteral("direct"));
    }

    /// A message that leaves out a whole room goes alone, after what waits.
    void withoutARoom() {
        Party party;
        party.run({"dan b1 x"});
        party.bob.say(R"(42["join","quiet"])");
        Message message;
        message.rooms = {RoomName("b1")};
        message.except = {RoomName("quiet")};
        message.event = "loud";
        party.shard.router().receive(std::move(message), party.shard.counters());
        party.shard.settle();
        QCOMPARE(events(party.ann.heard()), QStringLiteral("[x] loud"));
        QCOMPARE(events(party.bob.heard()), QStringLiteral("[x]"));
    }

    void longOnesGoEarly() {
        Party party(batching(10000));
        const auto data = QByteArray(100 * 1024, 'a');
        for (int i = 0; i < 3; ++i) {
            party.dan.say(("42[\"publish\",\"b1\",\"e\",\"" + data + "\"]").constData());
            party.shard.settle();
        }
        QCOMPARE(events(party.bob.heard()), QStringLiteral("[e e e]"));
    }

    /// Many rooms that wait together hold a bounded number of bytes: the oldest goes first.
    void allTogetherAreBounded() {
        Settings settings = batching(10000);
        settings.limits.roomsPerSession = 0;
        Party party(settings);
        const auto data = QByteArray(250 * 1024, 'a');
        for (int i = 0; i < 280; ++i) {
            const auto room = "bb" + QByteArray::number(i);
            party.bob.say(("42[\"join\",\"" + room + "\"]").constData());
            party.dan.say(
                ("42[\"publish\",\"" + room + "\",\"e" + QByteArray::number(i) + "\",\"" + data + "\"]")
                    .constData());
            party.shard.settle();
            party.shard.stall(std::chrono::milliseconds(1));
        }
        const auto heard = events(party.bob.heard());
        QVERIFY2(heard.startsWith(QStringLiteral("[e0] [e1]")), qPrintable(heard));
        QVERIFY2(!heard.contains(QStringLiteral("e279")), qPrintable(heard));
    }
};

QTEST_GUILESS_MAIN(BatchesTest)
#include "tst_batches.moc"
