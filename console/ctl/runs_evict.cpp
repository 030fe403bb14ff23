// SPDX-License-Identifier: GPL-3.0-or-later
// evict: closes connections, after it was said how many.
#include "console/ctl/listing.h"
#include "console/ctl/operation_watch.h"
#include "console/ctl/process.h"
#include "console/ctl/runs.h"

namespace console {

namespace {

/// Whom to close, node by node.
using Targets = std::map<NodeLink*, QJsonObject>;

std::optional<Targets> targets(const Errand& errand) {
    const auto& words = errand.words();
    if (words.operands.empty() == words.filter.empty()) {
        errand.usage(words.filter.empty()
                         ? "evict: whom? Name connections, or --filter; 'age>0s' is everybody"
                         : "evict: by ids or by --filter, not both");
        return {};
    }
    QJsonObject how{{QStringLiteral("reconnect"), words.mayReconnect},
                    {QStringLiteral("reason"), QString::fromStdString(words.reason)}};
    if (words.rate_per_s)
        how.insert(QStringLiteral("rate_per_s"), *words.rate_per_s);
    Targets all;
    if (!words.filter.empty()) {
        how.insert(QStringLiteral("filter"), QString::fromStdString(words.filter));
        for (auto* link : errand.nodes())
            all[link] = how;
        return all;
    }
    const auto named = connectionsNamed(errand);
    if (!named)
        return {};
    for (const auto& [link, ids] : *named) {
        all[link] = how;
        all[link].insert(QStringLiteral("ids"), ids);
    }
    return all;
}

struct Preview {
    std::int64_t matched = 0;
    QJsonArray sample;
};

Preview preview(Errand& errand, const Targets& all) {
    Preview seen;
    for (const auto& [link, how] : all) {
        auto params = how;
        params.insert(QStringLiteral("dry_run"), true);
        const auto answer = errand.ask(*link, QStringLiteral("connections.evict"), params);
        if (!answer)
            continue;
        seen.matched += answer->value(QStringLiteral("matched")).toInteger();
        const auto node = QString::fromStdString(nameOf(*link));
        for (const auto& value : answer->value(QStringLiteral("sample")).toArray()) {
            auto row = value.toObject();
            row.insert(QStringLiteral("node"), node);
            row.insert(QStringLiteral("connection"),
                       node + QLatin1Char('/') + row[QLatin1String("id")].toString());
            seen.sample.append(row);
        }
    }
    return seen;
}

ExitCode evict(Errand& errand, const Targets& all) {
    OperationWatch watch(errand);
    QJsonArray rows;
    qsizetype missing = 0;
    bool hasOperation = false;
    for (const auto& [link, params] : all) {
        auto answer = errand.ask(*link, QStringLiteral("connections.evict"), params);
        if (!answer)
            continue;
        const auto matched = answer->value(QStringLiteral("matched")).toInteger();
        if (params.contains(QStringLiteral("ids")))
            missing += params.value(QStringLiteral("ids")).toArray().size() - matched;
        if (const auto id = answer->value(QStringLiteral("operation")); id.isDouble()) {
            watch.add(*link, std::uint64_t(id.toInteger()));
            hasOperation = true;
        }
        answer->insert(QStringLiteral("node"), QString::fromStdString(nameOf(*link)));
        answer->remove(QStringLiteral("sample"));
        rows.append(*answer);
    }
    if (missing > 0)
        errand.fail("evict", {shared::ErrorCode::NotFound,
                              std::to_string(missing) + " of the named connections are not open"});
    if (errand.words().isWatching && hasOperation)
        return watch.run();
    return errand.show({{"node", "NODE", Show::Text},
                        {"matched", "MATCHED", Show::Count},
                        {"evicted", "EVICTED", Show::Count},
                        {"operation", "OPERATION", Show::Count}},
                       rows);
}

} // namespace

ExitCode runEvict(Errand& errand) {
    const auto& words = errand.words();
    const auto all = targets(errand);
    if (!all)
        return ExitCode::Usage;
    if (words.isDryRun) {
        const auto seen = preview(errand, *all);
        const auto code = errand.show({{"connection", "CONNECTION", Show::Text},
                                       {"address", "ADDRESS", Show::Text},
                                       {"user", "USER", Show::Text},
                                       {"idle_s", "IDLE", Show::Seconds},
                                       {"queue_bytes", "QUEUE", Show::Bytes},
                                       {"agent", "AGENT", Show::Text}},
                                      seen.sample, {{QStringLiteral("matched"), qint64(seen.matched)}});
        errand.printer().line(std::to_string(seen.matched) + " would be closed");
        return code;
    }
    if (!words.isSure) {
        if (!isTerminal(Stream::In) || !isTerminal(Stream::Error))
            return errand.usage("evict closes connections: --yes says so, --dry-run shows which");
        const auto seen = preview(errand, *all);
        if (errand.worst() != ExitCode::Fine || seen.matched == 0)
            return errand.finish({{QStringLiteral("matched"), qint64(seen.matched)}});
        const auto question = "Close " + std::to_string(seen.matched) + " connections on " +
                              std::to_string(all->size()) + (all->size() == 1 ? " node" : " nodes") +
                              "? [y/N] ";
        const auto answer = typedAnswer(question.c_str());
        if (!answer || (answer->toLower() != "y" && answer->toLower() != "yes")) {
            complain("nobody was closed");
            return ExitCode::TryAgain;
        }
    }
    return evict(errand, *all);
}

} // namespace console
