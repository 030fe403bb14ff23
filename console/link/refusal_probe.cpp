// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/link/refusal_probe.h"
#include <QJsonDocument>
#include <QJsonObject>
#include <QNetworkProxy>
#include <chrono>

namespace console {

using namespace std::chrono_literals;

namespace {

constexpr qsizetype MostAnswerBytes = 8192;
constexpr qsizetype LongestSentence = 300;

} // namespace

QString sentenceInAnswer(const QByteArray& answer) {
    const auto body = answer.indexOf("\r\n\r\n");
    if (body < 0)
        return {};
    const auto json = QJsonDocument::fromJson(answer.mid(body + 4)).object();
    const auto error = json.value(QStringLiteral("error"));
    for (const auto& value :
         {json.value(QStringLiteral("message")), error.toObject().value(QStringLiteral("message")),
          json.value(QStringLiteral("reason")), error}) {
        if (value.isString())
            return value.toString().left(LongestSentence).simplified();
    }
    return {};
}

RefusalProbe::RefusalProbe(QUrl url, QString token, QObject* parent)
    : QObject(parent), m_url(std::move(url)), m_token(std::move(token)) {
    m_socket.setProxy(QNetworkProxy::NoProxy);
    m_limit.setSingleShot(true);
    connect(&m_limit, &QTimer::timeout, this, &RefusalProbe::finish);
    connect(&m_socket, &QTcpSocket::disconnected, this, &RefusalProbe::finish);
    connect(&m_socket, &QTcpSocket::errorOccurred, this, &RefusalProbe::finish);
    connect(&m_socket, &QTcpSocket::readyRead, this, [this] {
        m_answer += m_socket.read(MostAnswerBytes - m_answer.size());
        if (m_answer.size() >= MostAnswerBytes || !sentenceInAnswer(m_answer).isEmpty())
            finish();
    });
    connect(&m_socket, &QTcpSocket::connected, this, [this] {
        QByteArray head = "GET " + m_url.path(QUrl::FullyEncoded).toLatin1() +
                          " HTTP/1.1\r\nHost: " + m_url.authority(QUrl::FullyEncoded).toLatin1() +
                          "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                          "Sec-WebSocket-Protocol: weirkeeper.admin.v1\r\n";
        if (!m_token.isEmpty())
            head += "Authorization: Bearer " + m_token.toUtf8() + "\r\n";
        m_socket.write(head + "\r\n");
    });
}

void RefusalProbe::start() {
    m_limit.start(2s);
    // A TLS answer is not read: the plain sentence for the status must do there.
    if (m_url.scheme() != QLatin1String("ws"))
        return finish();
    m_socket.connectToHost(m_url.host(), quint16(m_url.port(80)));
}

void RefusalProbe::finish() {
    if (m_isFinished)
        return;
    m_isFinished = true;
    m_limit.stop();
    Q_EMIT finished(sentenceInAnswer(m_answer));
}

} // namespace console
