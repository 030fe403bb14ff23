// SPDX-License-Identifier: Apache-2.0
// What the way of a message costs before any member: finding its shards, posting it, and who comes and goes.
#include "server/core/router.h"
#include <benchmark/benchmark.h>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace server;

constexpr MailboxLimits Wide{1u << 20, 0, shared::Bytes::mebi(512)};
constexpr int Rooms = 1000;
constexpr int MostWaiting = 10000; ///< nobody takes them out, and a mailbox with millions is another thing

class StoppedClock final : public Clock {
public:
    TimePoint now() const override { return TimePoint(std::chrono::hours(1)); }
    std::int64_t unixMs() const override { return 1700000000000; }
};

RoomName roomNamed(int number) {
    return RoomName("room:" + std::to_string(number));
}

/// A node of so many shards, each with members in every room.
struct World {
    explicit World(int shards) {
        std::vector<ShardBox*> pointers;
        for (int i = 0; i < shards; ++i) {
            boxes.push_back(std::make_unique<ShardBox>(Wide));
            pointers.push_back(boxes.back().get());
        }
        router = std::make_unique<Router>(Settings{}, pointers, nullptr);
        for (int room = 0; room < Rooms; ++room)
            for (int shard = 0; shard < shards; ++shard)
                router->roomOccupied(root, roomNamed(room), ShardIndex(std::uint16_t(shard)));
    }
    const NamespaceName root{"/"};
    shared::MetricCatalog catalog{8, {"v", "c", "q"}};
    Counters counters{catalog};
    StoppedClock clock;
    std::vector<std::unique_ptr<ShardBox>> boxes;
    std::unique_ptr<Router> router;
    Stamper stamper{"node", ShardIndex(0), clock};
};

void publish(benchmark::State& state) {
    const int shards = int(state.range(0));
    auto world = std::make_unique<World>(shards);
    int count = 0;
    for (auto _ : state) {
        Message message;
        message.rooms.push_back(roomNamed(count % Rooms));
        message.event = "news";
        message.args = R"({"n":1})";
        benchmark::DoNotOptimize(world->router->publish(std::move(message), world->stamper, world->counters));
        if (++count % MostWaiting == 0) {
            state.PauseTiming();
            world = std::make_unique<World>(shards);
            state.ResumeTiming();
        }
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(publish)->ArgName("shards")->Arg(1)->Arg(2)->Arg(8);

/// The first member of a room comes, and goes again.
void occupy(benchmark::State& state) {
    World world(1);
    const RoomName room("a room of its own");
    for (auto _ : state) {
        world.router->roomOccupied(world.root, room, ShardIndex(0));
        world.router->roomVacated(world.root, room, ShardIndex(0));
    }
}
BENCHMARK(occupy);

void stamp(benchmark::State& state) {
    World world(1);
    std::vector<RoomName> rooms;
    for (int room = 0; room < Rooms; ++room)
        rooms.push_back(roomNamed(room));
    std::size_t count = 0;
    for (auto _ : state)
        benchmark::DoNotOptimize(world.stamper.next(world.root, rooms[count++ % Rooms]));
}
BENCHMARK(stamp);

void idOfAMember(benchmark::State& state) {
    for (auto _ : state)
        benchmark::DoNotOptimize(makeId(ShardIndex(1)));
}
BENCHMARK(idOfAMember);

} // namespace
