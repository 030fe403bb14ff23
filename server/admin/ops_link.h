// SPDX-License-Identifier: Apache-2.0
// One console on the admin channel: its requests, answers and snapshots. Main thread.
#pragma once
#include "server/admin/commands.h"
#include "server/admin/tokens.h"
#include "server/core/counters.h"
#include "server/core/log_tap.h"
#include "server/core/tracer.h"
#include <QByteArray>
#include <map>
#include <memory>
#include <optional>

class QWebSocket;

namespace server {

class OpsLink final : public Subscriber {
public:
    /// `socket` is owned. `world` and `counters` outlive the link.
    OpsLink(std::unique_ptr<QWebSocket> socket, Operator who, Tokens::Owner token, CommandWorld world,
            const shared::MetricCatalog& catalog, Counters& counters, const LogTap& log);
    ~OpsLink() override;
    OpsLink(const OpsLink&) = delete;
    OpsLink& operator=(const OpsLink&) = delete;

    void greet(const shared::admin::Hello& hello);
    /// `encoded` is the notification of this very snapshot, made once for all links.
    void snapshotTaken(const shared::Snapshot& snapshot, const QString& encoded);
    void operationChanged(const QString& encoded);
    /// Once a second: a link that reads nothing for 30 s is dropped.
    void tick();

    std::int64_t subscribe(std::int64_t interval_ms) override;
    void unsubscribe() override;
    void watch(shared::ConnectionId id, Done<QJsonObject> done) override;
    bool unwatch(shared::ConnectionId id) override { return m_watched.erase(id) > 0; }
    void subscribeLog(shared::admin::LogLevel level) override;
    void unsubscribeLog() override { m_logLevel.reset(); }
    shared::Result<void> startTrace(const shared::admin::TraceRequest& request) override;
    bool stopTrace() override { return endTrace("stopped"); }
    void traced(const TraceLines& lines);
    /// What was logged since the last call; 20 times a second at most.
    void drainLog();
    bool isClosed() const { return m_isClosed; }
    const std::string& tokenName() const { return m_who.name; }
    const Tokens::Owner& token() const { return m_token; }
    /// Its token is nobody's any more.
    void revoke();

private:
    void received(const QString& text);
    void answer(std::int64_t id, const shared::Result<QJsonObject>& result);
    void send(const QString& text);
    void gather(const shared::Snapshot& snapshot);
    void drop(const char* why);
    bool endTrace(const char* why);
    void sampled(shared::ConnectionId id, const shared::Result<shared::admin::ConnectionSample>& sample);

    std::unique_ptr<QWebSocket> m_socket;
    Operator m_who;
    const Tokens::Owner m_token;
    CommandWorld m_world;
    const shared::MetricCatalog& m_catalog;
    Counters& m_counters;
    const LogTap& m_log;
    std::int64_t m_interval_ms = 0; ///< 0: not subscribed
    std::optional<shared::Snapshot> m_gathered;
    int m_inFlight = 0;
    std::map<shared::ConnectionId, shared::admin::ConnectionSample> m_watched; ///< with their last sample
    std::optional<shared::admin::LogLevel> m_logLevel;
    struct Trace {
        std::uint64_t id = 0;
        TimePoint until;
        std::int64_t missed = 0; ///< lines that the link was too slow for
    };
    std::optional<Trace> m_trace;
    std::uint64_t m_logCursor = 0, m_logMissed = 0;
    std::int64_t m_bytesWritten = 0, m_writtenAtTick = 0;
    int m_stuckTicks = 0;
    bool m_isClosed = false;
    std::shared_ptr<bool> m_alive = std::make_shared<bool>(true); ///< late answers look at it
};

} // namespace server
