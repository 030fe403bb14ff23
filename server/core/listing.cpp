// SPDX-License-Identifier: Apache-2.0
#include "server/core/listing.h"
#include <algorithm>
#include <charconv>
#include <cmath>

namespace server {

using shared::admin::ConnectionRow;
using shared::admin::SortKey;

ListPosition listPosition(const ConnectionRow& row, SortKey key) {
    ListPosition position;
    shared::ConnectionId::parse(row.id, position.id);
    switch (key) {
    case SortKey::Id:
        break;
    case SortKey::Since:
        position.value = double(row.since_ms);
        break;
    case SortKey::Idle:
        position.value = -row.active_s; // idle_s itself grows between two pages, and would skip rows
        break;
    case SortKey::Queue:
        position.value = double(row.queue_bytes);
        break;
    case SortKey::Rooms:
        position.value = double(row.rooms);
        break;
    case SortKey::Rtt:
        position.value = row.rtt_ms.value_or(-1);
        break;
    case SortKey::InRate:
        position.value = row.in_rate;
        break;
    case SortKey::OutRate:
        position.value = row.out_rate;
        break;
    }
    return position;
}

shared::Result<ListOrder> ListOrder::create(SortKey key, bool descending, const std::string& cursor) {
    ListOrder order(key, descending);
    if (cursor.empty())
        return order;
    const auto slash = cursor.find('/');
    ListPosition after;
    if (slash != std::string::npos && cursor.size() < 100) {
        const auto* begin = cursor.data();
        const auto [end, error] = std::from_chars(begin, begin + slash, after.value);
        if (error == std::errc{} && end == begin + slash && std::isfinite(after.value) &&
            shared::ConnectionId::parse(std::string_view(cursor).substr(slash + 1), after.id)) {
            order.m_after = after;
            return order;
        }
    }
    return shared::failure(shared::ErrorCode::BadRequest, "cursor: not one that an answer gave");
}

void ListOrder::sort(std::vector<ConnectionRow>& rows, std::size_t limit) const {
    // Positions are made once, rows are moved once: a row is some 300 bytes and its id a text.
    std::vector<std::pair<ListPosition, std::size_t>> places;
    places.reserve(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i)
        places.emplace_back(position(rows[i]), i);
    const auto middle = places.begin() + std::ptrdiff_t(std::min(limit, places.size()));
    std::partial_sort(places.begin(), middle, places.end(),
                      [&](const auto& a, const auto& b) { return isBefore(a.first, b.first); });
    std::vector<ConnectionRow> sorted;
    sorted.reserve(std::size_t(middle - places.begin()));
    for (auto it = places.begin(); it != middle; ++it)
        sorted.push_back(std::move(rows[it->second]));
    rows = std::move(sorted);
}

std::string ListOrder::cursorAfter(const ConnectionRow& row) const {
    const auto place = position(row);
    char digits[40];
    const auto [end, error] =
        std::to_chars(digits, digits + sizeof digits, place.value); // exact: it is read again
    return (error == std::errc{} ? std::string(digits, end) : "0") + "/" + place.id.text();
}

} // namespace server
