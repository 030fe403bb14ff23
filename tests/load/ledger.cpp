// SPDX-License-Identifier: Apache-2.0
#include "tests/load/ledger.h"
#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <limits>
#include <random>

Nanoseconds monotonicNow() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

namespace {

constexpr std::size_t FillerBytes = 65536;

/// Made once, the same each time.
const std::string& filler() {
    static const std::string text = [] {
        constexpr std::array<const char*, 16> Words{"price", "volume", "lobby",  "moved",  "to",    "from",
                                                    "level", "user",   "score",  "joined", "order", "open",
                                                    "item",  "north",  "colour", "changed"};
        std::string made;
        std::minstd_rand random(7400);
        while (made.size() < FillerBytes) {
            made.append(Words[random() % Words.size()]).push_back(' ');
            if (random() % 3 == 0)
                made.append(std::to_string(random() % 100000)).push_back(' ');
        }
        made.resize(FillerBytes);
        return made;
    }();
    return text;
}

/// Reads the number behind `key`, which is looked for from `at` on.
template <class Number>
bool numberBehind(std::string_view text, std::size_t& at, std::string_view key, Number& number) {
    at = text.find(key, at);
    if (at == std::string_view::npos)
        return false;
    at += key.size();
    return std::from_chars(text.data() + at, text.data() + text.size(), number).ec == std::errc();
}

} // namespace

std::string markText(const MessageMark& mark, int bytes) {
    std::string text = "{\"p\":" + std::to_string(mark.publisher) + ",\"n\":" + std::to_string(mark.number) +
                       ",\"t\":" + std::to_string(mark.sentAt) + ",\"x\":\"";
    const std::size_t wanted = std::size_t(std::max(bytes, 0));
    for (std::size_t at = mark.number * 61; text.size() + 2 < wanted;) {
        const std::string_view part =
            std::string_view(filler()).substr(at % (FillerBytes / 2), wanted - text.size() - 2);
        text += part;
        at += part.size();
    }
    text += "\"}";
    return text;
}

MessageMark parseMark(std::string_view packet) {
    std::size_t at = 0;
    MessageMark mark;
    int publisher = -1;
    if (numberBehind(packet, at, "{\"p\":", publisher) && numberBehind(packet, at, ",\"n\":", mark.number) &&
        numberBehind(packet, at, ",\"t\":", mark.sentAt))
        mark.publisher = publisher;
    return mark;
}

std::optional<BroadcastMark> parseBroadcast(std::string_view packet) {
    std::size_t at = 0;
    BroadcastMark mark;
    if (numberBehind(packet, at, "{\"b\":", mark.number) && numberBehind(packet, at, ",\"t\":", mark.sentAt))
        return mark;
    return std::nullopt;
}

std::uint64_t Ledger::Publisher::numberAt(Nanoseconds moment) const {
    return first + std::uint64_t(std::lower_bound(sentAt.begin(), sentAt.end(), moment) - sentAt.begin());
}

Ledger::Ledger(int members, int roomSize, int publishersPerRoom, Echo echo)
    : m_roomSize(std::max(roomSize, 1)), m_publishersPerRoom(std::clamp(publishersPerRoom, 1, m_roomSize)),
      m_echo(echo), m_members(std::size_t(std::max(members, 0))) {
    const int rooms = (members + m_roomSize - 1) / m_roomSize;
    m_publishers.resize(std::size_t(rooms) * std::size_t(m_publishersPerRoom));
    for (auto& member : m_members)
        member.tracks.resize(std::size_t(m_publishersPerRoom));
}

int Ledger::publishersOf(int room) const {
    return std::min(m_publishersPerRoom, int(m_members.size()) - firstOf(room));
}

int Ledger::audience(int publisher) const {
    const int first = firstOf(roomOf(publisher));
    const int last = std::min(first + m_roomSize, int(m_members.size()));
    int count = 0;
    for (int member = first; member < last; ++member)
        if (isPresent(member) && (m_echo == Echo::Yes || member != publisher))
            ++count;
    return count;
}

MessageMark Ledger::publish(int publisher, Nanoseconds now) {
    const int room = roomOf(publisher);
    auto& state = m_publishers[std::size_t(room * m_publishersPerRoom + publisher - firstOf(room))];
    MessageMark mark{publisher, state.next(), now};
    state.sentAt.push_back(now);
    ++m_totals.sent;
    return mark;
}

void Ledger::joined(int member, Nanoseconds now) {
    auto& state = m_members[std::size_t(member)];
    const int room = roomOf(member);
    state.isPresent = true;
    state.joinedAt = now;
    for (int place = 0; place < publishersOf(room); ++place) {
        auto& track = state.tracks[std::size_t(place)];
        track.next = track.settled = m_publishers[std::size_t(room * m_publishersPerRoom + place)].next();
        track.missing.clear();
    }
}

void Ledger::left(int member, Nanoseconds now) {
    auto& state = m_members[std::size_t(member)];
    if (!state.isPresent)
        return;
    const int room = roomOf(member);
    for (int place = 0; place < publishersOf(room); ++place) {
        if (m_echo == Echo::No && firstOf(room) + place == member)
            continue;
        const auto& publisher = m_publishers[std::size_t(room * m_publishersPerRoom + place)];
        judge(state, state.tracks[std::size_t(place)], publisher, publisher.next(), now - Edge);
    }
    state.isPresent = false;
}

void Ledger::received(int member, const MessageMark& mark, Nanoseconds now) {
    if (mark.publisher < 0 || mark.publisher >= int(m_members.size()))
        return;
    const int room = roomOf(member);
    const int place = mark.publisher - firstOf(room);
    if (place < 0 || place >= publishersOf(room))
        return;
    auto& state = m_members[std::size_t(member)];
    const auto& publisher = m_publishers[std::size_t(room * m_publishersPerRoom + place)];
    if (mark.number >= publisher.next())
        return;
    ++m_totals.deliveries;
    const Nanoseconds took = std::max<Nanoseconds>(now - mark.sentAt, 0);
    m_totals.latency.add(std::uint64_t(took / 1000));
    m_totals.longest = std::max(m_totals.longest, took);
    if (!state.isPresent)
        return;
    auto& track = state.tracks[std::size_t(place)];
    if (mark.number < track.settled)
        return;
    if (mark.number >= track.next) {
        for (std::uint64_t number = track.next; number < mark.number; ++number)
            track.missing.push_back(number);
        track.next = mark.number + 1;
        return;
    }
    const auto hole = std::lower_bound(track.missing.begin(), track.missing.end(), mark.number);
    if (hole != track.missing.end() && *hole == mark.number) {
        track.missing.erase(hole);
        ++m_totals.reordered;
    } else {
        ++m_totals.duplicated;
    }
}

void Ledger::judge(MemberState& member, Track& track, const Publisher& publisher, std::uint64_t to,
                   Nanoseconds until) {
    const std::uint64_t from = std::max(track.settled, publisher.numberAt(member.joinedAt + Edge));
    const std::uint64_t end =
        until == std::numeric_limits<Nanoseconds>::max() ? to : std::min(to, publisher.numberAt(until + 1));
    if (from < end) {
        std::uint64_t lost = end > std::max(track.next, from) ? end - std::max(track.next, from) : 0;
        for (const std::uint64_t number : track.missing)
            if (number >= from && number < end)
                ++lost;
        m_totals.expected += end - from;
        m_totals.lost += lost;
        m_totals.received += end - from - lost;
    }
    std::erase_if(track.missing, [to](std::uint64_t number) { return number < to; });
    track.settled = std::max(track.settled, to);
    track.next = std::max(track.next, to);
}

void Ledger::settle(Nanoseconds now) {
    const Nanoseconds until = now - Patience;
    for (int room = 0; firstOf(room) < int(m_members.size()); ++room) {
        const int first = firstOf(room);
        const int last = std::min(first + m_roomSize, int(m_members.size()));
        for (int place = 0; place < publishersOf(room); ++place) {
            auto& publisher = m_publishers[std::size_t(room * m_publishersPerRoom + place)];
            const std::uint64_t to = publisher.numberAt(until);
            if (to == publisher.first)
                continue;
            for (int member = first; member < last; ++member) {
                auto& state = m_members[std::size_t(member)];
                if (state.isPresent && (m_echo == Echo::Yes || member != first + place))
                    judge(state, state.tracks[std::size_t(place)], publisher, to,
                          std::numeric_limits<Nanoseconds>::max());
            }
            publisher.sentAt.erase(publisher.sentAt.begin(),
                                   publisher.sentAt.begin() + std::ptrdiff_t(to - publisher.first));
            publisher.first = to;
        }
    }
}

void Ledger::finish() {
    for (int member = 0; member < int(m_members.size()); ++member)
        if (isPresent(member))
            left(member, std::numeric_limits<Nanoseconds>::max() - Edge);
}

std::uint64_t Ledger::outstanding() const {
    std::uint64_t count = 0;
    for (int member = 0; member < int(m_members.size()); ++member) {
        const auto& state = m_members[std::size_t(member)];
        const int room = roomOf(member);
        if (!state.isPresent)
            continue;
        for (int place = 0; place < publishersOf(room); ++place) {
            if (m_echo == Echo::No && firstOf(room) + place == member)
                continue;
            const auto& track = state.tracks[std::size_t(place)];
            count += m_publishers[std::size_t(room * m_publishersPerRoom + place)].next() - track.next +
                     track.missing.size();
        }
    }
    return count;
}
