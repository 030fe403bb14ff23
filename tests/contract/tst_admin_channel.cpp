// SPDX-License-Identifier: Apache-2.0
// The ops listener and the admin channel of a real weir-node, as a stranger meets them.
#include <QTest> // first: moc cannot begin with <compare>

#include "tests/support/admin_link.h"
#include "tests/support/node_process.h"
#include <QFile>
#include <QSignalSpy>
#include <QTcpSocket>

using namespace shared::admin;

namespace {

/// A client that keeps what it reads as it is: Qt's takes close code 1012 for a mistake.
class RawClient {
public:
    explicit RawClient(quint16 port) {
        QObject::connect(&socket, &QTcpSocket::readyRead, &socket, [this] { bytes += socket.readAll(); });
        socket.connectToHost(QStringLiteral("127.0.0.1"), port);
        socket.write("GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                     "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    }
    bool isOpen() const { return bytes.contains("\"sid\""); }
    bool wasClosedWith(quint16 code) const {
        const auto begin = bytes.lastIndexOf('\x88');
        return begin >= 0 && bytes.size() >= begin + 4 &&
               quint16(quint8(bytes[begin + 2]) << 8 | quint8(bytes[begin + 3])) == code;
    }
    QTcpSocket socket;
    QByteArray bytes;
};

using Clients = std::vector<std::unique_ptr<Client>>;

} // namespace

class TestAdminChannel : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void initTestCase();
    void cleanup();
    void refusedRequests_data();
    void refusedRequests();
    void openRequests_data();
    void openRequests();
    void hello();
    void runDirectory();
    void nodeInfo();
    void unknownMethod();
    void malformed_data();
    void malformed();
    void binaryFrame();
    void hugeRequest();
    void statsEachInterval();
    void listAndPages();
    void badLists_data();
    void badLists();
    void details();
    void evictByIds();
    void evictDryRun();
    void evictAtRate();
    void viewerMayNotAct();
    void drainAndResume();
    void abortedDrain();
    void cluster();
    void audit();
    void requestsInFlight();
    void linksOfAToken();
    void slowLinkIsDropped();
    void metrics();
    void endsItsFiles();

private:
    Clients clients(int count) { return openClients(m_node.clientUrl(), count); }
    bool isEmptyNow() {
        return QTest::qWaitFor(
            [&] {
                return m_link->result(QStringLiteral("connections.list"))
                           .value(QStringLiteral("total"))
                           .toInt(-1) == 0;
            },
            Patience_ms);
    }
    QByteArray raw(const QByteArray& request) const;

    NodeProcess m_node;
    QTemporaryDir m_directory;
    std::unique_ptr<AdminLink> m_link, m_viewer;
};

void TestAdminChannel::initTestCase() {
    QFile tokens(m_directory.filePath(QStringLiteral("tokens")));
    QVERIFY(tokens.open(QIODevice::WriteOnly));
    tokens.write("# operators\nanna operator anna-token\nvic viewer vic-token\neve viewer eve-token\n");
    tokens.close();
    QVERIFY2(m_node.start({"--set", "admin.token_file=" + tokens.fileName(), "--node-id", "n1", "--set",
                           "admin.origins=http://console.example", "--set", "node.drain_grace_s=0"}),
             qPrintable(m_node.why()));
    m_link = std::make_unique<AdminLink>(m_node.adminUrl(), "anna-token");
    QVERIFY(m_link->waitForHello());
    m_viewer = std::make_unique<AdminLink>(m_node.adminUrl(), "vic-token");
    QVERIFY(m_viewer->waitForHello());
}

void TestAdminChannel::cleanup() {
    if (m_link) // each test finds the node ready and empty
        m_link->ask(QStringLiteral("node.resume"));
}

QByteArray TestAdminChannel::raw(const QByteArray& request) const {
    QTcpSocket socket;
    socket.connectToHost(QStringLiteral("127.0.0.1"), m_node.opsPort());
    if (!socket.waitForConnected(Patience_ms))
        return {};
    socket.write(request);
    QByteArray answer;
    while (socket.waitForReadyRead(Patience_ms))
        answer += socket.readAll();
    return answer + socket.readAll();
}

void TestAdminChannel::refusedRequests_data() {
    QTest::addColumn<QByteArray>("request");
    QTest::addColumn<QByteArray>("status");
    QTest::addColumn<QByteArray>("header");
    const QByteArray upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    const QByteArray protocol = "Sec-WebSocket-Protocol: weirkeeper.admin.v1\r\n";
    const QByteArray token = "Authorization: Bearer anna-token\r\n";
    const QByteArray host = "Host: 127.0.0.1\r\n";
    const auto row = [](const char* name, const QByteArray& line, const QByteArray& headers,
                        const char* status, const char* header = "") {
        QTest::newRow(name) << line + " HTTP/1.1\r\n" + headers + "\r\n"
                            << QByteArray(status) << QByteArray(header);
    };
    row("no token", "GET /admin", host + upgrade + protocol, "401", "WWW-Authenticate: Bearer");
    row("wrong token", "GET /admin", host + upgrade + protocol + "Authorization: Bearer anna-tokem\r\n",
        "401", "WWW-Authenticate: Bearer");
    row("longer token", "GET /admin", host + upgrade + protocol + "Authorization: Bearer anna-token2\r\n",
        "401");
    row("other scheme", "GET /admin", host + upgrade + protocol + "Authorization: Basic anna-token\r\n",
        "401");
    row("two tokens", "GET /admin", host + upgrade + protocol + token + token, "401");
    row("token in the URL", "GET /admin?token=anna-token", host + upgrade + protocol, "401");
    row("no upgrade", "GET /admin", host + token, "426", "Upgrade: websocket");
    row("other version", "GET /admin", host + token + QByteArray(upgrade).replace("13", "8") + protocol,
        "426");
    row("no subprotocol", "GET /admin", host + token + upgrade, "400");
    row("speaks too early", "GET /admin", host + token + upgrade + protocol + "\r\nxx", "400");
    row("POST to admin", "POST /admin", host + token, "405", "Allow: GET");
    row("POST to health", "POST /health", host, "405", "Allow: GET, HEAD");
    row("unknown path", "GET /admin/", host + token + upgrade + protocol, "404");
    row("rebound name", "GET /admin", "Host: evil.test\r\n" + token + upgrade + protocol, "403");
    row("rebound name, health", "GET /health", "Host: evil.test:80\r\n", "403");
    row("name like an address", "GET /health", "Host: 127.0.0.1.evil.test\r\n", "403");
    row("foreign origin", "GET /admin", host + token + upgrade + protocol + "Origin: http://evil.test\r\n",
        "403");
    row("null origin", "GET /health", host + "Origin: null\r\n", "403");
    row("no host", "GET /health", "", "400");
    row("bare line feed", "GET /health", "Host: 127.0.0.1\nX: y\r\n", "400");
    row("huge head", "GET /health", host + "X: " + QByteArray(20000, 'x') + "\r\n", "431");
}

void TestAdminChannel::refusedRequests() {
    QFETCH(QByteArray, request);
    QFETCH(QByteArray, status);
    QFETCH(QByteArray, header);
    const auto answer = raw(request);
    QVERIFY2(answer.startsWith("HTTP/1.1 " + status + " "), answer.constData());
    QVERIFY2(header.isEmpty() || answer.contains("\r\n" + header), answer.constData());
    const auto body = QJsonDocument::fromJson(answer.mid(answer.indexOf("\r\n\r\n") + 4)).object();
    QVERIFY2(
        !body.value(QStringLiteral("error")).toObject().value(QStringLiteral("message")).toString().isEmpty(),
        answer.constData());
    QVERIFY2(!answer.contains("anna-token"), answer.constData());
}

void TestAdminChannel::openRequests_data() {
    QTest::addColumn<QByteArray>("path");
    QTest::addColumn<QByteArray>("host");
    QTest::addColumn<QByteArray>("contained");
    QTest::newRow("health") << QByteArray("/health") << QByteArray("127.0.0.1:1")
                            << QByteArray("\"status\":\"healthy\"");
    QTest::newRow("healthz") << QByteArray("/healthz") << QByteArray("localhost")
                             << QByteArray("\"node\":\"n1\"");
    QTest::newRow("ready") << QByteArray("/ready") << QByteArray("[::1]:7401")
                           << QByteArray("{\"ready\":true}");
    QTest::newRow("readyz") << QByteArray("/readyz") << QByteArray("LOCALHOST:1")
                            << QByteArray("{\"ready\":true}");
    QTest::newRow("metrics") << QByteArray("/metrics") << QByteArray("127.0.0.1")
                             << QByteArray("weir_build_info{");
    QTest::newRow("query") << QByteArray("/health?x=1") << QByteArray("127.0.0.1")
                           << QByteArray("\"redis\":\"none\"");
}

void TestAdminChannel::openRequests() {
    QFETCH(QByteArray, path);
    QFETCH(QByteArray, host);
    QFETCH(QByteArray, contained);
    const auto answer = raw("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    QVERIFY2(answer.startsWith("HTTP/1.1 200 OK\r\n"), answer.constData());
    QVERIFY2(answer.contains(contained), answer.constData());
    const auto fromPage =
        raw("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nOrigin: http://console.example\r\n\r\n");
    QVERIFY2(fromPage.startsWith("HTTP/1.1 200 OK\r\n"), fromPage.constData());
    const auto headOnly = raw("HEAD " + path + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    QVERIFY2(headOnly.startsWith("HTTP/1.1 200 OK\r\n") && headOnly.endsWith("\r\n\r\n"),
             headOnly.constData());
}

void TestAdminChannel::hello() {
    const auto hello = Hello::fromJson(m_link->hello());
    QVERIFY2(hello, hello ? "" : hello.error().message.c_str());
    QCOMPARE(hello->protocol, 1);
    QCOMPARE(hello->node, std::string("n1"));
    QCOMPARE(hello->role, Role::Operator);
    QVERIFY(hello->metrics.size() > 100);
    QStringList methods;
    for (const auto& command : hello->commands) {
        methods.append(QString::fromStdString(command.method));
        QVERIFY(!command.help.empty());
        QCOMPARE(command.effect == Effect::Changes,
                 (QStringList{"config.set", "connections.evict", "message.publish", "node.drain",
                              "node.resume", "operations.abort", "trace.start"}
                      .contains(methods.last())));
    }
    for (const auto* method :
         {"node.info", "stats.subscribe", "connections.list", "cluster.nodes", "audit.list"})
        QVERIFY2(methods.contains(QLatin1String(method)), method);
    const auto viewer = Hello::fromJson(m_viewer->hello());
    QVERIFY(viewer);
    QCOMPARE(viewer->role, Role::Viewer);
}

void TestAdminChannel::runDirectory() {
    const auto directory = m_node.runtimeDirectory() + QStringLiteral("/weirkeeper");
    QCOMPARE(int(QFile::permissions(directory)) & 0x77, 0); // nothing for group and others
    const auto path = QStringLiteral("%1/ops-%2.json").arg(directory).arg(m_node.opsPort());
    QFile file(path);
    QVERIFY(file.open(QIODevice::ReadOnly));
    const auto json = QJsonDocument::fromJson(file.readAll()).object();
    QCOMPARE(json.value(QStringLiteral("id")).toString(), QStringLiteral("n1"));
    QCOMPARE(json.value(QStringLiteral("ops")).toString(),
             QStringLiteral("127.0.0.1:%1").arg(m_node.opsPort()));
    QVERIFY(!QFile::exists(
        QStringLiteral("%1/ops-%2.token").arg(directory).arg(m_node.opsPort()))); // tokens are configured
}

void TestAdminChannel::nodeInfo() {
    const auto node = NodeInfo::fromJson(m_viewer->result(QStringLiteral("node.info")));
    QVERIFY2(node, node ? "" : node.error().message.c_str());
    QCOMPARE(node->id, std::string("n1"));
    QCOMPARE(node->shards, 2);
    QCOMPARE(node->state, NodeState::Ready);
    QCOMPARE(node->redis, RedisState::None);
    QVERIFY(node->addresses.size() >= 2);
}

void TestAdminChannel::unknownMethod() {
    QCOMPARE(m_link->errorCode(QStringLiteral("message.send")), MethodNotFoundCode);
    QCOMPARE(m_link->errorCode(QStringLiteral("constructor")), MethodNotFoundCode);
}

void TestAdminChannel::malformed_data() {
    QTest::addColumn<QString>("text");
    QTest::addColumn<int>("code");
    QTest::newRow("no JSON") << "hello" << int(ParseErrorCode);
    QTest::newRow("cut short") << "{\"jsonrpc\":\"2.0\",\"id\":1" << int(ParseErrorCode);
    QTest::newRow("batch") << "[]" << int(InvalidRequestCode);
    QTest::newRow("other version") << "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"node.info\"}"
                                   << int(InvalidRequestCode);
    QTest::newRow("no method") << "{\"jsonrpc\":\"2.0\",\"id\":1}" << int(InvalidRequestCode);
    QTest::newRow("id is text") << "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"node.info\"}"
                                << int(InvalidRequestCode);
    QTest::newRow("deep") << QString(QStringLiteral("[")).repeated(1000) << 0;
}

void TestAdminChannel::malformed() {
    QFETCH(QString, text);
    QFETCH(int, code);
    m_link->withoutId.clear();
    m_link->socket.sendTextMessage(text);
    QTRY_COMPARE_WITH_TIMEOUT(m_link->withoutId.size(), 1, Patience_ms);
    const auto error = m_link->withoutId.first().value(QStringLiteral("error")).toObject();
    if (code != 0)
        QCOMPARE(error.value(QStringLiteral("code")).toInt(), code);
    QVERIFY(!error.value(QStringLiteral("message")).toString().isEmpty());
    QVERIFY(!m_link->result(QStringLiteral("node.info")).isEmpty()); // the link goes on
}

void TestAdminChannel::binaryFrame() {
    AdminLink link(m_node.adminUrl(), "eve-token");
    QVERIFY(link.waitForHello());
    link.socket.sendBinaryMessage("x");
    QTRY_COMPARE_WITH_TIMEOUT(link.socket.state(), QAbstractSocket::UnconnectedState, Patience_ms);
    QCOMPARE(link.socket.closeCode(), QWebSocketProtocol::CloseCodeDatatypeNotSupported);
}

void TestAdminChannel::hugeRequest() {
    AdminLink link(m_node.adminUrl(), "eve-token");
    QVERIFY(link.waitForHello());
    auto request = QString::fromUtf8(encodeRequest(1, QStringLiteral("node.info"), {}));
    request += QString(MostRequestBytes - request.size(), u' ');
    link.socket.sendTextMessage(request); // as long as one may be
    QTRY_VERIFY_WITH_TIMEOUT(link.answers.contains(1), Patience_ms);
    link.socket.sendTextMessage(request + u' ');
    QTRY_COMPARE_WITH_TIMEOUT(link.socket.state(), QAbstractSocket::UnconnectedState, Patience_ms);
    QVERIFY(!m_link->result(QStringLiteral("node.info")).isEmpty()); // nobody else is hit
}

void TestAdminChannel::statsEachInterval() {
    AdminLink link(m_node.adminUrl(), "eve-token");
    QVERIFY(link.waitForHello());
    QCOMPARE(link.result(QStringLiteral("stats.subscribe"), {{"interval_ms", 700}})
                 .value(QStringLiteral("interval_ms"))
                 .toInt(),
             1000);
    const auto taken = [&] { return link.notifications.value(QStringLiteral("stats.snapshot")); };
    QTRY_VERIFY_WITH_TIMEOUT(taken().size() >= 2, Patience_ms);
    const auto snapshot = snapshotFromJson(taken().last());
    QVERIFY2(snapshot, snapshot ? "" : snapshot.error().message.c_str());
    QVERIFY2(snapshot->interval_ms >= 700 && snapshot->interval_ms < 5000,
             qPrintable(QString::number(snapshot->interval_ms)));
    QCOMPARE(qsizetype(snapshot->values.size()),
             link.hello().value(QStringLiteral("metrics")).toArray().size());
    link.result(QStringLiteral("stats.unsubscribe"));
    const auto before = taken().size();
    QTest::qWait(1200); // nothing comes any more: there is no event to wait for
    QCOMPARE(taken().size(), before);
    QCOMPARE(link.errorCode(QStringLiteral("stats.subscribe"), {{"interval_ms", 0}}), InvalidParamsCode);
    QCOMPARE(link.errorCode(QStringLiteral("stats.subscribe"), {{"interval_ms", "x"}}), InvalidParamsCode);
}

void TestAdminChannel::listAndPages() {
    const auto open = clients(25);
    QCOMPARE(open.size(), std::size_t(25));
    for (const auto* sort : {"id", "-id", "since", "-idle", "rooms"}) {
        QStringList seen;
        QString cursor;
        int pages = 0;
        do {
            const auto page = ListAnswer::fromJson(
                m_viewer->result(QStringLiteral("connections.list"),
                                 {{"sort", QLatin1String(sort)}, {"cursor", cursor}, {"limit", 10}}));
            QVERIFY2(page, page ? "" : page.error().message.c_str());
            QCOMPARE(page->total, std::int64_t(25));
            QVERIFY(!page->partial);
            QVERIFY(page->rows.size() <= 10);
            for (const auto& row : page->rows)
                seen.append(QString::fromStdString(row.id));
            cursor = QString::fromStdString(page->cursor);
        } while (!cursor.isEmpty() && ++pages < 10);
        QVERIFY2(seen.size() == 25, sort);
        seen.removeDuplicates();
        QVERIFY2(seen.size() == 25, sort);
    }
    const auto page =
        ListAnswer::fromJson(m_viewer->result(QStringLiteral("connections.list"), {{"limit", 1}}));
    QVERIFY(page);
    const auto& row = page->rows.at(0);
    QCOMPARE(row.address, std::string("127.0.0.1"));
    QCOMPARE(row.dialect, std::string("socketio"));
    QCOMPARE(row.transport, std::string("websocket"));
    QCOMPARE(row.members.size(), std::size_t(1));
    QVERIFY(row.since_ms > 1600000000000);
    // The Engine.IO sid is a secret: it stands in no row.
    for (const auto& client : open) {
        const auto sid = QJsonDocument::fromJson(client->frames.first().mid(1).toUtf8())
                             .object()
                             .value(QStringLiteral("sid"))
                             .toString();
        QVERIFY(!sid.isEmpty());
        QVERIFY(row.members.front() != sid.toStdString());
    }
    const auto filtered = ListAnswer::fromJson(
        m_viewer->result(QStringLiteral("connections.list"),
                         {{"filter", QStringLiteral("id=%1").arg(QString::fromStdString(row.id))}}));
    QVERIFY(filtered);
    QCOMPARE(filtered->total, std::int64_t(1));
    QCOMPARE(filtered->rows.at(0).id, row.id);
}

void TestAdminChannel::badLists_data() {
    QTest::addColumn<QJsonObject>("params");
    QTest::addColumn<int>("code");
    QTest::newRow("filter") << QJsonObject{{"filter", "nonsense=1"}} << int(InvalidFilterCode);
    QTest::newRow("sort") << QJsonObject{{"sort", "age"}} << int(InvalidParamsCode);
    QTest::newRow("cursor") << QJsonObject{{"cursor", "x"}} << int(InvalidParamsCode);
    QTest::newRow("cursor, not finite") << QJsonObject{{"cursor", "nan/0-1"}} << int(InvalidParamsCode);
    QTest::newRow("no rows") << QJsonObject{{"limit", 0}} << int(InvalidParamsCode);
    QTest::newRow("too many rows") << QJsonObject{{"limit", 1001}} << int(InvalidParamsCode);
    QTest::newRow("filter is a number") << QJsonObject{{"filter", 5}} << int(InvalidParamsCode);
}

void TestAdminChannel::badLists() {
    QFETCH(QJsonObject, params);
    QFETCH(int, code);
    QCOMPARE(m_link->errorCode(QStringLiteral("connections.list"), params), code);
}

void TestAdminChannel::details() {
    const auto open = clients(1);
    QCOMPARE(open.size(), std::size_t(1));
    const auto page = ListAnswer::fromJson(m_link->result(QStringLiteral("connections.list")));
    QVERIFY(page && page->rows.size() == 1);
    const auto details = ConnectionDetails::fromJson(m_link->result(
        QStringLiteral("connections.get"), {{"id", QString::fromStdString(page->rows[0].id)}}));
    QVERIFY2(details, details ? "" : details.error().message.c_str());
    QCOMPARE(details->row.id, page->rows[0].id);
    QCOMPARE(m_link->errorCode(QStringLiteral("connections.get"), {{"id", "0-999999"}}), NotFoundCode);
    QCOMPARE(m_link->errorCode(QStringLiteral("connections.get"), {{"id", "63-1"}}), NotFoundCode);
    QCOMPARE(m_link->errorCode(QStringLiteral("connections.get"), {{"id", "one"}}), InvalidParamsCode);
}

void TestAdminChannel::evictByIds() {
    auto open = clients(6);
    QCOMPARE(open.size(), std::size_t(6));
    const auto page = ListAnswer::fromJson(m_link->result(QStringLiteral("connections.list")));
    QVERIFY(page && page->rows.size() == 6);
    const auto member = QString::fromStdString(page->rows[0].members.at(0));
    const auto evicted = EvictAnswer::fromJson(m_link->result(
        QStringLiteral("connections.evict"),
        {{"ids", QJsonArray{QString::fromStdString(page->rows[0].id), "0-999999"}}, {"reason", "test"}}));
    QVERIFY2(evicted, evicted ? "" : evicted.error().message.c_str());
    QCOMPARE(evicted->evicted, std::int64_t(1));
    const auto gone = [&] {
        return std::count_if(open.begin(), open.end(), [](const auto& each) { return each->isGone(); });
    };
    QTRY_COMPARE_WITH_TIMEOUT(gone(), 1, Patience_ms);
    for (const auto& client : open) {
        const bool isIt = client->frames.filter(member).size() > 0;
        QCOMPARE(client->isGone(), isIt); // exactly that one
        if (isIt) {
            QVERIFY(client->frames.contains(QStringLiteral("41"))); // official clients stay away after it
            QCOMPARE(int(client->socket.closeCode()), 4410);
        }
    }
    QCOMPARE(m_link->errorCode(QStringLiteral("connections.evict"), {{"reason", "neither"}}),
             InvalidParamsCode);
    QCOMPARE(m_link->errorCode(QStringLiteral("connections.evict"), {{"ids", QJsonArray{"x"}}}),
             InvalidParamsCode);
    QCOMPARE(m_link->errorCode(QStringLiteral("connections.evict"), {{"filter", "idle>>"}}),
             InvalidFilterCode);
}

void TestAdminChannel::evictDryRun() {
    auto open = clients(25);
    QCOMPARE(open.size(), std::size_t(25));
    QVERIFY(QTest::qWaitFor(
        [&] {
            return m_link->result(QStringLiteral("connections.list"))
                       .value(QStringLiteral("total"))
                       .toInt() == 25;
        },
        Patience_ms));
    const auto answer = EvictAnswer::fromJson(
        m_link->result(QStringLiteral("connections.evict"), {{"filter", ""}, {"dry_run", true}}));
    QVERIFY2(answer, answer ? "" : answer.error().message.c_str());
    QCOMPARE(answer->matched, std::int64_t(25));
    QCOMPARE(answer->evicted, std::int64_t(0));
    QCOMPARE(answer->sample.size(), std::size_t(20));
    QCOMPARE(m_link->result(QStringLiteral("connections.list")).value(QStringLiteral("total")).toInt(), 25);
}

void TestAdminChannel::evictAtRate() {
    auto open = clients(20);
    QCOMPARE(open.size(), std::size_t(20));
    const auto answer = EvictAnswer::fromJson(
        m_link->result(QStringLiteral("connections.evict"),
                       {{"filter", "dialect=socketio"}, {"rate_per_s", 20}, {"reconnect", true}}));
    QVERIFY2(answer, answer ? "" : answer.error().message.c_str());
    QVERIFY(answer->operation);
    QCOMPARE(answer->evicted, std::int64_t(0));
    const QJsonObject id{{"id", qint64(*answer->operation)}};
    QTRY_COMPARE_WITH_TIMEOUT(
        m_link->result(QStringLiteral("operations.get"), id).value(QStringLiteral("state")).toString(),
        QStringLiteral("done"), Patience_ms);
    QCOMPARE(m_link->result(QStringLiteral("operations.get"), id).value(QStringLiteral("done")).toInt(), 20);
    QTRY_VERIFY_WITH_TIMEOUT(
        std::all_of(open.begin(), open.end(), [](const auto& each) { return each->isGone(); }), Patience_ms);
    QVERIFY(!open.front()->frames.contains(QStringLiteral("41"))); // they may come back
}

void TestAdminChannel::viewerMayNotAct() {
    const auto hello = Hello::fromJson(m_viewer->hello());
    QVERIFY(hello);
    int acts = 0;
    for (const auto& command : hello->commands) { // whatever the node announces, so that none is forgotten
        if (command.effect != Effect::Changes)
            continue;
        ++acts;
        const auto method = QString::fromStdString(command.method);
        QCOMPARE(m_viewer->errorCode(method, {{"mark", acts}}), ForbiddenCode);
        const auto rows = m_viewer->result(QStringLiteral("audit.list"), {{"limit", 1}})
                              .value(QStringLiteral("rows"))
                              .toArray();
        const auto row = AuditRow::fromJson(rows.first().toObject());
        QVERIFY(row);
        QCOMPARE(row->who, std::string("vic"));
        QCOMPARE(row->what, command.method + " {\"mark\":" + std::to_string(acts) + "}");
        QVERIFY(row->outcome.starts_with("refused"));
    }
    QVERIFY(acts >= 5);
    QCOMPARE(m_viewer->result(QStringLiteral("node.info")).value(QStringLiteral("state")).toString(),
             QStringLiteral("ready"));
}

void TestAdminChannel::drainAndResume() {
    auto open = clients(19);
    QCOMPARE(open.size(), std::size_t(19));
    RawClient raw(m_node.clientPort());
    QTRY_VERIFY_WITH_TIMEOUT(raw.isOpen(), Patience_ms);
    m_viewer->result(QStringLiteral("stats.subscribe"), {{"interval_ms", 500}});
    const auto operation = m_link->result(QStringLiteral("node.drain"),
                                          {{"rate_per_s", 40}, {"deadline_s", 10}, {"grace_s", 0}});
    QVERIFY(operation.contains(QStringLiteral("operation")));
    int status = 0;
    QVERIFY(m_node.get("/ready", &status).contains("draining") || status == 503);
    QCOMPARE(status, 503);
    QCOMPARE(m_link->errorCode(QStringLiteral("node.drain")), BusyCode);
    Client late(m_node.clientUrl(), QStringLiteral("/socket.io/?EIO=4&transport=websocket"));
    QTRY_VERIFY_WITH_TIMEOUT(late.isGone(), Patience_ms);
    QVERIFY(late.frames.isEmpty());
    QTRY_COMPARE_WITH_TIMEOUT(
        m_link->result(QStringLiteral("node.info")).value(QStringLiteral("state")).toString(),
        QStringLiteral("drained"), Patience_ms);
    const auto row = OperationRow::fromJson(m_link->result(
        QStringLiteral("operations.get"), {{"id", operation.value(QStringLiteral("operation"))}}));
    QVERIFY(row);
    QCOMPARE(row->state, OperationState::Done);
    QCOMPARE(row->done, std::int64_t(20));
    QCOMPARE(row->untracked, std::int64_t(20));
    QCOMPARE(row->by, std::string("anna"));
    QTRY_VERIFY_WITH_TIMEOUT(
        std::all_of(open.begin(), open.end(), [](const auto& each) { return each->isGone(); }), Patience_ms);
    for (const auto& client : open) {
        QCOMPARE(client->frames.filter(QStringLiteral("weir:reconnect")).size(), 1);
        QVERIFY(!client->frames.contains(QStringLiteral("41"))); // official clients come back only without it
    }
    QTRY_VERIFY_WITH_TIMEOUT(raw.wasClosedWith(1012), Patience_ms);
    QTRY_VERIFY_WITH_TIMEOUT(!m_viewer->notifications.value(QStringLiteral("operation.progress")).isEmpty(),
                             Patience_ms);
    QCOMPARE(m_viewer->notifications.value(QStringLiteral("operation.progress"))
                 .last()
                 .value(QStringLiteral("state"))
                 .toString(),
             QStringLiteral("done"));
    m_viewer->result(QStringLiteral("stats.unsubscribe"));

    m_link->result(QStringLiteral("node.resume"));
    m_node.get("/ready", &status);
    QCOMPARE(status, 200);
    QCOMPARE(clients(1).size(), std::size_t(1));
}

void TestAdminChannel::abortedDrain() {
    auto open = clients(10);
    QCOMPARE(open.size(), std::size_t(10));
    const auto id =
        m_link->result(QStringLiteral("node.drain"), {{"rate_per_s", 1}, {"deadline_s", 60}, {"grace_s", 30}})
            .value(QStringLiteral("operation"));
    QVERIFY(id.isDouble());
    m_link->result(QStringLiteral("operations.abort"), {{"id", id}});
    QCOMPARE(m_link->result(QStringLiteral("operations.get"), {{"id", id}})
                 .value(QStringLiteral("state"))
                 .toString(),
             QStringLiteral("aborted"));
    QCOMPARE(m_link->errorCode(QStringLiteral("operations.abort"), {{"id", id}}), BusyCode);
    QCOMPARE(m_link->errorCode(QStringLiteral("operations.abort"), {{"id", 99999}}), NotFoundCode);
    QCOMPARE(m_link->errorCode(QStringLiteral("operations.abort")), InvalidParamsCode);
    m_link->result(QStringLiteral("node.resume"));
    QVERIFY(std::none_of(open.begin(), open.end(), [](const auto& each) { return each->isGone(); }));
    QCOMPARE(m_link->result(QStringLiteral("operations.get"), {{"id", id}})
                 .value(QStringLiteral("state"))
                 .toString(),
             QStringLiteral("aborted"));
    QCOMPARE(m_link->errorCode(QStringLiteral("node.drain"), {{"deadline_s", -1}}), InvalidParamsCode);
}

void TestAdminChannel::cluster() {
    const auto rows =
        m_viewer->result(QStringLiteral("cluster.nodes")).value(QStringLiteral("rows")).toArray();
    QCOMPARE(rows.size(), 1);
    const auto row = ClusterNode::fromJson(rows.first().toObject());
    QVERIFY2(row, row ? "" : row.error().message.c_str());
    QCOMPARE(row->id, std::string("n1"));
    QCOMPARE(row->ops, "127.0.0.1:" + std::to_string(m_node.opsPort()));
    QVERIFY(row->capacity > 0);
}

void TestAdminChannel::audit() {
    m_link->result(QStringLiteral("node.drain"), {{"rate_per_s", 7}});
    m_link->result(QStringLiteral("node.resume"));
    const auto rows = m_viewer->result(QStringLiteral("audit.list"), {{"limit", 2}})
                          .value(QStringLiteral("rows"))
                          .toArray();
    QCOMPARE(rows.size(), 2);
    const auto drain = AuditRow::fromJson(rows.at(1).toObject());
    QVERIFY(drain);
    QCOMPARE(drain->who, std::string("anna"));
    QCOMPARE(drain->what, std::string("node.drain {\"rate_per_s\":7}"));
    QCOMPARE(drain->outcome, std::string("ok"));
    QVERIFY(drain->from.starts_with("127.0.0.1:"));
    QVERIFY(drain->time_ms > 1600000000000);
    QCOMPARE(m_viewer->result(QStringLiteral("audit.list"), {{"since_ms", 99999999999999.0}})
                 .value(QStringLiteral("rows"))
                 .toArray()
                 .size(),
             0);
    QCOMPARE(m_viewer->errorCode(QStringLiteral("audit.list"), {{"limit", 0}}), InvalidParamsCode);
}

void TestAdminChannel::requestsInFlight() {
    constexpr int Asked = 1000; // at once: each has to go to the shards and back
    constexpr qint64 FirstId = 1000000;
    for (int i = 0; i < Asked; ++i)
        m_link->socket.sendTextMessage(
            QString::fromUtf8(encodeRequest(FirstId + i, QStringLiteral("connections.list"), {})));
    int listed = 0, busy = 0;
    for (int i = 0; i < Asked; ++i) {
        QVERIFY(QTest::qWaitFor([&] { return m_link->answers.contains(FirstId + i); }, Patience_ms));
        const auto answer = m_link->answers.take(FirstId + i);
        const auto error = answer.value("error").toObject();
        if (error.isEmpty())
            ++listed;
        else if (error.value("code").toInt() == BusyCode &&
                 error.value("message").toString().contains(QStringLiteral("32 requests")))
            ++busy;
    }
    QCOMPARE(listed + busy, Asked); // none was lost
    QVERIFY2(listed >= MostRequestsInFlight && busy > 0, qPrintable(QString::number(busy)));
    m_link->result(QStringLiteral("connections.list")); // and there is room again
}

void TestAdminChannel::linksOfAToken() {
    std::vector<std::unique_ptr<AdminLink>> links;
    // Links of earlier tests may still be on their way out.
    QTRY_VERIFY_WITH_TIMEOUT(
        [&] {
            links.clear();
            for (int i = 0; i < MostLinksPerToken; ++i)
                links.push_back(std::make_unique<AdminLink>(m_node.adminUrl(), "eve-token"));
            return std::all_of(links.begin(), links.end(), [](auto& link) { return link->waitForHello(); });
        }(),
        30000);
    AdminLink ninth(m_node.adminUrl(), "eve-token");
    QTRY_COMPARE_WITH_TIMEOUT(ninth.socket.state(), QAbstractSocket::UnconnectedState, Patience_ms);
    QVERIFY(ninth.hello().isEmpty());
    links.pop_back();
    QVERIFY(QTest::qWaitFor(
        [&] {
            AdminLink again(m_node.adminUrl(), "eve-token");
            QSignalSpy ended(&again.socket, &QWebSocket::disconnected);
            return QTest::qWaitFor([&] { return !again.hello().isEmpty() || !ended.isEmpty(); },
                                   Patience_ms) &&
                   !again.hello().isEmpty();
        },
        Patience_ms));
}

void TestAdminChannel::slowLinkIsDropped() {
    for (int i = 0; i < 300; ++i) // long answers to ask for
        QCOMPARE(m_viewer->errorCode(QStringLiteral("node.drain")), ForbiddenCode);
    QTcpSocket socket;
    socket.setReadBufferSize(4096);
    socket.connectToHost(QStringLiteral("127.0.0.1"), m_node.opsPort());
    QVERIFY(socket.waitForConnected(Patience_ms));
    socket.write("GET /admin HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                 "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                 "Sec-WebSocket-Protocol: weirkeeper.admin.v1\r\nAuthorization: Bearer anna-token\r\n\r\n");
    QVERIFY(socket.waitForReadyRead(Patience_ms));
    const auto request = encodeRequest(1, QStringLiteral("audit.list"), {{"limit", 1000}});
    QVERIFY(request.size() < 126);
    const QByteArray frame = QByteArray("\x81") + char(0x80 | request.size()) + QByteArray(4, '\0') + request;
    for (int i = 0; i < 1000; ++i)
        socket.write(frame);
    QTRY_VERIFY_WITH_TIMEOUT(m_node.log().contains("dropped: it does not read its answers"), Patience_ms);
    QVERIFY(!m_link->result(QStringLiteral("node.info")).isEmpty()); // nobody else is hit
}

void TestAdminChannel::metrics() {
    const auto open = clients(3);
    QCOMPARE(open.size(), std::size_t(3));
    QTRY_VERIFY_WITH_TIMEOUT(m_node.get("/metrics").contains("\nweir_sessions 3\n"), Patience_ms);
    const auto text = m_node.get("/metrics");
    QVERIFY(text.contains("\nweir_handshakes_total{result=\"accepted\"} "));
    QVERIFY(!text.contains("anna"));
    int health = 0;
    const auto body = QJsonDocument::fromJson(m_node.get("/health", &health)).object();
    QCOMPARE(health, 200);
    QCOMPARE(body.value(QStringLiteral("connections")).toInt(), 3);
    QVERIFY(body.value(QStringLiteral("memory_bytes")).toDouble() > 1e6);
}

void TestAdminChannel::endsItsFiles() {
    NodeProcess node;
    QVERIFY2(node.start(), qPrintable(node.why()));
    const auto directory = node.runtimeDirectory() + QStringLiteral("/weirkeeper/ops-%1").arg(node.opsPort());
    const auto token = node.token();
    QVERIFY(token.size() >= 40);
    QCOMPARE(int(QFile::permissions(directory + QStringLiteral(".token"))) & 0x1177, 0x0000);
    QVERIFY(!node.log().contains(token));
    {
        AdminLink link(node.adminUrl(), token);
        QVERIFY(link.waitForHello());
        QCOMPARE(link.hello().value(QStringLiteral("role")).toString(), QStringLiteral("operator"));
    }
    QVERIFY(node.stop());
    QVERIFY(!QFile::exists(directory + QStringLiteral(".token")));
    QVERIFY(!QFile::exists(directory + QStringLiteral(".json")));
    QVERIFY(!node.log().contains(token));
}

QTEST_GUILESS_MAIN(TestAdminChannel)
#include "tst_admin_channel.moc"
