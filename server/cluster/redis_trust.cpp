// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/redis_trust.h"
#include <QtCore/QDateTime>
#include <QtCore/QFile>
#include <QtNetwork/QSslCertificate>
#include <QtNetwork/QSslSocket>
#include <algorithm>

namespace server {

using shared::ErrorCode;
using shared::failure;

namespace {

constexpr qint64 MostCaBytes = qint64(4) << 20;

} // namespace

shared::Result<QSslConfiguration> redisTls(const std::string& caFile) {
    auto configuration = QSslConfiguration::defaultConfiguration();
    configuration.setProtocol(QSsl::TlsV1_2OrLater);
    configuration.setPeerVerifyMode(QSslSocket::VerifyPeer);
    if (caFile.empty())
        return configuration;
    QFile file(QString::fromStdString(caFile));
    if (!file.open(QIODevice::ReadOnly))
        return failure(ErrorCode::Configuration,
                       "redis.tls_ca = " + caFile + ": cannot be read: " + file.errorString().toStdString());
    const auto authorities = QSslCertificate::fromData(file.read(MostCaBytes), QSsl::Pem);
    if (authorities.isEmpty())
        return failure(ErrorCode::Configuration,
                       "redis.tls_ca = " + caFile +
                           ": holds no certificate: PEM with BEGIN CERTIFICATE is expected");
    configuration.setCaCertificates(authorities);
    return configuration;
}

std::string redisDistrust(const QSslCertificate& shown, const QList<QSslError>& errors,
                          const std::string& host) {
    const auto has = [&](std::initializer_list<QSslError::SslError> kinds) {
        return std::any_of(errors.begin(), errors.end(), [&](const QSslError& error) {
            return std::find(kinds.begin(), kinds.end(), error.error()) != kinds.end();
        });
    };
    if (has({QSslError::SelfSignedCertificate, QSslError::SelfSignedCertificateInChain,
             QSslError::UnableToGetLocalIssuerCertificate, QSslError::UnableToGetIssuerCertificate,
             QSslError::UnableToVerifyFirstCertificate, QSslError::CertificateUntrusted}))
        return "its certificate comes from an authority that is not trusted: set redis.tls_ca to the file of "
               "its CA";
    if (has({QSslError::CertificateExpired}))
        return "its certificate expired on " + shown.expiryDate().toUTC().toString(Qt::ISODate).toStdString();
    if (has({QSslError::HostNameMismatch}))
        return "its certificate is not for " + host;
    return "its certificate is not accepted: " + errors.first().errorString().toStdString();
}

} // namespace server
