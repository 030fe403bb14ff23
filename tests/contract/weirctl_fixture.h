// SPDX-License-Identifier: Apache-2.0
// Two live nodes on one Redis, their clients and operators, for the tests of weirctl. Main thread.
#pragma once
#include "tests/support/node_process.h"
#include "tests/support/program_run.h"
#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QTest>
#include <QWebSocket>
#include <algorithm>
#include <memory>
#include <vector>

constexpr int Patience_ms = 20'000;

/// A Socket.IO client in the namespace "/", which leaves when it is told to.
class Client {
public:
    explicit Client(const NodeProcess& node) {
        QObject::connect(&socket, &QWebSocket::textMessageReceived, &socket, [this](const QString& text) {
            if (text.startsWith(u'0'))
                socket.sendTextMessage(QStringLiteral("40"));
            else if (text == QStringLiteral("2"))
                socket.sendTextMessage(QStringLiteral("3"));
            else if (text.startsWith(QStringLiteral("40")))
                isIn = true;
            else
                events.append(text);
        });
        socket.open(
            QUrl(node.clientUrl().toString() + QStringLiteral("/socket.io/?EIO=4&transport=websocket")));
    }
    bool isGone() const { return socket.state() == QAbstractSocket::UnconnectedState; }
    QWebSocket socket;
    bool isIn = false;
    QStringList events;
};

class TwoNodes {
public:
    /// False, and why() tells.
    bool start() {
        QFile file(tokenFile());
        if (!file.open(QIODevice::WriteOnly) || !redis.start())
            return false;
        file.write("alice operator alice-token-0123456789\nbob viewer bob-token-0123456789\n");
        file.close();
        file.setPermissions(QFileDevice::ReadOwner | QFileDevice::WriteOwner);
        // They are ready before they reach Redis, but what crosses it would be lost until then.
        return start(a, QStringLiteral("ws-01")) && start(b, QStringLiteral("ws-02")) &&
               QTest::qWaitFor([this] { return hasRedis(a) && hasRedis(b); }, Patience_ms);
    }
    bool start(NodeProcess& node, const QString& id) {
        return node.start({"--node-id", id, "--redis", redis.url(), "--set",
                           QStringLiteral("admin.token_file=%1").arg(tokenFile())});
    }
    static bool hasRedis(const NodeProcess& node) { return node.get("/health").contains("\"redis\":\"up\""); }
    QString why() const { return redis.why() + a.why() + b.why(); }
    QString tokenFile() const { return m_directory.filePath(QStringLiteral("tokens")); }
    static QString address(const NodeProcess& node) {
        return QStringLiteral("127.0.0.1:%1").arg(node.opsPort());
    }
    QStringList both() const { return {"--node", address(a), "--node", address(b)}; }
    static QStringList only(const NodeProcess& node) { return {"--node", address(node)}; }

    static QStringList as(const char* name) {
        return {QStringLiteral("WEIR_ADMIN_TOKEN=%1-token-0123456789").arg(QLatin1String(name))};
    }
    static Outcome weirctl(const QStringList& arguments, const char* name = "alice") {
        return runProgram(QStringLiteral("weirctl"), arguments, as(name));
    }
    /// The object on stdout.
    static QJsonObject json(const Outcome& end) { return QJsonDocument::fromJson(end.out).object(); }
    static QJsonArray rows(const Outcome& end) { return json(end).value(QStringLiteral("rows")).toArray(); }

    void addClients(const NodeProcess& node, int count) {
        for (int i = 0; i < count; ++i)
            clients.push_back(std::make_unique<Client>(node));
    }
    bool areIn() const {
        return QTest::qWaitFor(
            [this] {
                return std::all_of(clients.begin(), clients.end(),
                                   [](const auto& client) { return client->isIn; });
            },
            Patience_ms);
    }
    qsizetype gone() const {
        return std::count_if(clients.begin(), clients.end(),
                             [](const auto& client) { return client->isGone(); });
    }

    RedisProcess redis;
    NodeProcess a, b;
    std::vector<std::unique_ptr<Client>> clients;

private:
    QTemporaryDir m_directory;
};

inline QByteArray explained(const Outcome& end) {
    return "exit " + QByteArray::number(end.exitCode) + '\n' + end.out + end.err;
}
/// `end` is run once only.
#define VERIFY_EXIT(end, code)                                                                               \
    do {                                                                                                     \
        const Outcome verifiedOutcome = (end);                                                               \
        QVERIFY2(verifiedOutcome.exitCode == (code), explained(verifiedOutcome).constData());                \
    } while (false)
