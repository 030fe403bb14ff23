// SPDX-License-Identifier: Apache-2.0
// What the client listener says to a request: pure, apart from reserving a place. Shard thread.
#pragma once
#include "server/core/dialect.h"
#include "server/http/http.h"
#include "server/net/shard.h"
#include "shared/metrics.h"
#include <optional>
#include <string>

namespace server {

struct Verdict {
    const Dialect* dialect = nullptr; ///< of an upgrade, for which a place is reserved
    std::string answer;               ///< when it is none
    /// What is counted; nothing for the probes of load balancers and the page at /try.
    std::optional<shared::HandshakeResult> result;
    std::string admissionKey = {}; ///< for Admission::release()
};

Verdict judge(const HttpRequest& request, const std::string& address, const ShardWorld& world);

/// The head that Qt is shown: only key comes from the client, and that was checked. Whatever else Qt would
/// take differently than we do never reaches it.
std::string headForQt(const HttpRequest& request);
/// Lines to add to Qt's 101: the dialect's own subprotocol when it was offered; where it has none the first
/// that was offered, as official servers choose.
std::string linesForUpgrade(const HttpRequest& request, const Dialect& dialect);
/// From `Authorization: Bearer TOKEN`, else from a subprotocol `bearer.TOKEN`; empty without one.
std::string bearerToken(const HttpRequest& request);
/// At most 256 bytes, printable ASCII: for rows and logs.
std::string printable(std::string_view text);

} // namespace server
