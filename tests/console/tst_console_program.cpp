// SPDX-License-Identifier: Apache-2.0
// The weirkeeper program from outside: flags, exit codes, pictures and dumps.
#include "tests/console/fake_node.h"
#include <QDir>
#include <QFile>
#include <QImage>
#include <QJsonDocument>
#include <QJsonObject>
#include <QProcess>
#include <QProcessEnvironment>
#include <QRegularExpression>
#include <QTemporaryDir>
#include <QTest>

namespace {

constexpr int Patience_ms = 40'000;

struct Ending {
    int code = -1;
    QString out, error;
};

} // namespace

class ConsoleProgramTest : public QObject {
    Q_OBJECT

    QTemporaryDir m_home;

    /// With this process's event loop running: its fake nodes answer meanwhile.
    Ending run(const QStringList& arguments, const QByteArray& platform = "offscreen") {
        QProcess process;
        auto environment = QProcessEnvironment::systemEnvironment();
        for (const auto* gone : {"DISPLAY", "WAYLAND_DISPLAY", "WEIR_ADMIN_TOKEN", "RUNTIME_DIRECTORY"})
            environment.remove(QLatin1String(gone));
        for (const auto* home : {"HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"})
            environment.insert(QLatin1String(home), m_home.path());
        environment.insert(QStringLiteral("QT_QPA_PLATFORM"), QString::fromLatin1(platform));
        process.setProcessEnvironment(environment);
        process.start(QStringLiteral(WEIRKEEPER), arguments);
        if (!QTest::qWaitFor([&] { return process.state() == QProcess::NotRunning; }, Patience_ms)) {
            process.kill();
            process.waitForFinished();
            return {};
        }
        return {process.exitStatus() == QProcess::NormalExit ? process.exitCode() : -1,
                QString::fromUtf8(process.readAllStandardOutput()),
                QString::fromUtf8(process.readAllStandardError())};
    }
    QString path(const char* name) const { return m_home.filePath(QLatin1String(name)); }
    static QJsonObject json(const QString& path) {
        QFile file(path);
        return file.open(QIODevice::ReadOnly) ? QJsonDocument::fromJson(file.readAll()).object()
                                              : QJsonObject();
    }

private Q_SLOTS:
    void wordsThatAreNotUnderstood_data() {
        QTest::addColumn<QStringList>("arguments");
        QTest::addColumn<int>("code");
        QTest::addColumn<QStringList>("said");
        const auto row = [](const char* name, const QStringList& arguments, int code,
                            const QStringList& said) { QTest::newRow(name) << arguments << code << said; };
        row("unknown flag", {"--conect", "x"}, 64, {"--conect", "--connect"});
        row("unknown word", {"connect"}, 64, {"connect"});
        row("unknown page", {"--page", "flet"}, 64, {"flet", "fleet"});
        row("unknown theme", {"--theme", "drk"}, 64, {"drk", "dark"});
        row("no size", {"--size", "big"}, 64, {"big", "1280x800"});
        row("no number", {"--after", "soon"}, 64, {"soon"});
        row("no value", {"--page"}, 64, {"--page"});
        row("no address", {"--connect", "ftp://x"}, 64, {"ftp://x", "ws://127.0.0.1:7401/admin"});
        row("no token file", {"--token-file", "/nonexistent/token"}, 74, {"/nonexistent/token"});
    }
    void wordsThatAreNotUnderstood() {
        QFETCH(QStringList, arguments);
        QFETCH(int, code);
        QFETCH(QStringList, said);
        // A platform that does not exist: none of this may need a display.
        const auto ending = run(arguments, "no-such-platform");
        QCOMPARE(ending.code, code);
        for (const auto& word : said)
            QVERIFY2(ending.error.contains(word), qPrintable(ending.error));
        if (code == 64)
            QVERIFY2(ending.error.contains(QStringLiteral("Try 'weirkeeper --help'")),
                     qPrintable(ending.error));
        QVERIFY(ending.out.isEmpty());
    }

    void helpAndVersionNeedNoDisplay() {
        const auto help = run({"--help"}, "no-such-platform");
        QCOMPARE(help.code, 0);
        for (const auto* flag : {"--connect", "--screenshot", "--page", "--after", "--size", "--theme",
                                 "--token-file", "--dump"})
            QVERIFY2(help.out.contains(QLatin1String(flag)), flag);
        const auto version = run({"--version"}, "no-such-platform");
        QCOMPARE(version.code, 0);
        QVERIFY(QRegularExpression(QStringLiteral("^weirkeeper \\d+\\.\\d+\\.\\d+\n"))
                    .match(version.out)
                    .hasMatch());
    }

    void pictureAndDumpOfLiveData() {
        FakeNode node("ws-01");
        node.traffic.connections = 777;
        QFile token(path("token"));
        QVERIFY(token.open(QIODevice::WriteOnly));
        token.write("fake-token\nanother line\n");
        token.close();
        const auto ending = run({"--connect", node.address(), "--token-file", path("token"), "--screenshot",
                                 path("live.png"), "--dump", path("live.json"), "--page", "charts", "--theme",
                                 "light", "--size", "1400x900", "--after", "2"});
        QVERIFY2(ending.code == 0, qPrintable(ending.error));
        QCOMPARE(QImage(path("live.png")).size(), QSize(1400, 900));
        const auto dump = json(path("live.json"));
        QCOMPARE(dump.value(QStringLiteral("theme")).toString(), QStringLiteral("light"));
        QCOMPARE(
            dump.value(QStringLiteral("header")).toObject().value(QStringLiteral("connections")).toDouble(),
            777.0);
        QCOMPARE(dump.value(QStringLiteral("verdict")).toString(), QStringLiteral("1 node is ready"));
    }

    void noNodeIsTwoAndStillAPicture() {
        quint16 port = 0;
        {
            FakeNode gone("ws-01");
            port = quint16(gone.url().port());
        }
        const auto ending = run({"--connect", QStringLiteral("ws://127.0.0.1:%1/admin").arg(port),
                                 "--screenshot", path("none.png"), "--dump", path("none.json")});
        QCOMPARE(ending.code, 2);
        QCOMPARE(QImage(path("none.png")).size(), QSize(1280, 800));
        const auto dump = json(path("none.json"));
        QVERIFY(
            dump.value(QStringLiteral("header")).toObject().value(QStringLiteral("connections")).isNull());
        QCOMPARE(dump.value(QStringLiteral("nodes"))
                     .toArray()
                     .first()
                     .toObject()
                     .value(QStringLiteral("state"))
                     .toString(),
                 QStringLiteral("lost"));
    }

    void nodesOfThisMachineAreFoundWithTheirToken() {
        FakeNode node("ws-found");
        QVERIFY(QDir(m_home.path()).mkpath(QStringLiteral("weirkeeper")));
        const auto write = [&](const QString& name, const QByteArray& content) {
            QFile file(m_home.filePath(QStringLiteral("weirkeeper/") + name));
            QVERIFY(file.open(QIODevice::WriteOnly));
            file.write(content);
        };
        const auto port = node.url().port();
        write(QStringLiteral("ops-%1.json").arg(port),
              QStringLiteral(R"({"id":"ws-found","ops":"127.0.0.1:%1"})").arg(port).toUtf8());
        write(QStringLiteral("ops-%1.token").arg(port), "fake-token\n");
        const auto ending = run({"--dump", path("found.json"), "--after", "1"});
        QDir(m_home.filePath(QStringLiteral("weirkeeper"))).removeRecursively();
        QVERIFY2(ending.code == 0, qPrintable(ending.error));
        QCOMPARE(json(path("found.json"))
                     .value(QStringLiteral("nodes"))
                     .toArray()
                     .first()
                     .toObject()
                     .value(QStringLiteral("id")),
                 QJsonValue(QStringLiteral("ws-found")));
    }
};

QTEST_GUILESS_MAIN(ConsoleProgramTest)
#include "tst_console_program.moc"
