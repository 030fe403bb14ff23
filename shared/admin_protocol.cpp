// SPDX-License-Identifier: Apache-2.0
#include "shared/admin_protocol.h"
#include <QJsonDocument>
#include <array>
#include <cmath>
#include <limits>
#include <span>

namespace shared::admin {

namespace {

constexpr int DeepestNesting = 32;

using Pairs = std::vector<std::pair<std::string, std::string>>;
using Limits = std::vector<std::pair<std::string, std::int64_t>>;

constexpr std::array<std::string_view, 2> Roles{"viewer", "operator"};
constexpr std::array<std::string_view, 2> Effects{"reads", "changes"};
constexpr std::array<std::string_view, 4> NodeStates{"starting", "ready", "draining", "drained"};
constexpr std::array<std::string_view, 4> OperationStates{"running", "done", "aborted", "failed"};
constexpr std::array<std::string_view, 3> RedisStates{"none", "up", "away"};
constexpr std::array<std::string_view, 8> SortKeys{"id",    "since", "idle",    "queue",
                                                   "rooms", "rtt",   "in_rate", "out_rate"};
constexpr std::array<std::string_view, 3> Kinds{"counter", "gauge", "histogram"};
constexpr std::array<std::string_view, 3> Merges{"sum", "max", "none"};

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
// ---------------------------------------

QString text(std::string_view utf8) {
    return QString::fromUtf8(utf8.data(), qsizetype(utf8.size()));
}

QJsonValue write(const std::string& value) {
    return text(value);
}
QJsonValue write(bool value) {
    return value;
}
QJsonValue write(int value) {
    return value;
}
QJsonValue write(std::int64_t value) {
    return qint64(value);
}
QJsonValue write(std::uint64_t value) {
    return qint64(value);
}
QJsonValue write(double value) {
    return value;
} // what is not finite becomes null
template <class Enum>
requires std::is_enum_v<Enum> QJsonValue write(Enum value) {
    return text(nameOf(value));
}
QJsonValue write(const std::vector<std::string>& values) {
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

bool read(const QJsonValue& json, std::string& out) {
    if (!json.isString())
        return false;
    out = json.toString().toStdString();
    return true;
}
bool read(const QJsonValue& json, bool& out) {
    out = json.toBool();
    return json.isBool();
}
bool read(const QJsonValue& json, double& out) {
    out = json.toDouble();
    return json.isDouble();
}
bool read(const QJsonValue& json, std::int64_t& out) {
    out = json.toInteger(0);
    return out == json.toInteger(1); // a value that is no whole number gives its default
}
bool read(const QJsonValue& json, std::uint64_t& out) {
    std::int64_t value = 0;
    if (!read(json, value) || value < 0)
        return false;
    out = std::uint64_t(value);
    return true;
}
bool read(const QJsonValue& json, int& out) {
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
bool read(const QJsonValue& json, std::vector<std::string>& out) {
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

QByteArray encode(QJsonObject object) {
    object.insert(QStringLiteral("jsonrpc"), QStringLiteral("2.0"));
    return QJsonDocument(object).toJson(QJsonDocument::Compact);
}

/// Before the parser runs: its own recursion is limited only at a depth that nobody here needs.
bool isTooDeep(const QByteArray& text) {
    int depth = 0;
    bool inString = false;
    for (qsizetype i = 0; i < text.size(); ++i) {
        const char c = text.at(i);
        if (inString) {
            if (c == '\\')
                ++i;
            else if (c == '"')
                inString = false;
        } else if (c == '"') {
            inString = true;
        } else if (c == '{' || c == '[') {
            if (++depth > DeepestNesting)
                return true;
        } else if (c == '}' || c == ']') {
            --depth;
        }
    }
    return false;
}

} // namespace

std::string_view name(Role value) {
    return nameOf(value);
}
std::string_view name(Effect value) {
    return nameOf(value);
}
std::string_view name(NodeState value) {
    return nameOf(value);
}
std::string_view name(OperationState value) {
    return nameOf(value);
}
std::string_view name(RedisState value) {
    return nameOf(value);
}
std::string_view name(SortKey value) {
    return nameOf(value);
}

std::optional<SortKey> sortKey(std::string_view word) {
    SortKey key{};
    return read(QJsonValue(text(word)), key) ? std::optional(key) : std::nullopt;
}

int rpcCode(ErrorCode code) {
    switch (code) {
    case ErrorCode::BadRequest:
    case ErrorCode::TooLarge:
    case ErrorCode::Configuration:
        return InvalidParamsCode;
    case ErrorCode::Forbidden:
        return ForbiddenCode;
    case ErrorCode::NotFound:
        return NotFoundCode;
    case ErrorCode::Busy:
    case ErrorCode::RateLimited:
    case ErrorCode::Overloaded:
    case ErrorCode::Unavailable:
        return BusyCode;
    case ErrorCode::UnknownOperation:
        return MethodNotFoundCode;
    case ErrorCode::InvalidFilter:
        return InvalidFilterCode;
    case ErrorCode::Internal:
        return InternalErrorCode;
    }
    return InternalErrorCode;
}

Result<RpcMessage> decodeRpc(const QByteArray& text) {
    const auto wrong = [](std::string what) { return failure(ErrorCode::BadRequest, std::move(what)); };
    if (text.size() > MostAnswerBytes)
        return failure(ErrorCode::TooLarge, "a message has at most 1 MiB");
    if (isTooDeep(text))
        return wrong("a message is nested at most 32 deep");
    QJsonParseError mistake;
    const auto document = QJsonDocument::fromJson(text, &mistake);
    if (mistake.error != QJsonParseError::NoError)
        return wrong("not JSON: " + mistake.errorString().toStdString() + " at byte " +
                     std::to_string(mistake.offset));
    if (!document.isObject())
        return wrong("a message is one JSON object");
    const auto object = document.object();
    if (object.value(QStringLiteral("jsonrpc")) != QStringLiteral("2.0"))
        return wrong("jsonrpc: must be \"2.0\"");

    RpcMessage message;
    const auto id = object.value(QStringLiteral("id"));
    if (!id.isUndefined() && !id.isNull() && !read(id, message.id.emplace()))
        return wrong("id: must be a whole number");
    const auto method = object.value(QStringLiteral("method"));
    const auto params = object.value(QStringLiteral("params"));
    const auto result = object.value(QStringLiteral("result"));
    const auto error = object.value(QStringLiteral("error"));
    if (!method.isUndefined()) {
        if (!method.isString() || method.toString().isEmpty())
            return wrong("method: must be a name");
        if (!params.isUndefined() && !params.isObject())
            return wrong("params: must be an object");
        if (!result.isUndefined() || !error.isUndefined())
            return wrong("a message with a method has neither result nor error");
        if (id.isNull())
            return wrong("id: must be a whole number");
        message.method = method.toString();
        message.params = params.toObject();
        return message;
    }
    if (result.isUndefined() == error.isUndefined())
        return wrong("a message has a method, a result or an error");
    if (!result.isUndefined()) {
        if (!message.id)
            return wrong("id: is missing");
        if (!result.isObject())
            return wrong("result: must be an object");
        message.result = result.toObject();
        return message;
    }
    if (!read(error.toObject().value(QStringLiteral("code")), message.errorCode))
        return wrong("error: must be an object with a code");
    message.isError = true;
    message.errorMessage = error.toObject().value(QStringLiteral("message")).toString();
    return message;
}

QByteArray encodeRequest(std::int64_t id, const QString& method, const QJsonObject& params) {
    return encode({{QStringLiteral("id"), qint64(id)},
                   {QStringLiteral("method"), method},
                   {QStringLiteral("params"), params}});
}

QByteArray encodeNotification(const QString& method, const QJsonObject& params) {
    return encode({{QStringLiteral("method"), method}, {QStringLiteral("params"), params}});
}

QByteArray encodeResult(std::int64_t id, const QJsonObject& result) {
    return encode({{QStringLiteral("id"), qint64(id)}, {QStringLiteral("result"), result}});
}

QByteArray encodeError(std::optional<std::int64_t> id, int code, const QString& message) {
    const QJsonObject error{{QStringLiteral("code"), code}, {QStringLiteral("message"), message}};
    return encode({{QStringLiteral("id"), id ? QJsonValue(qint64(*id)) : QJsonValue()},
                   {QStringLiteral("error"), error}});
}

// Messages
// ----------------------------------------------------------------------------------------------------

QJsonObject SeriesSpec::toJson() const {
    return Writer()
        .put("name", name)
        .put("labels", labels)
        .put("unit", unit)
        .put("kind", kind)
        .put("merge", merge)
        .put("scale", scale)
        .put("help", help)
        .json();
}
Result<SeriesSpec> SeriesSpec::fromJson(const QJsonObject& json) {
    SeriesSpec out;
    Reader in(json);
    in.need("name", out.name)
        .need("labels", out.labels)
        .need("unit", out.unit)
        .need("kind", out.kind)
        .need("merge", out.merge)
        .need("scale", out.scale)
        .need("help", out.help)
        .check("scale", out.scale > 0, "must be above 0");
    return in.result(std::move(out));
}

QJsonObject CommandSpec::toJson() const {
    return Writer()
        .put("method", method)
        .put("params", params)
        .put("help", help)
        .put("effect", effect)
        .json();
}
Result<CommandSpec> CommandSpec::fromJson(const QJsonObject& json) {
    CommandSpec out;
    Reader in(json);
    in.need("method", out.method)
        .need("params", out.params)
        .need("help", out.help)
        .need("effect", out.effect);
    return in.result(std::move(out));
}

QJsonObject Hello::toJson() const {
    return Writer()
        .put("protocol", protocol)
        .put("node", node)
        .put("role", role)
        .put("metrics", metrics)
        .put("commands", commands)
        .json();
}
Result<Hello> Hello::fromJson(const QJsonObject& json) {
    Hello out;
    Reader in(json);
    in.need("protocol", out.protocol)
        .need("node", out.node)
        .need("role", out.role)
        .rows("metrics", out.metrics)
        .rows("commands", out.commands);
    return in.result(std::move(out));
}

QJsonObject NodeInfo::toJson() const {
    return Writer()
        .put("id", id)
        .put("version", version)
        .put("state", state)
        .put("uptime_s", uptime_s)
        .put("addresses", addresses)
        .put("limits", limits)
        .put("shards", shards)
        .put("redis", redis)
        .json();
}
Result<NodeInfo> NodeInfo::fromJson(const QJsonObject& json) {
    NodeInfo out;
    Reader in(json);
    in.need("id", out.id)
        .need("version", out.version)
        .need("state", out.state)
        .need("uptime_s", out.uptime_s)
        .need("addresses", out.addresses)
        .need("limits", out.limits)
        .need("shards", out.shards)
        .need("redis", out.redis);
    return in.result(std::move(out));
}

QJsonObject toJson(const Snapshot& snapshot) {
    QJsonArray values;
    for (const auto& value : snapshot.values) {
        if (const auto* number = std::get_if<double>(&value)) {
            values.append(*number);
            continue;
        }
        QJsonArray buckets;
        for (const auto& [bucket, count] : std::get<SparseBuckets>(value))
            buckets.append(QJsonArray{bucket, qint64(count)});
        values.append(buckets);
    }
    return {{QStringLiteral("time_ms"), qint64(snapshot.time_ms)},
            {QStringLiteral("interval_ms"), qint64(snapshot.interval_ms)},
            {QStringLiteral("values"), values}};
}

namespace {

bool readBuckets(const QJsonArray& array, SparseBuckets& out) {
    for (const auto& element : array) {
        const auto pair = element.toArray();
        auto& [bucket, count] = out.emplace_back();
        if (pair.size() != 2 || !read(pair.at(0), bucket) || !read(pair.at(1), count) || bucket < 0 ||
            bucket >= HistogramBuckets)
            return false;
    }
    return true;
}

bool readValue(const QJsonValue& json, Value& out) {
    if (json.isArray())
        return readBuckets(json.toArray(), out.emplace<SparseBuckets>());
    out = json.isNull() ? std::numeric_limits<double>::quiet_NaN() : json.toDouble();
    return json.isNull() || json.isDouble();
}

} // namespace

Result<Snapshot> snapshotFromJson(const QJsonObject& json) {
    Snapshot out;
    Reader in(json);
    in.need("time_ms", out.time_ms)
        .need("interval_ms", out.interval_ms)
        .check("interval_ms", out.interval_ms > 0, "must be above 0");
    const auto values = json.value(QStringLiteral("values"));
    in.check("values", values.isArray(), "must be an array");
    for (const auto& value : values.toArray())
        in.check("values", readValue(value, out.values.emplace_back()),
                 "holds what is neither number nor buckets");
    return in.result(std::move(out));
}

QJsonObject ConnectionRow::toJson() const {
    return Writer()
        .put("id", id)
        .put("address", address)
        .put("user", user)
        .put("dialect", dialect)
        .put("transport", transport)
        .put("agent", agent)
        .put("since_ms", since_ms)
        .put("idle_s", idle_s)
        .put("rooms", rooms)
        .put("queue_bytes", queue_bytes)
        .put("messages_in", messages_in)
        .put("messages_out", messages_out)
        .put("in_rate", in_rate)
        .put("out_rate", out_rate)
        .put("rtt_ms", rtt_ms)
        .put("members", members)
        .json();
}
Result<ConnectionRow> ConnectionRow::fromJson(const QJsonObject& json) {
    ConnectionRow out;
    Reader in(json);
    in.need("id", out.id)
        .need("address", out.address)
        .need("user", out.user)
        .need("dialect", out.dialect)
        .need("transport", out.transport)
        .need("agent", out.agent)
        .need("since_ms", out.since_ms)
        .need("idle_s", out.idle_s)
        .need("rooms", out.rooms)
        .need("queue_bytes", out.queue_bytes)
        .need("messages_in", out.messages_in)
        .need("messages_out", out.messages_out)
        .need("in_rate", out.in_rate)
        .need("out_rate", out.out_rate)
        .may("rtt_ms", out.rtt_ms)
        .need("members", out.members);
    return in.result(std::move(out));
}

QJsonObject ListRequest::toJson() const {
    const std::string key(name(sort));
    return Writer()
        .put("filter", filter)
        .put("sort", descending ? '-' + key : key)
        .put("cursor", cursor)
        .put("limit", limit)
        .json();
}
Result<ListRequest> ListRequest::fromJson(const QJsonObject& json) {
    ListRequest out;
    std::string sort(name(out.sort));
    Reader in(json);
    in.may("filter", out.filter).may("sort", sort).may("cursor", out.cursor).may("limit", out.limit);
    out.descending = sort.starts_with('-');
    const auto key = sortKey(std::string_view(sort).substr(out.descending ? 1 : 0));
    in.check("sort", key.has_value(),
             "must be one of id since idle queue rooms rtt in_rate out_rate, with - to descend")
        .check("limit", out.limit >= 1 && out.limit <= LongestPage, "must be 1 to 1000");
    out.sort = key.value_or(SortKey::Id);
    return in.result(std::move(out));
}

QJsonObject ListAnswer::toJson() const {
    return Writer()
        .put("rows", rows)
        .put("total", total)
        .put("cursor", cursor)
        .put("partial", partial)
        .json();
}
Result<ListAnswer> ListAnswer::fromJson(const QJsonObject& json) {
    ListAnswer out;
    Reader in(json);
    in.rows("rows", out.rows).need("total", out.total).may("cursor", out.cursor).may("partial", out.partial);
    return in.result(std::move(out));
}

QJsonObject ConnectionDetails::toJson() const {
    QJsonArray list;
    for (const auto& [space, room] : rooms)
        list.append(
            QJsonObject{{QStringLiteral("namespace"), text(space)}, {QStringLiteral("room"), text(room)}});
    return {{QStringLiteral("row"), row.toJson()}, {QStringLiteral("rooms"), list}};
}
Result<ConnectionDetails> ConnectionDetails::fromJson(const QJsonObject& json) {
    ConnectionDetails out;
    auto row = ConnectionRow::fromJson(json.value(QStringLiteral("row")).toObject());
    Reader in(json);
    in.check("row", row.has_value(), row ? std::string() : row.error().message);
    const auto list = json.value(QStringLiteral("rooms"));
    in.check("rooms", list.isArray(), "must be an array");
    for (const auto& element : list.toArray()) {
        auto& [space, room] = out.rooms.emplace_back();
        const auto object = element.toObject();
        in.check("rooms",
                 read(object.value(QStringLiteral("namespace")), space) &&
                     read(object.value(QStringLiteral("room")), room),
                 "each needs namespace and room");
    }
    if (row)
        out.row = std::move(*row);
    return in.result(std::move(out));
}

QJsonObject EvictRequest::toJson() const {
    Writer out;
    if (filter)
        out.put("filter", *filter);
    else
        out.put("ids", ids);
    return out.put("reason", reason)
        .put("reconnect", reconnect)
        .put("rate_per_s", rate_per_s)
        .put("dry_run", dry_run)
        .json();
}
Result<EvictRequest> EvictRequest::fromJson(const QJsonObject& json) {
    EvictRequest out;
    Reader in(json);
    in.may("ids", out.ids)
        .may("filter", out.filter)
        .may("reason", out.reason)
        .may("reconnect", out.reconnect)
        .may("rate_per_s", out.rate_per_s)
        .may("dry_run", out.dry_run)
        .notNegative("rate_per_s", out.rate_per_s)
        .check("ids", json.value(QStringLiteral("ids")).isArray() != out.filter.has_value(),
               "give either ids or a filter");
    return in.result(std::move(out));
}

QJsonObject EvictAnswer::toJson() const {
    Writer out;
    out.put("matched", matched).put("evicted", evicted).put("operation", operation);
    if (!sample.empty())
        out.put("sample", sample);
    return out.json();
}
Result<EvictAnswer> EvictAnswer::fromJson(const QJsonObject& json) {
    EvictAnswer out;
    Reader in(json);
    in.need("matched", out.matched).may("evicted", out.evicted).may("operation", out.operation);
    if (json.contains(QStringLiteral("sample")))
        in.rows("sample", out.sample);
    return in.result(std::move(out));
}

QJsonObject DrainRequest::toJson() const {
    return Writer()
        .put("rate_per_s", rate_per_s)
        .put("deadline_s", deadline_s)
        .put("grace_s", grace_s)
        .json();
}
Result<DrainRequest> DrainRequest::fromJson(const QJsonObject& json) {
    DrainRequest out;
    Reader in(json);
    in.may("rate_per_s", out.rate_per_s)
        .may("deadline_s", out.deadline_s)
        .may("grace_s", out.grace_s)
        .notNegative("rate_per_s", out.rate_per_s)
        .notNegative("deadline_s", out.deadline_s)
        .notNegative("grace_s", out.grace_s);
    return in.result(std::move(out));
}

QJsonObject OperationRow::toJson() const {
    return Writer()
        .put("id", id)
        .put("kind", kind)
        .put("by", by)
        .put("state", state)
        .put("started_ms", started_ms)
        .put("done", done)
        .put("total", total)
        .put("rate_per_s", rate_per_s)
        .put("eta_s", eta_s)
        .put("moved", moved)
        .put("moved_estimated", moved_estimated)
        .put("lost", lost)
        .put("pending", pending)
        .put("untracked", untracked)
        .json();
}
Result<OperationRow> OperationRow::fromJson(const QJsonObject& json) {
    OperationRow out;
    Reader in(json);
    in.need("id", out.id)
        .need("kind", out.kind)
        .need("by", out.by)
        .need("state", out.state)
        .need("started_ms", out.started_ms)
        .need("done", out.done)
        .need("total", out.total)
        .need("rate_per_s", out.rate_per_s)
        .may("eta_s", out.eta_s)
        .need("moved", out.moved)
        .need("moved_estimated", out.moved_estimated)
        .need("lost", out.lost)
        .need("pending", out.pending)
        .need("untracked", out.untracked);
    return in.result(std::move(out));
}

QJsonObject ClusterNode::toJson() const {
    return Writer()
        .put("id", id)
        .put("instance", instance)
        .put("version", version)
        .put("state", state)
        .put("clients", clients)
        .put("ops", ops)
        .put("connections", connections)
        .put("capacity", capacity)
        .put("seen_ms", seen_ms)
        .json();
}
Result<ClusterNode> ClusterNode::fromJson(const QJsonObject& json) {
    ClusterNode out;
    Reader in(json);
    in.need("id", out.id)
        .need("instance", out.instance)
        .need("version", out.version)
        .need("state", out.state)
        .need("clients", out.clients)
        .need("ops", out.ops)
        .need("connections", out.connections)
        .need("capacity", out.capacity)
        .need("seen_ms", out.seen_ms);
    return in.result(std::move(out));
}

QJsonObject AuditRow::toJson() const {
    return Writer()
        .put("time_ms", time_ms)
        .put("who", who)
        .put("from", from)
        .put("what", what)
        .put("outcome", outcome)
        .json();
}
Result<AuditRow> AuditRow::fromJson(const QJsonObject& json) {
    AuditRow out;
    Reader in(json);
    in.need("time_ms", out.time_ms)
        .need("who", out.who)
        .need("from", out.from)
        .need("what", out.what)
        .need("outcome", out.outcome);
    return in.result(std::move(out));
}

} // namespace shared::admin
