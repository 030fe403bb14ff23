// SPDX-License-Identifier: Apache-2.0
// The JSON-RPC envelope of the admin channel.
#include "shared/admin_fields.h"
#include "shared/admin_protocol.h"
#include <QJsonDocument>

namespace shared::admin {

namespace {

constexpr int DeepestNesting = 32;

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

Result<QJsonObject> decodeObject(const QByteArray& text) {
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
    return document.object();
}

Result<RpcMessage> decodeRpc(const QByteArray& text) {
    const auto wrong = [](std::string what) { return failure(ErrorCode::BadRequest, std::move(what)); };
    const auto decoded = decodeObject(text);
    if (!decoded)
        return tl::unexpected(decoded.error());
    const auto& object = *decoded;
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

} // namespace shared::admin
