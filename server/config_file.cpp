// SPDX-License-Identifier: Apache-2.0
#include "server/config.h"
#include "server/config_table.h"
#include "shared/nearest_word.h"
#include <fmt/format.h>
#include <fstream>
#include <sstream>
#include <toml++/toml.h>

namespace server::config {

namespace {

using shared::Error;
using shared::ErrorCode;
using shared::Result;

std::string place(const std::string& path, const toml::source_region& source) {
    return fmt::format("{}:{}", path, source.begin.line);
}

/// As a person wrote it, shortened: for the error line.
std::string shown(const toml::node& node) {
    std::ostringstream out;
    if (node.is_table())
        return "a table";
    node.visit([&](const auto& value) { out << value; });
    auto text = out.str().substr(0, 100);
    for (auto& c : text)
        if (static_cast<unsigned char>(c) < ' ')
            c = ' ';
    return text;
}

/// Fails for what no setting can be.
Result<SettingValue> valueOf(const toml::node& node) {
    if (const auto* flag = node.as_boolean())
        return flag->get();
    if (const auto* whole = node.as_integer())
        return whole->get();
    if (const auto* real = node.as_floating_point())
        return real->get();
    if (const auto* text = node.as_string())
        return text->get();
    if (const auto* array = node.as_array()) {
        std::vector<std::string> texts;
        for (const auto& item : *array) {
            if (!item.is_string())
                return shared::failure(ErrorCode::Configuration, {});
            texts.push_back(item.as_string()->get());
        }
        return texts;
    }
    return shared::failure(ErrorCode::Configuration, {});
}

bool isBetween(const toml::node& node, std::int64_t least, std::int64_t most) {
    return node.is_integer() && node.as_integer()->get() >= least && node.as_integer()->get() <= most;
}

Result<RoomRule> roomRule(const std::string& path, const toml::table& table) {
    RoomRule rule;
    for (const auto& [key, node] : table) {
        const auto where = place(path, key.source());
        const std::string name = "rooms." + std::string(key.str());
        const auto bad = [&where, &name, value = &node](const char* allowed) {
            return tl::unexpected<Error>(mistake(where, name, shown(*value), allowed));
        };
        if (key.str() == "match") {
            const auto* text = node.as_string();
            if (text == nullptr || text->get().empty() || text->get().size() > 256)
                return bad("a room's name of at most 256 bytes, in which * stands for anything");
            rule.match = text->get();
        } else if (key.str() == "stamp") {
            if (!node.is_boolean())
                return bad("true or false");
            rule.stamp = node.as_boolean()->get();
        } else if (key.str() == "batch_size") {
            if (!isBetween(node, 0, 10000))
                return bad("a whole number from 0 to 10000");
            rule.batchSize = node.as_integer()->get();
        } else if (key.str() == "batch_ms") {
            if (!isBetween(node, 1, 60000))
                return bad("a whole number from 1 to 60000");
            rule.batchWindow = milliseconds(node.as_integer()->get());
        } else {
            const auto near = shared::nearestWord(key.str(), {"match", "batch_size", "batch_ms", "stamp"});
            return tl::unexpected<Error>(
                Error{ErrorCode::Configuration,
                      fmt::format("{}: {} = {}: there is no such key{}", where, name, shown(node),
                                  near.empty() ? "" : "; the nearest is rooms." + near)});
        }
    }
    if (rule.match.empty())
        return tl::unexpected<Error>(
            mistake(place(path, table.source()), "rooms.match", "''", "each [[rooms]] needs a match"));
    return rule;
}

Result<void> readRooms(const std::string& path, const toml::node& node, Configuration& into) {
    const auto* array = node.as_array();
    if (array == nullptr || !array->is_array_of_tables())
        return tl::unexpected<Error>(
            mistake(place(path, node.source()), "rooms", shown(node), "any number of [[rooms]] tables"));
    if (array->size() > 1000)
        return tl::unexpected<Error>(mistake(place(path, node.source()), "rooms",
                                             std::to_string(array->size()), "at most 1000 of them"));
    into.settings.rooms.clear();
    for (const auto& item : *array) {
        auto rule = roomRule(path, *item.as_table());
        if (!rule)
            return tl::unexpected(rule.error());
        into.settings.rooms.push_back(std::move(*rule));
    }
    into.roomsOrigin = place(path, node.source());
    return {};
}

Result<void> readSection(const std::string& path, const std::string& section, const toml::table& table,
                         Configuration& into) {
    for (const auto& [name, node] : table) {
        const auto where = place(path, name.source());
        const auto key = section + "." + std::string(name.str());
        const auto* row = findSetting(key);
        if (row == nullptr)
            return tl::unexpected(unknownKey(where, key, shown(node)));
        auto value = valueOf(node);
        auto applied = value ? applySetting(*row, *value, ValueForm::Typed, into.settings)
                             : Result<void>(shared::failure(ErrorCode::Configuration, allowedText(*row)));
        if (!applied)
            return tl::unexpected(mistake(where, key, shown(node), applied.error().message));
        into.origins[std::size_t(row - settingRows().data())] = where;
    }
    return {};
}

} // namespace

Result<void> readFile(const std::string& path, Configuration& into) {
    constexpr std::streamsize Longest = 1024 * 1024;
    std::ifstream file(path, std::ios::binary);
    std::string text(std::size_t(Longest) + 1, '\0');
    file.read(text.data(), Longest + 1);
    if (file.bad() || (file.fail() && !file.eof()))
        return shared::failure(ErrorCode::Configuration, fmt::format("{}: this file cannot be read", path));
    if (file.gcount() > Longest)
        return shared::failure(ErrorCode::Configuration, fmt::format("{}: longer than 1 MiB", path));
    text.resize(std::size_t(file.gcount()));
    try { // toml++ reports by exception; none leaves this function
        const toml::table document = toml::parse(text, path);
        for (const auto& [name, node] : document) {
            const auto where = place(path, name.source());
            Result<void> read;
            if (name.str() == "rooms")
                read = readRooms(path, node, into);
            else if (const auto* section = node.as_table())
                read = readSection(path, std::string(name.str()), *section, into);
            else
                read = tl::unexpected(unknownKey(where, std::string(name.str()), shown(node)));
            if (!read)
                return read;
        }
    } catch (const toml::parse_error& error) {
        return shared::failure(ErrorCode::Configuration,
                               fmt::format("{}: {}", place(path, error.source()), error.description()));
    } catch (const std::exception& error) {
        return shared::failure(ErrorCode::Configuration, fmt::format("{}: {}", path, error.what()));
    }
    return {};
}

} // namespace server::config
