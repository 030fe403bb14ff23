// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/bus.h"
#include "server/cluster/adapters.h"
#include <QtCore/QEventLoop>
#include <QtCore/QThread>
#include <QtCore/QTimer>
#include <spdlog/spdlog.h>
#include <thread>

namespace server {

using shared::Metric;
using shared::admin::RedisState;

namespace {

constexpr std::chrono::seconds TickInterval{1};
/// Errors come in floods: one line in this time, the rest is only counted.
constexpr std::chrono::seconds LineInterval{1};

template <class... Cases>
struct Overloaded : Cases... {
    using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

} // namespace

struct BusThread::Inner final : AdapterHost {
    Inner(BusWorld given, BusBox& ownBox, Counters& ownCounters)
        : world(std::move(given)), box(ownBox), counters(ownCounters) {}

    BusWorld world;
    BusBox& box;
    Counters& counters;
    std::thread thread;
    struct Lines {
        TimePoint nextAt{};
        std::uint64_t unsaid = 0;
    };
    Lines redisLines, otherLines;

    // AdapterHost
    void messageReceived(Message message) override { world.router.receive(std::move(message), counters); }
    void redisStateChanged(RedisState state) override {
        const auto before = world.router.redis.exchange(state, std::memory_order_relaxed);
        counters.set(Metric::RedisUp, state == RedisState::Up ? 1 : 0);
        if (before == state)
            return;
        if (state == RedisState::Up) // that it is away, and why, the adapter says
            spdlog::info("Redis is up");
    }
    void clusterChanged(std::vector<shared::admin::ClusterNode> nodes) override {
        world.main.postState("cluster", ClusterMail{std::move(nodes)});
    }
    void duplicateFound(std::string sentence) override {
        world.main.postState("duplicate", DuplicateMail{std::move(sentence)});
    }
    void errorSeen(shared::ErrorKind kind, std::string sentence) override {
        counters.add(Metric::ErrorsTotal, kind);
        // Garbage on a channel must not hide that Redis went away.
        Lines& lines = kind == shared::ErrorKind::RedisError ? redisLines : otherLines;
        const TimePoint now = world.clock.now();
        if (now < lines.nextAt) {
            ++lines.unsaid;
            return;
        }
        if (lines.unsaid > 0)
            spdlog::warn("{} ({} more since the last such line)", sentence, lines.unsaid);
        else
            spdlog::warn("{}", sentence);
        lines = Lines{now + LineInterval, 0};
    }

    void tick() {
        const auto sinceStart = world.clock.now().time_since_epoch();
        counters.tickedAt_ms.store(std::chrono::duration_cast<std::chrono::milliseconds>(sinceStart).count(),
                                   std::memory_order_relaxed);
    }

    void run() {
        if (world.makeDispatcher)
            if (QAbstractEventDispatcher* const dispatcher = world.makeDispatcher())
                QThread::currentThread()->setEventDispatcher(dispatcher);
        QEventLoop loop; // makes Qt's own dispatcher where none was set
        auto made = makeAdapter(world.settings, *this, counters, world.clock);
        if (!made)
            errorSeen(shared::ErrorKind::RedisError, made.error().message);
        Adapter* const adapter = made ? made->get() : nullptr;
        QTimer timer;
        QObject::connect(&timer, &QTimer::timeout, &timer, [this] { tick(); });
        timer.start(TickInterval);
        tick();
        if (adapter)
            adapter->start();
        box.attach([adapter, &loop](BusMail& mail) {
            std::visit(Overloaded{[adapter](PublishMail& publish) {
                                      if (adapter)
                                          adapter->publish(std::move(publish.message));
                                  },
                                  [adapter](BeatMail& beat) {
                                      if (adapter)
                                          adapter->announce(beat.row);
                                  },
                                  [adapter, &loop](StopBus&) {
                                      if (adapter)
                                          adapter->stop();
                                      loop.quit();
                                  }},
                       mail);
        });
        loop.exec();
        box.detach();
        world.router.redis.store(world.settings.redis.url.empty() ? RedisState::None : RedisState::Away,
                                 std::memory_order_relaxed);
    }
};

BusThread::BusThread(BusWorld world, BusBox& box, Counters& counters)
    : m_inner(std::make_unique<Inner>(std::move(world), box, counters)) {}

BusThread::~BusThread() {
    stop();
}

void BusThread::start() {
    m_inner->thread = std::thread([this] { m_inner->run(); });
}

void BusThread::stop() {
    if (!m_inner->thread.joinable())
        return;
    m_inner->box.postState("stop", StopBus{});
    m_inner->thread.join();
}

} // namespace server
