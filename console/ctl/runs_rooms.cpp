// SPDX-License-Identifier: GPL-3.0-or-later
// rooms, publish: where messages go.
#include "console/ctl/listing.h"
#include "console/ctl/process.h"
#include "console/ctl/runs.h"
#include "shared/admin_protocol.h"
#include "shared/nearest_word.h"
#include <QJsonDocument>

namespace console {

namespace {

const Columns RoomColumns{{"node", "NODE", Show::Text},
                          {"namespace", "NAMESPACE", Show::Text},
                          {"room", "ROOM", Show::Text},
                          {"members", "MEMBERS", Show::Count},
                          {"messages_per_s", "MESSAGES/s", Show::PerSecond}};

/// One JSON value, as RFC 8259 has it: QJsonDocument reads arrays and objects alone.
shared::Result<QJsonValue> jsonValue(const QByteArray& text) {
    QJsonParseError error;
    const auto array = QJsonDocument::fromJson('[' + text + ']', &error).array();
    if (error.error != QJsonParseError::NoError || array.size() != 1)
        return shared::failure(
            shared::ErrorCode::BadRequest,
            "DATA is no JSON value: " +
                (error.error != QJsonParseError::NoError
                     ? error.errorString().toStdString() + " at column " + std::to_string(error.offset)
                     : "there are " + std::to_string(array.size())) +
                "; a text stands in quotes, '\"like this\"'");
    return array.first();
}

} // namespace

ExitCode runRooms(Errand& errand) {
    const auto& words = errand.words();
    if (!words.operands.empty()) {
        QJsonArray rows;
        for (const auto& [link, answer] :
             errand.ask(QStringLiteral("rooms.get"),
                        {{QStringLiteral("namespace"), QString::fromStdString(words.space)},
                         {QStringLiteral("room"), QString::fromStdString(words.operands.front())}})) {
            auto row = answer;
            row.insert(QStringLiteral("node"), QString::fromStdString(nameOf(*link)));
            rows.append(row);
        }
        return errand.show(RoomColumns, rows);
    }
    const std::vector<std::string> keys{"name", "members", "messages_per_s"};
    const auto key = words.sort.starts_with('-') ? words.sort.substr(1) : words.sort;
    if (!key.empty() && std::find(keys.begin(), keys.end(), key) == keys.end())
        return errand.usage("--sort: unknown key '" + key + "', the nearest is '" +
                            shared::nearestWord(key, keys) + "'");
    QJsonObject params{{QStringLiteral("filter"), QString::fromStdString(words.filter)}};
    if (!key.empty())
        params.insert(QStringLiteral("sort"), QString::fromStdString(words.sort));
    const auto sign = QString::fromLatin1(words.sort.starts_with('-') ? "-" : "");
    const auto listing = list(errand, QStringLiteral("rooms.list"), params,
                              key.empty()     ? QString()
                              : key == "name" ? sign + QLatin1String("room")
                                              : sign + QString::fromStdString(key));
    const auto code = errand.show(RoomColumns, listing.rows, countsOf(listing));
    tellRest(errand, listing);
    return code;
}

ExitCode runPublish(Errand& errand) {
    const auto& words = errand.words();
    if (words.room.empty() != words.isForEverybody)
        return errand.usage(words.room.empty() ? "publish: to whom? --room NAME, or --everybody"
                                               : "publish: to --room or to --everybody, not both");
    QJsonObject params{{QStringLiteral("namespace"), QString::fromStdString(words.space)},
                       {QStringLiteral("event"), QString::fromStdString(words.operands.front())}};
    if (words.isForEverybody)
        params.insert(QStringLiteral("all"), true);
    else
        params.insert(QStringLiteral("room"), QString::fromStdString(words.room));
    if (words.operands.size() > 1) {
        auto text = std::optional(QByteArray::fromStdString(words.operands[1]));
        if (*text == "-")
            text = wholeInput(shared::admin::MostRequestBytes);
        const auto value = text ? jsonValue(*text)
                                : shared::failure(shared::ErrorCode::TooLarge,
                                                  "stdin cannot be read, or holds more than 256 KiB");
        if (!value) {
            complain(value.error().message);
            return ExitCode::BadInput;
        }
        params.insert(QStringLiteral("data"), *value);
    }
    QJsonArray rows;
    for (const auto& [link, answer] : errand.ask(QStringLiteral("message.publish"), params)) {
        auto row = answer;
        row.insert(QStringLiteral("node"), QString::fromStdString(nameOf(*link)));
        rows.append(row);
    }
    return errand.show({{"node", "NODE", Show::Text},
                        {"local", "MEMBERS HERE", Show::Count},
                        {"nodes", "OTHER NODES", Show::Count},
                        {"queued", "QUEUED", Show::Text}},
                       rows);
}

} // namespace console
