// SPDX-License-Identifier: Apache-2.0
// Settings of a running node on the admin channel. Plain values, any thread.
#pragma once
#include "shared/admin_rpc.h"

namespace shared::admin {

/// A row of `config.get`, in the order of the settings table.
struct ConfigRow {
    std::string key;    ///< "section.name"
    std::string value;  ///< as TOML text; what is secret in it is ***
    std::string origin; ///< "built-in", "FILE:LINE", "environment NAME", a flag, or "live"
    bool live = false;  ///< config.set may change it
    std::string allowed, help;
    QJsonObject toJson() const;
    static Result<ConfigRow> fromJson(const QJsonObject& json);
};

/// `config.set`: until the node restarts. `value` is a word as on the command line; a list is joined by
/// commas.
struct ConfigChange {
    std::string key, value;
    QJsonObject toJson() const;
    /// A number, true, false or an array of texts may stand for its word.
    static Result<ConfigChange> fromJson(const QJsonObject& json);
};

} // namespace shared::admin
