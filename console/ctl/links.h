// SPDX-License-Identifier: GPL-3.0-or-later
// The nodes of one run: linked before it begins, then asked, each answer awaited. Main thread.
#pragma once
#include "console/link/fleet.h"
#include <functional>
#include <set>
#include <string>
#include <vector>

namespace console {

/// A node that could not be asked.
struct Missed {
    std::string node; ///< its id, or its address while the id is not known
    shared::Error error;
};

struct Answered {
    NodeLink* link;
    shared::Result<QJsonObject> result;
};

class Links : public QObject {
    Q_OBJECT

public:
    Links(RunDirectory directory, NodeLink::TokenSource token);

    /// At wss:// addresses.
    void setTrust(const TlsTrust& trust) {
        m_fleet.setTrust([trust](const QUrl&) { return trust; });
    }
    /// Returns when each address was linked or has failed; with Discovery::Link also what they tell of.
    void open(const std::vector<QUrl>& urls, Fleet::Discovery discovery);
    /// Linked nodes, in the order of their ids.
    std::vector<NodeLink*> nodes() const;
    const std::vector<Missed>& missed() const { return m_missed; }

    /// All at once; returns when the last has answered.
    std::vector<Answered> ask(const std::vector<NodeLink*>& nodes, const QString& method,
                              const QJsonObject& params);
    shared::Result<QJsonObject> ask(NodeLink& node, const QString& method, const QJsonObject& params);

private:
    void follow(NodeLink& link);
    /// A second address of a node: the fleet lets it go in a moment, and that settles it.
    bool isDouble(const NodeLink& link) const;
    void settle(const QString& key);
    void miss(NodeLink& link);

    Fleet m_fleet;
    Fleet::Discovery m_discovery = Fleet::Discovery::Ignore;
    std::set<QString> m_opening;
    std::set<std::string> m_offered;
    std::vector<Missed> m_missed;
    std::function<void()> m_opened;
};

/// The id that the node gave itself, else its address.
std::string nameOf(const NodeLink& link);

} // namespace console
