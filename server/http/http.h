// SPDX-License-Identifier: Apache-2.0
// Request heads and bodies, strict before lenient: what another HTTP parser on the way might read differently
// is refused. And the writer of our short answers. No I/O, plain objects of one thread.
#pragma once
#include "shared/types.h"
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace server {

struct HttpLimits {
    shared::Bytes head{16384};
    int fields = 100;
    shared::Bytes body{0};
};

/// One request, fed as its bytes come; linear in their number however they are cut.
class HttpRequest {
public:
    enum class State : std::uint8_t {
        NeedMore, ///< of the head, or of the body
        HeadDone, ///< once: the head may be judged, a body follows
        Done,     ///< head and body are here; what was not used belongs to whatever follows
        Refused   ///< answer `status` and close; nothing can be fed any more
    };
    struct Fed {
        std::size_t used = 0; ///< of the bytes given; they need not be given again
        State state = State::NeedMore;
        int status = 0;            ///< of a refusal: 400, 413, 431 or 505
        std::string_view sentence; ///< static text for people
        bool isFields = false;     ///< of a 431: the number of fields, not the bytes
    };

    explicit HttpRequest(const HttpLimits& limits);
    ~HttpRequest();
    HttpRequest(HttpRequest&&) noexcept;
    HttpRequest& operator=(HttpRequest&&) noexcept;

    /// Stops behind the head (HeadDone) and behind the body (Done): call again with the rest after HeadDone.
    Fed feed(std::string_view bytes);
    std::size_t headBytes() const; ///< taken so far

    // From HeadDone or Done on. Views live as long as the request.
    std::string_view method() const; ///< as sent: "GET"
    std::string_view target() const; ///< path and query as sent
    std::string_view path() const;   ///< before the '?', not decoded
    /// The first value of a query parameter, percent-decoded; absent when it is not there.
    std::optional<std::string> query(std::string_view name) const;
    std::string_view header(std::string_view name) const; ///< the first one of that name; empty when absent
    std::size_t headerCount(std::string_view name) const;
    /// Whether a comma-separated header (all its lines) names `token`, without regard to case.
    bool hasToken(std::string_view name, std::string_view token) const;
    const std::string& body() const;
    /// GET with `Connection: upgrade` and `Upgrade: websocket`.
    bool isUpgrade() const;

private:
    struct Inner;
    std::unique_ptr<Inner> m_inner;
};

using HttpHeader = std::pair<std::string_view, std::string_view>;

/// A whole answer: status line, `Content-Length`, `Connection: close`, `Cache-Control: no-store`, then
/// `headers`.
std::string httpAnswer(int status, std::span<const HttpHeader> headers, std::string_view contentType,
                       std::string_view body);
/// `{"error":{"code":…,"message":…}}`, the form of all our refusals but those of Engine.IO.
std::string httpRefusal(int status, std::string_view code, std::string_view message,
                        std::span<const HttpHeader> headers = {});
/// 503 with `Retry-After` of 1 to 10 s, spread by `random`: built once, so that refusing stays cheap under a
/// storm.
std::string_view httpUnavailable(std::uint32_t random);
/// The head of an answer, for HEAD requests: same lines, no body.
std::string_view httpWithoutBody(std::string_view answer);
/// JSON string literal, quotes included; what is not valid UTF-8 must not be given.
std::string jsonQuoted(std::string_view text);

} // namespace server
