// SPDX-License-Identifier: GPL-3.0-or-later
// What the console knows of each node: its link, its own words, its history, its operations. Main thread.
#pragma once
#include "console/model/history.h"
#include "console/model/series.h"
#include "shared/admin_protocol.h"
#include <QString>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace console {

/// Offered: another node told of it, and we have no permission to send it a token.
enum class LinkState : std::uint8_t { Offered, Connecting, Live, Stale, Lost, Refused };

/// What is shown of a node, worst first: this order is the order of the table.
enum class Condition : std::uint8_t {
    Lost,
    Refused,
    Stale,
    Degraded,
    Draining,
    Drained,
    Connecting,
    Starting,
    Offered,
    Ready
};
QString name(Condition condition);

/// An operation of a node, and when it last moved on the console's clock.
struct OperationRecord {
    shared::admin::OperationRow row;
    std::int64_t moved_ms = 0;
    std::int64_t ended_ms = 0; ///< 0: it runs, or ended before it was seen
};

struct NodeRecord {
    QString key;     ///< of the console: stays the same while the node is known
    QString id;      ///< the node's own; the address until it has said it
    QString address; ///< URL of its admin channel
    LinkState link = LinkState::Connecting;
    std::int64_t linkSince_ms = 0;
    std::int64_t lastSample_ms = 0; ///< 0: none yet
    std::int64_t retryAt_ms = 0;    ///< 0: no retry is planned
    int attempt = 0;
    QString sentence;     ///< why it was refused or lost, in the node's own words where there are any
    bool isGuess = false; ///< the default address, never reached: not a node that anybody named
    std::optional<shared::admin::Role> role;
    std::vector<shared::admin::CommandSpec> commands;
    std::optional<shared::admin::NodeInfo> announced; ///< node.info
    std::optional<shared::admin::ClusterNode> registered;
    History history;
    std::vector<OperationRecord> operations; ///< newest first, at most MostOperations

    bool isHeard() const { return link == LinkState::Live || link == LinkState::Stale; }
    bool offers(const char* method) const;
    const OperationRecord* runningDrain() const;
    const OperationRecord* lastDrain() const;
};
inline constexpr std::size_t MostOperations = 200;

/// Why nothing may be done to a node with the token that it is linked by; empty when it may.
QString roleHindrance(const NodeRecord* node);

/// The numbers of one node or of several together; what is not known is not set.
struct Figures {
    std::optional<double> connections, capacity, in_per_s, out_per_s, p99_s, errors_per_s, memory_bytes,
        queue_bytes;
};

class FleetModel {
public:
    NodeRecord& add(const QString& key);
    NodeRecord* find(const QString& key);
    const NodeRecord* find(const QString& key) const;
    const NodeRecord* findId(const QString& id) const;
    void remove(const QString& key);
    const std::vector<std::unique_ptr<NodeRecord>>& nodes() const { return m_nodes; }

    enum class Told : std::uint8_t { Now, Before }; ///< as it happened, or in a list of what had happened
    void noteOperation(NodeRecord& node, const shared::admin::OperationRow& row, std::int64_t now_ms,
                       Told told);

    /// Goes up with each sample: views redraw only when it has.
    std::uint64_t revision() const { return m_revision; }
    void noteSample() { ++m_revision; }
    /// Nobody has been named, found or reached yet.
    bool isEmpty() const;

private:
    std::vector<std::unique_ptr<NodeRecord>> m_nodes;
    std::uint64_t m_revision = 0;
};

/// Empty unless the node is heard: the last value of a lost node is no value.
Figures figures(const NodeRecord& node);
/// Sums over the nodes that are live: an old number is no part of a total. p99 is of the union of their
/// buckets.
Figures figures(const FleetModel& fleet);
/// The last connections that a node told, heard or not.
std::optional<double> lastConnections(const NodeRecord& node);
/// What the charts of `keys` (all when empty) are drawn from.
Histories histories(const FleetModel& fleet, const QString& key);

} // namespace console
