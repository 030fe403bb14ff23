// SPDX-License-Identifier: Apache-2.0
#include "tests/console/fake_node.h"
#include "shared/close_reasons.h"
#include "shared/filter.h"
#include <QDateTime>
#include <QJsonDocument>
#include <algorithm>
#include <cmath>

namespace admin = shared::admin;
using namespace std::chrono_literals;

FakeNode::FakeNode(const std::string& id, quint16 port, QObject* parent)
    : QObject(parent), m_id(id), m_server(QStringLiteral("fake"), QWebSocketServer::NonSecureMode),
      m_catalog(2, {"0.1.0", "fake", "6"}) {
    methods = {"node.info",         "stats.subscribe", "connections.list", "connections.get",
               "connections.evict", "operations.list", "operations.abort", "cluster.nodes",
               "node.drain",        "node.resume",     "audit.list"};
    m_server.setSupportedSubprotocols({QLatin1String(admin::Subprotocol)});
    connect(&m_listener, &QTcpServer::newConnection, this, [this] {
        while (auto* socket = m_listener.nextPendingConnection())
            greet(socket);
    });
    connect(&m_server, &QWebSocketServer::newConnection, this, &FakeNode::welcome);
    m_listener.listen(QHostAddress::LocalHost, port);
    m_port = m_listener.serverPort();
    connect(&m_beat, &QTimer::timeout, this, &FakeNode::beat);
    m_beat.start(100ms);
}

FakeNode::~FakeNode() {
    cut();
}

QUrl FakeNode::url() const {
    return QUrl(QStringLiteral("ws://%1/admin").arg(address()));
}

QString FakeNode::address() const {
    return QStringLiteral("127.0.0.1:%1").arg(m_port);
}

void FakeNode::cut() {
    m_listener.close();
    const auto links = std::exchange(m_links, {});
    for (const auto& [link, interval] : links) {
        link->disconnect(this);
        link->abort();
        link->deleteLater();
    }
}

void FakeNode::heal() {
    m_listener.listen(QHostAddress::LocalHost, m_port);
}

void FakeNode::greet(QTcpSocket* socket) {
    const auto look = [this, socket] {
        const auto head = socket->peek(16384);
        if (!head.contains("\r\n\r\n"))
            return;
        socket->disconnect(this);
        if (!token.empty() && !head.contains("Bearer " + QByteArray::fromStdString(token) + "\r\n")) {
            const QByteArray body = R"({"error":"unauthorised","message":"This token is not known here."})";
            socket->write(
                "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Type: application/json\r\n"
                "Connection: close\r\nContent-Length: " +
                QByteArray::number(body.size()) + "\r\n\r\n" + body);
            connect(socket, &QTcpSocket::disconnected, socket, &QObject::deleteLater);
            socket->disconnectFromHost();
            return;
        }
        m_server.handleConnection(socket);
    };
    connect(socket, &QTcpSocket::readyRead, this, look);
    look();
}

void FakeNode::welcome() {
    while (auto* link = m_server.nextPendingConnection()) {
        link->setParent(this);
        m_links[link] = 0;
        connect(link, &QWebSocket::textMessageReceived, this,
                [this, link](const QString& text) { take(link, text); });
        connect(link, &QWebSocket::disconnected, this, [this, link] {
            m_links.erase(link);
            link->deleteLater();
        });
        admin::Hello hello;
        hello.node = m_id;
        hello.role = role;
        for (const auto& series : m_catalog.series())
            hello.metrics.push_back({series.row->name, series.labels, std::string(series.row->unit),
                                     series.row->kind, series.row->merge, series.row->scale,
                                     series.row->help});
        for (const auto& method : methods)
            hello.commands.push_back({method, {}, method, admin::Effect::Reads});
        link->sendTextMessage(
            QString::fromUtf8(admin::encodeNotification(QStringLiteral("hello"), hello.toJson())));
    }
}

void FakeNode::take(QWebSocket* link, const QString& text) {
    const auto message = admin::decodeRpc(text.toUtf8());
    if (!message || !message->id || isSilent)
        return;
    const auto result = answer(link, *message);
    const auto frame = result ? admin::encodeResult(*message->id, *result)
                              : admin::encodeError(message->id, admin::rpcCode(result.error().code),
                                                   QString::fromStdString(result.error().message));
    link->sendTextMessage(QString::fromUtf8(frame));
}

admin::ClusterNode FakeNode::self() const {
    admin::ClusterNode node;
    node.id = m_id;
    node.instance = m_id + "-1";
    node.version = version;
    node.state = state;
    node.ops = address().toStdString();
    node.connections = std::int64_t(traffic.connections);
    node.capacity = capacity;
    node.seen_ms = QDateTime::currentMSecsSinceEpoch();
    return node;
}

shared::Result<QJsonObject> FakeNode::answer(QWebSocket* link, const admin::RpcMessage& message) {
    const auto& method = message.method;
    if (method == QLatin1String("stats.subscribe")) {
        m_links[link] = message.params.value(QStringLiteral("interval_ms")).toInteger(1000);
        return QJsonObject{{QStringLiteral("interval_ms"), qint64(m_links[link])}};
    }
    if (method == QLatin1String("node.info")) {
        admin::NodeInfo node;
        node.id = m_id;
        node.version = version;
        node.state = state;
        node.uptime_s = m_beats / 10;
        node.addresses = {{"clients", "127.0.0.1:7400"}, {"ops", address().toStdString()}};
        node.limits = {{"max_connections", capacity}};
        node.shards = 2;
        node.redis = redis;
        return node.toJson();
    }
    if (method == QLatin1String("cluster.nodes")) {
        auto nodes = cluster;
        nodes.push_back(self());
        return admin::rowsToJson(nodes);
    }
    if (method == QLatin1String("operations.list"))
        return admin::rowsToJson(operations);
    if (method == QLatin1String("connections.list"))
        return list(message.params);
    log.append(method + QLatin1Char(' ') +
               QString::fromUtf8(QJsonDocument(message.params).toJson(QJsonDocument::Compact)));
    if (method == QLatin1String("connections.get")) {
        const auto id = message.params.value(QStringLiteral("id")).toString().toStdString();
        for (const auto& row : rows) {
            if (row.id == id)
                return admin::ConnectionDetails{row, {{"/", "lobby"}, {"/", "prices:eur"}}}.toJson();
        }
        return shared::failure(shared::ErrorCode::NotFound, "no connection of that id");
    }
    if (method == QLatin1String("connections.evict"))
        return evict(message.params);
    if (method == QLatin1String("node.drain")) {
        admin::OperationRow row;
        row.id = operations.size() + 1;
        row.kind = "drain";
        row.by = "alice";
        row.started_ms = QDateTime::currentMSecsSinceEpoch();
        row.total = std::int64_t(traffic.connections);
        row.rate_per_s = message.params.value(QStringLiteral("rate_per_s")).toDouble(drainRate_per_s);
        operations.push_back(row);
        state = admin::NodeState::Draining;
        return QJsonObject{{QStringLiteral("operation"), qint64(row.id)}};
    }
    if (method == QLatin1String("node.resume")) {
        state = admin::NodeState::Ready;
        return QJsonObject();
    }
    if (method == QLatin1String("operations.abort")) {
        for (auto& row : operations) {
            if (qint64(row.id) != message.params.value(QStringLiteral("id")).toInteger())
                continue;
            row.state = admin::OperationState::Aborted;
            state = admin::NodeState::Drained;
            tell(QStringLiteral("operation.progress"), row.toJson());
            return row.toJson();
        }
        return shared::failure(shared::ErrorCode::NotFound, "no operation of that id");
    }
    if (method == QLatin1String("audit.list")) {
        admin::AuditRow row{QDateTime::currentMSecsSinceEpoch() - 60'000, "alice", "127.0.0.1",
                            "node.drain rate_per_s=250", "done"};
        admin::AuditRow refused{row.time_ms - 600'000, "viewer-bob", "127.0.0.1", "connections.evict 2 ids",
                                "refused: this token may only look"};
        return admin::rowsToJson(std::vector{row, refused});
    }
    return shared::failure(shared::ErrorCode::UnknownOperation,
                           "this node does not offer " + method.toStdString());
}

shared::Result<QJsonObject> FakeNode::list(const QJsonObject& params) const {
    const auto request = admin::ListRequest::fromJson(params);
    if (!request)
        return tl::unexpected(request.error());
    const auto filter = shared::Filter::parse(request->filter);
    if (!filter)
        return tl::unexpected(filter.error());
    std::vector<admin::ConnectionRow> matching;
    for (const auto& row : rows) {
        shared::FilterSubject subject;
        subject.id = row.id;
        subject.address = row.address;
        subject.user = row.user;
        subject.dialect = row.dialect;
        subject.transport = row.transport;
        subject.agent = row.agent;
        subject.idle_s = row.idle_s;
        subject.queue_bytes = row.queue_bytes;
        subject.rooms = row.rooms;
        subject.rtt_ms = row.rtt_ms.value_or(-1);
        if (filter->matches(subject))
            matching.push_back(row);
    }
    std::stable_sort(matching.begin(), matching.end(), [&](const auto& a, const auto& b) {
        const auto less = [&](const auto& x, const auto& y) {
            switch (request->sort) {
            case admin::SortKey::Queue:
                return x.queue_bytes < y.queue_bytes;
            case admin::SortKey::Idle:
                return x.idle_s < y.idle_s;
            case admin::SortKey::InRate:
                return x.in_rate < y.in_rate;
            case admin::SortKey::OutRate:
                return x.out_rate < y.out_rate;
            case admin::SortKey::Since:
                return x.since_ms < y.since_ms;
            case admin::SortKey::Rooms:
                return x.rooms < y.rooms;
            case admin::SortKey::Rtt:
                return x.rtt_ms.value_or(-1) < y.rtt_ms.value_or(-1);
            case admin::SortKey::Id:
                break;
            }
            shared::ConnectionId left, right;
            shared::ConnectionId::parse(x.id, left);
            shared::ConnectionId::parse(y.id, right);
            return left < right;
        };
        return request->descending ? less(b, a) : less(a, b);
    });
    admin::ListAnswer answer;
    answer.total = std::int64_t(matching.size());
    const auto from = request->cursor.empty() ? std::size_t(0) : std::size_t(std::stoul(request->cursor));
    for (auto i = from; i < matching.size() && answer.rows.size() < std::size_t(request->limit); ++i)
        answer.rows.push_back(matching[i]);
    if (from + answer.rows.size() < matching.size())
        answer.cursor = std::to_string(from + answer.rows.size());
    return answer.toJson();
}

shared::Result<QJsonObject> FakeNode::evict(const QJsonObject& params) {
    const auto request = admin::EvictRequest::fromJson(params);
    if (!request)
        return tl::unexpected(request.error());
    admin::EvictAnswer answer;
    const auto before = rows.size();
    for (const auto& id : request->ids) {
        answer.matched +=
            std::count_if(rows.begin(), rows.end(), [&](const auto& row) { return row.id == id; });
        if (!request->dry_run)
            std::erase_if(rows, [&](const auto& row) { return row.id == id; });
    }
    answer.evicted = std::int64_t(before - rows.size());
    traffic.connections -= double(answer.evicted);
    return answer.toJson();
}

void FakeNode::makeRows(int count) {
    rows.clear();
    const auto now_ms = QDateTime::currentMSecsSinceEpoch();
    static const char* Users[]{"alice", "bob", "carol", "", "dave"};
    static const char* Agents[]{"Mozilla/5.0 (X11; Linux x86_64) Chrome/126", "python-socketio/5.11",
                                "node/18", "okhttp/4.12"};
    for (int i = 0; i < count; ++i) {
        admin::ConnectionRow row;
        row.id = std::to_string(i % 2) + "-" + std::to_string(i + 1);
        row.address = "10.2." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1) + ":5" +
                      std::to_string(1000 + i % 8000);
        row.user = Users[std::size_t(i) % 5];
        row.dialect = i % 7 == 0 ? "json" : "socketio";
        row.transport = "websocket";
        row.agent = Agents[std::size_t(i) % 4];
        row.since_ms = now_ms - 1000 * (7 + i * 37 % 90000);
        row.idle_s = double(i * 13 % 1300) / 2;
        row.rooms = 1 + i % 13;
        row.queue_bytes = i % 17 == 0 ? 1024 * (i % 411) : 0;
        row.messages_in = i * 3;
        row.messages_out = i * 40;
        row.in_rate = double(i % 50) / 10;
        row.out_rate = double(i % 90) / 3;
        if (i % 19 != 0)
            row.rtt_ms = 8 + i % 60;
        row.members = {"m" + std::to_string(i)};
        rows.push_back(std::move(row));
    }
}

shared::Snapshot FakeNode::snapshot(std::int64_t interval_ms) {
    using enum shared::Metric;
    shared::Snapshot snapshot;
    snapshot.time_ms = QDateTime::currentMSecsSinceEpoch() + clockAhead_ms;
    snapshot.interval_ms = interval_ms;
    for (const auto& series : m_catalog.series()) {
        if (series.row->kind == shared::MetricKind::Histogram)
            snapshot.values.emplace_back(shared::SparseBuckets{});
        else
            snapshot.values.emplace_back(0.0);
    }
    const double seconds = double(interval_ms) / 1000;
    std::normal_distribution<double> noise(1, 0.04);
    const auto set = [&](shared::Metric metric, std::size_t ordinal, double value) {
        snapshot.values[m_catalog.index(metric, ordinal)] = std::max(0.0, std::round(value));
    };
    const auto spread = [&](shared::Metric metric, std::size_t ordinal, double median_s, double scale,
                            int count) {
        shared::Histogram histogram;
        std::lognormal_distribution<double> values(std::log(median_s / scale), 0.5);
        for (int i = 0; i < count; ++i)
            histogram.add(std::uint64_t(values(m_random)));
        snapshot.values[m_catalog.index(metric, ordinal)] = histogram.sparse();
    };
    set(Connections, 1, traffic.connections);
    set(Sessions, 0, traffic.connections);
    set(Members, 0, traffic.connections);
    set(Rooms, 0, 40);
    set(MessagesTotal, 0, traffic.in_per_s * seconds * noise(m_random));
    set(MessagesTotal, 1, traffic.out_per_s * seconds * noise(m_random));
    set(BytesTotal, 0, traffic.in_per_s * seconds * 180);
    set(BytesTotal, 1, traffic.out_per_s * seconds * 220);
    set(DeliveriesTotal, 0, traffic.out_per_s * seconds);
    set(ErrorsTotal, 1, traffic.errors_per_s * seconds);
    set(ClosesTotal, std::size_t(shared::CloseReason::GoingAway),
        traffic.connections / 900 * seconds * noise(m_random));
    set(ClosesTotal, std::size_t(shared::CloseReason::PingTimeout), traffic.connections / 4000 * seconds);
    set(HandshakesTotal, 0, traffic.connections / 700 * seconds * noise(m_random));
    set(QueueBytes, 0, traffic.out_per_s * 12);
    set(RedisUp, 0, redis == admin::RedisState::Up ? 1 : 0);
    set(ProcessResidentMemoryBytes, 0, 38e6 + traffic.connections * 900 + 1e5 * double(m_beats % 40));
    set(ClusterNodes, 0, double(cluster.size()) + 1);
    snapshot.values[m_catalog.index(ProcessCpuSecondsTotal)] = 0.21 * seconds * noise(m_random);
    spread(DeliverySeconds, 0, traffic.latency_ms / 2000, 1e-6, 60);
    spread(DeliverySeconds, 1, traffic.latency_ms / 1000, 1e-6, 60);
    spread(PingRoundTripSeconds, 0, 0.031, 1e-6, 40);
    spread(RedisRoundTripSeconds, 0, 0.0006, 1e-6, 1);
    spread(LoopLagSeconds, 0, 0.0004, 1e-6, 20);
    spread(LoopLagSeconds, 1, 0.0005, 1e-6, 20);
    return snapshot;
}

void FakeNode::tell(const QString& method, const QJsonObject& params) {
    if (isSilent)
        return;
    const auto text = QString::fromUtf8(admin::encodeNotification(method, params));
    for (const auto& [link, interval] : m_links) {
        if (interval > 0)
            link->sendTextMessage(text);
    }
}

void FakeNode::moveOperations() {
    for (auto& row : operations) {
        if (row.state != admin::OperationState::Running)
            continue;
        const auto step = std::min<std::int64_t>(row.total - row.done, std::int64_t(row.rate_per_s / 10));
        row.done += step;
        row.moved += step * 9 / 10;
        row.pending = std::min<std::int64_t>(583, row.done - row.moved);
        traffic.connections = std::max(0.0, traffic.connections - double(step));
        row.eta_s = row.rate_per_s > 0 ? double(row.total - row.done) / row.rate_per_s : 0;
        if (row.done >= row.total) {
            row.state = admin::OperationState::Done;
            row.eta_s.reset();
            state = admin::NodeState::Drained;
        }
        if (m_beats % 5 == 0 || row.state == admin::OperationState::Done)
            tell(QStringLiteral("operation.progress"), row.toJson());
    }
}

void FakeNode::beat() {
    ++m_beats;
    moveOperations();
    if (isSilent)
        return;
    for (const auto& [link, interval] : m_links) {
        if (interval > 0 && m_beats * 100 % interval == 0)
            link->sendTextMessage(QString::fromUtf8(admin::encodeNotification(
                QStringLiteral("stats.snapshot"), admin::toJson(snapshot(interval)))));
    }
}
