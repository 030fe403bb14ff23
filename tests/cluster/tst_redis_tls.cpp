// SPDX-License-Identifier: Apache-2.0
// rediss:// against a real redis-server: who is trusted, who is not and why, and what a replaced certificate
// does.
#include <QTest> // first: moc cannot begin with <compare>

#include "server/cluster/redis_link.h"
#include "tests/support/redis_server.h"
#include "tests/support/test_authority.h"
#include <QSslConfiguration>
#include <QTcpServer>

using namespace server;

namespace {

constexpr int Patience_ms = 20000;

quint16 anyPort() {
    QTcpServer probe;
    return probe.listen(QHostAddress::LocalHost) ? probe.serverPort() : quint16(0);
}

struct Listener final : RedisLink::Host {
    void linkUp(RedisLink&) override { ++ups; }
    void linkDown(RedisLink&, RedisLinkFault fault, const std::string& sentence) override {
        faults.push_back(fault);
        sentences.append(QString::fromStdString(sentence));
    }
    void messagePushed(RedisLink&, const Reply& push) override {
        pushed.append(QString::fromStdString(push.elements.back().text));
    }
    void roundTripMeasured(RedisLink&, std::chrono::nanoseconds) override {}
    void linkWritable(RedisLink&) override {}

    int ups = 0;
    std::vector<RedisLinkFault> faults;
    QStringList sentences, pushed;
};

RedisLinkTimes quick() {
    RedisLinkTimes times;
    times.refusedWait = std::chrono::milliseconds(100);
    return times;
}

} // namespace

class TestRedisTls : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void initTestCase();
    void carriesCommandsAndMessages();
    void distrust_data();
    void distrust();
    void onlyTheConfiguredAuthority();
    void replacedCertificate();

private:
    QStringList tlsArguments(const TestPair& pair) const {
        return {"--tls-port",         QString::number(m_tlsPort),
                "--tls-cert-file",    pair.certificate,
                "--tls-key-file",     pair.key,
                "--tls-ca-cert-file", m_authority.file(),
                "--tls-auth-clients", "no"};
    }
    RedisAddress address(const QString& host, const QString& authority) const {
        auto address =
            *RedisAddress::parse("rediss://" + host.toStdString() + ":" + std::to_string(m_tlsPort));
        address.caFile = authority.toStdString();
        return address;
    }

    TestAuthority m_authority, m_stranger{QStringLiteral("Stranger")};
    TestPair m_pair;
    quint16 m_tlsPort = 0;
    Clock m_clock;
};

void TestRedisTls::initTestCase() {
    m_tlsPort = anyPort();
    m_pair = m_authority.issue(QStringLiteral("redis"));
}

void TestRedisTls::carriesCommandsAndMessages() {
    RedisServer redis(tlsArguments(m_pair));
    QVERIFY2(redis.start(), redis.output().constData());
    Listener listener;
    RedisLink subscriber(address(QStringLiteral("127.0.0.1"), m_authority.file()), {"news*"}, listener,
                         m_clock);
    RedisLink publisher(address(QStringLiteral("localhost"), m_authority.file()), {}, listener, m_clock);
    subscriber.start();
    publisher.start();
    QTRY_COMPARE_WITH_TIMEOUT(listener.ups, 2, Patience_ms);
    const std::string payload(300000, 'x'); // many TLS records
    int answered = 0;
    for (int i = 0; i < 20; ++i) {
        const std::string text = payload + std::to_string(i);
        const std::string_view words[] = {"PUBLISH", "news", text};
        QVERIFY(publisher.command(words, [&](const Reply* reply) { answered += reply != nullptr ? 1 : 0; }));
    }
    QTRY_COMPARE_WITH_TIMEOUT(listener.pushed.size(), 20, Patience_ms);
    QTRY_COMPARE_WITH_TIMEOUT(answered, 20, Patience_ms);
    QVERIFY(listener.pushed.last().endsWith(QStringLiteral("x19")));
    QVERIFY2(listener.sentences.isEmpty(), qPrintable(listener.sentences.join(u'\n')));
    publisher.stop();
    subscriber.stop();
}

void TestRedisTls::distrust_data() {
    QTest::addColumn<QString>("host");
    QTest::addColumn<QString>("authority");
    QTest::addColumn<TestAuthority::Life>("life");
    QTest::addColumn<QString>("sentence");
    const auto fine = TestAuthority::Life::Valid;
    QTest::newRow("unknown authority")
        << "127.0.0.1" << m_stranger.file() << fine << "an authority that is not trusted: set redis.tls_ca";
    QTest::newRow("of the system") << "127.0.0.1" << QString() << fine << "an authority that is not trusted";
    QTest::newRow("wrong name") << "127.0.0.2" << m_authority.file() << fine
                                << "its certificate is not for 127.0.0.2";
    QTest::newRow("expired") << "127.0.0.1" << m_authority.file() << TestAuthority::Life::Expired
                             << "its certificate expired on 20";
    QTest::newRow("no such file") << "127.0.0.1"
                                  << "/nonexistent.pem" << fine
                                  << "redis.tls_ca = /nonexistent.pem: cannot be read: ";
    QTest::newRow("no certificate in it") << "127.0.0.1" << m_pair.key << fine
                                          << "holds no certificate: PEM with BEGIN CERTIFICATE is expected";
}

void TestRedisTls::distrust() {
    QFETCH(const QString, host);
    QFETCH(const QString, authority);
    QFETCH(const TestAuthority::Life, life);
    QFETCH(const QString, sentence);
    const auto pair = m_authority.issue(QStringLiteral("shown"), {"DNS:localhost", "IP:127.0.0.1"}, life);
    RedisServer redis(tlsArguments(pair) + QStringList{"--bind", "127.0.0.1", "127.0.0.2"});
    QVERIFY2(redis.start(), redis.output().constData());
    Listener listener;
    RedisLink link(address(host, authority), {}, listener, m_clock, quick());
    link.start();
    QTRY_VERIFY_WITH_TIMEOUT(listener.sentences.size() >= 2, Patience_ms); // and tries again
    QVERIFY2(listener.sentences.first().contains(sentence), qPrintable(listener.sentences.first()));
    QVERIFY(listener.sentences.first().startsWith(QStringLiteral("Redis is not trusted at ")));
    QCOMPARE(int(listener.faults.front()), int(RedisLinkFault::Refused));
    QCOMPARE(listener.ups, 0);
    link.stop();
}

/// Roots that were not configured (CVE-2023-34410) must not help, wherever the TLS library may know them
/// from.
void TestRedisTls::onlyTheConfiguredAuthority() {
    const auto before = QSslConfiguration::defaultConfiguration();
    auto system = before;
    system.addCaCertificates(m_authority.file());
    QSslConfiguration::setDefaultConfiguration(system);
    RedisServer redis(tlsArguments(m_pair));
    QVERIFY2(redis.start(), redis.output().constData());
    Listener listener;
    RedisLink own(address(QStringLiteral("127.0.0.1"), m_stranger.file()), {}, listener, m_clock, quick());
    own.start();
    QTRY_VERIFY_WITH_TIMEOUT(!listener.sentences.isEmpty(), Patience_ms);
    QVERIFY(listener.sentences.first().contains(QStringLiteral("not trusted")));
    own.stop();
    // Without a file the system's count.
    RedisLink bySystem(address(QStringLiteral("127.0.0.1"), {}), {}, listener, m_clock, quick());
    bySystem.start();
    QTRY_COMPARE_WITH_TIMEOUT(listener.ups, 1, Patience_ms);
    bySystem.stop();
    QSslConfiguration::setDefaultConfiguration(before);
}

void TestRedisTls::replacedCertificate() {
    const auto shown = m_stranger.issue(QStringLiteral("shown"));
    RedisServer redis(tlsArguments(shown));
    QVERIFY2(redis.start(), redis.output().constData());
    const auto trusted = m_authority.path(QStringLiteral("trusted.pem"));
    replaceFile(trusted, m_authority.file());
    Listener listener;
    RedisLink link(address(QStringLiteral("127.0.0.1"), trusted), {}, listener, m_clock, quick());
    link.start();
    QTRY_VERIFY_WITH_TIMEOUT(!listener.sentences.isEmpty(), Patience_ms);
    replaceFile(trusted, m_stranger.file());
    QTRY_COMPARE_WITH_TIMEOUT(listener.ups, 1, Patience_ms);
    // Redis takes a new certificate while it runs; who is linked stays.
    const auto said = redis.ask("CONFIG SET tls-cert-file " + m_pair.certificate.toUtf8() + " tls-key-file " +
                                m_pair.key.toUtf8());
    QVERIFY2(said.startsWith("+OK"), said.constData());
    int answered = 0;
    const std::string_view words[] = {"PING"};
    QVERIFY(link.command(words, [&](const Reply* reply) { answered += reply != nullptr ? 1 : 0; }));
    QTRY_COMPARE_WITH_TIMEOUT(answered, 1, Patience_ms);
    QCOMPARE(listener.ups, 1);
    Listener later;
    RedisLink newcomer(address(QStringLiteral("127.0.0.1"), m_authority.file()), {}, later, m_clock, quick());
    newcomer.start();
    QTRY_COMPARE_WITH_TIMEOUT(later.ups, 1, Patience_ms);
    newcomer.stop();
    link.stop();
}

QTEST_GUILESS_MAIN(TestRedisTls)
#include "tst_redis_tls.moc"
