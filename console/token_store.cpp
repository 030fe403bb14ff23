// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/token_store.h"
#include "console/link/run_directory.h"
#include <QSettings>

namespace console {

namespace {

constexpr int MostProfiles = 64;
constexpr QLatin1String Section("profiles");

} // namespace

void TokenStore::remember(const QUrl& url, const QString& token) {
    m_typed[url.toString()] = token;
}

QString TokenStore::tokenFor(const QUrl& url) const {
    const auto typed = m_typed.find(url.toString());
    if (typed != m_typed.end())
        return typed->second;
    return m_given.isEmpty() ? RunDirectory().tokenFor(url) : m_given;
}

std::vector<Profile> TokenStore::profiles() {
    QSettings settings;
    std::vector<Profile> profiles;
    const int count = std::min(settings.beginReadArray(Section), MostProfiles);
    for (int i = 0; i < count; ++i) {
        settings.setArrayIndex(i);
        profiles.push_back({settings.value(QStringLiteral("name")).toString(),
                            settings.value(QStringLiteral("addresses")).toStringList(),
                            settings.value(QStringLiteral("production")).toBool(),
                            settings.value(QStringLiteral("ca")).toString(),
                            settings.value(QStringLiteral("pin")).toString()});
    }
    return profiles;
}

void TokenStore::save(const Profile& profile) {
    auto all = profiles();
    std::erase_if(all, [&](const Profile& known) { return known.name == profile.name; });
    all.push_back(profile);
    QSettings settings;
    settings.beginWriteArray(Section);
    for (std::size_t i = 0; i < all.size(); ++i) {
        settings.setArrayIndex(int(i));
        settings.setValue(QStringLiteral("name"), all[i].name);
        settings.setValue(QStringLiteral("addresses"), all[i].addresses);
        settings.setValue(QStringLiteral("production"), all[i].isProduction);
        settings.setValue(QStringLiteral("ca"), all[i].caFile);
        settings.setValue(QStringLiteral("pin"), all[i].pin);
    }
    settings.endArray();
}

} // namespace console
