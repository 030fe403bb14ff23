// SPDX-License-Identifier: Apache-2.0
#include "server/core/router.h"
#include <QtCore/QHash>
#include <QtCore/QRandomGenerator>
#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <mutex>
#include <spdlog/spdlog.h>
#include <tsl/robin_map.h>

namespace server {
namespace {

constexpr int StripeBits = 6;
constexpr std::size_t Stripes = std::size_t(1) << StripeBits;
constexpr std::size_t IdLength = 20;
constexpr std::string_view Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint64_t SampleEvery = 64; // messages between two whose delivery is timed
constexpr std::chrono::minutes StampIdle{10};

constexpr std::size_t LongestShown = 256; // of a name in a log line

/// Counters of one shard; beyond it all begin again under a new epoch.
constexpr std::size_t MostPaths = 200000;

/// Seeded: names come from clients.
struct KeyHash {
    std::size_t operator()(std::string_view text) const {
        return qHashBits(text.data(), text.size(), QHashSeed::globalSeed());
    }
};
template <class Value>
using KeyMap = tsl::robin_map<std::string, Value, KeyHash>;

/// A namespace's name holds no NUL, so the two cannot run into one another.
std::string key(const NamespaceName& nsp, const RoomName& room) {
    std::string text;
    text.reserve(nsp.text().size() + 1 + room.text().size());
    text.append(nsp.text()).push_back('\0');
    text.append(room.text());
    return text;
}

/// A message's way from node to node, for who looks for it by origin and seq. Names and sizes, never what was
/// said. Costs one comparison when debug lines are off.
void logPassage(std::string_view what, const Message& message) {
    if (!spdlog::should_log(spdlog::level::debug))
        return;
    const auto& stamp = message.stamp;
    spdlog::debug("origin={} seq={} {}: event {} to room {} of {}{}, {} bytes",
                  stamp ? std::string_view(stamp->origin) : std::string_view("-"), stamp ? stamp->seq : 0,
                  what, message.event.substr(0, LongestShown),
                  message.rooms.empty()
                      ? std::string_view("(all)")
                      : std::string_view(message.rooms.front().text()).substr(0, LongestShown),
                  std::string_view(message.nsp.text()).substr(0, LongestShown),
                  message.rooms.size() > 1 ? fmt::format(" and {} more rooms", message.rooms.size() - 1) : "",
                  message.args.size());
}

bool looksLikeId(std::string_view text) {
    return text.size() == IdLength && text.find_first_not_of(Alphabet) == std::string_view::npos;
}

/// `*` stands for any run of characters, `?` for any one; everything else for itself.
bool matchesGlob(std::string_view glob, std::string_view text) {
    std::size_t g = 0, t = 0, star = std::string_view::npos, mark = 0;
    while (t < text.size()) {
        if (g < glob.size() && glob[g] == '*') {
            star = g++;
            mark = t;
        } else if (g < glob.size() && (glob[g] == text[t] || glob[g] == '?')) {
            ++g;
            ++t;
        } else if (star != std::string_view::npos) {
            g = star + 1;
            t = ++mark;
        } else {
            return false;
        }
    }
    return glob.find_first_not_of('*', g) == std::string_view::npos;
}

} // namespace

ShardIndex shardOfId(std::string_view id) {
    const auto at = id.empty() ? std::string_view::npos : Alphabet.find(id.front());
    return ShardIndex(std::uint16_t(at == std::string_view::npos ? 0 : at));
}

std::string makeId(ShardIndex shard) {
    std::array<quint32, IdLength> random{};
    QRandomGenerator::system()->fillRange(random.data(), qsizetype(random.size()));
    std::string id(IdLength, '\0');
    id[0] = Alphabet[shard.value() % Alphabet.size()];
    for (std::size_t i = 1; i < IdLength; ++i)
        id[i] = Alphabet[random[i] % Alphabet.size()];
    return id;
}

struct Stamper::Inner {
    struct Path {
        std::uint64_t seq = 0;
        TimePoint usedAt;
    };
    std::string prefix;
    const Clock& clock;
    std::uint64_t epoch;
    std::string origin;
    KeyMap<Path> paths;
    TimePoint sweptAt;
    std::uint64_t published = 0;

    /// Forgetting a counter makes it begin again at 1: only a new epoch keeps that from looking like the
    /// past.
    void sweep(TimePoint now) {
        sweptAt = now;
        bool isForgotten = false;
        for (auto it = paths.begin(); it != paths.end();) {
            if (now - it->second.usedAt > StampIdle) {
                it = paths.erase(it);
                isForgotten = true;
            } else {
                ++it;
            }
        }
        if (isForgotten)
            beginAgain();
    }
    /// Every path of this shard begins again under the new epoch, each contiguous from 1.
    void beginAgain() {
        paths.clear();
        origin = prefix + std::to_string(++epoch);
    }
};

Stamper::Stamper(std::string node, ShardIndex shard, const Clock& clock)
    : m_inner(new Inner{node + "." + std::to_string(shard.value()) + ".",
                        clock,
                        std::uint64_t(clock.unixMs()),
                        {},
                        {},
                        clock.now()}) {
    m_inner->origin = m_inner->prefix + std::to_string(m_inner->epoch);
}
Stamper::~Stamper() = default;

bool Stamper::isSampled() {
    return m_inner->published++ % SampleEvery == 0;
}

Stamp Stamper::next(const NamespaceName& nsp, const RoomName& room) {
    const TimePoint now = m_inner->clock.now();
    if (now - m_inner->sweptAt > StampIdle)
        m_inner->sweep(now);
    if (m_inner->paths.size() >= MostPaths)
        m_inner->beginAgain();
    auto it = m_inner->paths.try_emplace(key(nsp, room)).first;
    it.value().usedAt = now;
    return Stamp{m_inner->origin, ++it.value().seq, m_inner->clock.unixMs()};
}

struct Router::Inner {
    struct Stripe {
        std::mutex mutex;
        KeyMap<std::uint64_t> shards; ///< guarded by mutex: one bit a shard (at most 64)
    };
    std::vector<ShardBox*> shards;
    BusBox* bus;
    std::vector<RoomRule> rules;
    std::array<Stripe, Stripes> stripes;

    /// By the hash's highest bits: the maps use the lowest ones.
    Stripe& stripe(const std::string& key) {
        return stripes[KeyHash()(key) >> (std::numeric_limits<std::size_t>::digits - StripeBits)];
    }
    std::uint64_t everyShard() const {
        return shards.size() >= 64 ? ~std::uint64_t(0) : (std::uint64_t(1) << shards.size()) - 1;
    }
    std::uint64_t shardsOf(const NamespaceName& nsp, const RoomName& room) {
        std::uint64_t mask = 0;
        const std::string name = key(nsp, room);
        {
            Stripe& place = stripe(name);
            const std::lock_guard lock(place.mutex);
            if (const auto it = place.shards.find(name); it != place.shards.end())
                mask = it->second;
        }
        // The room named after a member is implied: its name says which shard made it.
        if (looksLikeId(room.text()) && shardOfId(room.text()).value() < shards.size())
            mask |= std::uint64_t(1) << shardOfId(room.text()).value();
        return mask;
    }
    void applyRules(Message& message) const {
        for (const auto& room : message.rooms) {
            const auto rule = std::find_if(rules.begin(), rules.end(), [&room](const RoomRule& r) {
                return matchesGlob(r.match, room.text());
            });
            if (rule == rules.end())
                continue;
            message.showStamp = message.showStamp || rule->stamp;
            if (message.rooms.size() == 1) {
                message.batchSize = rule->batchSize;
                message.batchWindow = rule->batchWindow;
            }
        }
    }
};

Router::Router(const Settings& settings, std::vector<ShardBox*> shards, BusBox* bus) : m_inner(new Inner) {
    m_inner->shards = std::move(shards);
    m_inner->bus = bus;
    m_inner->rules = settings.rooms;
}
Router::~Router() = default;

void Router::roomOccupied(const NamespaceName& nsp, const RoomName& room, ShardIndex shard) {
    const std::string name = key(nsp, room);
    auto& stripe = m_inner->stripe(name);
    const std::lock_guard lock(stripe.mutex);
    stripe.shards[name] |= std::uint64_t(1) << shard.value();
}

void Router::roomVacated(const NamespaceName& nsp, const RoomName& room, ShardIndex shard) {
    const std::string name = key(nsp, room);
    auto& stripe = m_inner->stripe(name);
    const std::lock_guard lock(stripe.mutex);
    const auto it = stripe.shards.find(name);
    if (it == stripe.shards.end())
        return;
    it.value() &= ~(std::uint64_t(1) << shard.value());
    if (it->second == 0)
        stripe.shards.erase(it);
}

std::optional<ShardIndex> Router::firstShard(const NamespaceName& nsp, const RoomName& room) const {
    const std::string name = key(nsp, room);
    auto& stripe = m_inner->stripe(name);
    const std::lock_guard lock(stripe.mutex);
    const auto it = stripe.shards.find(name);
    if (it == stripe.shards.end())
        return std::nullopt;
    return ShardIndex(std::uint16_t(std::countr_zero(it->second)));
}

bool Router::deliver(const MessagePtr& message, Counters& counters) {
    std::uint64_t mask = message->rooms.empty() ? m_inner->everyShard() : 0;
    for (const auto& room : message->rooms)
        mask |= m_inner->shardsOf(message->nsp, room);
    bool isAccepted = true;
    for (; mask != 0; mask &= mask - 1) {
        ShardBox& box = *m_inner->shards[std::size_t(std::countr_zero(mask))];
        if (box.postTraffic(Deliver{message}, message->size()) == Posted::Refused) {
            counters.add(shared::Metric::MailboxRefusedTotal, shared::MailboxOf::Shard);
            isAccepted = false;
        }
    }
    return isAccepted;
}

Published Router::publish(Message message, Stamper& stamper, Counters& counters) {
    message.stamp = stamper.next(message.nsp, message.rooms.empty() ? RoomName() : message.rooms.front());
    m_inner->applyRules(message);
    Published published;
    published.seq = message.stamp->seq;
    const auto sharedMessage = std::make_shared<const Message>(std::move(message));
    logPassage("published", *sharedMessage);
    published.isOverloaded = !deliver(sharedMessage, counters);
    if (m_inner->bus) {
        if (m_inner->bus->postTraffic(PublishMail{sharedMessage}, sharedMessage->size()) == Posted::Refused) {
            counters.add(shared::Metric::MailboxRefusedTotal, shared::MailboxOf::Bus);
            published.isOverloaded = true;
        }
        published.isQueued = redis.load(std::memory_order_relaxed) == shared::admin::RedisState::Away;
    }
    return published;
}

void Router::receive(Message message, Counters& counters) {
    if (message.stamp && message.stamp->seq % SampleEvery == 1)
        message.sampledTs_ms = message.stamp->ts_ms;
    m_inner->applyRules(message);
    const auto sharedMessage = std::make_shared<const Message>(std::move(message));
    logPassage("received", *sharedMessage);
    if (!deliver(sharedMessage, counters))
        counters.add(shared::Metric::DropsTotal, shared::DropReason::Overloaded);
}

} // namespace server
