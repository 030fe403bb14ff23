// SPDX-License-Identifier: Apache-2.0
// The node's own numbers held against what each member got: those of one origin come without a hole, each
// once, rising. One thread.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

class SeqCheck {
public:
    struct Totals {
        std::uint64_t missing = 0, duplicated = 0, reordered = 0;
    };

    explicit SeqCheck(int members) : m_members(std::size_t(members)) {}

    /// Begins anew: what came before this join is no hole. Own publishes have origins that begin with
    /// `ownOrigin`.
    void joined(int member, std::string ownOrigin);
    /// An own publish that is not echoed: its number is no hole.
    void published(int member, std::uint64_t seq);
    void received(int member, std::string_view origin, std::uint64_t seq);
    /// Holes that are open now count as missing.
    Totals totals() const;

private:
    struct Track {
        std::string origin;
        std::uint64_t first = 0, next = 0;  ///< of what came
        std::vector<std::uint64_t> missing; ///< between them, ascending
    };
    struct MemberState {
        std::string ownOrigin;
        std::vector<std::uint64_t> own; ///< ascending, not yet passed
        std::vector<Track> tracks;      ///< an origin is a shard: there are few
        bool isOwn(const Track& track) const { return track.origin.starts_with(ownOrigin); }
    };

    std::vector<MemberState> m_members;
    Totals m_totals; ///< of what has ended
};
