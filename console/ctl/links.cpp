// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/ctl/links.h"
#include <QEventLoop>
#include <algorithm>
#include <chrono>

namespace console {

using namespace std::chrono_literals;

namespace {
/// A node that greets and then does not answer must not hold up the others for ever.
constexpr auto LongestOpening = 15s;
} // namespace

std::string nameOf(const NodeLink& link) {
    return link.hello() ? link.hello()->node : link.url().authority().toStdString();
}

Links::Links(RunDirectory directory, NodeLink::TokenSource token)
    : m_fleet(std::move(directory), std::move(token), NodeLink::Timing()) {
    connect(&m_fleet, &Fleet::linkAdded, this, [this](NodeLink* link) { follow(*link); });
    connect(&m_fleet, &Fleet::linkRemoved, this, &Links::settle);
    connect(&m_fleet, &Fleet::nodeOffered, this, [this](const shared::admin::ClusterNode& node) {
        if (!m_opened || m_discovery == Fleet::Discovery::Ignore || !m_offered.insert(node.id).second)
            return;
        m_missed.push_back(
            {node.id,
             {shared::ErrorCode::Unavailable,
              node.ops.empty()
                  ? "tells nobody its ops address, and was not asked"
                  : "is at " + node.ops + ", where no token is sent unasked: name it with --node"}});
    });
}

void Links::open(const std::vector<QUrl>& urls, Fleet::Discovery discovery) {
    m_discovery = discovery;
    m_fleet.setDiscovery(discovery);
    QEventLoop loop;
    m_opened = [&loop] { loop.quit(); };
    for (const auto& url : urls)
        m_fleet.add(url);
    QTimer limit;
    limit.setSingleShot(true);
    connect(&limit, &QTimer::timeout, &loop, &QEventLoop::quit);
    limit.start(LongestOpening);
    if (!m_opening.empty())
        loop.exec();
    m_opened = nullptr;
    m_fleet.setDiscovery(Fleet::Discovery::Ignore);
    for (auto* link : m_fleet.links()) {
        if (link->hello())
            continue;
        if (m_opening.contains(Fleet::keyOf(link->url())))
            m_missed.push_back({nameOf(*link), {shared::ErrorCode::Unavailable, "no answer in time"}});
        m_fleet.remove(Fleet::keyOf(link->url())); // it would go on trying
    }
}

void Links::follow(NodeLink& link) {
    const auto key = Fleet::keyOf(link.url());
    m_opening.insert(key);
    connect(&link, &NodeLink::stateChanged, this, [this, &link] { miss(link); });
    if (m_discovery == Fleet::Discovery::Ignore)
        connect(&link, &NodeLink::helloReceived, this, [this, key, &link] {
            if (!isDouble(link))
                settle(key);
        });
    else
        connect(&link, &NodeLink::clusterReceived, this, [this, key] { settle(key); });
}

bool Links::isDouble(const NodeLink& link) const {
    const auto links = m_fleet.links();
    return std::any_of(links.begin(), links.end(), [&](const NodeLink* other) {
        return other != &link && other->hello() && other->hello()->node == link.hello()->node;
    });
}

void Links::miss(NodeLink& link) {
    const auto key = Fleet::keyOf(link.url());
    const bool isGone = link.state() == NodeLink::State::Lost || link.state() == NodeLink::State::Refused;
    if (!isGone || !m_opening.contains(key))
        return;
    const auto code = link.state() == NodeLink::State::Refused ? shared::ErrorCode::Forbidden
                                                               : shared::ErrorCode::Unavailable;
    m_missed.push_back({nameOf(link), {code, link.sentence().toStdString()}});
    settle(key);
}

void Links::settle(const QString& key) {
    if (m_opening.erase(key) != 0 && m_opening.empty() && m_opened)
        m_opened();
}

std::vector<NodeLink*> Links::nodes() const {
    auto links = m_fleet.links();
    std::sort(links.begin(), links.end(),
              [](const NodeLink* a, const NodeLink* b) { return nameOf(*a) < nameOf(*b); });
    return links;
}

std::vector<Answered> Links::ask(const std::vector<NodeLink*>& nodes, const QString& method,
                                 const QJsonObject& params) {
    std::vector<Answered> answers;
    for (auto* link : nodes)
        answers.push_back({link, QJsonObject()});
    QEventLoop loop;
    std::size_t open = answers.size();
    for (auto& answer : answers) {
        answer.link->request(method, params, [&](shared::Result<QJsonObject> result) {
            answer.result = std::move(result);
            if (--open == 0)
                loop.quit();
        });
    }
    if (open > 0)
        loop.exec();
    return answers;
}

shared::Result<QJsonObject> Links::ask(NodeLink& node, const QString& method, const QJsonObject& params) {
    return ask(std::vector<NodeLink*>{&node}, method, params).front().result;
}

} // namespace console
