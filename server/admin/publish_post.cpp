// SPDX-License-Identifier: Apache-2.0
#include "server/admin/publish_post.h"
#include <QJsonDocument>

namespace server {

using shared::ErrorCode;
using shared::Result;

namespace {

struct Refusal {
    int status;
    std::string_view code;
};

Refusal refusalOf(ErrorCode code) {
    switch (code) {
    case ErrorCode::BadRequest:
    case ErrorCode::InvalidFilter:
    case ErrorCode::Configuration:
    case ErrorCode::UnknownOperation:
        return {400, "bad_request"};
    case ErrorCode::TooLarge:
        return {413, "too_large"};
    case ErrorCode::Forbidden:
        return {403, "forbidden"};
    case ErrorCode::NotFound:
        return {404, "not_found"};
    case ErrorCode::Busy:
    case ErrorCode::RateLimited:
    case ErrorCode::Overloaded:
    case ErrorCode::Unavailable:
        return {503, "busy"};
    case ErrorCode::Internal:
        return {500, "internal"};
    }
    return {500, "internal"};
}

/// A request over HTTP has no link that could be told something later.
class NoLink final : public Subscriber {
public:
    std::int64_t subscribe(std::int64_t) override { return 0; }
    void unsubscribe() override {}
    void watch(shared::ConnectionId, Done<QJsonObject> done) override {
        done(shared::failure(ErrorCode::BadRequest, "only a link can watch"));
    }
    bool unwatch(shared::ConnectionId) override { return false; }
    void subscribeLog(shared::admin::LogLevel) override {}
    void unsubscribeLog() override {}
    Result<void> startTrace(const shared::admin::TraceRequest&) override {
        return shared::failure(ErrorCode::BadRequest, "only a link can trace");
    }
    bool stopTrace() override { return false; }
};

} // namespace

void publishPost(const HttpRequest& request, const Operator& by, CommandWorld world,
                 std::function<void(int status, std::string answer)> answer) {
    const Done<QJsonObject> done = [answer = std::move(answer)](Result<QJsonObject> result) {
        if (result) {
            const auto json = QJsonDocument(*result).toJson(QJsonDocument::Compact).toStdString();
            return answer(200, httpAnswer(200, {}, "application/json", json + "\n"));
        }
        const auto [status, code] = refusalOf(result.error().code);
        const HttpHeader retry{"Retry-After", "1"};
        const std::span<const HttpHeader> headers(&retry, status == 503 ? 1 : 0);
        answer(status, httpRefusal(status, code, result.error().message, headers));
    };
    const auto params = shared::admin::decodeObject(QByteArray::fromStdString(request.body()));
    if (!params)
        return done(tl::unexpected(params.error()));
    NoLink noLink;
    runCommand(QStringLiteral("message.publish"), {world, by, noLink, *params, done});
}

} // namespace server
