// SPDX-License-Identifier: Apache-2.0
// weirctl without a node: its words, its help, its manual, its completion.
#include "tests/support/program_run.h"
#include <QFile>
#include <QRegularExpression>
#include <QSet>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <QTest>

namespace {

Outcome weirctl(const QStringList& arguments, const QStringList& variables = {}) {
    return runProgram(QStringLiteral("weirctl"), arguments, variables);
}

QByteArray resource(const QString& path) {
    QFile file(QStringLiteral(WEIR_SOURCE_DIR "/resources/") + path);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

QSet<QString> wordsLike(const QString& pattern, const QString& text) {
    QSet<QString> found;
    auto matches = QRegularExpression(pattern, QRegularExpression::MultilineOption).globalMatch(text);
    while (matches.hasNext())
        found.insert(matches.next().captured(1));
    return found;
}

/// Sub-commands as help lists them.
QStringList subCommands() {
    const auto help = QString::fromUtf8(weirctl({QStringLiteral("--help")}).out);
    const auto list =
        help.section(QStringLiteral("Sub-commands:\n"), 1).section(QStringLiteral("\n\n"), 0, 0);
    return wordsLike(QStringLiteral("^  ([a-z-]+) "), list).values();
}

} // namespace

class TestWeirctlWords : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void usageErrors_data();
    void usageErrors();
    void helpAndVersion();
    void manualTellsWhatHelpTells();
    void manualIsClean();
    void completion_data();
    void completion();
    void nobodyThere();
    void tokenFileThatIsNotThere();
    void noWindowLibrary();
};

void TestWeirctlWords::usageErrors_data() {
    QTest::addColumn<QStringList>("arguments");
    QTest::addColumn<QString>("first"); ///< what the one line says
    QTest::addColumn<QString>("then");
    const auto row = [](const char* name, const QString& words, const QString& first,
                        const QString& of = {}) {
        QTest::newRow(name) << words.split(u' ', Qt::SkipEmptyParts) << QStringLiteral("weirctl: ") + first
                            << QStringLiteral("Try 'weirctl %1--help'").arg(of.isEmpty() ? of : of + u' ');
    };
    row("nothing", "", "a sub-command is needed, for example 'weirctl status'");
    row("sub-command", "drian", "unknown sub-command 'drian', the nearest is 'drain'");
    row("option", "drain --rat 3", "unknown option '--rat', the nearest is '--rate'", "drain");
    row("option before", "--jsom status", "unknown option '--jsom', the nearest is '--json'", "status");
    row("another's option", "nodes --rate=3", "unknown option '--rate', the nearest is '--node'", "nodes");
    row("no number", "drain --rate fast", "Could not convert: --rate = fast", "drain");
    row("negative", "drain --rate -1", "--rate: a number from 0 is needed", "drain");
    row("verb", "operations abrot 1", "unknown word 'abrot', the nearest is 'abort'", "operations");
    row("too many", "status now", "'now' is one word too many", "status");
    row("too few", "publish --room a", "publish: EVENT [DATA] is needed", "publish");
    row("sort", "connections --sort idlee", "--sort: unknown word 'idlee', the nearest is 'idle'",
        "connections");
    row("level", "log --level infos", "--level: unknown word 'infos', the nearest is 'info'", "log");
    row("filter", "evict --yes --filter idel>3",
        "--filter: column 1: no key idel (did you mean id?); there are id, ip, user, dialect, transport, "
        "agent, "
        "room, idle, age, queue, rooms, rtt",
        "evict");
    row("address", "status --node ftp://x",
        "--node: 'ftp://x' is no address, the nearest is "
        "'ws://127.0.0.1:7401/admin'",
        "status");
    row("shell", "completion csh", "completion: unknown shell 'csh', the nearest is 'zsh'");
}

void TestWeirctlWords::usageErrors() {
    QFETCH(QStringList, arguments);
    QFETCH(QString, first);
    QFETCH(QString, then);
    const auto end = weirctl(arguments);
    QCOMPARE(QString::fromUtf8(end.err), first + u'\n' + then + u'\n');
    QCOMPARE(end.out, QByteArray());
    QCOMPARE(end.exitCode, 64);
}

void TestWeirctlWords::helpAndVersion() {
    const auto names = subCommands();
    QCOMPARE(names.size(), 18);
    for (const auto& name : names) {
        const auto help = weirctl({name, QStringLiteral("--help")});
        QCOMPARE(help.exitCode, 0);
        QVERIFY2(help.out.startsWith("Usage: weirctl " + name.toUtf8()), help.out.constData());
        QVERIFY(help.err.isEmpty());
    }
    const auto version = weirctl({QStringLiteral("--version")});
    QCOMPARE(version.exitCode, 0);
    QVERIFY2(QRegularExpression(
                 QStringLiteral("^weirctl \\d+\\.\\d+\\.\\d+\ncommit \\w+\nQt .* \\(built with .*\\)\n"
                                "hiredis"))
                 .match(QString::fromUtf8(version.out))
                 .hasMatch(),
             version.out.constData());
}

void TestWeirctlWords::manualTellsWhatHelpTells() {
    const auto page = QString::fromUtf8(resource(QStringLiteral("man/weirctl.1")));
    QVERIFY(!page.isEmpty());
    const auto inPage = wordsLike(QStringLiteral("^\\.It Fl (-[a-z-]+)"), page);
    QSet<QString> inHelp;
    for (const auto& name : subCommands()) {
        const auto help = QString::fromUtf8(weirctl({name, QStringLiteral("--help")}).out);
        const auto own = wordsLike(QStringLiteral("^  (--[a-z-]+)"), help);
        for (const auto& option : own)
            inHelp.insert(option.mid(1));
        const auto place = page.indexOf(QStringLiteral("\n.It Cm ") + name);
        QVERIFY2(place >= 0, qPrintable(name + " has no place in the manual"));
        // Its own options stand in its line of the manual, and no others.
        const auto line = page.mid(place + 1).section(u'\n', 0, 0);
        const auto common =
            wordsLike(QStringLiteral("^  --([a-z-]+)"), help.section(QStringLiteral("Common options:"), 1));
        QSet<QString> expected;
        for (const auto& option : own) {
            if (!common.contains(option.mid(2)))
                expected.insert(option.mid(1));
        }
        QCOMPARE(wordsLike(QStringLiteral("Fl (-[a-z-]+)"), line), expected);
    }
    QCOMPARE(inPage, inHelp);
    const auto endings = wordsLike(QStringLiteral("^\\.It (\\d+)$"), page);
    QCOMPARE(endings, (QSet<QString>{"0", "64", "65", "69", "70", "74", "75", "77", "78", "130"}));
}

void TestWeirctlWords::manualIsClean() {
    QProcess lint;
    lint.start(QStringLiteral("mandoc"), {QStringLiteral("-Tlint"), QStringLiteral("-Wall"),
                                          QStringLiteral(WEIR_SOURCE_DIR "/resources/man/weirctl.1")});
    QVERIFY2(lint.waitForFinished(), "mandoc is missing: packaging/install-deps test");
    // Pages that are installed with others of our packages are not on this machine.
    auto lines = QString::fromUtf8(lint.readAllStandardOutput() + lint.readAllStandardError())
                     .split(u'\n', Qt::SkipEmptyParts);
    lines.removeIf([](const QString& line) {
        return line.contains(QStringLiteral("referenced manual not found")) ||
               line.contains(QStringLiteral("outdated mandoc.db"));
    });
    QCOMPARE(lines, QStringList());
}

void TestWeirctlWords::completion_data() {
    QTest::addColumn<QString>("shell");
    QTest::addColumn<QString>("file");
    QTest::addColumn<QString>("question"); ///< prints what completes `weirctl operations a`, `weirctl dra`
    QTest::newRow("bash")
        << "bash"
        << "weirctl.bash"
        << "source %1; COMP_WORDS=(weirctl operations a); COMP_CWORD=2; _weirctl; echo "
           "${COMPREPLY[@]}; COMP_WORDS=(weirctl dra); COMP_CWORD=1; _weirctl; echo ${COMPREPLY[@]}";
    QTest::newRow("fish")
        << "fish"
        << "weirctl.fish"
        << "source %1; complete -C 'weirctl operations a' | cut -f1; complete -C 'weirctl dra' | "
           "cut -f1";
    QTest::newRow("zsh") << "zsh"
                         << "_weirctl" << QString();
}

void TestWeirctlWords::completion() {
    QFETCH(QString, shell);
    QFETCH(QString, file);
    QFETCH(QString, question);
    const auto script = weirctl({QStringLiteral("completion"), shell});
    QCOMPARE(script.exitCode, 0);
    QVERIFY2(script.out == resource(QStringLiteral("completions/") + file),
             qPrintable(QStringLiteral("weirctl completion %1 > resources/completions/%2").arg(shell, file)));
    if (QStandardPaths::findExecutable(shell).isEmpty())
        QSKIP(qPrintable(shell + " is not installed"));
    const auto path = QStringLiteral(WEIR_SOURCE_DIR "/resources/completions/") + file;
    QProcess process;
    const bool isSyntaxOnly = question.isEmpty();
    process.start(shell, isSyntaxOnly ? QStringList{QStringLiteral("-n"), path}
                                      : QStringList{QStringLiteral("-c"), question.arg(path)});
    QVERIFY(process.waitForFinished());
    QCOMPARE(process.readAllStandardError(), QByteArray());
    QCOMPARE(process.exitCode(), 0);
    QCOMPARE(QString::fromUtf8(process.readAllStandardOutput()).simplified(),
             isSyntaxOnly ? QString() : QStringLiteral("abort drain"));
}

void TestWeirctlWords::nobodyThere() {
    const auto end = weirctl({QStringLiteral("status"), QStringLiteral("--json"), QStringLiteral("--node"),
                              QStringLiteral("127.0.0.1:1")});
    QCOMPARE(end.exitCode, 69);
    QCOMPARE(end.err, QByteArray("weirctl: 127.0.0.1:1: Connection refused\n"));
    QCOMPARE(end.out,
             QByteArray("{\"errors\":[{\"code\":\"unavailable\",\"message\":\"Connection refused\",\"node\":"
                        "\"127.0.0.1:1\"}]}\n"));
}

void TestWeirctlWords::tokenFileThatIsNotThere() {
    const auto end =
        weirctl({QStringLiteral("status"), QStringLiteral("--token-file"), QStringLiteral("/not/there")});
    QCOMPARE(end.err,
             QByteArray("weirctl: cannot read the token file /not/there: No such file or directory\n"));
    QCOMPARE(end.exitCode, 74);
}

void TestWeirctlWords::noWindowLibrary() {
    QProcess ldd;
    ldd.start(QStringLiteral("ldd"), {QCoreApplication::applicationDirPath() + QStringLiteral("/weirctl")});
    if (!ldd.waitForFinished())
        QSKIP("there is no ldd here");
    const auto libraries = ldd.readAllStandardOutput();
    QVERIFY2(libraries.contains("Qt6Core"), libraries.constData());
    for (const char* library : {"Qt6Gui", "Qt6Widgets", "Qt6Charts", "libX11", "libGL", "xcb"})
        QVERIFY2(!libraries.contains(library), library);
}

QTEST_GUILESS_MAIN(TestWeirctlWords)
#include "tst_weirctl_words.moc"
