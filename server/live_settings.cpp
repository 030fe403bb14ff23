// SPDX-License-Identifier: Apache-2.0
#include "server/live_settings.h"
#include "server/config_table.h"
#include <fmt/format.h>

namespace server {

using shared::ErrorCode;
using shared::failure;
using shared::Result;

namespace {

constexpr const char* SetLive = "live";

std::string change(const SettingRow& row, const Settings& before, const Settings& after) {
    return fmt::format("{} = {} (was {})", row.key, settingText(row, after), settingText(row, before));
}

} // namespace

LiveSettings::LiveSettings(Configuration started, Settings settings)
    : m_started(std::move(started)), m_settings(std::move(settings)), m_origins(m_started.origins) {}

Result<LiveSettings::Reload> LiveSettings::compare(const Configuration& read) const {
    Reload reload{m_settings, m_origins, {}, {}, {}};
    const auto rows = settingRows();
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto& row = rows[i];
        const std::string key(row.key);
        if (row.liveness == Liveness::Restart) {
            if (!isSame(row, read.settings, m_started.settings))
                reload.needRestart.push_back(key);
        } else if (m_origins[i] == SetLive) {
            if (!isSame(row, read.settings, m_settings))
                reload.kept.push_back(key);
        } else {
            if (!isSame(row, read.settings, m_settings))
                reload.changed.push_back(change(row, m_settings, read.settings));
            copySetting(row, read.settings, reload.settings);
            reload.origins[i] = read.origins[i];
        }
    }
    if (read.settings.rooms != m_started.settings.rooms)
        reload.needRestart.emplace_back("rooms");
    if (auto together = checkTogether(reload.settings, m_started.token); !together)
        return tl::unexpected(together.error());
    return reload;
}

void LiveSettings::take(Reload reload) {
    m_settings = std::move(reload.settings);
    m_origins = std::move(reload.origins);
}

Result<LiveSettings::Reload> LiveSettings::changed(const std::string& key, const std::string& value) const {
    const auto* row = findSetting(key);
    if (row == nullptr)
        return tl::unexpected(config::unknownKey("config.set", key, "***"));
    if (row->liveness == Liveness::Restart)
        return failure(
            ErrorCode::BadRequest,
            fmt::format("{} cannot change while the node runs; set it in the file and restart", key));
    Reload reload{m_settings, m_origins, {}, {}, {}};
    if (auto applied = applySetting(*row, value, ValueForm::Plain, reload.settings); !applied)
        return failure(ErrorCode::BadRequest, fmt::format("{}: {}", key, applied.error().message));
    if (auto together = checkTogether(reload.settings, m_started.token); !together)
        return failure(ErrorCode::BadRequest, together.error().message);
    reload.changed.push_back(change(*row, m_settings, reload.settings));
    reload.origins[std::size_t(row - settingRows().data())] = SetLive;
    return reload;
}

std::vector<shared::admin::ConfigRow> LiveSettings::rows() const {
    std::vector<shared::admin::ConfigRow> rows;
    for (const auto& row : settingRows()) {
        const bool isLive = row.liveness == Liveness::Live;
        shared::admin::ConfigRow told;
        told.key = std::string(row.key);
        told.value = settingText(row, isLive ? m_settings : m_started.settings);
        told.origin = m_origins[rows.size()];
        told.live = isLive;
        told.allowed = allowedText(row);
        told.help = std::string(row.help);
        rows.push_back(std::move(told));
    }
    return rows;
}

} // namespace server
