// SPDX-License-Identifier: Apache-2.0
// The envelope of the admin channel: JSON-RPC 2.0, its limits and errors, and lists. Plain values, any
// thread.
#pragma once
#include "shared/result.h"
#include <QByteArray>
#include <QJsonArray>
#include <QJsonObject>
#include <QJsonValue>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace shared::admin {

inline constexpr int ProtocolMajor = 1;
inline constexpr const char* Subprotocol = "weirkeeper.admin.v1";
inline constexpr qsizetype MostRequestBytes = 256 * 1024;
inline constexpr qsizetype MostAnswerBytes = 1024 * 1024;
inline constexpr int MostRequestsInFlight = 32;
inline constexpr int MostLinksPerToken = 8;
inline constexpr int LongestPage = 1000;

/// One decoded text frame: a request (method and id), a notification (method, no id) or an answer (id, no
/// method).
struct RpcMessage {
    std::optional<std::int64_t> id;
    QString method;
    QJsonObject params;
    QJsonObject result;
    bool isError = false;
    int errorCode = 0;
    QString errorMessage;
};
inline constexpr int ParseErrorCode = -32700, InvalidRequestCode = -32600, MethodNotFoundCode = -32601,
                     InvalidParamsCode = -32602, InternalErrorCode = -32603, ForbiddenCode = -32001,
                     NotFoundCode = -32002, BusyCode = -32003, InvalidFilterCode = -32004;
int rpcCode(ErrorCode code);

/// Refuses what is not one JSON object, and depth over 32.
Result<QJsonObject> decodeObject(const QByteArray& text);
/// Refuses what is not one JSON object of JSON-RPC 2.0, ids that are not whole numbers, and depth over 32.
Result<RpcMessage> decodeRpc(const QByteArray& text);
QByteArray encodeRequest(std::int64_t id, const QString& method, const QJsonObject& params);
QByteArray encodeNotification(const QString& method, const QJsonObject& params);
QByteArray encodeResult(std::int64_t id, const QJsonObject& result);
QByteArray encodeError(std::optional<std::int64_t> id, int code, const QString& message);

// Each message has toJson() and a static fromJson() that names the first missing or wrong key in its error.
// Unknown keys are ignored: two versions run in one fleet.

/// Lists travel as {"rows": […]}: `operations.list`, `cluster.nodes`, `audit.list`.
template <class Row>
QJsonObject rowsToJson(const std::vector<Row>& rows) {
    QJsonArray array;
    for (const auto& row : rows)
        array.append(row.toJson());
    return {{QStringLiteral("rows"), array}};
}
template <class Row>
Result<std::vector<Row>> rowsFromJson(const QJsonObject& json) {
    if (!json.value(QStringLiteral("rows")).isArray())
        return failure(ErrorCode::BadRequest, "rows: an array is missing");
    std::vector<Row> rows;
    for (const auto& value : json.value(QStringLiteral("rows")).toArray()) {
        auto row = Row::fromJson(value.toObject());
        if (!row)
            return tl::unexpected<Error>(row.error());
        rows.push_back(std::move(*row));
    }
    return rows;
}

} // namespace shared::admin
