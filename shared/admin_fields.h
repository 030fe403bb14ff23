// SPDX-License-Identifier: Apache-2.0
// Keys of an admin message: a writer, and a reader that names the first key that is wrong. Included by the
// codec's own sources alone. Plain values, any thread.
#pragma once
#include "shared/admin_values.h"

namespace shared::admin {

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
    /// An object of its own.
    template <class Row>
    Reader& may(const char* key, std::optional<Row>& out) requires requires {
        Row::fromJson(QJsonObject());
    }
    {
        const auto value = m_json.value(QLatin1String(key));
        if (value.isUndefined() || value.isNull())
            return *this;
        auto row = Row::fromJson(value.toObject());
        check(key, row.has_value(), row ? std::string() : row.error().message);
        if (row)
            out = std::move(*row);
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
