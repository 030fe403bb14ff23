// SPDX-License-Identifier: Apache-2.0
// The words of weir-node's command line and its exit codes: parsing, --help and the manual page read these
// tables. Any thread.
#pragma once
#include <span>
#include <string>
#include <string_view>

namespace server {

struct Flag {
    std::string_view name;  ///< "--listen"
    char letter;            ///< of its short form; 0: none
    std::string_view value; ///< what stands behind it, in capitals; empty: nothing
    std::string_view key;   ///< the setting that it is short for; empty: none
    std::string_view help;  ///< one line
};
std::span<const Flag> nodeFlags();

struct ExitCode {
    int code;
    std::string_view meaning;
};
std::span<const ExitCode> nodeExitCodes();

std::string nodeHelp();

} // namespace server
