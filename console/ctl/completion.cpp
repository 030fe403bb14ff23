// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/ctl/sub_commands.h"

namespace console {

namespace {

/// Common and own options of one sub-command.
std::vector<const OptionRow*> optionsOf(const SubCommand& command) {
    std::vector<const OptionRow*> rows;
    for (const auto name : command.options)
        rows.push_back(&option(name));
    for (const auto& row : commonOptions())
        rows.push_back(&row);
    return rows;
}

std::string joined(const std::vector<const OptionRow*>& rows) {
    std::string text;
    for (const auto* row : rows)
        text += std::string(row->name) + ' ';
    return text + "--help --version";
}

std::string bash() {
    std::string names;
    for (const auto& command : subCommands())
        names += std::string(names.empty() ? "" : " ") + std::string(command.name);
    std::string text =
        "# bash completion of weirctl\n_weirctl() {\n"
        "    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command= i\n"
        "    COMPREPLY=()\n"
        "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
        "        case ${COMP_WORDS[i]} in\n"
        "            -*) ;;\n"
        "            *) [[ \" " +
        names +
        " \" == *\" ${COMP_WORDS[i]} \"* ]] && command=${COMP_WORDS[i]} && break ;;\n"
        "        esac\n    done\n    case $previous in\n";
    const auto value = [&](const OptionRow& row) {
        if (row.value.empty())
            return;
        text += "        " + std::string(row.name) + ") ";
        if (row.choices == "FILE")
            text += "mapfile -t COMPREPLY < <(compgen -f -- \"$word\")";
        else if (!row.choices.empty())
            text += "mapfile -t COMPREPLY < <(compgen -W '" + std::string(row.choices) + "' -- \"$word\")";
        text += std::string(row.choices.empty() ? "" : "; ") + "return ;;\n";
    };
    for (const auto& row : commonOptions())
        value(row);
    for (const auto& row : ownOptions())
        value(row);
    text += "    esac\n    local words=\n    case $command in\n        '') words='" + names + ' ';
    for (const auto& row : commonOptions())
        text += std::string(row.name) + ' ';
    text += "--help --version' ;;\n";
    for (const auto& command : subCommands())
        text += "        " + std::string(command.name) + ") words='" +
                (command.choices.empty() ? "" : std::string(command.choices) + ' ') +
                joined(optionsOf(command)) + "' ;;\n";
    return text + "    esac\n    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n}\n"
                  "complete -F _weirctl weirctl\n";
}

/// In single quotes, for zsh and fish.
std::string quoted(std::string_view text) {
    std::string result = "'";
    for (const char c : text)
        result += c == '\'' ? "'\\''" : std::string(1, c);
    return result + "'";
}

/// A help text inside an _arguments row, where brackets and colons mean something.
std::string zshText(std::string_view text) {
    std::string result;
    for (const char c : text)
        result += std::string(c == '[' || c == ']' || c == ':' || c == '\\' ? "\\" : "") + c;
    return result;
}

std::string zshOption(const OptionRow& row) {
    auto text = std::string(row.place.index() == 3 ? "*" : "") + std::string(row.name) + '[' +
                zshText(row.help) + ']';
    if (!row.value.empty())
        text += ':' + std::string(row.value) + ':' +
                (row.choices == "FILE" ? "_files"
                 : row.choices.empty() ? ""
                                       : '(' + std::string(row.choices) + ')');
    return quoted(text);
}

std::string zsh() {
    std::string text =
        "#compdef weirctl\n_weirctl() {\n    local -a commands\n    local state\n    commands=(\n";
    for (const auto& command : subCommands())
        text += "        " + quoted(std::string(command.name) + ':' + zshText(command.help)) + '\n';
    text += "    )\n    _arguments -C ";
    for (const auto& row : commonOptions())
        text += zshOption(row) + ' ';
    text +=
        "'--help[Print help and end]' '--version[Print the version and end]' '1: :->command' '*:: :->rest'\n"
        "    case $state in\n        command) _describe command commands ;;\n"
        "        rest) case $words[1] in\n";
    for (const auto& command : subCommands()) {
        text += "            " + std::string(command.name) + ") _arguments";
        for (const auto* row : optionsOf(command))
            text += ' ' + zshOption(*row);
        if (!command.choices.empty())
            text += " '1: :(" + std::string(command.choices) + ")'";
        text += " ;;\n";
    }
    return text + "        esac ;;\n    esac\n}\nif [[ $funcstack[1] == _weirctl ]]; then _weirctl \"$@\"; "
                  "else compdef _weirctl weirctl; fi\n";
}

std::string fishOption(const OptionRow& row) {
    auto text = " -l " + std::string(row.name.substr(2)) + " -d " + quoted(row.help);
    if (!row.value.empty())
        text += row.choices == "FILE" ? std::string(" -r -F")
                : row.choices.empty() ? std::string(" -x")
                                      : " -x -a " + quoted(row.choices);
    return text + '\n';
}

std::string fish() {
    std::string text = "# fish completion of weirctl\ncomplete -c weirctl -f\n";
    for (const auto& command : subCommands())
        text += "complete -c weirctl -n __fish_use_subcommand -a " + std::string(command.name) + " -d " +
                quoted(command.help) + '\n';
    for (const auto& row : commonOptions())
        text += "complete -c weirctl" + fishOption(row);
    text += "complete -c weirctl -l help -d 'Print help and end'\n"
            "complete -c weirctl -l version -d 'Print the version and end'\n";
    for (const auto& command : subCommands()) {
        const auto when =
            "complete -c weirctl -n '__fish_seen_subcommand_from " + std::string(command.name) + "'";
        for (const auto name : command.options)
            text += when + fishOption(option(name));
        if (!command.choices.empty())
            text += when + " -a " + quoted(command.choices) + '\n';
    }
    return text;
}

} // namespace

std::string completionScript(std::string_view shell) {
    return shell == "bash" ? bash() : shell == "zsh" ? zsh() : shell == "fish" ? fish() : std::string();
}

} // namespace console
