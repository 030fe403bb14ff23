// SPDX-License-Identifier: Apache-2.0
#include "tests/load/seq_check.h"
#include <algorithm>

namespace {

bool takeOut(std::vector<std::uint64_t>& numbers, std::uint64_t number) {
    const auto at = std::lower_bound(numbers.begin(), numbers.end(), number);
    if (at == numbers.end() || *at != number)
        return false;
    numbers.erase(at);
    return true;
}

} // namespace

void SeqCheck::joined(int member, std::string ownOrigin) {
    auto& state = m_members[std::size_t(member)];
    for (const auto& track : state.tracks)
        m_totals.missing += track.missing.size();
    state = {std::move(ownOrigin), {}, {}};
}

void SeqCheck::published(int member, std::uint64_t seq) {
    auto& state = m_members[std::size_t(member)];
    for (auto& track : state.tracks) {
        if (state.isOwn(track) && seq < track.next) {
            takeOut(track.missing, seq);
            return;
        }
    }
    state.own.insert(std::upper_bound(state.own.begin(), state.own.end(), seq), seq);
}

void SeqCheck::received(int member, std::string_view origin, std::uint64_t seq) {
    auto& state = m_members[std::size_t(member)];
    auto track = std::find_if(state.tracks.begin(), state.tracks.end(),
                              [origin](const Track& each) { return each.origin == origin; });
    if (track == state.tracks.end()) {
        state.tracks.push_back({std::string(origin), seq, seq, {}});
        track = std::prev(state.tracks.end());
    }
    if (seq >= track->next) {
        for (std::uint64_t hole = track->next; hole < seq; ++hole) {
            if (!state.isOwn(*track) || !takeOut(state.own, hole))
                track->missing.push_back(hole);
        }
        track->next = seq + 1;
    } else if (seq < track->first) { // late, and before all that came
        for (std::uint64_t hole = seq + 1; hole < track->first; ++hole)
            track->missing.insert(std::lower_bound(track->missing.begin(), track->missing.end(), hole), hole);
        track->first = seq;
        ++m_totals.reordered;
    } else if (takeOut(track->missing, seq)) {
        ++m_totals.reordered;
    } else {
        ++m_totals.duplicated;
    }
    if (state.isOwn(*track))
        state.own.erase(state.own.begin(), std::lower_bound(state.own.begin(), state.own.end(), track->next));
}

SeqCheck::Totals SeqCheck::totals() const {
    Totals totals = m_totals;
    for (const auto& state : m_members)
        for (const auto& track : state.tracks)
            totals.missing += track.missing.size();
    return totals;
}
