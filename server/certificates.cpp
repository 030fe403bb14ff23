// SPDX-License-Identifier: Apache-2.0
#include "server/certificates.h"
#include "server/net/tls.h"
#include <cstdlib>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace server {

namespace {

constexpr std::int64_t Hour_s = 3600, Day_s = 86400;
constexpr std::array<const char*, 2> Names{"clients", "ops"};

} // namespace

shared::Result<void> Certificates::read(const ListenSettings& listen) {
    return read(listen, Which::Named);
}

shared::Result<void> Certificates::renew(const ListenSettings& listen) {
    return read(listen, Which::Secure);
}

shared::Result<void> Certificates::read(const ListenSettings& listen, Which which) {
    const std::array<TlsFiles, 2> files{
        TlsFiles{"listen.tls", listen.tlsCertificate, listen.tlsKey},
        TlsFiles{"listen.ops_tls", listen.opsTlsCertificate, listen.opsTlsKey}};
    auto fresh = m_listeners;
    for (std::size_t i = 0; i < files.size(); ++i) {
        if (files[i].certificate.empty() || (which == Which::Secure && !m_listeners[i].identity))
            continue;
        auto identity = readTlsIdentity(files[i]);
        if (!identity)
            return tl::unexpected(identity.error());
        const bool isSame = fresh[i].identity && fresh[i].identity->fingerprint == (*identity)->fingerprint;
        fresh[i] = {files[i].certificate, std::move(*identity), isSame ? fresh[i].warnedAt_s : 0};
        spdlog::info("certificate of the {} listener: {}, sha256:{}{}", Names[i], fresh[i].file,
                     fresh[i].identity->fingerprint, isSame ? " (as before)" : "");
    }
    m_listeners = std::move(fresh);
    return {};
}

std::vector<std::string> Certificates::labels() const {
    std::vector<std::string> labels;
    for (std::size_t i = 0; i < Names.size(); ++i)
        if (m_listeners[i].identity)
            labels.emplace_back(Names[i]);
    return labels;
}

void Certificates::tick(const Clock& clock, Sampler& sampler) {
    const std::int64_t now_s = clock.unixMs() / 1000;
    std::size_t ordinal = 0;
    for (auto& listener : m_listeners) {
        if (!listener.identity)
            continue;
        const std::int64_t left_s = listener.identity->expiresAt_s - now_s;
        sampler.setValue(shared::Metric::CertificateExpirySeconds, double(left_s), ordinal++);
        if (left_s >= std::chrono::seconds(WarnBefore).count() ||
            now_s - listener.warnedAt_s < std::chrono::seconds(WarnEvery).count())
            continue;
        listener.warnedAt_s = now_s;
        spdlog::warn("{}", expirySentence(listener.file, left_s));
    }
}

std::string expirySentence(const std::string& file, std::int64_t left_s) {
    const auto magnitude = std::abs(left_s);
    const auto time = magnitude >= 2 * Day_s ? fmt::format("{} days", magnitude / Day_s)
                                             : fmt::format("{} hours", magnitude / Hour_s);
    return fmt::format("certificate {} {}: replace the file and send SIGHUP", file,
                       left_s < 0 ? "expired " + time + " ago" : "expires in " + time);
}

} // namespace server
