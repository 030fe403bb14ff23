// SPDX-License-Identifier: Apache-2.0
// weirctl doctor names faults that were made on purpose, each with the command that mends it.
#include <QTest> // first: moc cannot begin with <compare>

#include "console/ctl/diagnosis.h"
#include "tests/console/fake_node.h"
#include "tests/contract/weirctl_fixture.h"
#include "tests/support/test_authority.h"
#include <QStandardPaths>
#include <QTcpServer>
#include <QTcpSocket>

using console::Finding;

namespace {

/// The findings' names, and why the fault matters to nobody is a fault of ours.
QStringList checksIn(const QJsonArray& rows) {
    QStringList names;
    for (const auto& value : rows) {
        const auto row = value.toObject();
        names.append(row.value("check").toString());
        for (const char* key : {"what", "why", "mend"}) {
            if (row.value(key).toString().isEmpty())
                names.append(QStringLiteral("without ") + key);
        }
    }
    return names;
}

constexpr int CannotSpoil = 99;

/// Spoils something in a shell, begun by `wrapper`; then runs a node and doctor there. The node alone is
/// begun by `nodeWrapper`.
Outcome doctorAfter(const QString& spoil, const QStringList& wrapper, const QString& nodeWrapper = {}) {
    const QTemporaryDir directory;
    const auto script =
        QStringLiteral(
            "{ %1; } || exit %2; "
            "%6 %3/weir-node --listen 127.0.0.1:%4 --ops 127.0.0.1:%5 >/dev/null 2>&1 & node=$!; "
            "until %3/weirctl status --node 127.0.0.1:%5 >/dev/null 2>&1; do kill -0 $node || exit 1; done; "
            "%3/weirctl doctor --json --node 127.0.0.1:%5; code=$?; kill $node; wait $node; exit $code")
            .arg(spoil, QString::number(CannotSpoil), QCoreApplication::applicationDirPath(),
                 QString::number(freePort()), QString::number(freePort()), nodeWrapper);
    QProcess process;
    auto environment = QProcessEnvironment::systemEnvironment();
    environment.insert(QStringLiteral("XDG_RUNTIME_DIR"), directory.path());
    environment.remove(QStringLiteral("WEIR_ADMIN_TOKEN"));
    process.setProcessEnvironment(environment);
    const auto command = wrapper + QStringList{"sh", "-c", script};
    process.start(command.first(), command.mid(1));
    return outcomeOf(process);
}

} // namespace

class TestWeirctlDoctor : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void healthy();
    void judgements_data();
    void judgements();
    void fewDescriptors();
    void kernelSettings();
    void littleMemory();
    void clockThatIsAhead();
    void redisThatIsAway();
    void redisThatAsksForAPassword();
    void redisThatIsAReplica();
    void redisThatIsOld();
    void clockAndVersions();
    void certificates();
};

void TestWeirctlDoctor::healthy() {
    TwoNodes nodes;
    QVERIFY2(nodes.start(), qPrintable(nodes.why()));
    const auto end = TwoNodes::weirctl(QStringList{"doctor"} + nodes.both());
    // The machine of the test is what it is; the nodes are fine.
    const auto json = TwoNodes::weirctl(QStringList{"doctor", "--json"} + nodes.both());
    for (const auto& check : checksIn(TwoNodes::rows(json)))
        QVERIFY2(check == "memory" || check == "ports" || check == "somaxconn", qPrintable(check));
    if (TwoNodes::rows(json).isEmpty()) {
        VERIFY_EXIT(end, 0);
        QCOMPARE(end.out, QByteArray("Nothing to mend: looked at 2 nodes, this machine, Redis.\n"));
    } else {
        VERIFY_EXIT(end, 75);
    }
    QVERIFY2(TwoNodes::json(json).value("errors").toArray().isEmpty(), json.out.constData());
}

void TestWeirctlDoctor::judgements_data() {
    QTest::addColumn<std::vector<Finding>>("findings");
    QTest::addColumn<QString>("what"); ///< empty: all is fine
    const auto row = [](const char* name, const std::vector<Finding>& findings, const char* what) {
        QTest::newRow(name) << findings << QString::fromLatin1(what);
    };
    row("nothing is known", console::judgeMachine({}), "");
    row("usual kernel", console::judgeMachine({4096, 32768, 60999, 8'000'000'000, 4'000'000'000}), "");
    row("somaxconn", console::judgeMachine({128, 32768, 60999, {}, {}}), "net.core.somaxconn is 128");
    row("ports", console::judgeMachine({4096, 50000, 50999, {}, {}}),
        "net.ipv4.ip_local_port_range has 1000 ports (50000 to 50999)");
    row("memory", console::judgeMachine({{}, {}, {}, 8'589'934'592, 536'870'912}),
        "512 of 8192 MiB are available");
    const auto node = [](auto change) {
        console::NodeFacts facts{"ws-01", "0.1.0", "127.0.0.1:7401", 20000., 100., 19488, 20, false, {}};
        change(facts);
        return console::judgeNode(facts);
    };
    row("fine node", node([](auto&) {}), "");
    row("descriptors", node([](auto& facts) { facts.descriptors = 1024, facts.capacity = 512; }),
        "it may open 1024 descriptors");
    row("capacity", node([](auto& facts) { facts.capacity = 50000; }), "it may open 20000 descriptors");
    row("nearly out", node([](auto& facts) { facts.descriptorsOpen = 19000; }),
        "19000 of 20000 descriptors are open");
    row("behind", node([](auto& facts) { facts.clockOffset_ms = 600'000; }),
        "its clock is 10 min behind this machine's");
    row("ahead", node([](auto& facts) { facts.clockOffset_ms = -5000; }),
        "its clock is 5 s ahead of this machine's");
    row("certificate", node([](auto& facts) {
            facts.certificates = {{"ops", 3 * 86400. + 60}, {"clients", 1e7}};
        }),
        "the certificate of the ops listener expires in 3 days");
    row("expired", node([](auto& facts) {
            facts.certificates = {{"clients", -7200.}};
        }),
        "the certificate of the clients listener expired 2 h ago");
    row("redis", node([](auto& facts) { facts.isRedisAway = true; }), "its link to Redis is away");
    row("fine Redis", console::judgeRedis({"h:6379", "", "7.0.15", "master", true}), "");
    row("old Redis", console::judgeRedis({"h:6379", "", "5.0.7", "master", false}),
        "Redis at h:6379 is version 5.0.7");
    row("too old for sharded", console::judgeRedis({"h:6379", "", "6.2.0", "master", true}),
        "Redis at h:6379 is version 6.2.0");
    row("replica", console::judgeRedis({"h:6379", "", "7.0.0", "slave", false}),
        "Redis at h:6379 is a slave, no master");
    row("no password", console::judgeRedis({"h:6379", "NOAUTH Authentication required.", "", "", false}),
        "Redis at h:6379 asks for a password");
    row("wrong password",
        console::judgeRedis({"h:6379", "WRONGPASS invalid username-password pair", "", "", false}),
        "Redis at h:6379 refuses the password");
    row("no Redis", console::judgeRedis({"h:6379", "Connection refused", "", "", false}),
        "Redis at h:6379 does not answer: Connection refused");
    const auto other = [](const char* name, const char* version) {
        return console::NodeFacts{name, version, "", {}, {}, {}, 0, false, {}};
    };
    row("versions", console::judgeFleet({other("a", "0.1.0"), other("b", "0.2.0"), other("c", "0.1.0")}),
        "nodes run different versions: 0.1.0 on a, c; 0.2.0 on b");
    row("one version", console::judgeFleet({other("a", "0.1.0"), other("b", "0.1.0")}), "");
}

void TestWeirctlDoctor::judgements() {
    QFETCH(std::vector<Finding>, findings);
    QFETCH(QString, what);
    QCOMPARE(findings.size(), std::size_t(what.isEmpty() ? 0 : 1));
    if (what.isEmpty())
        return;
    QCOMPARE(QString::fromStdString(findings.front().what), what);
    QVERIFY(!findings.front().why.empty() && !findings.front().mend.empty() &&
            !findings.front().check.empty());
}

void TestWeirctlDoctor::fewDescriptors() {
    const auto end = doctorAfter(QStringLiteral("ulimit -n 2048"), {});
    VERIFY_EXIT(end, 75);
    QVERIFY2(checksIn(TwoNodes::rows(end)).contains("descriptors"), explained(end).constData());
    QVERIFY2(end.out.contains("it may open 2048 descriptors"), end.out.constData());
}

void TestWeirctlDoctor::kernelSettings() {
    // Node and doctor in a network of their own, whose settings are ours to spoil.
    const auto end =
        doctorAfter(QStringLiteral("ip link set lo up && echo 128 > /proc/sys/net/core/somaxconn && "
                                   "echo '50000 50999' > /proc/sys/net/ipv4/ip_local_port_range"),
                    {"unshare", "-rn"});
    if (end.exitCode == CannotSpoil || end.err.startsWith("unshare:"))
        QSKIP("this machine gives nobody a network of their own");
    VERIFY_EXIT(end, 75);
    const auto checks = checksIn(TwoNodes::rows(end));
    QVERIFY2(checks.contains("somaxconn") && checks.contains("ports"), explained(end).constData());
}

void TestWeirctlDoctor::littleMemory() {
    // What a container tells of its memory stands over the machine's own words in the same way.
    const QTemporaryDir directory;
    const auto end = doctorAfter(
        QStringLiteral(
            "printf 'MemTotal: 8388608 kB\\nMemFree: 1 kB\\nMemAvailable: 262144 kB\\n' > %1/meminfo "
            "&& mount --bind %1/meminfo /proc/meminfo")
            .arg(directory.path()),
        {"unshare", "-rm"});
    if (end.exitCode == CannotSpoil || end.err.startsWith("unshare:"))
        QSKIP("this machine gives nobody mounts of their own");
    VERIFY_EXIT(end, 75);
    QVERIFY2(checksIn(TwoNodes::rows(end)).contains("memory"), explained(end).constData());
    QVERIFY2(end.out.contains("256 of 8192 MiB are available"), end.out.constData());
}

void TestWeirctlDoctor::clockThatIsAhead() {
#ifdef WEIR_SANITIZED
    QSKIP("a sanitizer must be loaded first, and so must faketime");
#endif
    QVERIFY2(!QStandardPaths::findExecutable(QStringLiteral("faketime")).isEmpty(), "faketime is not here");
    // faketime itself would stand between us and the node, and be ended in its place.
    const auto end = doctorAfter(QStringLiteral("library=$(faketime -f +0 printenv LD_PRELOAD)"), {},
                                 QStringLiteral("env LD_PRELOAD=\"$library\" FAKETIME=+600s "
                                                "FAKETIME_DONT_FAKE_MONOTONIC=1"));
    VERIFY_EXIT(end, 75);
    QVERIFY2(checksIn(TwoNodes::rows(end)).contains("clock"), explained(end).constData());
    QVERIFY2(
        end.out.contains("its clock is 10 min ahead of this machine's") ||
            end.out.contains("its clock is 9 min ahead of this machine's"), // the answer's way counts too
        end.out.constData());
}

void TestWeirctlDoctor::redisThatAsksForAPassword() {
    RedisProcess redis;
    QVERIFY2(redis.start(), qPrintable(redis.why()));
    QTcpSocket socket;
    socket.connectToHost(QStringLiteral("127.0.0.1"), redis.port());
    QVERIFY(socket.waitForConnected());
    socket.write("CONFIG SET requirepass not-told-to-the-node\r\n");
    QVERIFY(socket.waitForReadyRead());
    NodeProcess node;
    QVERIFY2(node.start({"--redis", redis.url()}), qPrintable(node.why()));
    const auto ask = [&](const QStringList& words) {
        return runProgram(QStringLiteral("weirctl"),
                          QStringList{"doctor", "--json"} + words + TwoNodes::only(node),
                          {"XDG_RUNTIME_DIR=" + node.runtimeDirectory()});
    };
    const auto end = ask({});
    VERIFY_EXIT(end, 75);
    const auto checks = checksIn(TwoNodes::rows(end));
    QVERIFY2(checks.contains("redis") && checks.contains("redis-password"), explained(end).constData());
    QVERIFY2(end.out.contains("asks for a password"), end.out.constData());
    const auto url = QStringLiteral("redis://:%1@127.0.0.1:%2");
    const auto wrong = ask({"--redis", url.arg(QStringLiteral("a-guess")).arg(redis.port())});
    QVERIFY2(wrong.out.contains("refuses the password"), explained(wrong).constData());
    const auto right = ask({"--redis", url.arg(QStringLiteral("not-told-to-the-node")).arg(redis.port())});
    QVERIFY2(!checksIn(TwoNodes::rows(right)).contains("redis-password"), explained(right).constData());
    for (const auto& each : {end, wrong, right})
        QVERIFY2(!(each.out + each.err).contains("not-told") && !(each.out + each.err).contains("a-guess"),
                 explained(each).constData());
}

void TestWeirctlDoctor::redisThatIsAway() {
    TwoNodes nodes;
    QVERIFY2(nodes.start(), qPrintable(nodes.why()));
    nodes.redis.kill();
    Outcome end;
    const auto look = [&] {
        end = TwoNodes::weirctl(QStringList{"doctor", "--json"} + nodes.both());
        // Each node's own link, and the server that the settings name.
        return checksIn(TwoNodes::rows(end)).count("redis") == 3;
    };
    QVERIFY2(QTest::qWaitFor(look, Patience_ms), explained(end).constData());
    VERIFY_EXIT(end, 75);
}

void TestWeirctlDoctor::redisThatIsAReplica() {
    RedisProcess master;
    RedisProcess replica;
    QVERIFY(master.start() && replica.start());
    QTcpSocket socket;
    socket.connectToHost(QStringLiteral("127.0.0.1"), replica.port());
    QVERIFY(socket.waitForConnected());
    socket.write("REPLICAOF 127.0.0.1 " + QByteArray::number(master.port()) + "\r\n");
    QVERIFY(socket.waitForReadyRead());
    NodeProcess node;
    QVERIFY2(node.start(), qPrintable(node.why()));
    const auto ask = [&](const QString& url) {
        return runProgram(QStringLiteral("weirctl"),
                          QStringList{"doctor", "--json", "--redis", url} + TwoNodes::only(node),
                          {"XDG_RUNTIME_DIR=" + node.runtimeDirectory()});
    };
    const auto end = ask(replica.url());
    VERIFY_EXIT(end, 75);
    QVERIFY2(checksIn(TwoNodes::rows(end)).contains("redis-role"), explained(end).constData());
    const auto fine = ask(master.url());
    QVERIFY2(!checksIn(TwoNodes::rows(fine)).join(u' ').contains("redis"), explained(fine).constData());
    VERIFY_EXIT(ask(QStringLiteral("http://127.0.0.1")), 64);
}

void TestWeirctlDoctor::redisThatIsOld() {
    QTcpServer old;
    QVERIFY(old.listen(QHostAddress::LocalHost));
    connect(&old, &QTcpServer::newConnection, &old, [&] {
        auto* socket = old.nextPendingConnection();
        connect(socket, &QTcpSocket::readyRead, socket, [socket] {
            if (socket->readAll().contains("replication"))
                socket->write(
                    "$40\r\n# Server\r\nredis_version:5.0.7\r\nos:Linux\r\n\r\n$28\r\n# Replication\r\n"
                    "role:master\r\n\r\n");
        });
    });
    NodeProcess node;
    QVERIFY2(node.start(), qPrintable(node.why()));
    const auto end = runProgram(QStringLiteral("weirctl"),
                                QStringList{"doctor", "--json", "--redis",
                                            QStringLiteral("redis://127.0.0.1:%1").arg(old.serverPort())} +
                                    TwoNodes::only(node),
                                {"XDG_RUNTIME_DIR=" + node.runtimeDirectory()});
    VERIFY_EXIT(end, 75);
    QVERIFY2(checksIn(TwoNodes::rows(end)).contains("redis-version"), explained(end).constData());
}

void TestWeirctlDoctor::clockAndVersions() {
    NodeProcess node;
    QVERIFY2(node.start(), qPrintable(node.why()));
    FakeNode other("ws-09");
    other.token = node.token().toStdString();
    other.version = "9.9.9";
    other.clockAhead_ms = 600'000;
    const auto end =
        runProgram(QStringLiteral("weirctl"),
                   QStringList{"doctor", "--json", "--node", other.address()} + TwoNodes::only(node),
                   {"WEIR_ADMIN_TOKEN=" + QString::fromUtf8(node.token())});
    VERIFY_EXIT(end, 75);
    const auto checks = checksIn(TwoNodes::rows(end));
    QVERIFY2(checks.contains("clock") && checks.contains("versions"), explained(end).constData());
    QVERIFY2(end.out.contains("ahead of this machine's"), end.out.constData());
}

void TestWeirctlDoctor::certificates() {
    const TestAuthority authority;
    const QStringList names{"IP:127.0.0.1"};
    const auto soon = authority.issue(QStringLiteral("soon"), names, TestAuthority::Life::NearlyOver);
    const auto over = authority.issue(QStringLiteral("over"), names, TestAuthority::Life::Expired);
    NodeProcess node;
    QVERIFY2(node.startSecure({"--set", "listen.ops_tls_certificate=" + soon.certificate, "--set",
                               "listen.ops_tls_key=" + soon.key, "--set",
                               "listen.tls_certificate=" + over.certificate, "--set",
                               "listen.tls_key=" + over.key},
                              authority.file()),
             qPrintable(node.why()));
    Outcome end;
    const auto look = [&] { // the node looks at its certificates once a second
        end = runProgram(QStringLiteral("weirctl"),
                         QStringList{"doctor", "--json", "--ca", authority.file(), "--node",
                                     QStringLiteral("wss://127.0.0.1:%1/admin").arg(node.opsPort())},
                         {"WEIR_ADMIN_TOKEN=" + QString::fromUtf8(node.token())});
        return checksIn(TwoNodes::rows(end)).count("certificate") == 2;
    };
    QVERIFY2(QTest::qWaitFor(look, Patience_ms), explained(end).constData());
    VERIFY_EXIT(end, 75);
    QVERIFY2(end.out.contains("the certificate of the clients listener expired"), end.out.constData());
    QVERIFY2(end.out.contains("the certificate of the ops listener expires in"), end.out.constData());
}

QTEST_GUILESS_MAIN(TestWeirctlDoctor)
#include "tst_weirctl_doctor.moc"
