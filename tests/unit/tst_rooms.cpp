// SPDX-License-Identifier: Apache-2.0
#include "server/core/rooms.h"
#include "server/core/router.h"
#include <QtTest/QTest>
#include <algorithm>
#include <deque>
#include <map>

using namespace server;
using shared::Metric;

namespace {

/// Time passes only by being told to, or by `step` at each look.
class FakeClock final : public Clock {
public:
    TimePoint now() const override { return m_now += step; }
    std::chrono::microseconds step{0};

private:
    mutable TimePoint m_now{std::chrono::hours(1)};
};

struct Delivered {
    std::string member, event;
    auto operator<=>(const Delivered&) const = default;
};
using Log = std::vector<Delivered>;

class Recorder final : public Recipient {
public:
    void deliver(Member& member, Delivery& delivery) override {
        log.push_back({member.id.text(), delivery.message().event});
    }
    Log log;
    std::vector<std::string> members(const std::string& event) const {
        std::vector<std::string> found;
        for (const auto& [member, name] : log)
            if (name == event)
                found.push_back(member);
        std::sort(found.begin(), found.end());
        return found;
    }
};

struct World {
    explicit World()
        : box(MailboxLimits{100, 100, shared::Bytes::mebi(1)}), router(Settings{}, {&box}, nullptr) {}
    shared::MetricCatalog catalog{1, {"v", "c", "q"}};
    Counters counters{catalog};
    FakeClock clock;
    ShardBox box;
    Router router;
    Recorder recorder;
    std::deque<Member> members; // before the rooms that point to them
    Rooms rooms{ShardIndex(0), router, counters, clock};

    Member& add(const std::string& id, const std::vector<std::string>& in = {}, const char* nsp = "/") {
        Member& member = members.emplace_back();
        member.id = MemberId(id);
        member.nsp = NamespaceName(nsp);
        member.recipient = &recorder;
        rooms.add(member);
        for (const auto& room : in)
            rooms.join(member, RoomName(room));
        return member;
    }
    void publish(const std::string& event, const std::vector<std::string>& to,
                 const std::vector<std::string>& except = {}, const char* nsp = "/") {
        auto message = std::make_shared<Message>();
        message->nsp = NamespaceName(nsp);
        message->event = event;
        for (const auto& room : to)
            message->rooms.emplace_back(room);
        for (const auto& room : except)
            message->except.emplace_back(room);
        rooms.deliver(std::move(message));
    }
    int deliverAll() {
        int slices = 1;
        while (rooms.deliverSlice() == SliceOutcome::MoreLeft)
            ++slices;
        return slices;
    }
    std::int64_t number(Metric metric, std::size_t ordinal = 0) const {
        return counters.number(catalog.index(metric, ordinal));
    }
};

using Names = std::vector<std::string>;

} // namespace

Q_DECLARE_METATYPE(Names)

class TestRooms : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void reach_data() {
        QTest::addColumn<Names>("to");
        QTest::addColumn<Names>("except");
        QTest::addColumn<Names>("reached");
        // a: red, b: red blue, c: blue, d: none; and one more in another namespace.
        QTest::newRow("everybody") << Names{} << Names{} << Names{"a", "b", "c", "d"};
        QTest::newRow("one room") << Names{"red"} << Names{} << Names{"a", "b"};
        QTest::newRow("two rooms, each once") << Names{"red", "blue"} << Names{} << Names{"a", "b", "c"};
        QTest::newRow("a room named twice") << Names{"red", "red"} << Names{} << Names{"a", "b"};
        QTest::newRow("nobody's room") << Names{"green"} << Names{} << Names{};
        QTest::newRow("a room and nobody's") << Names{"green", "blue"} << Names{} << Names{"b", "c"};
        QTest::newRow("implied room") << Names{"d"} << Names{} << Names{"d"};
        QTest::newRow("implied room twice") << Names{"d", "d"} << Names{} << Names{"d"};
        QTest::newRow("implied room of a member of the room")
            << Names{"red", "b"} << Names{} << Names{"a", "b"};
        QTest::newRow("implied room beside a room") << Names{"red", "d"} << Names{} << Names{"a", "b", "d"};
        QTest::newRow("without the sender") << Names{"red"} << Names{"a"} << Names{"b"};
        QTest::newRow("everybody without the sender") << Names{} << Names{"a"} << Names{"b", "c", "d"};
        QTest::newRow("without a room") << Names{} << Names{"blue"} << Names{"a", "d"};
        QTest::newRow("without a room and a sender") << Names{} << Names{"blue", "d"} << Names{"a"};
        QTest::newRow("two rooms without one") << Names{"red", "blue"} << Names{"red"} << Names{"c"};
        QTest::newRow("to oneself without oneself") << Names{"d"} << Names{"d"} << Names{};
        QTest::newRow("without strangers") << Names{"red"} << Names{"x", "nowhere"} << Names{"a", "b"};
        QTest::newRow("a member of another namespace") << Names{"other"} << Names{} << Names{};
    }
    void reach() {
        QFETCH(Names, to);
        QFETCH(Names, except);
        World world;
        world.add("a", {"red"});
        world.add("b", {"red", "blue"});
        world.add("c", {"blue"});
        world.add("d");
        world.add("other", {"red", "blue"}, "/admin");
        world.publish("event", to, except);
        world.deliverAll();
        QTEST(world.recorder.members("event"), "reached");
    }

    void joinsAndLeaves() {
        World world;
        Member& a = world.add("a");
        QVERIFY(world.rooms.join(a, RoomName("red")) == JoinOutcome::Joined);
        QVERIFY(world.rooms.join(a, RoomName("red")) == JoinOutcome::AlreadyIn);
        QVERIFY(world.rooms.join(a, RoomName("a")) == JoinOutcome::AlreadyIn);
        QVERIFY(world.rooms.isIn(a, RoomName("a")));
        QVERIFY(world.rooms.isIn(a, RoomName("red")));
        QVERIFY(!world.rooms.isIn(a, RoomName("blue")));
        QCOMPARE(world.rooms.roomsOf(a), std::vector{RoomName("red")});
        QCOMPARE(world.rooms.roomCount(), std::size_t(1));
        QCOMPARE(world.number(Metric::Rooms), 1);
        QVERIFY(world.rooms.find(NamespaceName("/"), MemberId("a")) == &a);
        QVERIFY(!world.rooms.find(NamespaceName("/admin"), MemberId("a")));
        QVERIFY(world.rooms.leave(a, RoomName("red")));
        QVERIFY(!world.rooms.leave(a, RoomName("red")));
        QCOMPARE(world.rooms.roomCount(), std::size_t(0));
        QCOMPARE(world.number(Metric::Rooms), 0);
        world.rooms.join(a, RoomName("red"));
        world.rooms.remove(a);
        QCOMPARE(world.rooms.memberCount(), std::size_t(0));
        QCOMPARE(world.rooms.roomCount(), std::size_t(0));
        QVERIFY(!world.rooms.find(NamespaceName("/"), MemberId("a")));
    }

    /// Somebody may sit in a room that is named after another member.
    void guestOfAnImpliedRoom() {
        World world;
        world.add("a");
        world.add("b", {"a"});
        world.publish("event", {"a"});
        world.deliverAll();
        QCOMPARE(world.recorder.members("event"), (Names{"a", "b"}));
    }

    void slices_data() {
        QTest::addColumn<int>("members");
        QTest::addColumn<int>("step_us"); // that each look at the clock takes
        QTest::addColumn<int>("atMost");  // deliveries of the first slice
        QTest::newRow("by recipients") << 2000 << 0 << 512;
        QTest::newRow("by time") << 2000 << 1000 << 128;
        QTest::newRow("small") << 100 << 0 << 100;
    }
    void slices() {
        QFETCH(int, members);
        QFETCH(int, step_us);
        QFETCH(int, atMost);
        World world;
        for (int i = 0; i < members; ++i)
            world.add("m" + std::to_string(i), {"all"});
        world.clock.step = std::chrono::microseconds(step_us);
        world.publish("event", {"all"});
        const auto outcome = world.rooms.deliverSlice();
        QVERIFY(int(world.recorder.log.size()) <= atMost);
        QVERIFY(int(world.recorder.log.size()) > atMost - 65);
        QVERIFY((outcome == SliceOutcome::MoreLeft) == (members > atMost));
        world.deliverAll();
        QCOMPARE(world.recorder.log.size(), std::size_t(members));
        QCOMPARE(std::size_t(std::adjacent_find(world.recorder.log.begin(), world.recorder.log.end()) -
                             world.recorder.log.begin()),
                 world.recorder.log.size());
    }

    void largeRoomDoesNotHoldBackSmallOnes() {
        World world;
        for (int i = 0; i < 5000; ++i)
            world.add("m" + std::to_string(i), {"large"});
        for (int i = 0; i < 10; ++i)
            world.add("s" + std::to_string(i), {"small" + std::to_string(i)});
        world.publish("large", {"large"});
        world.rooms.deliverSlice();
        for (int i = 0; i < 10; ++i)
            world.publish("small", {"small" + std::to_string(i)});
        world.rooms.deliverSlice(); // the large one's turn
        world.rooms.deliverSlice();
        QCOMPARE(world.recorder.members("small").size(), std::size_t(10));
        QVERIFY(world.recorder.members("large").size() < 2000);
        world.deliverAll();
        QCOMPARE(world.recorder.members("large").size(), std::size_t(5000));
    }

    void orderWithinARoom() {
        World world;
        for (int i = 0; i < 700; ++i)
            world.add("m" + std::to_string(i), {"red", i % 2 ? "odd" : "even"});
        for (int i = 0; i < 9; ++i)
            world.publish(std::to_string(i), i % 3 == 0   ? Names{"red"}
                                             : i % 3 == 1 ? Names{"odd", "red"}
                                                          : Names{"even", "red"});
        world.deliverAll();
        std::map<std::string, std::string> seen;
        for (const auto& [member, event] : world.recorder.log)
            seen[member] += event;
        QCOMPARE(seen.size(), std::size_t(700));
        for (const auto& [member, events] : seen)
            QCOMPARE(events, std::string("012345678"));
    }

    /// Messages to pairs of rooms that overlap: each member once for each message, none lost.
    void severalRoomsAtOnce() {
        World world;
        for (int i = 0; i < 3000; ++i) {
            Names in;
            for (int room = 0; room < 4; ++room)
                if (i % (room + 2) == 0)
                    in.push_back("r" + std::to_string(room));
            world.add("m" + std::to_string(i), in);
        }
        for (int a = 0; a < 4; ++a)
            for (int b = 0; b < 4; ++b)
                world.publish(std::to_string(a) + std::to_string(b),
                              {"r" + std::to_string(a), "r" + std::to_string(b)});
        world.deliverAll();
        for (int a = 0; a < 4; ++a)
            for (int b = 0; b < 4; ++b) {
                std::size_t expected = 0;
                for (int i = 0; i < 3000; ++i)
                    expected += i % (a + 2) == 0 || i % (b + 2) == 0 ? 1 : 0;
                const auto got = world.recorder.members(std::to_string(a) + std::to_string(b));
                QCOMPARE(got.size(), expected);
                QVERIFY(std::adjacent_find(got.begin(), got.end()) == got.end());
            }
    }

    void leavingDuringADelivery_data() {
        QTest::addColumn<int>("every"); // who leaves after the first slice
        QTest::addColumn<bool>("isRemoved");
        QTest::addColumn<Names>("rooms");
        for (const int every : {1, 2, 3, 7}) {
            const auto name = std::to_string(every);
            QTest::newRow(("leave " + name).c_str()) << every << false << Names{"red"};
            QTest::newRow(("remove " + name).c_str()) << every << true << Names{"red"};
            QTest::newRow(("remove from everybody " + name).c_str()) << every << true << Names{};
            QTest::newRow(("remove from two " + name).c_str()) << every << true << Names{"red", "blue"};
        }
    }
    void leavingDuringADelivery() {
        QFETCH(int, every);
        QFETCH(bool, isRemoved);
        QFETCH(Names, rooms);
        World world;
        for (int i = 0; i < 1500; ++i)
            world.add("m" + std::to_string(i), {"red", "blue"});
        world.publish("event", rooms);
        world.rooms.deliverSlice();
        const auto first = world.recorder.members("event");
        for (int i = 0; i < 1500; i += every) {
            Member& member = world.members[std::size_t(i)];
            if (isRemoved)
                world.rooms.remove(member);
            else
                world.rooms.leave(member, RoomName("red"));
        }
        const auto before = world.recorder.log.size();
        world.deliverAll();
        const auto got = world.recorder.members("event");
        QVERIFY(std::adjacent_find(got.begin(), got.end()) == got.end()); // nobody twice
        for (int i = 0; i < 1500; ++i) {
            const auto id = "m" + std::to_string(i);
            const bool isReached = std::binary_search(got.begin(), got.end(), id);
            if (i % every != 0)
                QVERIFY2(isReached, id.c_str()); // nobody who stayed is skipped
            else
                QCOMPARE(isReached,
                         std::binary_search(first.begin(), first.end(), id)); // and none who left comes later
        }
        QVERIFY(world.recorder.log.size() >= before);
        if (every == 1)
            QCOMPARE(world.rooms.roomCount(), std::size_t(isRemoved ? 0 : 1));
    }

    void joiningDuringADelivery() {
        World world;
        for (int i = 0; i < 1000; ++i)
            world.add("m" + std::to_string(i), {"red"});
        world.publish("event", {"red"});
        world.rooms.deliverSlice();
        world.add("late", {"red"});
        world.rooms.leave(world.members[0], RoomName("red"));
        world.rooms.join(world.members[0], RoomName("red"));
        world.deliverAll();
        const auto got = world.recorder.members("event");
        QVERIFY(got.size() >= 1000);
        for (int i = 1; i < 1000; ++i)
            QVERIFY(std::binary_search(got.begin(), got.end(), "m" + std::to_string(i)));
    }

    /// A room that empties while it has messages is made again by who joins next.
    void emptiedAndFilledAgain() {
        World world;
        Member& a = world.add("a", {"red"});
        world.publish("1", {"red"});
        world.publish("2", {"red"});
        world.rooms.leave(a, RoomName("red"));
        Member& b = world.add("b", {"red"});
        world.deliverAll();
        QVERIFY(world.recorder.members("1").size() <= 1);
        world.rooms.remove(b);
        QCOMPARE(world.rooms.roomCount(), std::size_t(0));
        world.add("c", {"red"});
        world.publish("3", {"red"});
        world.deliverAll();
        QCOMPARE(world.recorder.members("3"), (Names{"c"}));
    }

    void queueIsBounded() {
        World world;
        world.add("a", {"red"});
        for (int i = 0; i < 100010; ++i)
            world.publish("event", {"red"});
        QCOMPARE(world.number(Metric::DropsTotal, std::size_t(shared::DropReason::Overloaded)), 10);
        world.deliverAll();
        QCOMPARE(world.recorder.log.size(), std::size_t(100000));
        world.publish("event", {"red"});
        world.deliverAll();
        QCOMPARE(world.recorder.log.size(), std::size_t(100001));
    }

    void fanoutIsCounted() {
        World world;
        for (int i = 0; i < 5; ++i)
            world.add("m" + std::to_string(i), {"red"});
        world.publish("event", {"red"}, {"m0"});
        world.publish("event", {"m1"});
        world.deliverAll();
        const auto* cells = world.counters.cells(world.catalog.index(Metric::FanoutMembers));
        QCOMPARE(cells->at(4), std::uint64_t(1));
        QCOMPARE(cells->at(1), std::uint64_t(1));
    }

    /// What the router heard: a message from elsewhere reaches the shard's box only while the room has
    /// members.
    void routerIsToldOfFirstAndLast() {
        World world;
        Member& a = world.add("a", {"red"});
        Member& b = world.add("b", {"red"});
        const auto arrives = [&world] {
            Message message;
            message.rooms.emplace_back("red");
            // One mail of the box's one hundred is used up by each accepted post.
            const auto refused = world.box.refused();
            world.router.receive(std::move(message), world.counters);
            return world.box.refused() == refused;
        };
        int accepted = 0;
        while (accepted < 200 && arrives())
            ++accepted;
        QCOMPARE(accepted, 100);
        world.rooms.leave(a, RoomName("red"));
        QVERIFY(!arrives()); // still posted, and refused: the box is full
        world.rooms.remove(b);
        QVERIFY(arrives()); // not posted at all
    }
};

QTEST_GUILESS_MAIN(TestRooms)
#include "tst_rooms.moc"
