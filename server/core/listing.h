// SPDX-License-Identifier: Apache-2.0
// The order of a connection listing and its cursor: shards cut their page by it, main merges the pages. Any
// thread.
#pragma once
#include "shared/admin_protocol.h"
#include "shared/result.h"
#include <optional>
#include <string>
#include <vector>

namespace server {

/// Where a row stands: by its sort value, then by its id (shard, number). Unknown round trips come first.
struct ListPosition {
    double value = 0;
    shared::ConnectionId id;
    auto operator<=>(const ListPosition&) const = default;
};

ListPosition listPosition(const shared::admin::ConnectionRow& row, shared::admin::SortKey key);

/// The order of a listing and where its page begins.
class ListOrder {
public:
    /// Refuses a cursor that no answer ever gave. An empty one is the beginning.
    static shared::Result<ListOrder> create(shared::admin::SortKey key, bool descending,
                                            const std::string& cursor);
    bool isBefore(const ListPosition& a, const ListPosition& b) const { return m_descending ? b < a : a < b; }
    /// Whether a row stands behind the cursor.
    bool isInPage(const ListPosition& position) const { return !m_after || isBefore(*m_after, position); }
    ListPosition position(const shared::admin::ConnectionRow& row) const { return listPosition(row, m_key); }
    /// Sorts, and cuts to `limit` rows.
    void sort(std::vector<shared::admin::ConnectionRow>& rows, std::size_t limit) const;
    /// The cursor behind this row.
    std::string cursorAfter(const shared::admin::ConnectionRow& row) const;

private:
    ListOrder(shared::admin::SortKey key, bool descending) : m_key(key), m_descending(descending) {}
    shared::admin::SortKey m_key;
    bool m_descending;
    std::optional<ListPosition> m_after;
};

} // namespace server
