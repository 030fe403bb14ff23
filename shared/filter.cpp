// SPDX-License-Identifier: Apache-2.0
#include "shared/filter.h"
#include "shared/nearest_word.h"
#include "shared/network.h"
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <span>

namespace shared {

namespace {

using Key = Filter::Key;
using Operator = Filter::Operator;

constexpr std::size_t LongestText = 4096;
constexpr std::size_t MostTerms = 64;

enum class Kind : std::uint8_t { Text, Exact, Choice, Network, Duration, Milliseconds, Size, Count };

struct KeyRow {
    std::string_view name;
    Key key;
    Kind kind;
    std::string_view example;
    std::array<std::string_view, 2> choices = {};
};

constexpr std::array Keys{
    KeyRow{"id", Key::Id, Kind::Exact, "id=0-17"},
    KeyRow{"ip", Key::Ip, Kind::Network, "ip=10.0.0.0/8"},
    KeyRow{"user", Key::User, Kind::Text, "user=alice"},
    KeyRow{"dialect", Key::Dialect, Kind::Choice, "dialect=json", {"socketio", "json"}},
    KeyRow{"transport", Key::Transport, Kind::Choice, "transport=polling", {"websocket", "polling"}},
    KeyRow{"agent", Key::Agent, Kind::Text, "agent~python"},
    KeyRow{"room", Key::Room, Kind::Exact, "room=lobby"},
    KeyRow{"idle", Key::Idle, Kind::Duration, "idle>10m"},
    KeyRow{"age", Key::Age, Kind::Duration, "age<1h"},
    KeyRow{"queue", Key::Queue, Kind::Size, "queue>64k"},
    KeyRow{"rooms", Key::Rooms, Kind::Count, "rooms>10"},
    KeyRow{"rtt", Key::Rtt, Kind::Milliseconds, "rtt>200ms"},
};

std::string_view operatorsOf(Kind kind) {
    switch (kind) {
    case Kind::Text:
        return "=, != or ~";
    case Kind::Exact:
    case Kind::Choice:
    case Kind::Network:
        return "= or !=";
    case Kind::Duration:
    case Kind::Milliseconds:
    case Kind::Size:
    case Kind::Count:
        return "<, >, = or !=";
    }
    return {};
}

bool mayStand(Kind kind, Operator op) {
    switch (op) {
    case Operator::Equal:
    case Operator::NotEqual:
        return true;
    case Operator::Contains:
        return kind == Kind::Text;
    case Operator::Less:
    case Operator::Greater:
        return kind == Kind::Duration || kind == Kind::Milliseconds || kind == Kind::Size ||
               kind == Kind::Count;
    }
    return false;
}

/// ` (did you mean room?)`, or nothing when no candidate is near.
std::string suggestion(std::string_view word, std::span<const std::string_view> candidates) {
    const std::size_t near = word.size() <= 3 ? 1 : 2;
    std::string_view best;
    std::size_t least = near + 1;
    for (const auto candidate : candidates) {
        const auto steps = word.size() > 32 ? least : wordDistance(word, candidate);
        if (steps < least) {
            least = steps;
            best = candidate;
        }
    }
    return best.empty() ? std::string() : " (did you mean " + std::string(best) + "?)";
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
}

bool containsIgnoringCase(std::string_view text, std::string_view part) {
    return std::search(text.begin(), text.end(), part.begin(), part.end(),
                       [](char a, char b) { return lower(a) == lower(b); }) != text.end();
}

struct Unit {
    std::string_view name;
    double factor;
};
constexpr std::array DurationUnits{Unit{"", 1},   Unit{"ms", 0.001}, Unit{"s", 1},
                                   Unit{"m", 60}, Unit{"h", 3600},   Unit{"d", 86400}};
constexpr std::array MillisecondUnits{Unit{"", 1}, Unit{"ms", 1}, Unit{"s", 1000}};
constexpr std::array SizeUnits{Unit{"", 1}, Unit{"k", 1024}, Unit{"m", 1024 * 1024}};
constexpr std::array CountUnits{Unit{"", 1}};

std::span<const Unit> unitsOf(Kind kind) {
    switch (kind) {
    case Kind::Duration:
        return DurationUnits;
    case Kind::Milliseconds:
        return MillisecondUnits;
    case Kind::Size:
        return SizeUnits;
    case Kind::Text:
    case Kind::Exact:
    case Kind::Choice:
    case Kind::Network:
    case Kind::Count:
        return CountUnits;
    }
    return {};
}

std::string_view valuesOf(Kind kind) {
    switch (kind) {
    case Kind::Duration:
        return "a number with s, m, h or d";
    case Kind::Milliseconds:
        return "a number with ms or s";
    case Kind::Size:
        return "a number of bytes, with k (KiB) or m (MiB)";
    case Kind::Count:
        return "a number";
    case Kind::Network:
        return "an address or a network such as 10.0.0.0/8 or fd00::/8";
    case Kind::Text:
    case Kind::Exact:
    case Kind::Choice:
        return "a text";
    }
    return {};
}

std::optional<double> parseNumber(std::string_view text, std::span<const Unit> units) {
    // Digits and one point only: from_chars would take "inf" and "1e9", which no one means here.
    const auto digits = std::min(text.find_first_not_of("0123456789."), text.size());
    double number = 0;
    const auto [next, error] = std::from_chars(text.data(), text.data() + digits, number);
    if (digits == 0 || error != std::errc() || next != text.data() + digits)
        return std::nullopt;
    const auto name = text.substr(digits);
    for (const auto& unit : units) {
        if (name.size() == unit.name.size() && std::equal(name.begin(), name.end(), unit.name.begin(),
                                                          [](char a, char b) { return lower(a) == b; }))
            return number * unit.factor;
    }
    return std::nullopt;
}

class Parser {
public:
    explicit Parser(std::string_view text) : m_text(text) {}

    Result<std::vector<Filter::Term>> all() {
        if (m_text.size() > LongestText)
            return failure(ErrorCode::InvalidFilter, "a filter has at most 4096 bytes");
        std::vector<Filter::Term> terms;
        for (skipBlanks(); m_at < m_text.size(); skipBlanks()) {
            if (terms.size() == MostTerms)
                return wrong(m_at, "a filter has at most 64 words");
            auto one = term();
            if (!one)
                return tl::unexpected<Error>(one.error());
            terms.push_back(std::move(*one));
        }
        return terms;
    }

private:
    static bool isBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
    static bool isOfWord(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

    void skipBlanks() {
        while (m_at < m_text.size() && isBlank(m_text[m_at]))
            ++m_at;
    }

    /// Columns count characters from 1, as an editor shows them.
    [[nodiscard]] tl::unexpected<Error> wrong(std::size_t at, std::string_view what) const {
        const auto before = m_text.substr(0, at);
        const auto column = 1 + std::count_if(before.begin(), before.end(),
                                              [](char c) { return (std::uint8_t(c) & 0xc0) != 0x80; });
        return failure(ErrorCode::InvalidFilter,
                       "column " + std::to_string(column) + ": " + std::string(what));
    }

    Result<Filter::Term> term() {
        const auto begin = m_at;
        while (m_at < m_text.size() && isOfWord(m_text[m_at]))
            ++m_at;
        const auto word = m_text.substr(begin, m_at - begin);
        const auto row =
            std::find_if(Keys.begin(), Keys.end(), [&](const KeyRow& r) { return r.name == word; });
        if (row == Keys.end())
            return unknownKey(begin, word);
        const auto opAt = m_at;
        const auto op = readOperator();
        if (!op || !mayStand(row->kind, *op))
            return wrong(opAt, "after " + std::string(row->name) + " may stand " +
                                   std::string(operatorsOf(row->kind)) + ", as in " +
                                   std::string(row->example));
        const auto valueAt = m_at;
        auto value = readValue();
        if (!value)
            return tl::unexpected<Error>(value.error());
        Filter::Term made{row->key, *op, std::move(*value), 0, {}, 0};
        if (auto mistake = judge(*row, made, valueAt == m_at); !mistake.empty())
            return wrong(valueAt, mistake);
        return made;
    }

    tl::unexpected<Error> unknownKey(std::size_t begin, std::string_view word) const {
        std::array<std::string_view, Keys.size()> names;
        std::string list;
        for (std::size_t i = 0; i < Keys.size(); ++i) {
            names[i] = Keys[i].name;
            list += (i == 0 ? "" : ", ") + std::string(names[i]);
        }
        if (word.empty())
            return wrong(begin, "a word begins with one of " + list);
        return wrong(begin, "no key " + std::string(word.substr(0, 32)) + suggestion(word, names) +
                                "; there are " + list);
    }

    std::optional<Operator> readOperator() {
        const auto rest = m_text.substr(m_at);
        if (rest.starts_with("!=")) {
            m_at += 2;
            return Operator::NotEqual;
        }
        if (rest.empty())
            return std::nullopt;
        ++m_at;
        switch (rest[0]) {
        case '=':
            return Operator::Equal;
        case '<':
            return Operator::Less;
        case '>':
            return Operator::Greater;
        case '~':
            return Operator::Contains;
        default:
            --m_at;
            return std::nullopt;
        }
    }

    /// Up to the next blank; within quotes blanks count, and a backslash takes the next character as it is.
    Result<std::string> readValue() {
        std::string value;
        if (m_at == m_text.size() || m_text[m_at] != '"') {
            const auto begin = m_at;
            while (m_at < m_text.size() && !isBlank(m_text[m_at]))
                ++m_at;
            return std::string(m_text.substr(begin, m_at - begin));
        }
        const auto quote = m_at++;
        while (m_at < m_text.size() && m_text[m_at] != '"') {
            if (m_text[m_at] == '\\' && m_at + 1 < m_text.size())
                ++m_at;
            value += m_text[m_at++];
        }
        if (m_at == m_text.size())
            return wrong(quote, "this quote is never closed");
        ++m_at;
        if (m_at < m_text.size() && !isBlank(m_text[m_at]))
            return wrong(m_at, "after the closing quote may stand a blank or the end");
        return value;
    }

    /// What is wrong with the value, or nothing; completes the term.
    static std::string judge(const KeyRow& row, Filter::Term& term, bool isMissing) {
        if (isMissing)
            return "a value is missing: " + std::string(valuesOf(row.kind)) + ", as in " +
                   std::string(row.example);
        switch (row.kind) {
        case Kind::Text:
        case Kind::Exact:
            return {};
        case Kind::Choice:
            if (std::find(row.choices.begin(), row.choices.end(), term.text) != row.choices.end())
                return {};
            return std::string(row.name) + " is " + std::string(row.choices[0]) + " or " +
                   std::string(row.choices[1]) + suggestion(term.text, row.choices);
        case Kind::Network:
            if (auto network = parseNetwork(term.text)) {
                term.network = std::move(network->bytes);
                term.prefix = network->prefix;
                return {};
            }
            break;
        case Kind::Duration:
        case Kind::Milliseconds:
        case Kind::Size:
        case Kind::Count:
            if (const auto number = parseNumber(term.text, unitsOf(row.kind))) {
                term.number = *number;
                return {};
            }
            break;
        }
        return "here may stand " + std::string(valuesOf(row.kind)) + ", as in " + std::string(row.example);
    }

    std::string_view m_text;
    std::size_t m_at = 0;
};

bool compareText(std::string_view text, const Filter::Term& term) {
    switch (term.op) {
    case Operator::Equal:
        return text == term.text;
    case Operator::NotEqual:
        return text != term.text;
    case Operator::Contains:
        return containsIgnoringCase(text, term.text);
    case Operator::Less:
    case Operator::Greater:
        return false;
    }
    return false;
}

bool compareNumber(double number, const Filter::Term& term) {
    switch (term.op) {
    case Operator::Equal:
        return number == term.number;
    case Operator::NotEqual:
        return number != term.number;
    case Operator::Less:
        return number < term.number;
    case Operator::Greater:
        return number > term.number;
    case Operator::Contains:
        return false;
    }
    return false;
}

bool matchesTerm(const FilterSubject& subject, const Filter::Term& term) {
    const bool isNegated = term.op == Operator::NotEqual;
    switch (term.key) {
    case Key::Id:
        return compareText(subject.id, term);
    case Key::User:
        return compareText(subject.user, term);
    case Key::Dialect:
        return compareText(subject.dialect, term);
    case Key::Transport:
        return compareText(subject.transport, term);
    case Key::Agent:
        return compareText(subject.agent, term);
    case Key::Ip: {
        const auto address = addressOfPeer(subject.address);
        return (address && isInNetwork(*address, term.network, term.prefix)) != isNegated;
    }
    case Key::Room:
        return (subject.isInRoom && subject.isInRoom(subject.context, term.text)) != isNegated;
    case Key::Idle:
        return compareNumber(subject.idle_s, term);
    case Key::Age:
        return compareNumber(subject.age_s, term);
    case Key::Queue:
        return compareNumber(double(subject.queue_bytes), term);
    case Key::Rooms:
        return compareNumber(double(subject.rooms), term);
    case Key::Rtt:
        return subject.rtt_ms >= 0 && compareNumber(subject.rtt_ms, term);
    }
    return false;
}

} // namespace

Result<Filter> Filter::parse(std::string_view text) {
    auto terms = Parser(text).all();
    if (!terms)
        return tl::unexpected<Error>(terms.error());
    Filter filter;
    filter.m_terms = std::move(*terms);
    return filter;
}

bool Filter::matches(const FilterSubject& subject) const {
    return std::all_of(m_terms.begin(), m_terms.end(),
                       [&](const Term& term) { return matchesTerm(subject, term); });
}

} // namespace shared
