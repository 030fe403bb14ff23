// SPDX-License-Identifier: Apache-2.0
// Accepts for the client listener and hands descriptors to the least loaded shard. Main thread.
#pragma once
#include "server/core/counters.h"
#include "server/core/mail.h"
#include "shared/result.h"
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace server {

/// Out of descriptors: a reserve one is opened up, the newcomer is answered 503, and accepting pauses 100 ms.
class Acceptor {
public:
    /// Called for each accepted socket; returns false when the receiver refused (the acceptor then closes
    /// it).
    using Receive = std::function<bool(Arrived)>;
    Acceptor(Receive receive, Counters& counters);
    ~Acceptor();
    /// HOST:PORT (port 0: any), [V6]:PORT or unix:PATH. The error names address and reason in words.
    shared::Result<void> listen(const std::string& address);
    std::vector<std::string> addresses() const; ///< as bound: HOST:PORT, or unix:PATH
    void stop();

private:
    struct Inner;
    std::unique_ptr<Inner> m_inner;
};

} // namespace server
