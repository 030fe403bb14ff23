// SPDX-License-Identifier: GPL-3.0-or-later
// What was typed after `weirctl`, once it was understood. Plain values, any thread.
#pragma once
#include <optional>
#include <string>
#include <vector>

namespace console {

struct Words {
    std::vector<std::string> operands;
    // where to
    std::vector<std::string> nodes;
    std::string tokenFile;
    std::string caFile, pin; ///< whom to trust
    bool isFleet = false;
    // how it is shown
    bool isJson = false;
    bool isWatching = false; ///< --wait, --watch
    // what
    std::string filter, sort, room, reason, level, since, redis;
    std::string space = "/";
    std::optional<double> limit, seconds, sample;
    std::optional<double> rate_per_s, deadline_s, grace_s;
    std::optional<double> mostLost_percent, relative, absolute;
    bool isForEverybody = false;
    bool isDryRun = false;
    bool mayReconnect = false;
    bool isSure = false; ///< --yes
};

} // namespace console
