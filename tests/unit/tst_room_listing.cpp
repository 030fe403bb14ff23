// SPDX-License-Identifier: Apache-2.0
// Walking a shard's rooms while they change, and putting the rows of shards together.
#include <QtTest/QTest> // first: moc cannot begin with <compare>

#include "server/core/rate.h"
#include "server/core/room_listing.h"
#include "server/core/rooms.h"
#include "server/core/router.h"
#include <deque>
#include <set>

using namespace server;
using shared::admin::RoomRow;
using shared::admin::RoomsRequest;

namespace {

class FakeClock final : public Clock {
public:
    TimePoint now() const override { return time; }
    TimePoint time{std::chrono::hours(1)};
};

struct World {
    World() : box(MailboxLimits{100, 100, shared::Bytes::mebi(1)}), router(Settings{}, {&box}, nullptr) {}
    shared::MetricCatalog catalog{1, {"v", "c", "q"}};
    Counters counters{catalog};
    FakeClock clock;
    ShardBox box;
    Router router;
    std::deque<Member> members;
    Rooms rooms{ShardIndex(0), router, counters, clock};

    Member& add(const std::string& id) {
        Member& member = members.emplace_back();
        member.id = MemberId(id);
        member.nsp = NamespaceName("/");
        rooms.add(member);
        return member;
    }
};

} // namespace

class TestRoomListing : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void aWalkSkipsNoRoomThatStays() {
        World world;
        auto& stays = world.add("stays");
        auto& leaves = world.add("leaves");
        for (int i = 0; i < 40; ++i)
            world.rooms.join(i % 2 == 0 ? stays : leaves, RoomName("room " + std::to_string(i)));
        std::multiset<std::string> met;
        const auto visitor = [&met](const LocalRoom& room) { met.insert(room.room.text()); };
        auto place = world.rooms.visitRooms(Rooms::AllRooms, 10, visitor);
        QCOMPARE(met.size(), std::size_t(10));
        world.rooms.remove(leaves); // half of the rooms go, the last ones take their places
        world.rooms.join(stays, RoomName("late"));
        while (place > 0)
            place = world.rooms.visitRooms(place, 3, visitor);
        for (int i = 0; i < 40; i += 2)
            QVERIFY2(met.count("room " + std::to_string(i)) > 0, std::to_string(i).c_str());
    }

    void aRateDecaysOverTenSeconds() {
        FakeClock clock;
        Rate rate;
        QCOMPARE(rate.value(clock.now()), 0.0F);
        static_assert(sizeof(Rate) == 8);
        for (int i = 0; i < 1000; ++i) {
            clock.time += std::chrono::milliseconds(100);
            rate.add(clock.now());
        }
        QVERIFY(std::abs(rate.value(clock.now()) - 10.0F) < 0.2F); // ten a second
        const float before = rate.value(clock.now());
        clock.time += std::chrono::seconds(10);
        QVERIFY(std::abs(rate.value(clock.now()) / before - std::exp(-1.0F)) < 0.01F);
        clock.time += std::chrono::hours(24 * 365);
        QCOMPARE(rate.value(clock.now()), 0.0F);
    }

    void membersAddUpAndRatesDoNot() {
        const auto merged =
            mergedRooms({{"/", "b", 3, 1.0}, {"/", "a", 1, 0.5}, {"/", "b", 4, 2.0}, {"/x", "b", 9, 9}});
        QCOMPARE(merged.size(), std::size_t(3));
        QCOMPARE(merged[1].room, std::string("b"));
        QCOMPARE(merged[1].members, std::int64_t(7));
        QCOMPARE(merged[1].messages_per_s, 2.0);
        QCOMPARE(merged[2].space, std::string("/x"));
    }

    void aShardSaysWhenItSendsTooFew() {
        RoomsRequest request;
        request.sort = shared::admin::RoomSortKey::Members;
        request.descending = true;
        const auto order = RoomOrder::create(request);
        QVERIFY(order);
        std::vector<RoomRow> rows;
        for (int i = 0; i < 10000; ++i)
            rows.push_back({"/", std::to_string(i), i, 0});
        rows.push_back(rows.back()); // the same room twice counts once
        QVERIFY(order->choose(rows));
        QCOMPARE(rows.size(), std::size_t(10000));
        rows.push_back({"/", "one more", 5, 0});
        QVERIFY(!order->choose(rows));
        QCOMPARE(rows.size(), std::size_t(10000));
        QCOMPARE(rows.front().members, std::int64_t(9999));
    }

    void byNameAPageIsEnough() {
        RoomsRequest request;
        request.limit = 2;
        const auto order = RoomOrder::create(request);
        QVERIFY(order);
        std::vector<RoomRow> rows{{"/", "c", 1, 0}, {"/", "a", 1, 0}, {"/", "d", 1, 0}, {"/", "b", 1, 0}};
        QVERIFY(order->choose(rows));
        const auto page = order->page(rows);
        QCOMPARE(page.rows.size(), std::size_t(2));
        QCOMPARE(page.rows.back().room, std::string("b"));
        QVERIFY(!page.cursor.empty());
        request.cursor = page.cursor;
        const auto next = RoomOrder::create(request);
        QVERIFY(next);
        std::vector<RoomRow> again{{"/", "c", 1, 0}, {"/", "a", 1, 0}, {"/", "b", 1, 0}};
        QVERIFY(next->choose(again));
        QCOMPARE(again.size(), std::size_t(1));
        QVERIFY(next->page(again).cursor.empty());
    }
};

QTEST_APPLESS_MAIN(TestRoomListing)
#include "tst_room_listing.moc"
