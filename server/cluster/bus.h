// SPDX-License-Identifier: Apache-2.0
// The thread of the cluster adapter. start() and stop() on main; everything else happens on the bus thread.
#pragma once
#include "server/core/counters.h"
#include "server/core/mail.h"
#include "server/core/router.h"
#include "server/core/settings.h"
#include <functional>
#include <memory>
#include <string>

namespace server {

/// What the bus needs of the node: made before it, outlives it.
struct BusWorld {
    const Settings& settings;
    std::string node; ///< our id
    Router& router;
    const Clock& clock;
    MainBox& main;
    /// The event dispatcher of the thread; empty, or a null from it, is Qt's own. Called on the bus thread.
    std::function<QAbstractEventDispatcher*()> makeDispatcher = {};
};

/// Owns the adapter and takes the mails of `box`.
class BusThread {
public:
    BusThread(BusWorld world, BusBox& box, Counters& counters);
    ~BusThread();
    BusThread(const BusThread&) = delete;
    BusThread& operator=(const BusThread&) = delete;
    void start();
    /// Posts StopBus, behind everything that was posted before it, and joins.
    void stop();

private:
    struct Inner;
    std::unique_ptr<Inner> m_inner;
};

} // namespace server
