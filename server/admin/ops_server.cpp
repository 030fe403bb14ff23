// SPDX-License-Identifier: Apache-2.0
#include "server/admin/ops_server.h"
#include "server/admin/ops_link.h"
#include "server/admin/prometheus.h"
#include "server/admin/publish_post.h"
#include "server/http/http.h"
#include <QHostAddress>
#include <QJsonDocument>
#include <QPointer>
#include <QSslSocket>
#include <QTcpSocket>
#include <QTimer>
#include <QWebSocket>
#include <QWebSocketServer>
#include <algorithm>
#include <list>
#include <spdlog/spdlog.h>

namespace server {

using shared::ErrorKind;
using shared::Metric;
using namespace shared::admin;

namespace {

constexpr std::size_t MostHeads = 256, MostLinks = 256;
constexpr std::chrono::seconds HeadTime{10};
constexpr std::chrono::milliseconds LogEvery{50};
constexpr qint64 HeadBytes = 16384;

std::string_view name(HealthState state) {
    switch (state) {
    case HealthState::Healthy:
        return "healthy";
    case HealthState::Degraded:
        return "degraded";
    case HealthState::Draining:
        return "draining";
    }
    return "degraded";
}

QString qtText(std::string_view text) {
    return QString::fromUtf8(text.data(), qsizetype(text.size()));
}

std::string jsonAnswer(int status, const QJsonObject& json) {
    return httpAnswer(status, {}, "application/json",
                      QJsonDocument(json).toJson(QJsonDocument::Compact).toStdString() + "\n");
}

} // namespace

bool isKnownHost(std::string_view host, const std::vector<std::string>& names) {
    const auto colon = host.rfind(':');
    const auto bracket = host.rfind(']');
    if (colon != std::string_view::npos && (bracket == std::string_view::npos || bracket < colon)) {
        const auto port = host.substr(colon + 1);
        if (!std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; }))
            return false;
        host = host.substr(0, colon);
    }
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    const auto lower = qtText(host).toLower();
    if (lower == QStringLiteral("localhost"))
        return true;
    // QHostAddress takes "1" and "0x7f.1" too: a literal is what it prints again.
    const QHostAddress address(lower);
    if (!address.isNull() &&
        (address.protocol() == QAbstractSocket::IPv6Protocol || address.toString() == lower))
        return true;
    return std::any_of(names.begin(), names.end(),
                       [&](const auto& known) { return qtText(known).toLower() == lower; });
}

struct OpsServer::Inner {
    /// A request whose head is not complete yet, or an upgrade that Qt has not finished.
    struct Head {
        QTcpSocket* socket = nullptr; ///< its own owner until Qt's server takes it
        HttpRequest request;
        std::string bytes;
        std::string address;
        std::uint16_t port = 0;
        TimePoint since;
        std::optional<Operator> who; ///< set once the upgrade was granted
        Tokens::Owner token{};       ///< then by this
    };

    OpsWorld world;
    Audit audit;
    StatsHistory history;
    QWebSocketServer front{QStringLiteral("weir-node"), QWebSocketServer::NonSecureMode};
    std::optional<QSslConfiguration> tls;
    std::list<Head> heads;
    std::list<OpsLink> links;
    QTimer logTimer;
    QObject context; ///< dies first: no signal reaches a half-destroyed server

    explicit Inner(OpsWorld given) : world(std::move(given)), audit(world.auditFile), history(world.catalog) {
        QObject::connect(&logTimer, &QTimer::timeout, &context, [this] {
            for (auto& link : links)
                link.drainLog();
        });
        front.setSupportedSubprotocols({QString::fromLatin1(Subprotocol)});
        QObject::connect(&front, &QWebSocketServer::newConnection, &context, [this] { linksArrived(); });
    }

    CommandWorld commandWorld() { return {world.control, audit, world.clock, history}; }

    void readyRead(Head& head);
    void judge(Head& head, bool hasMore);
    std::string answerFor(const HttpRequest& request);
    /// An empty answer: the upgrade may go on.
    std::string judgeAdmin(Head& head);
    void upgrade(Head& head);
    void linksArrived();
    void finish(Head& head, std::string_view answer);
    /// The oldest head that is not granted goes: silent peers must not keep operators out.
    bool makeRoom() {
        const auto oldest =
            std::find_if(heads.begin(), heads.end(), [](const Head& head) { return !head.who; });
        if (oldest == heads.end())
            return false;
        drop(oldest->socket);
        return true;
    }
    void drop(QTcpSocket* socket) {
        socket->abort(); // `disconnected` removes it, but for one that Qt has given up already
        if (std::any_of(heads.begin(), heads.end(),
                        [&](const Head& head) { return head.socket == socket; })) {
            socket->deleteLater();
            remove(socket);
        }
    }
    void remove(const QTcpSocket* socket) {
        heads.remove_if([&](const Head& head) { return head.socket == socket; });
    }
    /// Whose token the request carries; null for none, a wrong one, or two.
    const Tokens::Owner* ownerOf(const Head& head) const {
        const auto* owner = world.tokens.find(bearerToken(head.request.header("Authorization")));
        return head.request.headerCount("Authorization") == 1 ? owner : nullptr;
    }
    std::string tokenRefusal(const Head& head);
    /// Answers at once, or when the shards have taken the message.
    void publish(Head& head);
    std::string refusal(int status, std::string_view code, std::string_view sentence,
                        std::span<const HttpHeader> headers = {}) {
        world.counters.add(Metric::ErrorsTotal, ErrorKind::AdminRequest);
        return httpRefusal(status, code, sentence, headers);
    }
    Hello hello(Role role) const;
};

OpsServer::OpsServer(OpsWorld world) : m_inner(std::make_unique<Inner>(std::move(world))) {}

OpsServer::~OpsServer() {
    for (auto& head : m_inner->heads) {
        head.socket->disconnect();
        delete head.socket;
    }
}

void OpsServer::useTls(const QSslConfiguration& configuration) {
    m_inner->tls = configuration;
}

bool OpsServer::adopt(Descriptor descriptor, const std::string& address, std::uint16_t port) {
    auto& inner = *m_inner;
    if (inner.heads.size() >= MostHeads && !inner.makeRoom())
        return false;
    auto* tls = inner.tls ? new QSslSocket : nullptr;
    auto* socket =
        tls != nullptr ? tls : new QTcpSocket; // owned by its Head, and by Qt's server after an upgrade
    socket->setReadBufferSize(HeadBytes);
    if (!socket->setSocketDescriptor(qintptr(descriptor))) {
        delete socket;
        return false;
    }
    socket->setSocketOption(QAbstractSocket::LowDelayOption, 1);
    HttpLimits limits;
    limits.head = shared::Bytes(std::uint64_t(HeadBytes));
    limits.body = shared::Bytes(std::uint64_t(MostRequestBytes)); // publishing takes one
    // An acceptor on Qt's sockets does not know the peer; the socket does.
    const bool isKnown = !address.empty();
    inner.heads.push_back({socket,
                           HttpRequest(limits),
                           {},
                           isKnown ? address : socket->peerAddress().toString().toStdString(),
                           isKnown ? port : socket->peerPort(),
                           inner.world.clock.now(),
                           {}});
    auto* head = &inner.heads.back();
    QObject::connect(socket, &QTcpSocket::readyRead, &inner.context,
                     [&inner, head] { inner.readyRead(*head); });
    QObject::connect(socket, &QTcpSocket::disconnected, &inner.context, [&inner, socket] {
        socket->deleteLater();
        inner.remove(socket);
    });
    if (tls != nullptr) {
        QObject::connect(tls, &QAbstractSocket::errorOccurred, &inner.context,
                         [&inner, tls, address](QAbstractSocket::SocketError error) {
                             if (error != QAbstractSocket::SslHandshakeFailedError)
                                 return;
                             inner.world.counters.add(Metric::ErrorsTotal, ErrorKind::AdminRequest);
                             spdlog::debug("ops listener: no TLS with {}: {}", address,
                                           tls->errorString().toStdString());
                         });
        tls->setSslConfiguration(*inner.tls);
        tls->startServerEncryption(); // its time is a head's: nothing is read before it is done
    }
    return true;
}

void OpsServer::Inner::readyRead(Head& head) {
    if (head.who)
        return; // Qt's server reads from now on
    const auto bytes = head.socket->readAll().toStdString();
    std::string_view rest = bytes;
    auto fed = head.request.feed(rest);
    head.bytes += rest.substr(0, fed.used);
    rest.remove_prefix(fed.used);
    switch (fed.state) {
    case HttpRequest::State::NeedMore:
        return;
    case HttpRequest::State::Refused:
        finish(head, refusal(fed.status, "bad_request", fed.sentence));
        return;
    case HttpRequest::State::HeadDone: // a body follows, which publishing alone wants
        if (!isPublish(head.request))
            return judge(head, true);
        if (head.request.hasToken("Expect", "100-continue"))
            head.socket->write("HTTP/1.1 100 Continue\r\n\r\n");
        fed = head.request.feed(rest);
        if (fed.state == HttpRequest::State::Done)
            judge(head, fed.used < rest.size());
        else if (fed.state == HttpRequest::State::Refused)
            finish(head, refusal(fed.status, "bad_request", fed.sentence));
        return;
    case HttpRequest::State::Done:
        judge(head, !rest.empty());
        return;
    }
}

void OpsServer::Inner::judge(Head& head, bool hasMore) {
    const auto& request = head.request;
    std::string answer;
    // A page that points its own name at us cannot show us its certificate: with TLS any name is the right
    // one.
    if (!tls && !isKnownHost(request.header("Host"), world.hosts))
        answer = refusal(403, "forbidden", "the Host must be an address, localhost, or the advertised name");
    else if (const auto origin = request.header("Origin");
             !origin.empty() &&
             std::find(world.origins.begin(), world.origins.end(), origin) == world.origins.end())
        answer = refusal(403, "forbidden", "this Origin is not in admin.origins");
    else if (isPublish(request))
        return publish(head);
    else if (request.path() != "/admin")
        answer = answerFor(request);
    else
        answer = judgeAdmin(head);
    if (answer.empty() && hasMore) // Qt's server would lose frames that came before its answer
        answer = refusal(400, "bad_request", "nothing may be sent before the handshake is answered");
    if (answer.empty())
        upgrade(head);
    else
        finish(head, request.method() == "HEAD" ? httpWithoutBody(answer) : std::string_view(answer));
}

std::string OpsServer::Inner::answerFor(const HttpRequest& request) {
    const auto path = request.path();
    const bool isHealth = path == "/health" || path == "/healthz";
    const bool isReady = path == "/ready" || path == "/readyz";
    if (path == PublishPath) {
        const HttpHeader allow{"Allow", "POST"};
        return refusal(405, "method_not_allowed", "POST is allowed", {&allow, 1});
    }
    if (!isHealth && !isReady && path != "/metrics")
        return refusal(404, "not_found", "there are /health, /ready, /metrics, /admin and /api/v1/publish");
    if (request.method() != "GET" && request.method() != "HEAD") {
        const HttpHeader allow{"Allow", "GET, HEAD"};
        return refusal(405, "method_not_allowed", "GET and HEAD are allowed", {&allow, 1});
    }
    if (path == "/metrics")
        return httpAnswer(200, {}, PrometheusContentType,
                          prometheusText(world.catalog, world.sampler.totals()));
    const auto health = world.control.health();
    if (isReady) {
        if (health.notReady.empty())
            return jsonAnswer(200, {{QStringLiteral("ready"), true}});
        QJsonArray reasons;
        for (const auto& reason : health.notReady)
            reasons.append(qtText(reason));
        return jsonAnswer(503, {{QStringLiteral("ready"), false}, {QStringLiteral("reasons"), reasons}});
    }
    return jsonAnswer(200, {{QStringLiteral("status"), qtText(name(health.state))},
                            {QStringLiteral("node"), qtText(world.nodeId)},
                            {QStringLiteral("version"), qtText(world.control.node().version)},
                            {QStringLiteral("uptime_s"), qint64(health.uptime_s)},
                            {QStringLiteral("connections"), qint64(health.connections)},
                            {QStringLiteral("capacity"), qint64(health.capacity)},
                            {QStringLiteral("memory_bytes"), qint64(health.memoryBytes)},
                            {QStringLiteral("redis"), qtText(shared::admin::name(health.redis))}});
}

std::string OpsServer::Inner::judgeAdmin(Head& head) {
    const auto& request = head.request;
    if (request.method() != "GET") {
        const HttpHeader allow{"Allow", "GET"};
        return refusal(405, "method_not_allowed", "the admin channel is a WebSocket: GET", {&allow, 1});
    }
    const auto* owner = ownerOf(head);
    if (owner == nullptr)
        return tokenRefusal(head);
    if (!request.isUpgrade() || request.header("Sec-WebSocket-Version") != "13" ||
        request.header("Sec-WebSocket-Key").empty()) {
        const HttpHeader headers[] = {{"Upgrade", "websocket"}, {"Sec-WebSocket-Version", "13"}};
        return refusal(426, "upgrade_required", "the admin channel is a WebSocket of version 13", headers);
    }
    if (!request.hasToken("Sec-WebSocket-Protocol", Subprotocol))
        return refusal(400, "bad_request", "the subprotocol weirkeeper.admin.v1 is needed");
    const auto sameToken = [&](const std::string& tokenName) { return tokenName == owner->name; };
    const auto open = std::count_if(links.begin(), links.end(), [&](const OpsLink& link) {
        return !link.isClosed() && sameToken(link.tokenName());
    });
    const auto opening = std::count_if(heads.begin(), heads.end(), [&](const Head& other) {
        return other.who && sameToken(other.who->name);
    });
    if (open + opening >= MostLinksPerToken || links.size() >= MostLinks)
        return refusal(503, "busy", "this token has 8 links already");
    head.who = Operator{owner->name, head.address + ":" + std::to_string(head.port), owner->role};
    head.token = *owner;
    return {};
}

std::string OpsServer::Inner::tokenRefusal(const Head& head) {
    const HttpHeader scheme{"WWW-Authenticate", "Bearer realm=\"weir-node\""};
    if (head.request.headerCount("Authorization") > 0)
        spdlog::warn("ops listener: wrong token from {}", head.address);
    return refusal(401, "unauthorised", "an operator token is needed: Authorization: Bearer TOKEN",
                   {&scheme, 1});
}

void OpsServer::Inner::publish(Head& head) {
    const auto* owner = ownerOf(head);
    if (owner == nullptr)
        return finish(head, tokenRefusal(head));
    const Operator who{owner->name, head.address + ":" + std::to_string(head.port), owner->role};
    QObject::disconnect(head.socket, &QTcpSocket::readyRead, &context, nullptr); // it has said all it may
    publishPost(
        head.request, who, commandWorld(),
        [this, socket = QPointer(head.socket), guard = QPointer(&context)](int status, std::string answer) {
            if (!guard || !socket)
                return; // it did not wait
            const auto asked = std::find_if(heads.begin(), heads.end(),
                                            [&](const Head& each) { return each.socket == socket; });
            if (asked == heads.end())
                return;
            if (status != 200)
                world.counters.add(Metric::ErrorsTotal, ErrorKind::AdminRequest);
            finish(*asked, answer);
        });
}

void OpsServer::Inner::upgrade(Head& head) {
    // Exactly the head goes back, last byte first; Qt's server then reads it as if it had come just now, and
    // asks for it itself.
    auto* socket = head.socket;
    for (auto byte = head.bytes.rbegin(); byte != head.bytes.rend(); ++byte)
        socket->ungetChar(*byte);
    head.bytes = {};
    QObject::disconnect(socket, &QTcpSocket::readyRead, &context, nullptr);
    QObject::disconnect(socket, &QTcpSocket::disconnected, &context, nullptr);
    QObject::connect(socket, &QObject::destroyed, &context, [this, socket] { remove(socket); });
    front.handleConnection(socket);
}

void OpsServer::Inner::linksArrived() {
    while (std::unique_ptr<QWebSocket> socket{front.nextPendingConnection()}) {
        const auto address = socket->peerAddress();
        const auto port = socket->peerPort();
        const auto head = std::find_if(heads.begin(), heads.end(), [&](const Head& each) {
            return each.who && each.socket->peerPort() == port && each.socket->peerAddress() == address;
        });
        if (head == heads.end())
            continue; // it ended meanwhile
        auto who = std::move(*head->who);
        auto token = std::move(head->token);
        const auto role = who.role;
        QObject::disconnect(head->socket, nullptr, &context, nullptr);
        // Qt takes a frame once all of it has come: the longest request must find room.
        head->socket->setReadBufferSize(MostRequestBytes + HeadBytes);
        heads.erase(head);
        spdlog::info("admin link of {} ({}) from {}", who.name, shared::admin::name(role), who.from);
        auto& link = links.emplace_back(std::move(socket), std::move(who), std::move(token), commandWorld(),
                                        world.catalog, world.counters, world.log);
        link.greet(hello(role));
        if (!logTimer.isActive()) // to begin anew with each link would put off the lines of all others
            logTimer.start(LogEvery);
        if (!world.tokens.holds(link.token()))
            link.revoke(); // taken back between the grant and now
    }
}

void OpsServer::Inner::finish(Head& head, std::string_view answer) {
    auto* socket = head.socket;
    QObject::disconnect(socket, &QTcpSocket::readyRead, &context, nullptr);
    head.since = world.clock.now(); // the answer has its own time to be read
    socket->write(answer.data(), qint64(answer.size()));
    socket->disconnectFromHost(); // `disconnected` follows once it is written, and removes the head
}

Hello OpsServer::Inner::hello(Role role) const {
    Hello hello;
    hello.node = world.nodeId;
    hello.role = role;
    for (const auto& series : world.catalog.series()) {
        const auto& row = *series.row;
        hello.metrics.push_back(
            {row.name, series.labels, std::string(row.unit), row.kind, row.merge, row.scale, row.help});
    }
    for (const auto& command : commands())
        hello.commands.push_back({command.method, command.params, command.help, command.effect});
    return hello;
}

bool OpsServer::hasOperators() const {
    return !m_inner->world.tokens.isEmpty();
}

void OpsServer::configure(Tokens tokens, std::vector<std::string> origins) {
    auto& inner = *m_inner;
    inner.world.tokens = std::move(tokens);
    inner.world.origins = std::move(origins);
    for (auto& link : inner.links)
        if (!inner.world.tokens.holds(link.token()))
            link.revoke();
}

void OpsServer::snapshotTaken(const shared::Snapshot& snapshot) {
    m_inner->history.add(snapshot);
    if (m_inner->links.empty())
        return;
    const auto encoded =
        QString::fromUtf8(encodeNotification(QStringLiteral("stats.snapshot"), toJson(snapshot)));
    for (auto& link : m_inner->links)
        link.snapshotTaken(snapshot, encoded);
}

void OpsServer::traced(const TraceLines& lines) {
    for (auto& link : m_inner->links)
        link.traced(lines);
}

void OpsServer::operationChanged(const OperationRow& row) {
    const auto encoded =
        QString::fromUtf8(encodeNotification(QStringLiteral("operation.progress"), row.toJson()));
    for (auto& link : m_inner->links)
        link.operationChanged(encoded);
}

void OpsServer::tick() {
    auto& inner = *m_inner;
    for (auto& link : inner.links)
        link.tick();
    inner.links.remove_if([](const OpsLink& link) { return link.isClosed(); });
    if (inner.links.empty())
        inner.logTimer.stop();
    const auto now = inner.world.clock.now();
    std::vector<QTcpSocket*> late;
    for (const auto& head : inner.heads)
        if (now - head.since > HeadTime)
            late.push_back(head.socket);
    for (auto* socket : late)
        inner.drop(socket);
}

} // namespace server
