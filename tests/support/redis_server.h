// SPDX-License-Identifier: Apache-2.0
// A redis-server of the test's own, on a free loopback port; it ends with the test. Main thread.
#pragma once
#include <QProcess>
#include <QStringList>
#include <QTemporaryDir>
#include <memory>

/// Every function that can fail says so by false; the test then shows output().
class RedisServer {
public:
    explicit RedisServer(QStringList arguments = {});
    ~RedisServer();
    /// Starts it, again on the same port if it ran before, and waits until it answers.
    bool start();
    /// SIGKILL, by its pid.
    void kill();
    /// SIGSTOP and SIGCONT: it is there and says nothing.
    void freeze();
    void thaw();
    quint16 port() const { return m_port; }
    std::string url() const;
    QByteArray output() const;
    /// One command by a connection of its own; the raw answer, empty when none came.
    QByteArray ask(const QByteArray& inlineCommand) const;

private:
    bool answers() const;
    const QStringList m_arguments;
    QTemporaryDir m_directory;
    std::unique_ptr<QProcess> m_process;
    quint16 m_port = 0;
};
