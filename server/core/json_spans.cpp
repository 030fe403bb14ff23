// SPDX-License-Identifier: Apache-2.0
#include "server/core/json_spans.h"
#include <algorithm>

namespace server {
namespace {

bool isBlank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool isDigit(char c) {
    return c >= '0' && c <= '9';
}
int hexDigit(char c) {
    if (isDigit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/// Walks one text; every step returns false at the first thing that is no JSON.
class Cursor {
public:
    explicit Cursor(std::string_view text) : m_text(text) {}
    std::size_t at() const { return m_at; }
    bool isEnd() const { return m_at == m_text.size(); }
    char peek() const { return isEnd() ? '\0' : m_text[m_at]; }
    void skipBlanks() {
        while (!isEnd() && isBlank(m_text[m_at]))
            ++m_at;
    }
    bool take(char c) {
        if (peek() != c || isEnd())
            return false;
        ++m_at;
        return true;
    }
    bool string() {
        if (!take('"'))
            return false;
        while (!isEnd()) {
            const auto c = static_cast<unsigned char>(m_text[m_at++]);
            if (c == '"')
                return true;
            if (c < 0x20)
                return false;
            if (c == '\\' && !escape())
                return false;
        }
        return false;
    }
    /// One value of any depth up to `depth`, without blanks around it.
    bool value(int depth) {
        std::uint64_t objects = 0; // one bit a level: is it an object?
        int level = 0;
        for (;;) {
            const char c = peek();
            if (c == '[' || c == '{') {
                if (level >= std::min(depth, 64))
                    return false;
                const std::uint64_t bit = std::uint64_t(1) << level++;
                objects = c == '{' ? objects | bit : objects & ~bit;
                ++m_at;
                skipBlanks();
                if (!take(c == '{' ? '}' : ']')) {
                    if (c == '{' && !key())
                        return false;
                    continue;
                }
                --level;
            } else if (!scalar()) {
                return false;
            }
            // A value is complete: go on in what it stands in.
            for (;;) {
                if (level == 0)
                    return true;
                skipBlanks();
                const bool inObject = (objects >> (level - 1) & 1) != 0;
                if (take(',')) {
                    skipBlanks();
                    if (inObject && !key())
                        return false;
                    break;
                }
                if (!take(inObject ? '}' : ']'))
                    return false;
                --level;
            }
        }
    }
    bool key() {
        if (!string())
            return false;
        skipBlanks();
        if (!take(':'))
            return false;
        skipBlanks();
        return true;
    }

private:
    bool escape() {
        if (isEnd())
            return false;
        const char c = m_text[m_at++];
        if (c != 'u')
            return std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos;
        if (m_text.size() - m_at < 4)
            return false;
        for (int i = 0; i < 4; ++i) {
            if (hexDigit(m_text[m_at++]) < 0)
                return false;
        }
        return true;
    }
    bool digits() {
        const std::size_t from = m_at;
        while (isDigit(peek()))
            ++m_at;
        return m_at > from;
    }
    bool number() {
        take('-');
        if (!take('0') && !digits())
            return false;
        if (take('.') && !digits())
            return false;
        if (take('e') || take('E')) {
            if (!take('+'))
                take('-');
            return digits();
        }
        return true;
    }
    bool word(std::string_view word) {
        if (m_text.substr(m_at, word.size()) != word)
            return false;
        m_at += word.size();
        return true;
    }
    bool scalar() {
        switch (peek()) {
        case '"':
            return string();
        case 't':
            return word("true");
        case 'f':
            return word("false");
        case 'n':
            return word("null");
        default:
            return number();
        }
    }

    std::string_view m_text;
    std::size_t m_at = 0;
};

void appendUtf8(std::string& out, std::uint32_t code) {
    const auto put = [&out](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
    if (code < 0x80) {
        put(code);
    } else if (code < 0x800) {
        put(0xC0 | code >> 6);
        put(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        put(0xE0 | code >> 12);
        put(0x80 | (code >> 6 & 0x3F));
        put(0x80 | (code & 0x3F));
    } else {
        put(0xF0 | code >> 18);
        put(0x80 | (code >> 12 & 0x3F));
        put(0x80 | (code >> 6 & 0x3F));
        put(0x80 | (code & 0x3F));
    }
}

/// Four hex digits that a Cursor has seen to be such.
std::uint32_t hexCode(std::string_view text) {
    std::uint32_t code = 0;
    for (const char c : text.substr(0, 4))
        code = code << 4 | std::uint32_t(hexDigit(c));
    return code;
}

} // namespace

bool isJson(std::string_view text, int depth) {
    Cursor cursor(text);
    cursor.skipBlanks();
    if (!cursor.value(depth))
        return false;
    cursor.skipBlanks();
    return cursor.isEnd();
}

namespace {

/// The items of an array or an object that is all of `text`; `item` steps over one. False when it is not
/// that.
template <class Item>
bool walkItems(std::string_view text, char open, char close, Item item) {
    Cursor cursor(text);
    cursor.skipBlanks();
    if (!cursor.take(open))
        return false;
    cursor.skipBlanks();
    if (!cursor.take(close)) {
        do {
            cursor.skipBlanks();
            if (!item(cursor))
                return false;
            cursor.skipBlanks();
        } while (cursor.take(','));
        if (!cursor.take(close))
            return false;
    }
    cursor.skipBlanks();
    return cursor.isEnd();
}

} // namespace

std::optional<std::vector<std::string_view>> jsonElements(std::string_view text, int depth) {
    std::vector<std::string_view> elements;
    const bool isArray = walkItems(text, '[', ']', [&](Cursor& cursor) {
        const std::size_t from = cursor.at();
        if (!cursor.value(depth - 1))
            return false;
        elements.push_back(text.substr(from, cursor.at() - from));
        return true;
    });
    if (!isArray)
        return std::nullopt;
    return elements;
}

std::optional<JsonMembers> jsonMembers(std::string_view text, int depth) {
    JsonMembers members;
    const bool isObject = walkItems(text, '{', '}', [&](Cursor& cursor) {
        const std::size_t keyFrom = cursor.at();
        if (!cursor.string())
            return false;
        auto name = jsonString(text.substr(keyFrom, cursor.at() - keyFrom));
        cursor.skipBlanks();
        if (!name || !cursor.take(':'))
            return false;
        cursor.skipBlanks();
        const std::size_t from = cursor.at();
        if (!cursor.value(depth - 1))
            return false;
        members.emplace_back(std::move(*name), text.substr(from, cursor.at() - from));
        return true;
    });
    if (!isObject)
        return std::nullopt;
    std::vector<std::string_view> names;
    for (const auto& [name, value] : members)
        names.push_back(name);
    std::sort(names.begin(), names.end());
    if (std::adjacent_find(names.begin(), names.end()) != names.end())
        return std::nullopt; // two readers would disagree about it
    return members;
}

std::optional<std::string> jsonString(std::string_view text) {
    Cursor cursor(text);
    if (!cursor.string() || !cursor.isEnd())
        return std::nullopt;
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 1; at + 1 < text.size(); ++at) {
        if (text[at] != '\\') {
            out.push_back(text[at]);
            continue;
        }
        switch (const char c = text[++at]) {
        case 'b':
            out.push_back('\b');
            break;
        case 'f':
            out.push_back('\f');
            break;
        case 'n':
            out.push_back('\n');
            break;
        case 'r':
            out.push_back('\r');
            break;
        case 't':
            out.push_back('\t');
            break;
        case 'u': {
            std::uint32_t code = hexCode(text.substr(at + 1));
            at += 4;
            if (code >= 0xDC00 && code < 0xE000)
                return std::nullopt;
            if (code >= 0xD800 && code < 0xDC00) {
                if (text.substr(at + 1, 2) != "\\u")
                    return std::nullopt;
                const std::uint32_t low = hexCode(text.substr(at + 3));
                if (low < 0xDC00 || low >= 0xE000)
                    return std::nullopt;
                code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
                at += 6;
            }
            appendUtf8(out, code);
            break;
        }
        default:
            out.push_back(c);
        }
    }
    return out;
}

void appendQuoted(std::string& out, std::string_view text) {
    static constexpr std::string_view Hex = "0123456789abcdef";
    out.push_back('"');
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out.push_back('\\');
            out.push_back(c);
        } else if (byte < 0x20) {
            out.append("\\u00").push_back(Hex[byte >> 4]);
            out.push_back(Hex[byte & 15]);
        } else {
            out.push_back(c);
        }
    }
    out.push_back('"');
}

std::string quotedJson(std::string_view text) {
    std::string out;
    appendQuoted(out, text);
    return out;
}

namespace {

/// What an open object has said of itself so far.
struct OpenObject {
    std::size_t from = 0;
    std::string_view marked, number; // the values of `_placeholder` and `num`; empty: not there
    bool isAmbiguous = false;        // one of them stands twice: readers differ in which one counts
};

/// Where the string that begins at `from` has ended.
std::size_t stringEnd(std::string_view text, std::size_t from) {
    Cursor cursor(text.substr(from));
    cursor.string();
    return from + cursor.at();
}

std::size_t afterBlanks(std::string_view text, std::size_t at) {
    while (at < text.size() && isBlank(text[at]))
        ++at;
    return at;
}

/// Keeps what `key` says, when it is one of the two that count. `value` begins with the key's value.
void note(OpenObject& object, std::string_view key, std::string_view value) {
    std::optional<std::string> decoded; // peers look at the decoded key: an escape must not hide one
    if (key.find('\\') != std::string_view::npos) {
        decoded = jsonString(key);
        key = decoded ? std::string_view(*decoded) : std::string_view();
    } else {
        key = key.substr(1, key.size() - 2);
    }
    if (key != "_placeholder" && key != "num")
        return;
    const auto end = value.find_first_of(", \t\r\n}");
    std::string_view& slot = key == "num" ? object.number : object.marked;
    object.isAmbiguous = object.isAmbiguous || !slot.empty();
    slot = value.substr(0, end);
}

std::optional<std::uint64_t> smallNumber(std::string_view text) {
    if (text.empty() || text.size() > 9 || !std::all_of(text.begin(), text.end(), isDigit))
        return std::nullopt;
    std::uint64_t number = 0;
    for (const char c : text)
        number = number * 10 + std::uint64_t(c - '0');
    return number;
}

} // namespace

namespace {

/// In the order in which they end.
std::optional<std::vector<JsonPlaceholder>> placeholders(std::string_view text) {
    std::vector<JsonPlaceholder> found;
    std::vector<OpenObject> open;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (c == '{') {
            open.push_back({at, {}, {}});
        } else if (c == '"') {
            const std::size_t end = stringEnd(text, at);
            const std::size_t colon = afterBlanks(text, end);
            if (!open.empty() && colon < text.size() && text[colon] == ':')
                note(open.back(), text.substr(at, end - at), text.substr(afterBlanks(text, colon + 1)));
            at = end - 1;
        } else if (c == '}' && !open.empty()) {
            const OpenObject object = open.back();
            open.pop_back();
            if (!object.marked.empty() && object.isAmbiguous)
                return std::nullopt;
            if (object.marked != "true")
                continue;
            const auto number = smallNumber(object.number);
            if (!number)
                return std::nullopt;
            found.push_back({text.substr(object.from, at + 1 - object.from), *number});
        }
    }
    return found;
}

} // namespace

std::optional<std::vector<std::uint64_t>> jsonPlaceholders(std::string_view text) {
    const auto found = placeholders(text);
    if (!found)
        return std::nullopt;
    std::vector<std::uint64_t> numbers;
    for (const auto& placeholder : *found)
        numbers.push_back(placeholder.number);
    return numbers;
}

std::optional<std::vector<JsonPlaceholder>> jsonPlaceholderTexts(std::string_view text) {
    auto found = placeholders(text);
    if (!found)
        return std::nullopt;
    std::sort(found->begin(), found->end(),
              [](const auto& a, const auto& b) { return a.text.data() < b.text.data(); });
    std::size_t end = 0; // of the last one that stays
    std::erase_if(*found, [&](const JsonPlaceholder& placeholder) {
        const auto from = std::size_t(placeholder.text.data() - text.data());
        if (from < end)
            return true;
        end = from + placeholder.text.size();
        return false;
    });
    return found;
}

} // namespace server
