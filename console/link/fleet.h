// SPDX-License-Identifier: GPL-3.0-or-later
// All links of the console. Nodes that the cluster tells of are linked by themselves only on this machine, or
// where the operator's own CA or pin proves who they are: whoever can write to Redis must not be able to
// collect tokens. Main thread.
#pragma once
#include "console/link/node_link.h"
#include "console/link/run_directory.h"
#include <QObject>
#include <QUrl>
#include <map>
#include <memory>
#include <vector>

namespace console {

class Fleet : public QObject {
    Q_OBJECT

public:
    static constexpr std::size_t MostLinks = 256;
    /// What becomes of a node on this machine that another one tells of: others are only offered, always.
    enum class Discovery : std::uint8_t { Link, Ignore };

    Fleet(RunDirectory directory, NodeLink::TokenSource token, NodeLink::Timing timing,
          QObject* parent = nullptr);

    /// Asked when a link is made; without it the system's authorities are trusted.
    using TrustSource = std::function<TlsTrust(const QUrl&)>;
    void setTrust(TrustSource trust) { m_trust = std::move(trust); }
    void setDiscovery(Discovery discovery) { m_discovery = discovery; }

    /// The key of a link is its URL.
    static QString keyOf(const QUrl& url) { return url.toString(); }
    NodeLink* add(const QUrl& url);
    NodeLink* find(const QString& key) const;
    NodeLink* findId(const std::string& node) const;
    void remove(const QString& key);
    std::vector<NodeLink*> links() const;
    const RunDirectory& directory() const { return m_directory; }

Q_SIGNALS:
    void linkAdded(console::NodeLink* link);
    void linkRemoved(const QString& key);
    /// A node that is known to the cluster, and not linked.
    void nodeOffered(const shared::admin::ClusterNode& node);
    /// What the cluster says of a linked node.
    void nodeRegistered(const QString& key, const shared::admin::ClusterNode& node);

private:
    void takeCluster(const NodeLink& teller, const std::vector<shared::admin::ClusterNode>& nodes);
    QString tokenFor(const QUrl& url) const;
    TlsTrust trustFor(const QUrl& url) const;
    static bool maySendToken(const NodeLink& teller, const QUrl& url);
    void forget(const QString& key);

    RunDirectory m_directory;
    NodeLink::TokenSource m_token;
    NodeLink::Timing m_timing;
    TrustSource m_trust = [](const QUrl&) { return TlsTrust(); };
    Discovery m_discovery = Discovery::Link;
    std::map<QString, NodeLink*> m_links; ///< owned as QObject children
    std::map<QString, QUrl> m_tellers;    ///< of nodes that were linked because another one told of them
};

} // namespace console
