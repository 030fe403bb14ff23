// SPDX-License-Identifier: Apache-2.0
#include "server/admin/ops_link.h"
#include "server/admin/snapshots.h"
#include "shared/close_reasons.h"
#include <QJsonDocument>
#include <QWebSocket>
#include <spdlog/spdlog.h>

namespace server {

using shared::Result;
using shared::Snapshot;
using namespace shared::admin;

namespace {

constexpr std::int64_t Tick_ms = 500;
constexpr qint64 SnapshotsWaitAbove = 256 * 1024; ///< then they are put together until the link has read
constexpr qint64 DropAbove = 4 * 1024 * 1024;
constexpr int StuckTicksAllowed = 30;
constexpr std::size_t MostWatched = 16;

QString notification(const Snapshot& snapshot) {
    return QString::fromUtf8(encodeNotification(QStringLiteral("stats.snapshot"), toJson(snapshot)));
}

} // namespace

OpsLink::OpsLink(std::unique_ptr<QWebSocket> socket, Operator who, Tokens::Owner token, CommandWorld world,
                 const shared::MetricCatalog& catalog, Counters& counters, const LogTap& log)
    : m_socket(std::move(socket)), m_who(std::move(who)), m_token(std::move(token)), m_world(world),
      m_catalog(catalog), m_counters(counters), m_log(log) {
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
    if (m_trace)
        m_world.control.stopTrace(m_trace->id);
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

void OpsLink::watch(shared::ConnectionId id, Done<QJsonObject> done) {
    if (m_watched.size() >= MostWatched && m_watched.count(id) == 0)
        return done(shared::failure(shared::ErrorCode::Busy, "a link watches at most 16 connections"));
    m_world.control.sample(
        id, [this, id, alive = m_alive, done = std::move(done)](Result<ConnectionSample> sample) {
            if (!*alive)
                return;
            if (sample && sample->ended)
                return done(shared::failure(shared::ErrorCode::NotFound,
                                            "connection " + id.text() + " has gone: " + *sample->ended));
            if (!sample)
                return done(tl::unexpected(sample.error()));
            m_watched[id] = *sample;
            done(sample->toJson());
        });
}

void OpsLink::sampled(shared::ConnectionId id, const Result<ConnectionSample>& sample) {
    const auto watched = m_watched.find(id);
    if (watched == m_watched.end())
        return; // no longer
    const auto& last = watched->second;
    ConnectionSample next;
    if (sample) {
        next = *sample;
        const auto passed_s = double(next.time_ms - last.time_ms) / 1000;
        if (passed_s > 0) {
            next.in_rate = double(next.messages_in - last.messages_in) / passed_s;
            next.out_rate = double(next.messages_out - last.messages_out) / passed_s;
        }
    } else if (sample.error().code == shared::ErrorCode::NotFound) {
        next = last; // it went, and is forgotten already
        next.in_rate = next.out_rate = 0;
        next.tcp.reset();
        next.ended = "lost";
    } else {
        return; // its shard is busy; the next second tells
    }
    const bool isLast = next.ended.has_value();
    if (isLast)
        m_watched.erase(watched);
    else
        watched->second = next;
    if (isLast || m_socket->bytesToWrite() <= SnapshotsWaitAbove)
        send(QString::fromUtf8(encodeNotification(QStringLiteral("connections.sample"), next.toJson())));
}

Result<void> OpsLink::startTrace(const TraceRequest& request) {
    if (m_trace)
        return shared::failure(shared::ErrorCode::Busy, "this link traces already; trace.stop ends that");
    const auto id = m_world.control.startTrace(request);
    if (!id)
        return tl::unexpected(id.error());
    m_trace = Trace{*id, m_world.clock.now() + std::chrono::seconds(request.seconds)};
    return {};
}

bool OpsLink::endTrace(const char* why) {
    if (!m_trace)
        return false;
    m_world.control.stopTrace(m_trace->id);
    TraceLine last;
    last.time_ms = m_world.clock.unixMs();
    last.dropped = m_trace->missed;
    last.ended = why;
    m_trace.reset();
    send(QString::fromUtf8(encodeNotification(QStringLiteral("trace.line"), last.toJson())));
    return true;
}

void OpsLink::traced(const TraceLines& seen) {
    if (!m_trace || m_trace->id != seen.trace || m_isClosed)
        return;
    for (auto line : seen.lines) {
        if (m_socket->bytesToWrite() > SnapshotsWaitAbove) {
            m_trace->missed += 1 + line.dropped;
            continue;
        }
        line.dropped += std::exchange(m_trace->missed, 0);
        send(QString::fromUtf8(encodeNotification(QStringLiteral("trace.line"), line.toJson())));
    }
}

void OpsLink::subscribeLog(LogLevel level) {
    if (!m_logLevel)
        m_logCursor = m_log.end();
    m_logLevel = level;
}

void OpsLink::drainLog() {
    if (!m_logLevel || m_isClosed)
        return;
    const auto read = m_log.read(m_logCursor);
    m_logCursor = read.cursor;
    m_logMissed += read.missed;
    for (const auto& line : read.lines) {
        if (line.level < *m_logLevel)
            continue;
        if (m_socket->bytesToWrite() > SnapshotsWaitAbove) {
            ++m_logMissed; // it reads too slowly: the next line that it gets says how many it missed
            continue;
        }
        const shared::admin::LogLine told{line.unix_ms, line.level, line.text,
                                          std::int64_t(std::exchange(m_logMissed, 0))};
        send(QString::fromUtf8(encodeNotification(QStringLiteral("log.line"), told.toJson())));
    }
}

void OpsLink::gather(const Snapshot& snapshot) {
    if (!m_gathered) {
        m_gathered = snapshot;
        return;
    }
    extend(*m_gathered, snapshot, m_catalog);
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
    if (m_trace && m_world.clock.now() >= m_trace->until)
        endTrace("time");
    std::vector<shared::ConnectionId> watched; // an answer at once may end a watch
    for (const auto& [id, last] : m_watched)
        watched.push_back(id);
    for (const auto id : watched)
        m_world.control.sample(id, [this, id, alive = m_alive](const Result<ConnectionSample>& sample) {
            if (*alive)
                sampled(id, sample);
        });
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
