// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/model/connection_table.h"
#include "console/model/format.h"
#include <QDateTime>
#include <algorithm>

namespace console {

namespace {

using shared::admin::ConnectionRow;
using shared::admin::SortKey;

QString text(const std::string& utf8) {
    return QString::fromUtf8(utf8.data(), qsizetype(utf8.size()));
}

double sortValue(const ConnectionRow& row, SortKey key) {
    switch (key) {
    case SortKey::Id:
        return 0;
    case SortKey::Since:
        return double(row.since_ms);
    case SortKey::Idle:
        return row.idle_s;
    case SortKey::Queue:
        return double(row.queue_bytes);
    case SortKey::Rooms:
        return double(row.rooms);
    case SortKey::Rtt:
        return row.rtt_ms.value_or(-1);
    case SortKey::InRate:
        return row.in_rate;
    case SortKey::OutRate:
        return row.out_rate;
    }
    return 0;
}

QString rateText(double rate) {
    return rate < 0.05 ? QStringLiteral("0") : formatShort(rate);
}

} // namespace

ConnectionTable::ConnectionTable(Fetch fetch, QObject* parent)
    : QAbstractTableModel(parent), m_fetch(std::move(fetch)) {}

ConnectionTable::Row ConnectionTable::rowFor(const NodeName& node, ConnectionRow row) {
    Row shown;
    shown.name = {node.key, node.id, text(row.id)};
    const auto set = [&](ConnectionColumn column, const QString& cell) {
        shown.cells[std::size_t(column)] = cell;
    };
    set(ConnectionColumn::Id, shown.name.text());
    set(ConnectionColumn::Address, text(row.address));
    set(ConnectionColumn::User, row.user.empty() ? unknownText() : text(row.user));
    set(ConnectionColumn::Since,
        formatAge(double(QDateTime::currentMSecsSinceEpoch() - row.since_ms) / 1000));
    set(ConnectionColumn::Idle, formatAge(row.idle_s));
    set(ConnectionColumn::Queue, formatBytes(double(row.queue_bytes)));
    set(ConnectionColumn::Rtt, row.rtt_ms ? formatSeconds(*row.rtt_ms / 1000) : unknownText());
    set(ConnectionColumn::Rooms, formatCount(double(row.rooms)));
    set(ConnectionColumn::In, rateText(row.in_rate));
    set(ConnectionColumn::Out, rateText(row.out_rate));
    set(ConnectionColumn::Dialect, text(row.dialect));
    shown.row = std::move(row);
    return shown;
}

bool ConnectionTable::goesBefore(const ConnectionRow& a, const ConnectionRow& b) const {
    const auto left = sortValue(a, m_sort);
    const auto right = sortValue(b, m_sort);
    if (left != right)
        return m_isDescending ? left > right : left < right;
    shared::ConnectionId first, second;
    shared::ConnectionId::parse(a.id, first);
    shared::ConnectionId::parse(b.id, second);
    return m_isDescending ? second < first : first < second;
}

void ConnectionTable::start(const std::vector<NodeName>& nodes, const QString& filter, SortKey sort,
                            Qt::SortOrder order) {
    beginResetModel();
    ++m_round;
    m_waiting = 0;
    m_rows.clear();
    m_known.clear();
    m_newRows.clear();
    m_failure.clear();
    m_sources.clear();
    for (const auto& node : nodes) {
        m_sources.emplace_back();
        m_sources.back().node = node;
    }
    m_filter = filter.trimmed().toStdString();
    m_sort = sort;
    m_isDescending = order == Qt::DescendingOrder;
    m_wanted = PageRows;
    endResetModel();
    for (std::size_t i = 0; i < m_sources.size(); ++i)
        askForMore(i);
    Q_EMIT stateChanged();
}

void ConnectionTable::askForMore(std::size_t at) {
    auto& source = m_sources[at];
    if (source.isAsked || !source.hasMore)
        return;
    source.isAsked = true;
    ++m_waiting;
    shared::admin::ListRequest request;
    request.filter = m_filter;
    request.sort = m_sort;
    request.descending = m_isDescending;
    request.cursor = source.cursor;
    request.limit = PageRows;
    m_fetch(source.node.key, request,
            [this, at, round = m_round](shared::Result<shared::admin::ListAnswer> answer) {
                if (round != m_round)
                    return;
                auto& source = m_sources[at];
                source.isAsked = false;
                --m_waiting;
                if (!answer) {
                    m_failure = QStringLiteral("%1: %2").arg(source.node.id, text(answer.error().message));
                    source.hasMore = false;
                } else {
                    source.hasAnswered = true;
                    source.total = answer->total;
                    source.isPartial = answer->partial;
                    // Rows move between pages while clients come and go: a cursor that stands still ends the
                    // walk.
                    source.hasMore =
                        !answer->cursor.empty() && answer->cursor != source.cursor && !answer->rows.empty();
                    source.cursor = answer->cursor;
                    for (auto& row : answer->rows)
                        source.buffer.push_back(std::move(row));
                }
                pump();
                Q_EMIT stateChanged();
            });
}

void ConnectionTable::pump() {
    std::vector<Row> merged;
    while (int(m_rows.size() + merged.size()) < std::min(m_wanted, MostRows)) {
        Source* best = nullptr;
        bool mustWait = false;
        for (std::size_t i = 0; i < m_sources.size(); ++i) {
            auto& source = m_sources[i];
            if (source.buffer.empty()) {
                if (source.hasMore) {
                    askForMore(i);
                    mustWait = true;
                }
                continue;
            }
            if (!best || goesBefore(source.buffer.front(), best->buffer.front()))
                best = &source;
        }
        if (mustWait || !best)
            break;
        auto row = rowFor(best->node, std::move(best->buffer.front()));
        best->buffer.pop_front();
        if (!m_known.insert(row.name).second)
            continue;
        ++best->loaded;
        merged.push_back(std::move(row));
    }
    if (merged.empty())
        return;
    beginInsertRows({}, int(m_rows.size()), int(m_rows.size() + merged.size()) - 1);
    std::move(merged.begin(), merged.end(), std::back_inserter(m_rows));
    endInsertRows();
}

bool ConnectionTable::canFetchMore(const QModelIndex& parent) const {
    if (parent.isValid() || m_waiting > 0 || int(m_rows.size()) >= MostRows)
        return false;
    return std::any_of(m_sources.begin(), m_sources.end(),
                       [](const auto& source) { return source.hasMore || !source.buffer.empty(); });
}

void ConnectionTable::fetchMore(const QModelIndex& parent) {
    if (!canFetchMore(parent))
        return;
    m_wanted = std::min(MostRows, int(m_rows.size()) + PageRows);
    pump();
}

void ConnectionTable::refresh() {
    for (std::size_t i = 0; i < m_sources.size(); ++i) {
        auto& source = m_sources[i];
        if (source.isAsked || !source.hasAnswered)
            continue;
        source.isAsked = true;
        shared::admin::ListRequest request;
        request.filter = m_filter;
        request.sort = m_sort;
        request.descending = m_isDescending;
        request.limit = std::clamp(source.loaded + 100, 100, shared::admin::LongestPage);
        m_fetch(source.node.key, request,
                [this, i, round = m_round](shared::Result<shared::admin::ListAnswer> answer) {
                    if (round != m_round)
                        return;
                    m_sources[i].isAsked = false;
                    if (answer)
                        takeRefresh(i, *answer);
                    Q_EMIT stateChanged();
                });
    }
}

void ConnectionTable::takeRefresh(std::size_t at, const shared::admin::ListAnswer& answer) {
    auto& source = m_sources[at];
    source.total = answer.total;
    source.isPartial = answer.partial;
    const bool sawAll = answer.cursor.empty() && !answer.partial;
    std::map<QString, const ConnectionRow*> told;
    for (const auto& row : answer.rows)
        told[text(row.id)] = &row;
    int first = -1;
    int last = -1;
    for (std::size_t i = 0; i < m_rows.size(); ++i) {
        auto& row = m_rows[i];
        if (row.name.nodeKey != source.node.key)
            continue;
        const auto found = told.find(row.name.id);
        if (found != told.end()) {
            row = rowFor(source.node, *found->second);
        } else if (sawAll && !row.isGone) {
            row.isGone = true;
        } else {
            continue;
        }
        first = first < 0 ? int(i) : first;
        last = int(i);
    }
    if (first >= 0)
        Q_EMIT dataChanged(index(first, 0), index(last, int(ConnectionColumn::Count) - 1));
    // Only rows that would stand among the loaded ones are news; the rest comes with later pages.
    std::erase_if(m_newRows, [&](const auto& name) { return name.nodeKey == source.node.key; });
    const ConnectionRow* lastLoaded = nullptr;
    for (const auto& row : m_rows)
        lastLoaded = row.name.nodeKey == source.node.key ? &row.row : lastLoaded;
    for (const auto& row : answer.rows) {
        ConnectionName name{source.node.key, source.node.id, text(row.id)};
        if (!m_known.contains(name) && (sawAll || !lastLoaded || goesBefore(row, *lastLoaded)))
            m_newRows.insert(std::move(name));
    }
}

void ConnectionTable::showNew() {
    std::vector<NodeName> nodes;
    for (const auto& source : m_sources)
        nodes.push_back(source.node);
    start(nodes, QString::fromStdString(m_filter), m_sort,
          m_isDescending ? Qt::DescendingOrder : Qt::AscendingOrder);
}

std::int64_t ConnectionTable::total() const {
    std::int64_t sum = 0;
    for (const auto& source : m_sources)
        sum += source.total;
    return sum;
}

int ConnectionTable::answeredNodes() const {
    return int(
        std::count_if(m_sources.begin(), m_sources.end(), [](const auto& s) { return s.hasAnswered; }));
}

bool ConnectionTable::isPartial() const {
    return std::any_of(m_sources.begin(), m_sources.end(), [](const auto& s) { return s.isPartial; });
}

ConnectionName ConnectionTable::nameAt(int row) const {
    return row >= 0 && row < int(m_rows.size()) ? m_rows[std::size_t(row)].name : ConnectionName{};
}

const ConnectionRow* ConnectionTable::rowOf(const ConnectionName& connection) const {
    for (const auto& row : m_rows) {
        if (row.name == connection)
            return &row.row;
    }
    return nullptr;
}

int ConnectionTable::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : int(m_rows.size());
}

int ConnectionTable::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : int(ConnectionColumn::Count);
}

QVariant ConnectionTable::data(const QModelIndex& index, int role) const {
    if (!checkIndex(index, CheckIndexOption::IndexIsValid | CheckIndexOption::ParentIsInvalid))
        return {};
    const auto& row = m_rows[std::size_t(index.row())];
    const auto column = ConnectionColumn(index.column());
    switch (role) {
    case Qt::DisplayRole:
        return row.cells[std::size_t(column)];
    case Qt::TextAlignmentRole:
        return headerData(index.column(), Qt::Horizontal, role);
    case Qt::ToolTipRole:
        return row.isGone ? QStringLiteral("This connection has left.") : text(row.row.agent).toHtmlEscaped();
    case IsGoneRole:
        return row.isGone;
    default:
        return {};
    }
}

QVariant ConnectionTable::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || section < 0 || section >= int(ConnectionColumn::Count))
        return {};
    const auto column = ConnectionColumn(section);
    if (role == Qt::TextAlignmentRole) {
        const bool isText = column <= ConnectionColumn::User || column == ConnectionColumn::Dialect;
        return int(Qt::AlignVCenter) | int(isText ? Qt::AlignLeft : Qt::AlignRight);
    }
    if (role != Qt::DisplayRole)
        return {};
    static const std::array<QString, std::size_t(ConnectionColumn::Count)> Titles{
        QStringLiteral("Id"),   QStringLiteral("Address"), QStringLiteral("User"),   QStringLiteral("Age"),
        QStringLiteral("Idle"), QStringLiteral("Queue"),   QStringLiteral("RTT"),    QStringLiteral("Rooms"),
        QStringLiteral("In/s"), QStringLiteral("Out/s"),   QStringLiteral("Dialect")};
    return Titles[std::size_t(section)];
}

std::optional<SortKey> ConnectionTable::sortKeyOf(int column) {
    switch (ConnectionColumn(column)) {
    case ConnectionColumn::Id:
        return SortKey::Id;
    case ConnectionColumn::Since:
        return SortKey::Since;
    case ConnectionColumn::Idle:
        return SortKey::Idle;
    case ConnectionColumn::Queue:
        return SortKey::Queue;
    case ConnectionColumn::Rtt:
        return SortKey::Rtt;
    case ConnectionColumn::Rooms:
        return SortKey::Rooms;
    case ConnectionColumn::In:
        return SortKey::InRate;
    case ConnectionColumn::Out:
        return SortKey::OutRate;
    case ConnectionColumn::Address:
    case ConnectionColumn::User:
    case ConnectionColumn::Dialect:
    case ConnectionColumn::Count:
        return std::nullopt;
    }
    return std::nullopt;
}

} // namespace console
