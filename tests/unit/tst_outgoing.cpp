// SPDX-License-Identifier: Apache-2.0
// What waits for one connection: in order, whatever the kernel takes at a time.
#include "server/net/outgoing.h"
#include <QTest>

using namespace server;

namespace {

FramePtr frame(std::size_t size, char with) {
    return std::make_shared<const Frame>(Frame{FrameKind::Text, std::string(size, with)});
}

/// Takes what is offered, at most `most` bytes at a time.
std::string written(Outgoing& outgoing, FrameStore& store, std::size_t most, std::size_t buffer = 8192) {
    std::string out, into(buffer, '\0');
    while (!outgoing.isEmpty()) {
        const auto gathered = outgoing.gather(into);
        std::string offered = into.substr(0, gathered);
        if (gathered == 0) {
            const auto pieces = outgoing.first();
            offered = std::string(pieces.head.bytes().substr(pieces.headFrom)) + std::string(pieces.payload);
        }
        offered.resize(std::min(offered.size(), most));
        out += offered;
        outgoing.written(store, offered.size());
    }
    return out;
}

std::string whole(std::size_t size, char with) {
    return std::string(FrameHead(Opcode::Text, size).bytes()) + std::string(size, with);
}

} // namespace

class TestOutgoing : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void everyPortion_data() {
        QTest::addColumn<int>("most");
        for (const int most : {1, 2, 3, 7, 100, 4096, 100000})
            QTest::addRow("%d at a time", most) << most;
    }
    void everyPortion() {
        QFETCH(int, most);
        FrameStore store;
        Outgoing outgoing;
        std::string wanted;
        char with = 'a';
        for (const std::size_t size : {0U, 5U, 126U, 4096U, 5000U, 1U, 70000U, 3U}) {
            outgoing.push(store, frame(size, with), Opcode::Text);
            wanted += whole(size, with++);
            QCOMPARE(outgoing.bytes(), wanted.size());
        }
        QVERIFY(written(outgoing, store, std::size_t(most)) == wanted);
        QCOMPARE(outgoing.bytes(), std::size_t(0));
    }
    void smallOnesGoTogether() {
        FrameStore store;
        Outgoing outgoing;
        for (int i = 0; i < 3; ++i)
            outgoing.push(store, frame(100, 'a'), Opcode::Text);
        outgoing.push(store, frame(10000, 'b'), Opcode::Text);
        std::string into(8192, '\0');
        QCOMPARE(outgoing.gather(into), std::size_t(3 * 102));
        outgoing.written(store, 3 * 102);
        QCOMPARE(outgoing.gather(into), std::size_t(0)); // from where it lies
        QCOMPARE(outgoing.first().payload.size(), std::size_t(10000));
        outgoing.clear(store);
        QVERIFY(outgoing.isEmpty());
        QCOMPARE(outgoing.bytes(), std::size_t(0));
    }
    void nodesAreUsedAgainAndHoldNothing() {
        FrameStore store;
        Outgoing one, two;
        const auto shared = frame(10, 'a');
        for (int round = 0; round < 1000; ++round) {
            one.push(store, shared, Opcode::Text);
            two.push(store, shared, Opcode::Binary);
            QCOMPARE(shared.use_count(), 3L);
            (void)written(one, store, 5);
            two.clear(store);
        }
        QCOMPARE(shared.use_count(), 1L);
        QVERIFY(store.size() <= 2);
    }
};

QTEST_GUILESS_MAIN(TestOutgoing)
#include "tst_outgoing.moc"
