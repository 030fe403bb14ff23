// SPDX-License-Identifier: Apache-2.0
// Puts the settings together: built-in, file, environment, flags. Used before any thread starts.
#pragma once
#include "server/core/settings.h"
#include "shared/result.h"
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace server {

/// One `section.key = value` of the command line.
struct Assignment {
    std::string origin; ///< "--set", "--listen"
    std::string key;
    std::string value;
};

struct ConfigurationSources {
    std::optional<std::string> file; ///< --config: must exist
    std::string defaultFile = "/etc/weirkeeper/node.toml";
    std::vector<std::pair<std::string, std::string>> environment; ///< names that begin with WEIR_
    std::vector<Assignment> flags;                                ///< in order: the last of a key wins
};

/// Whether WEIR_ADMIN_TOKEN names an operator beside those of admin.token_file.
enum class TokenSource : std::uint8_t { FileAlone, Environment };

struct Configuration {
    Settings settings;
    std::string file;                 ///< the one that was read; empty: none
    std::vector<std::string> origins; ///< of each row of settingRows()
    std::string roomsOrigin = "built-in";
    TokenSource token = TokenSource::FileAlone;
    std::vector<std::string> warnings;
};

/// A mistake is one line: `FILE:LINE: section.key = value: what is allowed`, with the nearest valid key.
shared::Result<Configuration> loadConfiguration(const ConfigurationSources& sources);

/// What one setting forbids another; checked once all sources are read.
shared::Result<void> checkTogether(const Settings& settings, TokenSource token);

/// Every value with its origin, as TOML that could be read again; secrets as ***.
std::string printConfiguration(const Configuration& configuration);

/// HOST and PORT of "HOST:PORT" or "[V6]:PORT"; fails for anything else.
struct HostPort {
    std::string host;
    std::uint16_t port = 0;
};
shared::Result<HostPort> parseHostPort(const std::string& text);
/// Whether the host can be reached from this machine only.
bool isLoopback(const std::string& host);

namespace config {
/// One file of settings: values by key with their lines, and the [[rooms]] array. In config_file.cpp.
shared::Result<void> readFile(const std::string& path, Configuration& into);
/// The line for people about a bad value.
shared::Error mistake(const std::string& where, const std::string& key, const std::string& value,
                      const std::string& allowed);
/// The line about a key that does not exist.
shared::Error unknownKey(const std::string& where, const std::string& key, const std::string& value);
} // namespace config

} // namespace server
