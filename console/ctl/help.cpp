// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/ctl/sub_commands.h"
#include <algorithm>

namespace console {

namespace {

constexpr std::string_view Endings =
    "Exit codes: 0 fine, 64 usage, 65 bad input, 69 node unavailable, 75 try again (aborted, busy, or "
    "doctor\n"
    "found something), 77 not permitted, 130 Ctrl-C ended the watching. See weirctl(1).\n";

void addLine(std::string& text, std::string_view left, std::string_view right) {
    constexpr std::size_t Width = 24;
    text += "  ";
    text += left;
    text += left.size() < Width ? std::string(Width - left.size(), ' ') : "\n" + std::string(Width + 2, ' ');
    text += right;
    text += '\n';
}

void addOption(std::string& text, const OptionRow& row) {
    auto left = std::string(row.name);
    if (!row.value.empty())
        left += ' ' + std::string(row.value);
    addLine(text, left, row.help);
}

void addCommonOptions(std::string& text) {
    text += "\nCommon options:\n";
    for (const auto& row : commonOptions())
        addOption(text, row);
    addLine(text, "--help", "Print this help and end");
    addLine(text, "--version", "Print the version and end");
}

} // namespace

std::string helpText() {
    std::string text = "Usage: weirctl SUB-COMMAND [OPTION...]\n\n"
                       "Watch and steer Weirkeeper nodes from scripts. Without --node: the nodes that run on "
                       "this machine.\n\nSub-commands:\n";
    for (const auto& command : subCommands())
        addLine(text, command.name, command.help);
    addCommonOptions(text);
    return text + "\n'weirctl SUB-COMMAND --help' shows its own options.\n" + std::string(Endings);
}

std::string helpText(const SubCommand& command) {
    std::string text = "Usage: weirctl " + std::string(command.name);
    if (!command.operands.empty())
        text += ' ' + std::string(command.operands);
    text += " [OPTION...]\n\n" + std::string(command.help) + ".\n";
    if (!command.options.empty())
        text += "\nOptions:\n";
    for (const auto name : command.options)
        addOption(text, option(name));
    addCommonOptions(text);
    return text + '\n' + std::string(Endings);
}

} // namespace console
