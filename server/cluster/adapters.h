// SPDX-License-Identifier: Apache-2.0
// Makes the adapter that the settings ask for. Bus thread.
#pragma once
#include "server/core/adapter.h"
#include "server/core/clock.h"
#include "server/core/counters.h"
#include "server/core/settings.h"
#include "shared/result.h"
#include <memory>

namespace server {

/// Whether makeAdapter() can serve the settings: a sentence that never holds a password. Any thread.
shared::Result<void> checkAdapter(const Settings& settings);
/// Without redis.url the embedded adapter, else Redis. Everything given outlives the adapter.
shared::Result<std::unique_ptr<Adapter>> makeAdapter(const Settings& settings, AdapterHost& host,
                                                     Counters& counters, const Clock& clock);

} // namespace server
