// SPDX-License-Identifier: Apache-2.0
// What waits to be written to one connection: shared frames in order, in nodes that the shard keeps and uses
// again. Shard thread.
#pragma once
#include "server/core/frame.h"
#include "server/net/websocket_codec.h"
#include <cstddef>
#include <deque>
#include <span>
#include <vector>

namespace server {

/// The nodes of all queues of one shard: nothing is allocated for a recipient once there are enough of them.
/// Outlives the queues.
class FrameStore {
public:
    struct Node {
        FramePtr frame;
        Node* next = nullptr;
        std::size_t written = 0; ///< of head and payload
        Opcode opcode = Opcode::Text;
        Compression compression = Compression::None;
    };
    Node& take(FramePtr frame, Opcode opcode, Compression compression);
    void giveBack(Node& node);
    std::size_t size() const { return m_nodes.size(); } ///< of all that were ever needed at once

private:
    std::deque<Node> m_nodes; ///< never fewer again: as many as have waited at once
    Node* m_free = nullptr;
};

class Outgoing {
public:
    Outgoing() = default;
    Outgoing(const Outgoing&) = delete;
    Outgoing& operator=(const Outgoing&) = delete;

    void push(FrameStore& store, FramePtr frame, Opcode opcode, Compression compression = Compression::None);
    bool isEmpty() const { return m_first == nullptr; }
    /// With their heads, less what was written.
    std::size_t bytes() const { return m_bytes; }

    /// Copies whole small frames to the front of `into` until it is full or a large one follows, and gives
    /// the bytes; 0: the first one is large, or there is none.
    std::size_t gather(std::span<char> into) const;
    /// The first frame in two pieces, head and payload, without what was written of it.
    struct Pieces {
        FrameHead head;
        std::size_t headFrom; ///< of its bytes
        std::string_view payload;
    };
    Pieces first() const; ///< not when empty
    void written(FrameStore& store, std::size_t bytes);
    void clear(FrameStore& store);

private:
    FrameStore::Node* m_first = nullptr;
    FrameStore::Node* m_last = nullptr;
    std::size_t m_bytes = 0;
};

} // namespace server
