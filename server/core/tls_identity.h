// SPDX-License-Identifier: Apache-2.0
// A listener's certificate and key as PEM text, read once and found to fit together. Immutable: any thread.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

namespace server {

/// Text, not a TLS library's objects: each thread makes its own of it.
struct TlsIdentity {
    std::string certificates;     ///< the listener's own first, then its chain
    std::string key;              ///< never shown, never logged
    std::int64_t expiresAt_s = 0; ///< Unix time; the earliest of the chain
    std::string fingerprint; ///< SHA-256 of the listener's own certificate in hexadecimal, for logs and pins
};
using TlsIdentityPtr = std::shared_ptr<const TlsIdentity>;

} // namespace server
