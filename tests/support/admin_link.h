// SPDX-License-Identifier: Apache-2.0
// A console and a Socket.IO client of a real weir-node, as a test drives them. One thread: the test's.
#pragma once
#include "shared/admin_protocol.h"
#include <QHash>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QNetworkRequest>
#include <QTest>
#include <QWebSocket>
#include <QWebSocketHandshakeOptions>
#include <algorithm>
#include <memory>
#include <vector>

constexpr int Patience_ms = 10000;

inline QNetworkRequest adminRequest(const QUrl& url, const QByteArray& token) {
    QNetworkRequest request(url);
    if (!token.isEmpty())
        request.setRawHeader("Authorization", "Bearer " + token);
    return request;
}

/// One console: what it asked, what it was told.
class AdminLink {
public:
    explicit AdminLink(const QUrl& url, const QByteArray& token) {
        QObject::connect(&socket, &QWebSocket::textMessageReceived, &socket,
                         [this](const QString& text) { received(text.toUtf8()); });
        QWebSocketHandshakeOptions options;
        options.setSubprotocols({QString::fromLatin1(shared::admin::Subprotocol)});
        socket.open(adminRequest(url, token), options);
    }
    bool waitForHello() {
        return QTest::qWaitFor([this] { return !notifications.value(QStringLiteral("hello")).isEmpty(); },
                               Patience_ms);
    }
    QJsonObject hello() const { return notifications.value(QStringLiteral("hello")).value(0); }
    /// The whole answer: result or error.
    QJsonObject ask(const QString& method, const QJsonObject& params = {}) {
        const auto id = ++m_lastId;
        socket.sendTextMessage(QString::fromUtf8(shared::admin::encodeRequest(id, method, params)));
        return QTest::qWaitFor([&] { return answers.contains(id); }, Patience_ms) ? answers.take(id)
                                                                                  : QJsonObject();
    }
    QJsonObject result(const QString& method, const QJsonObject& params = {}) {
        const auto answer = ask(method, params);
        if (!answer.contains(QStringLiteral("result")))
            qWarning() << method << answer;
        return answer.value(QStringLiteral("result")).toObject();
    }
    int errorCode(const QString& method, const QJsonObject& params = {}) {
        return ask(method, params)
            .value(QStringLiteral("error"))
            .toObject()
            .value(QStringLiteral("code"))
            .toInt();
    }
    QWebSocket socket;
    QHash<qint64, QJsonObject> answers;
    QHash<QString, QList<QJsonObject>> notifications;
    QList<QJsonObject> withoutId;

private:
    void received(const QByteArray& text) {
        const auto message = QJsonDocument::fromJson(text).object();
        if (message.contains(QStringLiteral("method")))
            notifications[message.value(QStringLiteral("method")).toString()].append(
                message.value(QStringLiteral("params")).toObject());
        else if (message.value(QStringLiteral("id")).isDouble())
            answers.insert(message.value(QStringLiteral("id")).toInteger(), message);
        else
            withoutId.append(message);
    }
    qint64 m_lastId = 0;
};

/// An Engine.IO client that joined the namespace "/".
class Client {
public:
    explicit Client(const QUrl& node, const QString& path) {
        QObject::connect(&socket, &QWebSocket::textMessageReceived, &socket, [this](const QString& text) {
            frames.append(text);
            if (text.startsWith(u'0'))
                socket.sendTextMessage(QStringLiteral("40"));
            else if (text == QStringLiteral("2"))
                socket.sendTextMessage(QStringLiteral("3"));
        });
        socket.open(QUrl(node.toString() + path));
    }
    bool isIn() const {
        return std::any_of(frames.begin(), frames.end(),
                           [](const QString& frame) { return frame.startsWith(QStringLiteral("40")); });
    }
    /// The answer to an event, or nothing.
    QJsonObject ask(const QJsonArray& event) {
        const auto id = QString::number(++m_lastAck);
        socket.sendTextMessage(QStringLiteral("42") + id +
                               QString::fromUtf8(QJsonDocument(event).toJson(QJsonDocument::Compact)));
        const auto begin = QStringLiteral("43") + id + u'[';
        QString found;
        const bool isAnswered = QTest::qWaitFor(
            [&] {
                const auto frame = std::find_if(frames.begin(), frames.end(),
                                                [&](const auto& each) { return each.startsWith(begin); });
                if (frame != frames.end())
                    found = *frame;
                return frame != frames.end();
            },
            Patience_ms);
        return isAnswered
                   ? QJsonDocument::fromJson(found.mid(begin.size() - 1).toUtf8()).array().at(0).toObject()
                   : QJsonObject();
    }
    bool join(const QString& room) {
        return ask({QStringLiteral("join"), room}).value(QStringLiteral("ok")).toBool();
    }
    bool isGone() const { return socket.state() == QAbstractSocket::UnconnectedState; }
    QWebSocket socket;
    QStringList frames;

private:
    int m_lastAck = 0;
};

/// `count` clients of the node, each in "/"; fewer when they were not let in.
inline std::vector<std::unique_ptr<Client>> openClients(const QUrl& node, int count) {
    std::vector<std::unique_ptr<Client>> all;
    for (int i = 0; i < count; ++i)
        all.push_back(
            std::make_unique<Client>(node, QStringLiteral("/socket.io/?EIO=4&transport=websocket")));
    const bool areIn = QTest::qWaitFor(
        [&] { return std::all_of(all.begin(), all.end(), [](const auto& each) { return each->isIn(); }); },
        Patience_ms);
    if (!areIn)
        all.clear();
    return all;
}
