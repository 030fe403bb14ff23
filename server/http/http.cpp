// SPDX-License-Identifier: Apache-2.0
#include "server/http/http.h"
#include <algorithm>
#include <array>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <charconv>
#include <limits>

namespace server {

namespace http = boost::beast::http;

namespace {

constexpr std::size_t MostLineBytes = 60000; // Beast throws on a value of 64 KiB
constexpr std::size_t MostChunkLineBytes = 256;
constexpr std::size_t MostTrailerBytes = 4096;

std::string_view view(boost::beast::string_view text) {
    return {text.data(), text.size()};
}
boost::beast::string_view beastView(std::string_view text) {
    return {text.data(), text.size()};
}
char lower(char c) {
    return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
}
bool equalsWithoutCase(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}
std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}
int hexDigit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    const char letter = lower(c);
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}
std::string percentDecoded(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+') {
            out += ' ';
        } else if (text[i] == '%' && i + 2 < text.size() && hexDigit(text[i + 1]) >= 0 &&
                   hexDigit(text[i + 2]) >= 0) {
            out += char(hexDigit(text[i + 1]) * 16 + hexDigit(text[i + 2]));
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

} // namespace

struct HttpRequest::Inner {
    enum class Phase : std::uint8_t { Head, Length, ChunkLine, ChunkBytes, ChunkEnd, Trailer, Done, Refused };

    explicit Inner(const HttpLimits& l) : limits(l) {
        parser.header_limit(std::numeric_limits<std::uint32_t>::max()); // counted here, byte by byte
        parser.body_limit(boost::none);
        parser.skip(true); // the body is ours: Beast waits for ever on bare LF in chunk lines
    }

    HttpLimits limits;
    http::request_parser<http::empty_body> parser;
    Phase phase = Phase::Head;
    std::string head; ///< until it is whole
    std::size_t headSize = 0;
    std::size_t lineStart = 0;
    int lines = 0;
    std::string line; ///< of a chunk or trailer
    std::size_t trailerBytes = 0;
    std::uint64_t due = 0; ///< bytes of the body, or of the chunk, still to come
    std::string body;
    int status = 0;
    std::string_view sentence;

    bool refuse(int code, std::string_view text) {
        phase = Phase::Refused;
        status = code;
        sentence = text;
        head.clear();
        head.shrink_to_fit();
        return false;
    }

    /// One byte of the head; true when it was the last one.
    bool takeHeadByte(char c) {
        if (head.size() >= limits.head.count() || head.size() - lineStart >= MostLineBytes)
            return refuse(431, "the request head is too large");
        const bool afterReturn = !head.empty() && head.back() == '\r';
        if (c == '\n' && !afterReturn)
            return refuse(400, "a line ends without a carriage return");
        if (afterReturn && c != '\n')
            return refuse(400, "a carriage return stands alone");
        const auto byte = static_cast<unsigned char>(c);
        if ((byte < 0x20 && c != '\t' && c != '\r' && c != '\n') || byte == 0x7f)
            return refuse(400, "a control character in the request head");
        if (head.size() == lineStart && lines > 0 && (c == ' ' || c == '\t'))
            return refuse(400, "a header line is folded");
        head += c;
        if (c != '\n')
            return false;
        const bool isEmpty = head.size() - lineStart == 2;
        lineStart = head.size();
        if (isEmpty && lines == 0)
            return refuse(400, "an empty line before the request");
        if (isEmpty)
            return true;
        if (++lines > limits.fields + 1)
            return refuse(431, "the request has too many header fields");
        return false;
    }

    std::size_t count(std::string_view name) const {
        const auto range = parser.get().equal_range(beastView(name));
        return std::size_t(std::distance(range.first, range.second));
    }
    std::string_view first(std::string_view name) const { return view(parser.get()[beastView(name)]); }

    bool parseHead() {
        boost::beast::error_code error;
        const std::size_t used = parser.put(boost::asio::const_buffer(head.data(), head.size()), error);
        headSize = head.size();
        if (error == http::error::bad_version)
            return refuse(505, "only HTTP/1.1 is spoken here");
        if (error || !parser.is_header_done() || used != headSize)
            return refuse(400, "the request head is malformed");
        head.clear();
        head.shrink_to_fit();
        if (parser.get().version() != 11)
            return refuse(505, "only HTTP/1.1 is spoken here");
        return judgeTarget() && judgeHost() && judgeBody();
    }

    bool judgeTarget() {
        const auto target = view(parser.get().target());
        if (target.empty() || target.front() != '/')
            return refuse(400, "the request target must be a path");
        for (const char c : target) {
            if (c <= 0x20 || c == 0x7f || c == '#' || static_cast<unsigned char>(c) >= 0x80)
                return refuse(400, "the request target holds a character that must be percent-encoded");
        }
        return true;
    }

    bool judgeHost() {
        if (count("Host") != 1)
            return refuse(400, "exactly one Host header is needed");
        if (first("Host").find_first_of(" \t/\\@,?#") != std::string_view::npos)
            return refuse(400, "the Host header is malformed");
        return true;
    }

    bool judgeBody() {
        const std::size_t encodings = count("Transfer-Encoding"), lengths = count("Content-Length");
        if (encodings > 1 || lengths > 1 || (encodings == 1 && lengths == 1))
            return refuse(400, "the length of the body is given twice");
        if (encodings == 1) {
            if (!equalsWithoutCase(first("Transfer-Encoding"), "chunked"))
                return refuse(400, "the only transfer encoding taken here is chunked");
            phase = Phase::ChunkLine;
        } else if (lengths == 1) {
            const auto text = first("Content-Length");
            const auto end = text.data() + text.size();
            const auto parsed = std::from_chars(text.data(), end, due);
            if (text.empty() || hexDigit(text.front()) < 0 || parsed.ec != std::errc() || parsed.ptr != end)
                return refuse(400, "the Content-Length is not a number");
            if (due > limits.body.count())
                return refuse(413, "the body is too large");
            phase = due > 0 ? Phase::Length : Phase::Done;
        } else {
            phase = Phase::Done;
        }
        return true;
    }

    /// A whole chunk line without its CRLF.
    bool takeChunkLine() {
        std::string_view text = line;
        const auto extension = text.find(';');
        const auto size = text.substr(0, extension);
        if (size.empty() || size.size() > 8 ||
            !std::all_of(size.begin(), size.end(), [](char c) { return hexDigit(c) >= 0; }))
            return refuse(400, "a chunk has no proper size");
        due = 0;
        std::from_chars(size.data(), size.data() + size.size(), due, 16);
        if (due + body.size() > limits.body.count())
            return refuse(413, "the body is too large");
        phase = due > 0 ? Phase::ChunkBytes : Phase::Trailer;
        line.clear();
        return true;
    }

    /// One byte of a line of the chunked form; the last one is acted upon.
    bool takeLineByte(char c) {
        const bool afterReturn = !line.empty() && line.back() == '\r';
        if ((c == '\n') != afterReturn)
            return refuse(400, "a line of the body does not end as it must");
        if (line.size() >= (phase == Phase::Trailer ? MostTrailerBytes : MostChunkLineBytes))
            return refuse(400, "a line of the body is too long");
        if (c != '\n') {
            line += c;
            return true;
        }
        line.pop_back();
        switch (phase) {
        case Phase::ChunkLine:
            return takeChunkLine();
        case Phase::ChunkEnd:
            if (!line.empty())
                return refuse(400, "a chunk is longer than it says");
            phase = Phase::ChunkLine;
            return true;
        case Phase::Trailer:
            trailerBytes += line.size();
            if (trailerBytes > MostTrailerBytes)
                return refuse(431, "the trailer is too large");
            if (line.empty())
                phase = Phase::Done;
            line.clear();
            return true;
        case Phase::Head:
        case Phase::Length:
        case Phase::ChunkBytes:
        case Phase::Done:
        case Phase::Refused:
            break;
        }
        return true;
    }

    std::size_t takeBody(std::string_view bytes) {
        std::size_t used = 0;
        while (used < bytes.size() && phase != Phase::Done && phase != Phase::Refused) {
            if (phase == Phase::Length || phase == Phase::ChunkBytes) {
                const auto part =
                    bytes.substr(used, std::size_t(std::min<std::uint64_t>(due, bytes.size() - used)));
                body.append(part);
                used += part.size();
                due -= part.size();
                if (due == 0)
                    phase = phase == Phase::Length ? Phase::Done : Phase::ChunkEnd;
            } else {
                takeLineByte(bytes[used++]);
            }
        }
        return used;
    }
};

HttpRequest::HttpRequest(const HttpLimits& limits) : m_inner(std::make_unique<Inner>(limits)) {}
HttpRequest::~HttpRequest() = default;
HttpRequest::HttpRequest(HttpRequest&&) noexcept = default;
HttpRequest& HttpRequest::operator=(HttpRequest&&) noexcept = default;

HttpRequest::Fed HttpRequest::feed(std::string_view bytes) {
    using Phase = Inner::Phase;
    Fed fed;
    if (m_inner->phase == Phase::Head) {
        bool isWhole = false;
        while (fed.used < bytes.size() && !isWhole && m_inner->phase == Phase::Head)
            isWhole = m_inner->takeHeadByte(bytes[fed.used++]);
        const bool isParsed = isWhole && m_inner->parseHead();
        const bool hasBody = isParsed ? m_inner->phase != Phase::Done : m_inner->status == 413;
        if (hasBody && isUpgrade())
            m_inner->refuse(400, "an upgrade has no body");
        else if (hasBody && isParsed)
            fed.state = State::HeadDone;
    } else {
        fed.used = m_inner->takeBody(bytes);
    }
    if (m_inner->phase == Phase::Done)
        fed.state = State::Done;
    if (m_inner->phase == Phase::Refused) {
        fed.state = State::Refused;
        fed.status = m_inner->status;
        fed.sentence = m_inner->sentence;
        fed.isFields = fed.status == 431 && m_inner->lines > m_inner->limits.fields + 1;
    }
    return fed;
}

std::size_t HttpRequest::headBytes() const {
    return m_inner->headSize > 0 ? m_inner->headSize : m_inner->head.size();
}
std::string_view HttpRequest::method() const {
    return view(m_inner->parser.get().method_string());
}
std::string_view HttpRequest::target() const {
    return view(m_inner->parser.get().target());
}
std::string_view HttpRequest::path() const {
    return target().substr(0, target().find('?'));
}
std::optional<std::string> HttpRequest::query(std::string_view name) const {
    const auto mark = target().find('?');
    auto rest = mark == std::string_view::npos ? std::string_view() : target().substr(mark + 1);
    while (!rest.empty()) {
        const auto end = std::min(rest.find('&'), rest.size());
        const auto pair = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        const auto equals = std::min(pair.find('='), pair.size());
        if (percentDecoded(pair.substr(0, equals)) == name)
            return percentDecoded(pair.substr(std::min(equals + 1, pair.size())));
    }
    return std::nullopt;
}
std::string_view HttpRequest::header(std::string_view name) const {
    return m_inner->first(name);
}
std::size_t HttpRequest::headerCount(std::string_view name) const {
    return m_inner->count(name);
}
bool HttpRequest::hasToken(std::string_view name, std::string_view token) const {
    const auto range = m_inner->parser.get().equal_range(beastView(name));
    for (auto field = range.first; field != range.second; ++field) {
        auto rest = view(field->value());
        while (!rest.empty()) {
            const auto end = std::min(rest.find(','), rest.size());
            if (equalsWithoutCase(trimmed(rest.substr(0, end)), token))
                return true;
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
    }
    return false;
}
const std::string& HttpRequest::body() const {
    return m_inner->body;
}
bool HttpRequest::isUpgrade() const {
    return method() == "GET" && hasToken("Connection", "upgrade") && hasToken("Upgrade", "websocket");
}

} // namespace server
