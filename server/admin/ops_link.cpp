// SPDX-License-Identifier: Apache-2.0
#include "server/admin/ops_link.h"
#include "shared/close_reasons.h"
#include <QJsonDocument>
#include <QWebSocket>
#include <spdlog/spdlog.h>

namespace server {

using shared::MetricKind;
using shared::Result;
using shared::Snapshot;
using shared::SparseBuckets;
using namespace shared::admin;

namespace {

constexpr std::int64_t Tick_ms = 500;
constexpr qint64 SnapshotsWaitAbove = 256 * 1024; ///< then they are put together until the link has read
constexpr qint64 DropAbove = 4 * 1024 * 1024;
constexpr int StuckTicksAllowed = 30;

SparseBuckets sum(const SparseBuckets& a, const SparseBuckets& b) {
    SparseBuckets result;
    auto left = a.begin(), right = b.begin();
    while (left != a.end() || right != b.end()) {
        if (right == b.end() || (left != a.end() && left->first < right->first)) {
            result.push_back(*left++);
        } else if (left == a.end() || right->first < left->first) {
            result.push_back(*right++);
        } else {
            result.emplace_back(left->first, left->second + right->second);
            ++left;
            ++right;
        }
    }
    return result;
}

QString notification(const Snapshot& snapshot) {
    return QString::fromUtf8(encodeNotification(QStringLiteral("stats.snapshot"), toJson(snapshot)));
}

} // namespace

OpsLink::OpsLink(std::unique_ptr<QWebSocket> socket, Operator who, Tokens::Owner token, CommandWorld world,
                 const shared::MetricCatalog& catalog, Counters& counters)
    : m_socket(std::move(socket)), m_who(std::move(who)), m_token(std::move(token)), m_world(world),
      m_catalog(catalog), m_counters(counters) {
    m_socket->setMaxAllowedIncomingMessageSize(quint64(MostRequestBytes));
    m_socket->setMaxAllowedIncomingFrameSize(quint64(MostRequestBytes));
    QObject::connect(m_socket.get(), &QWebSocket::textMessageReceived, m_socket.get(),
                     [this](const QString& text) { received(text); });
    QObject::connect(m_socket.get(), &QWebSocket::binaryMessageReceived, m_socket.get(),
                     [this](const QByteArray&) {
                         m_counters.add(shared::Metric::ErrorsTotal, shared::ErrorKind::AdminRequest);
                         m_socket->close(QWebSocketProtocol::CloseCodeDatatypeNotSupported,
                                         QStringLiteral("only text frames"));
                     });
    QObject::connect(m_socket.get(), &QWebSocket::bytesWritten, m_socket.get(),
                     [this](qint64 bytes) { m_bytesWritten += bytes; });
    QObject::connect(m_socket.get(), &QWebSocket::disconnected, m_socket.get(),
                     [this] { m_isClosed = true; });
}

OpsLink::~OpsLink() {
    *m_alive = false;
    m_socket->disconnect();
    m_socket->abort();
    m_socket.release()->deleteLater(); // it may be the sender of the signal that we are in
}

void OpsLink::greet(const Hello& hello) {
    send(QString::fromUtf8(encodeNotification(QStringLiteral("hello"), hello.toJson())));
}

void OpsLink::received(const QString& text) {
    const auto message = decodeRpc(text.toUtf8());
    if (!message || message->method.isEmpty()) {
        m_counters.add(shared::Metric::ErrorsTotal, shared::ErrorKind::AdminRequest);
        // A frame that is no JSON at all is a parse error, JSON of another shape an invalid request.
        const bool isJson = message || !QJsonDocument::fromJson(text.toUtf8()).isNull();
        send(QString::fromUtf8(encodeError({}, isJson ? InvalidRequestCode : ParseErrorCode,
                                           message ? QStringLiteral("a request with a method is needed")
                                                   : QString::fromStdString(message.error().message))));
        return;
    }
    if (!message->id) // a notification wants no answer, so it may not act either
        return;
    const auto id = *message->id;
    if (m_inFlight >= MostRequestsInFlight) {
        answer(id,
               shared::failure(shared::ErrorCode::Busy, "32 requests are already under way on this link"));
        return;
    }
    ++m_inFlight;
    auto done = [this, id, alive = m_alive](Result<QJsonObject> result) {
        if (!*alive)
            return;
        --m_inFlight;
        answer(id, result);
    };
    runCommand(message->method, {m_world, m_who, *this, message->params, std::move(done)});
}

void OpsLink::answer(std::int64_t id, const Result<QJsonObject>& result) {
    QByteArray text;
    if (result)
        text = encodeResult(id, *result);
    else
        text = encodeError(id, rpcCode(result.error().code), QString::fromStdString(result.error().message));
    if (text.size() > MostAnswerBytes)
        text = encodeError(id, InternalErrorCode,
                           QStringLiteral("the answer is longer than 1 MiB; ask for less"));
    if (!result)
        m_counters.add(shared::Metric::ErrorsTotal, shared::ErrorKind::AdminRequest);
    send(QString::fromUtf8(text));
}

void OpsLink::send(const QString& text) {
    if (m_isClosed)
        return;
    if (m_socket->bytesToWrite() > DropAbove) {
        drop("it does not read its answers");
        return;
    }
    m_socket->sendTextMessage(text);
}

std::int64_t OpsLink::subscribe(std::int64_t interval_ms) {
    m_interval_ms = (interval_ms + Tick_ms - 1) / Tick_ms * Tick_ms;
    m_gathered.reset();
    return m_interval_ms;
}

void OpsLink::unsubscribe() {
    m_interval_ms = 0;
    m_gathered.reset();
}

void OpsLink::gather(const Snapshot& snapshot) {
    if (!m_gathered) {
        m_gathered = snapshot;
        return;
    }
    m_gathered->time_ms = snapshot.time_ms;
    m_gathered->interval_ms += snapshot.interval_ms;
    const auto series = m_catalog.series();
    for (std::size_t i = 0; i < series.size(); ++i) {
        auto& held = m_gathered->values[i];
        switch (series[i].row->kind) {
        case MetricKind::Counter:
            held = std::get<double>(held) + std::get<double>(snapshot.values[i]);
            break;
        case MetricKind::Gauge:
            held = snapshot.values[i];
            break;
        case MetricKind::Histogram:
            held = sum(std::get<SparseBuckets>(held), std::get<SparseBuckets>(snapshot.values[i]));
            break;
        }
    }
}

void OpsLink::snapshotTaken(const Snapshot& snapshot, const QString& encoded) {
    if (m_interval_ms == 0 || m_isClosed)
        return;
    const bool mayWrite = m_socket->bytesToWrite() <= SnapshotsWaitAbove;
    if (m_interval_ms == Tick_ms && !m_gathered && mayWrite)
        return send(encoded);
    gather(snapshot);
    // Sampling jitters by a few ms; half a tick of tolerance keeps the cadence.
    if (mayWrite && m_gathered->interval_ms + Tick_ms / 2 >= m_interval_ms) {
        send(notification(*m_gathered));
        m_gathered.reset();
    }
}

void OpsLink::operationChanged(const QString& encoded) {
    if (m_interval_ms > 0)
        send(encoded);
}

void OpsLink::tick() {
    const bool isStuck = m_socket->bytesToWrite() > 0 && m_bytesWritten == m_writtenAtTick;
    m_writtenAtTick = m_bytesWritten;
    m_stuckTicks = isStuck ? m_stuckTicks + 1 : 0;
    if (m_stuckTicks >= StuckTicksAllowed)
        drop("it read nothing for 30 s");
}

void OpsLink::revoke() {
    spdlog::info("admin link of {} from {} ended: its token was taken back", m_who.name, m_who.from);
    QObject::disconnect(m_socket.get(), &QWebSocket::textMessageReceived, nullptr, nullptr);
    const auto& reason = shared::row(shared::CloseReason::Unauthorised);
    m_socket->close(QWebSocketProtocol::CloseCode(reason.code),
                    QString::fromUtf8(reason.sentence.data(), qsizetype(reason.sentence.size())));
}

void OpsLink::drop(const char* why) {
    spdlog::warn("admin link of {} from {} dropped: {}", m_who.name, m_who.from, why);
    m_isClosed = true; // the server removes it at its next tick
    m_socket->abort();
}

} // namespace server
