// SPDX-License-Identifier: Apache-2.0
// weir-node as a program: what it prints, how it ends, what signals do.
#include "tests/support/node_process.h"
#include <QCoreApplication>
#include <QElapsedTimer>
#include <QFile>
#include <QJsonDocument>
#include <QJsonObject>
#include <QLocalSocket>
#include <QProcess>
#include <QRegularExpression>
#include <QStandardPaths>
#include <QTcpServer>
#include <QTcpSocket>
#include <QTest>
#include <QWebSocket>
#include <memory>
#include <sys/stat.h>
#include <vector>

namespace {

constexpr int Patience_ms = 20000;

struct Outcome {
    int exitCode = -1;
    QByteArray out, err;
};

Outcome run(const QStringList& arguments, const QStringList& variables = {}) {
    QProcess process;
    QTemporaryDir directory;
    auto environment = QProcessEnvironment::systemEnvironment();
    environment.insert(QStringLiteral("XDG_RUNTIME_DIR"), directory.path());
    environment.remove(QStringLiteral("RUNTIME_DIRECTORY"));
    environment.remove(QStringLiteral("WEIR_ADMIN_TOKEN"));
    environment.remove(QStringLiteral("DISPLAY"));
    for (const auto& variable : variables)
        environment.insert(variable.section(u'=', 0, 0), variable.section(u'=', 1));
    process.setProcessEnvironment(environment);
    process.start(QCoreApplication::applicationDirPath() + QStringLiteral("/weir-node"), arguments);
    if (!process.waitForFinished(Patience_ms)) {
        process.kill();
        process.waitForFinished();
        return {};
    }
    return {process.exitStatus() == QProcess::NormalExit ? process.exitCode() : -2,
            process.readAllStandardOutput(), process.readAllStandardError()};
}

bool matches(const QString& pattern, const QByteArray& text) {
    return QRegularExpression(pattern, QRegularExpression::MultilineOption)
        .match(QString::fromUtf8(text))
        .hasMatch();
}

} // namespace

class TestNodeProgram : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void ends_data();
    void ends();
    void manualSaysWhatHelpSays();
    void manualsAreClean();
    void sampleFileIsFine();
    void addressInUse();
    void printedConfigurationHidesSecrets();
    void portZero();
    void everyLineIsJson();
    void linesForTheJournal();
    void unixSocketAndV6();
    void tokenWithoutFile();
    void closedAdminChannel();
    void stopsAtOnceWithoutClients();
    void drainsAtSignal();
    void secondSignalStopsNow();
};

void TestNodeProgram::ends_data() {
    QTest::addColumn<QStringList>("arguments");
    QTest::addColumn<int>("exitCode");
    QTest::addColumn<QString>("out");
    QTest::addColumn<QString>("err");
    const auto row = [](const char* name, const QStringList& arguments, int code, const char* out,
                        const char* err) {
        QTest::newRow(name) << arguments << code << QString::fromUtf8(out) << QString::fromUtf8(err);
    };
    row("help", {"--help"}, 0, "Usage: weir-node", "^$");
    row("version", {"--version"}, 0,
        "\\Aweir-node \\d+\\.\\d+\\.\\d+\\ncommit \\w+\\nQt 6\\.[0-9.]+ \\(built with "
        "6\\.[0-9.]+\\)\\nhiredis \\d+\\.\\d+\\.\\d+\\n\\z",
        "^$");
    row("short version", {"-V"}, 0, "\\Aweir-node ", "^$");
    row("unknown flag", {"--lsiten", "x"}, 64, "^$",
        "\\Aweir-node: unknown argument --lsiten; did you mean --listen\\?\\nTry 'weir-node --help'\\n\\z");
    row("unknown word", {"start"}, 64, "^$", "unknown argument start\\n.*Try 'weir-node --help'");
    row("no value", {"--shards"}, 64, "^$", "--shards: a value is missing\\nTry");
    row("set without =", {"--set", "node.id"}, 64, "^$", "section.key=value");
    row("bad value", {"--shards", "x"}, 78, "^$",
        "^weir-node: --shards: node.shards = x: a whole number from 0 to 64$");
    row("twice: the last wins",
        {"--shards", "2", "--set", "node.shards=4", "--shards", "5", "--print-config"}, 0,
        "^shards = 5 +# --shards$", "^$");
    row("in the order of the line", {"--shards", "2", "--set", "node.shards=4", "--print-config"}, 0,
        "^shards = 4 +# --set$", "^$");
    row("too many shards", {"--shards", "65"}, 78, "^$", "from 0 to 64$");
    row("unknown key", {"--set", "node.shrads=1"}, 78, "^$", "nearest is node.shards$");
    row("missing file", {"--config", "/nonexistent.toml"}, 78, "^$",
        "^weir-node: /nonexistent.toml: there is no such configuration file$");
    row("ops beyond loopback", {"--ops", "0.0.0.0:0", "--listen", "127.0.0.1:0"}, 78, "^$",
        "needs TLS: set listen.ops_tls_certificate and listen.ops_tls_key$");
    row("no token file",
        {"--set", "admin.token_file=/nonexistent", "--listen", "127.0.0.1:0", "--ops", "127.0.0.1:0"}, 78,
        "^$", "^weir-node: admin.token_file = /nonexistent: ");
    row("an address that is not ours", {"--listen", "192.0.2.1:7400", "--ops", "127.0.0.1:0"}, 71, "^$",
        "^weir-node: .*192\\.0\\.2\\.1.*7400");
    row("check", {"--check-config"}, 0, "fine", "^$");
    row("check finds", {"--check-config", "--set", "log.level=loud"}, 78, "^$", "log.level = loud");
    row("print", {"--print-config", "--shards", "3"}, 0, "^shards = 3 +# --shards$", "^$");
}

void TestNodeProgram::ends() {
    QFETCH(QStringList, arguments);
    QFETCH(int, exitCode);
    QFETCH(QString, out);
    QFETCH(QString, err);
    const auto outcome = run(arguments);
    QVERIFY2(outcome.exitCode == exitCode, outcome.err.constData());
    QVERIFY2(matches(out, outcome.out), outcome.out.constData());
    QVERIFY2(matches(err, outcome.err), outcome.err.constData());
}

namespace {

QString source(const QString& path) {
    QFile file(QStringLiteral(WEIR_SOURCE_DIR "/") + path);
    return file.open(QIODevice::ReadOnly) ? QString::fromUtf8(file.readAll()) : QString();
}

QStringList found(const QString& pattern, const QString& text) {
    QStringList all;
    auto matches = QRegularExpression(pattern, QRegularExpression::MultilineOption).globalMatch(text);
    while (matches.hasNext())
        all.append(matches.next().captured(1));
    return all;
}

} // namespace

void TestNodeProgram::manualSaysWhatHelpSays() {
    const auto help = QString::fromUtf8(run({"--help"}).out);
    const auto manual = source(QStringLiteral("resources/man/weir-node.8"));
    const auto flags = found(QStringLiteral("^ +(?:-\\w, )?--([\\w-]+)"), help);
    QVERIFY(flags.size() > 10);
    QCOMPARE(found(QStringLiteral("^\\.It (?:Fl \\w , )?Fl -([\\w-]+)"), manual), flags);
    QCOMPARE(found(QStringLiteral("^\\.It (\\d+)$"), manual), found(QStringLiteral("^  (\\d+) "), help));
    for (const auto* section : {"NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "ENVIRONMENT", "FILES",
                                "EXIT STATUS", "EXAMPLES", "SEE ALSO"})
        QVERIFY2(manual.contains(QStringLiteral("\n.Sh %1\n").arg(QLatin1String(section))), section);
}

void TestNodeProgram::manualsAreClean() {
    const auto mandoc = QStandardPaths::findExecutable(QStringLiteral("mandoc"));
    if (mandoc.isEmpty())
        QSKIP("mandoc is not installed");
    QProcess process;
    process.start(mandoc, {"-Tlint", "-W", "warning", WEIR_SOURCE_DIR "/resources/man/weir-node.8",
                           WEIR_SOURCE_DIR "/resources/man/weir-node.toml.5"});
    QVERIFY(process.waitForFinished(Patience_ms));
    const auto said = process.readAll() + process.readAllStandardError();
    QVERIFY2(said.isEmpty() && process.exitCode() == 0, said.constData());
}

void TestNodeProgram::sampleFileIsFine() {
    const auto outcome = run({"--check-config", "--config", WEIR_SOURCE_DIR "/resources/node.toml"});
    QVERIFY2(outcome.exitCode == 0, outcome.err.constData());
}

void TestNodeProgram::addressInUse() {
    QTcpServer server;
    QVERIFY(server.listen(QHostAddress::LocalHost));
    const auto address = QStringLiteral("127.0.0.1:%1").arg(server.serverPort());
    for (const auto* flag : {"--listen", "--ops"}) {
        const bool isOps = QLatin1String(flag) == QLatin1String("--ops");
        const auto outcome = run({QLatin1String(flag), address, isOps ? "--listen" : "--ops", "127.0.0.1:0"});
        QCOMPARE(outcome.exitCode, 71);
        const auto last = outcome.err.trimmed().split('\n').last();
        QVERIFY2(last.contains(QByteArray::number(server.serverPort())), last.constData());
        QVERIFY2(last.contains("127.0.0.1"), last.constData());
    }
}

void TestNodeProgram::printedConfigurationHidesSecrets() {
    const auto outcome = run({"--print-config"}, {"WEIR_REDIS_URL=redis://:hunter2@127.0.0.1:1",
                                                  "WEIR_ADMIN_TOKEN=hunter3", "WEIR_PORT_7400_TCP=x"});
    QCOMPARE(outcome.exitCode, 0);
    QVERIFY(
        matches(QStringLiteral("^url = \"redis://:\\*\\*\\*@127.0.0.1:1\" +# environment WEIR_REDIS_URL$"),
                outcome.out));
    QVERIFY(!outcome.out.contains("hunter") && !outcome.err.contains("hunter"));
    QVERIFY2(outcome.err.contains("WEIR_PORT_7400_TCP"), outcome.err.constData()); // only a warning
}

void TestNodeProgram::portZero() {
    QProcess process;
    QTemporaryDir directory;
    auto environment = QProcessEnvironment::systemEnvironment();
    environment.insert(QStringLiteral("RUNTIME_DIRECTORY"), directory.filePath(QStringLiteral("run")));
    process.setProcessEnvironment(environment);
    process.start(QCoreApplication::applicationDirPath() + QStringLiteral("/weir-node"),
                  {"--listen", "127.0.0.1:0", "--ops", "127.0.0.1:0", "--shards", "1"});
    QByteArray banner;
    QTRY_VERIFY_WITH_TIMEOUT((banner += process.readAllStandardError()).contains("open: no TLS"),
                             Patience_ms);
    const auto port = QRegularExpression(QStringLiteral("http://127\\.0\\.0\\.1:(\\d+)/health"))
                          .match(QString::fromUtf8(banner))
                          .captured(1);
    QVERIFY2(port.toInt() > 0, banner.constData());
    QVERIFY2(matches(QStringLiteral("^clients: ws://127\\.0\\.0\\.1:[1-9]\\d*/socket\\.io/$"), banner),
             banner.constData());
    QVERIFY(banner.contains("clients may publish without a token"));
    QVERIFY(QFile::exists(directory.filePath(QStringLiteral("run/ops-%1.token").arg(port))));
    process.terminate();
    QVERIFY(process.waitForFinished(Patience_ms));
    QCOMPARE(process.exitCode(), 0);
}

void TestNodeProgram::everyLineIsJson() {
    QProcess process;
    QTemporaryDir directory;
    auto environment = QProcessEnvironment::systemEnvironment();
    environment.insert(QStringLiteral("RUNTIME_DIRECTORY"), directory.filePath(QStringLiteral("run")));
    process.setProcessEnvironment(environment);
    process.start(
        QCoreApplication::applicationDirPath() + QStringLiteral("/weir-node"),
        {"--listen", "127.0.0.1:0", "--ops", "127.0.0.1:0", "--shards", "1", "--log-format", "json"});
    QByteArray log;
    QTRY_VERIFY_WITH_TIMEOUT((log += process.readAllStandardError()).contains("open: no TLS"), Patience_ms);
    process.terminate();
    QVERIFY(process.waitForFinished(Patience_ms));
    log += process.readAllStandardError();
    const auto lines = log.trimmed().split('\n');
    QVERIFY(lines.size() > 4); // the banner too
    for (const auto& line : lines) {
        const auto object = QJsonDocument::fromJson(line).object();
        for (const auto* key : {"time", "level", "logger", "message"})
            QVERIFY2(!object.value(QLatin1String(key)).toString().isEmpty(), line.constData());
    }
}

void TestNodeProgram::linesForTheJournal() {
    // The journal names itself by the file that it gave us as stderr.
    QTemporaryDir directory;
    const auto path = directory.filePath(QStringLiteral("journal"));
    QFile file(path);
    QVERIFY(file.open(QIODevice::WriteOnly));
    struct stat status {};
    QCOMPARE(::fstat(file.handle(), &status), 0);
    for (const bool isJournal : {true, false}) {
        file.resize(0);
        auto environment = QProcessEnvironment::systemEnvironment();
        environment.insert(QStringLiteral("RUNTIME_DIRECTORY"), directory.filePath(QStringLiteral("run")));
        environment.insert(QStringLiteral("WEIR_SERVICE_HOST"), QStringLiteral("10.0.0.1")); // for a warning
        environment.insert(
            QStringLiteral("JOURNAL_STREAM"),
            QStringLiteral("%1:%2").arg(status.st_dev).arg(status.st_ino + (isJournal ? 0 : 1)));
        QProcess process;
        process.setProcessEnvironment(environment);
        process.setStandardErrorFile(path, QIODevice::Append);
        process.start(QCoreApplication::applicationDirPath() + QStringLiteral("/weir-node"),
                      {"--listen", "127.0.0.1:0", "--ops", "127.0.0.1:0", "--shards", "1"});
        const auto log = [&path] {
            QFile written(path);
            return written.open(QIODevice::ReadOnly) ? written.readAll() : QByteArray();
        };
        QTRY_VERIFY_WITH_TIMEOUT(log().contains("open: no TLS") && log().contains("WEIR_SERVICE_HOST"),
                                 Patience_ms);
        process.terminate();
        QVERIFY(process.waitForFinished(Patience_ms));
        QCOMPARE(matches(QStringLiteral("^<4>the environment variable WEIR_SERVICE_HOST"), log()), isJournal);
        QCOMPARE(matches(QStringLiteral("^time=.* level=warn the environment variable"), log()), !isJournal);
    }
}

void TestNodeProgram::unixSocketAndV6() {
#ifdef WEIR_PORTABLE
    QSKIP("this build has no sockets in the file system");
#endif
    const QByteArray handshake =
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    QTemporaryDir directory;
    const auto path = directory.filePath(QStringLiteral("node.sock"));
    const auto port = freePort();
    const QStringList arguments{"--set",
                                QStringLiteral("listen.clients=unix:%1,[::]:%2").arg(path).arg(port)};
    const auto isServed = [&](auto& socket) {
        socket.write(handshake);
        QByteArray answer;
        return QTest::qWaitFor([&] { return (answer += socket.readAll()).contains("0{\"sid\":"); },
                               Patience_ms) &&
               answer.startsWith("HTTP/1.1 101 ");
    };
    {
        NodeProcess node;
        QVERIFY2(node.start(arguments), qPrintable(node.why()));
        QLocalSocket local;
        local.connectToServer(path);
        QVERIFY2(local.waitForConnected(Patience_ms), qPrintable(local.errorString()));
        QVERIFY(isServed(local));
        for (const auto* host : {"::1", "127.0.0.1"}) { // one listener serves both families
            QTcpSocket remote;
            remote.connectToHost(QString::fromUtf8(host), port);
            QVERIFY2(remote.waitForConnected(Patience_ms), qPrintable(remote.errorString()));
            QVERIFY2(isServed(remote), host);
        }
        NodeProcess second; // somebody answers there: not a socket to take over
        QVERIFY(!second.start({"--set", "listen.clients=unix:" + path}));
        QVERIFY2(second.why().contains(QStringLiteral("in use")), qPrintable(second.why()));
        node.kill();
    }
    QVERIFY(QFile::exists(path)); // left by the node that was killed, and taken over by the next
    NodeProcess node;
    QVERIFY2(node.start(arguments), qPrintable(node.why()));
    QLocalSocket local;
    local.connectToServer(path);
    QVERIFY(local.waitForConnected(Patience_ms));
    local.abort();
    QVERIFY(node.stop());
    QVERIFY(!QFile::exists(path));
}

void TestNodeProgram::tokenWithoutFile() {
    // A stale file of a dead node is replaced; a link in its place is not followed.
    NodeProcess node;
    QVERIFY2(node.start(), qPrintable(node.why()));
    const auto first = node.token();
    node.kill();
    const auto path =
        QStringLiteral("%1/weirkeeper/ops-%2.token").arg(node.runtimeDirectory()).arg(node.opsPort());
    QCOMPARE(node.token(), first); // nobody could remove it
    QVERIFY(QFile::remove(path));
    const auto victim = node.runtimeDirectory() + QStringLiteral("/victim");
    QFile file(victim);
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.close();
    QVERIFY(QFile::link(victim, path));
    QVERIFY2(node.start(), qPrintable(node.why()));
    QVERIFY(node.token() != first);
    QVERIFY(node.token().size() >= 40);
    QCOMPARE(QFileInfo(victim).size(), qint64(0));
    QVERIFY(!QFileInfo(path).isSymLink());
    QVERIFY(node.stop());
}

void TestNodeProgram::closedAdminChannel() {
    // Where no token can be left the node serves all the same, says so, and lets no operator in.
    QTemporaryDir directory;
    const auto inTheWay = directory.filePath(QStringLiteral("file"));
    QFile file(inTheWay);
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.close();
    QProcess process;
    auto environment = QProcessEnvironment::systemEnvironment();
    environment.insert(QStringLiteral("RUNTIME_DIRECTORY"), inTheWay + QStringLiteral("/run"));
    environment.remove(QStringLiteral("WEIR_ADMIN_TOKEN"));
    process.setProcessEnvironment(environment);
    process.start(QCoreApplication::applicationDirPath() + QStringLiteral("/weir-node"),
                  {"--listen", "127.0.0.1:0", "--ops", "127.0.0.1:0", "--shards", "1"});
    QByteArray banner;
    QTRY_VERIFY_WITH_TIMEOUT((banner += process.readAllStandardError()).contains("open: no TLS"),
                             Patience_ms);
    QVERIFY2(banner.contains("operator token: none, the admin channel is closed: "), banner.constData());
    process.terminate();
    QVERIFY(process.waitForFinished(Patience_ms));
    QCOMPARE(process.exitCode(), 0);
}

void TestNodeProgram::stopsAtOnceWithoutClients() {
    NodeProcess node;
    QVERIFY2(node.start({"--set", "node.drain_grace_s=60"}), qPrintable(node.why()));
    QElapsedTimer timer;
    timer.start();
    QVERIFY(node.stop());
    QVERIFY2(timer.elapsed() < 5000, qPrintable(QString::number(timer.elapsed())));
}

namespace {

/// Clients of a node that are in the namespace "/".
std::vector<std::unique_ptr<QWebSocket>> clientsOf(const NodeProcess& node, int count) {
    std::vector<std::unique_ptr<QWebSocket>> clients;
    int in = 0;
    for (int i = 0; i < count; ++i) {
        auto& client = *clients.emplace_back(std::make_unique<QWebSocket>());
        QObject::connect(&client, &QWebSocket::textMessageReceived, &client,
                         [&client, &in](const QString& text) {
                             if (text.startsWith(u'0'))
                                 client.sendTextMessage(QStringLiteral("40"));
                             else if (text.startsWith(QStringLiteral("40")))
                                 ++in;
                         });
        client.open(
            QUrl(node.clientUrl().toString() + QStringLiteral("/socket.io/?EIO=4&transport=websocket")));
    }
    if (!QTest::qWaitFor([&] { return in == count; }, Patience_ms))
        clients.clear();
    for (auto& client : clients)
        QObject::disconnect(client.get(), &QWebSocket::textMessageReceived, nullptr,
                            nullptr); // `in` ends here
    return clients;
}

} // namespace

void TestNodeProgram::drainsAtSignal() {
    NodeProcess node;
    QVERIFY2(node.start({"--set", "node.drain_grace_s=1", "--set", "node.drain_deadline_s=5"}),
             qPrintable(node.why()));
    const auto clients = clientsOf(node, 10);
    QCOMPARE(clients.size(), std::size_t(10));
    int hints = 0;
    for (const auto& client : clients)
        QObject::connect(client.get(), &QWebSocket::textMessageReceived, client.get(),
                         [&hints](const QString& text) {
                             hints += text.contains(QStringLiteral("weir:reconnect")) ? 1 : 0;
                         });
    QElapsedTimer timer;
    timer.start();
    // stop() blocks: the clients' sockets are read afterwards.
    QVERIFY(node.stop(15000));
    QVERIFY2(timer.elapsed() >= 900, qPrintable(QString::number(timer.elapsed()))); // the grace
    const auto areGone = [&] {
        return std::all_of(clients.begin(), clients.end(), [](const auto& client) {
            return client->state() == QAbstractSocket::UnconnectedState;
        });
    };
    QTRY_VERIFY_WITH_TIMEOUT(areGone(), Patience_ms);
    QCOMPARE(hints, 10);
}

void TestNodeProgram::secondSignalStopsNow() {
    QProcess process;
    QTemporaryDir directory;
    auto environment = QProcessEnvironment::systemEnvironment();
    environment.insert(QStringLiteral("RUNTIME_DIRECTORY"), directory.path());
    process.setProcessEnvironment(environment);
    const auto port = freePort();
    process.start(QCoreApplication::applicationDirPath() + QStringLiteral("/weir-node"),
                  {"--listen", QStringLiteral("127.0.0.1:%1").arg(port), "--ops", "127.0.0.1:0", "--shards",
                   "1", "--set", "node.drain_grace_s=60"});
    QByteArray log;
    QTRY_VERIFY_WITH_TIMEOUT((log += process.readAllStandardError()).contains("open: no TLS"), Patience_ms);
    QWebSocket client;
    client.open(QUrl(QStringLiteral("ws://127.0.0.1:%1/socket.io/?EIO=4&transport=websocket").arg(port)));
    QTRY_COMPARE_WITH_TIMEOUT(client.state(), QAbstractSocket::ConnectedState, Patience_ms);
    process.terminate();
    QTRY_VERIFY_WITH_TIMEOUT((log += process.readAllStandardError()).contains("asked to end"), Patience_ms);
    QCOMPARE(process.state(), QProcess::Running);
    QElapsedTimer timer;
    timer.start();
    process.terminate();
    QVERIFY(process.waitForFinished(Patience_ms));
    QVERIFY2(timer.elapsed() < 3000, qPrintable(QString::number(timer.elapsed())));
    QCOMPARE(process.exitCode(), 0);
}

QTEST_GUILESS_MAIN(TestNodeProgram)
#include "tst_node_program.moc"
