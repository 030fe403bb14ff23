// SPDX-License-Identifier: Apache-2.0
// The filter grammar as tables: what matches, and what a mistake is answered with.
#include "shared/filter.h"
#include <QTest>
#include <set>

using shared::Filter;
using shared::FilterSubject;

namespace {

bool isInRoom(const void* context, std::string_view room) {
    return static_cast<const std::set<std::string, std::less<>>*>(context)->contains(room);
}

} // namespace

class TestFilter : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void matches_data();
    void matches();
    void matchesAddress_data();
    void matchesAddress();
    void mistakes_data();
    void mistakes();
    void unknownRoundTripMatchesNothing();
    void limits();
    void terms();
};

void TestFilter::matches_data() {
    QTest::addColumn<QByteArray>("filter");
    QTest::addColumn<bool>("isMatch");
    const auto yes = [](const char* filter) { QTest::newRow(filter) << QByteArray(filter) << true; };
    const auto no = [](const char* filter) { QTest::newRow(filter) << QByteArray(filter) << false; };
    QTest::newRow("empty") << QByteArray("") << true;
    QTest::newRow("blanks") << QByteArray("  \t ") << true;
    yes("room=lobby");
    no("room=hall");
    no("room!=lobby");
    yes("room!=hall");
    yes("room=\"two words\"");
    yes("room=\"a \\\"b\\\"\"");
    yes("ip=10.1.0.0/16");
    no("ip!=10.1.0.0/16");
    yes("idle>10m");
    no("idle>11m");
    yes("idle<660s");
    yes("idle=659");
    yes("idle!=1");
    yes("age<1h");
    no("age>1h");
    yes("age>0.5h");
    yes("age<1d");
    yes("queue>64k");
    no("queue>65k");
    yes("queue=65537");
    yes("queue<1m");
    yes("queue<1M");
    yes("rooms=3");
    no("rooms>3");
    yes("rtt>40");
    yes("rtt<1s");
    yes("rtt=42ms");
    yes("user=alice");
    no("user=Alice");
    yes("user~ALI");
    no("user=\"\"");
    yes("user!=\"\"");
    yes("dialect=json");
    no("dialect=socketio");
    yes("transport!=polling");
    yes("agent~python");
    no("agent~curl");
    yes("id=0-17");
    no("id!=0-17");
    yes("room=lobby ip=10.0.0.0/8 idle>10m");
    no("room=lobby ip=10.0.0.0/8 idle>10h");
    yes("  room=lobby\tuser=alice  ");
    yes("user!=bob user!=carol");
}

void TestFilter::matches() {
    QFETCH(QByteArray, filter);
    const std::set<std::string, std::less<>> rooms{"lobby", "two words", "a \"b\""};
    FilterSubject subject;
    subject.id = "0-17";
    subject.address = "10.1.2.3";
    subject.user = "alice";
    subject.dialect = "json";
    subject.transport = "websocket";
    subject.agent = "Python/3.11 aiohttp";
    subject.idle_s = 659;
    subject.age_s = 3000;
    subject.queue_bytes = 65537;
    subject.rooms = 3;
    subject.rtt_ms = 42;
    subject.isInRoom = &isInRoom;
    subject.context = &rooms;
    const auto parsed = Filter::parse(filter.toStdString());
    QVERIFY2(parsed, parsed ? "" : parsed.error().message.c_str());
    QTEST(parsed->matches(subject), "isMatch");
}

void TestFilter::matchesAddress_data() {
    QTest::addColumn<QByteArray>("network");
    QTest::addColumn<QByteArray>("address");
    QTest::addColumn<bool>("isMatch");
    const auto add = [](const char* network, const char* address, bool isMatch) {
        QTest::addRow("%s in %s", address, network) << QByteArray(network) << QByteArray(address) << isMatch;
    };
    add("10.0.0.0/8", "10.255.1.2", true);
    add("10.0.0.0/8", "11.0.0.1", false);
    add("10.0.0.1", "10.0.0.1", true);
    add("10.0.0.1", "10.0.0.2", false);
    add("10.0.0.9/8", "10.1.1.1", true);
    add("0.0.0.0/0", "192.0.2.1", true);
    add("0.0.0.0/0", "::1", false);
    add("192.168.128.0/17", "192.168.129.4", true);
    add("192.168.128.0/17", "192.168.127.4", false);
    add("10.0.0.0/8", "10.2.3.4:50123", true);
    add("10.0.0.0/8", "::ffff:10.2.3.4", true);
    add("10.0.0.0/8", "[::ffff:10.2.3.4]:50123", true);
    add("::ffff:10.0.0.0/104", "10.2.3.4", true);
    add("fd00::/8", "fd12:3456::1", true);
    add("fd00::/8", "fe80::1", false);
    add("2001:db8::/33", "2001:db8:7fff::1", true);
    add("2001:db8::/33", "2001:db8:8000::1", false);
    add("::1", "::1", true);
    add("::1", "0:0:0:0:0:0:0:1", true);
    add("::1", "[::1]:7400", true);
    add("fe80::/10", "fe80::1%eth0", true);
    add("::/0", "10.0.0.1", false);
    add("10.0.0.0/8", "unix", false);
    add("10.0.0.0/8", "", false);
}

void TestFilter::matchesAddress() {
    QFETCH(QByteArray, network);
    QFETCH(QByteArray, address);
    QFETCH(bool, isMatch);
    FilterSubject subject;
    const auto peer = address.toStdString();
    subject.address = peer;
    const auto in = Filter::parse("ip=" + network.toStdString());
    const auto out = Filter::parse("ip!=" + network.toStdString());
    QVERIFY(in && out);
    QCOMPARE(in->matches(subject), isMatch);
    QCOMPARE(out->matches(subject), !isMatch);
}

void TestFilter::mistakes_data() {
    QTest::addColumn<QByteArray>("filter");
    QTest::addColumn<int>("column");
    QTest::addColumn<QByteArray>("says");
    const auto add = [](const char* filter, int column, const char* says) {
        QTest::newRow(filter) << QByteArray(filter) << column << QByteArray(says);
    };
    add("rom=lobby", 1, "did you mean room?");
    add("user=a  rooom=b", 9, "did you mean room?");
    add("transprt=polling", 1, "did you mean transport?");
    add("colour=red", 1, "there are id, ip, user");
    add("colour=red", 1, "no key colour; ");
    add("ROOM=a", 1, "no key ROOM");
    add("=a", 1, "a word begins with one of id");
    add("user=a %", 8, "a word begins with");
    add("room", 5, "after room may stand = or !=, as in room=lobby");
    add("room lobby", 5, "may stand");
    add("room~lob", 5, "= or !=");
    add("room>a", 5, "= or !=");
    add("idle~5", 5, "<, >, = or !=");
    add("user<a", 5, "=, != or ~");
    add("user!a", 5, "=, != or ~");
    add("user=", 6, "a value is missing");
    add("idle> 10m", 6, "a value is missing: a number with s, m, h or d");
    add("idle>10x", 6, "a number with s, m, h or d, as in idle>10m");
    add("idle>-1", 6, "a number with");
    add("idle>m", 6, "a number with");
    add("idle>1e3", 6, "a number with");
    add("idle>1.2.3", 6, "a number with");
    add("idle>inf", 6, "a number with");
    add("queue>64kb", 7, "k (KiB) or m (MiB)");
    add("rooms>3k", 7, "a number, as in rooms>10");
    add("rtt>1h", 5, "a number with ms or s");
    add("ip=10.0.0", 4, "an address or a network");
    add("ip=10.0.0.256", 4, "an address or a network");
    add("ip=10.0.0.0.1", 4, "an address or a network");
    add("ip=10.0.0.0/33", 4, "an address or a network");
    add("ip=10.0.0.0/", 4, "an address or a network");
    add("ip=10.0.0.0/-1", 4, "an address or a network");
    add("ip=fd00::/129", 4, "an address or a network");
    add("ip=1::2::3", 4, "an address or a network");
    add("ip=1:2:3:4:5:6:7", 4, "an address or a network");
    add("ip=1:2:3:4:5:6:7:8:9", 4, "an address or a network");
    add("ip=12345::", 4, "an address or a network");
    add("ip=localhost", 4, "an address or a network");
    add("dialect=jsn", 9, "dialect is socketio or json (did you mean json?)");
    add("transport=quic", 11, "transport is websocket or polling");
    add("room=\"lobby", 6, "never closed");
    add("room=\"lobby\"x", 13, "after the closing quote");
    // Columns count characters, not bytes.
    add("room=gr\xc3\xbc\xc3\x9f"
        "e rom=x",
        12, "did you mean room?");
}

void TestFilter::mistakes() {
    QFETCH(QByteArray, filter);
    QFETCH(int, column);
    QFETCH(QByteArray, says);
    const auto parsed = Filter::parse(filter.toStdString());
    QVERIFY(!parsed);
    QCOMPARE(parsed.error().code, shared::ErrorCode::InvalidFilter);
    const auto message = QByteArray::fromStdString(parsed.error().message);
    QVERIFY2(message.startsWith("column " + QByteArray::number(column) + ": "), message);
    QVERIFY2(message.contains(says), message);
}

void TestFilter::unknownRoundTripMatchesNothing() {
    const FilterSubject subject;
    for (const auto* filter : {"rtt>0", "rtt<1s", "rtt=0", "rtt!=5"})
        QVERIFY(!Filter::parse(filter)->matches(subject));
}

void TestFilter::limits() {
    std::string words;
    for (int i = 0; i < 64; ++i)
        words += "rooms>1 ";
    QVERIFY(Filter::parse(words));
    QVERIFY(!Filter::parse(words + "rooms>1"));
    QVERIFY(!Filter::parse("user=" + std::string(5000, 'x')));
}

void TestFilter::terms() {
    QVERIFY(Filter::parse("")->isEmpty());
    const auto filter = Filter::parse("queue>64k ip=10.0.0.0/8");
    QVERIFY(filter);
    QVERIFY(!filter->isEmpty());
    QCOMPARE(filter->terms().size(), std::size_t(2));
    QCOMPARE(filter->terms()[0].key, Filter::Key::Queue);
    QCOMPARE(filter->terms()[0].op, Filter::Operator::Greater);
    QCOMPARE(filter->terms()[0].number, 65536.0);
    QCOMPARE(filter->terms()[1].network, (std::vector<std::uint8_t>{10, 0, 0, 0}));
    QCOMPARE(filter->terms()[1].prefix, 8);
}

QTEST_GUILESS_MAIN(TestFilter)
#include "tst_shared_filter.moc"
