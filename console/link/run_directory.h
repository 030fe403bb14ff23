// SPDX-License-Identifier: GPL-3.0-or-later
// The directories in which running nodes of this machine leave their address and, for us alone, a token. Any
// thread.
#pragma once
#include <QString>
#include <QStringList>
#include <QUrl>
#include <vector>

namespace console {

/// A node that said where it is in `ops-PORT.json`.
struct FoundNode {
    QString id;
    QUrl url; ///< ws://HOST:PORT/admin
    bool hasToken = false;
};

class RunDirectory {
public:
    /// Every directory of the list that exists, best first.
    static QStringList existing();
    explicit RunDirectory(QStringList directories = existing()) : m_directories(std::move(directories)) {}

    std::vector<FoundNode> nodes() const;
    /// The token that the loopback node behind `url` wrote; empty when there is none.
    QString tokenFor(const QUrl& url) const;

private:
    QStringList m_directories;
};

bool isLoopback(const QUrl& url);
/// `host:port`, `ws://host:port` and the like as the full URL of the admin channel; invalid when it makes no
/// sense.
QUrl adminUrl(const QString& address);

} // namespace console
