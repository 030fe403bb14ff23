// SPDX-License-Identifier: Apache-2.0
#include "server/core/room_listing.h"
#include <QByteArray>
#include <algorithm>
#include <charconv>
#include <cmath>

namespace server {

using shared::admin::RoomRow;
using shared::admin::RoomsAnswer;
using shared::admin::RoomSortKey;
using shared::admin::RoomsRequest;

namespace {
constexpr std::size_t MostOfAShard = 10000;
constexpr std::size_t LongestCursor = 4096;

auto key(const RoomRow& row) {
    return std::tie(row.space, row.room);
}
void sortByName(std::vector<RoomRow>& rows) {
    std::sort(rows.begin(), rows.end(), [](const RoomRow& a, const RoomRow& b) { return key(a) < key(b); });
}
} // namespace

shared::Result<RoomOrder> RoomOrder::create(const RoomsRequest& request) {
    RoomOrder order;
    order.m_key = request.sort;
    order.m_isDescending = request.descending;
    order.m_filter = request.filter;
    order.m_limit = std::size_t(std::max(request.limit, 1));
    order.m_most = request.sort == RoomSortKey::Name ? order.m_limit + 1 : MostOfAShard;
    const auto& cursor = request.cursor;
    if (cursor.empty())
        return order;
    const auto refused = [] {
        return shared::failure(shared::ErrorCode::BadRequest, "cursor: not one that an answer gave");
    };
    // VALUE/NAME/NAMESPACE, the names in base64url
    const auto first = cursor.find('/');
    const auto second = first == std::string::npos ? first : cursor.find('/', first + 1);
    if (second == std::string::npos || cursor.size() > LongestCursor)
        return refused();
    Cursor after;
    const auto* begin = cursor.data();
    const auto [end, error] = std::from_chars(begin, begin + first, after.value);
    if (error != std::errc{} || end != begin + first || !std::isfinite(after.value))
        return refused();
    const auto decoded = [&](std::size_t from, std::size_t to) {
        return QByteArray::fromBase64Encoding(QByteArray(begin + from, qsizetype(to - from)),
                                              QByteArray::Base64UrlEncoding |
                                                  QByteArray::AbortOnBase64DecodingErrors);
    };
    const auto room = decoded(first + 1, second), space = decoded(second + 1, cursor.size());
    if (!room || !space)
        return refused();
    after.room = room.decoded.toStdString();
    after.space = space.decoded.toStdString();
    order.m_after = std::move(after);
    return order;
}

RoomOrder::Position RoomOrder::position(const RoomRow& row) const {
    double value = 0;
    switch (m_key) {
    case RoomSortKey::Name:
        break;
    case RoomSortKey::Members:
        value = double(row.members);
        break;
    case RoomSortKey::MessagesPerSecond:
        value = row.messages_per_s;
        break;
    }
    return {value, row.room, row.space};
}

std::string RoomOrder::cursorAfter(const RoomRow& row) const {
    char digits[40];
    const auto [end, error] = std::to_chars(digits, digits + sizeof digits, std::get<double>(position(row)));
    const auto encoded = [](const std::string& text) {
        return QByteArray::fromStdString(text)
            .toBase64(QByteArray::Base64UrlEncoding | QByteArray::OmitTrailingEquals)
            .toStdString();
    };
    return (error == std::errc{} ? std::string(digits, end) : "0") + "/" + encoded(row.room) + "/" +
           encoded(row.space);
}

void RoomOrder::sort(std::vector<RoomRow>& rows, std::size_t limit) const {
    const auto middle = rows.begin() + std::ptrdiff_t(std::min(limit, rows.size()));
    std::partial_sort(rows.begin(), middle, rows.end(), [this](const RoomRow& a, const RoomRow& b) {
        return isBefore(position(a), position(b));
    });
    rows.erase(middle, rows.end());
}

bool RoomOrder::choose(std::vector<RoomRow>& rows) const {
    sortByName(rows);
    rows.erase(std::unique(rows.begin(), rows.end(),
                           [](const RoomRow& a, const RoomRow& b) { return key(a) == key(b); }),
               rows.end());
    if (m_key == RoomSortKey::Name)
        std::erase_if(rows, [this](const RoomRow& row) { return !isBehindCursor(position(row)); });
    const bool isWhole = m_key == RoomSortKey::Name || rows.size() <= m_most;
    sort(rows, m_most);
    return isWhole;
}

RoomsAnswer RoomOrder::page(std::vector<RoomRow> rows) const {
    RoomsAnswer answer;
    answer.rows = mergedRooms(std::move(rows));
    std::erase_if(answer.rows, [this](const RoomRow& row) { return !isBehindCursor(position(row)); });
    const bool hasMore = answer.rows.size() > m_limit;
    sort(answer.rows, m_limit);
    if (hasMore)
        answer.cursor = cursorAfter(answer.rows.back());
    return answer;
}

std::vector<RoomRow> mergedRooms(std::vector<RoomRow> rows) {
    sortByName(rows);
    std::vector<RoomRow> merged;
    for (auto& row : rows) {
        if (merged.empty() || key(merged.back()) != key(row)) {
            merged.push_back(std::move(row));
            continue;
        }
        merged.back().members += row.members;
        merged.back().messages_per_s = std::max(merged.back().messages_per_s, row.messages_per_s);
    }
    return merged;
}

} // namespace server
