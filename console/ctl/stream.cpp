// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/ctl/stream.h"
#include "console/ctl/process.h"
#include <QEventLoop>
#include <QTimer>
#include <set>

namespace console {

ExitCode stream(Errand& errand, const std::vector<NodeLink*>& nodes, const StreamPlan& plan) {
    std::set<NodeLink*> open;
    QEventLoop loop;
    bool isOver = false; // it may be so before the loop runs
    const auto finish = [&] {
        isOver = true;
        loop.quit();
    };
    const auto end = [&](NodeLink* link) {
        open.erase(link);
        if (open.empty())
            finish();
    };
    SignalWatch signalWatch;
    QObject::connect(&signalWatch, &SignalWatch::interrupted, &loop, finish);
    for (auto* link : nodes) {
        const auto name = QString::fromStdString(nameOf(*link));
        open.insert(link);
        QObject::connect(link, &NodeLink::notified, &loop,
                         [&, link, name](const QString& method, QJsonObject line) {
                             if (method != plan.notification || !open.contains(link))
                                 return;
                             const auto prefix = nodes.size() > 1 ? name.toStdString() + "  " : std::string();
                             errand.printer().line(prefix + plan.text(line));
                             line.insert(QStringLiteral("node"), name);
                             errand.printer().json(line);
                             if (!errand.printer().isOpen())
                                 finish();
                             else if (line.contains(QStringLiteral("ended")))
                                 end(link);
                         });
        QObject::connect(link, &NodeLink::stateChanged, &loop, [&, link, name = name.toStdString()] {
            if ((link->state() != NodeLink::State::Lost && link->state() != NodeLink::State::Refused) ||
                !open.contains(link))
                return;
            errand.fail(name, {shared::ErrorCode::Unavailable, link->sentence().toStdString()});
            end(link);
        });
    }
    for (auto& [link, result] : errand.links().ask(nodes, plan.start, plan.params)) {
        if (result || !open.contains(link))
            continue;
        errand.fail(*link, result.error(), plan.start);
        open.erase(link);
    }
    QTimer limit;
    limit.setSingleShot(true);
    QObject::connect(&limit, &QTimer::timeout, &loop, finish);
    if (plan.limit_s)
        limit.start(int(*plan.limit_s * 1000));
    if (!open.empty() && !isOver)
        loop.exec();
    // The node ends it with the link as well: an answer that says no changes nothing.
    const auto stopped = std::vector<NodeLink*>(open.begin(), open.end());
    auto params = plan.params;
    if (plan.stop != QLatin1String("connections.unwatch"))
        params = {};
    errand.links().ask(stopped, plan.stop, params);
    return errand.worst();
}

} // namespace console
