// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/link/tls_trust.h"
#include <QCryptographicHash>
#include <QDateTime>
#include <QFile>
#include <QSslSocket>
#include <QStringList>
#include <algorithm>

namespace console {

using shared::ErrorCode;
using shared::Result;

namespace {

constexpr qint64 MostFileBytes = 4 << 20;
constexpr qsizetype PinBytes = 32;
const QLatin1String PinPrefix("sha256:");

tl::unexpected<shared::Error> no(const QString& sentence) {
    return shared::failure(ErrorCode::Forbidden, sentence.toStdString());
}

bool isOfAuthority(QSslError::SslError error) {
    static constexpr QSslError::SslError Kinds[] = {QSslError::SelfSignedCertificate,
                                                    QSslError::SelfSignedCertificateInChain,
                                                    QSslError::UnableToGetIssuerCertificate,
                                                    QSslError::UnableToGetLocalIssuerCertificate,
                                                    QSslError::UnableToVerifyFirstCertificate,
                                                    QSslError::CertificateUntrusted,
                                                    QSslError::InvalidCaCertificate};
    return std::find(std::begin(Kinds), std::end(Kinds), error) != std::end(Kinds);
}

QString day(const QDateTime& time) {
    return time.toUTC().toString(QStringLiteral("yyyy-MM-dd hh:mm 'UTC'"));
}

QString namesOf(const QSslCertificate& certificate) {
    QStringList names = certificate.subjectAlternativeNames().values();
    if (names.isEmpty())
        names = certificate.subjectInfo(QSslCertificate::CommonName);
    return names.isEmpty() ? QStringLiteral("nobody") : names.join(QStringLiteral(", "));
}

} // namespace

QString pinOf(const QSslCertificate& certificate) {
    return PinPrefix + QString::fromLatin1(certificate.digest(QCryptographicHash::Sha256).toHex());
}

Result<TlsTrust> TlsTrust::from(const QString& caFile, const QString& pin) {
    TlsTrust trust;
    if (!caFile.isEmpty() && !pin.isEmpty())
        return no(QStringLiteral("a CA file and a pin cannot both say whom to trust: give one of them"));
    if (!pin.isEmpty()) {
        auto digits = pin.trimmed().toLower().toLatin1();
        const bool isNamed = digits.startsWith(QByteArray(PinPrefix.data(), PinPrefix.size()));
        digits = digits.mid(isNamed ? PinPrefix.size() : 0).replace(':', "");
        trust.m_pin = QByteArray::fromHex(digits);
        if (!isNamed || trust.m_pin.size() != PinBytes || trust.m_pin.toHex() != digits)
            return no(QStringLiteral("%1 is no pin: sha256: and 64 hexadecimal digits are needed, as "
                                     "openssl x509 -in CERTIFICATE -noout -fingerprint -sha256 tells them")
                          .arg(pin.left(100)));
        return trust;
    }
    if (caFile.isEmpty())
        return trust;
    QFile file(caFile);
    if (!file.open(QIODevice::ReadOnly))
        return no(QStringLiteral("the CA file %1 cannot be read: %2").arg(caFile, file.errorString()));
    trust.m_caFile = caFile;
    trust.m_authorities = QSslCertificate::fromData(file.read(MostFileBytes), QSsl::Pem);
    if (trust.m_authorities.isEmpty())
        return no(
            QStringLiteral("the CA file %1 holds no certificate: PEM with BEGIN CERTIFICATE is expected")
                .arg(caFile));
    return trust;
}

QSslConfiguration TlsTrust::configuration() const {
    auto configuration = QSslConfiguration::defaultConfiguration();
    configuration.setProtocol(QSsl::TlsV1_2OrLater);
    configuration.setPeerVerifyMode(QSslSocket::VerifyPeer);
    if (isOwn())
        configuration.setCaCertificates(m_authorities); // and no others are looked up then
    return configuration;
}

Result<void> TlsTrust::judge(const QSslCertificate& shown, const QList<QSslError>& errors,
                             const QString& host) const {
    const auto has = [&](auto fits) {
        return std::any_of(errors.begin(), errors.end(),
                           [&](const QSslError& each) { return fits(each.error()); });
    };
    const auto is = [&](QSslError::SslError kind) {
        return has([kind](QSslError::SslError error) { return error == kind; });
    };
    if (shown.isNull())
        return no(QStringLiteral("%1 shows no certificate").arg(host));
    if (!m_pin.isEmpty() && shown.digest(QCryptographicHash::Sha256) != m_pin)
        return no(
            QStringLiteral("%1 shows another certificate than the pinned one: %2. If it was replaced on "
                           "purpose, pin the new one; if not, somebody stands in between")
                .arg(host, pinOf(shown)));
    if (m_pin.isEmpty() && has(&isOfAuthority)) {
        const auto issuers = shown.issuerInfo(QSslCertificate::CommonName);
        return no(QStringLiteral(
                      "the certificate of %1 comes from \"%2\", an authority that %3 does not hold. Give "
                      "the file of its CA (--ca FILE), or pin the certificate after comparing it with "
                      "the node's (--pin %4)")
                      .arg(host, issuers.isEmpty() ? QStringLiteral("unknown") : issuers.first(),
                           m_caFile.isEmpty() ? QStringLiteral("this system") : m_caFile, pinOf(shown)));
    }
    if (is(QSslError::CertificateExpired) || shown.expiryDate() < QDateTime::currentDateTimeUtc())
        return no(
            QStringLiteral("the certificate of %1 expired on %2. Replace it at the node, and send the node "
                           "SIGHUP")
                .arg(host, day(shown.expiryDate())));
    if (is(QSslError::CertificateNotYetValid))
        return no(QStringLiteral(
                      "the certificate of %1 is not valid before %2. Compare the clocks of both machines")
                      .arg(host, day(shown.effectiveDate())));
    if (!m_pin.isEmpty())
        return {}; // this very certificate, whoever signed it and for whatever name
    if (is(QSslError::HostNameMismatch))
        return no(
            QStringLiteral("the certificate is for %1, not for %2. Connect by one of its names, or make the "
                           "node a certificate for %2")
                .arg(namesOf(shown), host));
    return no(QStringLiteral("the certificate of %1 is not accepted: %2")
                  .arg(host, errors.isEmpty() ? QStringLiteral("no reason was told")
                                              : errors.first().errorString()));
}

} // namespace console
