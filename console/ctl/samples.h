// SPDX-License-Identifier: GPL-3.0-or-later
// The latest sample of each node, kept fresh while it lives. Main thread.
#pragma once
#include "console/ctl/errand.h"
#include "console/ctl/vitals.h"
#include <QObject>
#include <map>
#include <optional>

namespace console {

struct NodeSample {
    std::optional<shared::admin::NodeInfo> node;
    std::optional<shared::Snapshot> snapshot;
    shared::admin::Hello hello; ///< of the link that the snapshot came by
    std::string lost;           ///< why there is nothing new; empty: all is well
};

class Samples : public QObject {
    Q_OBJECT

public:
    explicit Samples(Errand& errand);

    /// Returns when each node has told all of itself, or was lost: then it is among the failures.
    void waitForAll();
    const std::map<NodeLink*, NodeSample>& all() const { return m_samples; }
    /// A row of vitals for each node; of a lost one its name and state alone.
    QJsonArray rows() const;

Q_SIGNALS:
    void changed();

private:
    bool isWhole() const;
    Errand& m_errand;
    std::map<NodeLink*, NodeSample> m_samples;
};

} // namespace console
