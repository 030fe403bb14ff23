// SPDX-License-Identifier: Apache-2.0
// Real redis-server and weir-node processes for tests: on free loopback ports, ended by pid with their owner.
// One thread: the test's.
#pragma once
#include <QByteArray>
#include <QMap>
#include <QProcess>
#include <QString>
#include <QStringList>
#include <QTemporaryDir>
#include <QUrl>
#include <memory>

/// A loopback port that nobody listens on right now.
quint16 freePort();

class RedisProcess {
public:
    ~RedisProcess();
    /// False, and why() tells, when it does not answer within 10 s. The same port at each start.
    bool start();
    /// kill -9, by its pid.
    void kill();
    void stop();
    quint16 port() const { return m_port; }
    QString url() const { return QStringLiteral("redis://127.0.0.1:%1").arg(m_port); }
    QString why() const { return m_why; }

private:
    QProcess m_process;
    QTemporaryDir m_directory;
    quint16 m_port = 0;
    QString m_why;
};

/// A weir-node of the same build directory as the test, with two shards.
class NodeProcess {
public:
    NodeProcess();
    ~NodeProcess();
    /// False, and why() tells with the end of the log, when /ready is not 200 within 20 s.
    bool start(const QStringList& arguments = {});
    /// One more environment variable for the next start.
    void setVariable(const QString& name, const QString& value) { m_variables.insert(name, value); }
    /// The same with TLS on the ops listener, which is trusted by the authority in this file.
    bool startSecure(const QStringList& arguments, const QString& authority);
    /// The same, and whatever it shows is taken for its certificate.
    bool startUnproven(const QStringList& arguments);
    /// SIGTERM; true when it ended with 0 in time.
    bool stop(int timeoutMs = 15000);
    void kill();
    bool isRunning() const;
    qint64 pid() const { return m_process.processId(); }

    quint16 clientPort() const { return m_clientPort; }
    quint16 opsPort() const { return m_opsPort; }
    QUrl clientUrl() const { return QUrl(QStringLiteral("ws://127.0.0.1:%1").arg(m_clientPort)); }
    QUrl adminUrl() const { return QUrl(QStringLiteral("ws://127.0.0.1:%1/admin").arg(m_opsPort)); }
    /// The operator token that the node wrote into its run directory.
    QByteArray token() const;
    QString runtimeDirectory() const { return m_directory.path(); }
    /// Everything that it wrote on stdout and stderr so far.
    QByteArray log();
    QString why() const { return m_why; }
    /// The body of GET `path` on the ops listener; `status` gets the number, 0 when there was no answer.
    QByteArray get(const QByteArray& path, int* status = nullptr) const;

private:
    QProcess m_process;
    QTemporaryDir m_directory;
    QMap<QString, QString> m_variables;
    enum class Proof { None, Authority, Plain };
    Proof m_proof = Proof::Plain;
    QString m_authority;
    QByteArray m_log;
    quint16 m_clientPort = 0, m_opsPort = 0;
    QString m_why;
};
