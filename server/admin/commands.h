// SPDX-License-Identifier: Apache-2.0
// The one table of admin methods, and how one is carried out: role, act, audit. Main thread.
#pragma once
#include "server/admin/audit.h"
#include "server/admin/stats_history.h"
#include "server/core/clock.h"
#include "server/core/control.h"
#include "shared/admin_protocol.h"
#include <functional>
#include <span>

namespace server {

/// The link that asks, as commands see it. They use it before they return only.
class Subscriber {
public:
    virtual ~Subscriber() = default;
    /// Begins or changes its stats; answers the interval that it really gets.
    virtual std::int64_t subscribe(std::int64_t interval_ms) = 0;
    virtual void unsubscribe() = 0;
    /// A sample each second from now on; answers the first one, or why there is none.
    virtual void watch(shared::ConnectionId id, Done<QJsonObject> done) = 0;
    /// False when it was not watched.
    virtual bool unwatch(shared::ConnectionId id) = 0;
    virtual void subscribeLog(shared::admin::LogLevel level) = 0;
    virtual void unsubscribeLog() = 0;
    /// One at a time; it ends by itself.
    virtual shared::Result<void> startTrace(const shared::admin::TraceRequest& request) = 0;
    /// False when none runs.
    virtual bool stopTrace() = 0;
};

/// What commands act on. Outlives all calls.
struct CommandWorld {
    Control& control;
    Audit& audit;
    const Clock& clock;
    const StatsHistory& history;
};

struct CommandCall {
    CommandWorld world;
    const Operator& by;
    Subscriber& link;
    const QJsonObject& params;
    /// Exactly once, at once or later; safe after the link has gone.
    Done<QJsonObject> done;
};

struct Command {
    const char* method;
    std::vector<std::string> params;
    const char* help;
    shared::admin::Effect effect;
    void (*run)(CommandCall call);
};

std::span<const Command> commands();

/// Refuses unknown methods and acts of viewers; every act is audited with its outcome.
void runCommand(const QString& method, CommandCall call);

} // namespace server
