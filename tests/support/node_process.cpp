// SPDX-License-Identifier: Apache-2.0
#include "tests/support/node_process.h"
#include <QCoreApplication>
#include <QDeadlineTimer>
#include <QFile>
#include <QSslConfiguration>
#include <QSslSocket>
#include <QTcpServer>
#include <QTcpSocket>
#include <QTest>
#include <optional>

quint16 freePort() {
    QTcpServer server;
    return server.listen(QHostAddress::LocalHost, 0) ? server.serverPort() : quint16(0);
}

namespace {

void end(QProcess& process) {
    if (process.state() == QProcess::NotRunning)
        return;
    process.kill();
    process.waitForFinished(5000);
}

/// TLS when there is a configuration.
QByteArray ask(quint16 port, const QByteArray& request, int timeoutMs,
               const std::optional<QSslConfiguration>& tls = {}) {
    QSslSocket socket;
    socket.connectToHost(QStringLiteral("127.0.0.1"), port);
    if (!socket.waitForConnected(timeoutMs))
        return {};
    if (tls) {
        socket.setSslConfiguration(*tls);
        socket.setPeerVerifyName(QStringLiteral("127.0.0.1"));
        socket.startClientEncryption();
        if (!socket.waitForEncrypted(timeoutMs))
            return {};
    }
    socket.write(request);
    QByteArray answer;
    const QDeadlineTimer deadline(timeoutMs);
    while (socket.state() == QAbstractSocket::ConnectedState && !deadline.hasExpired()) {
        socket.waitForReadyRead(int(qMin<qint64>(deadline.remainingTime(), 200)));
        answer += socket.readAll();
        if (request == "PING\r\n" && answer.contains("\r\n"))
            break;
        const auto head = answer.indexOf("\r\n\r\n");
        const auto length = answer.toLower().indexOf("content-length: ");
        if (head > 0 && length > 0 && length < head &&
            answer.size() >=
                head + 4 + answer.mid(length + 16, answer.indexOf('\r', length) - length - 16).toInt())
            break;
    }
    return answer + socket.readAll();
}

} // namespace

RedisProcess::~RedisProcess() {
    stop();
}

bool RedisProcess::start() {
    if (m_port == 0)
        m_port = freePort();
    m_process.setProcessChannelMode(QProcess::MergedChannels);
    m_process.start(QStringLiteral("redis-server"),
                    {"--port", QString::number(m_port), "--bind", "127.0.0.1", "--save", "", "--appendonly",
                     "no", "--dir", m_directory.path()});
    if (!m_process.waitForStarted(5000)) {
        m_why = QStringLiteral("redis-server: %1").arg(m_process.errorString());
        return false;
    }
    const QDeadlineTimer deadline(10000);
    while (!deadline.hasExpired() && m_process.state() == QProcess::Running) {
        if (ask(m_port, "PING\r\n", 200).startsWith("+PONG"))
            return true;
        QTest::qWait(20);
    }
    m_why = QStringLiteral("redis-server did not answer: %1")
                .arg(QString::fromUtf8(m_process.readAll().right(500)));
    return false;
}

void RedisProcess::kill() {
    end(m_process);
}

void RedisProcess::stop() {
    end(m_process);
}

NodeProcess::NodeProcess() {
    m_process.setProcessChannelMode(QProcess::MergedChannels);
}

NodeProcess::~NodeProcess() {
    end(m_process);
}

bool NodeProcess::start(const QStringList& arguments) {
    if (m_clientPort == 0) {
        m_clientPort = freePort();
        m_opsPort = freePort();
    }
    auto environment = QProcessEnvironment::systemEnvironment();
    environment.remove(QStringLiteral("RUNTIME_DIRECTORY"));
    // Settings of the person who runs the tests are none of the tests.
    for (const auto& key : environment.keys())
        if (key.startsWith(QStringLiteral("WEIR_")))
            environment.remove(key);
    environment.insert(QStringLiteral("XDG_RUNTIME_DIR"), m_directory.path());
    for (auto variable = m_variables.begin(); variable != m_variables.end(); ++variable)
        environment.insert(variable.key(), variable.value());
    m_process.setProcessEnvironment(environment);
    m_process.start(QCoreApplication::applicationDirPath() + QStringLiteral("/weir-node"),
                    QStringList{"--listen", QStringLiteral("127.0.0.1:%1").arg(m_clientPort), "--ops",
                                QStringLiteral("127.0.0.1:%1").arg(m_opsPort), "--shards", "2"} +
                        arguments);
    if (!m_process.waitForStarted(5000)) {
        m_why = QStringLiteral("weir-node: %1").arg(m_process.errorString());
        return false;
    }
    const QDeadlineTimer deadline(20000);
    while (!deadline.hasExpired() && isRunning()) {
        int status = 0;
        get("/ready", &status);
        if (status == 200)
            return true;
        QTest::qWait(20);
    }
    m_why = QStringLiteral("weir-node is not ready: %1").arg(QString::fromUtf8(log().right(2000)));
    return false;
}

bool NodeProcess::startSecure(const QStringList& arguments, const QString& authority) {
    m_authority = authority;
    m_proof = Proof::Authority;
    return start(arguments);
}

bool NodeProcess::startUnproven(const QStringList& arguments) {
    m_proof = Proof::None;
    return start(arguments);
}

bool NodeProcess::stop(int timeoutMs) {
    m_process.terminate();
    const bool ended = m_process.waitForFinished(timeoutMs);
    const bool isFine = ended && m_process.exitStatus() == QProcess::NormalExit && m_process.exitCode() == 0;
    end(m_process);
    return isFine;
}

void NodeProcess::kill() {
    end(m_process);
}

bool NodeProcess::isRunning() const {
    return m_process.state() == QProcess::Running;
}

QByteArray NodeProcess::token() const {
    QFile file(QStringLiteral("%1/weirkeeper/ops-%2.token").arg(m_directory.path()).arg(m_opsPort));
    return file.open(QIODevice::ReadOnly) ? file.readLine().trimmed() : QByteArray();
}

QByteArray NodeProcess::log() {
    return m_log += m_process.readAll();
}

QByteArray NodeProcess::get(const QByteArray& path, int* status) const {
    std::optional<QSslConfiguration> tls;
    if (m_proof != Proof::Plain) {
        tls = QSslConfiguration::defaultConfiguration();
        tls->setPeerVerifyMode(m_proof == Proof::None ? QSslSocket::VerifyNone : QSslSocket::VerifyPeer);
        tls->setCaCertificates(QSslCertificate::fromPath(m_authority));
    }
    const QByteArray answer =
        ask(m_opsPort,
            "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1:" + QByteArray::number(m_opsPort) +
                "\r\nConnection: close\r\n\r\n",
            5000, tls);
    if (status)
        *status = answer.startsWith("HTTP/1.1 ") ? answer.mid(9, 3).toInt() : 0;
    const auto head = answer.indexOf("\r\n\r\n");
    return head < 0 ? QByteArray() : answer.mid(head + 4);
}
