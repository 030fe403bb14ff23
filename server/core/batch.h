// SPDX-License-Identifier: Apache-2.0
// Messages of one room that its members get as one event, `batch-update`. Made once for a room on a shard,
// before any dialect. Shard thread. Described in resources/docs/batching.md.
#pragma once
#include "server/core/message.h"
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace server {

class Room;

class Batch {
public:
    static constexpr std::string_view EventName = "batch-update";

    /// A message of the same room, without attachments, that names only members in `except`.
    void add(const Message& message);
    std::size_t size() const { return m_parts.size(); }
    shared::Bytes bytes() const { return shared::Bytes(m_bytes); } ///< of its text
    /// Names that stand in the messages' `except`, each once.
    std::vector<std::string_view> except() const;
    /// What everybody gets who is not named in except().
    MessagePtr whole() const;
    /// What this member gets; null when nothing is left for it.
    MessagePtr without(std::string_view member) const;

private:
    struct Part {
        std::string text; // one element of the array
        std::vector<RoomName> except;
    };

    std::vector<Part> m_parts;
    std::size_t m_bytes = 0;
    Message m_head; // what the messages have in common, without arguments
};

/// The batches of a shard that are still filled: one a room at most, of bounded text, and all together too.
/// Knows rooms by their addresses only.
class OpenBatches {
public:
    static constexpr shared::Bytes Most = shared::Bytes::kibi(256);     ///< one
    static constexpr shared::Bytes MostInAll = shared::Bytes::mebi(64); ///< all of them

    enum class State : std::uint8_t { Waits, Full };
    State add(Room& room, const Message& message, TimePoint now);
    /// Null when the room has none.
    std::unique_ptr<Batch> take(Room& room);
    bool areTooLarge() const { return m_bytes > MostInAll.count(); }
    std::size_t size() const { return m_order.size(); }
    /// The one that is due first, and when; nothing without any.
    std::optional<std::pair<TimePoint, Room*>> first() const;

private:
    struct Open {
        std::unique_ptr<Batch> batch;
        TimePoint due;
    };
    std::unordered_map<Room*, Open> m_open;
    std::set<std::pair<TimePoint, Room*>> m_order;
    std::size_t m_bytes = 0;
};

} // namespace server
