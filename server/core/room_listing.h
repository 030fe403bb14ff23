// SPDX-License-Identifier: Apache-2.0
// The order of a room listing and its cursor: shards choose their rows by it, main adds up the rows of one
// room and cuts the page. Any thread.
#pragma once
#include "shared/admin_protocol.h"
#include "shared/result.h"
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace server {

class RoomOrder {
public:
    /// Refuses a cursor that no answer ever gave.
    static shared::Result<RoomOrder> create(const shared::admin::RoomsRequest& request);

    /// What one shard sends of its own rows: those that can stand in the page, best first. A room that its
    /// walk met twice stays once. False when rows were left out that another shard's could have lifted into
    /// the page.
    bool choose(std::vector<shared::admin::RoomRow>& rows) const;
    /// choose() is due: enough has been gathered.
    bool isAmple(std::size_t rows) const { return rows >= 2 * m_most + 1000; }
    /// Rows that choose() keeps at most. By name a shard's own page is enough; by members or rate the sum
    /// over shards decides, so each sends its 10,000 foremost.
    std::size_t most() const { return m_most; }
    bool isMatch(const std::string& room) const { return room.find(m_filter) != std::string::npos; }

    /// One page of all shards' rows. A room is delivered to on each shard that has members of it: members add
    /// up, the rate is that of the shard that saw most.
    shared::admin::RoomsAnswer page(std::vector<shared::admin::RoomRow> rows) const;
    /// The cursor behind this row.
    std::string cursorAfter(const shared::admin::RoomRow& row) const;

private:
    using Position = std::tuple<double, std::string_view, std::string_view>; ///< value, room, namespace
    struct Cursor {
        double value = 0;
        std::string room, space;
    };
    RoomOrder() = default;
    Position position(const shared::admin::RoomRow& row) const;
    bool isBefore(const Position& a, const Position& b) const { return m_isDescending ? b < a : a < b; }
    bool isBehindCursor(const Position& place) const {
        return !m_after || isBefore({m_after->value, m_after->room, m_after->space}, place);
    }
    void sort(std::vector<shared::admin::RoomRow>& rows, std::size_t limit) const;
    shared::admin::RoomSortKey m_key = shared::admin::RoomSortKey::Name;
    bool m_isDescending = false;
    std::size_t m_limit = 100, m_most = 100;
    std::string m_filter;
    std::optional<Cursor> m_after;
};

/// Rows of one room, put together.
std::vector<shared::admin::RoomRow> mergedRooms(std::vector<shared::admin::RoomRow> rows);

} // namespace server
