// SPDX-License-Identifier: Apache-2.0
// The log as it comes out of stderr: its forms, its rate, and the tap.
#include <QTest>

#include "server/log.h"
#include <QDateTime>
#include <QElapsedTimer>
#include <QFile>
#include <QJsonDocument>
#include <QJsonObject>
#include <QRegularExpression>
#include <QTemporaryFile>
#include <spdlog/spdlog.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace server;

namespace {

/// What goes to descriptor 2 while this lives.
class Stderr {
public:
    Stderr() : m_before(dup(STDERR_FILENO)) {
        if (m_file.open())
            dup2(m_file.handle(), STDERR_FILENO);
    }
    ~Stderr() { restore(); }
    QByteArrayList lines() {
        restore();
        QFile file(m_file.fileName());
        return file.open(QIODevice::ReadOnly) ? file.readAll().split('\n') : QByteArrayList();
    }

private:
    void restore() {
        if (m_before >= 0)
            dup2(m_before, STDERR_FILENO);
        if (m_before >= 0)
            close(m_before);
        m_before = -1;
    }
    QTemporaryFile m_file;
    int m_before;
};

LogSettings settings(LogFormat format, std::int64_t linesPerSecond = 0, const std::string& level = "info") {
    LogSettings log;
    log.format = format;
    log.linesPerSecond = linesPerSecond;
    log.level = level;
    return log;
}

} // namespace

class TestLog : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void lines_data();
    void lines();
    void levelChangesLive();
    void millionLines();
    void tap();
    void tapOfLog();
};

void TestLog::lines_data() {
    QTest::addColumn<QByteArray>("said");
    QTest::addColumn<QByteArray>("text"); // after time and level
    QTest::addColumn<QByteArray>("json"); // after time and level
    const auto row = [](const char* name, const char* said, const char* text, const char* json) {
        QTest::newRow(name) << QByteArray(said) << QByteArray(text) << QByteArray(json);
    };
    row("plain", "Redis is up", "Redis is up", R"("logger":"node","message":"Redis is up")");
    row("about a client", "shard=3 client=3-17 bad packet", "shard=3 client=3-17 bad packet",
        R"("logger":"shard 3","shard":3,"client":"3-17","message":"bad packet")");
    row("a message", "origin=n.0.17 seq=9 published", "origin=n.0.17 seq=9 published",
        R"("logger":"node","origin":"n.0.17","seq":9,"message":"published")");
    row("no field of ours", "level=off x", "level=off x", R"("logger":"node","message":"level=off x")");
    row("a field alone", "shard=3", "shard=3", R"("logger":"shard 3","message":"shard=3")");
    row("a new line and an escape", "a\nb\x1b[2J\x7f", "a\\x0ab\\x1b[2J\\x7f",
        R"("logger":"node","message":"a\\x0ab\\x1b[2J\\x7f")");
    row("quotes", "say \"x\\y\"", "say \"x\\y\"", R"("logger":"node","message":"say \"x\\y\"")");
    row("not UTF-8", "a\xff z", "a\xef\xbf\xbd z", "\"logger\":\"node\",\"message\":\"a\xef\xbf\xbd z\"");
    row("beyond the plane", "\xf0\x9f\x8c\x8a", "\xf0\x9f\x8c\x8a",
        "\"logger\":\"node\",\"message\":\"\xf0\x9f\x8c\x8a\"");
    row("turns the direction",
        "a\xe2\x80\xae"
        "b",
        "a\\u202eb", R"("logger":"node","message":"a\\u202eb")");
    const QByteArray text(2048, 'x');
    QTest::newRow("long") << QByteArray(3000, 'x') << QByteArray(text + "...")
                          << QByteArray("\"logger\":\"node\",\"message\":\"" + text + "...\"");
}

void TestLog::lines() {
    QFETCH(QByteArray, said);
    QFETCH(QByteArray, text);
    QFETCH(QByteArray, json);
    const std::string_view line(said.constData(), std::size_t(said.size()));
    for (const auto place : {LogPlace::Plain, LogPlace::Journal})
        for (const auto format : {LogFormat::Text, LogFormat::Json}) {
            Stderr output;
            {
                Log log(settings(format), place);
                spdlog::warn("{}", line);
            }
            const auto lines = output.lines();
            QCOMPARE(lines.size(), 2); // and nothing after the newline
            auto written = lines.first();
            if (place == LogPlace::Journal) {
                QVERIFY2(written.startsWith("<4>"), written.constData());
                written.remove(0, 3);
            }
            if (format == LogFormat::Json) {
                const auto object = QJsonDocument::fromJson(written).object();
                QCOMPARE(object.value(QStringLiteral("level")).toString(), QStringLiteral("warn"));
                QCOMPARE(object.contains(QStringLiteral("time")), place == LogPlace::Plain);
                QVERIFY2(written.endsWith("\"level\":\"warn\"," + json + "}"), written.constData());
            } else if (place == LogPlace::Plain) {
                const QRegularExpression stamp(
                    QStringLiteral("^time=\\d{4}-\\d\\d-\\d\\dT[0-9:.]{12}Z level=warn "));
                const auto match = stamp.match(QString::fromUtf8(written));
                QVERIFY2(match.hasMatch(), written.constData());
                QCOMPARE(written.mid(match.capturedLength()), text);
            } else {
                QCOMPARE(written, text);
            }
        }
}

void TestLog::levelChangesLive() {
    Stderr output;
    {
        Log log(settings(LogFormat::Text), LogPlace::Journal);
        spdlog::debug("one");
        spdlog::info("two");
        log.configure(settings(LogFormat::Text, 0, "debug"));
        spdlog::debug("three");
        log.configure(settings(LogFormat::Text, 0, "error"));
        spdlog::warn("four");
        spdlog::error("five");
        log.configure(settings(LogFormat::Text, 0, "off"));
        spdlog::critical("six");
    }
    spdlog::error("nobody hears this");
    QCOMPARE(output.lines(), QByteArrayList({"<6>two", "<7>three", "<3>five", ""}));
}

void TestLog::millionLines() {
    constexpr int Threads = 4, LinesEach = 250000, PerSecond = 50;
    Stderr output;
    QElapsedTimer timer;
    std::int64_t leftOut = 0;
    timer.start();
    {
        Log log(settings(LogFormat::Text, PerSecond), LogPlace::Journal);
        std::vector<std::thread> threads;
        for (int i = 0; i < Threads; ++i)
            threads.emplace_back([i] {
                for (int line = 0; line < LinesEach; ++line)
                    spdlog::info("line {} of {}", line, i);
            });
        for (auto& thread : threads)
            thread.join();
        // Lines that are still queued are written, or left out, when the log ends.
        leftOut = log.leftOut();
    }
    const auto seconds = timer.elapsed() / 1000 + 2; // both ends are parts of a second
    std::int64_t written = 0, told = 0;
    for (const auto& line : output.lines()) {
        const auto report = line.indexOf(" log lines were left out");
        if (report > 0)
            told += line.mid(3, report - 3).toLongLong();
        else if (!line.isEmpty())
            ++written;
    }
    QVERIFY2(written <= PerSecond * seconds, qPrintable(QString::number(written)));
    QVERIFY(written > 0);
    QVERIFY(leftOut > 0);
    QVERIFY(leftOut <= told);
    QCOMPARE(written + told, std::int64_t(Threads) * LinesEach); // none is missing from the count
}

void TestLog::tap() {
    LogTap tap;
    QCOMPARE(tap.read(0).lines.size(), std::size_t(0));
    const auto behind = tap.end();
    for (int i = 0; i < 5; ++i)
        tap.put({i, LogLevel::Info, "node", std::to_string(i)});
    auto read = tap.read(behind, 2);
    QCOMPARE(read.lines.size(), std::size_t(2));
    QCOMPARE(read.lines[1].text, std::string("1"));
    read = tap.read(read.cursor);
    QCOMPARE(read.lines.size(), std::size_t(3));
    QCOMPARE(read.missed, std::uint64_t(0));
    QVERIFY(tap.read(read.cursor).lines.empty());

    for (int i = 0; i < int(LogTap::MostLines) + 7; ++i)
        tap.put({i, LogLevel::Info, "node", std::to_string(i)});
    const auto late = tap.read(read.cursor);
    QCOMPARE(late.lines.size(), LogTap::MostLines);
    QCOMPARE(late.missed, std::uint64_t(7));
    QCOMPARE(late.lines.front().text, std::string("7"));
    QCOMPARE(late.cursor, tap.end());
    QCOMPARE(tap.read(0).missed, std::uint64_t(0)); // who begins has missed nothing
    QVERIFY(tap.read(tap.end() + 100).lines.empty());
}

void TestLog::tapOfLog() {
    Stderr output;
    const auto before = QDateTime::currentMSecsSinceEpoch();
    Log log(settings(LogFormat::Json), LogPlace::Plain);
    spdlog::warn("shard=1 client=1-2 said \r\n{}", "x");
    QTRY_COMPARE(log.tap().read(0).lines.size(), std::size_t(1));
    const auto line = log.tap().read(0).lines.front();
    QCOMPARE(line.level, LogLevel::Warn);
    QCOMPARE(line.logger, std::string("shard 1"));
    QCOMPARE(line.text, std::string("shard=1 client=1-2 said \\x0d\\x0ax"));
    QVERIFY(line.unix_ms >= before && line.unix_ms <= QDateTime::currentMSecsSinceEpoch());
}

QTEST_GUILESS_MAIN(TestLog)
#include "tst_log.moc"
