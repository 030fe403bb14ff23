// SPDX-License-Identifier: Apache-2.0
// What was published, who had to get it, and what became of it: lost, doubled, late, how long it took. One
// thread.
#pragma once
#include "shared/histogram.h"
#include "tests/load/options.h"
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Nanoseconds of the monotonic clock: one machine, so that senders and receivers agree.
using Nanoseconds = std::int64_t;
Nanoseconds monotonicNow();

/// What weir-load writes into `data`.
struct MessageMark {
    int publisher = -1;
    std::uint64_t number = 0;
    Nanoseconds sentAt = 0;
};
/// `{"p":1,"n":2,"t":3,"x":"…"}`, filled up to `bytes` with words and numbers that compress as such do.
std::string markText(const MessageMark& mark, int bytes);
/// What another program writes into the `data` of an event to everybody: `{"b":1,"t":2}`.
struct BroadcastMark {
    std::uint64_t number = 0;
    Nanoseconds sentAt = 0;
};
std::optional<BroadcastMark> parseBroadcast(std::string_view packet);
/// Finds the mark in a packet; publisher -1 when there is none.
MessageMark parseMark(std::string_view packet);

/// A member must get what is published from 1 s after its join's ack to 1 s before its end; nearer to either
/// end counts as neither. What is missing 10 s after it was sent is lost, so memory holds the last seconds
/// only.
class Ledger {
public:
    static constexpr Nanoseconds Second = 1'000'000'000;
    static constexpr Nanoseconds Edge = Second;
    static constexpr Nanoseconds Patience = 10 * Second;

    struct Totals {
        std::uint64_t sent = 0, expected = 0, received = 0, lost = 0, duplicated = 0, reordered = 0;
        std::uint64_t deliveries = 0; ///< everything that came in, edges included
        Nanoseconds longest = 0;
        shared::Histogram latency; ///< in microseconds
    };

    /// Members 0 … n-1 sit in rooms of `roomSize`, in order; the first `publishersPerRoom` of a room may
    /// publish.
    Ledger(int members, int roomSize, int publishersPerRoom, Echo echo);

    int roomOf(int member) const { return member / m_roomSize; }
    bool isPresent(int member) const { return m_members[std::size_t(member)].isPresent; }
    /// Members of `publisher`'s room who are in now and will be told of its messages.
    int audience(int publisher) const;

    MessageMark publish(int publisher, Nanoseconds now);
    void joined(int member, Nanoseconds now);
    /// The hint or the close that ends its connection.
    void left(int member, Nanoseconds now);
    void received(int member, const MessageMark& mark, Nanoseconds now);
    /// Judges what is older than Patience; to be called every few seconds.
    void settle(Nanoseconds now);
    /// The end of a run: everything published must have arrived by now.
    void finish();
    /// How many are expected of those present and have not come yet.
    std::uint64_t outstanding() const;
    const Totals& totals() const { return m_totals; }

private:
    struct Publisher {
        std::uint64_t first = 0; ///< number of sentAt.front()
        std::deque<Nanoseconds> sentAt;
        std::uint64_t next() const { return first + sentAt.size(); }
        /// The first number sent at `moment` or later.
        std::uint64_t numberAt(Nanoseconds moment) const;
    };
    /// One member's view of one publisher.
    struct Track {
        std::uint64_t settled = 0;          ///< everything before is judged
        std::uint64_t next = 0;             ///< one past the highest number that came
        std::vector<std::uint64_t> missing; ///< holes below next, ascending
    };
    struct MemberState {
        bool isPresent = false;
        Nanoseconds joinedAt = 0;
        std::vector<Track> tracks; ///< one per publisher of its room
    };

    int firstOf(int room) const { return room * m_roomSize; }
    int publishersOf(int room) const;
    void judge(MemberState& member, Track& track, const Publisher& publisher, std::uint64_t to,
               Nanoseconds until);

    int m_roomSize, m_publishersPerRoom;
    Echo m_echo;
    std::vector<MemberState> m_members;
    std::vector<Publisher> m_publishers; ///< room × publishersPerRoom + place
    Totals m_totals;
};
