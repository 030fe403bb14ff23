// SPDX-License-Identifier: Apache-2.0
// Whom we trust when Redis is reached by TLS, and why not. Bus thread.
#pragma once
#include "shared/result.h"
#include <QtNetwork/QSslConfiguration>
#include <QtNetwork/QSslError>
#include <string>

namespace server {

/// `caFile`: PEM; only its authorities are trusted then, never one of the system. Empty: the system's.
shared::Result<QSslConfiguration> redisTls(const std::string& caFile);
/// Why the certificate that `host` shows is not accepted, and what to do; `errors` is not empty.
std::string redisDistrust(const QSslCertificate& shown, const QList<QSslError>& errors,
                          const std::string& host);

} // namespace server
