// SPDX-License-Identifier: Apache-2.0
// What weirctl does to two live nodes, and what it says of how that went.
#include <QTest> // first: moc cannot begin with <compare>

#include "console/link/node_link.h"
#include "tests/contract/weirctl_fixture.h"
#include <QStandardPaths>
#include <csignal>
#include <map>

using shared::admin::OperationRow;
using shared::admin::OperationState;

namespace {

/// A console's link, with what it was told of operations.
struct Onlooker {
    explicit Onlooker(const NodeProcess& node)
        : link(node.adminUrl(), [](const QUrl&) { return QStringLiteral("alice-token-0123456789"); }, {}) {
        const auto take = [this](const OperationRow& row) { operations[row.id] = row; };
        QObject::connect(&link, &console::NodeLink::operationReceived, &link, take);
        QObject::connect(&link, &console::NodeLink::operationListed, &link, take);
        link.open();
    }
    bool isLive() const { return link.state() == console::NodeLink::State::Live; }
    std::optional<OperationState> stateOf(std::uint64_t id) const {
        const auto found = operations.find(id);
        return found == operations.end() ? std::nullopt : std::optional(found->second.state);
    }
    std::uint64_t newest() const { return operations.empty() ? 0 : operations.rbegin()->first; }

    console::NodeLink link;
    std::map<std::uint64_t, OperationRow> operations;
};

} // namespace

class TestWeirctlActs : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void init();
    void cleanup();
    void evictAsksFirst();
    void evictOnATerminal_data();
    void evictOnATerminal();
    void evictByFilter();
    void evictById();
    void evictAtARate();
    void drainToTheEnd();
    void drainOfTwo();
    void settingsWhileItRuns();
    void publish();
    void oneDrainManyOnlookers();
    void watchingEndsTheDrainDoesNot();
    void lostLink();
    void nodeThatIsNotThere();
    void aViewerMayNot_data();
    void aViewerMayNot();
    void methodsOfLaterVersions();

private:
    std::unique_ptr<TwoNodes> m_nodes;
};

void TestWeirctlActs::init() {
    m_nodes = std::make_unique<TwoNodes>();
    QVERIFY2(m_nodes->start(), qPrintable(m_nodes->why()));
    m_nodes->addClients(m_nodes->a, 6);
    m_nodes->addClients(m_nodes->b, 2);
    QVERIFY(m_nodes->areIn());
}

void TestWeirctlActs::cleanup() {
    m_nodes.reset();
}

void TestWeirctlActs::evictAsksFirst() {
    const QStringList words{"evict", "--filter", "age>0s"};
    // Nobody can be asked here.
    const auto refused = TwoNodes::weirctl(words + m_nodes->both());
    VERIFY_EXIT(refused, 64);
    QVERIFY(
        refused.err.startsWith("weirctl: evict closes connections: --yes says so, --dry-run shows which\n"));
    const auto look = TwoNodes::weirctl(words + QStringList{"--dry-run", "--json"} + m_nodes->both());
    VERIFY_EXIT(look, 0);
    QCOMPARE(TwoNodes::json(look).value("matched").toInt(), 8);
    QCOMPARE(TwoNodes::rows(look).size(), 8);
    VERIFY_EXIT(TwoNodes::weirctl(QStringList{"evict", "--yes"} + m_nodes->both()), 64);
    VERIFY_EXIT(TwoNodes::weirctl(words + QStringList{"0-1", "--yes"} + m_nodes->both()), 64);
    QCOMPARE(m_nodes->gone(), 0);
}

void TestWeirctlActs::evictOnATerminal_data() {
    QTest::addColumn<QByteArray>("answer");
    QTest::addColumn<QByteArray>("end");
    QTest::addColumn<int>("gone");
    QTest::newRow("yes") << QByteArray("y\n") << QByteArray("ended with 0") << 6;
    QTest::newRow("no") << QByteArray("n\n") << QByteArray("ended with 75") << 0;
    QTest::newRow("nothing") << QByteArray("\n") << QByteArray("ended with 75") << 0;
}

void TestWeirctlActs::evictOnATerminal() {
    QFETCH(QByteArray, answer);
    QFETCH(QByteArray, end);
    QFETCH(int, gone);
    if (QStandardPaths::findExecutable(QStringLiteral("script")).isEmpty())
        QSKIP("there is no script here, which gives a program a terminal");
    QProcess terminal;
    auto environment = QProcessEnvironment::systemEnvironment();
    environment.insert(QStringLiteral("WEIR_ADMIN_TOKEN"), QStringLiteral("alice-token-0123456789"));
    terminal.setProcessEnvironment(environment);
    const auto command = QStringLiteral("%1/weirctl evict --filter 'age>0s' --node %2; echo ended with $?")
                             .arg(QCoreApplication::applicationDirPath(), TwoNodes::address(m_nodes->a));
    terminal.start(QStringLiteral("script"), {"-qfec", command, "/dev/null"});
    QByteArray screen;
    const auto shows = [&](const QByteArray& text) {
        screen += terminal.readAllStandardOutput();
        return screen.contains(text);
    };
    QTRY_VERIFY_WITH_TIMEOUT(shows("Close 6 connections on 1 node? [y/N] "), Patience_ms);
    QCOMPARE(m_nodes->gone(), 0);
    terminal.write(answer);
    QTRY_VERIFY2_WITH_TIMEOUT(shows(end), screen.constData(), Patience_ms);
    QTRY_COMPARE_WITH_TIMEOUT(m_nodes->gone(), gone, Patience_ms);
    terminal.waitForFinished();
}

void TestWeirctlActs::evictByFilter() {
    const auto end = TwoNodes::weirctl(
        QStringList{"evict", "--filter", "age>0s", "--yes", "--reason", "a test", "--json"} +
        m_nodes->both());
    VERIFY_EXIT(end, 0);
    std::map<QString, int> evicted;
    for (const auto& row : TwoNodes::rows(end))
        evicted[row.toObject().value("node").toString()] = row.toObject().value("evicted").toInt();
    QCOMPARE(evicted, (std::map<QString, int>{{"ws-01", 6}, {"ws-02", 2}}));
    QTRY_COMPARE_WITH_TIMEOUT(m_nodes->gone(), 8, Patience_ms);
}

void TestWeirctlActs::evictById() {
    const auto rows =
        TwoNodes::rows(TwoNodes::weirctl(QStringList{"connections", "--json"} + m_nodes->both()));
    const auto first = rows.first().toObject().value("connection").toString();
    const auto last = rows.last().toObject().value("connection").toString();
    QVERIFY(first.startsWith("ws-01/") && last.startsWith("ws-02/"));
    VERIFY_EXIT(TwoNodes::weirctl(QStringList{"evict", first, last, "--yes"} + m_nodes->both()), 0);
    QTRY_COMPARE_WITH_TIMEOUT(m_nodes->gone(), 2, Patience_ms);
    // It is not open any more: a script must know.
    const auto again = TwoNodes::weirctl(QStringList{"evict", first, "--yes"} + m_nodes->both());
    VERIFY_EXIT(again, 65);
    QVERIFY2(again.err.contains("1 of the named connections are not open"), again.err.constData());
}

void TestWeirctlActs::evictAtARate() {
    const auto end = TwoNodes::weirctl(
        QStringList{"evict", "--filter", "age>0s", "--yes", "--rate", "20", "--wait", "--json"} +
        TwoNodes::only(m_nodes->a));
    VERIFY_EXIT(end, 0);
    const auto row = TwoNodes::rows(end).first().toObject();
    QCOMPARE(row.value("kind").toString(), QStringLiteral("evict"));
    QCOMPARE(row.value("state").toString(), QStringLiteral("done"));
    QCOMPARE(row.value("done").toInt(), 6);
    QVERIFY(end.err.contains("ws-01: evict "));
}

void TestWeirctlActs::drainToTheEnd() {
    const auto end = TwoNodes::weirctl(
        QStringList{"drain", "--wait", "--rate", "100", "--grace", "0", "--deadline", "20", "--json"} +
        TwoNodes::only(m_nodes->a));
    VERIFY_EXIT(end, 0);
    QCOMPARE(TwoNodes::rows(end).first().toObject().value("state").toString(), QStringLiteral("done"));
    QTRY_COMPARE_WITH_TIMEOUT(m_nodes->gone(), 6, Patience_ms);
    const auto status = TwoNodes::weirctl(QStringList{"status", "--json"} + TwoNodes::only(m_nodes->a));
    QCOMPARE(TwoNodes::rows(status).first().toObject().value("state").toString(), QStringLiteral("drained"));
    VERIFY_EXIT(TwoNodes::weirctl(QStringList{"resume"} + TwoNodes::only(m_nodes->a)), 0);
    int ready = 0;
    m_nodes->a.get("/ready", &ready);
    QCOMPARE(ready, 200);
}

void TestWeirctlActs::drainOfTwo() {
    // One of the two is known by the other alone.
    const auto fleet = [&] {
        return TwoNodes::rows(TwoNodes::weirctl(QStringList{"nodes", "--json"} + TwoNodes::only(m_nodes->a)))
            .size();
    };
    QVERIFY(QTest::qWaitFor([&] { return fleet() == 2; }, Patience_ms));
    const auto end =
        TwoNodes::weirctl(QStringList{"drain", "--all", "--wait", "--rate", "100", "--grace", "0"} +
                          TwoNodes::only(m_nodes->a));
    VERIFY_EXIT(end, 0);
    QTRY_COMPARE_WITH_TIMEOUT(m_nodes->gone(), 8, Patience_ms);
    // A second one at the same time is refused: try again.
    VERIFY_EXIT(TwoNodes::weirctl(QStringList{"resume", "--all"} + TwoNodes::only(m_nodes->a)), 0);
}

void TestWeirctlActs::settingsWhileItRuns() {
    const QStringList words{"config", "set", "log.level", "warn", "--json"};
    const auto end = TwoNodes::weirctl(words + m_nodes->both());
    VERIFY_EXIT(end, 0);
    QCOMPARE(TwoNodes::rows(end).size(), 2);
    for (const auto& row : TwoNodes::rows(end)) {
        QCOMPARE(row.toObject().value("value").toString().remove(u'"'), QStringLiteral("warn"));
        QCOMPARE(row.toObject().value("origin").toString(), QStringLiteral("live"));
    }
    const auto bad = TwoNodes::weirctl(QStringList{"config", "set", "log.level", "loud"} + m_nodes->both());
    VERIFY_EXIT(bad, 65);
    QVERIFY2(bad.err.contains("log.level: trace or debug"), bad.err.constData());
    VERIFY_EXIT(TwoNodes::weirctl(QStringList{"config", "set", "log.level"} + m_nodes->both()), 64);
    const auto unknown = TwoNodes::weirctl(QStringList{"config", "get", "limits.mesages"} + m_nodes->both());
    VERIFY_EXIT(unknown, 65);
    QCOMPARE(unknown.err, QByteArray("weirctl: config: there is no setting 'limits.mesages'\n"));
}

void TestWeirctlActs::publish() {
    auto& here = *m_nodes->clients.front();
    auto& there = *m_nodes->clients.back();
    for (auto* client : {&here, &there})
        client->socket.sendTextMessage(QStringLiteral("421[\"join\",\"lobby\"]"));
    QTRY_COMPARE_WITH_TIMEOUT(here.events.size() + there.events.size(), 2, Patience_ms); // acknowledged
    const auto rooms = TwoNodes::weirctl(QStringList{"rooms", "lobby", "--json"} + m_nodes->both());
    VERIFY_EXIT(rooms, 0);
    for (const auto& row : TwoNodes::rows(rooms))
        QCOMPARE(row.toObject().value("members").toInt(), 1);
    QCOMPARE(TwoNodes::rows(rooms).size(), 2);

    const QStringList to = QStringList{"publish", "--room", "lobby"} + TwoNodes::only(m_nodes->a);
    const auto end = TwoNodes::weirctl(to + QStringList{"news", R"({"price":[1,2.5,"€"]})", "--json"});
    VERIFY_EXIT(end, 0);
    QCOMPARE(TwoNodes::rows(end).first().toObject().value("local").toInt(), 1);
    const auto got = QString::fromUtf8(R"(42["news",{"price":[1,2.5,"€"]}])");
    QTRY_VERIFY_WITH_TIMEOUT(here.events.contains(got) && there.events.contains(got), Patience_ms);
    // From stdin; to everybody; no data at all.
    VERIFY_EXIT(
        runProgram(QStringLiteral("weirctl"), to + QStringList{"piped", "-"}, TwoNodes::as("alice"), "42\n"),
        0);
    VERIFY_EXIT(TwoNodes::weirctl(QStringList{"publish", "--everybody", "all"} + TwoNodes::only(m_nodes->b)),
                0);
    for (const char* event : {"42[\"piped\",42]", "42[\"all\"]"})
        QTRY_VERIFY_WITH_TIMEOUT(here.events.contains(event) && there.events.contains(event), Patience_ms);

    const auto bad = TwoNodes::weirctl(to + QStringList{"news", "{price: 1}"});
    VERIFY_EXIT(bad, 65);
    QVERIFY2(bad.err.startsWith("weirctl: DATA is no JSON value: "), bad.err.constData());
    VERIFY_EXIT(TwoNodes::weirctl(to + QStringList{"connect", "1"}), 65); // a name that is Socket.IO's own
    VERIFY_EXIT(TwoNodes::weirctl(QStringList{"publish", "news"} + TwoNodes::only(m_nodes->a)), 64);
    VERIFY_EXIT(TwoNodes::weirctl(to + QStringList{"--everybody", "news"}), 64);
}

void TestWeirctlActs::oneDrainManyOnlookers() {
    Onlooker left(m_nodes->a);
    Onlooker right(m_nodes->a);
    QTRY_VERIFY_WITH_TIMEOUT(left.isLive() && right.isLive(), Patience_ms);
    QProcess drain;
    startProgram(drain, QStringLiteral("weirctl"),
                 QStringList{"drain", "--wait", "--rate", "0.05", "--grace", "0", "--deadline", "600"} +
                     TwoNodes::only(m_nodes->a),
                 TwoNodes::as("alice"));
    QTRY_VERIFY_WITH_TIMEOUT(left.newest() != 0 && right.newest() != 0, Patience_ms);
    const auto id = left.newest();
    QCOMPARE(right.newest(), id);
    QProcess watch;
    startProgram(watch, QStringLiteral("weirctl"),
                 QStringList{"operations", "watch", QString::number(id)} + TwoNodes::only(m_nodes->a),
                 TwoNodes::as("bob"));
    QByteArray told;
    QTRY_VERIFY_WITH_TIMEOUT((told += watch.readAllStandardError()).contains("running"), Patience_ms);
    // A second drain meanwhile is refused: try again.
    VERIFY_EXIT(TwoNodes::weirctl(QStringList{"drain"} + TwoNodes::only(m_nodes->a)), 75);
    std::string answered;
    right.link.request(QStringLiteral("operations.abort"), {{QStringLiteral("id"), qint64(id)}},
                       [&](const shared::Result<QJsonObject>& answer) {
                           answered = answer ? "ok" : answer.error().message;
                       });
    QTRY_COMPARE_WITH_TIMEOUT(answered, std::string("ok"), Patience_ms);
    QTRY_COMPARE_WITH_TIMEOUT(left.stateOf(id), std::optional(OperationState::Aborted), Patience_ms);
    QTRY_COMPARE_WITH_TIMEOUT(right.stateOf(id), std::optional(OperationState::Aborted), Patience_ms);
    const auto ended = outcomeOf(drain);
    VERIFY_EXIT(ended, 75);
    QVERIFY2(ended.err.contains("aborted"), ended.err.constData());
    VERIFY_EXIT(outcomeOf(watch), 75);
}

void TestWeirctlActs::watchingEndsTheDrainDoesNot() {
    QProcess drain;
    startProgram(drain, QStringLiteral("weirctl"),
                 QStringList{"drain", "--wait", "--rate", "0.05", "--grace", "0", "--deadline", "600"} +
                     TwoNodes::only(m_nodes->a),
                 TwoNodes::as("alice"));
    QByteArray told;
    QTRY_VERIFY_WITH_TIMEOUT((told += drain.readAllStandardError()).contains("running"), Patience_ms);
    ::kill(pid_t(drain.processId()), SIGINT);
    const auto end = outcomeOf(drain);
    VERIFY_EXIT(end, 130);
    QVERIFY2(
        end.err.contains("no longer watching; operation 1 on ws-01 goes on. To stop it: weirctl operations "
                         "abort 1 --node "),
        end.err.constData());
    const auto state = [&](const QStringList& words) {
        const auto rows =
            TwoNodes::rows(TwoNodes::weirctl(words + QStringList{"--json"} + TwoNodes::only(m_nodes->a)));
        return rows.first().toObject().value("state").toString();
    };
    QCOMPARE(state({"operations", "get", "1"}), QStringLiteral("running"));
    QCOMPARE(state({"operations", "abort", "1"}), QStringLiteral("aborted"));
    VERIFY_EXIT(TwoNodes::weirctl(QStringList{"operations", "watch", "1"} + TwoNodes::only(m_nodes->a)), 75);
    VERIFY_EXIT(TwoNodes::weirctl(QStringList{"operations", "get", "77"} + m_nodes->both()), 65);
    VERIFY_EXIT(TwoNodes::weirctl(QStringList{"operations", "get"} + m_nodes->both()), 64);
}

void TestWeirctlActs::lostLink() {
    QProcess drain;
    startProgram(drain, QStringLiteral("weirctl"),
                 QStringList{"drain", "--wait", "--rate", "0.05", "--grace", "0", "--deadline", "600"} +
                     TwoNodes::only(m_nodes->a),
                 TwoNodes::as("alice"));
    QByteArray told;
    QTRY_VERIFY_WITH_TIMEOUT((told += drain.readAllStandardError()).contains("running"), Patience_ms);
    m_nodes->a.kill();
    const auto end = outcomeOf(drain);
    VERIFY_EXIT(end, 69);
    QVERIFY2(end.err.contains("ws-01: "), end.err.constData());
}

void TestWeirctlActs::nodeThatIsNotThere() {
    // Half of what was named is no place to act on.
    const auto end =
        TwoNodes::weirctl(QStringList{"evict", "--filter", "age>0s", "--yes", "--node", "127.0.0.1:1"} +
                          TwoNodes::only(m_nodes->a));
    VERIFY_EXIT(end, 69);
    // Who reads gets the rest, and is told.
    const auto read = TwoNodes::weirctl(QStringList{"connections", "--json", "--node", "127.0.0.1:1"} +
                                        TwoNodes::only(m_nodes->a));
    VERIFY_EXIT(read, 69);
    QCOMPARE(TwoNodes::rows(read).size(), 6);
    QCOMPARE(TwoNodes::json(read).value("errors").toArray().size(), 1);
    QCOMPARE(m_nodes->gone(), 0);
}

void TestWeirctlActs::aViewerMayNot_data() {
    QTest::addColumn<QStringList>("words");
    QTest::addColumn<QString>("method");
    QTest::newRow("evict") << QStringList{"evict", "--filter", "age>0s", "--yes"} << "connections.evict";
    QTest::newRow("evict --dry-run") << QStringList{"evict", "--filter", "age>0s", "--dry-run"}
                                     << "connections.evict";
    QTest::newRow("drain") << QStringList{"drain"} << "node.drain";
    QTest::newRow("drain --wait") << QStringList{"drain", "--wait"} << "node.drain";
    QTest::newRow("resume") << QStringList{"resume"} << "node.resume";
    QTest::newRow("publish") << QStringList{"publish", "--everybody", "news"} << "message.publish";
    QTest::newRow("config set") << QStringList{"config", "set", "log.level", "warn"} << "config.set";
    QTest::newRow("operations abort") << QStringList{"operations", "abort", "1"} << "operations.abort";
}

void TestWeirctlActs::aViewerMayNot() {
    QFETCH(QStringList, words);
    QFETCH(QString, method);
    if (words.contains("abort"))
        VERIFY_EXIT(
            TwoNodes::weirctl(QStringList{"drain", "--rate", "0.05", "--grace", "0", "--deadline", "600"} +
                              TwoNodes::only(m_nodes->a)),
            0);
    const auto end = TwoNodes::weirctl(words + TwoNodes::only(m_nodes->a), "bob");
    VERIFY_EXIT(end, 77);
    QCOMPARE(end.err, QByteArray("weirctl: ws-01: the token's role is viewer, which may not act\n"));
    const auto audit =
        TwoNodes::rows(TwoNodes::weirctl(QStringList{"audit", "--json"} + TwoNodes::only(m_nodes->a)));
    const auto row = audit.first().toObject();
    QCOMPARE(row.value("who").toString(), QStringLiteral("bob"));
    QVERIFY2(row.value("what").toString().startsWith(method), qPrintable(row.value("what").toString()));
    QCOMPARE(row.value("outcome").toString(), QStringLiteral("refused: a viewer may not act"));
}

void TestWeirctlActs::methodsOfLaterVersions() {
    for (const QString& word : {QStringLiteral("rolling-drain"), QStringLiteral("rebalance")}) {
        const auto end = TwoNodes::weirctl(QStringList{word, "--rate", "5"} + TwoNodes::only(m_nodes->a));
        VERIFY_EXIT(end, 69);
        QVERIFY2(end.err.startsWith("weirctl: ws-01: has no method cluster."), end.err.constData());
        QCOMPARE(end.err.count('\n'), 1);
    }
}

QTEST_GUILESS_MAIN(TestWeirctlActs)
#include "tst_weirctl_acts.moc"
