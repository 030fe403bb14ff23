// SPDX-License-Identifier: Apache-2.0
#include "tests/load/server_use.h"
#include <fstream>
#include <sstream>
#include <string>

namespace {

constexpr double TicksPerSecond = 100; // USER_HZ, the same on every Linux

std::string content(int process, const char* file) {
    std::ifstream stream("/proc/" + std::to_string(process) + "/" + file);
    std::stringstream text;
    text << stream.rdbuf();
    return text.str();
}

} // namespace

ServerUse serverUse(const std::vector<int>& processes) {
    ServerUse sum;
    for (const int process : processes) {
        const std::string stat = content(process, "stat");
        // The name in parentheses may hold anything.
        std::istringstream fields(stat.substr(std::min(stat.rfind(')') + 1, stat.size())));
        std::string field;
        double user = 0, system = 0;
        for (int i = 0; i < 11; ++i)
            fields >> field;
        if (fields >> user >> system) {
            sum.userSeconds += user / TicksPerSecond;
            sum.systemSeconds += system / TicksPerSecond;
        }
        std::istringstream memory(content(process, "smaps_rollup"));
        for (std::string line; std::getline(memory, line);)
            if (line.starts_with("Rss:"))
                sum.residentBytes += 1024 * std::stod(line.substr(4));
    }
    return sum;
}
