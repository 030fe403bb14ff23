// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/link/node_link.h"
#include "console/link/refusal_probe.h"
#include <QDateTime>
#include <QNetworkProxy>
#include <QNetworkRequest>
#include <QRegularExpression>
#include <QSslSocket>
#include <QWebSocketHandshakeOptions>
#include <random>

namespace console {

using namespace std::chrono_literals;
namespace admin = shared::admin;

namespace {

constexpr auto TickInterval = 100ms;
constexpr double StaleIntervals = 2.5;

/// QWebSocket tells a refused handshake only in words.
int statusIn(const QString& errorText) {
    static const QRegularExpression Status(QStringLiteral("status code: (\\d{3})"));
    const auto match = Status.match(errorText);
    return match.hasMatch() ? match.captured(1).toInt() : 0;
}

} // namespace

NodeLink::NodeLink(QUrl url, TokenSource token, Timing timing, QObject* parent)
    : QObject(parent), m_url(std::move(url)), m_tokenSource(std::move(token)), m_timing(timing),
      m_backoff(timing.firstRetry, timing.mostRetry, std::random_device()()) {
    m_clock.start();
    m_retry.setSingleShot(true);
    connect(&m_retry, &QTimer::timeout, this, &NodeLink::connectNow);
    connect(&m_tick, &QTimer::timeout, this, &NodeLink::tick);
    m_tick.setInterval(TickInterval);
}

NodeLink::~NodeLink() {
    m_pending.clear(); // who asked may be gone already: nobody is answered any more
    dropSocket();
}

void NodeLink::open() {
    m_tick.start();
    connectNow();
}

void NodeLink::retryNow() {
    if (m_state != State::Lost && m_state != State::Refused)
        return;
    m_backoff.reset();
    m_retry.stop();
    connectNow();
}

void NodeLink::connectNow() {
    dropSocket();
    ++m_attempt;
    m_token = m_tokenSource(m_url);
    m_distrust.clear();
    m_openedAt = now();
    m_socket = new QWebSocket(QString(), QWebSocketProtocol::VersionLatest, this);
    m_socket->setProxy(QNetworkProxy::NoProxy);
    m_socket->setMaxAllowedIncomingFrameSize(quint64(admin::MostAnswerBytes) * 2);
    m_socket->setMaxAllowedIncomingMessageSize(quint64(admin::MostAnswerBytes) * 2);
    connect(m_socket, &QWebSocket::textMessageReceived, this, &NodeLink::take);
    connect(m_socket, &QWebSocket::disconnected, this, [this] {
        if (m_isProbing || m_state == State::Refused || refuseUntrusted())
            return;
        const auto code = int(m_socket->closeCode());
        if (code == 4401 || code == 4403)
            return refuse(m_socket->closeReason().isEmpty()
                              ? QStringLiteral("the node closed the link: %1").arg(code)
                              : m_socket->closeReason());
        if (m_hello)
            return lose(QStringLiteral("the link was closed"));
        // Why it could not be opened is told just after this.
        QTimer::singleShot(0, m_socket, [this, socket = m_socket] {
            if (socket == m_socket && !m_isProbing)
                lose(socket->errorString());
        });
    });
    connect(m_socket, QOverload<QAbstractSocket::SocketError>::of(&QWebSocket::error), this,
            [this](QAbstractSocket::SocketError) {
                if (refuseUntrusted())
                    return;
                const auto status = statusIn(m_socket->errorString());
                if (status == 401 || status == 403)
                    return probeRefusal(status);
                lose(status != 0 ? QStringLiteral("the node answered %1").arg(status)
                                 : m_socket->errorString());
            });
    if (m_url.scheme() == QLatin1String("wss")) {
        m_socket->setSslConfiguration(m_trust.configuration());
        connect(m_socket, &QWebSocket::sslErrors, this, &NodeLink::judgeTls);
    }
    QNetworkRequest request(m_url);
    if (!m_token.isEmpty())
        request.setRawHeader("Authorization", "Bearer " + m_token.toUtf8());
    QWebSocketHandshakeOptions options;
    options.setSubprotocols({QLatin1String(admin::Subprotocol)});
    m_socket->open(request, options);
    Q_EMIT stateChanged();
}

/// Before anything of ours is sent: the token goes to nobody whom TLS and the operator's trust do not know.
void NodeLink::judgeTls(const QList<QSslError>& errors) {
    auto* const tls = m_socket->findChild<QSslSocket*>();
    const auto judged = m_trust.judge(tls ? tls->peerCertificate() : QSslCertificate(), errors, m_url.host());
    if (judged && tls)
        return tls->ignoreSslErrors();
    m_distrust = judged ? QStringLiteral("TLS failed") : QString::fromStdString(judged.error().message);
}

bool NodeLink::refuseUntrusted() {
    if (m_distrust.isEmpty())
        return false;
    refuse(std::exchange(m_distrust, {}));
    m_retry.start(m_timing.trustRetry);
    return true;
}

void NodeLink::dropSocket() {
    if (!m_socket)
        return;
    m_socket->disconnect(this);
    m_socket->abort();
    m_socket->deleteLater();
    m_socket = nullptr;
    m_hello.reset();
    m_isAskingNode = m_isAskingCluster = false;
    failPending("the link was lost; whether the node acted is not known");
}

void NodeLink::failPending(const std::string& sentence) {
    auto pending = std::move(m_pending);
    m_pending.clear();
    for (auto& [id, request] : pending)
        request.answer(shared::failure(shared::ErrorCode::Unavailable, sentence));
}

void NodeLink::lose(const QString& sentence) {
    dropSocket();
    m_isProbing = false;
    m_sentence = sentence;
    m_retry.start(m_backoff.next());
    setState(State::Lost);
}

void NodeLink::refuse(const QString& sentence) {
    dropSocket();
    m_isProbing = false;
    m_sentence = sentence;
    m_retry.stop();
    setState(State::Refused);
}

void NodeLink::probeRefusal(int status) {
    if (m_isProbing)
        return;
    m_isProbing = true;
    auto* probe = new RefusalProbe(m_url, m_token, this);
    connect(probe, &RefusalProbe::finished, this, [this, probe, status](const QString& sentence) {
        probe->deleteLater();
        if (!m_isProbing)
            return;
        refuse(!sentence.isEmpty() ? sentence
               : status == 401     ? QStringLiteral("the token is missing or not known (401)")
                                   : QStringLiteral("the token may not do this (403)"));
    });
    probe->start();
}

void NodeLink::setState(State state) {
    m_state = state;
    Q_EMIT stateChanged();
}

std::optional<std::chrono::milliseconds> NodeLink::retryIn() const {
    return m_retry.isActive() ? std::optional(std::chrono::milliseconds(m_retry.remainingTime()))
                              : std::nullopt;
}

void NodeLink::tick() {
    const auto time = now();
    std::vector<Answer> late;
    for (auto it = m_pending.begin(); it != m_pending.end();) {
        if (it->second.deadline < time) {
            late.push_back(std::move(it->second.answer));
            it = m_pending.erase(it);
        } else {
            ++it;
        }
    }
    for (auto& answer : late)
        answer(shared::failure(shared::ErrorCode::Unavailable, "the node did not answer in time"));
    switch (m_state) {
    case State::Refused:
        // No retry loop: but a restarted node on this machine writes a new token, and that is worth one try.
        if (time - m_polledAt >= m_timing.poll) {
            m_polledAt = time;
            if (m_tokenSource(m_url) != m_token)
                retryNow();
        }
        return;
    case State::Connecting:
    case State::Lost:
        // A node that greets and then says nothing is as silent as one that does not greet.
        if (m_socket && !m_isProbing && time - m_openedAt > m_timing.connect)
            lose(QStringLiteral("%1 within %2 s")
                     .arg(m_hello ? QStringLiteral("no sample") : QStringLiteral("no answer"))
                     .arg(m_timing.connect.count() / 1000));
        return;
    case State::Live:
    case State::Stale:
        break;
    }
    if (time - m_sampleAt > m_timing.lostAfter)
        return lose(QStringLiteral("no sample for %1 s").arg(m_timing.lostAfter.count() / 1000));
    const auto patience = std::chrono::duration<double, std::milli>(m_timing.interval) * StaleIntervals;
    const bool isStale = time - m_sampleAt > patience;
    if (isStale != (m_state == State::Stale))
        setState(isStale ? State::Stale : State::Live);
    if (time - m_polledAt >= m_timing.poll)
        poll();
}

void NodeLink::request(const QString& method, const QJsonObject& params, Answer answer) {
    if (!m_socket || !m_hello)
        return answer(shared::failure(shared::ErrorCode::Unavailable, "the node is not linked"));
    if (m_pending.size() >= std::size_t(admin::MostRequestsInFlight))
        return answer(shared::failure(shared::ErrorCode::Busy, "too many questions are open on this link"));
    const auto id = m_nextId++;
    const auto text = admin::encodeRequest(id, method, params);
    if (text.size() > admin::MostRequestBytes)
        return answer(shared::failure(shared::ErrorCode::TooLarge, "the request is too large"));
    m_pending[id] = {std::move(answer), now() + m_timing.answer};
    m_socket->sendTextMessage(QString::fromUtf8(text));
}

void NodeLink::take(const QString& text) {
    auto message = admin::decodeRpc(text.toUtf8());
    if (!message)
        return lose(QStringLiteral("the node does not speak our language: %1")
                        .arg(QString::fromStdString(message.error().message)));
    if (message->id && message->method.isEmpty()) {
        const auto found = m_pending.find(*message->id);
        if (found == m_pending.end())
            return;
        const auto answer = std::move(found->second.answer);
        m_pending.erase(found);
        if (!message->isError)
            return answer(message->result);
        shared::ErrorCode code = shared::ErrorCode::BadRequest;
        if (message->errorCode == admin::InvalidFilterCode)
            code = shared::ErrorCode::InvalidFilter;
        else if (message->errorCode == admin::ForbiddenCode)
            code = shared::ErrorCode::Forbidden;
        else if (message->errorCode == admin::NotFoundCode)
            code = shared::ErrorCode::NotFound;
        else if (message->errorCode == admin::BusyCode)
            code = shared::ErrorCode::Busy;
        else if (message->errorCode == admin::MethodNotFoundCode)
            code = shared::ErrorCode::UnknownOperation;
        else if (message->errorCode == admin::InternalErrorCode)
            code = shared::ErrorCode::Internal;
        return answer(shared::failure(code, message->errorMessage.toStdString()));
    }
    if (message->method == QLatin1String("hello"))
        return takeHello(message->params);
    if (m_hello)
        takeNotification(*message);
}

void NodeLink::takeHello(const QJsonObject& params) {
    auto hello = admin::Hello::fromJson(params);
    if (!hello)
        return lose(QStringLiteral("hello: %1").arg(QString::fromStdString(hello.error().message)));
    if (hello->protocol != admin::ProtocolMajor)
        return refuse(QStringLiteral("it speaks admin protocol %1, this console speaks %2")
                          .arg(hello->protocol)
                          .arg(admin::ProtocolMajor));
    m_hello = std::move(*hello);
    m_clockOffset_ms.reset();
    Q_EMIT helloReceived(*m_hello);
    subscribe();
    poll();
}

void NodeLink::subscribe() {
    request(QStringLiteral("stats.subscribe"),
            {{QStringLiteral("interval_ms"), qint64(m_timing.interval.count())}},
            [this](const shared::Result<QJsonObject>& answer) {
                if (!answer && m_hello)
                    m_sentence = QString::fromStdString(answer.error().message);
            });
    request(QStringLiteral("operations.list"), {}, [this](const shared::Result<QJsonObject>& answer) {
        if (!answer)
            return;
        if (const auto rows = admin::rowsFromJson<admin::OperationRow>(*answer)) {
            for (const auto& row : *rows)
                Q_EMIT operationListed(row);
        }
    });
}

void NodeLink::poll() {
    m_polledAt = now();
    askAboutNode();
    if (m_isAskingCluster)
        return;
    m_isAskingCluster = true;
    request(QStringLiteral("cluster.nodes"), {}, [this](const shared::Result<QJsonObject>& answer) {
        m_isAskingCluster = false;
        if (!answer)
            return;
        if (const auto rows = admin::rowsFromJson<admin::ClusterNode>(*answer))
            Q_EMIT clusterReceived(*rows);
    });
}

void NodeLink::askAboutNode() {
    if (m_isAskingNode)
        return;
    m_isAskingNode = true;
    request(QStringLiteral("node.info"), {}, [this](const shared::Result<QJsonObject>& answer) {
        m_isAskingNode = false;
        if (!answer)
            return;
        if (const auto node = admin::NodeInfo::fromJson(*answer))
            Q_EMIT announced(*node);
    });
}

void NodeLink::takeNotification(const admin::RpcMessage& message) {
    if (message.method == QLatin1String("stats.snapshot")) {
        const auto snapshot = admin::snapshotFromJson(message.params);
        if (!snapshot)
            return;
        const std::int64_t arrival_ms = QDateTime::currentMSecsSinceEpoch();
        const auto offset_ms = arrival_ms - snapshot->time_ms;
        m_clockOffset_ms = std::min(m_clockOffset_ms.value_or(offset_ms), offset_ms);
        m_sampleAt = now();
        if (m_state != State::Live) {
            m_sentence.clear();
            m_attempt = 0;
            m_backoff.reset();
            setState(State::Live);
        }
        Q_EMIT snapshotReceived(*snapshot, arrival_ms);
    } else if (message.method == QLatin1String("operation.progress")) {
        const auto row = admin::OperationRow::fromJson(message.params);
        if (!row)
            return;
        Q_EMIT operationReceived(*row);
        // The node's own state changes with it: do not wait for the next look.
        if (row->state != admin::OperationState::Running)
            askAboutNode();
    } else {
        Q_EMIT notified(message.method, message.params);
    }
}

} // namespace console
