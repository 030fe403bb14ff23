// SPDX-License-Identifier: Apache-2.0
// What crosses threads: the mails of shards, bus and main. Values and shared_ptr<const …> only.
#pragma once
#include "server/core/mailbox.h"
#include "server/core/message.h"
#include "server/core/room_listing.h"
#include "server/core/settings.h"
#include "server/core/tls_identity.h"
#include "server/core/tracer.h"
#include "shared/admin_protocol.h"
#include "shared/close_reasons.h"
#include "shared/filter.h"
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace server {

/// An operating system's socket, owned by whoever holds it; -1 is none.
using Descriptor = std::intptr_t;

// To a shard
// ---------------------------------------------------------------------------------------------------
/// Handover. Refused: the acceptor closes the descriptor.
struct Arrived {
    Descriptor descriptor = -1;
    std::string address;
    std::uint16_t port = 0;
};
/// Traffic.
struct Deliver {
    MessagePtr message;
};
/// What is asked of a shard; each is answered by exactly one Answer to main.
struct ListAsk {
    std::shared_ptr<const shared::Filter> filter;
    shared::admin::SortKey sort = shared::admin::SortKey::Id;
    bool descending = false;
    std::string cursor;
    int limit = 100;
};
struct DetailsAsk {
    std::uint64_t number = 0; ///< of the connection on this shard
};
struct EvictAsk {
    std::vector<std::uint64_t> numbers;           ///< or, when empty:
    std::shared_ptr<const shared::Filter> filter; ///< everybody it matches
    int limit = 0;                                ///< at most so many this time; 0: all
    bool reconnect = false;                       ///< they may come back
    bool dryRun = false;
    std::string by{}; ///< the operator's token name
};
/// Closes up to `count` sessions with reason draining, oldest first, each after its own jittered hint.
struct DrainAsk {
    std::int64_t count = 0;
    std::chrono::milliseconds spread{0}; ///< the hint's after_ms lies in [0, spread]
    std::string by{};                    ///< the operator's token name
};
struct RoomsAsk {
    std::shared_ptr<const RoomOrder> order;
};
struct RoomAsk {
    NamespaceName nsp;
    RoomName room;
};
/// An operator's message: each shard says how many members it has for it, and one of them publishes it.
struct PublishAsk {
    MessagePtr message;
    bool isPublisher = false;
};
struct ClosedAsk {
    std::shared_ptr<const shared::Filter> filter;
    std::int64_t since_ms = 0;
    int limit = 100;
};
/// One that is watched: as it is now, or why it went.
struct SampleAsk {
    std::uint64_t number = 0; ///< of the connection on this shard
};
using Question = std::variant<ListAsk, DetailsAsk, EvictAsk, DrainAsk, RoomsAsk, RoomAsk, PublishAsk,
                              ClosedAsk, SampleAsk>;
struct Ask {
    std::uint64_t id = 0;
    Question what;
};
/// State: no new sessions any more (or again).
struct Admit {
    bool isOpen = true;
};
/// State: settings that changed while the node runs. The newest whole; a shard takes it over as it is.
struct Configure {
    std::shared_ptr<const Settings> settings;
};
/// State, key "certificate": clients that come from now on are shown this one.
struct Certify {
    TlsIdentityPtr identity;
};
/// State, key "traces": those that run, all of them.
struct TraceMail {
    std::vector<TraceSpec> traces;
};
/// State: close everything at once and end the thread.
struct StopShard {};
using ShardMail = std::variant<Arrived, Deliver, Ask, Admit, Configure, Certify, TraceMail, StopShard>;
using ShardBox = Mailbox<ShardMail>;

// To the bus
// ---------------------------------------------------------------------------------------------------
/// Traffic: to the other nodes.
struct PublishMail {
    MessagePtr message;
};
/// State: what the registry should say of this node.
struct BeatMail {
    shared::admin::ClusterNode row;
};
struct StopBus {};
using BusMail = std::variant<PublishMail, BeatMail, StopBus>;
using BusBox = Mailbox<BusMail>;

// To main
// ------------------------------------------------------------------------------------------------------
struct Answer {
    std::uint64_t ask = 0;
    std::uint16_t shard = 0;
    std::vector<shared::admin::ConnectionRow> rows; ///< list (sorted), dry run sample
    std::optional<shared::admin::ConnectionDetails> details;
    std::optional<shared::admin::ConnectionSample> sample;
    std::vector<shared::admin::ClosedRow> gone; ///< newest first
    std::int64_t forgottenBefore_ms = 0;        ///< of those that have gone
    std::vector<shared::admin::RoomRow> rooms;  ///< of this shard
    std::int64_t matched = 0; ///< lists: before paging, a room by its first shard alone; evict;
                              ///< publish: members it reaches
    std::int64_t closed = 0;  ///< evict, drain
    std::int64_t left = 0;    ///< drain: sessions still open after it
    bool isPartial = false;
    bool isOverloaded = false; ///< publish: a mailbox refused it
};
/// State, key "cluster": the registry as last read.
struct ClusterMail {
    std::vector<shared::admin::ClusterNode> nodes;
};
/// State, key "duplicate": another node runs under our id; who and where.
struct DuplicateMail {
    std::string sentence;
};
/// Traffic: what a shard saw for those who trace.
struct TracedMail {
    std::vector<TraceLines> traces;
};
struct ThreadEnded {
    std::string name;
};
using MainMail = std::variant<Answer, ClusterMail, DuplicateMail, TracedMail, ThreadEnded>;
using MainBox = Mailbox<MainMail>;

} // namespace server
