// SPDX-License-Identifier: Apache-2.0
// Certificates of our listeners: from files to an identity that is known to work, and from there to Qt's
// configuration. Any thread.
#pragma once
#include "server/core/tls_identity.h"
#include "shared/result.h"
#include <QSslConfiguration>
#include <string>

namespace server {

/// Two settings that belong together: `NAME_certificate` and `NAME_key`.
struct TlsFiles {
    std::string name; ///< "listen.tls"
    std::string certificate, key;
};
/// The error names the setting and its file, and says what to do.
shared::Result<TlsIdentityPtr> readTlsIdentity(const TlsFiles& files);
/// TLS 1.2 or later; no certificate of the client is asked for, and none is trusted.
QSslConfiguration tlsConfiguration(const TlsIdentity& identity);

} // namespace server
