// SPDX-License-Identifier: Apache-2.0
// A message between nodes in the wire form of Socket.IO's Redis adapter. Pure functions, any thread.
#pragma once
#include "server/core/message.h"
#include "shared/result.h"
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace server {

/// Six random characters: names one adapter on the wire, so that it knows its own echoes.
std::string makeUid();

/// msgpack [uid, {type, data: [event, args…], nsp}, {rooms, except, flags}, {s, o, t}]: seq, origin and ts
/// are ours and left out when the message has no stamp. Fails when the arguments are no JSON.
shared::Result<std::string> encodeEnvelope(const Message& message, std::string_view uid);
/// PREFIX#N#, or PREFIX#N#ROOM# when it is for exactly one room.
std::string channelOf(const Message& message, std::string_view keyPrefix);
/// `text` as a glob of Redis that matches nothing else.
std::string escapeGlob(std::string_view text);
/// All channels of broadcasts in `nsp`, for PSUBSCRIBE.
std::string patternOf(std::string_view keyPrefix, std::string_view nsp);

/// Why a good envelope is not delivered.
enum class Ignored : std::uint8_t {
    OwnEcho,        ///< published under our own uid
    OtherNamespace, ///< two names share a prefix
    OtherPacket     ///< no event
};
using Opened = std::variant<Message, Ignored>;
/// Builds the message as the bytes are read, without a tree. An own echo costs the reading of its uid only.
/// At most 16 MB, 256 attachments and 32 levels of arguments; a claimed size allocates nothing.
shared::Result<Opened> decodeEnvelope(std::string_view bytes, std::string_view ownUid,
                                      const NamespaceName& nsp);

} // namespace server
