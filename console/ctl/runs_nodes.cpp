// SPDX-License-Identifier: GPL-3.0-or-later
// nodes, status: what there is, and how it is.
#include "console/ctl/runs.h"
#include "console/ctl/samples.h"

namespace console {

ExitCode runNodes(Errand& errand) {
    // Each asked node tells of all it knows: the newest word on a node counts.
    QMap<QString, QJsonObject> newest;
    for (const auto& [link, answer] : errand.ask(QStringLiteral("cluster.nodes"), {})) {
        for (const auto& value : answer.value(QStringLiteral("rows")).toArray()) {
            const auto row = value.toObject();
            auto& known = newest[row.value(QStringLiteral("id")).toString()];
            const auto seen = QStringLiteral("seen_ms");
            if (known.isEmpty() || known.value(seen).toDouble() < row.value(seen).toDouble())
                known = row;
        }
    }
    QJsonArray rows;
    for (const auto& row : newest)
        rows.append(row);
    return errand.show({{"id", "NODE", Show::Text},
                        {"state", "STATE", Show::Text},
                        {"connections", "CONNS", Show::Count},
                        {"capacity", "OF", Show::Count},
                        {"clients", "CLIENTS AT", Show::Text},
                        {"ops", "OPS AT", Show::Text},
                        {"version", "VERSION", Show::Text},
                        {"seen_ms", "SEEN", Show::SinceMs}},
                       rows);
}

ExitCode runStatus(Errand& errand) {
    Samples samples(errand);
    samples.waitForAll();
    return errand.show(vitalsColumns(), samples.rows());
}

} // namespace console
