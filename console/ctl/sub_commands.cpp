// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/ctl/sub_commands.h"
#include "console/ctl/runs.h"
#include <algorithm>
#include <cassert>
#include <sstream>

namespace console {

namespace {

const OptionRow Common[] = {
    {"--node", "URL",
     "Admin channel of a node, ws://HOST:7401/admin, HOST:PORT, or the id of one on this machine",
     &Words::nodes},
    {"--all", "", "All nodes of the cluster that this token may reach", &Words::isFleet},
    {"--token-file", "FILE", "File whose first line is the token", &Words::tokenFile, "FILE"},
    {"--ca", "FILE", "PEM file of the authorities to trust at wss:// addresses", &Words::caFile, "FILE"},
    {"--pin", "PIN", "The one certificate to trust there: sha256: and its fingerprint", &Words::pin},
    {"--json", "", "JSON on stdout: one object, or one a line for what goes on", &Words::isJson},
};

const OptionRow Own[] = {
    {"--filter", "F", "Only connections that match, for example 'room=lobby idle>10m'", &Words::filter},
    {"--sort", "KEY", "Order of the rows; a leading - turns it round", &Words::sort,
     "id since idle queue rooms rtt in_rate out_rate name members messages_per_s"},
    {"--limit", "N", "Most rows (100); 0: all", &Words::limit},
    {"--since", "TIME", "Only what is younger, for example 90s, 15m, 2h, 1d", &Words::since},
    {"--watch", "", "Follow one connection, a line a second", &Words::isWatching},
    {"--wait", "", "Watch until it has ended; Ctrl-C stops the watching alone", &Words::isWatching},
    {"--rate", "R", "Connections a second", &Words::rate_per_s},
    {"--deadline", "S", "Seconds after which the rest is closed", &Words::deadline_s},
    {"--grace", "S", "Seconds between /ready turning 503 and the first close", &Words::grace_s},
    {"--dry-run", "", "Only show what would be closed", &Words::isDryRun},
    {"--reconnect", "", "Clients may come back at once", &Words::mayReconnect},
    {"--reason", "TEXT", "Why, for the audit", &Words::reason},
    {"--yes", "", "Do not ask", &Words::isSure},
    {"--room", "NAME", "The room that gets it", &Words::room},
    {"--everybody", "", "Every member of the namespace gets it", &Words::isForEverybody},
    {"--namespace", "NAME", "The namespace (/)", &Words::space},
    {"--seconds", "S", "For how long (60)", &Words::seconds},
    {"--sample", "P", "The part of the events that is shown, above 0 and at most 1", &Words::sample},
    {"--level", "LEVEL", "The least severe line (info)", &Words::level, "trace debug info warn error"},
    {"--max-lost-percent", "P", "Stop when more clients are lost (1)", &Words::mostLost_percent},
    {"--relative", "X", "Act on nodes above X times the mean (1.1)", &Words::relative},
    {"--absolute", "N", "Act on nodes this many above the mean (1000)", &Words::absolute},
    {"--redis", "URL",
     "Redis to look at, redis://[:PASSWORD@]HOST:PORT (WEIR_REDIS_URL, else the node's own)", &Words::redis},
};

const SubCommand Table[] = {
    {"nodes",
     "",
     0,
     0,
     "",
     "The nodes of the cluster, as each asked node knows them",
     {},
     Reach::Every,
     &runNodes},
    {"status", "", 0, 0, "", "State, load and Redis of each node", {}, Reach::Every, &runStatus},
    {"top", "", 0, 0, "", "A live table of nodes; q ends it", {}, Reach::Every, &runTop},
    {"connections",
     "[ID]",
     0,
     1,
     "",
     "Open connections, or all that is known of one",
     {"--filter", "--sort", "--limit", "--watch"},
     Reach::Every,
     &runConnections},
    {"rooms",
     "[ROOM]",
     0,
     1,
     "",
     "Rooms with their members and rates",
     {"--filter", "--sort", "--limit", "--namespace"},
     Reach::Every,
     &runRooms},
    {"evict",
     "[ID...]",
     0,
     10000,
     "",
     "Close connections, by filter or by id",
     {"--filter", "--dry-run", "--rate", "--reconnect", "--reason", "--yes", "--wait"},
     Reach::Acts,
     &runEvict},
    {"drain",
     "",
     0,
     0,
     "",
     "Refuse newcomers and close all clients at a rate",
     {"--rate", "--deadline", "--grace", "--wait"},
     Reach::Acts,
     &runDrain},
    {"resume", "", 0, 0, "", "Take clients again; a running drain is aborted", {}, Reach::Acts, &runResume},
    {"publish",
     "EVENT [DATA]",
     1,
     2,
     "",
     "Send one event to a room; DATA is JSON, - reads it from stdin",
     {"--room", "--everybody", "--namespace"},
     Reach::Acts,
     &runPublish},
    {"operations",
     "[list | get ID | watch ID | abort ID]",
     0,
     2,
     "list get watch abort",
     "Drains and evictions, and their end",
     {},
     Reach::Every,
     &runOperations},
    {"closed",
     "",
     0,
     0,
     "",
     "Connections that have left, and why",
     {"--filter", "--since", "--limit"},
     Reach::Every,
     &runClosed},
    {"trace",
     "",
     0,
     0,
     "",
     "Decoded events of matching connections as they happen",
     {"--filter", "--seconds", "--sample"},
     Reach::Every,
     &runTrace},
    {"rolling-drain",
     "[NODE...]",
     0,
     256,
     "",
     "Drain node after node, each after the last is back",
     {"--rate", "--max-lost-percent"},
     Reach::Acts,
     &runRollingDrain},
    {"rebalance",
     "",
     0,
     0,
     "",
     "Move clients from full nodes to empty ones",
     {"--rate", "--relative", "--absolute"},
     Reach::Acts,
     &runRebalance},
    {"config",
     "get [KEY] | set KEY VALUE",
     1,
     3,
     "get set",
     "Settings with their origin; set holds until a restart",
     {},
     Reach::Every,
     &runConfig},
    {"audit", "", 0, 0, "", "Who did what, newest first", {"--since", "--limit"}, Reach::Every, &runAudit},
    {"log", "", 0, 0, "", "Log lines as they are written", {"--level"}, Reach::Every, &runLog},
    {"doctor",
     "",
     0,
     0,
     "",
     "What is wrong with nodes and machine, and the command that mends it",
     {"--redis"},
     Reach::Every,
     &runDoctor},
};

} // namespace

std::span<const OptionRow> commonOptions() {
    return Common;
}

std::span<const OptionRow> ownOptions() {
    return Own;
}

const OptionRow& option(std::string_view name) {
    const auto found =
        std::find_if(std::begin(Own), std::end(Own), [&](const auto& row) { return row.name == name; });
    assert(found != std::end(Own));
    return *found;
}

std::span<const SubCommand> subCommands() {
    return Table;
}

const SubCommand* findSubCommand(std::string_view name) {
    const auto found =
        std::find_if(std::begin(Table), std::end(Table), [&](const auto& row) { return row.name == name; });
    return found == std::end(Table) ? nullptr : found;
}

std::vector<std::string> words(std::string_view spaced) {
    std::istringstream stream{std::string(spaced)};
    std::vector<std::string> all;
    for (std::string word; stream >> word;)
        all.push_back(word);
    return all;
}

} // namespace console
