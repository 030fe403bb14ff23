// SPDX-License-Identifier: Apache-2.0
#include "server/config.h"
#include "server/config_table.h"
#include "shared/nearest_word.h"
#include <QHostAddress>
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fmt/format.h>

namespace server {

using shared::Error;
using shared::ErrorCode;
using shared::Result;

namespace config {

Error mistake(const std::string& where, const std::string& key, const std::string& value,
              const std::string& allowed) {
    const auto* row = findSetting(key);
    const bool mayHoldSecret = row != nullptr && row->secrecy != Secrecy::Open;
    std::string shown = mayHoldSecret ? "***" : value.substr(0, 200);
    for (auto& c : shown)
        if (static_cast<unsigned char>(c) < ' ' || c == 127)
            c = ' ';
    return {ErrorCode::Configuration, fmt::format("{}: {} = {}: {}", where, key, shown, allowed)};
}

Error unknownKey(const std::string& where, const std::string& key, const std::string& value) {
    std::vector<std::string> keys;
    for (const auto& row : settingRows()) {
        const auto dot = row.key.find('.');
        if (key == row.key.substr(0, dot))
            return mistake(where, key, value, fmt::format("is a section: [{}]", key));
        if (key == row.key.substr(dot + 1))
            return mistake(where, key, value,
                           fmt::format("there is no such key; the nearest is {}", row.key));
        keys.emplace_back(row.key);
    }
    const auto near = shared::nearestWord(key, keys);
    return mistake(where, key, value,
                   near.empty() ? "there is no such key" : "there is no such key; the nearest is " + near);
}

namespace {

Result<void> applyWord(const SettingRow& row, const std::string& origin, const std::string& value,
                       Configuration& into) {
    auto applied = applySetting(row, value, ValueForm::Plain, into.settings);
    if (!applied)
        return tl::unexpected(mistake(origin, std::string(row.key), value, applied.error().message));
    into.origins[std::size_t(&row - settingRows().data())] = origin;
    return {};
}

Result<void> applyEnvironment(const ConfigurationSources& sources, Configuration& into) {
    for (const auto& [name, value] : sources.environment) {
        const auto rows = settingRows();
        const auto row = std::find_if(rows.begin(), rows.end(), [&, wanted = name](const auto& each) {
            return environmentName(each) == wanted;
        });
        if (row != rows.end()) {
            if (auto applied = applyWord(*row, "environment " + name, value, into); !applied)
                return applied;
        } else if (name != "WEIR_ADMIN_TOKEN") {
            into.warnings.push_back(fmt::format(
                "the environment variable {} is no setting and was left alone", name.substr(0, 100)));
        }
    }
    return {};
}

} // namespace
} // namespace config

Result<Configuration> loadConfiguration(const ConfigurationSources& sources) {
    Configuration configuration;
    configuration.origins.assign(settingRows().size(), "built-in");

    const auto path = sources.file.value_or(sources.defaultFile);
    std::error_code error;
    const bool exists = std::filesystem::is_regular_file(path, error);
    if (sources.file && !exists)
        return shared::failure(ErrorCode::Configuration,
                               fmt::format("{}: there is no such configuration file", path));
    if (exists) {
        configuration.file = path;
        if (auto read = config::readFile(path, configuration); !read)
            return tl::unexpected(read.error());
    }
    if (auto applied = config::applyEnvironment(sources, configuration); !applied)
        return tl::unexpected(applied.error());
    for (const auto& flag : sources.flags) {
        const auto* row = findSetting(flag.key);
        if (row == nullptr)
            return tl::unexpected(config::unknownKey(flag.origin, flag.key, flag.value));
        if (auto applied = config::applyWord(*row, flag.origin, flag.value, configuration); !applied)
            return tl::unexpected(applied.error());
    }
    const bool hasToken =
        std::any_of(sources.environment.begin(), sources.environment.end(), [](const auto& each) {
            return each.first == "WEIR_ADMIN_TOKEN" && !each.second.empty();
        });
    configuration.token = hasToken ? TokenSource::Environment : TokenSource::FileAlone;
    if (auto together = checkTogether(configuration.settings, configuration.token); !together) {
        const auto& allowed = together.error().message; // "KEY: …"
        const auto key = allowed.substr(0, allowed.find(':'));
        const auto* row = findSetting(key);
        const auto where =
            row == nullptr ? path : configuration.origins[std::size_t(row - settingRows().data())];
        const auto value = row == nullptr ? "" : settingText(*row, configuration.settings);
        return tl::unexpected(
            config::mistake(where, key, value, allowed.substr(std::min(key.size() + 2, allowed.size()))));
    }
    return configuration;
}

Result<void> checkTogether(const Settings& settings, TokenSource token) {
    const auto no = [](std::string sentence) {
        return shared::failure(ErrorCode::Configuration, std::move(sentence));
    };
    if (settings.listen.clients.empty())
        return no("listen.clients: at least one address");
    if (settings.broker.namespaces.empty())
        return no("broker.namespaces: at least one namespace");
    const auto& listen = settings.listen;
    if (listen.tlsCertificate.empty() != listen.tlsKey.empty())
        return no(listen.tlsKey.empty() ? "listen.tls_key: needed together with listen.tls_certificate"
                                        : "listen.tls_certificate: needed together with listen.tls_key");
    if (listen.opsTlsCertificate.empty() != listen.opsTlsKey.empty())
        return no(listen.opsTlsKey.empty()
                      ? "listen.ops_tls_key: needed together with listen.ops_tls_certificate"
                      : "listen.ops_tls_certificate: needed together with listen.ops_tls_key");
    if (const auto ops = parseHostPort(listen.ops); !ops || !isLoopback(ops->host)) {
        if (listen.opsTlsCertificate.empty())
            return no(
                "listen.ops: an address that only this machine reaches, such as 127.0.0.1:7401; beyond it "
                "the ops listener needs TLS: set listen.ops_tls_certificate and listen.ops_tls_key");
        if (settings.admin.tokenFile.empty() && token == TokenSource::FileAlone)
            return no("listen.ops: beyond this machine operators need tokens that they can be given: set "
                      "admin.token_file or the environment variable WEIR_ADMIN_TOKEN");
    }
    if (settings.limits.queue < settings.limits.message)
        return no(fmt::format("limits.queue_bytes: at least limits.message_bytes, which is {}",
                              settings.limits.message.count()));
    return {};
}

std::string printConfiguration(const Configuration& configuration) {
    std::string out;
    std::string_view section;
    const auto rows = settingRows();
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto dot = rows[i].key.find('.');
        if (rows[i].key.substr(0, dot) != section) {
            section = rows[i].key.substr(0, dot);
            out += fmt::format("{}[{}]\n", out.empty() ? "" : "\n", section);
        }
        const auto line =
            fmt::format("{} = {}", rows[i].key.substr(dot + 1), settingText(rows[i], configuration.settings));
        out += fmt::format("{:<48} # {}\n", line, configuration.origins[i]);
    }
    for (const auto& rule : configuration.settings.rooms) {
        std::string match;
        for (const char c : rule.match)
            match += (c == '"' || c == '\\') ? std::string{'\\', c} : std::string{c};
        out += fmt::format("\n[[rooms]] # {}\nmatch = \"{}\"\nstamp = {}\n", configuration.roomsOrigin, match,
                           rule.stamp);
    }
    return out;
}

Result<HostPort> parseHostPort(const std::string& text) {
    const auto bad = shared::failure(ErrorCode::BadRequest, "HOST:PORT or [IPV6]:PORT");
    const auto colon = text.rfind(':');
    if (colon == std::string::npos || colon == 0)
        return bad;
    HostPort result;
    result.host = text.substr(0, colon);
    if (result.host.front() == '[') {
        if (result.host.size() < 3 || result.host.back() != ']')
            return bad;
        result.host = result.host.substr(1, result.host.size() - 2);
    } else if (result.host.find(':') != std::string::npos) {
        return bad;
    }
    if (result.host.find_first_of(" /\\[]") != std::string::npos)
        return bad;
    const auto digits = text.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), result.port);
    if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size())
        return bad;
    return result;
}

bool isLoopback(const std::string& host) {
    if (host == "localhost")
        return true;
    const QHostAddress address(QString::fromStdString(host));
    return !address.isNull() && address.isLoopback();
}

} // namespace server
