// SPDX-License-Identifier: Apache-2.0
// Settings of a node that runs: SIGHUP, config.get and config.set.
#include <QTest> // first: moc cannot begin with <compare>

#include "tests/support/admin_link.h"
#include "tests/support/node_process.h"
#include <QFile>
#include <QTcpSocket>
#include <csignal>

using namespace shared::admin;

namespace {

/// The text after the last line of the log that was already there when this was made.
class LogSince {
public:
    explicit LogSince(NodeProcess& node) : m_node(node), m_from(node.log().size()) {}
    QByteArray text() { return m_node.log().mid(m_from); }
    bool waitFor(const QByteArray& words) {
        return QTest::qWaitFor([&] { return text().contains(words); }, Patience_ms);
    }

private:
    NodeProcess& m_node;
    qsizetype m_from;
};

} // namespace

class TestLiveSettings : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void init();
    void cleanup();
    void hangupTakesOver();
    void hangupRefusesTheWhole_data();
    void hangupRefusesTheWhole();
    void tokensAreReadAgain();
    void rowsOfConfigGet();
    void configSet();
    void refusedChanges_data();
    void refusedChanges();
    void viewerMayNot();

private:
    bool write(const QString& name, const QByteArray& content) {
        QFile file(path(name));
        return file.open(QIODevice::WriteOnly) && file.write(content) == content.size();
    }
    QString path(const QString& name) const { return m_directory->filePath(name); }
    void hangUp() { ::kill(pid_t(m_node->pid()), SIGHUP); }
    QJsonObject row(AdminLink& link, const QString& key) {
        const auto rows = link.result(QStringLiteral("config.get")).value(QStringLiteral("rows")).toArray();
        for (const auto& each : rows)
            if (each.toObject().value(QStringLiteral("key")).toString() == key)
                return each.toObject();
        return {};
    }
    QString value(AdminLink& link, const QString& key) {
        return row(link, key).value(QStringLiteral("value")).toString();
    }
    QString origin(AdminLink& link, const QString& key) {
        return row(link, key).value(QStringLiteral("origin")).toString();
    }
    /// Whether a handshake with this Origin is let in.
    bool isAdmitted(const QByteArray& origin) const {
        QTcpSocket socket;
        socket.connectToHost(QStringLiteral("127.0.0.1"), m_node->clientPort());
        socket.write("GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: here\r\n"
                     "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: " +
                     origin + "\r\n\r\n");
        QByteArray answer;
        return QTest::qWaitFor([&] { return (answer += socket.readAll()).contains("\r\n\r\n"); },
                               Patience_ms) &&
               answer.startsWith("HTTP/1.1 101 ");
    }

    std::unique_ptr<QTemporaryDir> m_directory;
    std::unique_ptr<NodeProcess> m_node;
};

void TestLiveSettings::init() {
    m_directory = std::make_unique<QTemporaryDir>();
    m_node = std::make_unique<NodeProcess>();
    QVERIFY(write(QStringLiteral("tokens"), "ada operator secret-of-ada\nvic viewer secret-of-vic\n"));
    QVERIFY(write(QStringLiteral("node.toml"), "[log]\nlevel = \"info\"\n[admin]\ntoken_file = \"" +
                                                   path(QStringLiteral("tokens")).toUtf8() + "\"\n"));
    QVERIFY2(m_node->start({"--config", path(QStringLiteral("node.toml"))}), qPrintable(m_node->why()));
}

void TestLiveSettings::cleanup() {
    QVERIFY(m_node->stop());
    m_node.reset();
}

void TestLiveSettings::hangupTakesOver() {
    AdminLink link(m_node->adminUrl(), "secret-of-ada");
    QVERIFY(link.waitForHello());
    QVERIFY(isAdmitted("https://a.example"));
    LogSince log(*m_node);
    QVERIFY(write(QStringLiteral("node.toml"),
                  "[node]\nid = \"other\"\ndrain_grace_s = 7\n[listen]\norigins = [\"https://b.example\"]\n"
                  "[[rooms]]\nmatch = \"a\"\n[limits]\nqueue_bytes = 2000000\n[admin]\ntoken_file = \"" +
                      path(QStringLiteral("tokens")).toUtf8() + "\"\n[log]\nlevel = \"debug\"\n"));
    hangUp();
    QVERIFY2(log.waitFor("configuration read again: "), log.text().constData());
    for (const auto* line : {"configuration: log.level = \"debug\" (was \"info\")",
                             "configuration: node.drain_grace_s = 7 (was 5)",
                             "configuration: limits.queue_bytes = 2000000 (was 1048576)",
                             "configuration: listen.origins = [\"https://b.example\"] (was [\"*\"])",
                             "configuration: node.id has changed and needs a restart",
                             "configuration: rooms has changed and needs a restart"})
        QVERIFY2(log.text().contains(line), log.text().constData());
    QVERIFY(!log.text().contains("admin.token_file")); // it is as it was
    // Shards go by it, and the operator sees it.
    QTRY_VERIFY_WITH_TIMEOUT(!isAdmitted("https://a.example"), Patience_ms);
    QVERIFY(isAdmitted("https://b.example"));
    QCOMPARE(value(link, QStringLiteral("log.level")), QStringLiteral("\"debug\""));
    QVERIFY(origin(link, QStringLiteral("log.level")).endsWith(QStringLiteral("node.toml:13")));
    QVERIFY(value(link, QStringLiteral("node.id")) !=
            QStringLiteral("\"other\"")); // what runs, not what waits

    // A key that is gone from the file is as built in again.
    QVERIFY(write(QStringLiteral("node.toml"),
                  "[admin]\ntoken_file = \"" + path(QStringLiteral("tokens")).toUtf8() + "\"\n"));
    hangUp();
    QVERIFY(log.waitFor("configuration: log.level = \"info\" (was \"debug\")"));
    QTRY_VERIFY_WITH_TIMEOUT(isAdmitted("https://a.example"), Patience_ms);
}

void TestLiveSettings::hangupRefusesTheWhole_data() {
    QTest::addColumn<QByteArray>("file");
    QTest::addColumn<QByteArray>("said");
    QTest::newRow("one bad value")
        << QByteArray("[log]\nlevel = \"debug\"\nlines_per_s = -1\n")
        << QByteArray("node.toml:3: log.lines_per_s = -1: a whole number from 0 to 1000000");
    QTest::newRow("unknown key") << QByteArray("[log]\nlevel = \"debug\"\nlevle = 1\n")
                                 << QByteArray("nearest is log.level");
    QTest::newRow("no TOML") << QByteArray("[log\nlevel = \"debug\"\n") << QByteArray("node.toml:1: ");
    QTest::newRow("values that do not go together")
        << QByteArray("[log]\nlevel = \"debug\"\n[limits]\nqueue_bytes = 5000\n")
        << QByteArray("at least limits.message_bytes");
    QTest::newRow("no such token file")
        << QByteArray("[log]\nlevel = \"debug\"\n[admin]\ntoken_file = \"/nonexistent\"\n")
        << QByteArray("admin.token_file = /nonexistent: ");
    QTest::newRow("nobody would be left")
        << QByteArray("[log]\nlevel = \"debug\"\n") << QByteArray("no token would be left");
}

void TestLiveSettings::hangupRefusesTheWhole() {
    QFETCH(QByteArray, file);
    QFETCH(QByteArray, said);
    LogSince log(*m_node);
    QVERIFY(write(QStringLiteral("node.toml"), file));
    hangUp();
    QVERIFY2(log.waitFor("nothing has changed: "), log.text().constData());
    QVERIFY2(log.text().contains(said), log.text().constData());
    AdminLink link(m_node->adminUrl(), "secret-of-ada");
    QVERIFY(link.waitForHello());
    QCOMPARE(value(link, QStringLiteral("log.level")), QStringLiteral("\"info\""));
    QVERIFY(QFile::remove(path(QStringLiteral("node.toml")))); // not there at all: refused as well
    LogSince later(*m_node);
    hangUp();
    QVERIFY(later.waitFor("there is no such configuration file"));
}

void TestLiveSettings::tokensAreReadAgain() {
    AdminLink ada(m_node->adminUrl(), "secret-of-ada"), vic(m_node->adminUrl(), "secret-of-vic");
    QVERIFY(ada.waitForHello() && vic.waitForHello());
    QVERIFY(write(QStringLiteral("tokens"), "ada operator new-secret\nvic viewer secret-of-vic\n"));
    hangUp();
    QTRY_COMPARE_WITH_TIMEOUT(int(ada.socket.closeCode()), 4401, Patience_ms);
    QVERIFY(!vic.result(QStringLiteral("node.info")).isEmpty()); // its token is what it was
    AdminLink again(m_node->adminUrl(), "new-secret");
    QVERIFY(again.waitForHello());
    AdminLink old(m_node->adminUrl(), "secret-of-ada");
    QVERIFY(QTest::qWaitFor([&] { return old.socket.state() == QAbstractSocket::UnconnectedState; },
                            Patience_ms));
    QVERIFY(old.hello().isEmpty());
    for (const auto* secret : {"secret-of", "new-secret"})
        QVERIFY(!m_node->log().contains(secret));
}

void TestLiveSettings::rowsOfConfigGet() {
    AdminLink link(m_node->adminUrl(), "secret-of-vic"); // reading is a viewer's too
    QVERIFY(link.waitForHello());
    const auto answer = link.result(QStringLiteral("config.get")).value(QStringLiteral("rows")).toArray();
    QVERIFY(answer.size() > 60);
    for (const auto& each : answer) {
        const auto parsed = ConfigRow::fromJson(each.toObject());
        QVERIFY2(parsed, parsed ? "" : parsed.error().message.c_str());
        QVERIFY2(!parsed->value.empty() && !parsed->origin.empty() && !parsed->help.empty(),
                 parsed->key.c_str());
    }
    QCOMPARE(origin(link, QStringLiteral("node.shards")), QStringLiteral("--shards"));
    QCOMPARE(value(link, QStringLiteral("node.shards")), QStringLiteral("2"));
    QCOMPARE(row(link, QStringLiteral("node.shards")).value(QStringLiteral("live")).toBool(true), false);
    QCOMPARE(origin(link, QStringLiteral("heartbeat.timeout_ms")), QStringLiteral("built-in"));
}

void TestLiveSettings::configSet() {
    AdminLink link(m_node->adminUrl(), "secret-of-ada");
    QVERIFY(link.waitForHello());
    const auto set = [&](const char* key, const QJsonValue& to) {
        return link.ask(QStringLiteral("config.set"),
                        {{QStringLiteral("key"), QLatin1String(key)}, {QStringLiteral("value"), to}});
    };
    QVERIFY(set("log.level", QStringLiteral("debug")).contains(QStringLiteral("result")));
    QVERIFY(set("node.drain_grace_s", 9).contains(QStringLiteral("result")));
    QVERIFY(set("redis.required", true).contains(QStringLiteral("result")));
    QVERIFY(set("node.drain_rate_per_s", 2.5).contains(QStringLiteral("result")));
    QVERIFY(set("listen.origins",
                QJsonArray{QStringLiteral("https://c.example"), QStringLiteral("https://d.example")})
                .contains(QStringLiteral("result")));
    QCOMPARE(value(link, QStringLiteral("node.drain_grace_s")), QStringLiteral("9"));
    QCOMPARE(value(link, QStringLiteral("redis.required")), QStringLiteral("true"));
    QCOMPARE(value(link, QStringLiteral("node.drain_rate_per_s")), QStringLiteral("2.5"));
    QCOMPARE(value(link, QStringLiteral("listen.origins")),
             QStringLiteral("[\"https://c.example\", \"https://d.example\"]"));
    QCOMPARE(origin(link, QStringLiteral("listen.origins")), QStringLiteral("live"));
    QTRY_VERIFY_WITH_TIMEOUT(!isAdmitted("https://a.example"), Patience_ms);
    QVERIFY(isAdmitted("https://d.example"));
    const auto audit = link.result(QStringLiteral("audit.list")).value(QStringLiteral("rows")).toArray();
    const auto last = audit.at(0).toObject();
    QVERIFY(last.value(QStringLiteral("what")).toString().contains(QStringLiteral("listen.origins")));
    QCOMPARE(last.value(QStringLiteral("who")).toString(), QStringLiteral("ada"));

    // The file does not undo what was set live.
    LogSince log(*m_node);
    hangUp();
    QVERIFY(log.waitFor("configuration: log.level was set live and stays until the restart"));
    QVERIFY(log.waitFor("configuration read again"));
    QCOMPARE(value(link, QStringLiteral("log.level")), QStringLiteral("\"debug\""));
}

void TestLiveSettings::refusedChanges_data() {
    QTest::addColumn<QJsonObject>("params");
    QTest::addColumn<QString>("said");
    const auto row = [](const char* name, const QJsonObject& params, const char* said) {
        QTest::newRow(name) << params << QString::fromUtf8(said);
    };
    const auto change = [](const char* key, const QJsonValue& to) {
        return QJsonObject{{QStringLiteral("key"), QLatin1String(key)}, {QStringLiteral("value"), to}};
    };
    row("not live", change("node.shards", 3), "node.shards cannot change while the node runs");
    row("unknown", change("log.levle", "hunter2"), "there is no such key; the nearest is log.level");
    row("bad value", change("log.level", "hunter2"), "trace or debug or info or warn or error or off");
    row("secret", change("redis.url", "redis://:hunter2@h"), "cannot change while the node runs");
    row("together", change("limits.queue_bytes", 2000), "at least limits.message_bytes");
    row("token file", change("admin.token_file", "/nonexistent"), "/nonexistent");
    row("no key", {{QStringLiteral("value"), 1}}, "key: is missing");
    row("no value", {{QStringLiteral("key"), QStringLiteral("log.level")}}, "value: ");
    row("an object", change("log.level", QJsonObject()), "value: ");
}

void TestLiveSettings::refusedChanges() {
    QFETCH(QJsonObject, params);
    QFETCH(QString, said);
    AdminLink link(m_node->adminUrl(), "secret-of-ada");
    QVERIFY(link.waitForHello());
    const auto error =
        link.ask(QStringLiteral("config.set"), params).value(QStringLiteral("error")).toObject();
    const auto message = error.value(QStringLiteral("message")).toString();
    QVERIFY2(message.contains(said), qPrintable(message));
    const auto audit = link.result(QStringLiteral("audit.list")).value(QStringLiteral("rows")).toArray();
    QVERIFY(audit.at(0)
                .toObject()
                .value(QStringLiteral("outcome"))
                .toString()
                .startsWith(QStringLiteral("failed")));
    // A value that was not taken over may be a password: it is in no audit and no log.
    QVERIFY(!QJsonDocument(audit).toJson().contains("hunter2"));
    QVERIFY(!m_node->log().contains("hunter2"));
}

void TestLiveSettings::viewerMayNot() {
    AdminLink link(m_node->adminUrl(), "secret-of-vic");
    QVERIFY(link.waitForHello());
    QCOMPARE(
        link.errorCode(QStringLiteral("config.set"), {{QStringLiteral("key"), QStringLiteral("log.level")},
                                                      {QStringLiteral("value"), QStringLiteral("debug")}}),
        ForbiddenCode);
    QCOMPARE(value(link, QStringLiteral("log.level")), QStringLiteral("\"info\""));
}

QTEST_GUILESS_MAIN(TestLiveSettings)
#include "tst_live_settings.moc"
