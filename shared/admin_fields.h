// SPDX-License-Identifier: Apache-2.0
// Keys of an admin message: values to JSON and back, and a reader that names the first key that is wrong.
// Included by the codec's own sources alone. Plain values, any thread.
#pragma once
#include "shared/admin_protocol.h"
#include <array>
#include <span>
#include <type_traits>

namespace shared::admin {

inline constexpr std::array<std::string_view, 2> Roles{"viewer", "operator"};
inline constexpr std::array<std::string_view, 2> Effects{"reads", "changes"};
inline constexpr std::array<std::string_view, 4> NodeStates{"starting", "ready", "draining", "drained"};
inline constexpr std::array<std::string_view, 4> OperationStates{"running", "done", "aborted", "failed"};
inline constexpr std::array<std::string_view, 3> RedisStates{"none", "up", "away"};
inline constexpr std::array<std::string_view, 8> SortKeys{"id",    "since", "idle",    "queue",
                                                          "rooms", "rtt",   "in_rate", "out_rate"};
inline constexpr std::array<std::string_view, 3> Kinds{"counter", "gauge", "histogram"};
inline constexpr std::array<std::string_view, 3> Merges{"sum", "max", "none"};

constexpr std::span<const std::string_view> names(Role) {
    return Roles;
}
constexpr std::span<const std::string_view> names(Effect) {
    return Effects;
}
constexpr std::span<const std::string_view> names(NodeState) {
    return NodeStates;
}
constexpr std::span<const std::string_view> names(OperationState) {
    return OperationStates;
}
constexpr std::span<const std::string_view> names(RedisState) {
    return RedisStates;
}
constexpr std::span<const std::string_view> names(SortKey) {
    return SortKeys;
}
constexpr std::span<const std::string_view> names(MetricKind) {
    return Kinds;
}
constexpr std::span<const std::string_view> names(Merge) {
    return Merges;
}

template <class Enum>
std::string_view nameOf(Enum value) {
    return names(value)[std::size_t(value)];
}

// Values ↔ JSON. Each `read` is false when the value is not of its type

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
inline QJsonValue write(const std::vector<std::string>& values) {
    QJsonArray array;
    for (const auto& value : values)
        array.append(text(value));
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

/// Reads the keys of one object and remembers the first that is missing or wrong.
class Reader {
public:
    explicit Reader(const QJsonObject& json) : m_json(json) {}

    template <class Type>
    Reader& need(const char* key, Type& out) {
        const auto value = m_json.value(QLatin1String(key));
        if (m_error.empty() && value.isUndefined())
            m_error = std::string(key) + ": is missing";
        return take(key, value, out);
    }
    /// Absent and null leave the default.
    template <class Type>
    Reader& may(const char* key, Type& out) {
        const auto value = m_json.value(QLatin1String(key));
        return value.isUndefined() || value.isNull() ? *this : take(key, value, out);
    }
    template <class Type>
    Reader& may(const char* key, std::optional<Type>& out) {
        const auto value = m_json.value(QLatin1String(key));
        if (value.isUndefined() || value.isNull())
            return *this;
        return take(key, value, out.emplace());
    }
    template <class Row>
    Reader& rows(const char* key, std::vector<Row>& out) {
        const auto value = m_json.value(QLatin1String(key));
        check(key, value.isArray(), "must be an array");
        for (const auto& element : value.toArray()) {
            auto row = Row::fromJson(element.toObject());
            if (!row) {
                check(key, false, row.error().message);
                break;
            }
            out.push_back(std::move(*row));
        }
        return *this;
    }
    Reader& check(const char* key, bool isFine, const std::string& what) {
        if (m_error.empty() && !isFine)
            m_error = std::string(key) + ": " + what;
        return *this;
    }
    Reader& notNegative(const char* key, double value) {
        return check(key, value >= 0, "must not be negative");
    }
    Reader& notNegative(const char* key, const std::optional<double>& value) {
        return notNegative(key, value.value_or(0));
    }
    template <class Type>
    Result<Type> result(Type value) const {
        if (!m_error.empty())
            return failure(ErrorCode::BadRequest, m_error);
        return value;
    }

private:
    template <class Type>
    Reader& take(const char* key, const QJsonValue& value, Type& out) {
        if (m_error.empty() && !read(value, out))
            m_error = std::string(key) + ": has the wrong type or value";
        return *this;
    }
    const QJsonObject& m_json;
    std::string m_error;
};

/// Builds an object; what is not set is left out.
class Writer {
public:
    template <class Type>
    Writer& put(const char* key, const Type& value) {
        m_json.insert(QLatin1String(key), write(value));
        return *this;
    }
    template <class Type>
    Writer& put(const char* key, const std::optional<Type>& value) {
        return value ? put(key, *value) : *this;
    }
    QJsonObject json() const { return m_json; }

private:
    QJsonObject m_json;
};

} // namespace shared::admin
