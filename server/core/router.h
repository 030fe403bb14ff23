// SPDX-License-Identifier: Apache-2.0
// Which shards have members of which room, and the way of a message to them and to the other nodes. Any
// thread.
#pragma once
#include "server/core/counters.h"
#include "server/core/mail.h"
#include "server/core/message.h"
#include "server/core/settings.h"
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace server {

/// Sequence numbers of one shard: contiguous per (namespace, room); a counter unused for 10 minutes begins
/// again under a new epoch, so that memory stays bounded. Shard thread only.
class Stamper {
public:
    Stamper(std::string node, ShardIndex shard, const Clock& clock);
    ~Stamper();
    Stamp next(const NamespaceName& nsp, const RoomName& room);
    /// True for one publish of this shard in 64: its delivery is timed.
    bool isSampled();

private:
    struct Inner;
    std::unique_ptr<Inner> m_inner;
};

struct Published {
    std::uint64_t seq = 0;
    bool isQueued = false;     ///< Redis is away: the others get it only if it is back in time
    bool isOverloaded = false; ///< a mailbox refused; receivers see the gap by seq
};

class Router {
public:
    /// `shards` and `bus` outlive the router; `bus` is null for a node that runs alone.
    Router(const Settings& settings, std::vector<ShardBox*> shards, BusBox* bus);
    ~Router();
    Router(const Router&) = delete;
    Router& operator=(const Router&) = delete;

    /// First and last member of a room on a shard. One of 64 stripes is held for the look-up.
    void roomOccupied(const NamespaceName& nsp, const RoomName& room, ShardIndex shard);
    void roomVacated(const NamespaceName& nsp, const RoomName& room, ShardIndex shard);

    /// The lowest shard with members of a room, so that a room on several shards is counted by one of them.
    std::optional<ShardIndex> firstShard(const NamespaceName& nsp, const RoomName& room) const;

    /// From a member of this node: to the shards with members, and to the other nodes. Shard thread;
    /// `stamper` and `counters` are that shard's own.
    Published publish(Message message, Stamper& stamper, Counters& counters);
    /// From another node, as the adapter decoded it (its own echoes already dropped). Bus thread.
    void receive(Message message, Counters& counters);

    /// Whether the adapter reaches the others; set by the bus.
    std::atomic<shared::admin::RedisState> redis{shared::admin::RedisState::None};

private:
    bool deliver(const MessagePtr& message, Counters& counters);
    struct Inner;
    std::unique_ptr<Inner> m_inner;
};

/// The shard that made a member or session id: named by its first character. Foreign ids give any shard.
ShardIndex shardOfId(std::string_view id);
/// 20 characters of base64url; the first names the shard (at most 64), 19 are random (114 bits).
std::string makeId(ShardIndex shard);

} // namespace server
