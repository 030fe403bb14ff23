// SPDX-License-Identifier: Apache-2.0
// A session's presence in one namespace: its public id and its seats in rooms. Lives on its shard's thread.
#pragma once
#include "server/core/dialect.h"
#include "server/core/message.h"
#include <array>
#include <cstdint>
#include <vector>

namespace server {

class Room;
struct Member;

/// A message on its way to members of this shard: encoded at most once per dialect, on first use.
class Delivery {
public:
    explicit Delivery(MessagePtr message) : m_message(std::move(message)) {}
    const Message& message() const { return *m_message; }
    const Frames& frames(const Dialect& dialect) {
        auto& slot = m_frames[dialect.index()];
        if (slot.empty()) {
            slot = dialect.encode(DeliverEvent{*m_message});
            for (const auto& frame : slot)
                frame->mayDeflate = m_message->compress;
        }
        return slot;
    }

private:
    MessagePtr m_message;
    std::array<Frames, DialectSlots> m_frames;
};

/// Who gets deliveries on behalf of a member: its session.
class Recipient {
public:
    virtual ~Recipient() = default;
    /// Must not add or remove members or seats synchronously (a close it causes is carried out later).
    virtual void deliver(Member& member, Delivery& delivery) = 0;
};

struct Member {
    MemberId id;
    NamespaceName nsp;
    Recipient* recipient = nullptr; ///< outlives the member
    /// Bookkeeping of Rooms: where it sits, so that leaving is O(1) each.
    struct Seat {
        Room* room = nullptr;
        std::uint32_t position = 0;
    };
    std::vector<Seat> seats;     ///< named rooms only; the implied one costs nothing
    std::uint32_t everybody = 0; ///< its position among all members of the namespace
    std::uint64_t visit = 0;     ///< mark of the last multi-room delivery that reached it
};

} // namespace server
