// SPDX-License-Identifier: Apache-2.0
#include "server/http/http.h"
#include <array>

namespace server {

namespace {

std::string_view reasonPhrase(int status) {
    switch (status) {
    case 200:
        return "OK";
    case 204:
        return "No Content";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 413:
        return "Content Too Large";
    case 426:
        return "Upgrade Required";
    case 429:
        return "Too Many Requests";
    case 431:
        return "Request Header Fields Too Large";
    case 500:
        return "Internal Server Error";
    case 503:
        return "Service Unavailable";
    case 505:
        return "HTTP Version Not Supported";
    default:
        return "Status"; // the phrase means nothing to a client; a status without a row still answers
    }
}

constexpr std::size_t RetrySeconds = 10;

std::array<std::string, RetrySeconds> buildUnavailable() {
    std::array<std::string, RetrySeconds> answers;
    for (std::size_t i = 0; i < RetrySeconds; ++i) {
        const std::string after = std::to_string(i + 1);
        const HttpHeader header{"Retry-After", after};
        answers[i] = httpRefusal(503, "unavailable",
                                 "this node takes no new connections now; try again later", {&header, 1});
    }
    return answers;
}

} // namespace

std::string httpAnswer(int status, std::span<const HttpHeader> headers, std::string_view contentType,
                       std::string_view body) {
    std::string answer = "HTTP/1.1 " + std::to_string(status) + ' ';
    answer += reasonPhrase(status);
    answer += "\r\nContent-Length: " + std::to_string(body.size());
    if (!contentType.empty()) {
        answer += "\r\nContent-Type: ";
        answer += contentType;
    }
    answer += "\r\nConnection: close\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n";
    for (const auto& [name, value] : headers) {
        answer += name;
        answer += ": ";
        answer += value;
        answer += "\r\n";
    }
    answer += "\r\n";
    answer += body;
    return answer;
}

std::string httpRefusal(int status, std::string_view code, std::string_view message,
                        std::span<const HttpHeader> headers) {
    const std::string body =
        "{\"error\":{\"code\":" + jsonQuoted(code) + ",\"message\":" + jsonQuoted(message) + "}}";
    return httpAnswer(status, headers, "application/json", body);
}

std::string_view httpUnavailable(std::uint32_t random) {
    static const std::array<std::string, RetrySeconds> Answers = buildUnavailable();
    return Answers[random % RetrySeconds];
}

std::string_view httpWithoutBody(std::string_view answer) {
    const auto end = answer.find("\r\n\r\n");
    return end == std::string_view::npos ? answer : answer.substr(0, end + 4);
}

std::string jsonQuoted(std::string_view text) {
    constexpr std::string_view Digits = "0123456789abcdef";
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20 || byte == 0x7f) {
            out += "\\u00";
            out += Digits[byte >> 4];
            out += Digits[byte & 15];
        } else {
            out += c;
        }
    }
    out += '"';
    return out;
}

} // namespace server
