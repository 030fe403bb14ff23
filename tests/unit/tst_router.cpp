// SPDX-License-Identifier: Apache-2.0
#include "server/core/router.h"

#include <QtTest/QTest>
#include <algorithm>
#include <set>
#include <thread>

using namespace server;
using shared::Metric;

namespace {

class FakeClock final : public Clock {
public:
    TimePoint now() const override { return time; }
    std::int64_t unixMs() const override { return 1700000000000; }
    TimePoint time{std::chrono::hours(1)};
};

using Names = std::vector<std::string>;
using Numbers = std::vector<int>;

struct World {
    explicit World(Settings settings = {}, std::size_t room = 1000)
        : boxes(makeBoxes(room)), bus(MailboxLimits{room, 0, shared::Bytes::mebi(1)}),
          router(settings, {boxes[0].get(), boxes[1].get(), boxes[2].get()}, &bus) {}
    static std::vector<std::unique_ptr<ShardBox>> makeBoxes(std::size_t room) {
        std::vector<std::unique_ptr<ShardBox>> made;
        for (int i = 0; i < 3; ++i)
            made.push_back(std::make_unique<ShardBox>(MailboxLimits{room, 0, shared::Bytes::mebi(1)}));
        return made;
    }
    /// What waits in a box; it is closed then.
    template <class Mail, class Box>
    static std::vector<MessagePtr> taken(Box& box) {
        std::vector<MessagePtr> messages;
        for (auto& mail : box.detach())
            if (auto* one = std::get_if<Mail>(&mail))
                messages.push_back(std::move(one->message));
        return messages;
    }
    std::vector<MessagePtr> onShard(int shard) { return taken<Deliver>(*boxes[std::size_t(shard)]); }
    Numbers shardsReached() {
        Numbers reached;
        for (int shard = 0; shard < 3; ++shard)
            if (!onShard(shard).empty())
                reached.push_back(shard);
        return reached;
    }
    static Message message(const Names& to, const char* nsp = "/") {
        Message made;
        made.nsp = NamespaceName(nsp);
        made.event = "event";
        for (const auto& room : to)
            made.rooms.emplace_back(room);
        return made;
    }

    shared::MetricCatalog catalog{3, {"v", "c", "q"}};
    Counters counters{catalog};
    FakeClock clock;
    std::vector<std::unique_ptr<ShardBox>> boxes;
    BusBox bus;
    Router router;
    Stamper stamper{"node", ShardIndex(1), clock};
};

} // namespace

Q_DECLARE_METATYPE(Names)
Q_DECLARE_METATYPE(Numbers)

class TestRouter : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void shards_data() {
        QTest::addColumn<Names>("rooms");
        QTest::addColumn<QByteArray>("nsp");
        QTest::addColumn<Numbers>("reached");
        QTest::newRow("everybody") << Names{} << QByteArray("/") << Numbers{0, 1, 2};
        QTest::newRow("one room") << Names{"red"} << QByteArray("/") << Numbers{0, 2};
        QTest::newRow("two rooms") << Names{"red", "blue"} << QByteArray("/") << Numbers{0, 1, 2};
        QTest::newRow("nobody's") << Names{"green"} << QByteArray("/") << Numbers{};
        QTest::newRow("in another namespace") << Names{"red"} << QByteArray("/admin") << Numbers{};
        QTest::newRow("left again") << Names{"grey"} << QByteArray("/") << Numbers{};
        QTest::newRow("left by one") << Names{"white"} << QByteArray("/") << Numbers{1};
        QTest::newRow("an id of shard 1") << Names{"Baaaaaaaaaaaaaaaaaaa"} << QByteArray("/") << Numbers{1};
        QTest::newRow("an id of no shard of ours")
            << Names{"_aaaaaaaaaaaaaaaaaaa"} << QByteArray("/") << Numbers{};
        QTest::newRow("too short for an id") << Names{"Baaaaaaaaaaaaaaaaaa"} << QByteArray("/") << Numbers{};
        QTest::newRow("no id: a blank") << Names{"Baaaaaaaaaa aaaaaaaa"} << QByteArray("/") << Numbers{};
        QTest::newRow("an id with a guest elsewhere")
            << Names{"Bguestguestguestgues"} << QByteArray("/") << Numbers{1, 2};
    }
    void shards() {
        QFETCH(Names, rooms);
        QFETCH(QByteArray, nsp);
        for (const bool isReceived : {false, true}) {
            World world;
            const NamespaceName root("/");
            world.router.roomOccupied(root, RoomName("red"), ShardIndex(0));
            world.router.roomOccupied(root, RoomName("red"), ShardIndex(2));
            world.router.roomOccupied(root, RoomName("blue"), ShardIndex(1));
            world.router.roomOccupied(root, RoomName("grey"), ShardIndex(1));
            world.router.roomVacated(root, RoomName("grey"), ShardIndex(1));
            world.router.roomOccupied(root, RoomName("white"), ShardIndex(0));
            world.router.roomOccupied(root, RoomName("white"), ShardIndex(1));
            world.router.roomVacated(root, RoomName("white"), ShardIndex(0));
            world.router.roomVacated(root, RoomName("never"), ShardIndex(0));
            world.router.roomOccupied(root, RoomName("Bguestguestguestgues"), ShardIndex(2));
            auto message = World::message(rooms, nsp.constData());
            if (isReceived)
                world.router.receive(std::move(message), world.counters);
            else
                world.router.publish(std::move(message), world.stamper, world.counters);
            QTEST(world.shardsReached(), "reached");
            QCOMPARE(World::taken<PublishMail>(world.bus).size(), std::size_t(isReceived ? 0 : 1));
        }
    }

    void stampsAreContiguousOnEachPath() {
        World world;
        for (int i = 1; i <= 3; ++i)
            for (const char* room : {"red", "blue"}) {
                const auto published =
                    world.router.publish(World::message({room}), world.stamper, world.counters);
                QCOMPARE(published.seq, std::uint64_t(i));
                QVERIFY(!published.isQueued);
                QVERIFY(!published.isOverloaded);
            }
        QCOMPARE(world.router.publish(World::message({"red"}, "/admin"), world.stamper, world.counters).seq,
                 std::uint64_t(1));
        const auto sent = World::taken<PublishMail>(world.bus);
        QCOMPARE(sent.size(), std::size_t(7));
        QVERIFY(sent[0]->stamp.has_value());
        QCOMPARE(sent[0]->stamp->origin, std::string("node.1.1700000000000"));
        QCOMPARE(sent[0]->stamp->ts_ms, std::int64_t(1700000000000));
        QCOMPARE(sent[5]->stamp->seq, std::uint64_t(3));
    }

    void idleCountersBeginAgainUnderANewEpoch() {
        FakeClock clock;
        Stamper stamper("node", ShardIndex(0), clock);
        const NamespaceName nsp("/");
        const auto first = stamper.next(nsp, RoomName("red"));
        clock.time += std::chrono::minutes(9);
        const auto second = stamper.next(nsp, RoomName("red"));
        QCOMPARE(second.origin, first.origin);
        QCOMPARE(second.seq, std::uint64_t(2));
        clock.time += std::chrono::minutes(21);
        const auto third = stamper.next(nsp, RoomName("red"));
        QVERIFY(third.origin != first.origin);
        QCOMPARE(third.seq, std::uint64_t(1));
    }

    void stampMemoryIsBounded() {
        FakeClock clock;
        Stamper stamper("node", ShardIndex(0), clock);
        const NamespaceName nsp("/");
        const auto first = stamper.next(nsp, RoomName("first"));
        for (int i = 0; i < 200000; ++i)
            stamper.next(nsp, RoomName(std::to_string(i)));
        const auto again = stamper.next(nsp, RoomName("first"));
        QVERIFY(again.origin != first.origin);
        QCOMPARE(again.seq, std::uint64_t(1));
    }

    void rules_data() {
        QTest::addColumn<QByteArray>("match");
        QTest::addColumn<QByteArray>("room");
        QTest::addColumn<bool>("isShown");
        QTest::newRow("whole") << QByteArray("red") << QByteArray("red") << true;
        QTest::newRow("other") << QByteArray("red") << QByteArray("reda") << false;
        QTest::newRow("prefix") << QByteArray("prices:*") << QByteArray("prices:eur") << true;
        QTest::newRow("prefix, empty rest") << QByteArray("prices:*") << QByteArray("prices:") << true;
        QTest::newRow("no prefix") << QByteArray("prices:*") << QByteArray("price:eur") << false;
        QTest::newRow("middle") << QByteArray("a*c*e") << QByteArray("abcde") << true;
        QTest::newRow("backtrack") << QByteArray("*ab") << QByteArray("aaab") << true;
        QTest::newRow("one character") << QByteArray("r?d") << QByteArray("rod") << true;
        QTest::newRow("one character missing") << QByteArray("red?") << QByteArray("red") << false;
        QTest::newRow("everything") << QByteArray("*") << QByteArray("x") << true;
        QTest::newRow("the first match wins") << QByteArray("*") << QByteArray("plain:x") << false;
        QTest::newRow("long and hopeless")
            << QByteArray("*a*a*a*a*a*a*a*b") << QByteArray(2000, 'a') << false;
    }
    void rules() {
        QFETCH(QByteArray, match);
        QFETCH(QByteArray, room);
        Settings settings;
        settings.rooms = {RoomRule{"plain:*", 0, milliseconds(100), false},
                          RoomRule{match.toStdString(), 0, milliseconds(100), true}};
        World world(settings);
        world.router.publish(World::message({room.toStdString()}), world.stamper, world.counters);
        world.router.receive(World::message({}), world.counters);
        QTEST(World::taken<PublishMail>(world.bus).at(0)->showStamp, "isShown");
        QVERIFY(!world.onShard(0).at(0)->showStamp);
    }

    void fullMailboxesAreToldAndCounted() {
        World world({}, 2);
        for (int i = 0; i < 2; ++i)
            QVERIFY(!world.router.publish(World::message({}), world.stamper, world.counters).isOverloaded);
        const auto published = world.router.publish(World::message({}), world.stamper, world.counters);
        QVERIFY(published.isOverloaded);
        QCOMPARE(published.seq, std::uint64_t(3)); // receivers see the gap
        const auto refused = [&world](shared::MailboxOf box) {
            return world.counters.number(world.catalog.index(Metric::MailboxRefusedTotal, std::size_t(box)));
        };
        QCOMPARE(refused(shared::MailboxOf::Shard), 3);
        QCOMPARE(refused(shared::MailboxOf::Bus), 1);
        world.router.receive(World::message({}), world.counters);
        QCOMPARE(refused(shared::MailboxOf::Shard), 6);
        QCOMPARE(refused(shared::MailboxOf::Bus), 1);
    }

    void queuedWhileRedisIsAway() {
        World world;
        world.router.redis = shared::admin::RedisState::Away;
        QVERIFY(world.router.publish(World::message({"red"}), world.stamper, world.counters).isQueued);
        world.router.redis = shared::admin::RedisState::Up;
        QVERIFY(!world.router.publish(World::message({"red"}), world.stamper, world.counters).isQueued);
    }

    void aloneThereIsNoBus() {
        World world;
        Router router(Settings{}, {world.boxes[0].get()}, nullptr);
        const auto published = router.publish(World::message({}), world.stamper, world.counters);
        QVERIFY(!published.isQueued && !published.isOverloaded);
        QCOMPARE(world.onShard(0).size(), std::size_t(1));
    }

    void receivedOnesAreTimedNowAndThen() {
        World world;
        for (std::uint64_t seq = 1; seq <= 65; ++seq) {
            Message message = World::message({});
            message.stamp = Stamp{"other.0.1", seq, std::int64_t(seq)};
            world.router.receive(std::move(message), world.counters);
        }
        world.router.receive(World::message({}), world.counters);
        const auto got = world.onShard(1);
        QCOMPARE(got.size(), std::size_t(66));
        for (std::size_t i = 0; i < got.size(); ++i)
            QCOMPARE(got[i]->sampledTs_ms.value_or(0), i % 64 == 0 ? std::int64_t(i + 1) : 0);
    }

    /// The first rule that matches says how; a message to several rooms belongs to no batch of one.
    void rulesOfBatches_data() {
        QTest::addColumn<QStringList>("rooms");
        QTest::addColumn<int>("size");
        QTest::newRow("no rule") << QStringList{"red"} << 0;
        QTest::newRow("a rule") << QStringList{"batch:a"} << 10;
        QTest::newRow("the first of two") << QStringList{"batch:never"} << 0;
        QTest::newRow("several rooms") << QStringList{"batch:a", "batch:b"} << 0;
        QTest::newRow("everybody") << QStringList{} << 0;
    }
    void rulesOfBatches() {
        QFETCH(QStringList, rooms);
        Settings settings;
        settings.rooms = {{"batch:never", 0, std::chrono::milliseconds(100), false},
                          {"batch:*", 10, std::chrono::milliseconds(50), false}};
        World world;
        Router router(settings, {world.boxes[0].get()}, nullptr);
        Message message;
        for (const auto& room : rooms) {
            message.rooms.emplace_back(room.toStdString());
            router.roomOccupied(NamespaceName("/"), message.rooms.back(), ShardIndex(0));
        }
        Message copy = message;
        router.publish(std::move(message), world.stamper, world.counters);
        router.receive(std::move(copy), world.counters);
        const auto got = world.onShard(0);
        QCOMPARE(got.size(), std::size_t(2));
        for (const auto& one : got) {
            QTEST(int(one->batchSize), "size");
            if (one->batchSize > 0)
                QCOMPARE(one->batchWindow, std::chrono::milliseconds(50));
        }
    }

    void ids() {
        std::set<std::string> seen;
        for (std::uint16_t shard = 0; shard < 64; ++shard) {
            for (int i = 0; i < 200; ++i) {
                const auto id = makeId(ShardIndex(shard));
                QCOMPARE(id.size(), std::size_t(20));
                QVERIFY(id.find_first_not_of(
                            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
                        std::string::npos);
                QVERIFY(shardOfId(id) == ShardIndex(shard));
                seen.insert(id);
            }
        }
        QCOMPARE(seen.size(), std::size_t(64 * 200));
        QVERIFY(shardOfId("") == ShardIndex(0));
        QVERIFY(shardOfId("é") == ShardIndex(0));
    }

    /// Members come and go on three threads while others publish: who is in is reached, who left is not.
    void concurrentOccupiedAndVacated() {
        World world({}, 1000000);
        std::vector<std::thread> threads;
        for (std::uint16_t shard = 0; shard < 3; ++shard)
            threads.emplace_back([&world, shard] {
                const NamespaceName nsp("/");
                Counters counters(world.catalog);
                Stamper stamper("node", ShardIndex(shard), world.clock);
                const RoomName stays("stays" + std::to_string(shard));
                world.router.roomOccupied(nsp, stays, ShardIndex(shard));
                for (int i = 0; i < 3000; ++i) {
                    const RoomName room("room" + std::to_string(i % 100));
                    world.router.roomOccupied(nsp, room, ShardIndex(shard));
                    if (i % 50 == 0)
                        world.router.publish(World::message({stays.text(), room.text()}), stamper, counters);
                    world.router.roomVacated(nsp, room, ShardIndex(shard));
                }
            });
        for (auto& thread : threads)
            thread.join();
        for (int i = 0; i < 100; ++i)
            world.router.receive(World::message({"room" + std::to_string(i)}), world.counters);
        for (int shard = 0; shard < 3; ++shard) {
            int own = 0;
            for (const auto& message : world.onShard(shard)) {
                QVERIFY(message->stamp.has_value()); // published here
                own += message->rooms.front() == RoomName("stays" + std::to_string(shard)) ? 1 : 0;
            }
            QCOMPARE(own, 60);
        }
    }
};

QTEST_GUILESS_MAIN(TestRouter)
#include "tst_router.moc"
