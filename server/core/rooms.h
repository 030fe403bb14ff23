// SPDX-License-Identifier: Apache-2.0
// Members and rooms of one shard, and the deliveries to them in slices. Shard thread only.
#pragma once
#include "server/core/counters.h"
#include "server/core/member.h"
#include "server/core/message.h"
#include <chrono>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace server {

class Router;

enum class JoinOutcome : std::uint8_t { Joined, AlreadyIn };
enum class SliceOutcome : std::uint8_t { Finished, MoreLeft };

struct LocalRoom {
    NamespaceName nsp;
    RoomName room;
    std::size_t members = 0;
    double messagesPerSecond = 0; ///< that came for it, decaying over 10 s
};

/// Order within a room is kept: a room has one message under way at a time, further ones wait in its queue;
/// slices go round robin over the rooms that have work. A member that joins during a delivery may or may not
/// get it; one that left never does. A message to several rooms reaches each member once, and waits for its
/// turn in each of them. A room with batchSize keeps its messages until they are so many, or so old, that
/// they are queued as one; what cannot wait among them sends them ahead.
class Rooms {
public:
    /// Tells `router` when the first member of a room comes and the last one goes.
    Rooms(ShardIndex shard, Router& router, Counters& counters, const Clock& clock);
    ~Rooms();
    Rooms(const Rooms&) = delete;
    Rooms& operator=(const Rooms&) = delete;

    /// The member stays where it is in memory until remove(). Its id must be unique.
    void add(Member& member);
    void remove(Member& member);
    JoinOutcome join(Member& member, const RoomName& room);
    /// False when it was not in.
    bool leave(Member& member, const RoomName& room);
    bool isIn(const Member& member, const RoomName& room) const;
    std::vector<RoomName> roomsOf(const Member& member) const;
    Member* find(const NamespaceName& nsp, const MemberId& id) const;
    std::size_t memberCount() const;
    std::size_t roomCount() const;
    std::optional<LocalRoom> row(const NamespaceName& nsp, const RoomName& room) const;
    /// A walk in slices: visits at most `most` rooms that have members, below the place `from` (AllRooms at
    /// first), and answers where to go on; 0: that was all. Between two slices rooms may come, which are
    /// missed, and go, after which another may be met twice.
    static constexpr std::size_t AllRooms = std::numeric_limits<std::size_t>::max();
    std::size_t visitRooms(std::size_t from, std::size_t most,
                           const std::function<void(const LocalRoom&)>& visitor) const;
    /// Members that a message to these would reach: of the room, or of the whole namespace when it is empty.
    std::size_t memberCount(const NamespaceName& nsp, const RoomName& room) const;

    /// Queues a message, or keeps it for its room's batch; deliverSlice() carries out what is queued.
    void deliver(MessagePtr message);
    /// When the first batch that is open has waited long enough; nothing when none is.
    std::optional<TimePoint> nextBatch() const;
    /// Queues the batches that have waited long enough.
    void closeBatches(TimePoint now);
    static constexpr std::size_t SliceRecipients = 512;
    static constexpr std::chrono::milliseconds SliceTime{2};
    /// At most so many recipients or 2 ms, whichever comes first.
    SliceOutcome deliverSlice(std::size_t recipients = SliceRecipients);

private:
    struct Inner;
    std::unique_ptr<Inner> m_inner;
};

} // namespace server
