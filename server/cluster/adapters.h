// SPDX-License-Identifier: Apache-2.0
// Makes the adapter that the settings ask for. Bus thread.
#pragma once
#include "server/core/adapter.h"
#include "server/core/clock.h"
#include "server/core/counters.h"
#include "server/core/settings.h"
#include "shared/result.h"
#include <memory>
#include <string>

namespace server {

/// Without redis.url the embedded adapter, else Redis; a URL that cannot be served is refused with a sentence that
/// never holds its password. Everything given outlives the adapter.
shared::Result<std::unique_ptr<Adapter>> makeAdapter(const Settings& settings, const std::string& node,
                                                     AdapterHost& host, Counters& counters,
                                                     const Clock& clock);

} // namespace server
