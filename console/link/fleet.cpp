// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/link/fleet.h"

namespace console {

Fleet::Fleet(RunDirectory directory, NodeLink::TokenSource token, NodeLink::Timing timing, QObject* parent)
    : QObject(parent), m_directory(std::move(directory)), m_token(std::move(token)), m_timing(timing) {}

QString Fleet::tokenFor(const QUrl& url) const {
    const auto told = m_tellers.find(keyOf(url));
    if (told == m_tellers.end())
        return m_token(url);
    // Told of by another node, on this machine: its own token file first, else what its teller takes.
    const auto own = RunDirectory().tokenFor(url);
    return own.isEmpty() ? m_token(told->second) : own;
}

TlsTrust Fleet::trustFor(const QUrl& url) const {
    const auto told = m_tellers.find(keyOf(url));
    return m_trust(told == m_tellers.end() ? url : told->second);
}

bool Fleet::maySendToken(const NodeLink& teller, const QUrl& url) {
    const auto isSecure = [](const QUrl& each) { return each.scheme() == QLatin1String("wss"); };
    return (isLoopback(url) && isLoopback(teller.url())) ||
           (isSecure(url) && isSecure(teller.url()) && teller.trust().isOwn());
}

NodeLink* Fleet::add(const QUrl& url) {
    const auto key = keyOf(url);
    if (auto* known = find(key))
        return known;
    if (m_links.size() >= MostLinks)
        return nullptr;
    auto* link = new NodeLink(
        url, [this](const QUrl& to) { return tokenFor(to); }, m_timing, this);
    link->setTrust(trustFor(url));
    m_links[key] = link;
    connect(
        link, &NodeLink::clusterReceived, this,
        [this, link](const std::vector<shared::admin::ClusterNode>& nodes) { takeCluster(*link, nodes); });
    // Two addresses of one node are one node: the earlier link stays. All others hear this hello first.
    connect(link, &NodeLink::helloReceived, this, [this, link](const shared::admin::Hello& hello) {
        for (const auto& [otherKey, other] : m_links) {
            if (other != link && other->hello() && other->hello()->node == hello.node)
                return link->deleteLater();
        }
    });
    connect(link, &QObject::destroyed, this, [this, key] { forget(key); });
    Q_EMIT linkAdded(link);
    link->open();
    return link;
}

NodeLink* Fleet::find(const QString& key) const {
    const auto found = m_links.find(key);
    return found == m_links.end() ? nullptr : found->second;
}

NodeLink* Fleet::findId(const std::string& node) const {
    for (const auto& [key, link] : m_links) {
        if (link->hello() && link->hello()->node == node)
            return link;
    }
    return nullptr;
}

void Fleet::remove(const QString& key) {
    auto* link = find(key);
    if (!link)
        return;
    link->disconnect(this);
    link->deleteLater();
    forget(key);
}

void Fleet::forget(const QString& key) {
    m_links.erase(key);
    m_tellers.erase(key);
    Q_EMIT linkRemoved(key);
}

std::vector<NodeLink*> Fleet::links() const {
    std::vector<NodeLink*> result;
    for (const auto& [key, link] : m_links)
        result.push_back(link);
    return result;
}

void Fleet::takeCluster(const NodeLink& teller, const std::vector<shared::admin::ClusterNode>& nodes) {
    for (const auto& node : nodes) {
        if (const auto* linked = findId(node.id)) {
            Q_EMIT nodeRegistered(keyOf(linked->url()), node);
            continue;
        }
        const auto url = adminUrl(QString::fromStdString(node.ops));
        if (m_discovery == Discovery::Ignore || !url.isValid() || !maySendToken(teller, url)) {
            if (!url.isValid() || !find(keyOf(url)))
                Q_EMIT nodeOffered(node);
            continue;
        }
        if (find(keyOf(url)))
            continue;
        m_tellers[keyOf(url)] = teller.url();
        add(url);
    }
}

} // namespace console
