// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/json_msgpack.h"
#include <array>
#include <charconv>
#include <cmath>
#include <msgpack.hpp>
#include <optional>

namespace server {
namespace {

/// What msgpack's packer writes to.
struct StringSink {
    std::string& out;
    void write(const char* bytes, std::size_t size) { out.append(bytes, size); }
};
using Packer = msgpack::packer<StringSink>;

constexpr double MostExact = 9007199254740992.0; // 2^53

void appendUtf8(std::string& out, char32_t code) {
    const auto put = [&out](char32_t byte) { out.push_back(char(static_cast<unsigned char>(byte))); };
    if (code < 0x80) {
        put(code);
    } else if (code < 0x800) {
        put(0xC0 | (code >> 6));
        put(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        put(0xE0 | (code >> 12));
        put(0x80 | ((code >> 6) & 0x3F));
        put(0x80 | (code & 0x3F));
    } else {
        put(0xF0 | (code >> 18));
        put(0x80 | ((code >> 12) & 0x3F));
        put(0x80 | ((code >> 6) & 0x3F));
        put(0x80 | (code & 0x3F));
    }
}

/// Walks JSON once and writes msgpack as it goes. The text was validated when a client sent it; what does not
/// parse all the same is refused, never guessed.
class JsonPacker {
public:
    JsonPacker(std::string_view json, std::span<const std::string> attachments, std::string& out)
        : m_json(json), m_attachments(attachments), m_writer(out) {}

    std::optional<std::size_t> values() {
        std::size_t count = 0;
        skipBlanks();
        if (m_at == m_json.size())
            return count;
        do {
            if (!value(1))
                return {};
            ++count;
            skipBlanks();
        } while (take(','));
        if (m_at != m_json.size())
            return {};
        return count;
    }

private:
    void skipBlanks() {
        while (m_at < m_json.size() &&
               (m_json[m_at] == ' ' || m_json[m_at] == '\t' || m_json[m_at] == '\n' || m_json[m_at] == '\r'))
            ++m_at;
    }
    bool take(char expected) {
        if (m_at >= m_json.size() || m_json[m_at] != expected)
            return false;
        ++m_at;
        return true;
    }
    bool takeWord(std::string_view word) {
        if (!m_json.substr(m_at).starts_with(word))
            return false;
        m_at += word.size();
        return true;
    }

    bool value(int depth) {
        if (depth > MostJsonDepth)
            return false;
        skipBlanks();
        if (m_at >= m_json.size())
            return false;
        switch (m_json[m_at]) {
        case '{':
            return object(depth);
        case '[':
            return array(depth);
        case '"':
            if (!string())
                return false;
            m_writer.text(m_text);
            return true;
        case 't':
            m_writer.boolean(true);
            return takeWord("true");
        case 'f':
            m_writer.boolean(false);
            return takeWord("false");
        case 'n':
            m_writer.null();
            return takeWord("null");
        default:
            return number();
        }
    }

    /// The four digits after `\u`; negative when they are none.
    int hexadecimal() {
        if (m_json.size() - m_at < 4)
            return -1;
        int code = 0;
        const char* const begin = m_json.data() + m_at;
        const auto [end, error] = std::from_chars(begin, begin + 4, code, 16);
        if (error != std::errc() || end != begin + 4 || code < 0)
            return -1;
        m_at += 4;
        return code;
    }
    bool escape() {
        if (m_at >= m_json.size())
            return false;
        switch (m_json[m_at++]) {
        case '"':
            m_text.push_back('"');
            return true;
        case '\\':
            m_text.push_back('\\');
            return true;
        case '/':
            m_text.push_back('/');
            return true;
        case 'b':
            m_text.push_back('\b');
            return true;
        case 'f':
            m_text.push_back('\f');
            return true;
        case 'n':
            m_text.push_back('\n');
            return true;
        case 'r':
            m_text.push_back('\r');
            return true;
        case 't':
            m_text.push_back('\t');
            return true;
        case 'u':
            break;
        default:
            return false;
        }
        const int first = hexadecimal();
        if (first < 0)
            return false;
        if (first >= 0xD800 && first < 0xDC00 && m_json.substr(m_at).starts_with("\\u")) {
            const std::size_t before = m_at;
            m_at += 2;
            const int second = hexadecimal();
            if (second < 0)
                return false;
            if (second >= 0xDC00 && second < 0xE000) {
                appendUtf8(m_text, char32_t(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)));
                return true;
            }
            m_at = before;
        }
        appendUtf8(m_text, char32_t(first)); // a surrogate alone too: appendJsonText() knows it again
        return true;
    }
    /// Into m_text, unescaped.
    bool string() {
        if (!take('"'))
            return false;
        m_text.clear();
        for (;;) {
            const std::size_t end = m_json.find_first_of("\"\\", m_at);
            if (end == std::string_view::npos)
                return false;
            m_text.append(m_json, m_at, end - m_at);
            m_at = end + 1;
            if (m_json[end] == '"')
                return true;
            if (!escape())
                return false;
        }
    }

    bool number() {
        const std::size_t begin = m_at;
        const auto isPart = [](char c) {
            return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
        };
        while (m_at < m_json.size() && isPart(m_json[m_at]))
            ++m_at;
        const char* const from = m_json.data() + begin;
        const char* const to = m_json.data() + m_at;
        std::int64_t negative = 0;
        if (const auto [end, error] = std::from_chars(from, to, negative);
            error == std::errc() && end == to) {
            m_writer.integer(negative);
            return true;
        }
        std::uint64_t positive = 0;
        if (const auto [end, error] = std::from_chars(from, to, positive);
            error == std::errc() && end == to) {
            m_writer.integer(positive);
            return true;
        }
        double real = 0;
        const auto [end, error] = std::from_chars(from, to, real);
        if (end != to || from == to)
            return false;
        if (error == std::errc::result_out_of_range) // too large, or too near to zero
            real = isTiny(std::string_view(from, std::size_t(to - from)))
                       ? 0.0
                       : (*from == '-' ? -HUGE_VAL : HUGE_VAL);
        else if (error != std::errc())
            return false;
        m_writer.number(real);
        return true;
    }
    static bool isTiny(std::string_view number) {
        const auto exponent = number.find_first_of("eE");
        return exponent != std::string_view::npos && number.substr(exponent + 1).starts_with('-');
    }

    bool array(int depth) {
        take('[');
        const std::size_t at = m_writer.position();
        std::size_t items = 0;
        skipBlanks();
        if (!take(']')) {
            do {
                if (!value(depth + 1))
                    return false;
                ++items;
                skipBlanks();
            } while (take(','));
            if (!take(']'))
                return false;
        }
        m_writer.arrayAt(at, items);
        return true;
    }
    bool object(int depth) {
        if (const auto attachment = placeholder()) {
            m_writer.binary(*attachment);
            return true;
        }
        take('{');
        const std::size_t at = m_writer.position();
        std::size_t pairs = 0;
        skipBlanks();
        if (!take('}')) {
            do {
                skipBlanks();
                if (!string())
                    return false;
                m_writer.text(m_text);
                skipBlanks();
                if (!take(':') || !value(depth + 1))
                    return false;
                ++pairs;
                skipBlanks();
            } while (take(','));
            if (!take('}'))
                return false;
        }
        m_writer.mapAt(at, pairs);
        return true;
    }

    /// The attachment that the object at hand stands for, and steps over it. Without such an attachment it is
    /// an object like any other: JSON may hold those keys too.
    std::optional<std::string_view> placeholder() {
        if (m_attachments.empty())
            return {};
        const std::size_t begin = m_at;
        bool isMarked = false;
        std::optional<std::size_t> number;
        const auto member = [&] {
            skipBlanks();
            if (!string())
                return false;
            skipBlanks();
            if (!take(':'))
                return false;
            skipBlanks();
            if (m_text == "_placeholder") {
                isMarked = takeWord("true");
                return isMarked;
            }
            std::size_t value = 0;
            const char* const from = m_json.data() + m_at;
            const auto [end, error] = std::from_chars(from, m_json.data() + m_json.size(), value);
            if (m_text != "num" || error != std::errc())
                return false;
            m_at += std::size_t(end - from);
            number = value;
            return true;
        };
        const auto closes = [this](char with) {
            skipBlanks();
            return take(with);
        };
        if (take('{') && member() && closes(',') && member() && closes('}') && isMarked && number &&
            *number < m_attachments.size())
            return m_attachments[*number];
        m_at = begin;
        return {};
    }

    std::string_view m_json;
    std::span<const std::string> m_attachments;
    MsgpackWriter m_writer;
    std::size_t m_at = 0;
    std::string m_text; ///< the last string
};

/// What is at `at` in UTF-8: its length, 0 when it is none. Surrogates count as what they are.
std::size_t sequenceLength(std::string_view text, std::size_t at) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
    const auto follows = [&](std::size_t i, unsigned from, unsigned to) {
        return at + i < text.size() && byte(i) >= from && byte(i) <= to;
    };
    const unsigned first = byte(0);
    if (first < 0x80)
        return 1;
    if (first >= 0xC2 && first <= 0xDF)
        return follows(1, 0x80, 0xBF) ? 2 : 0;
    if (first >= 0xE0 && first <= 0xEF)
        return follows(1, first == 0xE0 ? 0xA0 : 0x80, 0xBF) && follows(2, 0x80, 0xBF) ? 3 : 0;
    if (first >= 0xF0 && first <= 0xF4)
        return follows(1, first == 0xF0 ? 0x90 : 0x80, first == 0xF4 ? 0x8F : 0xBF) &&
                       follows(2, 0x80, 0xBF) && follows(3, 0x80, 0xBF)
                   ? 4
                   : 0;
    return 0;
}

void appendEscape(std::string& out, unsigned code) {
    constexpr std::string_view Digits = "0123456789abcdef";
    out.append("\\u");
    for (unsigned shift = 16; shift > 0; shift -= 4)
        out.push_back(Digits[(code >> (shift - 4)) & 0xF]);
}

} // namespace

void MsgpackWriter::array(std::size_t items) {
    StringSink sink{m_out};
    Packer(sink).pack_array(std::uint32_t(items));
}
void MsgpackWriter::map(std::size_t pairs) {
    StringSink sink{m_out};
    Packer(sink).pack_map(std::uint32_t(pairs));
}
void MsgpackWriter::text(std::string_view utf8) {
    StringSink sink{m_out};
    Packer(sink).pack_str(std::uint32_t(utf8.size())).pack_str_body(utf8.data(), std::uint32_t(utf8.size()));
}
void MsgpackWriter::binary(std::string_view bytes) {
    StringSink sink{m_out};
    Packer(sink)
        .pack_bin(std::uint32_t(bytes.size()))
        .pack_bin_body(bytes.data(), std::uint32_t(bytes.size()));
}
void MsgpackWriter::integer(std::int64_t value) {
    StringSink sink{m_out};
    Packer(sink).pack_int64(value);
}
void MsgpackWriter::integer(std::uint64_t value) {
    StringSink sink{m_out};
    Packer(sink).pack_uint64(value);
}
void MsgpackWriter::number(double value) {
    if (std::abs(value) <= MostExact && std::trunc(value) == value) {
        integer(std::int64_t(value));
        return;
    }
    StringSink sink{m_out};
    Packer(sink).pack_double(value);
}
void MsgpackWriter::boolean(bool value) {
    m_out.push_back(value ? '\xC3' : '\xC2');
}
void MsgpackWriter::null() {
    m_out.push_back('\xC0');
}
void MsgpackWriter::arrayAt(std::size_t at, std::size_t items) {
    std::string header;
    MsgpackWriter(header).array(items);
    m_out.insert(at, header);
}
void MsgpackWriter::mapAt(std::size_t at, std::size_t pairs) {
    std::string header;
    MsgpackWriter(header).map(pairs);
    m_out.insert(at, header);
}

shared::Result<std::size_t> packJson(std::string_view json, std::span<const std::string> attachments,
                                     std::string& out) {
    const std::size_t before = out.size();
    if (const auto count = JsonPacker(json, attachments, out).values())
        return *count;
    out.resize(before);
    return shared::failure(shared::ErrorCode::BadRequest,
                           "the arguments are no JSON, or nested deeper than 32");
}

void appendJsonText(std::string& out, std::string_view utf8) {
    out.push_back('"');
    for (std::size_t at = 0; at < utf8.size();) {
        const auto first = static_cast<unsigned char>(utf8[at]);
        if (first == '"' || first == '\\') {
            out.push_back('\\');
            out.push_back(char(first));
            ++at;
        } else if (first < 0x20) {
            appendEscape(out, first);
            ++at;
        } else if (const std::size_t length = sequenceLength(utf8, at); length == 0) {
            out.append("\xEF\xBF\xBD");
            ++at;
        } else {
            if (length == 3 && first == 0xED && static_cast<unsigned char>(utf8[at + 1]) >= 0xA0)
                appendEscape(out, 0xD000U | ((static_cast<unsigned char>(utf8[at + 1]) & 0x3FU) << 6) |
                                      (static_cast<unsigned char>(utf8[at + 2]) & 0x3FU));
            else
                out.append(utf8, at, length);
            at += length;
        }
    }
    out.push_back('"');
}

void appendJsonNumber(std::string& out, double value) {
    if (!std::isfinite(value)) {
        out.append("null");
        return;
    }
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    out.append(digits.data(), std::size_t(end - digits.data()));
}

} // namespace server
