// SPDX-License-Identifier: GPL-3.0-or-later
// One admin channel: connects, comes back by itself, asks, and says plainly when it is blind. Main thread.
#pragma once
#include "console/link/tls_trust.h"
#include "shared/admin_protocol.h"
#include "shared/backoff.h"
#include "shared/metrics.h"
#include "shared/result.h"
#include <QElapsedTimer>
#include <QObject>
#include <QTimer>
#include <QUrl>
#include <QWebSocket>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

namespace console {

class NodeLink : public QObject {
    Q_OBJECT

public:
    enum class State : std::uint8_t {
        Connecting, ///< the first attempt, until the first sample
        Live,
        Stale,  ///< no sample for 2.5 intervals
        Lost,   ///< closed, or no sample for 10 s; retries by itself
        Refused ///< the node said no; waits for another token
    };
    using TokenSource =
        std::function<QString(const QUrl&)>; ///< asked at each attempt: a restarted node has a new one
    using Answer = std::function<void(shared::Result<QJsonObject>)>;

    struct Timing {
        std::chrono::milliseconds interval{1000}; ///< of snapshots
        std::chrono::milliseconds poll{2000};     ///< of node.info and cluster.nodes
        std::chrono::milliseconds connect{5000};  ///< until hello
        std::chrono::milliseconds lostAfter{10'000};
        std::chrono::milliseconds answer{10'000}; ///< of a request
        std::chrono::milliseconds firstRetry{250}, mostRetry{5000};
        std::chrono::milliseconds trustRetry{
            30'000}; ///< after a certificate that is not trusted: it may be replaced
    };

    NodeLink(QUrl url, TokenSource token, Timing timing, QObject* parent = nullptr);
    ~NodeLink() override;

    /// Whom to trust at a wss:// address, from the next attempt on.
    void setTrust(TlsTrust trust) { m_trust = std::move(trust); }
    const TlsTrust& trust() const { return m_trust; }
    void open();
    void retryNow();
    /// Answers once: with the result, the node's error, or ours (busy, unavailable). After the link is gone
    /// nothing is repeated: an act may have happened.
    void request(const QString& method, const QJsonObject& params, Answer answer);

    const QUrl& url() const { return m_url; }
    State state() const { return m_state; }
    const QString& sentence() const { return m_sentence; } ///< why it is lost or refused
    int attempt() const { return m_attempt; }
    std::optional<std::chrono::milliseconds> retryIn() const;
    const std::optional<shared::admin::Hello>& hello() const { return m_hello; }
    /// Node clock to ours, as far as the quickest message told.
    std::int64_t clockOffset_ms() const { return m_clockOffset_ms.value_or(0); }

Q_SIGNALS:
    void stateChanged();
    void helloReceived(const shared::admin::Hello& hello);
    void snapshotReceived(const shared::Snapshot& snapshot, std::int64_t arrival_ms);
    void announced(const shared::admin::NodeInfo& node);
    void clusterReceived(const std::vector<shared::admin::ClusterNode>& nodes);
    void operationReceived(const shared::admin::OperationRow& row); ///< as it moves or ends
    void operationListed(const shared::admin::OperationRow& row);   ///< from before we came
    /// What was asked for by request(): a trace's line, a log's, a watched connection's sample.
    void notified(const QString& method, const QJsonObject& params);

private:
    struct Pending {
        Answer answer;
        std::chrono::milliseconds deadline;
    };
    void connectNow();
    void dropSocket();
    void lose(const QString& sentence);
    void refuse(const QString& sentence);
    void judgeTls(const QList<QSslError>& errors);
    bool refuseUntrusted();
    void probeRefusal(int status);
    void setState(State state);
    void tick();
    void take(const QString& text);
    void takeHello(const QJsonObject& params);
    void takeNotification(const shared::admin::RpcMessage& message);
    void subscribe();
    void poll();
    void askAboutNode();
    void failPending(const std::string& sentence);
    std::chrono::milliseconds now() const { return std::chrono::milliseconds(m_clock.elapsed()); }

    QUrl m_url;
    TokenSource m_tokenSource;
    QString m_token; ///< of the last attempt
    Timing m_timing;
    TlsTrust m_trust;
    QString m_distrust; ///< why TLS is about to fail; empty: for no reason of ours
    QWebSocket* m_socket = nullptr;
    QTimer m_tick, m_retry;
    QElapsedTimer m_clock;
    shared::Backoff m_backoff;
    State m_state = State::Connecting;
    QString m_sentence;
    int m_attempt = 0;
    bool m_isProbing = false;
    std::chrono::milliseconds m_openedAt{0}, m_sampleAt{0}, m_polledAt{0};
    std::int64_t m_nextId = 1;
    std::map<std::int64_t, Pending> m_pending;
    bool m_isAskingNode = false, m_isAskingCluster = false;
    std::optional<shared::admin::Hello> m_hello;
    std::optional<std::int64_t> m_clockOffset_ms;
};

} // namespace console
