// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/link/redis_probe.h"
#include <QNetworkProxy>
#include <chrono>

namespace console {

using namespace std::chrono_literals;

namespace {

constexpr int DefaultPort = 6379;
constexpr qsizetype LongestAnswer = 64 * 1024;

QByteArray command(const QList<QByteArray>& words) {
    QByteArray text = '*' + QByteArray::number(words.size()) + "\r\n";
    for (const auto& word : words)
        text += '$' + QByteArray::number(word.size()) + "\r\n" + word + "\r\n";
    return text;
}

/// The value of `name:` in an INFO answer; null while its line is not whole.
QByteArray fieldIn(const QByteArray& text, const QByteArray& name) {
    const auto begin = text.indexOf("\n" + name + ':');
    const auto end = begin < 0 ? -1 : text.indexOf("\r\n", begin + 1);
    return end < 0 ? QByteArray() : text.mid(begin + name.size() + 2, end - begin - name.size() - 2);
}

} // namespace

shared::Result<RedisAnswer> redisAnswerIn(const QByteArray& received, bool& isWhole) {
    isWhole = false;
    const auto version = fieldIn(received, "redis_version");
    const auto role = fieldIn(received, "role");
    const auto refusal = received.startsWith('-') ? 0 : received.indexOf("\r\n-");
    if (refusal >= 0 && version.isNull()) {
        const auto begin = refusal == 0 ? 1 : refusal + 3;
        const auto end = received.indexOf("\r\n", begin);
        isWhole = end >= 0;
        return shared::failure(shared::ErrorCode::Unavailable,
                               received.mid(begin, end - begin).toStdString());
    }
    isWhole = !version.isNull() && !role.isNull();
    return RedisAnswer{version.toStdString(), role.toStdString()};
}

RedisProbe::RedisProbe(QUrl url, QObject* parent) : QObject(parent), m_url(std::move(url)) {
    m_limit.setSingleShot(true);
    connect(&m_limit, &QTimer::timeout, this,
            [this] { finish(shared::failure(shared::ErrorCode::Unavailable, "no answer in time")); });
    connect(&m_socket, &QTcpSocket::readyRead, this, &RedisProbe::read);
    connect(&m_socket, &QTcpSocket::errorOccurred, this, [this] {
        finish(shared::failure(shared::ErrorCode::Unavailable, m_socket.errorString().toStdString()));
    });
}

void RedisProbe::start() {
    m_limit.start(3s);
    m_socket.setProxy(QNetworkProxy::NoProxy);
    m_socket.connectToHost(m_url.host(), quint16(m_url.port(DefaultPort)));
    QByteArray asked;
    if (!m_url.password().isEmpty()) {
        QList<QByteArray> words{"AUTH"};
        if (!m_url.userName().isEmpty())
            words.append(m_url.userName().toUtf8());
        asked += command(words << m_url.password().toUtf8());
    }
    // Each section on its own: servers before 7 take one alone.
    m_socket.write(asked + command({"INFO", "server"}) + command({"INFO", "replication"}));
}

void RedisProbe::read() {
    m_received += m_socket.readAll();
    bool isWhole = false;
    auto answer = redisAnswerIn(m_received, isWhole);
    if (isWhole)
        finish(std::move(answer));
    else if (m_received.size() > LongestAnswer)
        finish(shared::failure(shared::ErrorCode::Unavailable, "what answers there is no Redis"));
}

void RedisProbe::finish(shared::Result<RedisAnswer> answer) {
    if (m_isFinished)
        return;
    m_isFinished = true;
    m_limit.stop();
    m_answer = std::move(answer);
    m_socket.abort();
    Q_EMIT finished();
}

} // namespace console
