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

/// Walks JSON once and writes msgpack as it goes. The text was validated when a client sent it; what does not parse
/// all the same is refused, never guessed.
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
        while (m_at < m_json.size() && (m_json[m_at] == ' ' || m_json[m_at] == '\t' || m_json[m_at] == '\n' ||
                                        m_json[m_at] == '\r'))
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
