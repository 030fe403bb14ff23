// SPDX-License-Identifier: Apache-2.0
#include "tests/support/redis_server.h"
#include <QDeadlineTimer>
#include <QTcpServer>
#include <QTcpSocket>
#include <QThread>
#include <csignal>

RedisServer::RedisServer(QStringList arguments) : m_arguments(std::move(arguments)) {}

RedisServer::~RedisServer() {
    kill();
}

bool RedisServer::start() {
    if (m_port == 0) {
        QTcpServer probe;
        if (!probe.listen(QHostAddress::LocalHost))
            return false;
        m_port = probe.serverPort();
    }
    m_process = std::make_unique<QProcess>();
    m_process->setWorkingDirectory(m_directory.path());
    m_process->setProcessChannelMode(QProcess::MergedChannels);
    m_process->start(QStringLiteral("redis-server"),
                     QStringList{QStringLiteral("--port"), QString::number(m_port), QStringLiteral("--bind"),
                                 QStringLiteral("127.0.0.1"), QStringLiteral("--save"), QString(),
                                 QStringLiteral("--appendonly"), QStringLiteral("no")} +
                         m_arguments);
    if (!m_process->waitForStarted())
        return false;
    const QDeadlineTimer until(10000);
    while (!until.hasExpired() && m_process->state() == QProcess::Running) {
        if (answers())
            return true;
        QThread::msleep(10);
    }
    return false;
}

void RedisServer::kill() {
    if (!m_process)
        return;
    m_process->kill();
    m_process->waitForFinished(5000);
    m_process.reset();
}

void RedisServer::freeze() {
    ::kill(pid_t(m_process->processId()), SIGSTOP);
}

void RedisServer::thaw() {
    ::kill(pid_t(m_process->processId()), SIGCONT);
}

std::string RedisServer::url() const {
    return "redis://127.0.0.1:" + std::to_string(m_port);
}

QByteArray RedisServer::output() const {
    return m_process ? m_process->readAll() : QByteArray();
}

bool RedisServer::answers() const {
    return !ask("PING").isEmpty(); // an error (NOAUTH) is an answer
}

QByteArray RedisServer::ask(const QByteArray& inlineCommand) const {
    QTcpSocket socket;
    socket.connectToHost(QHostAddress::LocalHost, m_port);
    if (!socket.waitForConnected(1000))
        return {};
    socket.write(inlineCommand + "\r\n");
    return socket.waitForReadyRead(2000) ? socket.readAll() : QByteArray();
}
