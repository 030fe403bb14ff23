// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/ctl/samples.h"
#include <QEventLoop>
#include <algorithm>

namespace console {

Samples::Samples(Errand& errand) : m_errand(errand) {
    // What was announced before anybody listened.
    for (const auto& [link, answer] : errand.ask(QStringLiteral("node.info"), {})) {
        if (const auto node = shared::admin::NodeInfo::fromJson(answer))
            m_samples[link].node = *node;
    }
    for (auto* link : errand.nodes()) {
        auto& sample = m_samples[link];
        sample.hello = *link->hello();
        connect(link, &NodeLink::helloReceived, this, [this, &sample](const shared::admin::Hello& hello) {
            sample.hello = hello;
            sample.snapshot.reset();
            Q_EMIT changed();
        });
        connect(link, &NodeLink::announced, this, [this, &sample](const shared::admin::NodeInfo& node) {
            sample.node = node;
            Q_EMIT changed();
        });
        connect(link, &NodeLink::snapshotReceived, this, [this, &sample](const shared::Snapshot& snapshot) {
            sample.snapshot = snapshot;
            sample.lost.clear();
            Q_EMIT changed();
        });
        connect(link, &NodeLink::stateChanged, this, [this, link, &sample] {
            if (link->state() == NodeLink::State::Lost || link->state() == NodeLink::State::Refused)
                sample.lost = link->sentence().toStdString();
            Q_EMIT changed();
        });
    }
}

bool Samples::isWhole() const {
    return std::all_of(m_samples.begin(), m_samples.end(), [](const auto& each) {
        return !each.second.lost.empty() || (each.second.node && each.second.snapshot);
    });
}

void Samples::waitForAll() {
    if (!isWhole()) {
        QEventLoop loop;
        connect(this, &Samples::changed, &loop, [this, &loop] {
            if (isWhole())
                loop.quit();
        });
        loop.exec();
    }
    for (const auto& [link, sample] : m_samples) {
        if (!sample.lost.empty())
            m_errand.fail(sample.hello.node, {shared::ErrorCode::Unavailable, sample.lost});
    }
}

QJsonArray Samples::rows() const {
    std::map<std::string, QJsonObject> byName;
    for (const auto& [link, sample] : m_samples) {
        if (sample.lost.empty() && sample.node && sample.snapshot)
            byName[sample.hello.node] = vitals(sample.hello, *sample.snapshot, *sample.node);
        else
            byName[sample.hello.node] = {{QStringLiteral("node"), QString::fromStdString(sample.hello.node)},
                                         {QStringLiteral("state"), sample.lost.empty()
                                                                       ? QStringLiteral("connecting")
                                                                       : QStringLiteral("lost")}};
    }
    QJsonArray rows;
    for (const auto& [name, row] : byName)
        rows.append(row);
    return rows;
}

} // namespace console
