// SPDX-License-Identifier: Apache-2.0
// A message's arguments and stamp as members of a JSON object: the JSON dialect and batches write them alike.
// Any thread.
#pragma once
#include "server/core/message.h"
#include <string>
#include <string_view>

namespace server {

/// Appends `,"data":` and the first argument, and where there are more (Node servers send such) `,"rest":[…]`
/// with the others; nothing when there is none. `args`: JSON texts joined by commas.
void appendDataMembers(std::string& out, std::string_view args);
/// Appends `"seq":1,"origin":"…","ts":1`.
void appendStampMembers(std::string& out, const Stamp& stamp);

} // namespace server
