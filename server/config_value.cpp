// SPDX-License-Identifier: Apache-2.0
#include "server/config_table.h"
#include <QString>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>

namespace server {

namespace {

using shared::Result;
using Strings = std::vector<std::string>;

tl::unexpected<shared::Error> refuse(std::string allowed) {
    return shared::failure(shared::ErrorCode::Configuration, std::move(allowed));
}

/// What a reference returned by a field is, without the reference.
template <class Field>
struct FieldOf;
template <class T>
struct FieldOf<T& (*)(Settings&)> {
    using Type = T;
};

Strings split(std::string_view text, char separator) {
    Strings parts;
    while (!text.empty()) {
        const auto end = std::min(text.find(separator), text.size());
        auto part = text.substr(0, end);
        while (!part.empty() && part.front() == ' ')
            part.remove_prefix(1);
        while (!part.empty() && part.back() == ' ')
            part.remove_suffix(1);
        if (!part.empty())
            parts.emplace_back(part);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parts;
}

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\')
            out += '\\';
        if (static_cast<unsigned char>(c) < 0x20)
            out += fmt::format("\\u{:04x}", int(c));
        else
            out += c;
    }
    return out + '"';
}

std::string withoutPassword(const std::string& url) {
    const auto begin = url.find("://");
    const auto at = url.rfind('@');
    if (begin == std::string::npos || at == std::string::npos || at < begin + 3)
        return url;
    const auto colon = url.find(':', begin + 3);
    if (colon == std::string::npos || colon > at)
        return url;
    return url.substr(0, colon + 1) + "***" + url.substr(at);
}

std::string number(double value) {
    return fmt::format("{}", value);
}

template <class T>
constexpr bool isWhole =
    std::is_same_v<T, int> || std::is_same_v<T, std::int64_t> || std::is_same_v<T, seconds> ||
    std::is_same_v<T, milliseconds> || std::is_same_v<T, shared::Bytes>;
template <class T>
constexpr bool isChoice = std::is_same_v<T, AtCapacity> || std::is_same_v<T, LogFormat>;

Result<SettingValue> converted(const SettingRow& row, const std::string& text) {
    return std::visit(
        [&](auto field) -> Result<SettingValue> {
            using T = typename FieldOf<decltype(field)>::Type;
            if constexpr (std::is_same_v<T, bool>) {
                if (text == "true" || text == "1" || text == "yes" || text == "on")
                    return true;
                if (text == "false" || text == "0" || text == "no" || text == "off")
                    return false;
                return refuse(allowedText(row));
            } else if constexpr (std::is_same_v<T, Strings>) {
                return split(text, ',');
            } else if constexpr (isWhole<T>) {
                std::int64_t value = 0;
                const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
                if (error != std::errc{} || end != text.data() + text.size())
                    return refuse(allowedText(row));
                return value;
            } else if constexpr (std::is_same_v<T, double>) {
                bool isNumber = false;
                const double value = QString::fromStdString(text).toDouble(&isNumber);
                if (!isNumber)
                    return refuse(allowedText(row));
                return value;
            } else {
                return text;
            }
        },
        row.field);
}

bool isInRange(const SettingRow& row, double value) {
    return std::isfinite(value) && (row.least == row.most || (value >= row.least && value <= row.most));
}

Result<void> checkedText(const SettingRow& row, const std::string& text) {
    if (text.size() > 4096 || text.find('\0') != std::string::npos)
        return refuse("at most 4096 bytes without NUL");
    if (!row.choices.empty()) {
        const auto words = split(row.choices, '|');
        if (std::find(words.begin(), words.end(), text) == words.end())
            return refuse(allowedText(row));
    }
    return row.rule != nullptr ? row.rule(text) : Result<void>{};
}

template <class T>
Result<void> assign(const SettingRow& row, const SettingValue& value, T& target) {
    if constexpr (std::is_same_v<T, bool>) {
        if (const auto* flag = std::get_if<bool>(&value)) {
            target = *flag;
            return {};
        }
    } else if constexpr (isWhole<T>) {
        if (const auto* whole = std::get_if<std::int64_t>(&value);
            whole != nullptr && isInRange(row, double(*whole))) {
            if constexpr (std::is_same_v<T, int>)
                target = int(*whole);
            else if constexpr (std::is_same_v<T, shared::Bytes>)
                target = shared::Bytes(std::uint64_t(*whole));
            else
                target = T(*whole);
            return {};
        }
    } else if constexpr (std::is_same_v<T, double>) {
        const auto* whole = std::get_if<std::int64_t>(&value);
        const auto* real = std::get_if<double>(&value);
        if (whole != nullptr || real != nullptr) {
            const double candidate = whole != nullptr ? double(*whole) : *real;
            if (isInRange(row, candidate)) {
                target = candidate;
                return {};
            }
        }
    } else if constexpr (std::is_same_v<T, Strings>) {
        Strings texts;
        if (const auto* list = std::get_if<Strings>(&value))
            texts = *list;
        else if (const auto* one = std::get_if<std::string>(&value))
            texts = {*one};
        else
            return refuse(allowedText(row));
        if (texts.size() > 1000)
            return refuse("at most 1000 texts");
        for (const auto& text : texts)
            if (auto checked = checkedText(row, text); !checked)
                return checked;
        target = std::move(texts);
        return {};
    } else {
        if (const auto* text = std::get_if<std::string>(&value)) {
            if (auto checked = checkedText(row, *text); !checked)
                return checked;
            if constexpr (isChoice<T>) { // enumerators stand in the order of the row's words
                const auto words = split(row.choices, '|');
                target = T(std::find(words.begin(), words.end(), *text) - words.begin());
            } else {
                target = *text;
            }
            return {};
        }
    }
    return refuse(allowedText(row));
}

/// What a rule says about a text that no rule takes.
std::string ruleText(const SettingRow& row) {
    const auto refused = row.rule != nullptr ? row.rule(" *\x01") : Result<void>{};
    return refused ? std::string() : ": " + refused.error().message;
}

} // namespace

std::string allowedText(const SettingRow& row) {
    return std::visit(
        [&](auto field) -> std::string {
            using T = typename FieldOf<decltype(field)>::Type;
            if constexpr (std::is_same_v<T, bool>) {
                return "true or false";
            } else if constexpr (std::is_same_v<T, Strings>) {
                return "a text, or an array of texts" + ruleText(row);
            } else if constexpr (isWhole<T> || std::is_same_v<T, double>) {
                return fmt::format("a {}number from {} to {}", isWhole<T> ? "whole " : "", number(row.least),
                                   fmt::format("{:.0f}", row.most));
            } else {
                if (row.choices.empty())
                    return "a text" + ruleText(row);
                return fmt::format("{}", fmt::join(split(row.choices, '|'), " or "));
            }
        },
        row.field);
}

shared::Result<void> applySetting(const SettingRow& row, const SettingValue& value, ValueForm form,
                                  Settings& settings) {
    SettingValue typed = value;
    if (form == ValueForm::Plain) {
        auto result = converted(row, std::get<std::string>(value));
        if (!result)
            return tl::unexpected(result.error());
        typed = std::move(*result);
    }
    Settings candidate = settings;
    auto applied = std::visit([&](auto field) { return assign(row, typed, field(candidate)); }, row.field);
    if (!applied)
        return applied;
    if (row.availability == Availability::NotInThisVersion) {
        const auto standard = settingText(row, Settings{});
        if (settingText(row, candidate) != standard)
            return refuse(fmt::format("not available in this version; leave it at {}", standard));
    }
    settings = std::move(candidate);
    return {};
}

std::string settingText(const SettingRow& row, const Settings& settings) {
    Settings copy = settings; // fields are written through references, so they are read from a copy
    return std::visit(
        [&](auto field) -> std::string {
            using T = typename FieldOf<decltype(field)>::Type;
            const T& value = field(copy);
            if constexpr (std::is_same_v<T, bool>) {
                return value ? "true" : "false";
            } else if constexpr (std::is_same_v<T, std::string>) {
                return quoted(row.secrecy == Secrecy::Url ? withoutPassword(value) : value);
            } else if constexpr (std::is_same_v<T, Strings>) {
                Strings parts;
                for (const auto& text : value)
                    parts.push_back(quoted(text));
                return fmt::format("[{}]", fmt::join(parts, ", "));
            } else if constexpr (std::is_same_v<T, seconds> || std::is_same_v<T, milliseconds>) {
                return fmt::format("{}", value.count());
            } else if constexpr (std::is_same_v<T, shared::Bytes>) {
                return fmt::format("{}", value.count());
            } else if constexpr (isChoice<T>) {
                return quoted(split(row.choices, '|')[std::size_t(value)]);
            } else {
                return fmt::format("{}", value);
            }
        },
        row.field);
}

bool isSame(const SettingRow& row, const Settings& a, const Settings& b) {
    Settings left = a, right = b;
    return std::visit([&](auto field) { return field(left) == field(right); }, row.field);
}

void copySetting(const SettingRow& row, const Settings& from, Settings& into) {
    Settings source = from;
    std::visit([&](auto field) { field(into) = std::move(field(source)); }, row.field);
}

} // namespace server
