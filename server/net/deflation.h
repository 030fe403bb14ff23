// SPDX-License-Identifier: Apache-2.0
// The compression of one shard's connections: streams that they share, and those of their own where a peer
// keeps its window from message to message. Counts bytes, calls and time. Shard thread.
#pragma once
#include "server/core/clock.h"
#include "server/core/counters.h"
#include "server/core/frame.h"
#include "server/net/deflate.h"
#include <array>
#include <memory>
#include <string_view>

namespace server {

class Deflation {
public:
    /// What one connection has agreed to. With takeover it holds streams of its own from the first message
    /// on: deflating 2^(bits + 2) + 2^(memory_level + 9) bytes, inflating 2^bits and 7 KiB.
    class Peer {
    public:
        explicit Peer(const DeflateTerms& terms) : m_terms(terms) {}

    private:
        friend class Deflation;
        DeflateTerms m_terms;
        std::unique_ptr<Deflater> m_deflater;
        std::unique_ptr<Inflater> m_inflater;
    };

    /// `settings` outlives it; level and memory level are those of its start.
    Deflation(const DeflateSettings& settings, Counters& counters, const Clock& clock);
    /// The frame to send in place of `frame`, made once for all whose window is the same; null: send it as it
    /// is.
    FramePtr deflated(const Frame& frame, Peer& peer);
    /// The message, which lives until the next call, or why the connection ends.
    tl::expected<std::string_view, shared::CloseReason> inflated(std::string_view payload, Peer& peer,
                                                                 shared::Bytes most);

private:
    FramePtr deflate(const Frame& frame, Deflater& deflater);

    static constexpr std::size_t Windows = 16;
    const DeflateSettings& m_settings;
    Counters& m_counters;
    const Clock& m_clock;
    std::array<std::unique_ptr<Deflater>, Windows> m_deflaters; ///< without takeover, by window bits
    std::unique_ptr<Inflater> m_inflater; ///< without takeover: the largest window reads all others
};

} // namespace server
