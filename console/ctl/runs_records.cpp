// SPDX-License-Identifier: GPL-3.0-or-later
// audit, log, trace, config: what a node keeps, tells and is set to.
#include "console/ctl/listing.h"
#include "console/ctl/runs.h"
#include "console/ctl/stream.h"

namespace console {

namespace {

constexpr double StandardTrace_s = 60;
/// The node ends its trace itself; only when it does not, we do.
constexpr double TraceGrace_s = 5;

std::string traceText(const QJsonObject& line) {
    const auto word = [&](const char* key, Show show) { return shown(line.value(QLatin1String(key)), show); };
    if (line.contains(QStringLiteral("ended")))
        return word("time_ms", Show::TimeMs) + "  the trace ended: " + word("ended", Show::Text);
    auto text = word("time_ms", Show::TimeMs) + "  " + word("connection", Show::Text) + "  " +
                word("direction", Show::Text) + "  " + word("what", Show::Text) + "  " +
                word("namespace", Show::Text) + "  " + word("event", Show::Text) + "  " +
                word("bytes", Show::Bytes);
    if (line.value(QStringLiteral("dropped")).toInteger() > 0)
        text += "  (" + word("dropped", Show::Count) + " lines before it were too many)";
    return text;
}

std::string logText(const QJsonObject& line) {
    const auto dropped = line.value(QStringLiteral("dropped")).toInteger();
    return shown(line.value(QStringLiteral("time_ms")), Show::TimeMs) + "  " +
           shown(line.value(QStringLiteral("level")), Show::Text) + "  " +
           shown(line.value(QStringLiteral("text")), Show::Text) +
           (dropped > 0 ? "  (" + std::to_string(dropped) + " lines before it were too many)" : "");
}

/// The settings of these nodes; one of them when `key` is not empty.
ExitCode showSettings(Errand& errand, const std::vector<NodeLink*>& nodes, const QString& key) {
    QJsonArray rows;
    bool hasAnswer = false;
    for (auto* link : nodes) {
        const auto answer = errand.ask(*link, QStringLiteral("config.get"), {});
        hasAnswer = hasAnswer || answer;
        for (const auto& value : answer.value_or(QJsonObject()).value(QStringLiteral("rows")).toArray()) {
            auto row = value.toObject();
            if (!key.isEmpty() && row.value(QStringLiteral("key")).toString() != key)
                continue;
            row.insert(QStringLiteral("node"), QString::fromStdString(nameOf(*link)));
            rows.append(row);
        }
    }
    if (hasAnswer && rows.isEmpty())
        errand.fail("config",
                    {shared::ErrorCode::NotFound, "there is no setting '" + key.toStdString() + "'"});
    return errand.show({{"node", "NODE", Show::Text},
                        {"key", "KEY", Show::Text},
                        {"value", "VALUE", Show::Text},
                        {"origin", "ORIGIN", Show::Text}},
                       rows);
}

ExitCode setConfig(Errand& errand) {
    const auto& operands = errand.words().operands;
    if (operands.size() != 3)
        return errand.usage("config set: KEY and VALUE are needed, for example 'limits.messages_per_s 50'");
    if (!errand.mayAct())
        return ExitCode::Usage;
    const auto key = QString::fromStdString(operands[1]);
    std::vector<NodeLink*> changed;
    for (const auto& [link, answer] : errand.ask(
             QStringLiteral("config.set"),
             {{QStringLiteral("key"), key}, {QStringLiteral("value"), QString::fromStdString(operands[2])}}))
        changed.push_back(link);
    return showSettings(errand, changed, key);
}

} // namespace

ExitCode runAudit(Errand& errand) {
    const auto since = errand.since_ms();
    if (!since)
        return ExitCode::Usage;
    const auto listing = list(errand, QStringLiteral("audit.list"),
                              {{QStringLiteral("since_ms"), qint64(*since)}}, QStringLiteral("-time_ms"));
    return errand.show({{"node", "NODE", Show::Text},
                        {"time_ms", "TIME", Show::TimeMs},
                        {"who", "WHO", Show::Text},
                        {"from", "FROM", Show::Text},
                        {"outcome", "OUTCOME", Show::Text},
                        {"what", "WHAT", Show::Text}},
                       listing.rows);
}

ExitCode runLog(Errand& errand) {
    const auto& level = errand.words().level;
    return stream(
        errand, errand.nodes(),
        {.start = QStringLiteral("log.subscribe"),
         .params = {{QStringLiteral("level"), QString::fromStdString(level.empty() ? "info" : level)}},
         .stop = QStringLiteral("log.unsubscribe"),
         .notification = QStringLiteral("log.line"),
         .limit_s = {},
         .text = &logText});
}

ExitCode runTrace(Errand& errand) {
    const auto& words = errand.words();
    const auto limit_s = words.seconds.value_or(StandardTrace_s);
    QJsonObject params{{QStringLiteral("filter"), QString::fromStdString(words.filter)},
                       {QStringLiteral("seconds"), limit_s}};
    if (words.sample)
        params.insert(QStringLiteral("sample"), *words.sample);
    return stream(errand, errand.nodes(),
                  {.start = QStringLiteral("trace.start"),
                   .params = params,
                   .stop = QStringLiteral("trace.stop"),
                   .notification = QStringLiteral("trace.line"),
                   .limit_s = limit_s + TraceGrace_s,
                   .text = &traceText});
}

ExitCode runConfig(Errand& errand) {
    const auto& operands = errand.words().operands;
    if (operands.front() == "set")
        return setConfig(errand);
    if (operands.size() > 2)
        return errand.usage("config get: at most one KEY");
    return showSettings(errand, errand.nodes(),
                        operands.size() > 1 ? QString::fromStdString(operands[1]) : QString());
}

} // namespace console
