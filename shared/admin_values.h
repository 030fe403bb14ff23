// SPDX-License-Identifier: Apache-2.0
// Values of an admin message to JSON and back. Included by the codec's own sources alone. Plain values, any
// thread.
#pragma once
#include "shared/admin_names.h"
#include <limits>
#include <type_traits>

namespace shared::admin {

// Each `read` is false when the value is not of its type

inline QString text(std::string_view utf8) {
    return QString::fromUtf8(utf8.data(), qsizetype(utf8.size()));
}

inline QJsonValue write(const std::string& value) {
    return text(value);
}
inline QJsonValue write(bool value) {
    return value;
}
inline QJsonValue write(int value) {
    return value;
}
inline QJsonValue write(std::int64_t value) {
    return qint64(value);
}
inline QJsonValue write(std::uint64_t value) {
    return qint64(value);
}
inline QJsonValue write(double value) {
    return value;
} // what is not finite becomes null
template <class Enum>
requires std::is_enum_v<Enum> QJsonValue write(Enum value) {
    return text(nameOf(value));
}
template <class Row>
requires requires(const Row& row) {
    row.toJson();
}
QJsonValue write(const Row& row) {
    return row.toJson();
}
inline QJsonValue write(const QJsonValue& value) {
    return value;
}
inline QJsonValue write(const std::vector<std::string>& values) {
    QJsonArray array;
    for (const auto& value : values)
        array.append(text(value));
    return array;
}
inline QJsonValue write(const Value& value) {
    if (const auto* number = std::get_if<double>(&value))
        return *number;
    QJsonArray buckets;
    for (const auto& [bucket, count] : std::get<SparseBuckets>(value))
        buckets.append(QJsonArray{bucket, qint64(count)});
    return buckets;
}
inline QJsonValue write(const std::vector<Value>& values) {
    QJsonArray array;
    for (const auto& value : values)
        array.append(write(value));
    return array;
}
inline QJsonValue write(const std::vector<std::int64_t>& values) {
    QJsonArray array;
    for (const auto value : values)
        array.append(qint64(value));
    return array;
}
template <class Mapped>
QJsonValue write(const std::vector<std::pair<std::string, Mapped>>& values) {
    QJsonObject object;
    for (const auto& [key, value] : values)
        object.insert(text(key), write(value));
    return object;
}
template <class Row>
requires requires(const Row& row) {
    row.toJson();
}
QJsonValue write(const std::vector<Row>& rows) {
    QJsonArray array;
    for (const auto& row : rows)
        array.append(row.toJson());
    return array;
}

inline bool read(const QJsonValue& json, std::string& out) {
    if (!json.isString())
        return false;
    out = json.toString().toStdString();
    return true;
}
inline bool read(const QJsonValue& json, QJsonValue& out) {
    out = json;
    return true;
}
inline bool read(const QJsonValue& json, bool& out) {
    out = json.toBool();
    return json.isBool();
}
inline bool read(const QJsonValue& json, double& out) {
    out = json.toDouble();
    return json.isDouble();
}
inline bool read(const QJsonValue& json, std::int64_t& out) {
    out = json.toInteger(0);
    return out == json.toInteger(1); // a value that is no whole number gives its default
}
inline bool read(const QJsonValue& json, std::uint64_t& out) {
    std::int64_t value = 0;
    if (!read(json, value) || value < 0)
        return false;
    out = std::uint64_t(value);
    return true;
}
inline bool read(const QJsonValue& json, int& out) {
    std::int64_t value = 0;
    if (!read(json, value) || value != std::int64_t(int(value)))
        return false;
    out = int(value);
    return true;
}
template <class Enum>
requires std::is_enum_v<Enum>
bool read(const QJsonValue& json, Enum& out) {
    const auto word = json.toString().toStdString();
    const auto known = names(out);
    for (std::size_t i = 0; i < known.size(); ++i) {
        if (known[i] == word) {
            out = Enum(i);
            return true;
        }
    }
    return false;
}
inline bool read(const QJsonValue& json, std::vector<std::string>& out) {
    for (const auto& value : json.toArray()) {
        if (!read(value, out.emplace_back()))
            return false;
    }
    return json.isArray();
}
inline bool read(const QJsonValue& json, SparseBuckets& out) {
    for (const auto& element : json.toArray()) {
        const auto pair = element.toArray();
        auto& [bucket, count] = out.emplace_back();
        if (pair.size() != 2 || !read(pair.at(0), bucket) || !read(pair.at(1), count) || bucket < 0 ||
            bucket >= HistogramBuckets)
            return false;
    }
    return json.isArray();
}
/// Null is what is not known.
inline bool read(const QJsonValue& json, Value& out) {
    if (json.isArray())
        return read(json, out.emplace<SparseBuckets>());
    out = json.isNull() ? std::numeric_limits<double>::quiet_NaN() : json.toDouble();
    return json.isNull() || json.isDouble();
}
inline bool read(const QJsonValue& json, std::vector<Value>& out) {
    for (const auto& value : json.toArray()) {
        if (!read(value, out.emplace_back()))
            return false;
    }
    return json.isArray();
}
inline bool read(const QJsonValue& json, std::vector<std::int64_t>& out) {
    for (const auto& value : json.toArray()) {
        if (!read(value, out.emplace_back()))
            return false;
    }
    return json.isArray();
}
template <class Mapped>
bool read(const QJsonValue& json, std::vector<std::pair<std::string, Mapped>>& out) {
    const auto object = json.toObject();
    for (auto it = object.begin(); it != object.end(); ++it) {
        auto& [key, value] = out.emplace_back();
        key = it.key().toStdString();
        if (!read(it.value(), value))
            return false;
    }
    return json.isObject();
}

} // namespace shared::admin
