// SPDX-License-Identifier: Apache-2.0
#include "server/net/handshake.h"
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
    return {false, httpAnswer(isForbidden ? 403 : 400, headers, Json, body),
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

/// 16 bytes in base64.
bool isKey(std::string_view key) {
    return key.size() == 24 && key.ends_with("==") && std::all_of(key.begin(), key.end() - 2, [](char c) {
               return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                      c == '+' || c == '/';
           });
}

Verdict judgeEngine(const HttpRequest& request, const ShardWorld& world) {
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
    if (request.headerCount("Sec-WebSocket-Version") != 1 ||
        request.header("Sec-WebSocket-Version") != "13") {
        const HttpHeader version{"Sec-WebSocket-Version", "13"};
        return refused(EngineError::BadRequest, {&version, 1});
    }
    if (request.headerCount("Sec-WebSocket-Key") != 1 || !isKey(request.header("Sec-WebSocket-Key")))
        return refused(EngineError::BadRequest);
    const auto result = world.admission.reserve();
    if (result == HandshakeResult::Accepted)
        return {true, {}, result};
    return {false, std::string(httpUnavailable(QRandomGenerator::global()->generate())), result};
}

Verdict probe(const HttpRequest& request, int status, std::string_view body) {
    if (request.method() != "GET" && request.method() != "HEAD") {
        const HttpHeader allow{"Allow", "GET, HEAD"};
        return {false, httpRefusal(405, "bad_request", "only GET is answered here", {&allow, 1}),
                HandshakeResult::BadRequest};
    }
    const std::string answer = httpAnswer(status, {}, Json, body);
    return {false, request.method() == "HEAD" ? std::string(httpWithoutBody(answer)) : answer, std::nullopt};
}

} // namespace

Verdict judge(const HttpRequest& request, const ShardWorld& world) {
    const auto path = request.path();
    if (path == "/health")
        return probe(request, 200,
                     world.admission.isOpen() ? R"({"status":"healthy"})" : R"({"status":"draining"})");
    if (path == "/ready") {
        const bool isReady = world.isReady.load(std::memory_order_relaxed) && world.admission.isOpen();
        return probe(request, isReady ? 200 : 503, isReady ? R"({"ready":true})" : R"({"ready":false})");
    }
    if (isEnginePath(path, world.settings.listen.path))
        return judgeEngine(request, world);
    return {false, httpRefusal(404, "not_found", "there is nothing at this path"), HandshakeResult::NotFound};
}

std::string headForQt(const HttpRequest& request) {
    return "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
           std::string(request.header("Sec-WebSocket-Key")) + "\r\n\r\n";
}

std::string linesForUpgrade(const HttpRequest& request) {
    auto offered = request.header("Sec-WebSocket-Protocol");
    offered = offered.substr(0, offered.find(','));
    while (!offered.empty() && (offered.back() == ' ' || offered.back() == '\t'))
        offered.remove_suffix(1);
    const bool isToken = !offered.empty() && offered.size() <= LongestSubprotocol &&
                         std::all_of(offered.begin(), offered.end(), [](char c) {
                             return c > 0x20 && c < 0x7f &&
                                    std::string_view("()<>@,;:\\\"/[]?={}").find(c) == std::string_view::npos;
                         });
    return isToken ? "Sec-WebSocket-Protocol: " + std::string(offered) + "\r\n" : std::string();
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
