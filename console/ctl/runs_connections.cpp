// SPDX-License-Identifier: GPL-3.0-or-later
// connections, closed: who is here, and who has left.
#include "console/ctl/listing.h"
#include "console/ctl/runs.h"
#include "console/ctl/stream.h"
#include "shared/nearest_word.h"

namespace console {

namespace {

/// A sort key and the key of the rows that it orders by.
constexpr std::pair<const char*, const char*> SortKeys[] = {
    {"id", ""},         {"since", "since_ms"}, {"idle", "idle_s"},     {"queue", "queue_bytes"},
    {"rooms", "rooms"}, {"rtt", "rtt_ms"},     {"in_rate", "in_rate"}, {"out_rate", "out_rate"}};

const Columns ConnectionColumns{{"connection", "CONNECTION", Show::Text},
                                {"address", "ADDRESS", Show::Text},
                                {"user", "USER", Show::Text},
                                {"dialect", "DIALECT", Show::Text},
                                {"transport", "TRANSPORT", Show::Text},
                                {"since_ms", "AGE", Show::SinceMs},
                                {"idle_s", "IDLE", Show::Seconds},
                                {"rooms", "ROOMS", Show::Count},
                                {"queue_bytes", "QUEUE", Show::Bytes},
                                {"in_rate", "IN/s", Show::PerSecond},
                                {"out_rate", "OUT/s", Show::PerSecond},
                                {"rtt_ms", "RTT ms", Show::Milliseconds},
                                {"agent", "AGENT", Show::Text}};

/// The key of the rows that --sort orders by, with its sign.
std::optional<QString> sortedBy(const Errand& errand) {
    const auto& word = errand.words().sort;
    const auto sign = QString::fromLatin1(word.starts_with('-') ? "-" : "");
    const auto wanted = word.substr(std::size_t(sign.size()));
    if (wanted.empty())
        return QString();
    std::vector<std::string> known;
    for (const auto& [name, key] : SortKeys) {
        if (wanted == name)
            return *key == '\0' ? QString() : sign + QLatin1String(key);
        known.emplace_back(name);
    }
    errand.usage("--sort: unknown key '" + wanted + "', the nearest is '" +
                 shared::nearestWord(wanted, known) + "'");
    return {};
}

/// One connection: every value on its own line.
ExitCode showOne(Errand& errand, NodeLink& node, const QString& id) {
    const auto answer = errand.ask(node, QStringLiteral("connections.get"), {{QStringLiteral("id"), id}});
    if (!answer)
        return errand.finish({});
    auto object = answer->value(QStringLiteral("row")).toObject();
    object.insert(QStringLiteral("member_of"), answer->value(QStringLiteral("rooms")));
    object.insert(QStringLiteral("node"), QString::fromStdString(nameOf(node)));
    for (auto it = object.begin(); it != object.end(); ++it) {
        const auto how = it.key() == QLatin1String("since_ms")        ? Show::TimeMs
                         : it.key().endsWith(QLatin1String("_bytes")) ? Show::Bytes
                                                                      : Show::Text;
        errand.printer().line(it.key().leftJustified(14).toStdString() + " " + shown(it.value(), how));
    }
    return errand.finish({{QStringLiteral("connection"), object}});
}

ExitCode watchOne(Errand& errand, NodeLink& node, const QString& id) {
    return stream(errand, {&node},
                  {.start = QStringLiteral("connections.watch"),
                   .params = {{QStringLiteral("id"), id}},
                   .stop = QStringLiteral("connections.unwatch"),
                   .notification = QStringLiteral("connections.sample"),
                   .limit_s = {},
                   .text = [](const QJsonObject& sample) {
                       const auto tcp = sample.value(QStringLiteral("tcp")).toObject();
                       const auto word = [](const QJsonValue& value, Show show) {
                           return shown(value, show);
                       };
                       auto line = word(sample["time_ms"], Show::TimeMs) + "  in " +
                                   word(sample["in_rate"], Show::PerSecond) + "/s  out " +
                                   word(sample["out_rate"], Show::PerSecond) + "/s  queue " +
                                   word(sample["queue_bytes"], Show::Bytes) + "  rtt " +
                                   word(sample["rtt_ms"], Show::Milliseconds) + " ms";
                       if (!tcp.isEmpty())
                           line += "  tcp rtt " + word(tcp["rtt_ms"], Show::Milliseconds) +
                                   " ms, retransmits " + word(tcp["retransmits"], Show::Count) +
                                   ", unacknowledged " + word(tcp["unacknowledged"], Show::Count) +
                                   ", unsent " + word(tcp["unsent_bytes"], Show::Bytes);
                       if (sample.contains("ended"))
                           line += "  ended: " + word(sample["ended"], Show::Text);
                       return line;
                   }});
}

} // namespace

ExitCode runConnections(Errand& errand) {
    const auto& words = errand.words();
    if (!words.operands.empty()) {
        const auto named = connectionsNamed(errand);
        if (!named)
            return ExitCode::Usage;
        auto& [link, ids] = *named->begin();
        return words.isWatching ? watchOne(errand, *link, ids[0].toString())
                                : showOne(errand, *link, ids[0].toString());
    }
    if (words.isWatching)
        return errand.usage("--watch: which connection? Name it, for example 'ws-01/0-17'");
    const auto key = sortedBy(errand);
    if (!key)
        return ExitCode::Usage;
    QJsonObject params{{QStringLiteral("filter"), QString::fromStdString(words.filter)}};
    if (!words.sort.empty())
        params.insert(QStringLiteral("sort"), QString::fromStdString(words.sort));
    const auto listing = list(errand, QStringLiteral("connections.list"), params, *key);
    const auto code = errand.show(ConnectionColumns, listing.rows, countsOf(listing));
    tellRest(errand, listing);
    return code;
}

ExitCode runClosed(Errand& errand) {
    const auto since = errand.since_ms();
    if (!since)
        return ExitCode::Usage;
    const auto listing = list(errand, QStringLiteral("connections.closed"),
                              {{QStringLiteral("filter"), QString::fromStdString(errand.words().filter)},
                               {QStringLiteral("since_ms"), qint64(*since)}},
                              QStringLiteral("-closed_ms"));
    const auto code = errand.show({{"connection", "CONNECTION", Show::Text},
                                   {"closed_ms", "CLOSED", Show::TimeMs},
                                   {"reason", "REASON", Show::Text},
                                   {"by", "BY", Show::Text},
                                   {"address", "ADDRESS", Show::Text},
                                   {"user", "USER", Show::Text},
                                   {"age_s", "AGE", Show::Seconds},
                                   {"rtt_ms", "RTT ms", Show::Milliseconds},
                                   {"queue_bytes", "QUEUE", Show::Bytes},
                                   {"messages_in", "IN", Show::Count},
                                   {"messages_out", "OUT", Show::Count}},
                                  listing.rows, countsOf(listing));
    tellRest(errand, listing);
    return code;
}

} // namespace console
