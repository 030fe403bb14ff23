// SPDX-License-Identifier: Apache-2.0
#include "server/net/tls.h"
#include <QCryptographicHash>
#include <QDateTime>
#include <QFile>
#include <QSslKey>
#include <QSslSocket>
#include <algorithm>

namespace server {

using shared::ErrorCode;
using shared::Result;

namespace {

constexpr qint64 MostFileBytes = 1 << 20;

tl::unexpected<shared::Error> no(const std::string& key, const std::string& file,
                                 const std::string& sentence) {
    return shared::failure(ErrorCode::Configuration, key + " = " + file + ": " + sentence);
}

Result<QByteArray> contents(const std::string& key, const std::string& file) {
    QFile source(QString::fromStdString(file));
    if (!source.open(QIODevice::ReadOnly))
        return no(key, file, "cannot be read: " + source.errorString().toStdString());
    if (source.size() > MostFileBytes)
        return no(key, file, "is no PEM file: it is over 1 MB");
    return source.read(MostFileBytes);
}

QSslKey privateKey(const QByteArray& pem) {
    for (const auto algorithm : {QSsl::Rsa, QSsl::Ec}) {
        QSslKey key(pem, algorithm, QSsl::Pem, QSsl::PrivateKey);
        if (!key.isNull())
            return key;
    }
    return {};
}

/// Whether the TLS library takes the two for one pair: it says so when a server begins, without a peer.
bool isPair(const QSslConfiguration& configuration) {
    QSslSocket probe;
    probe.setSocketDescriptor(-1); // connected to nobody, but a socket that may begin
    probe.setSslConfiguration(configuration);
    probe.startServerEncryption();
    const auto error = probe.error();
    return error != QAbstractSocket::SslInternalError && error != QAbstractSocket::SslInvalidUserDataError;
}

} // namespace

Result<TlsIdentityPtr> readTlsIdentity(const TlsFiles& files) {
    const auto certificateKey = files.name + "_certificate", keyKey = files.name + "_key";
    if (!QSslSocket::supportsSsl())
        return no(certificateKey, files.certificate, "the TLS library (OpenSSL) is not installed");
    const auto certificates = contents(certificateKey, files.certificate);
    if (!certificates)
        return tl::unexpected(certificates.error());
    const auto key = contents(keyKey, files.key);
    if (!key)
        return tl::unexpected(key.error());
    const auto chain = QSslCertificate::fromData(*certificates, QSsl::Pem);
    if (chain.isEmpty())
        return no(certificateKey, files.certificate,
                  "holds no certificate: PEM with BEGIN CERTIFICATE is expected");
    if (privateKey(*key).isNull())
        return no(keyKey, files.key,
                  "holds no key: PEM of an RSA or EC key without a pass phrase is expected");

    auto identity = std::make_shared<TlsIdentity>();
    identity->certificates = certificates->toStdString();
    identity->key = key->toStdString();
    const auto earliest = std::min_element(chain.begin(), chain.end(), [](const auto& a, const auto& b) {
        return a.expiryDate() < b.expiryDate();
    });
    identity->expiresAt_s = earliest->expiryDate().toSecsSinceEpoch();
    identity->fingerprint = chain.first().digest(QCryptographicHash::Sha256).toHex().toStdString();
    if (!isPair(tlsConfiguration(*identity)))
        return no(keyKey, files.key, "is not the key of the certificate in " + files.certificate);
    return identity;
}

QSslConfiguration tlsConfiguration(const TlsIdentity& identity) {
    auto configuration = QSslConfiguration::defaultConfiguration();
    configuration.setProtocol(QSsl::TlsV1_2OrLater);
    configuration.setPeerVerifyMode(QSslSocket::VerifyNone);
    configuration.setCaCertificates({});
    configuration.setLocalCertificateChain(
        QSslCertificate::fromData(QByteArray::fromStdString(identity.certificates), QSsl::Pem));
    configuration.setPrivateKey(privateKey(QByteArray::fromStdString(identity.key)));
    return configuration;
}

} // namespace server
