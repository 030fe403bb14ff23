// SPDX-License-Identifier: Apache-2.0
// The connections of one shard that have gone, newest first: bounded in number and in bytes. Shard thread.
#pragma once
#include "shared/admin_protocol.h"
#include "shared/types.h"
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>

namespace server {

/// Records are packed one behind the other into blocks of 64 KiB; when there are too many the oldest block
/// goes. A typical record takes some 150 bytes.
class ClosedRing {
public:
    ClosedRing(std::uint16_t shard, std::size_t mostRecords, shared::Bytes most);

    void add(const shared::admin::ClosedRow& row);

    /// Number of the newest block; blocks are read downwards to firstBlock(), which rises meanwhile. None: 0.
    std::uint64_t lastBlock() const { return m_first + m_blocks.size() - 1; }
    std::uint64_t firstBlock() const { return m_first; }
    /// The newest time in a block that is still there.
    std::int64_t newest_ms(std::uint64_t block) const;
    /// Its records, newest first.
    void visit(std::uint64_t block,
               const std::function<void(const shared::admin::ClosedRow&)>& visitor) const;
    /// Looks among the newest few thousand only.
    std::optional<shared::admin::ClosedRow> find(const std::string& id) const;
    /// Before this time something was forgotten; 0: nothing ever was.
    std::int64_t forgottenBefore_ms() const { return m_forgotten_ms; }
    std::size_t records() const { return m_records; }
    std::size_t bytes() const { return m_blocks.size() * BlockBytes; }

private:
    static constexpr std::size_t BlockBytes = 65536;
    struct Block {
        std::string bytes;
        std::size_t records = 0;
        std::int64_t newest_ms = 0;
    };
    const std::uint16_t m_shard;
    const std::size_t m_mostRecords, m_mostBlocks;
    std::deque<Block> m_blocks;
    std::uint64_t m_first = 1;
    std::size_t m_records = 0;
    std::int64_t m_forgotten_ms = 0;
};

} // namespace server
