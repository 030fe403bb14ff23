// SPDX-License-Identifier: Apache-2.0
// Who is let in: capacity and what may stand above it, rate, shares of an address, memory.
#include <QTest> // first: moc cannot begin with <compare>

#include "server/core/admission.h"

using namespace server;
using namespace std::chrono_literals;
using shared::HandshakeResult;

namespace {

const TimePoint Start{1h};

int accepted(Admission& admission, int asked, TimePoint now) {
    int count = 0;
    for (int i = 0; i < asked; ++i)
        count += admission.reserve("10.0.0.1", now).result == HandshakeResult::Accepted ? 1 : 0;
    return count;
}

} // namespace

class TestAdmission : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void capacity();
    void spareIsForNewcomersOnly();
    void rate_data();
    void rate();
    void addresses_data();
    void addresses();
    void closed();
};

void TestAdmission::capacity() {
    Admission admission(3);
    QCOMPARE(accepted(admission, 5, Start), 3);
    QVERIFY(admission.reserve("10.0.0.1", Start).result == HandshakeResult::Full);
    admission.release({});
    QCOMPARE(accepted(admission, 5, Start), 1);
    QCOMPARE(admission.count(), 3);
}

void TestAdmission::spareIsForNewcomersOnly() {
    Settings settings;
    settings.node.atCapacity = AtCapacity::EvictOldest;
    settings.limits.handshakesOpen = 2;
    Admission admission(3);
    admission.configure(settings);
    QCOMPARE(accepted(admission, 10, Start), 5);
    for (int i = 0; i < 3; ++i)
        QVERIFY(admission.settle());
    QVERIFY(!admission.settle());
    admission.unsettle();
    QVERIFY(admission.settle());
    settings.limits.handshakesOpen = 100000; // half of the reserve at most
    Admission wide(3);
    wide.configure(settings);
    QCOMPARE(accepted(wide, 1000, Start), 3 + int(Admission::DescriptorReserve / 2));
    settings.node.atCapacity = AtCapacity::Reject;
    Admission rejecting(3);
    rejecting.configure(settings);
    QCOMPARE(accepted(rejecting, 10, Start), 3);
}

void TestAdmission::rate_data() {
    QTest::addColumn<int>("perSecond");
    for (const int each : {1, 7, 100, 50000})
        QTest::newRow(std::to_string(each).c_str()) << each;
}

void TestAdmission::rate() {
    QFETCH(const int, perSecond);
    Settings settings;
    settings.limits.handshakesPerSecond = perSecond;
    Admission admission(10000000);
    admission.configure(settings);
    QCOMPARE(accepted(admission, 3 * perSecond, Start), perSecond); // a second's worth at once
    QVERIFY(admission.reserve("10.0.0.1", Start).result == HandshakeResult::RateLimited);
    QCOMPARE(admission.count(), std::int64_t(perSecond));
    int more = 0;
    for (auto at = 0ms; at < 10s; at += 10ms)
        more += accepted(admission, 1 + perSecond / 20, Start + at);
    QVERIFY2(std::abs(more - 10 * perSecond) <= 1 + perSecond / 50, qPrintable(QString::number(more)));
}

void TestAdmission::addresses_data() {
    QTest::addColumn<QString>("other");
    QTest::addColumn<bool>("isSame");
    const auto row = [](const char* other, bool isSame) {
        QTest::newRow(other) << QString::fromLatin1(other) << isSame;
    };
    row("2001:db8:0:1::2", true);
    row("2001:db8:0:1:ffff::", true);
    row("2001:db8:0:2::1", false);
    row("10.0.0.1", false);
}

void TestAdmission::addresses() {
    QFETCH(const QString, other);
    QFETCH(const bool, isSame);
    Settings settings;
    settings.limits.perAddressConnections = 2;
    Admission admission(100);
    admission.configure(settings);
    const auto first = admission.reserve("2001:db8:0:1::1", Start);
    QVERIFY(admission.reserve("2001:db8:0:1::1", Start).result == HandshakeResult::Accepted);
    const auto third = admission.reserve(other.toStdString(), Start);
    QCOMPARE(third.result == HandshakeResult::PerAddress, isSame);
    admission.release(first.addressKey);
    QVERIFY(admission.reserve("2001:db8:0:1::1", Start).result == HandshakeResult::Accepted);
    QVERIFY(admission.reserve("2001:db8:0:1::1", Start).result == HandshakeResult::PerAddress);
    // A peer without an address (a unix socket) has no share to keep to.
    for (int i = 0; i < 5; ++i)
        QVERIFY(admission.reserve("", Start).result == HandshakeResult::Accepted);
}

void TestAdmission::closed() {
    Admission admission(100);
    admission.setMemoryShort(true);
    QVERIFY(admission.reserve("", Start).result == HandshakeResult::Memory);
    admission.close();
    QVERIFY(admission.reserve("", Start).result == HandshakeResult::Draining);
    admission.open();
    admission.setMemoryShort(false);
    QVERIFY(admission.reserve("", Start).result == HandshakeResult::Accepted);
}

QTEST_GUILESS_MAIN(TestAdmission)
#include "tst_admission.moc"
