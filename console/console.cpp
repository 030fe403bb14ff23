// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/console.h"
#include <QDateTime>
#include <QJsonDocument>
#include <cmath>

namespace console {

namespace {

constexpr std::int64_t OfferLasts_ms = 15'000;
constexpr auto SweepInterval = std::chrono::seconds(5);
constexpr auto DefaultAddress = "ws://127.0.0.1:7401/admin";

LinkState stateOf(NodeLink::State state) {
    switch (state) {
    case NodeLink::State::Connecting:
        return LinkState::Connecting;
    case NodeLink::State::Live:
        return LinkState::Live;
    case NodeLink::State::Stale:
        return LinkState::Stale;
    case NodeLink::State::Lost:
        return LinkState::Lost;
    case NodeLink::State::Refused:
        return LinkState::Refused;
    }
    return LinkState::Lost;
}

QJsonValue orNull(const std::optional<double>& value) {
    return value ? QJsonValue(*value) : QJsonValue(QJsonValue::Null);
}

QJsonValue milliseconds(const std::optional<double>& seconds) {
    return seconds ? QJsonValue(*seconds * 1000) : QJsonValue(QJsonValue::Null);
}

QString wordOf(Condition condition) {
    return condition == Condition::Offered ? QStringLiteral("not-linked") : name(condition).toLower();
}

} // namespace

Console::Console(const ConsoleOptions& options, QObject* parent)
    : QObject(parent), m_options(options), m_theme(options.theme), m_tokens(options.token),
      m_fleet(
          RunDirectory(), [this](const QUrl& url) { return m_tokens.tokenFor(url); }, options.timing) {
    m_fleet.setTrust([this](const QUrl& url) {
        const auto own = m_trusts.find(Fleet::keyOf(url));
        return own == m_trusts.end() ? m_options.trust : own->second;
    });
    connect(&m_fleet, &Fleet::linkAdded, this, &Console::follow);
    connect(&m_fleet, &Fleet::linkRemoved, this, [this](const QString& key) { m_model.remove(key); });
    connect(&m_fleet, &Fleet::nodeOffered, this, &Console::takeOffer);
    connect(&m_fleet, &Fleet::nodeRegistered, this,
            [this](const QString& key, const shared::admin::ClusterNode& node) {
                if (auto* record = m_model.find(key))
                    record->registered = node;
            });
    connect(&m_sweep, &QTimer::timeout, this, &Console::dropOldOffers);
    m_sweep.start(SweepInterval);
    m_window = std::make_unique<MainWindow>(Desk{m_theme, *this, m_model});
}

Console::~Console() {
    // Links speak to the model while they end; the model must not hear them any more.
    for (auto* link : m_fleet.links())
        link->disconnect(this);
}

QString Console::start() {
    auto addresses = m_options.addresses;
    if (addresses.isEmpty()) {
        for (const auto& node : m_fleet.directory().nodes())
            addresses.append(node.url.toString());
    }
    if (addresses.isEmpty()) {
        m_guessKey = Fleet::keyOf(adminUrl(QLatin1String(DefaultAddress)));
        addresses.append(QLatin1String(DefaultAddress));
    }
    for (const auto& address : addresses) {
        const auto url = adminUrl(address);
        if (!url.isValid())
            return QStringLiteral("%1 is no address of an ops listener, like ws://127.0.0.1:7401/admin")
                .arg(address);
        m_fleet.add(url);
    }
    return {};
}

void Console::follow(NodeLink* link) {
    const auto key = Fleet::keyOf(link->url());
    auto& record = m_model.add(key);
    record.address = key;
    record.id = link->url().authority();
    record.isGuess = key == m_guessKey;
    record.linkSince_ms = QDateTime::currentMSecsSinceEpoch();
    connect(link, &NodeLink::stateChanged, this, [this, link] { takeLinkState(link); });
    connect(link, &NodeLink::helloReceived, this, [this, key](const shared::admin::Hello& hello) {
        auto* node = m_model.find(key);
        if (!node)
            return;
        node->id = QString::fromStdString(hello.node);
        node->isGuess = false;
        node->role = hello.role;
        node->commands = hello.commands;
        node->history.announce(hello.metrics);
        for (const auto& other : m_model.nodes()) {
            if (other->link == LinkState::Offered && other->id == node->id)
                return m_model.remove(other->key);
        }
    });
    connect(link, &NodeLink::snapshotReceived, this,
            [this, key, link](const shared::Snapshot& snapshot, std::int64_t arrival_ms) {
                auto* node = m_model.find(key);
                if (!node)
                    return;
                node->history.append(snapshot, snapshot.time_ms + link->clockOffset_ms());
                node->lastSample_ms = arrival_ms;
                m_model.noteSample();
                if (!std::exchange(m_hasSnapshot, true))
                    Q_EMIT firstSnapshotReceived();
            });
    connect(link, &NodeLink::announced, this, [this, key](const shared::admin::NodeInfo& told) {
        if (auto* node = m_model.find(key))
            node->announced = told;
    });
    const auto note = [this, key](FleetModel::Told told) {
        return [this, key, told](const shared::admin::OperationRow& row) {
            if (auto* node = m_model.find(key))
                m_model.noteOperation(*node, row, QDateTime::currentMSecsSinceEpoch(), told);
        };
    };
    connect(link, &NodeLink::operationReceived, this, note(FleetModel::Told::Now));
    connect(link, &NodeLink::operationListed, this, note(FleetModel::Told::Before));
    takeLinkState(link);
}

void Console::takeLinkState(NodeLink* link) {
    auto* node = m_model.find(Fleet::keyOf(link->url()));
    if (!node)
        return;
    const auto state = stateOf(link->state());
    const auto now_ms = QDateTime::currentMSecsSinceEpoch();
    if (node->link != state && node->link != LinkState::Lost)
        node->linkSince_ms = now_ms;
    node->link = state;
    node->sentence = link->sentence();
    node->attempt = link->attempt();
    const auto wait = link->retryIn();
    node->retryAt_ms = wait ? now_ms + wait->count() : 0;
    m_model.noteSample();
}

QString Console::offerKey(const shared::admin::ClusterNode& node) {
    return QStringLiteral("offer:") + QString::fromStdString(node.id);
}

void Console::takeOffer(const shared::admin::ClusterNode& node) {
    // The default address is a guess; a node of that id may be linked already under another one.
    const auto id = QString::fromStdString(node.id);
    const auto* known = m_model.findId(id);
    if (known && known->link != LinkState::Offered)
        return;
    auto& record = m_model.add(offerKey(node));
    record.id = id;
    record.address = node.ops.empty() ? QStringLiteral("no address told") : QString::fromStdString(node.ops);
    record.link = LinkState::Offered;
    record.registered = node;
    record.linkSince_ms = QDateTime::currentMSecsSinceEpoch();
}

void Console::dropOldOffers() {
    const auto oldest_ms = QDateTime::currentMSecsSinceEpoch() - OfferLasts_ms;
    QStringList old;
    bool isAnyoneTelling = false;
    for (const auto& node : m_model.nodes()) {
        isAnyoneTelling = isAnyoneTelling || node->link == LinkState::Live;
        if (node->link == LinkState::Offered && node->linkSince_ms < oldest_ms)
            old.append(node->key);
    }
    // When nobody tells, nothing is known to have gone.
    for (const auto& key : isAnyoneTelling ? old : QStringList())
        m_model.remove(key);
}

void Console::request(const QString& nodeKey, const QString& method, const QJsonObject& params, Done done) {
    auto* link = m_fleet.find(nodeKey);
    if (!link)
        return done(shared::failure(shared::ErrorCode::Unavailable, "the node is not linked"));
    link->request(method, params, std::move(done));
}

QString Console::connectTo(const QString& address, const QString& token) {
    const auto url = adminUrl(address);
    if (!url.isValid())
        return QStringLiteral("%1 is no address of an ops listener. It looks like ws://127.0.0.1:7401/admin.")
            .arg(address);
    if (!token.isEmpty())
        m_tokens.remember(url, token);
    const auto key = Fleet::keyOf(url);
    if (auto* link = m_fleet.find(key)) {
        if (auto* node = m_model.find(key))
            node->isGuess = false;
        link->retryNow();
        return {};
    }
    return m_fleet.add(url)
               ? QString()
               : QStringLiteral("There are %1 links already; more are not opened.").arg(Fleet::MostLinks);
}

QString Console::trust(const QString& address, const QString& caFile, const QString& pin) {
    const auto url = adminUrl(address);
    if (caFile.isEmpty() && pin.isEmpty())
        return {};
    if (url.isValid() && url.scheme() != QLatin1String("wss"))
        return QStringLiteral(
                   "%1 is reached without TLS: a CA or a pin proves nothing there. Did you mean wss://?")
            .arg(address);
    auto trust = TlsTrust::from(caFile, pin);
    if (!trust)
        return QString::fromStdString(trust.error().message);
    if (auto* link = m_fleet.find(Fleet::keyOf(url)))
        link->setTrust(*trust);
    m_trusts[Fleet::keyOf(url)] = std::move(*trust);
    return {};
}

void Console::retryNow(const QString& nodeKey) {
    if (auto* link = m_fleet.find(nodeKey))
        link->retryNow();
}

std::vector<Invitation> Console::invitations() const {
    std::vector<Invitation> found;
    for (const auto& node : RunDirectory().nodes())
        found.push_back({node.id, node.url.toString(), node.hasToken});
    return found;
}

void Console::saveProfile(const Profile& profile) {
    TokenStore::save(profile);
    m_window->setProfile(profile.name, profile.isProduction);
}

QByteArray Console::dump() const {
    const auto& moment = m_window->moment();
    QJsonArray attention, nodes, charts;
    for (const auto& line : moment.attention.lines)
        attention.append(QJsonObject{{QStringLiteral("node"), line.node},
                                     {QStringLiteral("state"), wordOf(line.condition)},
                                     {QStringLiteral("text"), line.text}});
    for (const auto& node : m_model.nodes()) {
        if (node->isGuess)
            continue;
        const auto numbers = figures(*node);
        const auto* drain = node->runningDrain();
        nodes.append(QJsonObject{{QStringLiteral("id"), node->id},
                                 {QStringLiteral("address"), node->address},
                                 {QStringLiteral("state"), wordOf(moment.attention.condition(node->key))},
                                 {QStringLiteral("connections"), orNull(numbers.connections)},
                                 {QStringLiteral("capacity"), orNull(numbers.capacity)},
                                 {QStringLiteral("in_per_s"), orNull(numbers.in_per_s)},
                                 {QStringLiteral("out_per_s"), orNull(numbers.out_per_s)},
                                 {QStringLiteral("p99_ms"), milliseconds(numbers.p99_s)},
                                 {QStringLiteral("errors_per_s"), orNull(numbers.errors_per_s)},
                                 {QStringLiteral("memory_bytes"), orNull(numbers.memory_bytes)},
                                 {QStringLiteral("drain"),
                                  drain ? QJsonValue(drain->row.toJson()) : QJsonValue(QJsonValue::Null)}});
    }
    for (const auto* card : m_window->currentPage().charts()) {
        QJsonArray series;
        for (const auto& line : card->lines()) {
            QJsonArray points;
            for (const auto& point : line.points)
                points.append(QJsonArray{qint64(point.time_ms), point.isGap() ? QJsonValue(QJsonValue::Null)
                                                                              : QJsonValue(point.value)});
            series.append(QJsonObject{{QStringLiteral("node"), line.node},
                                      {QStringLiteral("name"), line.name},
                                      {QStringLiteral("points"), points}});
        }
        charts.append(QJsonObject{{QStringLiteral("title"), card->spec().title},
                                  {QStringLiteral("unit"), unitName(card->spec().unit)},
                                  {QStringLiteral("series"), series}});
    }
    const auto totals = figures(m_model);
    const QJsonObject header{{QStringLiteral("connections"), orNull(totals.connections)},
                             {QStringLiteral("in_per_s"), orNull(totals.in_per_s)},
                             {QStringLiteral("out_per_s"), orNull(totals.out_per_s)},
                             {QStringLiteral("p99_ms"), milliseconds(totals.p99_s)},
                             {QStringLiteral("errors_per_s"), orNull(totals.errors_per_s)}};
    const QJsonObject all{{QStringLiteral("page"), QLatin1String(PageNames[std::size_t(m_window->page())])},
                          {QStringLiteral("theme"), m_theme.kind() == ThemeKind::Dark
                                                        ? QStringLiteral("dark")
                                                        : QStringLiteral("light")},
                          {QStringLiteral("verdict"), moment.attention.verdict},
                          {QStringLiteral("attention"), attention},
                          {QStringLiteral("header"), header},
                          {QStringLiteral("nodes"), nodes},
                          {QStringLiteral("rows"), m_window->currentPage().rows()},
                          {QStringLiteral("charts"), charts}};
    return QJsonDocument(all).toJson(QJsonDocument::Indented);
}

} // namespace console
