// SPDX-License-Identifier: Apache-2.0
// The certificates of both listeners: read together, replaced together, watched for their end. Main thread.
#pragma once
#include "server/core/clock.h"
#include "server/core/counters.h"
#include "server/core/settings.h"
#include "server/core/tls_identity.h"
#include "shared/result.h"
#include <array>
#include <chrono>
#include <string>
#include <vector>

namespace server {

/// Ordinals of the label `listener`, for the listeners that have a certificate.
enum class ListenerKind : std::uint8_t { Clients, Ops };

class Certificates {
public:
    static constexpr std::chrono::hours WarnBefore{14 * 24}, WarnEvery{24};

    /// What the settings name; a listener without a certificate has none. When one cannot be used the error
    /// says which and why, and what was read before stays whole.
    shared::Result<void> read(const ListenSettings& listen);
    /// The same again, for the listeners that have a certificate: none begins or ends to speak TLS by it.
    shared::Result<void> renew(const ListenSettings& listen);
    /// Null: plain.
    const TlsIdentityPtr& identity(ListenerKind listener) const {
        return m_listeners[std::size_t(listener)].identity;
    }
    /// The label values of the metric, in the order of its ordinals.
    std::vector<std::string> labels() const;
    /// Seconds that are left go to the metric, and once a day below 14 days a line to the log.
    void tick(const Clock& clock, Sampler& sampler);

private:
    enum class Which : std::uint8_t { Named, Secure };
    shared::Result<void> read(const ListenSettings& listen, Which which);

    struct Listener {
        std::string file;
        TlsIdentityPtr identity;
        std::int64_t warnedAt_s = 0;
    };
    std::array<Listener, 2> m_listeners;
};

/// The sentence about a certificate that ends soon or has ended; `left_s` may be negative.
std::string expirySentence(const std::string& file, std::int64_t left_s);

} // namespace server
