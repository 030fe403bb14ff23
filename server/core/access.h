// SPDX-License-Identifier: Apache-2.0
// Who may do what: asked at CONNECT, join and publish. Implementations are thread safe: each shard asks.
#pragma once
#include "server/core/connection.h"
#include "server/core/message.h"
#include "server/core/settings.h"
#include "shared/result.h"
#include <string>
#include <string_view>

namespace server {

/// What access knows of who asks.
struct Admitted {
    std::string user; ///< claimed or proven name; empty: unknown
};

class Access {
public:
    virtual ~Access() = default;
    /// The error's message goes to the client as CONNECT_ERROR: "Invalid namespace" for an unknown one.
    virtual shared::Result<Admitted> connect(const NamespaceName& nsp, std::string_view authJson,
                                             const Peer& peer) const = 0;
    virtual shared::Result<void> join(const Admitted& who, const NamespaceName& nsp,
                                      const RoomName& room) const = 0;
    virtual shared::Result<void> leave(const Admitted& who, const NamespaceName& nsp,
                                       const RoomName& room) const = 0;
    virtual shared::Result<void> publish(const Admitted& who, const NamespaceName& nsp,
                                         const RoomName& room) const = 0;
};

/// Reads the [broker] section: which namespaces exist, and what everybody may do.
class BrokerAccess final : public Access {
public:
    explicit BrokerAccess(const BrokerSettings& settings);
    shared::Result<Admitted> connect(const NamespaceName& nsp, std::string_view authJson,
                                     const Peer& peer) const override;
    shared::Result<void> join(const Admitted&, const NamespaceName&, const RoomName&) const override;
    shared::Result<void> leave(const Admitted&, const NamespaceName&, const RoomName&) const override;
    shared::Result<void> publish(const Admitted&, const NamespaceName&, const RoomName&) const override;

private:
    BrokerSettings m_settings;
};

} // namespace server
