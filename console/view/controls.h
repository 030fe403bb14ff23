// SPDX-License-Identifier: GPL-3.0-or-later
// What the pages need from the program around them: to ask nodes, and to link them. Main thread.
#pragma once
#include "shared/result.h"
#include <QJsonObject>
#include <QString>
#include <QStringList>
#include <functional>
#include <vector>

namespace console {

/// A node of this machine that said where it is.
struct Invitation {
    QString id, address;
    bool hasToken = false;
};
/// Addresses under a name; never a secret.
struct Profile {
    QString name;
    QStringList addresses;
    bool isProduction = false;
    QString caFile, pin; ///< whom to trust at wss:// addresses; both empty: the system's authorities
};

class Controls {
public:
    using Done = std::function<void(shared::Result<QJsonObject>)>;

    virtual ~Controls() = default;
    /// Asks one node; `done` is called once, never from inside this call when the node is linked.
    virtual void request(const QString& nodeKey, const QString& method, const QJsonObject& params,
                         Done done) = 0;
    /// Links a node. The token stays in memory. Empty: `done` was not needed; else the sentence that says
    /// what is wrong.
    virtual QString connectTo(const QString& address, const QString& token) = 0;
    /// Whom to trust at a wss:// address from now on. Empty, or the sentence that says what is wrong.
    virtual QString trust(const QString& address, const QString& caFile, const QString& pin) = 0;
    virtual void retryNow(const QString& nodeKey) = 0;
    virtual std::vector<Invitation> invitations() const = 0;
    virtual std::vector<Profile> profiles() const = 0;
    virtual void saveProfile(const Profile& profile) = 0;
};

} // namespace console
