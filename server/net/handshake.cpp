// SPDX-License-Identifier: Apache-2.0
#include "server/net/handshake.h"
#include "server/dialect/dialects.h"
#include "server/net/try_page.h"
#include <QRandomGenerator>
#include <algorithm>

namespace server {

using shared::HandshakeResult;

namespace {

constexpr std::size_t LongestShown = 256;
constexpr std::size_t LongestSubprotocol = 128;
constexpr std::string_view Json = "application/json";

/// The errors of Engine.IO 4, by their code.
enum class EngineError : std::uint8_t {
    TransportUnknown = 0,
    SessionUnknown = 1,
    BadMethod = 2,
    BadRequest = 3,
    Forbidden = 4,
    BadVersion = 5
};

std::string_view sentence(EngineError error) {
    switch (error) {
    case EngineError::TransportUnknown:
        return "Transport unknown";
    case EngineError::SessionUnknown:
        return "Session ID unknown";
    case EngineError::BadMethod:
        return "Bad handshake method";
    case EngineError::BadRequest:
        return "Bad request";
    case EngineError::Forbidden:
        return "Forbidden";
    case EngineError::BadVersion:
        return "Unsupported protocol version";
    }
    return {};
}

Verdict refused(EngineError error, std::span<const HttpHeader> headers = {}) {
    const bool isForbidden = error == EngineError::Forbidden;
    const std::string body =
        "{\"code\":" + std::to_string(int(error)) + ",\"message\":" + jsonQuoted(sentence(error)) + '}';
    return {nullptr, httpAnswer(isForbidden ? 403 : 400, headers, Json, body),
            isForbidden ? HandshakeResult::Forbidden : HandshakeResult::BadRequest};
}

bool equalsWithoutCase(std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [&](char x, char y) { return lower(x) == lower(y); });
}

bool isOriginAllowed(const HttpRequest& request, const std::vector<std::string>& origins) {
    if (std::find(origins.begin(), origins.end(), "*") != origins.end())
        return true;
    const auto count = request.headerCount("Origin");
    if (count == 0)
        return true; // no browser: nothing that a page could forge
    return count == 1 && std::any_of(origins.begin(), origins.end(), [&](const std::string& allowed) {
               return equalsWithoutCase(allowed, request.header("Origin"));
           });
}

bool isEnginePath(std::string_view path, std::string_view configured) {
    if (path == configured)
        return true;
    if (configured.ends_with('/'))
        return path == configured.substr(0, configured.size() - 1);
    return path.size() == configured.size() + 1 && path.starts_with(configured) && path.ends_with('/');
}

std::string_view withoutBlanks(std::string_view text) {
    const auto isBlank = [](char c) { return c == ' ' || c == '\t'; };
    while (!text.empty() && isBlank(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && isBlank(text.back()))
        text.remove_suffix(1);
    return text;
}

/// 16 bytes in base64.
bool isKey(std::string_view key) {
    return key.size() == 24 && key.ends_with("==") && std::all_of(key.begin(), key.end() - 2, [](char c) {
               return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                      c == '+' || c == '/';
           });
}

bool hasVersion(const HttpRequest& request) {
    return request.headerCount("Sec-WebSocket-Version") == 1 &&
           request.header("Sec-WebSocket-Version") == "13";
}

bool hasKey(const HttpRequest& request) {
    return request.headerCount("Sec-WebSocket-Key") == 1 && isKey(request.header("Sec-WebSocket-Key"));
}

Verdict admitted(const Dialect& dialect, const std::string& address, const ShardWorld& world) {
    auto [result, key] = world.admission.reserve(address, world.clock.now());
    if (result == HandshakeResult::Accepted)
        return {&dialect, {}, result, std::move(key)};
    return {nullptr, std::string(httpUnavailable(QRandomGenerator::global()->generate())), result, {}};
}

Verdict judgeEngine(const HttpRequest& request, const std::string& address, const ShardWorld& world) {
    if (!isOriginAllowed(request, world.settings.listen.origins))
        return refused(EngineError::Forbidden);
    if (request.query("transport") != "websocket")
        return refused(EngineError::TransportUnknown);
    if (request.query("sid"))
        return refused(EngineError::SessionUnknown);
    if (request.method() != "GET")
        return refused(EngineError::BadMethod);
    if (request.query("EIO") != "4")
        return refused(EngineError::BadVersion);
    if (!request.isUpgrade())
        return refused(EngineError::BadRequest);
    if (!hasVersion(request)) {
        const HttpHeader version{"Sec-WebSocket-Version", "13"};
        return refused(EngineError::BadRequest, {&version, 1});
    }
    if (!hasKey(request))
        return refused(EngineError::BadRequest);
    return admitted(socketIoDialect(), address, world);
}

/// Every refusal is an answer of ours: /ws has no error codes but those of HTTP.
Verdict judgeJson(const HttpRequest& request, const std::string& address, const ShardWorld& world) {
    const auto refuse = [](int status, std::string_view sentence, std::span<const HttpHeader> headers = {}) {
        return Verdict{nullptr, httpRefusal(status, "bad_request", sentence, headers),
                       HandshakeResult::BadRequest};
    };
    if (!isOriginAllowed(request, world.settings.listen.origins))
        return {nullptr, httpRefusal(403, "forbidden", "this origin is not allowed"),
                HandshakeResult::Forbidden};
    if (request.method() != "GET") {
        const HttpHeader allow{"Allow", "GET"};
        return refuse(405, "only GET is answered here", {&allow, 1});
    }
    if (!request.isUpgrade()) {
        const HttpHeader upgrade{"Upgrade", "websocket"};
        return refuse(426, "this path speaks WebSocket", {&upgrade, 1});
    }
    if (!hasVersion(request)) {
        const HttpHeader version{"Sec-WebSocket-Version", "13"};
        return refuse(426, "WebSocket version 13 is spoken here", {&version, 1});
    }
    if (!hasKey(request))
        return refuse(400, "Sec-WebSocket-Key is missing or none");
    const auto subprotocol = jsonDialect().subprotocol();
    if (request.headerCount("Sec-WebSocket-Protocol") > 0 &&
        !request.hasToken("Sec-WebSocket-Protocol", subprotocol))
        return refuse(400, "of subprotocols weir.json.v1 is spoken here");
    return admitted(jsonDialect(), address, world);
}

/// An answer to whoever only looks: by GET, or its head by HEAD.
Verdict looked(const HttpRequest& request, const std::string& answer) {
    if (request.method() != "GET" && request.method() != "HEAD") {
        const HttpHeader allow{"Allow", "GET, HEAD"};
        return {nullptr, httpRefusal(405, "bad_request", "only GET is answered here", {&allow, 1}),
                HandshakeResult::BadRequest};
    }
    return {nullptr, request.method() == "HEAD" ? std::string(httpWithoutBody(answer)) : answer,
            std::nullopt};
}

Verdict probe(const HttpRequest& request, int status, std::string_view body) {
    return looked(request, httpAnswer(status, {}, Json, body));
}

} // namespace

Verdict judge(const HttpRequest& request, const std::string& address, const ShardWorld& world) {
    const auto path = request.path();
    if (path == "/health")
        return probe(request, 200,
                     world.admission.isOpen() ? R"({"status":"healthy"})" : R"({"status":"draining"})");
    if (path == "/ready") {
        const bool isReady = world.isReady.load(std::memory_order_relaxed) && world.admission.isOpen();
        return probe(request, isReady ? 200 : 503, isReady ? R"({"ready":true})" : R"({"ready":false})");
    }
    if (isEnginePath(path, world.settings.listen.path))
        return judgeEngine(request, address, world);
    if (path == "/ws")
        return judgeJson(request, address, world);
    if (path == "/try" && world.settings.listen.tryPage)
        return looked(request, tryPageAnswer());
    return {nullptr, httpRefusal(404, "not_found", "there is nothing at this path"),
            HandshakeResult::NotFound};
}

std::string headForQt(const HttpRequest& request) {
    return "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
           std::string(request.header("Sec-WebSocket-Key")) + "\r\n\r\n";
}

std::string linesForUpgrade(const HttpRequest& request, const Dialect& dialect) {
    auto offered = request.header("Sec-WebSocket-Protocol");
    if (!dialect.subprotocol().empty())
        return offered.empty() ? std::string()
                               : "Sec-WebSocket-Protocol: " + std::string(dialect.subprotocol()) + "\r\n";
    offered = withoutBlanks(offered.substr(0, offered.find(',')));
    const bool isToken = !offered.empty() && offered.size() <= LongestSubprotocol &&
                         std::all_of(offered.begin(), offered.end(), [](char c) {
                             return c > 0x20 && c < 0x7f &&
                                    std::string_view("()<>@,;:\\\"/[]?={}").find(c) == std::string_view::npos;
                         });
    return isToken ? "Sec-WebSocket-Protocol: " + std::string(offered) + "\r\n" : std::string();
}

std::string bearerToken(const HttpRequest& request) {
    constexpr std::string_view Scheme = "bearer ";
    constexpr std::string_view Prefix = "bearer.";
    const auto credentials = request.header("Authorization");
    if (request.headerCount("Authorization") == 1 &&
        equalsWithoutCase(credentials.substr(0, Scheme.size()), Scheme))
        return std::string(withoutBlanks(credentials.substr(Scheme.size())));
    // A browser can set no header: it offers the token among its subprotocols, which is never confirmed.
    auto offered = request.header("Sec-WebSocket-Protocol");
    while (!offered.empty()) {
        const auto comma = offered.find(',');
        const auto one = withoutBlanks(offered.substr(0, comma));
        if (one.starts_with(Prefix))
            return std::string(one.substr(Prefix.size()));
        offered.remove_prefix(comma == std::string_view::npos ? offered.size() : comma + 1);
    }
    return {};
}

std::string printable(std::string_view text) {
    std::string out(text.substr(0, LongestShown));
    for (char& c : out) {
        if (c < 0x20 || c >= 0x7f)
            c = '?';
    }
    return out;
}

} // namespace server
