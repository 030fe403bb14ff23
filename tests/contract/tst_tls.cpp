// SPDX-License-Identifier: Apache-2.0
// TLS of a real weir-node, as a stranger meets it: both listeners, good and bad certificates.
#include "tests/support/node_process.h"
#include "tests/support/test_authority.h"
#include <QCoreApplication>
#include <QFile>
#include <QJsonDocument>
#include <QJsonObject>
#include <QSslConfiguration>
#include <QSslSocket>
#include <QTcpSocket>
#include <QTest>
#include <QWebSocket>
#include <QWebSocketHandshakeOptions>
#include <memory>
#include <vector>

namespace {

constexpr int Patience_ms = 20000;

QSslConfiguration trusting(const QString& authority) {
    auto configuration = QSslConfiguration::defaultConfiguration();
    configuration.setCaCertificates(QSslCertificate::fromPath(authority));
    return configuration;
}

QStringList clientsTls(const TestPair& pair) {
    return {"--set", "listen.tls_certificate=" + pair.certificate, "--set", "listen.tls_key=" + pair.key};
}

QStringList opsTls(const TestPair& pair) {
    return {"--set", "listen.ops_tls_certificate=" + pair.certificate, "--set",
            "listen.ops_tls_key=" + pair.key};
}

/// What a GET over TLS is answered; empty, and `error` tells, when there is no TLS.
QByteArray get(quint16 port, const QByteArray& path, const QSslConfiguration& configuration,
               QString* error = nullptr) {
    QSslSocket socket;
    socket.setSslConfiguration(configuration);
    socket.connectToHostEncrypted(QStringLiteral("127.0.0.1"), port);
    if (!socket.waitForEncrypted(Patience_ms)) {
        if (error != nullptr)
            *error = socket.errorString();
        return {};
    }
    socket.write("GET " + path + " HTTP/1.1\r\nHost: node.example:7401\r\nConnection: close\r\n\r\n");
    QByteArray answer;
    while (socket.waitForReadyRead(Patience_ms))
        answer += socket.readAll();
    return answer + socket.readAll();
}

/// What openssl tells of a handshake.
QByteArray handshakeOf(quint16 port, const QStringList& words) {
    QProcess openssl;
    openssl.setProcessChannelMode(QProcess::MergedChannels);
    openssl.setStandardInputFile(QProcess::nullDevice());
    openssl.start(QStringLiteral("openssl"),
                  QStringList{"s_client", "-connect", QStringLiteral("127.0.0.1:%1").arg(port)} + words);
    openssl.waitForFinished(Patience_ms);
    return openssl.readAll();
}

QByteArray fileOf(const QString& name) {
    QFile file(name);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

} // namespace

class TestTls : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void initTestCase();
    void startIsRefused_data();
    void startIsRefused();
    void opsAnswersOverTlsAlone();
    void opsTakesConsoles();
    void opsOutlivesSilentPeers();
    void opsOfEveryInterface();
    void clientsOverTls();
    void certificateIsReplaced();
    void warnsBeforeTheEnd();

private:
    TestAuthority m_authority, m_stranger{QStringLiteral("Stranger")};
    TestPair m_pair, m_other;
};

void TestTls::initTestCase() {
    m_pair = m_authority.issue(QStringLiteral("node"));
    m_other = m_authority.issue(QStringLiteral("other"));
}

void TestTls::startIsRefused_data() {
    QTest::addColumn<QStringList>("settings");
    QTest::addColumn<QString>("sentence");
    const auto row = [](const QByteArray& name, const QStringList& settings, const QString& sentence) {
        QTest::newRow(name.constData()) << settings << sentence;
    };
    for (const auto& section : {QStringLiteral("listen.tls"), QStringLiteral("listen.ops_tls")}) {
        const auto of = [&](const QString& certificate, const QString& key) {
            return QStringList{section + "_certificate=" + certificate, section + "_key=" + key};
        };
        const auto named = [&](const char* what) { return section.toUtf8() + what; };
        row(named(": no key"), {section + "_certificate=" + m_pair.certificate},
            section + "_key = \"\": needed together with " + section + "_certificate");
        row(named(": no certificate"), {section + "_key=" + m_pair.key},
            section + "_certificate = \"\": needed together with " + section + "_key");
        row(named(": missing file"), of(QStringLiteral("/nonexistent.pem"), m_pair.key),
            section + "_certificate = /nonexistent.pem: cannot be read: No such file or directory");
        row(named(": no certificate in it"), of(m_pair.key, m_pair.key),
            QStringLiteral("holds no certificate"));
        row(named(": no key in it"), of(m_pair.certificate, m_pair.certificate),
            QStringLiteral("holds no key"));
        row(named(": another's key"), of(m_pair.certificate, m_other.key),
            section + "_key = " + m_other.key + ": is not the key of the certificate in " +
                m_pair.certificate);
    }
    row("ops beyond this machine, plain", {"listen.ops=0.0.0.0:0"},
        QStringLiteral("the ops listener needs TLS: set listen.ops_tls_certificate and listen.ops_tls_key"));
    row("ops beyond this machine, no token",
        {"listen.ops=0.0.0.0:0", "listen.ops_tls_certificate=" + m_pair.certificate,
         "listen.ops_tls_key=" + m_pair.key},
        QStringLiteral("set admin.token_file or the environment variable WEIR_ADMIN_TOKEN"));
}

void TestTls::startIsRefused() {
    QFETCH(QStringList, settings);
    QFETCH(QString, sentence);
    QStringList arguments{"--listen", "127.0.0.1:0", "--set", "listen.ops=127.0.0.1:0"};
    for (const auto& setting : settings)
        arguments << QStringLiteral("--set") << setting;
    QProcess process;
    process.start(QCoreApplication::applicationDirPath() + QStringLiteral("/weir-node"), arguments);
    QVERIFY(process.waitForFinished(Patience_ms));
    const auto said = process.readAllStandardError();
    QVERIFY2(process.exitCode() == 78, said.constData());
    QVERIFY2(said.trimmed().split('\n').last().contains(sentence.toUtf8()), said.constData());
}

void TestTls::opsAnswersOverTlsAlone() {
    NodeProcess node;
    QVERIFY2(node.startSecure(opsTls(m_pair), m_authority.file()), qUtf8Printable(node.why()));
    const auto answer = get(node.opsPort(), "/metrics", trusting(m_authority.file()));
    QVERIFY2(answer.startsWith("HTTP/1.1 200 "), answer.left(200).constData());
    QVERIFY(answer.contains("weir_certificate_expiry_seconds{listener=\"ops\"} 25"));

    QString error;
    QCOMPARE(get(node.opsPort(), "/health", trusting(m_stranger.file()), &error), QByteArray());
    QVERIFY(!error.isEmpty());
    QVERIFY(handshakeOf(node.opsPort(), {"-tls1_2"}).contains("Cipher is ECDHE"));
    QVERIFY(handshakeOf(node.opsPort(), {"-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"})
                .contains("no peer certificate"));

    QTcpSocket plain;
    plain.connectToHost(QStringLiteral("127.0.0.1"), node.opsPort());
    QVERIFY(plain.waitForConnected(Patience_ms));
    plain.write("GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    QTRY_COMPARE_WITH_TIMEOUT(plain.state(), QAbstractSocket::UnconnectedState, Patience_ms);
    QVERIFY(!plain.readAll().contains("HTTP"));
    QTRY_VERIFY_WITH_TIMEOUT(node.log().contains("ops: https://127.0.0.1:"), Patience_ms);
    QVERIFY(node.stop());
}

void TestTls::opsTakesConsoles() {
    NodeProcess node;
    QVERIFY2(node.startSecure(opsTls(m_pair), m_authority.file()), qUtf8Printable(node.why()));
    const auto found =
        fileOf(QStringLiteral("%1/weirkeeper/ops-%2.json").arg(node.runtimeDirectory()).arg(node.opsPort()));
    QVERIFY2(found.contains("\"ops\":\"wss://127.0.0.1:"), found.constData());
    QWebSocket console;
    console.setSslConfiguration(trusting(m_authority.file()));
    QNetworkRequest request(QUrl(QStringLiteral("wss://127.0.0.1:%1/admin").arg(node.opsPort())));
    request.setRawHeader("Authorization", "Bearer " + node.token());
    QWebSocketHandshakeOptions options;
    options.setSubprotocols({QStringLiteral("weirkeeper.admin.v1")});
    QStringList texts;
    QObject::connect(&console, &QWebSocket::textMessageReceived, &console,
                     [&](const QString& text) { texts.append(text); });
    console.open(request, options);
    QTRY_VERIFY_WITH_TIMEOUT(!texts.isEmpty(), Patience_ms);
    QVERIFY(texts.first().contains(QStringLiteral("\"hello\"")));
    // Longer than one TLS record, and than what is read ahead.
    const auto padding = QString(200000, QLatin1Char('x'));
    console.sendTextMessage(
        QStringLiteral(R"({"jsonrpc":"2.0","id":7,"method":"node.info","params":{"unknown":"%1"}})")
            .arg(padding));
    QTRY_COMPARE_WITH_TIMEOUT(texts.size(), 2, Patience_ms);
    const auto answer = QJsonDocument::fromJson(texts.last().toUtf8()).object();
    QCOMPARE(answer.value(QStringLiteral("id")).toInt(), 7);
    QVERIFY(node.stop());
}

void TestTls::opsOutlivesSilentPeers() {
    NodeProcess node;
    QVERIFY2(node.startSecure(opsTls(m_pair), m_authority.file()), qUtf8Printable(node.why()));
    std::vector<std::unique_ptr<QTcpSocket>> silent;
    for (int i = 0; i < 300; ++i) {
        silent.push_back(std::make_unique<QTcpSocket>());
        silent.back()->connectToHost(QStringLiteral("127.0.0.1"), node.opsPort());
        QVERIFY(silent.back()->waitForConnected(Patience_ms));
    }
    const auto answer = get(node.opsPort(), "/health", trusting(m_authority.file()));
    QVERIFY2(answer.startsWith("HTTP/1.1 200 "), answer.left(200).constData());
    // More than it keeps: the first ones were dropped; the others are as soon as their time is over.
    QTRY_COMPARE_WITH_TIMEOUT(silent.front()->state(), QAbstractSocket::UnconnectedState, Patience_ms);
    QTRY_COMPARE_WITH_TIMEOUT(silent.back()->state(), QAbstractSocket::UnconnectedState, Patience_ms);
    QVERIFY(node.stop());
}

void TestTls::opsOfEveryInterface() {
    const auto tokens = m_authority.path(QStringLiteral("tokens"));
    QFile file(tokens);
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write("ops operator some-long-operator-token\n");
    file.close();
    const auto port = freePort();
    QTemporaryDir directory;
    QProcess node;
    auto environment = QProcessEnvironment::systemEnvironment();
    environment.insert(QStringLiteral("XDG_RUNTIME_DIR"), directory.path());
    node.setProcessEnvironment(environment);
    node.setProcessChannelMode(QProcess::MergedChannels);
    node.start(QCoreApplication::applicationDirPath() + QStringLiteral("/weir-node"),
               opsTls(m_pair) + QStringList{"--listen", "127.0.0.1:0", "--shards", "1", "--ops",
                                            QStringLiteral("0.0.0.0:%1").arg(port), "--set",
                                            "admin.token_file=" + tokens});
    QByteArray said;
    QTRY_VERIFY_WITH_TIMEOUT((said += node.readAll()).contains("operator token: "), Patience_ms);
    QVERIFY(get(port, "/health", trusting(m_authority.file())).startsWith("HTTP/1.1 200 "));
    node.terminate();
    QVERIFY(node.waitForFinished(Patience_ms));
    QCOMPARE(node.exitCode(), 0);
}

namespace {

/// A client of Engine.IO that speaks bytes of its own.
class Client {
public:
    Client(quint16 port, const QSslConfiguration& configuration) {
        m_socket.setSslConfiguration(configuration);
        QObject::connect(&m_socket, &QWebSocket::textMessageReceived, &m_socket,
                         [this](const QString& text) { texts.append(text); });
        QObject::connect(&m_socket, &QWebSocket::disconnected, &m_socket, [this] { hasEnded = true; });
        m_socket.open(
            QUrl(QStringLiteral("wss://127.0.0.1:%1/socket.io/?EIO=4&transport=websocket").arg(port)));
    }
    void say(const QString& text) { m_socket.sendTextMessage(text); }
    QStringList texts;
    bool hasEnded = false;

private:
    QWebSocket m_socket;
};

QString fingerprintAt(quint16 port, const QString& authority) {
    QSslSocket socket;
    socket.setSslConfiguration(trusting(authority));
    socket.connectToHostEncrypted(QStringLiteral("127.0.0.1"), port);
    return socket.waitForEncrypted(Patience_ms)
               ? QString::fromLatin1("sha256:" +
                                     socket.peerCertificate().digest(QCryptographicHash::Sha256).toHex())
               : socket.errorString();
}

} // namespace

void TestTls::clientsOverTls() {
    NodeProcess node;
    QVERIFY2(node.start(clientsTls(m_pair)), qUtf8Printable(node.why()));
    QTRY_VERIFY_WITH_TIMEOUT(node.log().contains("clients: wss://127.0.0.1:"), Patience_ms);
    const auto trusted = trusting(m_authority.file());
    QVERIFY(get(node.clientPort(), "/health", trusted).endsWith(R"({"status":"healthy"})"));
    QVERIFY(get(node.clientPort(), "/ready", trusted).startsWith("HTTP/1.1 200 "));
    QVERIFY(get(node.clientPort(), "/nothing", trusted).startsWith("HTTP/1.1 404 "));
    Client client(node.clientPort(), trusted);
    QTRY_VERIFY_WITH_TIMEOUT(!client.texts.isEmpty() && client.texts.first().startsWith(u'0'), Patience_ms);
    client.say(QStringLiteral("40"));
    QTRY_VERIFY_WITH_TIMEOUT(client.texts.last().startsWith(QStringLiteral("40{")), Patience_ms);
    client.say(QStringLiteral("420[\"join\",\"r\"]"));
    QTRY_VERIFY_WITH_TIMEOUT(client.texts.last().startsWith(QStringLiteral("430[{\"ok\":true")), Patience_ms);
    QString error;
    QCOMPARE(get(node.clientPort(), "/health", trusting(m_stranger.file()), &error), QByteArray());
    QTcpSocket plain;
    plain.connectToHost(QStringLiteral("127.0.0.1"), node.clientPort());
    plain.write("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    QTRY_COMPARE_WITH_TIMEOUT(plain.state(), QAbstractSocket::UnconnectedState, Patience_ms);
    QTRY_VERIFY_WITH_TIMEOUT(node.get("/metrics").contains("weir_handshakes_total{result=\"no_tls\"} "),
                             Patience_ms);
    QVERIFY(node.stop());
    QTRY_VERIFY_WITH_TIMEOUT(client.hasEnded, Patience_ms);
}

void TestTls::certificateIsReplaced() {
    const TestPair live{m_authority.path(QStringLiteral("live.pem")),
                        m_authority.path(QStringLiteral("live.key"))};
    replaceFile(live.certificate, m_pair.certificate);
    replaceFile(live.key, m_pair.key);
    NodeProcess node;
    QVERIFY2(node.startSecure(clientsTls(live) + opsTls(live), m_authority.file()),
             qUtf8Printable(node.why()));
    const auto reload = [&] {
        QCOMPARE(QProcess::execute("kill", {"-HUP", QString::number(node.pid())}), 0);
    };
    const auto shown = [&](quint16 port) { return fingerprintAt(port, m_authority.file()); };
    Client open(node.clientPort(), trusting(m_authority.file()));
    open.say(QStringLiteral("40"));
    QTRY_VERIFY_WITH_TIMEOUT(!open.texts.isEmpty(), Patience_ms);
    open.say(QStringLiteral("40"));
    QTRY_COMPARE_WITH_TIMEOUT(open.texts.size(), 2, Patience_ms);

    // A certificate without its key: refused as a whole, the old one stays.
    replaceFile(live.certificate, m_other.certificate);
    reload();
    QTRY_VERIFY_WITH_TIMEOUT(node.log().contains("is not the key of the certificate in"), Patience_ms);
    QCOMPARE(shown(node.clientPort()), pinOf(m_pair.certificate));
    QCOMPARE(shown(node.opsPort()), pinOf(m_pair.certificate));

    replaceFile(live.key, m_other.key);
    reload();
    QTRY_COMPARE_WITH_TIMEOUT(shown(node.clientPort()), pinOf(m_other.certificate), Patience_ms);
    QTRY_COMPARE_WITH_TIMEOUT(shown(node.opsPort()), pinOf(m_other.certificate), Patience_ms);
    open.say(QStringLiteral("420[\"join\",\"r\"]"));
    QTRY_VERIFY_WITH_TIMEOUT(open.texts.last().startsWith(QStringLiteral("430[")), Patience_ms);
    QVERIFY(!open.hasEnded);
    QVERIFY(node.stop());
}

void TestTls::warnsBeforeTheEnd() {
    const auto soon =
        m_authority.issue(QStringLiteral("soon"), {"IP:127.0.0.1"}, TestAuthority::Life::NearlyOver);
    const auto over =
        m_authority.issue(QStringLiteral("over"), {"IP:127.0.0.1"}, TestAuthority::Life::Expired);
    NodeProcess node;
    QVERIFY2(node.startSecure(clientsTls(over) + opsTls(soon), m_authority.file()),
             qUtf8Printable(node.why()));
    QTRY_VERIFY_WITH_TIMEOUT(
        node.log().contains(("certificate " + soon.certificate + " expires in ").toUtf8()), Patience_ms);
    QVERIFY(node.log().contains(("certificate " + over.certificate + " expired 2").toUtf8()));
    const auto metrics = node.get("/metrics");
    QVERIFY(metrics.contains("weir_certificate_expiry_seconds{listener=\"clients\"} -864"));
    QVERIFY(metrics.contains("weir_certificate_expiry_seconds{listener=\"ops\"} 25"));
    QVERIFY(node.stop());
}

QTEST_GUILESS_MAIN(TestTls)
#include "tst_tls.moc"
