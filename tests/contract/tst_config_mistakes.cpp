// SPDX-License-Identifier: Apache-2.0
// Wrong configuration files, and the line that a person gets about each: config_mistakes.txt holds both.
#include <QTest> // first: moc cannot begin with <compare>

#include <QCoreApplication>
#include <QFile>
#include <QProcess>
#include <QTemporaryDir>

class TestConfigMistakes : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void saidAsWritten_data();
    void saidAsWritten();
};

void TestConfigMistakes::saidAsWritten_data() {
    QTest::addColumn<QByteArray>("content");
    QTest::addColumn<QByteArray>("said");
    QFile file(QStringLiteral(WEIR_SOURCE_DIR "/tests/contract/config_mistakes.txt"));
    QVERIFY(file.open(QIODevice::ReadOnly));
    const auto text = QString::fromUtf8(file.readAll());
    const auto cases = text.split(QStringLiteral("\n== ")).mid(1);
    QVERIFY2(cases.size() >= 30, qPrintable(QString::number(cases.size())));
    for (const auto& each : cases) {
        const auto nameEnds = each.indexOf(u'\n'), fileEnds = each.indexOf(QStringLiteral("\n--\n"));
        QVERIFY2(nameEnds > 0 && fileEnds > 0, qPrintable(each));
        const auto name = each.left(nameEnds);
        auto content = each.mid(nameEnds + 1, fileEnds - nameEnds).toUtf8();
        if (name == QStringLiteral("not UTF-8"))
            content.replace("\xc3\xbf", "\xff");
        QTest::newRow(qPrintable(name)) << content << each.mid(fileEnds + 4).trimmed().toUtf8();
    }
}

void TestConfigMistakes::saidAsWritten() {
    QFETCH(QByteArray, content);
    QFETCH(QByteArray, said);
    QTemporaryDir directory;
    QFile file(directory.filePath(QStringLiteral("node.toml")));
    QVERIFY(file.open(QIODevice::WriteOnly) && file.write(content) == content.size());
    file.close();
    auto environment = QProcessEnvironment::systemEnvironment();
    for (const auto& key : environment.keys())
        if (key.startsWith(QStringLiteral("WEIR_")))
            environment.remove(key);
    QProcess process;
    process.setProcessEnvironment(environment);
    process.setWorkingDirectory(directory.path());
    process.start(QCoreApplication::applicationDirPath() + QStringLiteral("/weir-node"),
                  {"--check-config", "--config", "node.toml"});
    QVERIFY(process.waitForFinished(20000));
    QCOMPARE(process.exitCode(), 78);
    QCOMPARE(process.readAllStandardOutput(), QByteArray());
    QCOMPARE(process.readAllStandardError(), "weir-node: " + said + "\n");
}

QTEST_GUILESS_MAIN(TestConfigMistakes)
#include "tst_config_mistakes.moc"
