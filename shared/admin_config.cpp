// SPDX-License-Identifier: Apache-2.0
#include "shared/admin_config.h"
#include "shared/admin_fields.h"
#include <QJsonArray>

namespace shared::admin {

QJsonObject ConfigRow::toJson() const {
    return Writer()
        .put("key", key)
        .put("value", value)
        .put("origin", origin)
        .put("live", live)
        .put("allowed", allowed)
        .put("help", help)
        .json();
}
Result<ConfigRow> ConfigRow::fromJson(const QJsonObject& json) {
    ConfigRow out;
    Reader in(json);
    in.need("key", out.key)
        .need("value", out.value)
        .need("origin", out.origin)
        .need("live", out.live)
        .need("allowed", out.allowed)
        .need("help", out.help);
    return in.result(std::move(out));
}

QJsonObject ConfigChange::toJson() const {
    return Writer().put("key", key).put("value", value).json();
}
Result<ConfigChange> ConfigChange::fromJson(const QJsonObject& json) {
    ConfigChange out;
    Reader in(json);
    in.need("key", out.key);
    const auto value = json.value(QStringLiteral("value"));
    bool isWord = value.isString() || value.isBool() || value.isDouble();
    if (value.isBool()) {
        out.value = value.toBool() ? "true" : "false";
    } else if (value.isDouble()) {
        out.value = QString::number(value.toDouble(), 'g', QLocale::FloatingPointShortest).toStdString();
    } else if (value.isArray()) {
        QStringList words;
        isWord = true;
        for (const auto& word : value.toArray()) {
            isWord = isWord && word.isString();
            words.append(word.toString());
        }
        out.value = words.join(u',').toStdString();
    } else {
        out.value = value.toString().toStdString();
    }
    in.check("value", isWord, "a word, a number, true, false or an array of words is needed");
    return in.result(std::move(out));
}

} // namespace shared::admin
