// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/ctl/errand.h"
#include "console/ctl/sub_commands.h"
#include "shared/nearest_word.h"
#include "weir_version.h"
#include <CLI/CLI.hpp>
#include <QCoreApplication>
#include <QFile>
#include <algorithm>
#include <cstdio>

namespace {

using console::ExitCode;
using console::OptionRow;
using console::SubCommand;
using console::Words;

/// Hidden from help: what a package or a person writes into the shell's directory.
constexpr const char* Completion = "completion";

int usage(const std::string& sentence, const SubCommand* command) {
    console::complain(sentence);
    std::fprintf(stderr, "Try 'weirctl %s--help'\n",
                 command ? (std::string(command->name) + ' ').c_str() : "");
    return int(ExitCode::Usage);
}

std::string like(const std::string& word, const std::vector<std::string>& known) {
    const auto near = shared::nearestWord(word, known);
    return near.empty() ? std::string() : ", the nearest is '" + near + "'";
}

void addOption(CLI::App& app, const OptionRow& row, Words& words) {
    const std::string name(row.name);
    std::visit(
        [&](auto place) {
            auto& value = words.*place;
            if constexpr (std::is_same_v<std::decay_t<decltype(value)>, bool>)
                app.add_flag(name, value);
            else
                app.add_option(name, value)->allow_extra_args(false);
        },
        row.place);
}

std::vector<std::string> optionNames(const SubCommand* command) {
    std::vector<std::string> names{"--help", "--version"};
    for (const auto& row : console::commonOptions())
        names.emplace_back(row.name);
    if (command)
        names.insert(names.end(), command->options.begin(), command->options.end());
    return names;
}

std::vector<std::string> commandNames() {
    std::vector<std::string> names;
    for (const auto& command : console::subCommands())
        names.emplace_back(command.name);
    return names;
}

/// What CLI11 cannot judge: how many operands, and words that must be one of a few.
std::string wrongIn(const SubCommand& command, const Words& words) {
    const auto count = words.operands.size();
    if (count > command.most)
        return "'" + words.operands[command.most] + "' is one word too many";
    if (count < command.fewest)
        return std::string(command.name) + ": " + std::string(command.operands) + " is needed";
    const auto choices = console::words(command.choices);
    if (!choices.empty() && count > 0 &&
        std::find(choices.begin(), choices.end(), words.operands.front()) == choices.end())
        return "unknown word '" + words.operands.front() + "'" + like(words.operands.front(), choices);
    for (const auto name : command.options) {
        const auto& row = console::option(name);
        const auto known = console::words(row.choices);
        if (const auto* place = std::get_if<std::optional<double> Words::*>(&row.place)) {
            const auto& value = words.**place;
            if (value && !(*value >= 0 && *value <= 1e12))
                return std::string(name) + ": a number from 0 is needed";
        }
        const auto* place = std::get_if<std::string Words::*>(&row.place);
        if (!place || known.empty() || row.choices == "FILE")
            continue;
        auto word = words.**place;
        if (word.starts_with('-'))
            word.erase(0, 1);
        if (!word.empty() && std::find(known.begin(), known.end(), word) == known.end())
            return std::string(name) + ": unknown word '" + word + "'" + like(word, known);
    }
    return {};
}

std::optional<QString> givenToken(const Words& words) {
    if (words.tokenFile.empty())
        return qEnvironmentVariable("WEIR_ADMIN_TOKEN");
    QFile file(QString::fromStdString(words.tokenFile));
    if (file.open(QIODevice::ReadOnly))
        return QString::fromUtf8(file.readLine(4096)).trimmed();
    console::complain("cannot read the token file " + words.tokenFile + ": " +
                      file.errorString().toStdString());
    return {};
}

int complete(const std::string& shell) {
    const auto script = console::completionScript(shell);
    if (script.empty())
        return usage("completion: unknown shell '" + shell + "'" + like(shell, {"bash", "zsh", "fish"}),
                     nullptr);
    std::fputs(script.c_str(), stdout);
    return int(ExitCode::Fine);
}

int run(int argc, char** argv, const SubCommand& command, const Words& words) {
    QCoreApplication app(argc, argv);
    QCoreApplication::setApplicationName(QStringLiteral("weirctl"));
    const auto token = givenToken(words);
    if (!token)
        return int(ExitCode::InputOutput);
    console::Errand errand(command, words, *token);
    return int(errand.run());
}

} // namespace

int main(int argc, char** argv) {
    Words words;
    bool wantsHelp = false;
    bool wantsVersion = false;
    std::string shell;
    CLI::App app("", "weirctl");
    app.set_help_flag();
    app.require_subcommand(0, 1);
    const auto addFlags = [&](CLI::App& to) {
        to.add_flag("--help,-h", wantsHelp);
        to.add_flag("--version", wantsVersion);
        for (const auto& row : console::commonOptions())
            addOption(to, row, words);
    };
    addFlags(app);
    for (const auto& command : console::subCommands()) {
        auto* sub = app.add_subcommand(std::string(command.name));
        sub->set_help_flag();
        addFlags(*sub);
        for (const auto name : command.options)
            addOption(*sub, console::option(name), words);
        sub->add_option("operands", words.operands);
    }
    app.add_subcommand(Completion)->add_option("shell", shell)->required();
    const auto chosen = [&]() -> const SubCommand* {
        const auto parsed = app.get_subcommands();
        return parsed.empty() ? nullptr : console::findSubCommand(parsed.front()->get_name());
    };
    try {
        app.parse(argc, argv);
    } catch (const CLI::ExtrasError&) {
        const auto rest = app.remaining(true);
        const auto full = rest.empty() ? std::string() : rest.front();
        const auto word = full.substr(0, full.find('='));
        const bool isOption = word.starts_with('-');
        return usage((isOption ? "unknown option '" : "unknown sub-command '") + word + "'" +
                         like(word, isOption ? optionNames(chosen()) : commandNames()),
                     chosen());
    } catch (const CLI::ParseError& error) {
        return usage(error.what(), chosen());
    }
    const auto* command = chosen();
    if (wantsHelp) {
        std::fputs((command ? console::helpText(*command) : console::helpText()).c_str(), stdout);
        return int(ExitCode::Fine);
    }
    if (wantsVersion) {
        std::printf("weirctl %s\ncommit %s\nQt %s (built with %s)\nhiredis not used\n", shared::Version,
                    shared::Commit, qVersion(), QT_VERSION_STR);
        return int(ExitCode::Fine);
    }
    if (!shell.empty())
        return complete(shell);
    if (!command)
        return usage("a sub-command is needed, for example 'weirctl status'", nullptr);
    const auto wrong = wrongIn(*command, words);
    return wrong.empty() ? run(argc, argv, *command, words) : usage(wrong, command);
}
