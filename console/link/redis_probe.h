// SPDX-License-Identifier: GPL-3.0-or-later
// Asks a Redis once what it is: version and role. Main thread.
#pragma once
#include "shared/result.h"
#include <QByteArray>
#include <QObject>
#include <QTcpSocket>
#include <QTimer>
#include <QUrl>

namespace console {

struct RedisAnswer {
    std::string version, role;
};

class RedisProbe : public QObject {
    Q_OBJECT

public:
    /// `url` is redis://[USER][:PASSWORD]@HOST:PORT.
    explicit RedisProbe(QUrl url, QObject* parent = nullptr);
    void start();
    const shared::Result<RedisAnswer>& answer() const { return m_answer; }

Q_SIGNALS:
    void finished(); ///< once

private:
    void read();
    void finish(shared::Result<RedisAnswer> answer);

    QUrl m_url;
    QTcpSocket m_socket;
    QTimer m_limit;
    QByteArray m_received;
    bool m_isFinished = false;
    shared::Result<RedisAnswer> m_answer = shared::failure(shared::ErrorCode::Unavailable, "no answer");
};

/// Nothing while the answer is not whole; an error when Redis said one.
shared::Result<RedisAnswer> redisAnswerIn(const QByteArray& received, bool& isWhole);

} // namespace console
