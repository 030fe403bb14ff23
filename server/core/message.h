// SPDX-License-Identifier: Apache-2.0
// What a room gets: immutable once made, shared by all shards, never dialect-specific. Any thread.
#pragma once
#include "server/core/clock.h"
#include "shared/types.h"
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace server {

using shared::MemberId;
using shared::NamespaceName;
using shared::NodeId;
using shared::RoomName;
using shared::ShardIndex;

/// Where a message came from and its place in that path: contiguous per (namespace, room, origin).
struct Stamp {
    std::string origin; ///< NODE.SHARD.EPOCH
    std::uint64_t seq = 0;
    std::int64_t ts_ms = 0; ///< Unix time of the publish
};

struct Message {
    NamespaceName nsp{"/"};
    std::vector<RoomName> rooms;  ///< empty: everybody in the namespace
    std::vector<RoomName> except; ///< members of these do not get it (usually the sender's implied room)
    std::string event;            ///< UTF-8, decoded
    /// The arguments as JSON text, joined by commas, byte for byte as the sender wrote them; may be empty.
    /// Attachments stand as {"_placeholder":true,"num":N} in it.
    std::string args;
    std::vector<std::string> attachments;
    std::optional<Stamp> stamp; ///< absent: from a foreign server
    bool isVolatile = false;    ///< dropped for a client that has anything queued
    bool compress = true;
    bool showStamp = false; ///< Socket.IO clients get {seq, origin, ts} as last argument ([[rooms]] stamp)
    /// How many messages of the room go out as one, and how long the first may wait for the others ([[rooms]]
    /// batch_size, batch_ms); 0: each by itself.
    std::int64_t batchSize = 0;
    std::chrono::milliseconds batchWindow{0};
    /// delivery_seconds is measured on one message in 64: when a publish was decoded here, or the stamp's
    /// ts_ms of one that came over the adapter.
    std::optional<TimePoint> decodedAt;
    std::optional<std::int64_t> sampledTs_ms;

    /// What it costs in a queue.
    shared::Bytes size() const {
        std::size_t bytes = sizeof(Message) + event.size() + args.size();
        for (const auto& attachment : attachments)
            bytes += attachment.size();
        return shared::Bytes(bytes);
    }
};

using MessagePtr = std::shared_ptr<const Message>;

} // namespace server
