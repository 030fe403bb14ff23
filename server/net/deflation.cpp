// SPDX-License-Identifier: Apache-2.0
#include "server/net/deflation.h"
#include <algorithm>
#include <utility>

namespace server {

using shared::DeflateStage;
using shared::Metric;

namespace {

constexpr int MostWindowBits = 15;

} // namespace

Deflation::Deflation(const DeflateSettings& settings, Counters& counters, const Clock& clock)
    : m_settings(settings), m_counters(counters), m_clock(clock) {}

FramePtr Deflation::deflated(const Frame& frame, Peer& peer) {
    if (!frame.mayDeflate || frame.bytes.size() < m_settings.threshold.count())
        return nullptr;
    const auto& terms = peer.m_terms;
    const auto make = [&] {
        return std::make_unique<Deflater>(m_settings.level, m_settings.memoryLevel, terms.serverWindowBits,
                                          terms.server);
    };
    if (terms.server == ContextTakeover::Yes) {
        if (!peer.m_deflater)
            peer.m_deflater = make();
        return deflate(frame, *peer.m_deflater);
    }
    const auto known =
        std::find_if(frame.deflated.begin(), frame.deflated.end(), [&terms](const auto& deflated) {
            return deflated.windowBits == terms.serverWindowBits;
        });
    if (known != frame.deflated.end())
        return known->frame;
    auto& deflater = m_deflaters[std::size_t(terms.serverWindowBits)];
    if (!deflater)
        deflater = make();
    frame.deflated.push_back({terms.serverWindowBits, deflate(frame, *deflater)});
    return frame.deflated.back().frame;
}

FramePtr Deflation::deflate(const Frame& frame, Deflater& deflater) {
    const auto begun = m_clock.now();
    auto bytes = deflater.deflated(frame.bytes);
    m_counters.add(Metric::DeflateCallsTotal);
    m_counters.observe(Metric::DeflateSeconds, m_clock.now() - begun);
    m_counters.add(Metric::DeflateBytesTotal, DeflateStage::SentPlain, std::int64_t(frame.bytes.size()));
    m_counters.add(Metric::DeflateBytesTotal, DeflateStage::SentDeflated,
                   std::int64_t(bytes ? bytes->size() : frame.bytes.size()));
    return bytes ? std::make_shared<const Frame>(Frame{frame.kind, std::move(*bytes)}) : nullptr;
}

tl::expected<std::string_view, shared::CloseReason> Deflation::inflated(std::string_view payload, Peer& peer,
                                                                        shared::Bytes most) {
    const auto& terms = peer.m_terms;
    auto& inflater = terms.client == ContextTakeover::Yes ? peer.m_inflater : m_inflater;
    if (!inflater)
        inflater = std::make_unique<Inflater>(
            terms.client == ContextTakeover::Yes ? terms.clientWindowBits : MostWindowBits, terms.client);
    const auto begun = m_clock.now();
    const auto message = inflater->inflated(payload, most);
    m_counters.observe(Metric::DeflateSeconds, m_clock.now() - begun);
    m_counters.add(Metric::DeflateBytesTotal, DeflateStage::ReceivedDeflated, std::int64_t(payload.size()));
    if (message)
        m_counters.add(Metric::DeflateBytesTotal, DeflateStage::ReceivedPlain, std::int64_t(message->size()));
    return message;
}

} // namespace server
