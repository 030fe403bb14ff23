// SPDX-License-Identifier: Apache-2.0
// Two adapters and a real redis-server: what one publishes the other gets, in order, and what happens when
// Redis goes away, is stopped, becomes a replica, or refuses.
#include "server/cluster/redis_adapter.h"
#include "tests/cluster/recording_host.h"
#include "tests/support/redis_server.h"
#include <QTest>

using namespace server;
using namespace std::chrono_literals;
using shared::ErrorKind;
using shared::Metric;
using shared::admin::RedisState;

namespace {

/// Comes back faster than anybody that has the usual times.
RedisLinkTimes quick() {
    RedisLinkTimes times;
    times.firstWait = times.longestWait = 10ms;
    return times;
}
RedisLinkTimes slow() {
    RedisLinkTimes times;
    times.firstWait = times.longestWait = 500ms;
    return times;
}

struct Party {
    explicit Party(const std::string& url, RedisLinkTimes times = {}, Settings given = {})
        : settings(std::move(given)),
          adapter(*RedisAddress::parse(url), settings, host, counters, clock, times) {
        adapter.start();
    }
    ~Party() { adapter.stop(); }
    std::int64_t number(Metric metric) const { return counters.number(catalog.index(metric)); }

    Settings settings;
    RecordingHost host;
    Clock clock;
    shared::MetricCatalog catalog{1, {"0", "0", "0"}};
    Counters counters{catalog};
    RedisAdapter adapter;
};

MessagePtr message(const std::string& args, const std::string& room = "r", const std::string& nsp = "/") {
    Message made;
    made.nsp = NamespaceName(nsp);
    if (!room.empty())
        made.rooms.emplace_back(room);
    made.event = "e";
    made.args = args;
    return std::make_shared<const Message>(std::move(made));
}

QByteArray command(const QByteArrayList& words) {
    QByteArray text = "*" + QByteArray::number(words.size()) + "\r\n";
    for (const auto& word : words)
        text += "$" + QByteArray::number(word.size()) + "\r\n" + word + "\r\n";
    return text;
}

} // namespace

class TestRedisAdapter : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void initTestCase() { QVERIFY2(m_redis.start(), m_redis.output()); }
    void passesEverythingOn();
    void foreignBroadcasts_data();
    void foreignBroadcasts();
    void namespacesStayApart();
    void keepsTheOrder();
    void comesBackAfterAKill();
    void queueAgesOut();
    void queueIsBounded_data();
    void queueIsBounded();
    void silentRedisIsAway();
    void replicaIsAway();
    void subscriptionAloneIsCut();
    void refusals_data();
    void refusals();

private:
    RedisServer m_redis;
};

void TestRedisAdapter::passesEverythingOn() {
    Party one(m_redis.url()), other(m_redis.url());
    QTRY_VERIFY(one.host.isUp() && other.host.isUp());
    QCOMPARE(one.host.states.front(), RedisState::Away);
    Message sent = *message(R"({"a":[1,2.5,"\u00e4",null,{"_placeholder":true,"num":0}]},"x")");
    sent.rooms = {RoomName("r#1"), RoomName("r,2")};
    sent.except = {RoomName("me")};
    sent.attachments = {std::string("\0\x01\xff", 3)};
    sent.stamp = Stamp{"n.0.1", 7, 1234567890123};
    sent.isVolatile = true;
    one.adapter.publish(std::make_shared<const Message>(sent));
    QTRY_COMPARE(other.host.messages.size(), std::size_t(1));
    const Message& got = other.host.messages.front();
    QCOMPARE(got.nsp, sent.nsp);
    QCOMPARE(got.rooms, sent.rooms);
    QCOMPARE(got.except, sent.except);
    QCOMPARE(got.event, sent.event);
    QCOMPARE(got.args, R"({"a":[1,2.5,"ä",null,{"_placeholder":true,"num":0}]},"x")");
    QCOMPARE(got.attachments, sent.attachments);
    QVERIFY(got.isVolatile);
    QVERIFY(got.stamp);
    QCOMPARE(got.stamp->origin, sent.stamp->origin);
    QCOMPARE(got.stamp->seq, sent.stamp->seq);
    QCOMPARE(got.stamp->ts_ms, sent.stamp->ts_ms);
    // Its own echo came before the answer of the other one.
    other.adapter.publish(message("2", ""));
    QTRY_COMPARE(one.host.messages.size(), std::size_t(1));
    QVERIFY(one.host.messages.front().rooms.empty());
    QVERIFY(!one.host.messages.front().stamp);
    QVERIFY(one.host.errors.empty() && other.host.errors.empty());
    QTRY_VERIFY_WITH_TIMEOUT(one.counters.cells(one.catalog.index(Metric::RedisRoundTripSeconds)) != nullptr,
                             5000);
}

void TestRedisAdapter::foreignBroadcasts_data() {
    QTest::addColumn<QByteArray>("channel");
    QTest::addColumn<QByteArray>("payload");
    QTest::addColumn<int>("messages");
    QTest::addColumn<int>("errors");
    const QByteArray emitter = QByteArray("\x93\xa7"
                                          "emitter\x83\xa4type\x02\xa4"
                                          "data\x92\xa1"
                                          "e\x01\xa3nsp\xa1/\x83\xa5rooms\x91\xa1r\xa6"
                                          "except\x90\xa5"
                                          "flags\x80");
    QTest::newRow("redis-emitter") << QByteArray("socket.io#/#r#") << emitter << 1 << 0;
    QTest::newRow("to all") << QByteArray("socket.io#/#") << emitter << 1 << 0;
    QTest::newRow("of another namespace on our pattern")
        << QByteArray("socket.io#/#r#") << QByteArray(emitter).replace("\xa1/", "\xa2/x") << 0 << 0;
    QTest::newRow("not ours") << QByteArray("socket.io#/other#") << emitter << 0 << 0;
    QTest::newRow("requests") << QByteArray("socket.io-request#/#") << QByteArray("{}") << 0 << 0;
    QTest::newRow("garbage") << QByteArray("socket.io#/#") << QByteArray("\xc1garbage") << 0 << 1;
    QTest::newRow("empty") << QByteArray("socket.io#/#") << QByteArray() << 0 << 1;
    QTest::newRow("cut off") << QByteArray("socket.io#/#") << emitter.chopped(1) << 0 << 1;
    QTest::newRow("something follows") << QByteArray("socket.io#/#") << emitter + "\x01" << 0 << 1;
}

void TestRedisAdapter::foreignBroadcasts() {
    QFETCH(const QByteArray, channel);
    QFETCH(const QByteArray, payload);
    QFETCH(const int, messages);
    QFETCH(const int, errors);
    Party one(m_redis.url()), other(m_redis.url());
    QTRY_VERIFY(one.host.isUp() && other.host.isUp());
    QVERIFY(!m_redis.ask(command({"PUBLISH", channel, payload})).isEmpty());
    other.adapter.publish(message("\"last\"")); // behind it: what is not here by then does not come
    QTRY_COMPARE(int(one.host.messages.size()), messages + 1);
    QCOMPARE(one.host.messages.back().args, R"("last")");
    QCOMPARE(int(one.host.errorsOf(ErrorKind::BadEnvelope)), errors);
    QVERIFY(one.host.isUp());
    if (messages == 1)
        QCOMPARE(one.host.messages.front().args, "1");
}

void TestRedisAdapter::namespacesStayApart() {
    Settings settings;
    settings.broker.namespaces = {"/", "/a*", "/a#b", "/a"};
    Party one(m_redis.url(), {}, settings), other(m_redis.url(), {}, settings);
    QTRY_VERIFY(one.host.isUp() && other.host.isUp());
    for (const auto* nsp : {"/", "/a*", "/a#b", "/a"})
        one.adapter.publish(message("1", "b", nsp));
    one.adapter.publish(message("1", "b", "/abc")); // the other does not know it
    one.adapter.publish(message("2", "", "/"));
    QTRY_VERIFY(!other.host.messages.empty() && other.host.messages.back().args == "2");
    QCOMPARE(other.host.messages.size(), std::size_t(5));
    std::size_t at = 0;
    for (const auto* nsp : {"/", "/a*", "/a#b", "/a"})
        QCOMPARE(other.host.messages[at++].nsp.text(), nsp);
}

void TestRedisAdapter::keepsTheOrder() {
    constexpr int Count = 20000;
    Settings settings;
    settings.redis.queueMessages = Count;
    settings.redis.queueAge = 60s;
    Party one(m_redis.url(), {}, settings), other(m_redis.url());
    QTRY_VERIFY(one.host.isUp() && other.host.isUp());
    for (int i = 0; i < Count; ++i)
        one.adapter.publish(message(std::to_string(i), i % 3 ? "r" : ""));
    QTRY_COMPARE_WITH_TIMEOUT(other.host.messages.size(), std::size_t(Count), 60000);
    for (int i = 0; i < Count; ++i)
        QCOMPARE(other.host.messages[std::size_t(i)].args, std::to_string(i));
    QCOMPARE(one.number(Metric::RedisDroppedTotal), 0);
    QCOMPARE(one.number(Metric::RedisQueueMessages), 0);
}

void TestRedisAdapter::comesBackAfterAKill() {
    Party one(m_redis.url(), slow()), other(m_redis.url(), quick());
    QTRY_VERIFY(one.host.isUp() && other.host.isUp());
    m_redis.kill();
    QTRY_VERIFY_WITH_TIMEOUT(!one.host.isUp() && !other.host.isUp(), 1000);
    for (int i = 0; i < 10; ++i)
        one.adapter.publish(message(std::to_string(i)));
    QCOMPARE(one.number(Metric::RedisQueueMessages), 10);
    QVERIFY2(m_redis.start(), m_redis.output());
    QTRY_VERIFY_WITH_TIMEOUT(one.host.isUp() && other.host.isUp(), 5000);
    one.adapter.publish(message("10"));
    // The other one was there first, so nothing that waited is lost, and all of it comes before what is new.
    QTRY_COMPARE(other.host.messages.size(), std::size_t(11));
    for (int i = 0; i <= 10; ++i)
        QCOMPARE(other.host.messages[std::size_t(i)].args, std::to_string(i));
    QCOMPARE(one.number(Metric::RedisReconnectsTotal), 1);
    QCOMPARE(one.number(Metric::RedisDroppedTotal), 0);
    QCOMPARE(one.host.errors.size(), std::size_t(1)); // one line for the whole absence
    QCOMPARE(one.host.errors.front().first, ErrorKind::RedisError);
}

void TestRedisAdapter::queueAgesOut() {
    Settings settings;
    settings.redis.queueAge = 300ms;
    Party one(m_redis.url(), slow(), settings), other(m_redis.url(), quick());
    QTRY_VERIFY(one.host.isUp() && other.host.isUp());
    m_redis.kill();
    QTRY_VERIFY(!one.host.isUp());
    for (int i = 0; i < 10; ++i)
        one.adapter.publish(message("\"old\""));
    QTRY_COMPARE(one.number(Metric::RedisDroppedTotal), 10);
    QCOMPARE(one.number(Metric::RedisQueueMessages), 0);
    QVERIFY2(m_redis.start(), m_redis.output());
    QTRY_VERIFY_WITH_TIMEOUT(one.host.isUp() && other.host.isUp(), 5000);
    one.adapter.publish(message("\"new\""));
    QTRY_VERIFY(!other.host.messages.empty());
    QCOMPARE(other.host.messages.front().args, R"("new")");
}

void TestRedisAdapter::queueIsBounded_data() {
    QTest::addColumn<int>("messages");
    QTest::addColumn<int>("bytesOfEach");
    QTest::addColumn<int>("kept");
    QTest::newRow("by messages") << 5 << 0 << 5;
    QTest::newRow("by bytes") << 10000 << 1000 << 3;
}

void TestRedisAdapter::queueIsBounded() {
    QFETCH(const int, messages);
    QFETCH(const int, bytesOfEach);
    QFETCH(const int, kept);
    const auto filler = "\"" + std::string(std::size_t(bytesOfEach), 'x') + "\"";
    Settings settings;
    settings.redis.queueAge = 60s;
    settings.redis.queueMessages = messages;
    if (bytesOfEach > 0)
        settings.redis.queueBytes =
            shared::Bytes(message(filler + ",0")->size().count() * std::uint64_t(kept));
    RedisServer redis;
    QVERIFY2(redis.start(), redis.output());
    redis.kill();
    Party one(redis.url(), slow(), settings), other(redis.url(), quick());
    for (int i = 0; i < 8; ++i)
        one.adapter.publish(message(filler + "," + std::to_string(i)));
    QCOMPARE(one.number(Metric::RedisQueueMessages), kept);
    QCOMPARE(one.number(Metric::RedisDroppedTotal), 8 - kept);
    QVERIFY2(redis.start(), redis.output());
    QTRY_COMPARE_WITH_TIMEOUT(int(other.host.messages.size()), kept, 5000);
    for (int i = 0; i < kept; ++i) // the oldest went
        QCOMPARE(other.host.messages[std::size_t(i)].args, filler + "," + std::to_string(8 - kept + i));
}

void TestRedisAdapter::silentRedisIsAway() {
    Party one(m_redis.url());
    QTRY_VERIFY(one.host.isUp());
    m_redis.freeze();
    QTRY_VERIFY_WITH_TIMEOUT(!one.host.isUp(), 5000);
    one.adapter.publish(message("1"));
    QCOMPARE(one.number(Metric::RedisQueueMessages), 1);
    m_redis.thaw();
    QTRY_VERIFY_WITH_TIMEOUT(one.host.isUp(), 5000);
    QTRY_COMPARE(one.number(Metric::RedisQueueMessages), 0);
}

void TestRedisAdapter::replicaIsAway() {
    Party one(m_redis.url());
    QTRY_VERIFY(one.host.isUp());
    QVERIFY(m_redis.ask("REPLICAOF 127.0.0.1 1").startsWith("+OK"));
    QTRY_VERIFY_WITH_TIMEOUT(!one.host.isUp(), 5000);
    QVERIFY(m_redis.ask("REPLICAOF NO ONE").startsWith("+OK"));
    QTRY_VERIFY_WITH_TIMEOUT(one.host.isUp(), 5000);
    QCOMPARE(one.host.errors.size(), std::size_t(1));
}

void TestRedisAdapter::subscriptionAloneIsCut() {
    Party one(m_redis.url()), other(m_redis.url());
    QTRY_VERIFY(one.host.isUp() && other.host.isUp());
    QVERIFY(m_redis.ask("CLIENT KILL TYPE pubsub").startsWith(":2"));
    QTRY_VERIFY(!one.host.isUp());
    QTRY_VERIFY_WITH_TIMEOUT(one.host.isUp() && other.host.isUp(), 2000);
    other.adapter.publish(message("1"));
    QTRY_COMPARE(one.host.messages.size(), std::size_t(1));
}

void TestRedisAdapter::refusals_data() {
    QTest::addColumn<QString>("userInfo");
    QTest::addColumn<bool>("isLetIn");
    QTest::newRow("no password") << "" << false;
    QTest::newRow("wrong password") << ":wrong-secret@" << false;
    QTest::newRow("unknown user") << "nobody:s3cret%21@" << false;
    QTest::newRow("right password") << ":s3cret%21@" << true;
    QTest::newRow("right user and password") << "default:s3cret%21@" << true;
}

void TestRedisAdapter::refusals() {
    QFETCH(const QString, userInfo);
    QFETCH(const bool, isLetIn);
    RedisServer redis({"--requirepass", "s3cret!"});
    QVERIFY2(redis.start(), redis.output());
    RedisLinkTimes times;
    times.refusedWait = 500ms;
    Party one("redis://" + userInfo.toStdString() + "127.0.0.1:" + std::to_string(redis.port()), times);
    if (isLetIn) {
        QTRY_VERIFY(one.host.isUp());
        QVERIFY(one.host.errors.empty());
        return;
    }
    QTRY_COMPARE(one.host.errors.size(), std::size_t(1));
    const QString sentence = QString::fromStdString(one.host.errors.front().second);
    QVERIFY2(sentence.contains("refuses"), qPrintable(sentence));
    QVERIFY2(!sentence.contains("secret") && !sentence.contains("s3cret"), qPrintable(sentence));
    QTest::qWait(1200); // it tries again meanwhile, and says nothing more
    QCOMPARE(one.host.errors.size(), std::size_t(1));
    QVERIFY(!one.host.isUp());
}

QTEST_GUILESS_MAIN(TestRedisAdapter)
#include "tst_redis_adapter.moc"
