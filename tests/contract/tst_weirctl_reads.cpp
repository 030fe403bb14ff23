// SPDX-License-Identifier: Apache-2.0
// What weirctl reads of two live nodes.
#include <QTest> // first: moc cannot begin with <compare>

#include "console/link/node_link.h"
#include "tests/contract/weirctl_fixture.h"
#include <QDir>
#include <QRegularExpression>
#include <QSet>
#include <QStandardPaths>
#include <csignal>

class TestWeirctlReads : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void initTestCase();
    void eachSubCommand_data();
    void eachSubCommand();
    void tablesForPeople();
    void oneConnection();
    void pagesAndOrder();
    void wholeFleet();
    void nodesOfThisMachine();
    void tokens();
    void oneConnectionWatched();
    void logAsItIsWritten();
    void filterIsJudgedAsTheNodeDoes();
    void topIsAScreen();
    void cleanupTestCase();

private:
    TwoNodes m_nodes;
};

void TestWeirctlReads::initTestCase() {
    QVERIFY2(m_nodes.start(), qPrintable(m_nodes.why()));
    m_nodes.addClients(m_nodes.a, 3);
    m_nodes.addClients(m_nodes.b, 2);
    QVERIFY(m_nodes.areIn());
    // Each tells what the registry says of the other.
    QTRY_COMPARE_WITH_TIMEOUT(
        TwoNodes::rows(TwoNodes::weirctl(QStringList{"nodes", "--json"} + TwoNodes::only(m_nodes.a))).size(),
        2, Patience_ms);
    // Some who have left.
    for (auto* node : {&m_nodes.a, &m_nodes.b}) {
        Client visitor(*node);
        QTRY_VERIFY_WITH_TIMEOUT(visitor.isIn, Patience_ms);
    }
    QTRY_COMPARE_WITH_TIMEOUT(
        TwoNodes::rows(TwoNodes::weirctl(QStringList{"closed", "--json"} + m_nodes.both())).size(), 2,
        Patience_ms);
    // Something for the audit.
    VERIFY_EXIT(TwoNodes::weirctl(QStringList{"resume"} + m_nodes.both()), 0);
}

void TestWeirctlReads::eachSubCommand_data() {
    QTest::addColumn<QStringList>("arguments");
    QTest::addColumn<int>("leastRows");
    const auto row = [](const char* words, int leastRows) {
        QTest::newRow(words) << QString::fromLatin1(words).split(u' ') << leastRows;
    };
    row("nodes", 2);
    row("status", 2);
    row("top", 2);
    row("connections", 5);
    row("connections --filter age>1h", 0);
    row("rooms", 0);
    row("operations", 0);
    row("operations list", 0);
    row("closed", 2);
    row("closed --since 1h --limit 8", 2);
    row("config get", 40);
    row("config get limits.messages_per_s", 2);
    row("audit", 2);
    row("audit --since 1h --limit 4", 2);
}

void TestWeirctlReads::eachSubCommand() {
    QFETCH(QStringList, arguments);
    QFETCH(int, leastRows);
    const auto end = TwoNodes::weirctl(arguments + QStringList{"--json"} + m_nodes.both());
    VERIFY_EXIT(end, 0);
    QCOMPARE(end.err, QByteArray());
    QJsonParseError error;
    const auto object = QJsonDocument::fromJson(end.out, &error).object();
    QCOMPARE(error.errorString(), QStringLiteral("no error occurred"));
    QCOMPARE(object.value("errors").toArray(), QJsonArray());
    QVERIFY(object.value("rows").isArray());
    const auto rows = object.value("rows").toArray();
    QVERIFY2(rows.size() >= leastRows, end.out.constData());
    QSet<QString> nodes;
    for (const auto& row : rows)
        nodes.insert(row.toObject().value(arguments.first() == "nodes" ? "id" : "node").toString());
    if (leastRows > 0)
        QCOMPARE(nodes, (QSet<QString>{"ws-01", "ws-02"}));
}

void TestWeirctlReads::tablesForPeople() {
    const auto end = TwoNodes::weirctl(QStringList{"status"} + m_nodes.both());
    VERIFY_EXIT(end, 0);
    const auto lines = QString::fromUtf8(end.out).split(u'\n');
    QCOMPARE(lines.size(), 4);
    QVERIFY(lines[0].startsWith("NODE   STATE  CONNS"));
    QVERIFY(lines[1].startsWith("ws-01  ready      3"));
    QVERIFY(lines[2].startsWith("ws-02  ready      2"));
    QVERIFY(!end.out.contains('\x1b')); // no terminal: no colour
}

void TestWeirctlReads::oneConnection() {
    const auto rows =
        TwoNodes::rows(TwoNodes::weirctl(QStringList{"connections", "--json"} + m_nodes.both()));
    const auto name = rows.first().toObject().value("connection").toString();
    QVERIFY2(name.startsWith("ws-01/"), qPrintable(name));
    const auto end = TwoNodes::weirctl(QStringList{"connections", name, "--json"} + m_nodes.both());
    VERIFY_EXIT(end, 0);
    const auto connection = TwoNodes::json(end).value("connection").toObject();
    QCOMPARE(connection.value("node").toString(), QStringLiteral("ws-01"));
    QCOMPARE("ws-01/" + connection.value("id").toString(), name);

    const auto gone = TwoNodes::weirctl(QStringList{"connections", "ws-01/0-999999"} + m_nodes.both());
    VERIFY_EXIT(gone, 65);
    QVERIFY2(gone.err.startsWith("weirctl: ws-01: "), gone.err.constData());
    const auto whose = TwoNodes::weirctl(QStringList{"connections", "0-1"} + m_nodes.both());
    VERIFY_EXIT(whose, 64);
    QVERIFY(whose.err.startsWith("weirctl: '0-1' is of which node? Write NODE/0-1\n"));
    VERIFY_EXIT(TwoNodes::weirctl(QStringList{"connections", "ws-09/0-1"} + m_nodes.both()), 64);
}

void TestWeirctlReads::pagesAndOrder() {
    const auto end = TwoNodes::weirctl(
        QStringList{"connections", "--json", "--sort", "-since", "--limit", "4"} + m_nodes.both());
    VERIFY_EXIT(end, 0);
    const auto rows = TwoNodes::rows(end);
    QCOMPARE(rows.size(), 4);
    QCOMPARE(TwoNodes::json(end).value("total").toInt(), 5);
    for (qsizetype i = 1; i < rows.size(); ++i)
        QVERIFY(rows[i - 1].toObject().value("since_ms").toDouble() >=
                rows[i].toObject().value("since_ms").toDouble());
    const auto people = TwoNodes::weirctl(QStringList{"connections", "--limit", "4"} + m_nodes.both());
    QCOMPARE(people.err, QByteArray("weirctl: 4 of 5 shown; --limit 0 shows all\n"));
    QCOMPARE(TwoNodes::rows(
                 TwoNodes::weirctl(QStringList{"connections", "--json", "--limit", "0"} + m_nodes.both()))
                 .size(),
             5);
}

void TestWeirctlReads::wholeFleet() {
    const auto end =
        TwoNodes::weirctl(QStringList{"connections", "--all", "--json"} + TwoNodes::only(m_nodes.a));
    VERIFY_EXIT(end, 0);
    QCOMPARE(TwoNodes::rows(end).size(), 5);
    // The node and its other name are one.
    const auto twice = TwoNodes::weirctl({"connections", "--json", "--node", TwoNodes::address(m_nodes.a),
                                          "--node", QStringLiteral("localhost:%1").arg(m_nodes.a.opsPort())});
    VERIFY_EXIT(twice, 0);
    QCOMPARE(TwoNodes::rows(twice).size(), 3);
}

void TestWeirctlReads::nodesOfThisMachine() {
    const auto runDirectory = m_nodes.a.runtimeDirectory();
    auto variables = TwoNodes::as("alice") + QStringList{"XDG_RUNTIME_DIR=" + runDirectory};
    const auto here = [&](const QStringList& words) {
        return runProgram(QStringLiteral("weirctl"), words, variables);
    };
    const auto named = here({"status", "--json", "--node", "ws-01"});
    VERIFY_EXIT(named, 0);
    QCOMPARE(TwoNodes::rows(named).size(), 1);
    // Both are here: who acts says on whom.
    const auto from =
        m_nodes.b.runtimeDirectory() + QStringLiteral("/weirkeeper/ops-%1.json").arg(m_nodes.b.opsPort());
    const auto to = runDirectory + QStringLiteral("/weirkeeper/ops-%1.json").arg(m_nodes.b.opsPort());
    QVERIFY(QFile::copy(from, to));
    const auto both = here({"status", "--json"});
    QVERIFY2(TwoNodes::rows(both).size() >= 2, explained(both).constData());
    const auto act = here({"drain"});
    VERIFY_EXIT(act, 64);
    QVERIFY2(act.err.contains("name one with --node, or all with --all"), act.err.constData());
    QVERIFY(QFile::remove(to));
}

void TestWeirctlReads::tokens() {
    const auto stranger =
        runProgram(QStringLiteral("weirctl"), QStringList{"status", "--json"} + TwoNodes::only(m_nodes.a),
                   {QStringLiteral("WEIR_ADMIN_TOKEN=nonsense")});
    VERIFY_EXIT(stranger, 77);
    const auto error = TwoNodes::json(stranger).value("errors").toArray().first().toObject();
    QCOMPARE(error.value("code").toString(), QStringLiteral("forbidden"));
    // The file goes before the environment; its first line is the token.
    QTemporaryDir directory;
    QFile file(directory.filePath(QStringLiteral("token")));
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write("alice-token-0123456789\nand a note\n");
    file.close();
    VERIFY_EXIT(runProgram(QStringLiteral("weirctl"),
                           QStringList{"status", "--token-file", file.fileName()} + TwoNodes::only(m_nodes.a),
                           {QStringLiteral("WEIR_ADMIN_TOKEN=nonsense")}),
                0);
    VERIFY_EXIT(TwoNodes::weirctl(QStringList{"status"} + m_nodes.both(), "bob"), 0);
}

void TestWeirctlReads::oneConnectionWatched() {
    auto visitor = std::make_unique<Client>(m_nodes.a);
    QTRY_VERIFY_WITH_TIMEOUT(visitor->isIn, Patience_ms);
    const auto name =
        TwoNodes::rows(TwoNodes::weirctl(QStringList{"connections", "--json", "--sort", "-since"} +
                                         TwoNodes::only(m_nodes.a)))
            .first()
            .toObject()
            .value("connection")
            .toString();
    QProcess watch;
    startProgram(watch, QStringLiteral("weirctl"),
                 QStringList{"connections", name, "--watch", "--json"} + TwoNodes::only(m_nodes.a),
                 TwoNodes::as("bob"));
    QByteArray lines;
    QTRY_VERIFY_WITH_TIMEOUT((lines += watch.readAllStandardOutput()).count('\n') >= 2, Patience_ms);
    const auto sample = QJsonDocument::fromJson(lines.split('\n').first()).object();
    QCOMPARE("ws-01/" + sample.value("id").toString(), name);
    QCOMPARE(sample.value("node").toString(), QStringLiteral("ws-01"));
    QVERIFY2(sample.value("out_rate").isDouble(), lines.constData());
    // When it leaves, that is the end, and why.
    visitor->socket.abort();
    const auto end = outcomeOf(watch);
    VERIFY_EXIT(end, 0);
    QVERIFY2((lines + end.out).split('\n').constLast().isEmpty(), end.out.constData());
    QVERIFY2(end.out.contains("\"ended\":\""), end.out.constData());
}

void TestWeirctlReads::logAsItIsWritten() {
    QProcess log;
    startProgram(log, QStringLiteral("weirctl"), QStringList{"log", "--json"} + m_nodes.both(),
                 TwoNodes::as("alice"));
    QByteArray lines;
    // Each change of a setting is a line of both nodes' logs.
    const auto hasBoth = [&] {
        TwoNodes::weirctl(QStringList{"config", "set", "log.lines_per_s", "1000"} + m_nodes.both());
        lines += log.readAllStandardOutput();
        return lines.contains("\"node\":\"ws-01\"") && lines.contains("\"node\":\"ws-02\"");
    };
    QVERIFY2(QTest::qWaitFor(hasBoth, Patience_ms), (lines + log.readAllStandardError()).constData());
    QJsonParseError error;
    const auto line = QJsonDocument::fromJson(lines.split('\n').first(), &error).object();
    QCOMPARE(error.errorString(), QStringLiteral("no error occurred"));
    QVERIFY(!line.value("text").toString().isEmpty());
    // Ctrl-C is the end that was wanted.
    ::kill(pid_t(log.processId()), SIGINT);
    VERIFY_EXIT(outcomeOf(log), 0);
}

void TestWeirctlReads::filterIsJudgedAsTheNodeDoes() {
    const QString filter = QStringLiteral("room=a idle>soon");
    console::NodeLink link(m_nodes.a.adminUrl(),
                           [](const QUrl&) { return QStringLiteral("alice-token-0123456789"); }, {});
    std::string fromNode;
    QObject::connect(&link, &console::NodeLink::helloReceived, &link, [&] {
        link.request(QStringLiteral("connections.list"), {{QStringLiteral("filter"), filter}},
                     [&](const shared::Result<QJsonObject>& answer) {
                         fromNode = answer ? "no error" : answer.error().message;
                     });
    });
    link.open();
    QTRY_VERIFY_WITH_TIMEOUT(!fromNode.empty(), Patience_ms);
    QVERIFY2(fromNode.find("column 13") != std::string::npos, fromNode.c_str());
    const auto end = TwoNodes::weirctl(QStringList{"connections", "--filter", filter} + m_nodes.both());
    VERIFY_EXIT(end, 64);
    QCOMPARE(end.err, "weirctl: --filter: " + QByteArray::fromStdString(fromNode) +
                          "\nTry 'weirctl connections --help'\n");
}

void TestWeirctlReads::topIsAScreen() {
    if (QStandardPaths::findExecutable(QStringLiteral("script")).isEmpty())
        QSKIP("there is no script here, which gives a program a terminal");
    QProcess terminal;
    auto environment = QProcessEnvironment::systemEnvironment();
    environment.insert(QStringLiteral("WEIR_ADMIN_TOKEN"), QStringLiteral("alice-token-0123456789"));
    terminal.setProcessEnvironment(environment);
    const auto command = QStringLiteral("stty cols 70 rows 5; %1/weirctl top %2; echo ended with $?; stty -a")
                             .arg(QCoreApplication::applicationDirPath(), m_nodes.both().join(u' '));
    terminal.start(QStringLiteral("script"), {"-qfec", command, "/dev/null"});
    QByteArray screen;
    const auto shows = [&](const char* text) {
        screen += terminal.readAllStandardOutput();
        return screen.contains(text);
    };
    QTRY_VERIFY_WITH_TIMEOUT(shows("ws-02  ready"), Patience_ms);
    QVERIFY(screen.contains("\x1b[?1049h"));
    terminal.write("q");
    QTRY_VERIFY_WITH_TIMEOUT(shows("ended with 0"), Patience_ms);
    QVERIFY(screen.contains("\x1b[?1049l"));
    QTRY_VERIFY_WITH_TIMEOUT(shows("icanon"), Patience_ms);
    QVERIFY2(!screen.contains("-icanon") && !screen.contains("-echo "), screen.constData());
    // No line is longer than the terminal is wide.
    for (const auto& line : screen.replace("\x1b[J", "\n").split('\n')) {
        const auto text =
            QString::fromUtf8(line).remove(QRegularExpression(QStringLiteral("\x1b\\[[?0-9]*[A-Za-z]")));
        if (text.startsWith(QStringLiteral("ws-0")))
            QVERIFY2(text.trimmed().size() <= 70, qPrintable(text));
    }
    terminal.waitForFinished();
}

void TestWeirctlReads::cleanupTestCase() {
    m_nodes.clients.clear();
    QVERIFY(m_nodes.a.stop());
    QVERIFY(m_nodes.b.stop());
}

QTEST_GUILESS_MAIN(TestWeirctlReads)
#include "tst_weirctl_reads.moc"
