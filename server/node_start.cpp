// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/adapters.h"
#include "server/http/http.h"
#include "server/net/tls.h"
#include "server/node_parts.h"
#include "weir_version.h"
#include <QFile>
#include <QRandomGenerator>
#include <algorithm>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <thread>
#ifndef WEIR_PORTABLE
#include "server/net/linux/epoll_dispatcher.h"
#endif

namespace server {

using shared::Metric;
using shared::admin::NodeState;
using shared::admin::RedisState;

namespace {

constexpr int ExitCannotBind = 71, ExitConfiguration = 78;
constexpr int MostShards = 64; // a session id names its shard in one character

tl::unexpected<NodeFailure> fail(int exitCode, std::string sentence) {
    return tl::unexpected(NodeFailure{exitCode, std::move(sentence)});
}

std::string randomWord(int words) {
    QByteArray bytes;
    for (int i = 0; i < words; ++i) {
        const quint64 part = QRandomGenerator::system()->generate64();
        bytes.append(reinterpret_cast<const char*>(&part), sizeof part);
    }
    return bytes.toBase64(QByteArray::Base64UrlEncoding | QByteArray::OmitTrailingEquals).toStdString();
}

/// What others can be told of a bound address: of one that means "every interface" the machine's name.
std::string advertised(const std::string& configured, const std::string& bound) {
    if (!configured.empty())
        return configured;
    const auto address = parseHostPort(bound);
    if (!address)
        return {};
    const bool isAny = address->host == "0.0.0.0" || address->host == "::";
    return isAny ? fmt::format("{}:{}", process::hostName(), address->port) : bound;
}

std::uint16_t portOf(const std::string& bound) {
    const auto address = parseHostPort(bound);
    return address ? address->port : std::uint16_t(0);
}

} // namespace

Node::Node(std::unique_ptr<Parts> parts) : m_parts(std::move(parts)) {}

tl::expected<std::unique_ptr<Node>, NodeFailure> Node::create(const Configuration& configuration,
                                                              const Clock& clock, Log& log, Ended ended) {
    std::unique_ptr<Node> node(
        new Node(std::make_unique<Parts>(configuration, clock, log, std::move(ended))));
    if (auto started = node->start(); !started)
        return tl::unexpected(started.error());
    return node;
}

tl::expected<void, NodeFailure> Node::start() {
    auto& parts = *m_parts;
    auto& settings = parts.settings;
    if (auto served = checkAdapter(settings); !served)
        return fail(ExitConfiguration, served.error().message);
    parts.startedAt = parts.sampledAt = parts.clock.now();
    parts.instance = randomWord(2);
    parts.shardCount = settings.node.shards > 0
                           ? settings.node.shards
                           : std::clamp(int(std::thread::hardware_concurrency()), 1, MostShards);

    process::ignoreBrokenPipes();
    auto asRead = parts.configuration;
    parts.descriptors = process::raiseDescriptorLimit();
    const auto mostClients = std::max<std::int64_t>(1, parts.descriptors - Admission::DescriptorReserve);
    if (settings.node.maxConnections == 0)
        settings.node.maxConnections = mostClients;
    else if (settings.node.maxConnections > mostClients)
        spdlog::warn("node.max_connections = {} is more than the limit of descriptors allows: {}",
                     settings.node.maxConnections, mostClients);

    if (auto read = parts.certificates.read(settings.listen); !read)
        return fail(ExitConfiguration, read.error().message);
    parts.live = std::make_unique<LiveSettings>(std::move(asRead), settings);
    parts.catalog = std::make_unique<shared::MetricCatalog>(
        parts.shardCount, std::vector<std::string>{shared::Version, shared::Commit, qVersion()},
        parts.certificates.labels());
    parts.mainCounters = std::make_unique<Counters>(*parts.catalog);
    if (auto bound = bind(); !bound)
        return bound;

    parts.admission = std::make_unique<Admission>(settings.node.maxConnections);
    parts.admission->configure(settings);
    parts.queues = std::make_unique<QueueBudget>(parts.shardCount, settings.limits.queueTotal);
    parts.access = std::make_unique<BrokerAccess>(settings.broker);
    parts.application = std::make_unique<Broker>(*parts.access, settings);
    std::vector<ShardBox*> boxes;
    std::vector<const Counters*> counters{parts.mainCounters.get()};
    for (int shard = 0; shard < parts.shardCount; ++shard) {
        parts.shardBoxes.push_back(std::make_unique<ShardBox>(MailboxLimits{
            .trafficMessages = 100000, .handovers = 8192, .trafficBytes = shared::Bytes::mebi(64)}));
        parts.shardCounters.push_back(std::make_unique<Counters>(*parts.catalog));
        boxes.push_back(parts.shardBoxes.back().get());
        counters.push_back(parts.shardCounters.back().get());
    }
    const bool hasRedis = !settings.redis.url.empty();
    if (hasRedis) {
        parts.busBox = std::make_unique<BusBox>(
            MailboxLimits{.trafficMessages = std::size_t(settings.redis.queueMessages),
                          .handovers = 64,
                          .trafficBytes = settings.redis.queueBytes});
        parts.busCounters = std::make_unique<Counters>(*parts.catalog);
        counters.push_back(parts.busCounters.get());
    }
    parts.router = std::make_unique<Router>(settings, boxes, parts.busBox.get());
    parts.router->redis = hasRedis ? RedisState::Away : RedisState::None;
    parts.sampler = std::make_unique<Sampler>(*parts.catalog, counters);
    parts.sampler->setValue(Metric::BuildInfo, 1);
    parts.sampler->setValue(Metric::ProcessMaxFds, double(parts.descriptors));
    parts.sampler->setValue(Metric::ProcessStartTimeSeconds, double(parts.clock.unixMs()) / 1000);
    parts.asks = std::make_unique<Asks>(boxes, *parts.mainCounters, parts.clock);
    parts.operations = std::make_unique<Operations>(static_cast<OperationsHost&>(*this), parts.clock);
    if (auto opened = openOps(); !opened)
        return opened;

    parts.mainBox.attach([this](MainMail& mail) { take(mail); });
    for (int shard = 0; shard < parts.shardCount; ++shard) {
        const auto at = std::size_t(shard);
        parts.shards.push_back(std::make_unique<ShardThread>(
            ShardIndex(std::uint16_t(shard)),
            ShardWorld{settings, parts.id, *parts.access, *parts.application, *parts.router, *parts.admission,
                       *parts.queues, parts.clock, parts.mainBox, parts.isReady, parts.shardCount,
                       parts.certificates.identity(ListenerKind::Clients)},
            *parts.shardBoxes[at], *parts.shardCounters[at]));
        parts.shards.back()->start();
    }
    if (hasRedis) {
        BusWorld world{settings, parts.id, *parts.router, parts.clock, parts.mainBox};
#ifndef WEIR_PORTABLE
        world.makeDispatcher = []() -> QAbstractEventDispatcher* { return new EpollDispatcher; };
#endif
        parts.bus = std::make_unique<BusThread>(std::move(world), *parts.busBox, *parts.busCounters);
        parts.bus->start();
    }

    QObject::connect(&parts.secondTimer, &QTimer::timeout, &parts.secondTimer, [this] { tickSecond(); });
    QObject::connect(&parts.sampleTimer, &QTimer::timeout, &parts.sampleTimer, [this] { tickSample(); });
    QObject::connect(&parts.fastTimer, &QTimer::timeout, &parts.fastTimer, [this] { tickFast(); });
    parts.sampleTimer.setTimerType(Qt::PreciseTimer);
    parts.secondTimer.start(1000);
    parts.sampleTimer.start(500);
    parts.state = NodeState::Ready;
    tickSecond();
    return {};
}

tl::expected<void, NodeFailure> Node::bind() {
    auto& parts = *m_parts;
    const auto& listen = parts.settings.listen;
    parts.opsAcceptor = std::make_unique<Acceptor>(
        [&parts](Arrived arrived) {
            return parts.ops && parts.ops->adopt(arrived.descriptor, arrived.address, arrived.port);
        },
        *parts.mainCounters);
    parts.clientAcceptor = std::make_unique<Acceptor>(
        [&parts](Arrived arrived) {
            // The least loaded shard; a refusing mailbox gives the socket back to the acceptor.
            const auto least =
                std::min_element(parts.shards.begin(), parts.shards.end(),
                                 [](const auto& a, const auto& b) { return a->load() < b->load(); });
            if (least == parts.shards.end())
                return false;
            const auto shard = std::size_t(least - parts.shards.begin());
            if (parts.shardBoxes[shard]->postHandover(std::move(arrived)) == Posted::Accepted) {
                parts.shards[shard]->expectArrival();
                return true;
            }
            parts.mainCounters->add(Metric::MailboxRefusedTotal, shared::MailboxOf::Shard);
            return false;
        },
        *parts.mainCounters);
    for (const auto& address : listen.clients)
        if (auto bound = parts.clientAcceptor->listen(address); !bound)
            return fail(ExitCannotBind, bound.error().message);
    if (auto bound = parts.opsAcceptor->listen(listen.ops); !bound)
        return fail(ExitCannotBind, bound.error().message);

    // Others reach a node by its first address that has a port; without one it is named after its ops port.
    const auto bound = parts.clientAcceptor->addresses();
    const auto ops = parts.opsAcceptor->addresses().front();
    const auto withPort =
        std::find_if(bound.begin(), bound.end(), [](const auto& a) { return portOf(a) != 0; });
    const auto clients = withPort != bound.end() ? *withPort : bound.front();
    parts.clientsAddress = advertised(listen.advertiseClients, clients);
    parts.opsAddress = advertised(listen.advertiseOps, ops);
    if (parts.certificates.identity(ListenerKind::Ops) && !parts.opsAddress.empty())
        parts.opsAddress = "wss://" + parts.opsAddress; // consoles must know how to come
    parts.id = !parts.settings.node.id.empty() ? parts.settings.node.id
                                               : fmt::format("{}-{}", process::hostName(),
                                                             portOf(withPort != bound.end() ? clients : ops));
    return {};
}

tl::expected<void, NodeFailure> Node::openOps() {
    auto& parts = *m_parts;
    const auto& settings = parts.settings;
    const auto ops = parts.opsAcceptor->addresses().front();
    const bool isOpsSecure = parts.certificates.identity(ListenerKind::Ops) != nullptr;
    const auto port = portOf(ops);

    auto operators = readOperators(settings);
    if (!operators)
        return fail(ExitConfiguration, operators.error().message);
    const auto directory = process::runDirectory();
    if (operators->tokens.isEmpty()) {
        parts.localToken = randomWord(4);
        auto file =
            process::RunFile::create(directory, fmt::format("ops-{}.token", port), parts.localToken + "\n");
        if (file) {
            parts.tokenFile = std::move(*file);
            operators = readOperators(settings);
        } else {
            operators->source = "none, the admin channel is closed: " + file.error().message;
        }
    }
    parts.tokenSource = operators->source;

    const auto quoted = [](const std::string& text) { return jsonQuoted(text); };
    auto addresses =
        process::RunFile::create(directory, fmt::format("ops-{}.json", port),
                                 fmt::format("{{\"id\":{},\"ops\":{},\"clients\":{}}}\n", quoted(parts.id),
                                             quoted((isOpsSecure ? "wss://" : "") + ops),
                                             quoted(parts.clientAcceptor->addresses().front())));
    if (addresses)
        parts.addressFile = std::move(*addresses);
    else
        spdlog::warn("consoles will not find this node by themselves: {}", addresses.error().message);

    std::vector<std::string> hosts;
    if (const auto advertisedHost = parseHostPort(advertised(settings.listen.advertiseOps, ops)))
        hosts.push_back(advertisedHost->host);
    parts.ops = std::make_unique<OpsServer>(
        OpsWorld{*this, *parts.catalog, *parts.sampler, *parts.mainCounters, parts.clock,
                 std::move(operators->tokens), parts.id, settings.admin.origins, std::move(hosts),
                 fmt::format("{}/audit-{}.jsonl", process::stateDirectory(), port), parts.log.tap()});
    showCertificates();
    parts.reloaded.emplace_back([this](const Settings& now) {
        if (auto renewed = m_parts->certificates.renew(now.listen); !renewed)
            return spdlog::error("the certificates stay as they were: {}", renewed.error().message);
        showCertificates();
    });
    return {};
}

void Node::showCertificates() {
    auto& parts = *m_parts;
    if (const auto& identity = parts.certificates.identity(ListenerKind::Ops))
        parts.ops->useTls(tlsConfiguration(*identity));
    if (const auto& identity = parts.certificates.identity(ListenerKind::Clients))
        for (auto& box : parts.shardBoxes)
            box->postState("certificate", Certify{identity});
}

std::vector<std::string> Node::banner() const {
    const auto& parts = *m_parts;
    const auto& settings = parts.settings;
    const bool clientsSecure = parts.certificates.identity(ListenerKind::Clients) != nullptr;
    const bool opsSecure = parts.certificates.identity(ListenerKind::Ops) != nullptr;
    std::vector<std::string> lines;
    lines.push_back(fmt::format("weir-node {} ({}) is {} with {} shard{}", shared::Version, shared::Commit,
                                parts.id, parts.shardCount, parts.shardCount == 1 ? "" : "s"));
    for (const auto& address : parts.clientAcceptor->addresses())
        lines.push_back(portOf(address) != 0
                            ? fmt::format("clients: {}://{}{}", clientsSecure ? "wss" : "ws", address,
                                          settings.listen.path)
                            : fmt::format("clients: {}, path {}", address, settings.listen.path));
    const auto ops = parts.opsAcceptor->addresses().front();
    lines.push_back(fmt::format("ops: {}://{}/health, admin channel {}://{}/admin",
                                opsSecure ? "https" : "http", ops, opsSecure ? "wss" : "ws", ops));
    lines.push_back(fmt::format("configuration file: {}",
                                parts.configuration.file.empty() ? "none" : parts.configuration.file));
    lines.push_back(fmt::format("operator token: {}", parts.tokenSource));
    if (settings.broker.publish)
        lines.emplace_back("open: clients may publish without a token (broker.publish)");
    if (!clientsSecure && !opsSecure)
        lines.emplace_back("open: no TLS; clients and operators are served in plain text");
    else if (!clientsSecure)
        lines.emplace_back(
            "open: no TLS for clients; they are served in plain text (listen.tls_certificate)");
    else if (!opsSecure)
        lines.emplace_back(
            "open: no TLS for operators; they are served in plain text (listen.ops_tls_certificate)");
    if (!settings.redis.url.empty() && settings.redis.url.find('@') == std::string::npos)
        lines.emplace_back("open: Redis is used without a password (redis.url)");
    return lines;
}

} // namespace server
