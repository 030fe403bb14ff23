// SPDX-License-Identifier: GPL-3.0-or-later
// Whom a link with TLS trusts: the authorities of a file, one pinned certificate, or those of the system. A
// value; any thread.
#pragma once
#include "shared/result.h"
#include <QByteArray>
#include <QList>
#include <QSslCertificate>
#include <QSslConfiguration>
#include <QSslError>
#include <QString>

namespace console {

class TlsTrust {
public:
    /// The authorities of the system.
    TlsTrust() = default;
    /// `caFile`: PEM; `pin`: "sha256:" and the SHA-256 of the node's certificate in hexadecimal, with or
    /// without colons. At most one of the two; both empty: the system's. The error is a sentence.
    static shared::Result<TlsTrust> from(const QString& caFile, const QString& pin);

    /// Trust of the operator's own choice: a token may go to a node that another one tells of.
    bool isOwn() const { return !m_authorities.isEmpty() || !m_pin.isEmpty(); }
    /// With a pin no authority is trusted, so that every certificate is brought before judge().
    QSslConfiguration configuration() const;
    /// Success: what TLS found is overridden by the pin. Else why `host` is not trusted, and what to do.
    shared::Result<void> judge(const QSslCertificate& shown, const QList<QSslError>& errors,
                               const QString& host) const;

private:
    QString m_caFile;
    QList<QSslCertificate> m_authorities;
    QByteArray m_pin; ///< 32 bytes
};

/// "sha256:…", as a pin is written.
QString pinOf(const QSslCertificate& certificate);

} // namespace console
