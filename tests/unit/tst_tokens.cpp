// SPDX-License-Identifier: Apache-2.0
// Who may use the ops listener: token lines, Authorization, and Host.
#include "server/admin/ops_server.h"
#include "server/admin/tokens.h"
#include <QTest>

using namespace server;
using shared::admin::Role;

class TestTokens : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void goodFile();
    void badLines_data();
    void badLines();
    void wrongTokens_data();
    void wrongTokens();
    void bearer_data();
    void bearer();
    void hosts_data();
    void hosts();
};

void TestTokens::goodFile() {
    const auto tokens = Tokens::parse("# who may\n\n anna\toperator  secret-1 \r\nvic viewer secret-2");
    QVERIFY2(tokens, tokens ? "" : tokens.error().message.c_str());
    const auto* anna = tokens->find("secret-1");
    QVERIFY(anna != nullptr);
    QCOMPARE(anna->name, std::string("anna"));
    QCOMPARE(anna->role, Role::Operator);
    const auto* vic = tokens->find("secret-2");
    QVERIFY(vic != nullptr);
    QCOMPARE(vic->role, Role::Viewer);
    QVERIFY(Tokens::parse("")->isEmpty());
}

void TestTokens::badLines_data() {
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QByteArray>("line");
    QTest::newRow("no token") << QByteArray("anna operator") << QByteArray("line 1:");
    QTest::newRow("no role") << QByteArray("\nanna secret-1") << QByteArray("line 2:");
    QTest::newRow("unknown role") << QByteArray("anna root secret-1") << QByteArray("line 1:");
    QTest::newRow("a word too much") << QByteArray("anna operator secret-1 x") << QByteArray("line 1:");
    QTest::newRow("not printable") << QByteArray("anna operator secret-1\x01") << QByteArray("line 1:");
    QTest::newRow("too long") << "anna operator secret-1" + QByteArray(600, 'x') << QByteArray("line 1:");
}

void TestTokens::badLines() {
    QFETCH(QByteArray, text);
    QFETCH(QByteArray, line);
    const auto tokens = Tokens::parse(text.toStdString());
    QVERIFY(!tokens);
    const auto message = QByteArray::fromStdString(tokens.error().message);
    QVERIFY2(message.startsWith(line), message.constData());
    QVERIFY2(!message.contains("secret"), message.constData());
}

void TestTokens::wrongTokens_data() {
    QTest::addColumn<QByteArray>("token");
    QTest::newRow("empty") << QByteArray();
    QTest::newRow("shorter") << QByteArray("secret");
    QTest::newRow("longer") << QByteArray("secret-11");
    QTest::newRow("other case") << QByteArray("Secret-1");
    QTest::newRow("the name") << QByteArray("anna");
    QTest::newRow("huge") << QByteArray(100000, 'x');
}

void TestTokens::wrongTokens() {
    QFETCH(QByteArray, token);
    Tokens tokens;
    tokens.add({"anna", Role::Operator}, "secret-1");
    QVERIFY(tokens.find(token.toStdString()) == nullptr);
}

void TestTokens::bearer_data() {
    QTest::addColumn<QByteArray>("header");
    QTest::addColumn<QByteArray>("token");
    QTest::newRow("plain") << QByteArray("Bearer abc") << QByteArray("abc");
    QTest::newRow("lower case") << QByteArray("bearer abc") << QByteArray("abc");
    QTest::newRow("blanks") << QByteArray("Bearer   abc") << QByteArray("abc");
    QTest::newRow("other scheme") << QByteArray("Basic abc") << QByteArray();
    QTest::newRow("no blank") << QByteArray("Bearerabc") << QByteArray();
    QTest::newRow("nothing behind") << QByteArray("Bearer ") << QByteArray();
    QTest::newRow("empty") << QByteArray() << QByteArray();
}

void TestTokens::bearer() {
    QFETCH(QByteArray, header);
    QFETCH(QByteArray, token);
    const auto given = header.toStdString();
    QCOMPARE(QByteArray::fromStdString(std::string(bearerToken(given))), token);
}

void TestTokens::hosts_data() {
    QTest::addColumn<QByteArray>("host");
    QTest::addColumn<bool>("isKnown");
    QTest::newRow("v4") << QByteArray("127.0.0.1") << true;
    QTest::newRow("v4 and port") << QByteArray("10.1.2.3:7401") << true;
    QTest::newRow("v6") << QByteArray("[::1]") << true;
    QTest::newRow("v6 and port") << QByteArray("[fe80::1]:7401") << true;
    QTest::newRow("localhost") << QByteArray("localhost:7401") << true;
    QTest::newRow("case") << QByteArray("LocalHost") << true;
    QTest::newRow("advertised") << QByteArray("ops.example:7401") << true;
    QTest::newRow("stranger") << QByteArray("evil.test") << false;
    QTest::newRow("longer") << QByteArray("ops.example.evil.test") << false;
    QTest::newRow("sub-domain of localhost") << QByteArray("x.localhost") << false;
    QTest::newRow("address in a name") << QByteArray("127.0.0.1.evil.test") << false;
    QTest::newRow("short address") << QByteArray("127.1") << false;
    QTest::newRow("number") << QByteArray("2130706433") << false;
    QTest::newRow("bad port") << QByteArray("localhost:x") << false;
    QTest::newRow("empty") << QByteArray() << false;
    QTest::newRow("port only") << QByteArray(":80") << false;
}

void TestTokens::hosts() {
    QFETCH(QByteArray, host);
    QFETCH(bool, isKnown);
    QCOMPARE(isKnownHost(host.toStdString(), {"Ops.example"}), isKnown);
}

QTEST_APPLESS_MAIN(TestTokens)
#include "tst_tokens.moc"
