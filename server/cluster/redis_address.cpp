// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/redis_address.h"
#include <QtCore/QUrl>
#include <QtCore/QUrlQuery>

namespace server {

using shared::ErrorCode;
using shared::failure;
using shared::Result;

Result<RedisAddress> RedisAddress::parse(const std::string& text) {
    const auto wrong = [](const char* why) {
        return failure(ErrorCode::Configuration,
                       std::string("redis.url: ") + why +
                           "; redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE], "
                           "rediss://… and unix://PATH[?db=DATABASE] are supported");
    };
    const QUrl url(QString::fromStdString(text), QUrl::StrictMode);
    if (!url.isValid())
        return wrong("this is no URL");
    RedisAddress address;
    QString database;
    if (url.scheme() == QLatin1String("redis") || url.scheme() == QLatin1String("rediss")) {
        address.isSecure = url.scheme() == QLatin1String("rediss");
        address.host = url.host().toStdString();
        if (address.host.empty())
            return wrong("a host is missing");
        if (url.port(6379) == 0)
            return wrong("0 is no port");
        address.port = std::uint16_t(url.port(6379));
        database = url.path().mid(1);
    } else if (url.scheme() == QLatin1String("unix")) {
        address.path = url.path(QUrl::FullyDecoded).toStdString();
        if (address.path.size() < 2)
            return wrong("a path is missing");
        database = QUrlQuery(url).queryItemValue(QStringLiteral("db"));
    } else {
        return wrong("this scheme is not supported");
    }
    if (!database.isEmpty()) {
        bool isNumber = false;
        address.database = database.toInt(&isNumber);
        if (!isNumber || address.database < 0)
            return wrong("the database is a number from 0");
    }
    address.user = url.userName(QUrl::FullyDecoded).toStdString();
    address.password = url.password(QUrl::FullyDecoded).toStdString();
    return address;
}

std::string RedisAddress::text() const {
    if (host.empty())
        return "unix:" + path;
    return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
}

} // namespace server
