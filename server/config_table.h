// SPDX-License-Identifier: Apache-2.0
// The one table of settings: every key, where its value lives, what is allowed, and what it is for. Any
// thread.
#pragma once
#include "server/core/settings.h"
#include "shared/result.h"
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace server {

/// Where a setting's value lives. The pointer's type decides how its text is read and printed.
using SettingField =
    std::variant<std::string& (*)(Settings&), std::vector<std::string>& (*)(Settings&), int& (*)(Settings&),
                 std::int64_t& (*)(Settings&), double& (*)(Settings&), bool& (*)(Settings&),
                 seconds& (*)(Settings&), milliseconds& (*)(Settings&), shared::Bytes& (*)(Settings&),
                 AtCapacity& (*)(Settings&), LogFormat& (*)(Settings&)>;

/// A setting that this version does not act on is accepted at its default only, so that nobody relies on it.
enum class Availability : std::uint8_t { Now, NotInThisVersion };
enum class Secrecy : std::uint8_t { Open, Url }; ///< Url: the password in it is printed as ***

/// Whether a running node takes a new value over: at SIGHUP, or by config.set.
enum class Liveness : std::uint8_t { Restart, Live };

/// A further rule on the text; the error says what is allowed.
using SettingRule = shared::Result<void> (*)(const std::string& text);

struct SettingRow {
    std::string_view key; ///< "section.name"
    SettingField field;
    double least = 0, most = 0; ///< numbers: both inclusive; equal: no limits
    std::string_view choices;   ///< texts: allowed words, separated by `|`; empty: any
    std::string_view help;      ///< one line
    Availability availability = Availability::Now;
    SettingRule rule = nullptr;
    Secrecy secrecy = Secrecy::Open;
    Liveness liveness = Liveness::Restart;
};

std::span<const SettingRow> settingRows();
const SettingRow* findSetting(std::string_view key);

/// A value as a source gave it. Text from flags and the environment is converted by the row's type.
using SettingValue = std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>>;
enum class ValueForm : std::uint8_t {
    Typed,
    Plain
}; ///< Plain: a word of a flag or variable; lists by commas

/// The error's message is what is allowed, and nothing else.
shared::Result<void> applySetting(const SettingRow& row, const SettingValue& value, ValueForm form,
                                  Settings& settings);
/// As TOML text; secrets hidden.
std::string settingText(const SettingRow& row, const Settings& settings);
/// Whether two settings agree in this row, in what is hidden too.
bool isSame(const SettingRow& row, const Settings& a, const Settings& b);
void copySetting(const SettingRow& row, const Settings& from, Settings& into);
/// "WEIR_NODE_ID"
std::string environmentName(const SettingRow& row);
/// What is allowed, as a sentence without a full stop: "a whole number from 1 to 64".
std::string allowedText(const SettingRow& row);

} // namespace server
