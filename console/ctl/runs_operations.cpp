// SPDX-License-Identifier: GPL-3.0-or-later
// drain, resume, operations, rolling-drain, rebalance: what goes on for a while.
#include "console/ctl/operation_watch.h"
#include "console/ctl/runs.h"
#include <optional>

namespace console {

namespace {

void put(QJsonObject& params, const char* key, const std::optional<double>& value) {
    if (value)
        params.insert(QLatin1String(key), *value);
}

/// Starts an operation on each of the nodes, then shows or watches it.
ExitCode start(Errand& errand, const std::vector<NodeLink*>& nodes, const QString& method,
               const QJsonObject& params) {
    OperationWatch watch(errand);
    QJsonArray rows;
    for (auto& [link, result] : errand.links().ask(nodes, method, params)) {
        if (!result) {
            errand.fail(*link, result.error(), method);
            continue;
        }
        const auto id = result->value(QStringLiteral("operation")).toInteger();
        watch.add(*link, std::uint64_t(id));
        rows.append(QJsonObject{{QStringLiteral("node"), QString::fromStdString(nameOf(*link))},
                                {QStringLiteral("operation"), qint64(id)}});
    }
    if (errand.words().isWatching && !rows.isEmpty())
        return watch.run();
    return errand.show({{"node", "NODE", Show::Text}, {"operation", "OPERATION", Show::Count}}, rows);
}

ExitCode listOperations(Errand& errand) {
    return errand.show(operationColumns(), errand.askRows(QStringLiteral("operations.list"), {}));
}

/// The nodes that know operation `id`; complains when none does.
std::vector<std::pair<NodeLink*, QJsonObject>> holders(Errand& errand, qint64 id) {
    std::vector<std::pair<NodeLink*, QJsonObject>> found;
    std::optional<std::pair<NodeLink*, shared::Error>> unknown;
    for (auto& [link, result] :
         errand.links().ask(errand.nodes(), QStringLiteral("operations.get"), {{QStringLiteral("id"), id}})) {
        if (result)
            found.emplace_back(link, *result);
        else if (result.error().code == shared::ErrorCode::NotFound)
            unknown.emplace(link, result.error());
        else
            errand.fail(*link, result.error(), QStringLiteral("operations.get"));
    }
    if (found.empty() && unknown)
        errand.fail(*unknown->first, unknown->second);
    return found;
}

} // namespace

ExitCode runDrain(Errand& errand) {
    const auto& words = errand.words();
    QJsonObject params;
    put(params, "rate_per_s", words.rate_per_s);
    put(params, "deadline_s", words.deadline_s);
    put(params, "grace_s", words.grace_s);
    return start(errand, errand.nodes(), QStringLiteral("node.drain"), params);
}

ExitCode runResume(Errand& errand) {
    QJsonArray rows;
    for (const auto& [link, answer] : errand.ask(QStringLiteral("node.resume"), {}))
        rows.append(QJsonObject{{QStringLiteral("node"), QString::fromStdString(nameOf(*link))},
                                {QStringLiteral("state"), QStringLiteral("ready")}});
    return errand.show({{"node", "NODE", Show::Text}, {"state", "STATE", Show::Text}}, rows);
}

ExitCode runOperations(Errand& errand) {
    const auto& operands = errand.words().operands;
    if (operands.empty() || operands.front() == "list")
        return listOperations(errand);
    const auto& verb = operands.front();
    bool isNumber = false;
    const auto id = QString::fromStdString(operands.size() > 1 ? operands[1] : "").toLongLong(&isNumber);
    if (!isNumber || id < 0)
        return errand.usage(verb + ": which operation? Its number is in 'weirctl operations'");
    if (verb == "abort" && !errand.mayAct())
        return ExitCode::Usage;
    const auto found = holders(errand, id);
    QJsonArray rows;
    OperationWatch watch(errand);
    for (const auto& [link, answer] : found) {
        if (verb == "abort" &&
            !errand.ask(*link, QStringLiteral("operations.abort"), {{QStringLiteral("id"), id}}))
            continue;
        watch.add(*link, std::uint64_t(id));
        auto row = answer;
        if (verb == "abort") {
            const auto after =
                errand.ask(*link, QStringLiteral("operations.get"), {{QStringLiteral("id"), id}});
            row = after.value_or(answer);
        }
        row.insert(QStringLiteral("node"), QString::fromStdString(nameOf(*link)));
        rows.append(row);
    }
    if (verb == "watch" && !rows.isEmpty())
        return watch.run();
    return errand.show(operationColumns(), rows);
}

ExitCode runRollingDrain(Errand& errand) {
    const auto& words = errand.words();
    QJsonArray named;
    for (const auto& node : words.operands)
        named.append(QString::fromStdString(node));
    QJsonObject params;
    if (!named.isEmpty())
        params.insert(QStringLiteral("nodes"), named);
    put(params, "rate_per_s", words.rate_per_s);
    put(params, "max_lost_percent", words.mostLost_percent);
    // One node leads it for the whole cluster.
    return start(errand, {errand.nodes().front()}, QStringLiteral("cluster.rolling_drain"), params);
}

ExitCode runRebalance(Errand& errand) {
    const auto& words = errand.words();
    QJsonObject params;
    put(params, "rate_per_s", words.rate_per_s);
    put(params, "relative", words.relative);
    put(params, "absolute", words.absolute);
    return start(errand, {errand.nodes().front()}, QStringLiteral("cluster.rebalance"), params);
}

} // namespace console
