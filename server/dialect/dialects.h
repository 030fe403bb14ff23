// SPDX-License-Identifier: Apache-2.0
// The table of dialects. Immutable: any thread.
#pragma once
#include "server/core/dialect.h"
#include <span>

namespace server {

std::span<const Dialect* const> dialects();
/// Engine.IO 4 with Socket.IO 5 in it.
const Dialect& socketIoDialect();
/// One JSON object a frame.
const Dialect& jsonDialect();

} // namespace server
