// SPDX-License-Identifier: Apache-2.0
// A node that is only an admin channel: it says what a test tells it to say, and keeps a log of what it was
// asked. Main thread of a test.
#pragma once
#include "shared/admin_protocol.h"
#include "shared/metrics.h"
#include <QTcpServer>
#include <QTimer>
#include <QUrl>
#include <QWebSocket>
#include <QWebSocketServer>
#include <map>
#include <memory>
#include <random>

class FakeNode : public QObject {
    Q_OBJECT

public:
    struct Traffic {
        double connections = 1200;
        double in_per_s = 320, out_per_s = 4800;
        double latency_ms = 6; ///< median of deliveries
        double errors_per_s = 0;
    };
    explicit FakeNode(const std::string& id, quint16 port = 0, QObject* parent = nullptr);
    ~FakeNode() override;

    QUrl url() const;
    QString address() const;

    // What it says. Change freely; the next answer tells it.
    Traffic traffic;
    std::string token = "fake-token";
    shared::admin::Role role = shared::admin::Role::Operator;
    shared::admin::NodeState state = shared::admin::NodeState::Ready;
    shared::admin::RedisState redis = shared::admin::RedisState::Up;
    std::int64_t capacity = 20000;
    std::string version = "0.1.0";
    std::int64_t clockAhead_ms = 0;                  ///< of its samples
    std::vector<shared::admin::ClusterNode> cluster; ///< beside itself
    std::vector<shared::admin::ConnectionRow> rows;
    std::vector<std::string> methods;
    bool isSilent = false; ///< says nothing more, but keeps its links
    double drainRate_per_s = 250;

    QStringList log; ///< "method params" of each request but the regular ones
    std::vector<shared::admin::OperationRow> operations;

    void makeRows(int count);
    void cut();  ///< drops every link and listens no more
    void heal(); ///< listens again on the same port

private:
    void greet(QTcpSocket* socket);
    void welcome();
    void take(QWebSocket* link, const QString& text);
    shared::Result<QJsonObject> answer(QWebSocket* link, const shared::admin::RpcMessage& message);
    shared::Result<QJsonObject> list(const QJsonObject& params) const;
    shared::Result<QJsonObject> evict(const QJsonObject& params);
    shared::admin::ClusterNode self() const;
    void beat();
    void moveOperations();
    shared::Snapshot snapshot(std::int64_t interval_ms);
    void tell(const QString& method, const QJsonObject& params);

    std::string m_id;
    QTcpServer m_listener;
    QWebSocketServer m_server;
    std::map<QWebSocket*, std::int64_t> m_links; ///< interval_ms, 0: not subscribed
    shared::MetricCatalog m_catalog;
    QTimer m_beat;
    std::mt19937 m_random{7};
    std::int64_t m_beats = 0;
    quint16 m_port = 0;
};
