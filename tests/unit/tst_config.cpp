// SPDX-License-Identifier: Apache-2.0
// Settings: precedence, origins, refusals, and the file that documents them.
#include <QTest> // first: moc cannot begin with <compare>

#include "server/config.h"
#include "server/config_table.h"
#include "shared/nearest_word.h"
#include <QFile>
#include <QRegularExpression>
#include <QSet>
#include <QTemporaryDir>

using namespace server;

namespace {

using Flags = std::vector<Assignment>;

QString text(std::string_view view) {
    return QString::fromUtf8(view.data(), qsizetype(view.size()));
}

} // namespace

class TestConfig : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void tableIsWhole();
    void sampleFileHoldsEverySetting();
    void sampleFileIsReadable();
    void laterSourcesWin();
    void precedence_data();
    void precedence();
    void mistakes_data();
    void mistakes();
    void goodValues_data();
    void goodValues();
    void missingFile();
    void unknownVariableIsAWarning();
    void rooms();
    void printedFormReadsTheSame();
    void passwordsAreHidden();
    void hostPort_data();
    void hostPort();
    void nearest_data();
    void nearest();

private:
    std::string write(const QByteArray& content) {
        QFile file(m_directory.filePath(QStringLiteral("node.toml")));
        if (!file.open(QIODevice::WriteOnly) || file.write(content) != content.size())
            return {};
        return file.fileName().toStdString();
    }
    static ConfigurationSources sources(const Flags& flags) {
        ConfigurationSources all;
        all.defaultFile = "/nonexistent/node.toml";
        all.flags = flags;
        return all;
    }
    QTemporaryDir m_directory;
};

void TestConfig::tableIsWhole() {
    QSet<QString> keys;
    const Settings standard;
    for (const auto& row : settingRows()) {
        const auto key = text(row.key);
        QVERIFY2(!keys.contains(key), qPrintable(key));
        keys.insert(key);
        QCOMPARE(key.count(u'.'), 1);
        QVERIFY2(!row.help.empty() && row.help.find('\n') == std::string_view::npos, qPrintable(key));
        QVERIFY2(!allowedText(row).empty(), qPrintable(key));
        QVERIFY(findSetting(row.key) == &row);
        // What config.set takes over stands in the audit: it must not hold a secret.
        QVERIFY2(row.liveness == Liveness::Restart || row.secrecy == Secrecy::Open, qPrintable(key));
        // The default itself must be allowed, or --print-config could not be read back.
        Settings copy;
        const auto printed = settingText(row, standard);
        QVERIFY2(!printed.empty(), qPrintable(key));
    }
    QVERIFY(keys.size() > 60);
}

void TestConfig::sampleFileHoldsEverySetting() {
    QFile file(QStringLiteral(WEIR_SOURCE_DIR "/resources/node.toml"));
    QVERIFY(file.open(QIODevice::ReadOnly));
    QStringList found;
    QString section;
    for (const auto& raw : file.readAll().split('\n')) {
        const auto line = QString::fromUtf8(raw);
        if (line.startsWith(u'['))
            section = line.mid(1, line.indexOf(u']') - 1);
        else if (line.startsWith(QStringLiteral("#[[rooms]]")))
            section.clear();
        else if (line.startsWith(u'#') && !line.startsWith(QStringLiteral("# ")) && !section.isEmpty())
            found.append(section + u'.' + line.mid(1));
    }
    QStringList wanted;
    for (const auto& row : settingRows())
        wanted.append(text(row.key) + QStringLiteral(" = ") + text(settingText(row, Settings{})));
    QCOMPARE(found, wanted);
}

void TestConfig::sampleFileIsReadable() {
    QFile file(QStringLiteral(WEIR_SOURCE_DIR "/resources/node.toml"));
    QVERIFY(file.open(QIODevice::ReadOnly));
    QByteArray content = file.readAll();
    auto all = sources({});
    all.file = write(content);
    auto configuration = loadConfiguration(all);
    QVERIFY2(configuration, configuration ? "" : configuration.error().message.c_str());
    // And with every line taken out of its comment.
    QByteArray active;
    for (const auto& line : content.split('\n'))
        active += (line.startsWith('#') && !line.startsWith("# ") ? line.mid(1) : line) + "\n";
    all.file = write(active);
    configuration = loadConfiguration(all);
    QVERIFY2(configuration, configuration ? "" : configuration.error().message.c_str());
    QCOMPARE(configuration->settings.rooms.size(), std::size_t(1));
}

void TestConfig::laterSourcesWin() {
    auto all = sources({});
    all.file = write("[node]\nshards = 2\ndrain_grace_s = 1\nid = \"file\"\n");
    all.environment = {{"WEIR_NODE_SHARDS", "3"}, {"WEIR_NODE_ID", "environment"}, {"WEIR_ADMIN_TOKEN", "x"}};
    all.flags = {{"--set", "node.id", "first"}, {"--node-id", "node.id", "flag"}};
    const auto configuration = loadConfiguration(all);
    QVERIFY2(configuration, configuration ? "" : configuration.error().message.c_str());
    QCOMPARE(configuration->settings.node.id, std::string("flag"));
    QCOMPARE(configuration->settings.node.shards, 3);
    QCOMPARE(configuration->settings.node.drainGrace, seconds(1));
    QCOMPARE(configuration->settings.node.drainDeadline, seconds(30));
    QVERIFY(configuration->warnings.empty());
    const auto printed = text(printConfiguration(*configuration));
    const auto line = [&](const QString& key) {
        for (const auto& each : printed.split(u'\n'))
            if (each.startsWith(key + QStringLiteral(" = ")))
                return each;
        return QString();
    };
    QVERIFY2(line(QStringLiteral("id")).endsWith(QStringLiteral("# --node-id")), qPrintable(printed));
    QVERIFY(line(QStringLiteral("shards")).endsWith(QStringLiteral("# environment WEIR_NODE_SHARDS")));
    QVERIFY(line(QStringLiteral("drain_grace_s")).endsWith(QStringLiteral("node.toml:3")));
    QVERIFY(line(QStringLiteral("drain_deadline_s")).endsWith(QStringLiteral("# built-in")));
}

void TestConfig::precedence_data() {
    QTest::addColumn<QString>("key");
    QTest::addColumn<QStringList>("words"); // of file (as TOML), environment, --set, flag
    const auto row = [](const char* key, const QStringList& words) { QTest::newRow(key) << key << words; };
    row("node.id", {"\"a\"", "b", "c", "d"});
    row("listen.origins", {"[\"a\", \"x\"]", "b,y", "c", "d,z"});
    row("node.shards", {"2", "3", "4", "5"});
    row("limits.rooms_per_session", {"2", "3", "4", "5"});
    row("node.drain_rate_per_s", {"1.5", "2.5", "3.5", "4"});
    row("broker.join", {"false", "yes", "0", "true"});
    row("node.drain_grace_s", {"1", "2", "3", "4"});
    row("heartbeat.interval_ms", {"1", "2", "3", "4"});
    row("limits.message_bytes", {"1001", "1002", "1003", "1004"});
    row("log.format", {"\"json\"", "text", "json", "text"});
    row("node.at_capacity", {"\"reject\"", "reject", "reject", "reject"});
    QSet<std::size_t> types;
    for (const auto* key :
         {"node.id", "listen.origins", "node.shards", "limits.rooms_per_session", "node.drain_rate_per_s",
          "broker.join", "node.drain_grace_s", "heartbeat.interval_ms", "limits.message_bytes", "log.format",
          "node.at_capacity"})
        types.insert(findSetting(key)->field.index());
    QCOMPARE(std::size_t(types.size()), std::variant_size_v<SettingField>); // a new type needs a row here
}

void TestConfig::precedence() {
    QFETCH(QString, key);
    QFETCH(QStringList, words);
    const auto* row = findSetting(key.toStdString());
    const auto index = std::size_t(row - settingRows().data());
    const auto dot = key.indexOf(u'.');
    const auto content = QStringLiteral("[%1]\n%2 = %3\n").arg(key.left(dot), key.mid(dot + 1), words[0]);
    const auto name = environmentName(*row);
    const std::string origins[] = {"built-in", write(content.toUtf8()) + ":2", "environment " + name, "--set",
                                   "--flag"};
    // Each source alone says what it means; then it must say the same on top of all the weaker ones.
    const auto read = [&](int from, int to) {
        auto all = sources({});
        if (from <= 1 && to >= 1)
            all.file = write(content.toUtf8());
        if (from <= 2 && to >= 2)
            all.environment = {{name, words[1].toStdString()}};
        if (from <= 3 && to >= 3)
            all.flags.push_back({"--set", key.toStdString(), words[2].toStdString()});
        if (from <= 4 && to >= 4)
            all.flags.push_back({"--flag", key.toStdString(), words[3].toStdString()});
        return loadConfiguration(all);
    };
    QString weaker;
    for (int source = 0; source <= 4; ++source) {
        const auto alone = read(source, source), stacked = read(0, source);
        QVERIFY2(alone, alone ? "" : alone.error().message.c_str());
        QVERIFY2(stacked, stacked ? "" : stacked.error().message.c_str());
        const auto printed = text(settingText(*row, stacked->settings));
        QCOMPARE(printed, text(settingText(*row, alone->settings)));
        if (row->field.index() != findSetting("node.at_capacity")->field.index())
            QVERIFY2(printed != weaker, qPrintable(printed)); // the words differ, or nothing is proven
        QCOMPARE(stacked->origins[index], origins[source]);
        weaker = printed;
    }
}

void TestConfig::mistakes_data() {
    QTest::addColumn<QByteArray>("file");
    QTest::addColumn<QString>("key");
    QTest::addColumn<QString>("value");
    QTest::addColumn<QString>("wanted"); // a pattern for the whole line
    const QByteArray none;
    const auto row = [&](const char* name, const char* key, const char* value, const char* wanted) {
        QTest::newRow(name) << none << key << value << wanted;
    };
    row("unknown key", "node.shard", "1", "^--set: node.shard = 1: .*nearest is node.shards$");
    row("no such section", "nodes.id", "a", "^--set: nodes.id = a: .*nearest is node.id$");
    row("far from all", "x", "1", "^--set: x = 1: there is no such key$");
    row("word for number", "node.shards", "two", "^--set: node.shards = two: a whole number from 0 to 64$");
    row("too many shards", "node.shards", "65", "from 0 to 64$");
    row("negative", "node.shards", "-1", "from 0 to 64$");
    row("fraction", "node.shards", "1.5", "whole number");
    row("huge number", "limits.message_bytes", "99999999999999999999", "whole number from 1 to");
    row("zero refused: message_bytes", "limits.message_bytes", "0", "from 1 to");
    row("zero refused: head_bytes", "limits.head_bytes", "0", "from 256 to");
    row("zero refused: head_fields", "limits.head_fields", "0", "from 1 to");
    row("zero refused: handshake_ms", "limits.handshake_ms", "0", "from 1 to");
    row("zero refused: handshakes_open", "limits.handshakes_open", "0", "from 1 to");
    row("zero refused: queue_bytes", "limits.queue_bytes", "0", "from 1024 to");
    row("zero refused: room_name_bytes", "limits.room_name_bytes", "0", "from 1 to");
    row("zero refused: attachments", "limits.attachments", "0", "from 1 to");
    row("zero refused: heartbeat", "heartbeat.interval_ms", "0", "from 1 to");
    row("zero refused: redis queue", "redis.queue_messages", "0", "from 1 to");
    row("zero refused: redis bytes", "redis.queue_bytes", "0", "from 1024 to");
    row("zero refused: redis age", "redis.queue_age_ms", "0", "from 1 to");
    row("bool", "broker.join", "maybe", "broker.join = maybe: true or false$");
    row("choice", "log.format", "xml", "log.format = xml: text or json$");
    row("level", "log.level", "loud", "trace or debug or info or warn or error or off$");
    row("no port", "listen.clients", "127.0.0.1", "HOST:PORT");
    row("port too big", "listen.clients", "127.0.0.1:65536", "HOST:PORT");
    row("second of two", "listen.clients", "127.0.0.1:1,bad", "HOST:PORT");
    row("no clients", "listen.clients", "", "at least one address$");
    row("unix without path", "listen.clients", "unix:", "or unix:PATH$");
    row("unix for ops", "listen.ops", "unix:/tmp/x", "HOST:PORT");
    row("ops beyond loopback", "listen.ops", "0.0.0.0:7401", "only this machine reaches");
    row("path", "listen.path", "socket.io", "a path that begins with /");
    row("path of JSON", "listen.path", "/ws", "not /ws$");
    row("namespace", "broker.namespaces", "admin", "begin with /");
    row("node id with blank", "node.id", "a b", "at most 64 letters");
    row("redis scheme", "redis.url", "http://x", "redis://");
    row("redis socket", "redis.url", "unix:///x", "unix:// is not available in this version$");
    row("sharded", "redis.mode", "sharded", "not available in this version; leave it at \"pubsub\"$");
    row("TLS without a key", "listen.tls_certificate", "a.pem",
        "needed together with listen.tls_certificate");
    row("a key without TLS", "listen.tls_key", "a.key", "needed together with listen.tls_key");
    row("EIO3", "listen.allow_eio3", "true", "not available in this version");
    row("adaptive handshakes", "limits.handshakes_per_s", "-1", "from 0 to 1000000");
    row("proxies", "listen.trusted_proxies", "10.0.0.0/8", "not available in this version");
    row("queue below message", "limits.queue_bytes", "2000", "at least limits.message_bytes");
    row("control characters", "node.id", "a\nb", "^--set: node.id = a b: ");
    const auto inFile = [&](const char* name, const char* content, const char* wanted) {
        QTest::newRow(name) << QByteArray(content) << QString() << QString() << QString::fromUtf8(wanted);
    };
    inFile("file: unknown key", "\n[node]\nshrads = 1\n",
           "node.toml:3: node.shrads = 1: .*nearest is node.shards$");
    inFile("file: bad value", "[node]\nid = \"a\"\nshards = \"2\"\n",
           "node.toml:3: node.shards = '2': a whole number");
    inFile("file: number for text", "[node]\nid = 5\n",
           "node.toml:2: node.id = 5: a text: at most 64 letters");
    inFile("file: list of numbers", "[listen]\nclients = [1, 2]\n",
           "node.toml:2: listen.clients = .*array of texts: HOST:PORT");
    inFile("file: no section", "shards = 1\n",
           "node.toml:1: shards = 1: there is no such key; the nearest is node.shards$");
    inFile("file: unknown section", "[nodes]\nid = \"a\"\n",
           "node.toml:2: nodes.id = 'a': .*nearest is node.id$");
    inFile("file: syntax", "[node]\nid = \n", "node.toml:2: ");
    inFile("file: twice", "[node]\nid = \"a\"\nid = \"b\"\n", "node.toml:3: ");
    inFile("file: table for value", "[node.id]\nx = 1\n", "node.toml:1: node.id = ");
    inFile("file: date", "[node]\nid = 2020-01-01\n", "node.toml:2: node.id = 2020-01-01: ");
    inFile("rooms: no match", "[[rooms]]\nstamp = true\n", "node.toml:1: rooms.match");
    inFile("rooms: unknown", "[[rooms]]\nmatch = \"a\"\nstmap = true\n",
           "node.toml:3: rooms.stmap .*nearest is rooms.stamp$");
    inFile("rooms: batch", "[[rooms]]\nmatch = \"a\"\nbatch_size = -1\n",
           "node.toml:3: rooms.batch_size = -1: a whole number from 0 to 10000$");
    inFile("rooms: a batch that never goes", "[[rooms]]\nmatch = \"a\"\nbatch_ms = 0\n",
           "node.toml:3: rooms.batch_ms = 0: a whole number from 1 to 60000$");
    inFile("rooms: a table", "[rooms]\nmatch = \"a\"\n", "\\[\\[rooms\\]\\]");
}

void TestConfig::mistakes() {
    QFETCH(QByteArray, file);
    QFETCH(QString, key);
    QFETCH(QString, value);
    QFETCH(QString, wanted);
    auto all = sources({});
    if (!file.isEmpty())
        all.file = write(file);
    if (!key.isEmpty())
        all.flags = {{"--set", key.toStdString(), value.toStdString()}};
    const auto configuration = loadConfiguration(all);
    QVERIFY(!configuration);
    const auto message = text(configuration.error().message);
    QVERIFY2(QRegularExpression(wanted).match(message).hasMatch(), qPrintable(message));
    QVERIFY2(!message.contains(u'\n'), qPrintable(message));
}

void TestConfig::goodValues_data() {
    QTest::addColumn<QString>("key");
    QTest::addColumn<QString>("value");
    QTest::addColumn<QString>("printed");
    const auto row = [](const char* key, const char* value, const char* printed) {
        QTest::newRow(qPrintable(QStringLiteral("%1 = %2").arg(QLatin1String(key), QLatin1String(value))))
            << QString::fromUtf8(key) << QString::fromUtf8(value) << QString::fromUtf8(printed);
    };
    row("node.shards", "64", "64");
    row("node.drain_rate_per_s", "12.5", "12.5");
    row("broker.join", "off", "false");
    row("broker.join", "1", "true");
    row("listen.clients", "127.0.0.1:1, [::1]:2", "[\"127.0.0.1:1\", \"[::1]:2\"]");
    row("listen.clients", "unix:/run/a b,[::]:7400", "[\"unix:/run/a b\", \"[::]:7400\"]");
    row("listen.origins", "", "[]");
    row("listen.ops", "localhost:0", "\"localhost:0\"");
    row("listen.ops", "[::1]:0", "\"[::1]:0\"");
    row("redis.url", "redis://user:secret@h:1/2", "\"redis://user:***@h:1/2\"");
    row("redis.mode", "pubsub", "\"pubsub\"");
    row("log.format", "json", "\"json\"");
    row("limits.rooms_per_session", "0", "0");
    row("limits.messages_per_s", "0", "0");
    row("listen.path", "/a\\b\"c", "\"/a\\\\b\\\"c\"");
}

void TestConfig::goodValues() {
    QFETCH(QString, key);
    QFETCH(QString, value);
    QFETCH(QString, printed);
    const auto configuration =
        loadConfiguration(sources({{"--set", key.toStdString(), value.toStdString()}}));
    QVERIFY2(configuration, configuration ? "" : configuration.error().message.c_str());
    QCOMPARE(text(settingText(*findSetting(key.toStdString()), configuration->settings)), printed);
}

void TestConfig::missingFile() {
    auto all = sources({});
    QVERIFY(loadConfiguration(all)); // a missing default file is fine
    all.file = "/nonexistent/named.toml";
    const auto configuration = loadConfiguration(all);
    QVERIFY(!configuration);
    QCOMPARE(configuration.error().code, shared::ErrorCode::Configuration);
    QVERIFY(configuration.error().message.find("/nonexistent/named.toml") == 0);
}

void TestConfig::unknownVariableIsAWarning() {
    auto all = sources({});
    all.environment = {{"WEIR_SERVICE_HOST", "10.0.0.1"}};
    const auto configuration = loadConfiguration(all);
    QVERIFY(configuration);
    QCOMPARE(configuration->warnings.size(), std::size_t(1));
    QVERIFY(configuration->warnings.front().find("WEIR_SERVICE_HOST") != std::string::npos);
}

void TestConfig::rooms() {
    auto all = sources({});
    all.file = write("[[rooms]]\nmatch = \"prices:*\"\nstamp = true\n[[rooms]]\nmatch = \"*\"\n");
    const auto configuration = loadConfiguration(all);
    QVERIFY2(configuration, configuration ? "" : configuration.error().message.c_str());
    QCOMPARE(configuration->settings.rooms.size(), std::size_t(2));
    QCOMPARE(configuration->settings.rooms[0].match, std::string("prices:*"));
    QVERIFY(configuration->settings.rooms[0].stamp);
    QVERIFY(!configuration->settings.rooms[1].stamp);
}

void TestConfig::printedFormReadsTheSame() {
    auto all = sources({{"--set", "node.shards", "7"}, {"--set", "broker.namespaces", "/,/chat"}});
    auto first = loadConfiguration(all);
    QVERIFY(first);
    first->settings.rooms.push_back({"a\"b", 0, milliseconds(100), true});
    auto again = sources({});
    again.file = write(QByteArray::fromStdString(printConfiguration(*first)));
    const auto second = loadConfiguration(again);
    QVERIFY2(second, second ? "" : second.error().message.c_str());
    for (const auto& row : settingRows())
        QCOMPARE(text(settingText(row, second->settings)), text(settingText(row, first->settings)));
    QCOMPARE(second->settings.rooms[0].match, std::string("a\"b"));
}

void TestConfig::passwordsAreHidden() {
    const auto good = loadConfiguration(sources({{"--redis", "redis.url", "redis://:hunter2@h:1"}}));
    QVERIFY(good);
    QCOMPARE(good->settings.redis.url, std::string("redis://:hunter2@h:1"));
    QVERIFY(printConfiguration(*good).find("hunter2") == std::string::npos);
    const auto bad = loadConfiguration(sources({{"--redis", "redis.url", "http://:hunter2@h:1"}}));
    QVERIFY(!bad);
    QVERIFY(bad.error().message.find("hunter2") == std::string::npos);
}

void TestConfig::hostPort_data() {
    QTest::addColumn<QString>("given");
    QTest::addColumn<QString>("host"); // empty: refused
    QTest::addColumn<int>("port");
    QTest::newRow("v4") << "127.0.0.1:80"
                        << "127.0.0.1" << 80;
    QTest::newRow("any port") << "127.0.0.1:0"
                              << "127.0.0.1" << 0;
    QTest::newRow("name") << "localhost:1"
                          << "localhost" << 1;
    QTest::newRow("v6") << "[::1]:65535"
                        << "::1" << 65535;
    QTest::newRow("bare v6") << "::1:80"
                             << "" << 0;
    QTest::newRow("no port") << "a:"
                             << "" << 0;
    QTest::newRow("no host") << ":80"
                             << "" << 0;
    QTest::newRow("sign") << "a:+80"
                          << "" << 0;
    QTest::newRow("blank") << "a: 80"
                           << "" << 0;
    QTest::newRow("too big") << "a:65536"
                             << "" << 0;
    QTest::newRow("empty brackets") << "[]:1"
                                    << "" << 0;
    QTest::newRow("open bracket") << "[::1:1"
                                  << "" << 0;
}

void TestConfig::hostPort() {
    QFETCH(QString, given);
    QFETCH(QString, host);
    QFETCH(int, port);
    const auto result = parseHostPort(given.toStdString());
    QCOMPARE(result.has_value(), !host.isEmpty());
    if (!result)
        return;
    QCOMPARE(text(result->host), host);
    QCOMPARE(int(result->port), port);
}

void TestConfig::nearest_data() {
    QTest::addColumn<QString>("word");
    QTest::addColumn<QString>("wanted");
    QTest::newRow("letters swapped") << "--lsiten"
                                     << "--listen";
    QTest::newRow("one missing") << "--op"
                                 << "--ops";
    QTest::newRow("nothing alike") << "--zzzzzzz"
                                   << "";
    QTest::newRow("empty") << ""
                           << "";
}

void TestConfig::nearest() {
    QFETCH(QString, word);
    QFETCH(QString, wanted);
    QCOMPARE(text(shared::nearestWord(word.toStdString(), {"--listen", "--ops", "--redis"})), wanted);
}

QTEST_APPLESS_MAIN(TestConfig)
#include "tst_config.moc"
