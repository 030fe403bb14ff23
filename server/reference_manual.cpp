// SPDX-License-Identifier: Apache-2.0
#include "server/config_table.h"
#include "server/flags.h"
#include "server/reference_pages.h"
#include <fmt/format.h>

namespace server {

namespace {

std::string begin(std::string_view title, std::string_view section) {
    return fmt::format(".\\\" SPDX-License-Identifier: Apache-2.0\n"
                       ".\\\" Made by weir-reference from the tables in the source; change those.\n"
                       ".Dd November 25, 2026\n.Dt {} {}\n.Os\n",
                       title, section);
}

/// Plain words as lines of a manual: one sentence a line, nothing of them taken for a request.
std::string lines(std::string_view text) {
    std::string out;
    const auto beginLine = [&out](char c) {
        if (c == '.' || c == '\'')
            out += "\\&";
    };
    bool isNewLine = true;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (isNewLine)
            beginLine(text[i]);
        isNewLine = text[i] == '.' && i + 1 < text.size() && text[i + 1] == ' ';
        if (text[i] == '\\')
            out += "\\e";
        else
            out += text[i];
        if (isNewLine) {
            out += '\n';
            ++i; // the blank
        }
    }
    return out + "\n";
}

/// Text lines of at most 80 columns; requests stay as they are.
std::string wrapped(std::string_view page) {
    constexpr std::size_t Columns = 80;
    std::string out;
    while (!page.empty()) {
        auto line = page.substr(0, page.find('\n'));
        page.remove_prefix(line.size() + 1);
        while (line.size() > Columns && !line.starts_with('.')) {
            const auto end = line.rfind(' ', Columns);
            if (end == std::string_view::npos || line[end + 1] == '.' || line[end + 1] == '\'')
                break;
            out.append(line.substr(0, end)).push_back('\n');
            line.remove_prefix(end + 1);
        }
        out.append(line).push_back('\n');
    }
    return out;
}

std::string argument(std::string_view value) {
    return value.empty() ? std::string() : fmt::format(" Ar {}", value);
}

} // namespace

std::string programManual() {
    std::string out =
        begin("WEIR-NODE", "8") +
        ".Sh NAME\n.Nm weir-node\n.Nd serve WebSocket and Socket.IO clients, alone or in a cluster\n"
        ".Sh SYNOPSIS\n.Nm\n";
    for (const auto& flag : nodeFlags())
        if (!flag.key.empty() || flag.name == "--config" || flag.name == "--set")
            out += fmt::format(".Op Fl {}{}{}\n", flag.name.substr(1), argument(flag.value),
                               flag.name == "--set" ? " ..." : "");
    for (const auto* word : {"check-config", "print-config", "help", "version"})
        out += fmt::format(".Nm\n.Fl -{}\n", word);
    out += ".Sh DESCRIPTION\n.Nm\n"
           "holds the connections of Socket.IO and plain JSON clients, and delivers what is published to a "
           "room to\n"
           "its members here and on the other nodes of the cluster, which Redis joins.\n"
           ".Pp\nIt runs in the foreground and logs to standard error: under systemd in the form that the "
           "journal "
           "takes,\nwithout times and with priorities.\n"
           ".Pp\nThe client listener answers\n.Pa /health\nand\n.Pa /ready ;\nthe ops listener these and\n"
           ".Pa /metrics ,\nand serves the console and\n.Xr weirctl 1\nat\n.Pa /admin .\n"
           ".Pp\nAt the first SIGTERM or SIGINT the node refuses newcomers, asks its clients to go elsewhere "
           "and ends "
           "when\nnone is left, or at the drain's deadline; at the second it ends at once.\n"
           "At SIGHUP it reads file and environment again and takes over what may change while it runs, or "
           "nothing at\n"
           "all when one value is wrong.\n"
           ".Sh OPTIONS\nThe last word about a setting wins, whichever option says it.\n.Bl -tag -width Ds\n";
    for (const auto& flag : nodeFlags()) {
        const auto letter = flag.letter != 0 ? fmt::format("Fl {} , ", flag.letter) : std::string();
        out += fmt::format(".It {}Fl {}{}\n", letter, flag.name.substr(1), argument(flag.value));
        out += lines(fmt::format(
            "{}.{}", flag.help, flag.key.empty() ? "" : fmt::format(" Short for the setting {}.", flag.key)));
    }
    out +=
        ".El\n.Sh ENVIRONMENT\n.Bl -tag -width Ds\n"
        ".It Ev WEIR_SECTION_KEY\nAny setting: node.id is\n.Ev WEIR_NODE_ID .\nLists are joined by commas.\n"
        ".It Ev WEIR_ADMIN_TOKEN\nA token that grants the role operator on the admin channel.\n"
        ".It Ev RUNTIME_DIRECTORY , XDG_RUNTIME_DIR\nWhere the run directory is.\n"
        ".It Ev JOURNAL_STREAM , NOTIFY_SOCKET , WATCHDOG_USEC\nSet by systemd.\n.El\n"
        ".Sh FILES\n.Bl -tag -width Ds\n.It Pa /etc/weirkeeper/node.toml\nThe configuration, see\n"
        ".Xr weir-node.toml 5 .\nIt may be missing.\n"
        ".It Pa /run/weirkeeper\nThe run directory of a node that runs as root; else\n"
        ".Pa $XDG_RUNTIME_DIR/weirkeeper\nor\n.Pa ~/.cache/weirkeeper/run .\n"
        "While a node runs, its\n.Pa ops-PORT.json\nthere names it, and\n.Pa ops-PORT.token\n"
        "holds a token for this machine when no other was configured.\n.El\n.Sh EXIT STATUS\n.Bl -tag -width "
        "Ds\n";
    for (const auto& exit : nodeExitCodes())
        out += fmt::format(".It {}\n{}", exit.code, lines(fmt::format("{}.", exit.meaning)));
    out += ".El\n.Sh EXAMPLES\nAlone, for clients of this machine:\n"
           ".Dl weir-node --listen 127.0.0.1:7400\n.Pp\nOne of a cluster:\n"
           ".Dl weir-node --redis redis://10.0.0.5:6379 --node-id a\n.Pp\nWhat is wrong with a file:\n"
           ".Dl weir-node --check-config --config node.toml\n.Pp\nTake over a changed file:\n"
           ".Dl systemctl reload weir-node\n"
           ".Sh SEE ALSO\n.Xr weirctl 1 ,\n.Xr weir-node.toml 5\n";
    return wrapped(out);
}

std::string configurationManual() {
    std::string out =
        begin("WEIR-NODE.TOML", "5") +
        ".Sh NAME\n.Nm weir-node.toml\n.Nd settings of weir-node\n"
        ".Sh SYNOPSIS\n.Pa /etc/weirkeeper/node.toml\n"
        ".Sh DESCRIPTION\nThe file is TOML: sections with keys.\nWeaker than the file is what is built in, "
        "stronger "
        "are the environment and the options of\n.Xr weir-node 8 .\n"
        "A key that does not exist, or a value that is not allowed, keeps the node from starting.\n"
        "Units are in the names; 0 means no limit or off unless the text says otherwise.\n"
        ".Pp\nSettings marked\n.Em live\nare taken over by a running node at SIGHUP, and can be changed "
        "until the "
        "next restart with\n.Ic weirctl config set .\n"
        ".Sh OPTIONS\n";
    for (const auto section : sections()) {
        out += fmt::format(".Ss [{}]\n.Bl -tag -width Ds\n", section);
        for (const auto& row : settingRows()) {
            const auto dot = row.key.find('.');
            if (row.key.substr(0, dot) != section)
                continue;
            const bool isLater = row.availability == Availability::NotInThisVersion;
            out += fmt::format(".It Va {}\n{}", row.key.substr(dot + 1), lines(fmt::format("{}.", row.help)));
            out += lines(fmt::format("Default: {}.", settingText(row, Settings{})));
            out += isLater ? "This version takes only the default.\n"
                           : lines(fmt::format("Allowed: {}.", allowedText(row)));
            if (row.liveness == Liveness::Live)
                out += ".Em Live .\n";
        }
        out += ".El\n";
    }
    out += ".Ss [[rooms]]\nRules for rooms, any number; the first that matches a room's name counts.\n"
           ".Bl -tag -width Ds\n";
    for (const auto& each : roomKeys())
        out += fmt::format(".It Va {}\n{}", each.key, lines(each.help));
    out += ".El\n.Sh FILES\n.Bl -tag -width Ds\n.It Pa /etc/weirkeeper/node.toml\nRead when no other file is "
           "named.\n"
           ".It Pa admin.token_file\nOperators, one a line: NAME ROLE TOKEN.\nThe role is viewer or "
           "operator.\n.El\n"
           ".Sh EXAMPLES\n.Bd -literal -offset indent\n[listen]\nclients = [\"0.0.0.0:7400\", "
           "\"unix:/run/weirkeeper/clients.sock\"]\n\n[redis]\nurl = \"redis://10.0.0.5:6379\"\n\n[limits]\n"
           "rooms_per_session = 100\n.Ed\n"
           ".Sh SEE ALSO\n.Xr weirctl 1 ,\n.Xr weir-node 8\n";
    return wrapped(out);
}

} // namespace server
