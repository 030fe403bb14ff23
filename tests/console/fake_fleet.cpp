// SPDX-License-Identifier: Apache-2.0
// A small fleet of fakes for looking at the console by hand: fake_fleet calm|trouble [SECONDS]. Prints one
// URL a line.
#include "tests/console/fake_node.h"
#include <QCoreApplication>
#include <QDateTime>
#include <QTextStream>

int main(int argc, char** argv) {
    QCoreApplication app(argc, argv);
    const auto scene = app.arguments().value(1, QStringLiteral("calm"));
    const int seconds = app.arguments().value(2, QStringLiteral("60")).toInt();
    std::vector<std::unique_ptr<FakeNode>> nodes;
    for (int i = 0; i < (scene == QLatin1String("calm") ? 2 : 7); ++i) {
        nodes.push_back(std::make_unique<FakeNode>("ws-0" + std::to_string(i + 1)));
        auto& node = *nodes.back();
        node.traffic.connections = 14000 + 611 * i;
        node.traffic.in_per_s = 1200 + 70 * i;
        node.traffic.out_per_s = 48000 + 900 * i;
        node.makeRows(1400);
    }
    if (nodes.size() > 2) {
        nodes[1]->traffic.connections = 19214;
        nodes[1]->traffic.latency_ms = 120;
        nodes[1]->traffic.errors_per_s = 41;
        nodes[2]->redis = shared::admin::RedisState::Away;
        QTimer::singleShot(std::chrono::seconds(4), nodes[4].get(), [&] { nodes[4]->cut(); });
        QTimer::singleShot(std::chrono::seconds(6), nodes[5].get(), [&] { nodes[5]->isSilent = true; });
        QTimer::singleShot(std::chrono::milliseconds(100), nodes[3].get(), [&] {
            shared::admin::OperationRow row;
            row.id = 1;
            row.kind = "drain";
            row.by = "alice";
            row.started_ms = QDateTime::currentMSecsSinceEpoch();
            row.total = std::int64_t(nodes[3]->traffic.connections);
            row.rate_per_s = 250;
            nodes[3]->operations.push_back(row);
            nodes[3]->state = shared::admin::NodeState::Draining;
        });
        nodes[6]->token = "another";
        shared::admin::ClusterNode far;
        far.id = "ws-19";
        far.ops = "10.9.8.7:7401";
        nodes[0]->cluster.push_back(far);
    }
    for (const auto& node : nodes)
        QTextStream(stdout) << node->url().toString() << Qt::endl;
    QTimer::singleShot(std::chrono::seconds(seconds), &app, &QCoreApplication::quit);
    return app.exec();
}
