// SPDX-License-Identifier: Apache-2.0
// Where log lines go: stderr, one line each, bounded in length, rate and queue. Set up and ended on main; any
// thread logs.
#pragma once
#include "server/core/settings.h"

namespace server {

/// Lines are handed to a writing thread through a bounded queue, so that a stuck stderr never stops a shard;
/// when the queue is full the oldest line goes.
void startLog(const LogSettings& settings);
/// Writes what is queued. Nothing may be logged afterwards.
void stopLog();

} // namespace server
