// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/link/run_directory.h"
#include <QDir>
#include <QFile>
#include <QHostAddress>
#include <QJsonDocument>
#include <QJsonObject>
#include <QRegularExpression>
#include <QStandardPaths>

namespace console {

namespace {

constexpr qint64 MostFileBytes = 4096;
constexpr int DefaultOpsPort = 7401;
constexpr qsizetype MostNodes = 64;

QByteArray contentOf(const QString& path) {
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? file.read(MostFileBytes) : QByteArray();
}

} // namespace

QStringList RunDirectory::existing() {
    QStringList wanted;
    const auto variable = [&](const char* name, const QString& below) {
        const auto value = qEnvironmentVariable(name);
        if (!value.isEmpty())
            wanted.append(value + below);
    };
#if defined(Q_OS_WIN)
    variable("LOCALAPPDATA", QStringLiteral("/Weirkeeper/run"));
#elif defined(Q_OS_MACOS)
    wanted.append(QDir::homePath() + QStringLiteral("/Library/Caches/Weirkeeper/run"));
#else
    variable("RUNTIME_DIRECTORY", QString());
    variable("XDG_RUNTIME_DIR", QStringLiteral("/weirkeeper"));
    wanted.append(QStringLiteral("/run/weirkeeper"));
    wanted.append(QDir::homePath() + QStringLiteral("/.cache/weirkeeper/run"));
#endif
    QStringList existing;
    for (const auto& directory : wanted) {
        if (QDir(directory).exists() && !existing.contains(directory))
            existing.append(directory);
    }
    return existing;
}

std::vector<FoundNode> RunDirectory::nodes() const {
    std::vector<FoundNode> found;
    for (const auto& directory : m_directories) {
        const auto files = QDir(directory).entryList({QStringLiteral("ops-*.json")}, QDir::Files, QDir::Name);
        for (const auto& file : files) {
            const auto json =
                QJsonDocument::fromJson(contentOf(directory + QLatin1Char('/') + file)).object();
            const auto url = adminUrl(json.value(QStringLiteral("ops")).toString());
            if (!url.isValid() || qsizetype(found.size()) >= MostNodes)
                continue;
            found.push_back({json.value(QStringLiteral("id")).toString(), url, !tokenFor(url).isEmpty()});
        }
    }
    return found;
}

QString RunDirectory::tokenFor(const QUrl& url) const {
    if (!isLoopback(url))
        return {};
    for (const auto& directory : m_directories) {
        const auto path = QStringLiteral("%1/ops-%2.token").arg(directory).arg(url.port(DefaultOpsPort));
        const auto token = QString::fromUtf8(contentOf(path)).section(QLatin1Char('\n'), 0, 0).trimmed();
        if (!token.isEmpty())
            return token;
    }
    return {};
}

bool isLoopback(const QUrl& url) {
    return url.host() == QLatin1String("localhost") || QHostAddress(url.host()).isLoopback();
}

QUrl adminUrl(const QString& address) {
    auto text = address.trimmed();
    if (text.isEmpty())
        return {};
    if (!text.contains(QLatin1String("://")))
        text.prepend(QLatin1String("ws://"));
    text.replace(QRegularExpression(QStringLiteral("^http")), QStringLiteral("ws"));
    QUrl url(text, QUrl::StrictMode);
    if (!url.isValid() || url.host().isEmpty() ||
        (url.scheme() != QLatin1String("ws") && url.scheme() != QLatin1String("wss")))
        return {};
    // The wildcard is where a node listens, never where one can go.
    if (url.host() == QLatin1String("0.0.0.0"))
        url.setHost(QStringLiteral("127.0.0.1"));
    else if (url.host() == QLatin1String("::"))
        url.setHost(QStringLiteral("::1"));
    if (url.port() < 0)
        url.setPort(DefaultOpsPort);
    if (url.path().isEmpty() || url.path() == QLatin1String("/"))
        url.setPath(QStringLiteral("/admin"));
    return url;
}

} // namespace console
