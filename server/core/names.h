// SPDX-License-Identifier: Apache-2.0
// What clients and operators may call a room and an event. Any thread.
#pragma once
#include "server/core/message.h"
#include "server/core/settings.h"
#include "shared/result.h"
#include <optional>
#include <string>

namespace server {

/// Not empty, within limits.room_name_bytes, without control characters. Absent: it was no text.
shared::Result<RoomName> roomNamed(std::optional<std::string> text, const LimitSettings& limits);
/// 1 to 256 bytes, and none of the names that official clients and this node keep for themselves.
shared::Result<std::string> eventNamed(std::optional<std::string> text);

} // namespace server
