// SPDX-License-Identifier: GPL-3.0-or-later
// doctor: gathers facts of nodes, machine and Redis, and tells what is wrong with them.
#include "console/ctl/diagnosis.h"
#include "console/ctl/runs.h"
#include "console/ctl/samples.h"
#include "console/link/redis_probe.h"
#include <QEventLoop>
#include <QFile>
#include <algorithm>

namespace console {

namespace {

std::vector<QByteArray> wordsIn(const char* path) {
    QFile file(QString::fromLatin1(path));
    if (!file.open(QIODevice::ReadOnly))
        return {};
    const auto words = file.readAll().simplified().split(' ');
    return {words.begin(), words.end()};
}

std::optional<std::int64_t> number(const std::vector<QByteArray>& words, std::size_t place) {
    bool isNumber = false;
    const auto value = place < words.size() ? words[place].toLongLong(&isNumber) : 0;
    return isNumber ? std::optional<std::int64_t>(value) : std::nullopt;
}

MachineFacts thisMachine() {
    MachineFacts facts;
    facts.somaxconn = number(wordsIn("/proc/sys/net/core/somaxconn"), 0);
    const auto ports = wordsIn("/proc/sys/net/ipv4/ip_local_port_range");
    facts.firstPort = number(ports, 0);
    facts.lastPort = number(ports, 1);
    const auto memory = wordsIn("/proc/meminfo");
    for (std::size_t i = 0; i < memory.size(); ++i) {
        const auto kibi = number(memory, i + 1);
        if (kibi && memory[i] == "MemTotal:")
            facts.memory_bytes = *kibi * 1024;
        else if (kibi && memory[i] == "MemAvailable:")
            facts.memoryAvailable_bytes = *kibi * 1024;
    }
    return facts;
}

NodeFacts factsOf(const NodeLink& link, const NodeSample& sample) {
    NodeFacts facts;
    facts.node = sample.node->id;
    facts.version = sample.node->version;
    facts.address = link.url().authority().toStdString();
    const auto value = [&](std::string_view name) {
        return metricValue(sample.hello, *sample.snapshot, name);
    };
    facts.descriptors = value("process_max_fds");
    facts.descriptorsOpen = value("process_open_fds");
    for (const auto& [key, limit] : sample.node->limits) {
        if (key == "max_connections")
            facts.capacity = limit;
    }
    facts.clockOffset_ms = link.clockOffset_ms();
    facts.isRedisAway = sample.node->redis == shared::admin::RedisState::Away;
    const auto& metrics = sample.hello.metrics;
    for (std::size_t i = 0; i < std::min(metrics.size(), sample.snapshot->values.size()); ++i) {
        const auto* left_s = std::get_if<double>(&sample.snapshot->values[i]);
        if (metrics[i].name == "weir_certificate_expiry_seconds" && left_s)
            facts.certificates.push_back(
                {metrics[i].labels.empty() ? "" : metrics[i].labels.front().second, *left_s});
    }
    return facts;
}

/// A setting as TOML text, without its quotes; empty when the node does not tell.
QString setting(const QJsonObject& settings, const QString& key) {
    for (const auto& value : settings.value(QStringLiteral("rows")).toArray()) {
        const auto row = value.toObject();
        if (row.value(QStringLiteral("key")).toString() == key)
            return row.value(QStringLiteral("value")).toString().remove(QLatin1Char('"'));
    }
    return {};
}

struct RedisToAsk {
    QUrl url;
    bool isSharded = false;
};

/// Those of --redis or WEIR_REDIS_URL, else of the nodes' settings as far as they are told.
std::vector<RedisToAsk> redisToAsk(Errand& errand) {
    const auto given = errand.words().redis.empty() ? qEnvironmentVariable("WEIR_REDIS_URL")
                                                    : QString::fromStdString(errand.words().redis);
    if (!given.isEmpty())
        return {{QUrl(given), false}};
    std::vector<RedisToAsk> all;
    for (auto& [link, result] : errand.links().ask(errand.nodes(), QStringLiteral("config.get"), {})) {
        // A node that tells no settings still says whether its own link is up.
        const QUrl url(result ? setting(*result, QStringLiteral("redis.url")) : QString());
        const bool isAskable = url.scheme() == QLatin1String("redis") && !url.userInfo().contains(u'*');
        const bool isNew =
            std::none_of(all.begin(), all.end(), [&](const RedisToAsk& known) { return known.url == url; });
        if (isAskable && isNew)
            all.push_back({url, setting(*result, QStringLiteral("redis.mode")) == QLatin1String("sharded")});
    }
    return all;
}

RedisFacts factsOf(const RedisToAsk& redis) {
    RedisProbe probe(redis.url);
    QEventLoop loop;
    QObject::connect(&probe, &RedisProbe::finished, &loop, &QEventLoop::quit, Qt::QueuedConnection);
    probe.start();
    loop.exec();
    RedisFacts facts;
    facts.address = redis.url.host().toStdString() + ':' + std::to_string(redis.url.port(6379));
    facts.isSharded = redis.isSharded;
    if (probe.answer()) {
        facts.version = probe.answer()->version;
        facts.role = probe.answer()->role;
    } else {
        facts.failure = probe.answer().error().message;
    }
    return facts;
}

void print(Printer& printer, const Finding& finding) {
    printer.line(
        printer.inked((finding.node.empty() ? "" : finding.node + ": ") + finding.what, Ink::Warning));
    printer.line("    why:  " + finding.why);
    printer.line("    mend: " + finding.mend + '\n');
}

QJsonObject toJson(const Finding& finding) {
    const auto text = [](const std::string& value) { return QString::fromStdString(value); };
    return {{QStringLiteral("node"), finding.node.empty() ? QJsonValue() : text(finding.node)},
            {QStringLiteral("check"), text(finding.check)},
            {QStringLiteral("what"), text(finding.what)},
            {QStringLiteral("why"), text(finding.why)},
            {QStringLiteral("mend"), text(finding.mend)}};
}

} // namespace

ExitCode runDoctor(Errand& errand) {
    const auto toAsk = redisToAsk(errand);
    for (const auto& redis : toAsk) {
        if (redis.url.scheme() != QLatin1String("redis") || redis.url.host().isEmpty())
            return errand.usage("--redis: '" + redis.url.toString(QUrl::RemoveUserInfo).toStdString() +
                                "' is no redis://HOST:PORT");
    }
    Samples samples(errand);
    samples.waitForAll();
    std::vector<NodeFacts> nodes;
    bool isHere = false;
    for (const auto& [link, sample] : samples.all()) {
        if (!sample.lost.empty() || !sample.node || !sample.snapshot)
            continue;
        nodes.push_back(factsOf(*link, sample));
        isHere = isHere || isLoopback(link->url());
    }
    std::vector<Finding> findings;
    const auto add = [&](const std::vector<Finding>& more) {
        findings.insert(findings.end(), more.begin(), more.end());
    };
    if (isHere)
        add(judgeMachine(thisMachine()));
    for (const auto& node : nodes)
        add(judgeNode(node));
    for (const auto& redis : toAsk)
        add(judgeRedis(factsOf(redis)));
    add(judgeFleet(nodes));

    QJsonArray rows;
    for (const auto& finding : findings) {
        print(errand.printer(), finding);
        rows.append(toJson(finding));
    }
    const auto looked = std::to_string(nodes.size()) + (nodes.size() == 1 ? " node" : " nodes") +
                        (isHere ? ", this machine" : "") + (toAsk.empty() ? "" : ", Redis");
    errand.printer().line(findings.empty()
                              ? "Nothing to mend: looked at " + looked + "."
                              : std::to_string(findings.size()) + " to mend; looked at " + looked + ".");
    if (!isHere)
        complain("the kernel's settings were not looked at: run doctor on the machine of the node");
    errand.worsen(findings.empty() ? ExitCode::Fine : ExitCode::TryAgain);
    return errand.finish({{QStringLiteral("rows"), rows}});
}

} // namespace console
