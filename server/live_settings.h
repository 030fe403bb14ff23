// SPDX-License-Identifier: Apache-2.0
// The settings of a running node: as it was started, with what has been changed since. Main thread.
#pragma once
#include "server/config.h"
#include "shared/admin_config.h"

namespace server {

class LiveSettings {
public:
    /// What a new reading of file and environment would make of the node.
    struct Reload {
        Settings settings;
        std::vector<std::string> origins;
        std::vector<std::string> changed;     ///< "log.level = \"debug\" (was \"info\")"
        std::vector<std::string> needRestart; ///< keys that were changed and are not taken over
        std::vector<std::string> kept;        ///< keys that were set live, and stay so until the restart
    };

    /// `started` is the configuration as it was read; `settings` what the node made of it.
    LiveSettings(Configuration started, Settings settings);

    const Settings& settings() const { return m_settings; }
    /// Refused as a whole when the values would not go together.
    shared::Result<Reload> compare(const Configuration& read) const;
    void take(Reload reload);
    /// One value as a word; the error says why it cannot be.
    shared::Result<Reload> changed(const std::string& key, const std::string& value) const;
    /// Every setting as it is now; secrets as ***.
    std::vector<shared::admin::ConfigRow> rows() const;

private:
    const Configuration m_started;
    Settings m_settings;
    std::vector<std::string> m_origins; ///< of each row of settingRows()
};

} // namespace server
