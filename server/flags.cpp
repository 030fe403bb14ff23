// SPDX-License-Identifier: Apache-2.0
#include "server/flags.h"
#include <fmt/format.h>

namespace server {

namespace {

constexpr Flag Flags[] = {
    {"--listen", 0, "ADDRESS", "listen.clients",
     "Where clients connect: HOST:PORT or unix:PATH, several by commas; port 0: any"},
    {"--ops", 0, "ADDRESS", "listen.ops", "Where health, metrics and the admin channel are"},
    {"--redis", 0, "URL", "redis.url", "Redis that joins the nodes, for example redis://127.0.0.1:6379"},
    {"--node-id", 0, "NAME", "node.id", "Name of this node in the cluster"},
    {"--shards", 0, "NUMBER", "node.shards", "Worker threads; 0: one per core"},
    {"--log-level", 0, "LEVEL", "log.level", "trace, debug, info, warn, error or off"},
    {"--log-format", 0, "FORMAT", "log.format", "text or json"},
    {"--config", 0, "FILE", "", "Configuration file; default /etc/weirkeeper/node.toml"},
    {"--set", 0, "KEY=VALUE", "", "Any setting: section.key=value; may be given again"},
    {"--check-config", 0, "", "", "Check the configuration and end"},
    {"--print-config", 0, "", "", "Print every setting with its origin and end"},
    {"--help", 'h', "", "", "Print this help and end"},
    {"--version", 'V', "", "", "Print versions and end"},
};

constexpr ExitCode ExitCodes[] = {
    {0, "ended as it was asked to"},
    {64, "usage: the command line cannot be understood"},
    {69, "another node runs under the same id"},
    {70, "internal error"},
    {71, "an address cannot be bound"},
    {78, "the configuration is wrong"},
};

} // namespace

std::span<const Flag> nodeFlags() {
    return Flags;
}

std::span<const ExitCode> nodeExitCodes() {
    return ExitCodes;
}

std::string nodeHelp() {
    std::string out = "Usage: weir-node [OPTION]...\n"
                      "Weirkeeper's node: serves WebSocket and Socket.IO clients, alone or in a cluster.\n\n";
    for (const auto& flag : Flags) {
        const auto letter = flag.letter != 0 ? fmt::format("-{}, ", flag.letter) : std::string(4, ' ');
        out += fmt::format("  {}{:<24} {}\n", letter, fmt::format("{} {}", flag.name, flag.value), flag.help);
    }
    out += "\nSettings come from the file, then the environment (WEIR_SECTION_KEY), then flags, of which the "
           "last\n"
           "word about a setting wins. SIGHUP reads file and environment again; see weir-node.toml(5).\n"
           "Exit codes:";
    for (const auto& exit : ExitCodes)
        out += fmt::format("\n  {:<3} {}", exit.code, exit.meaning);
    return out + "\n";
}

} // namespace server
