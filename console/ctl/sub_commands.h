// SPDX-License-Identifier: GPL-3.0-or-later
// The one table of weirctl's words: parser, --help and shell completion are made from it. Any thread.
#pragma once
#include "console/ctl/exit_code.h"
#include "console/ctl/words.h"
#include <span>
#include <string_view>
#include <variant>
#include <vector>

namespace console {

class Errand;

/// Where the value of an option goes; a bool is a switch.
using Place = std::variant<bool Words::*, std::string Words::*, std::optional<double> Words::*,
                           std::vector<std::string> Words::*>;

struct OptionRow {
    std::string_view name;  ///< "--rate"
    std::string_view value; ///< "R"; empty: a switch
    std::string_view help;
    Place place;
    std::string_view choices = {}; ///< what may stand there, by spaces; "FILE": a path; empty: anything
};

/// To which nodes a sub-command goes.
enum class Reach {
    Nowhere, ///< it asks no node
    Every,   ///< all that are named or found
    Acts     ///< the same, but several only when they were named, or --all was said
};

struct SubCommand {
    std::string_view name;
    std::string_view operands; ///< as help shows them
    std::size_t fewest, most;  ///< operands
    std::string_view choices;  ///< of the first operand, by spaces
    std::string_view help;
    std::vector<std::string_view> options; ///< beside the common ones
    Reach reach;
    ExitCode (*run)(Errand&);
};

/// Options that every sub-command takes.
std::span<const OptionRow> commonOptions();
std::span<const OptionRow> ownOptions();
const OptionRow& option(std::string_view name);
std::span<const SubCommand> subCommands();
const SubCommand* findSubCommand(std::string_view name);
std::vector<std::string> words(std::string_view spaced);

std::string helpText();
std::string helpText(const SubCommand& command);
/// Empty for a shell that is not known.
std::string completionScript(std::string_view shell);

} // namespace console
