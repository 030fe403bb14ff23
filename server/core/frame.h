// SPDX-License-Identifier: Apache-2.0
// Bytes to or from one client. Encoded once and shared by all who get it, on one shard.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace server {

/// Ping goes to a client only and Pong comes from one: the WebSocket's own, for dialects without a heartbeat
/// of theirs.
enum class FrameKind : std::uint8_t { Text, Binary, Ping, Pong };

struct Frame;
using FramePtr = std::shared_ptr<const Frame>;

struct Frame {
    FrameKind kind = FrameKind::Text;
    std::string bytes;
    /// A compressed form: its payload for peers with this window, null where that would be no shorter.
    struct Deflated {
        int windowBits;
        FramePtr frame;
    };
    // A frame stays on its shard: whoever sends it there first keeps here what the others need too.
    mutable std::vector<Deflated> deflated{};
    mutable bool mayDeflate = true;
};
/// One message in one dialect: a text frame and its attachments, sent in this order with nothing between.
using Frames = std::vector<FramePtr>;

} // namespace server
