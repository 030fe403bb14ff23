// SPDX-License-Identifier: Apache-2.0
// Whom console and weirctl trust: a real node with TLS, good and bad CAs, pins, names and dates.
#include "console/link/fleet.h"
#include "console/link/node_link.h"
#include "tests/support/node_process.h"
#include "tests/support/test_authority.h"
#include <QCoreApplication>
#include <QProcess>
#include <QTest>

using console::NodeLink;
using console::TlsTrust;

namespace {

constexpr int Patience_ms = 20000;

QStringList opsTls(const TestPair& pair) {
    return {"--set", "listen.ops_tls_certificate=" + pair.certificate, "--set",
            "listen.ops_tls_key=" + pair.key};
}

QUrl secureUrl(const QString& host, quint16 port) {
    return QUrl(QStringLiteral("wss://%1:%2/admin").arg(host).arg(port));
}

} // namespace

class TestTlsTrust : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void initTestCase();
    void words_data();
    void words();
    void links_data();
    void links();
    void comesBackWithANewCertificate();
    void weirctl();

private:
    TestAuthority m_authority, m_stranger{QStringLiteral("Stranger")};
    TestPair m_pair, m_expired;
};

void TestTlsTrust::initTestCase() {
    m_pair = m_authority.issue(QStringLiteral("node"));
    m_expired = m_authority.issue(QStringLiteral("expired"), {"DNS:localhost", "IP:127.0.0.1"},
                                  TestAuthority::Life::Expired);
}

void TestTlsTrust::words_data() {
    QTest::addColumn<QString>("caFile");
    QTest::addColumn<QString>("pin");
    QTest::addColumn<QString>("sentence"); // empty: fine
    const auto pin = pinOf(m_pair.certificate);
    const auto none = QString();
    QTest::newRow("nothing") << none << none << none;
    QTest::newRow("CA") << m_authority.file() << none << none;
    QTest::newRow("pin") << none << pin << none;
    QTest::newRow("pin in capitals") << none << QString("SHA256:" + pin.mid(7).toUpper()) << none;
    QString colons = pin.mid(7);
    for (qsizetype at = colons.size() - 2; at > 0; at -= 2)
        colons.insert(at, QLatin1Char(':'));
    QTest::newRow("pin with colons") << none << QString("sha256:" + colons) << none;
    QTest::newRow("both") << m_authority.file() << pin << "give one of them";
    QTest::newRow("missing file") << "/nonexistent.pem" << none
                                  << "the CA file /nonexistent.pem cannot be read: ";
    QTest::newRow("no certificate") << m_pair.key << none << "holds no certificate";
    QTest::newRow("short pin") << none << "sha256:abcd"
                               << "is no pin: sha256: and 64 hexadecimal digits";
    QTest::newRow("other digest") << none << QString("sha1:" + pin.mid(7)) << "is no pin";
    QTest::newRow("no digits") << none << QString("sha256:" + QString(64, QLatin1Char('x'))) << "is no pin";
}

void TestTlsTrust::words() {
    QFETCH(QString, caFile);
    QFETCH(QString, pin);
    QFETCH(QString, sentence);
    const auto trust = TlsTrust::from(caFile, pin);
    QCOMPARE(trust.has_value(), sentence.isEmpty());
    if (trust)
        QCOMPARE(trust->isOwn(), !caFile.isEmpty() || !pin.isEmpty());
    else
        QVERIFY2(trust.error().message.find(sentence.toStdString()) != std::string::npos,
                 trust.error().message.c_str());
}

void TestTlsTrust::links_data() {
    QTest::addColumn<TestPair>("shown");
    QTest::addColumn<QString>("host");
    QTest::addColumn<QString>("caFile");
    QTest::addColumn<QString>("pin");
    QTest::addColumn<QString>("sentence"); // empty: linked
    const auto row = [](const char* name, const TestPair& shown, const char* host, const QString& ca,
                        const QString& pin, const char* sentence) {
        QTest::newRow(name) << shown << QString::fromUtf8(host) << ca << pin << QString::fromUtf8(sentence);
    };
    const auto other = m_authority.issue(QStringLiteral("other"), {"DNS:elsewhere.example"});
    const QString ca = m_authority.file(), none;
    row("own CA", m_pair, "127.0.0.1", ca, none, "");
    row("own CA, by name", m_pair, "localhost", ca, none, "");
    row("pin", m_pair, "127.0.0.1", none, pinOf(m_pair.certificate), "");
    row("pin, whatever the name", other, "127.0.0.1", none, pinOf(other.certificate), "");
    row("another CA", m_pair, "127.0.0.1", m_stranger.file(), none,
        "comes from \"Test Authority\", an authority that ");
    row("the system's", m_pair, "127.0.0.1", none, none, "an authority that this system does not hold");
    row("wrong name", other, "127.0.0.1", ca, none,
        "the certificate is for elsewhere.example, not for 127.0.0.1. Connect by one of its names");
    row("wrong pin", m_pair, "127.0.0.1", none, pinOf(other.certificate),
        "127.0.0.1 shows another certificate than the pinned one: sha256:");
    row("expired", m_expired, "127.0.0.1", ca, none, "the certificate of 127.0.0.1 expired on 20");
    row("expired and pinned", m_expired, "127.0.0.1", none, pinOf(m_expired.certificate), "expired on 20");
}

void TestTlsTrust::links() {
    QFETCH(TestPair, shown);
    QFETCH(QString, host);
    QFETCH(QString, caFile);
    QFETCH(QString, pin);
    QFETCH(QString, sentence);
    NodeProcess node;
    // Its own readiness is asked without a proof here: some certificates are bad on purpose.
    QVERIFY2(node.startUnproven(opsTls(shown)), qUtf8Printable(node.why()));
    const auto trust = TlsTrust::from(caFile, pin);
    QVERIFY(trust.has_value());
    NodeLink link(secureUrl(host, node.opsPort()),
                  [&](const QUrl&) { return QString::fromUtf8(node.token()); }, {});
    link.setTrust(*trust);
    link.open();
    if (sentence.isEmpty()) {
        QTRY_COMPARE_WITH_TIMEOUT(link.state(), NodeLink::State::Live, Patience_ms);
        QVERIFY(link.hello().has_value());
        return;
    }
    QTRY_COMPARE_WITH_TIMEOUT(link.state(), NodeLink::State::Refused, Patience_ms);
    QVERIFY2(link.sentence().contains(sentence), qUtf8Printable(link.sentence()));
    QVERIFY(!node.log().contains("admin link of")); // nobody was let in, for no token was sent
}

void TestTlsTrust::comesBackWithANewCertificate() {
    const TestPair live{m_authority.path(QStringLiteral("live.pem")),
                        m_authority.path(QStringLiteral("live.key"))};
    replaceFile(live.certificate, m_expired.certificate);
    replaceFile(live.key, m_expired.key);
    NodeProcess node;
    QVERIFY2(node.startUnproven(opsTls(live)), qUtf8Printable(node.why()));
    NodeLink::Timing timing;
    timing.trustRetry = std::chrono::milliseconds(200);
    NodeLink link(
        secureUrl(QStringLiteral("127.0.0.1"), node.opsPort()),
        [&](const QUrl&) { return QString::fromUtf8(node.token()); }, timing);
    link.setTrust(*TlsTrust::from(m_authority.file(), {}));
    link.open();
    QTRY_COMPARE_WITH_TIMEOUT(link.state(), NodeLink::State::Refused, Patience_ms);
    replaceFile(live.certificate, m_pair.certificate);
    replaceFile(live.key, m_pair.key);
    QCOMPARE(QProcess::execute("kill", {"-HUP", QString::number(node.pid())}), 0);
    QTRY_COMPARE_WITH_TIMEOUT(link.state(), NodeLink::State::Live, Patience_ms);
    // And what is open stays while the next certificate comes.
    const auto next = m_authority.issue(QStringLiteral("next"));
    replaceFile(live.certificate, next.certificate);
    replaceFile(live.key, next.key);
    QCOMPARE(QProcess::execute("kill", {"-HUP", QString::number(node.pid())}), 0);
    NodeLink later(
        secureUrl(QStringLiteral("127.0.0.1"), node.opsPort()),
        [&](const QUrl&) { return QString::fromUtf8(node.token()); }, timing);
    later.setTrust(*TlsTrust::from({}, pinOf(next.certificate)));
    later.open();
    QTRY_COMPARE_WITH_TIMEOUT(later.state(), NodeLink::State::Live, Patience_ms);
    QCOMPARE(link.state(), NodeLink::State::Live);
}

void TestTlsTrust::weirctl() {
    NodeProcess node;
    QVERIFY2(node.startUnproven(opsTls(m_pair)), qUtf8Printable(node.why()));
    const auto run = [&](const QStringList& words, QByteArray* said) {
        QProcess process;
        auto environment = QProcessEnvironment::systemEnvironment();
        environment.insert(QStringLiteral("WEIR_ADMIN_TOKEN"), QString::fromUtf8(node.token()));
        process.setProcessEnvironment(environment);
        process.setProcessChannelMode(QProcess::MergedChannels);
        process.start(QCoreApplication::applicationDirPath() + QStringLiteral("/weirctl"),
                      QStringList{"status", "--node",
                                  secureUrl(QStringLiteral("127.0.0.1"), node.opsPort()).toString()} +
                          words);
        process.waitForFinished(Patience_ms);
        *said = process.readAll();
        return process.exitCode();
    };
    QByteArray said;
    QVERIFY2(run({"--ca", m_authority.file()}, &said) == 0, said.constData());
    QVERIFY2(run({"--pin", pinOf(m_pair.certificate)}, &said) == 0, said.constData());
    QVERIFY2(run({"--ca", m_stranger.file()}, &said) == 77, said.constData());
    QVERIFY2(said.contains("an authority that"), said.constData());
    QVERIFY2(run({"--pin", pinOf(m_expired.certificate)}, &said) == 77, said.constData());
    QVERIFY2(said.contains("another certificate than the pinned one"), said.constData());
    QVERIFY2(run({"--pin", "sha256:1"}, &said) == 64, said.constData());
}

QTEST_GUILESS_MAIN(TestTlsTrust)
#include "tst_tls_trust.moc"
