// SPDX-License-Identifier: GPL-3.0-or-later
// Which token goes to which address, and the saved profiles: names and addresses only, never a secret. Main
// thread.
#pragma once
#include "console/view/controls.h"
#include <QString>
#include <QUrl>
#include <map>
#include <vector>

namespace console {

class TokenStore {
public:
    /// `given` is of --token-file or WEIR_ADMIN_TOKEN; empty when there is neither.
    explicit TokenStore(QString given) : m_given(std::move(given)) {}

    /// Kept in memory, for this address only.
    void remember(const QUrl& url, const QString& token);
    /// Typed for this address, else given at the start, else what a loopback node wrote for us.
    QString tokenFor(const QUrl& url) const;

    static std::vector<Profile> profiles();
    static void save(const Profile& profile);

private:
    QString m_given;
    std::map<QString, QString> m_typed;
};

} // namespace console
