// SPDX-License-Identifier: Apache-2.0
// The ops listener: health, readiness and metrics over HTTP, and the admin channel. Main thread.
#pragma once
#include "server/admin/commands.h"
#include "server/admin/tokens.h"
#include "server/core/counters.h"
#include "server/core/log_tap.h"
#include "server/core/mail.h"
#include <QSslConfiguration>
#include <memory>
#include <string>
#include <vector>

namespace server {

/// Outlives the server.
struct OpsWorld {
    Control& control;
    const shared::MetricCatalog& catalog;
    const Sampler& sampler;
    Counters& counters; ///< main's own
    const Clock& clock;
    Tokens tokens;
    std::string nodeId;
    std::vector<std::string> origins; ///< pages that may use the listener
    std::vector<std::string> hosts;   ///< names beside address literals and localhost
    std::string auditFile;            ///< empty: the audit is kept in memory alone
    const LogTap& log;                ///< for who reads along; each with a cursor of its own
};

class OpsServer {
public:
    explicit OpsServer(OpsWorld world);
    ~OpsServer();
    OpsServer(const OpsServer&) = delete;
    OpsServer& operator=(const OpsServer&) = delete;

    /// From the next connection on: TLS with this certificate.
    void useTls(const QSslConfiguration& configuration);
    /// Takes the socket over; false when it cannot (the caller then closes it).
    bool adopt(Descriptor descriptor, const std::string& address, std::uint16_t port);
    /// To all who subscribed.
    void snapshotTaken(const shared::Snapshot& snapshot);
    void operationChanged(const shared::admin::OperationRow& row);
    /// Whether anybody may use the admin channel.
    bool hasOperators() const;
    /// From now on; links whose token is no longer among them end with 4401.
    void configure(Tokens tokens, std::vector<std::string> origins);
    /// To the link whose trace it is.
    void traced(const TraceLines& lines);
    /// Once a second: time limits, and links that have ended.
    void tick();

private:
    struct Inner;
    std::unique_ptr<Inner> m_inner;
};

/// Whether a Host header names this listener: an address literal, localhost, or one of `names`; any port.
bool isKnownHost(std::string_view host, const std::vector<std::string>& names);

} // namespace server
