// SPDX-License-Identifier: Apache-2.0
#include "server/core/closed_ring.h"
#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

namespace server {

using shared::admin::ClosedRow;

namespace {

constexpr std::size_t LongestText = 160;
constexpr std::uint64_t BlocksOfFind = 8;

/// What has a fixed size; the texts follow, each behind one byte of length.
struct Fixed {
    std::uint64_t number;
    std::int64_t closed_ms, queue_bytes, messagesIn, messagesOut;
    float age_s, idle_s;
    float rtt_ms; ///< negative: unknown
};

template <class Row>
auto texts(Row& row) {
    return std::array{&row.address, &row.user,   &row.dialect, &row.transport,
                      &row.agent,   &row.reason, &row.by};
}

std::string packed(const ClosedRow& row, std::uint64_t number) {
    const Fixed fixed{number,           row.closed_ms,    row.queue_bytes,   row.messages_in,
                      row.messages_out, float(row.age_s), float(row.idle_s), float(row.rtt_ms.value_or(-1))};
    std::string record(sizeof fixed, '\0');
    std::memcpy(record.data(), &fixed, sizeof fixed);
    for (const auto* text : texts(row)) {
        const auto size = std::min(text->size(), LongestText);
        record += char(std::uint8_t(size));
        record.append(*text, 0, size);
    }
    return record;
}

/// Where the record behind this one begins.
std::size_t behind(const std::string& bytes, std::size_t at) {
    at += sizeof(Fixed);
    for (std::size_t text = 0; text < 7; ++text)
        at += 1 + std::uint8_t(bytes[at]);
    return at;
}

ClosedRow unpacked(const std::string& bytes, std::size_t at, std::uint16_t shard) {
    Fixed fixed{};
    std::memcpy(&fixed, bytes.data() + at, sizeof fixed);
    at += sizeof fixed;
    ClosedRow row;
    row.id = shared::ConnectionId{shard, fixed.number}.text();
    row.closed_ms = fixed.closed_ms;
    row.queue_bytes = fixed.queue_bytes;
    row.messages_in = fixed.messagesIn;
    row.messages_out = fixed.messagesOut;
    row.age_s = double(fixed.age_s);
    row.idle_s = double(fixed.idle_s);
    if (fixed.rtt_ms >= 0)
        row.rtt_ms = double(fixed.rtt_ms);
    for (auto* text : texts(row)) {
        const std::size_t size = std::uint8_t(bytes[at]);
        text->assign(bytes, at + 1, size);
        at += 1 + size;
    }
    return row;
}

} // namespace

ClosedRing::ClosedRing(std::uint16_t shard, std::size_t mostRecords, shared::Bytes most)
    : m_shard(shard), m_mostRecords(mostRecords),
      m_mostBlocks(std::max<std::size_t>(2, std::size_t(most.count()) / BlockBytes)) {}

void ClosedRing::add(const ClosedRow& row) {
    shared::ConnectionId id;
    if (!shared::ConnectionId::parse(row.id, id))
        return;
    const auto record = packed(row, id.number);
    if (m_blocks.empty() || m_blocks.back().bytes.size() + record.size() > BlockBytes) {
        if (!m_blocks.empty())
            m_blocks.back().bytes.shrink_to_fit();
        m_blocks.emplace_back();
    }
    auto& block = m_blocks.back();
    block.bytes += record;
    block.newest_ms = std::max(block.newest_ms, row.closed_ms);
    ++block.records;
    ++m_records;
    while (m_blocks.size() > 1 &&
           (m_blocks.size() > m_mostBlocks || m_records - m_blocks.front().records >= m_mostRecords)) {
        m_forgotten_ms = m_blocks.front().newest_ms;
        m_records -= m_blocks.front().records;
        m_blocks.pop_front();
        ++m_first;
    }
}

std::int64_t ClosedRing::newest_ms(std::uint64_t block) const {
    return m_blocks[std::size_t(block - m_first)].newest_ms;
}

void ClosedRing::visit(std::uint64_t block, const std::function<void(const ClosedRow&)>& visitor) const {
    const auto& bytes = m_blocks[std::size_t(block - m_first)].bytes;
    std::vector<std::size_t> places;
    for (std::size_t at = 0; at < bytes.size(); at = behind(bytes, at))
        places.push_back(at);
    for (auto place = places.rbegin(); place != places.rend(); ++place)
        visitor(unpacked(bytes, *place, m_shard));
}

std::optional<ClosedRow> ClosedRing::find(const std::string& id) const {
    std::optional<ClosedRow> found;
    for (std::uint64_t back = 0; back < std::min<std::uint64_t>(BlocksOfFind, m_blocks.size()) && !found;
         ++back)
        visit(lastBlock() - back, [&](const ClosedRow& row) {
            if (row.id == id)
                found = row;
        });
    return found;
}

} // namespace server
