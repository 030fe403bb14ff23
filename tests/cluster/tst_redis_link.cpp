// SPDX-License-Identifier: Apache-2.0
// Addresses of Redis, and what its reader takes and refuses. No Redis is needed.
#include "server/cluster/redis_link.h"
#include <QTest>

using namespace server;

class TestRedisLink : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void addresses_data();
    void addresses();
    void refusedAddresses_data();
    void refusedAddresses();
    void replies_data();
    void replies();
    void brokenReplies_data();
    void brokenReplies();
    void longReplies();
};

void TestRedisLink::addresses_data() {
    QTest::addColumn<QString>("url");
    QTest::addColumn<QString>("said");
    QTest::addColumn<QString>("user");
    QTest::addColumn<QString>("password");
    QTest::addColumn<int>("database");
    QTest::newRow("host") << "redis://h"
                          << "h:6379"
                          << ""
                          << "" << 0;
    QTest::newRow("port") << "redis://h:7000"
                          << "h:7000"
                          << ""
                          << "" << 0;
    QTest::newRow("all") << "redis://u:p%40%3A@h:7000/3"
                         << "h:7000"
                         << "u"
                         << "p@:" << 3;
    QTest::newRow("password") << "redis://:p@h"
                              << "h:6379"
                              << ""
                              << "p" << 0;
    QTest::newRow("IPv6") << "redis://[::1]:7000"
                          << "[::1]:7000"
                          << ""
                          << "" << 0;
    QTest::newRow("TLS") << "rediss://u:p@h/1"
                         << "h:6379"
                         << "u"
                         << "p" << 1;
    QTest::newRow("socket") << "unix:///run/redis.sock?db=2"
                            << "unix:/run/redis.sock"
                            << ""
                            << "" << 2;
}

void TestRedisLink::addresses() {
    QFETCH(const QString, url);
    const auto address = RedisAddress::parse(url.toStdString());
    QVERIFY2(address, address ? "" : address.error().message.c_str());
    QTEST(QString::fromStdString(address->text()), "said");
    QTEST(QString::fromStdString(address->user), "user");
    QTEST(QString::fromStdString(address->password), "password");
    QTEST(address->database, "database");
    QCOMPARE(address->isSecure, url.startsWith(QStringLiteral("rediss:")));
}

void TestRedisLink::refusedAddresses_data() {
    QTest::addColumn<QString>("url");
    for (const char* url :
         {"", "h:6379", "rediss://:secret@", "redis+sentinel://h/m", "redis+cluster://h", "http://h",
          "redis://", "redis://h:0", "redis://h/x", "redis://h/-1", "unix://", "redis://u:secret@h:99999"})
        QTest::newRow(url) << url;
}

void TestRedisLink::refusedAddresses() {
    QFETCH(const QString, url);
    const auto address = RedisAddress::parse(url.toStdString());
    QVERIFY(!address);
    QCOMPARE(address.error().code, shared::ErrorCode::Configuration);
    const auto sentence = QString::fromStdString(address.error().message);
    QVERIFY2(sentence.contains("redis://") && !sentence.contains("secret"), qPrintable(sentence));
}

namespace {

QString shown(const Reply& reply) {
    switch (reply.kind) {
    case Reply::Kind::Text:
        return QString::fromStdString(reply.text);
    case Reply::Kind::Number:
        return QString::number(reply.number);
    case Reply::Kind::Nil:
        return QStringLiteral("nil");
    case Reply::Kind::Error:
        return "!" + QString::fromStdString(reply.text);
    case Reply::Kind::Array:
        break;
    }
    QStringList all;
    for (const auto& element : reply.elements)
        all.append(shown(element));
    return "[" + all.join(' ') + "]";
}

} // namespace

void TestRedisLink::replies_data() {
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<QString>("expected");
    QTest::newRow("status") << QByteArray("+OK\r\n") << "OK";
    QTest::newRow("number") << QByteArray(":-12\r\n") << "-12";
    QTest::newRow("text") << QByteArray("$3\r\na\r\n\r\n") << "a\r\n";
    QTest::newRow("nil") << QByteArray("$-1\r\n") << "nil";
    QTest::newRow("error") << QByteArray("-ERR no\r\n") << "!ERR no";
    QTest::newRow("two") << QByteArray("+a\r\n+b\r\n") << "a, b";
    QTest::newRow("push") << QByteArray("*4\r\n$8\r\npmessage\r\n$1\r\np\r\n$1\r\nc\r\n$0\r\n\r\n")
                          << "[pmessage p c ]";
    QTest::newRow("nested") << QByteArray("*2\r\n*1\r\n:1\r\n*-1\r\n") << "[[1] nil]";
}

void TestRedisLink::replies() {
    QFETCH(const QByteArray, bytes);
    for (const int piece : {1, 2, int(bytes.size())}) {
        ReplyReader reader;
        QStringList all;
        for (int at = 0; at < bytes.size(); at += piece) {
            const auto part = bytes.mid(at, piece);
            QVERIFY(reader.feed({part.constData(), std::size_t(part.size())}, [&all](Reply&& reply) {
                all.append(shown(reply));
                return true;
            }));
        }
        QTEST(all.join(", "), "expected");
    }
}

void TestRedisLink::brokenReplies_data() {
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<int>("before"); // replies that were whole
    for (const char* bytes : {"?x\r\n", "HTTP/1.1 400\r\n", "$99999999999999999999\r\n", "*1000001\r\n",
                              "*2147483647\r\n", "*9223372036854775807\r\n", "$-2\r\n", ":12a\r\n"})
        QTest::newRow(QByteArray(bytes).replace("\r\n", "|").constData()) << QByteArray(bytes) << 0;
    QTest::newRow("longer than it says") << QByteArray("$2\r\nabc\r\n") << 1;
    QByteArray many = "*2\r\n*900000\r\n";
    many += QByteArray(":1\r\n").repeated(900000) + "*900000\r\n";
    QTest::newRow("two that are too many together") << many << 0;
}

void TestRedisLink::brokenReplies() {
    QFETCH(const QByteArray, bytes);
    ReplyReader reader;
    int replies = 0;
    const auto fed = reader.feed({bytes.constData(), std::size_t(bytes.size())}, [&replies](Reply&&) {
        ++replies;
        return true;
    });
    QVERIFY(!fed);
    QTEST(replies, "before");
}

void TestRedisLink::longReplies() {
    ReplyReader reader;
    const auto ignored = [](Reply&&) { return true; };
    const std::string piece(std::size_t(1) << 20, 'x');
    QVERIFY(reader.feed("$70000000\r\n", ignored));
    shared::Result<void> fed;
    std::size_t taken = 0;
    for (; taken < 70 && fed; ++taken)
        fed = reader.feed(piece, ignored);
    QVERIFY(!fed);
    QCOMPARE(fed.error().code, shared::ErrorCode::TooLarge);
    QCOMPARE(taken, std::size_t(64));
}

QTEST_GUILESS_MAIN(TestRedisLink)
#include "tst_redis_link.moc"
