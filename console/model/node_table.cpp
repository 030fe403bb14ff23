// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/model/node_table.h"
#include "console/model/format.h"
#include <algorithm>
#include <cmath>
#include <limits>

namespace console {

namespace {

constexpr int TrendPoints = 90;

QList<double> trendOf(const NodeRecord& node, std::int64_t now_ms) {
    QList<double> trend(TrendPoints, std::numeric_limits<double>::quiet_NaN());
    const auto series = node.history.find("weir_connections");
    const auto length = length_ms(Range::QuarterHour);
    const auto count = node.history.size(Tier::Second);
    for (std::size_t i = 0; i < count; ++i) {
        const auto& sample = node.history.at(Tier::Second, i);
        const auto ago_ms = now_ms - sample.end_ms;
        const auto at = TrendPoints - 1 - ago_ms * TrendPoints / length;
        if (ago_ms < 0 || at < 0 || at >= TrendPoints)
            continue;
        double sum = 0;
        for (const auto index : series)
            sum += sample.last[node.history.place(index)];
        trend[qsizetype(at)] = sum;
    }
    return trend;
}

QString redisText(const NodeRecord& node) {
    if (!node.isHeard() || !node.announced)
        return unknownText();
    switch (node.announced->redis) {
    case shared::admin::RedisState::None:
        return QStringLiteral("none");
    case shared::admin::RedisState::Up:
        return QStringLiteral("up");
    case shared::admin::RedisState::Away:
        return QStringLiteral("away");
    }
    return {};
}

} // namespace

NodeTable::Row NodeTable::rowFor(const NodeRecord& node, Condition condition, std::int64_t now_ms) {
    Row row;
    row.key = node.key;
    row.condition = condition;
    row.isGrey = node.link == LinkState::Stale;
    row.hint = node.sentence.isEmpty() ? node.address : node.address + QLatin1Char('\n') + node.sentence;
    const auto numbers = figures(node);
    if (numbers.connections && numbers.capacity && *numbers.capacity > 0)
        row.share = *numbers.connections / *numbers.capacity;
    row.p99 = numbers.p99_s.value_or(-1);
    const auto set = [&](NodeColumn column, const QString& text) { row.cells[std::size_t(column)] = text; };
    set(NodeColumn::State,
        row.isGrey ? QStringLiteral("Stale %1").arg(formatAge(double(now_ms - node.lastSample_ms) / 1000))
                   : name(condition));
    set(NodeColumn::Node, node.id);
    set(NodeColumn::Connections, orUnknown(numbers.connections, &formatCount));
    set(NodeColumn::Capacity, orUnknown(row.share, &formatPercent));
    set(NodeColumn::In, orUnknown(numbers.in_per_s, &formatShort));
    set(NodeColumn::Out, orUnknown(numbers.out_per_s, &formatShort));
    set(NodeColumn::P99, orUnknown(numbers.p99_s, &formatSeconds));
    set(NodeColumn::Errors, orUnknown(numbers.errors_per_s, &formatShort));
    set(NodeColumn::Memory, orUnknown(numbers.memory_bytes, &formatBytes));
    set(NodeColumn::Redis, redisText(node));
    row.trend = trendOf(node, now_ms);
    return row;
}

void NodeTable::refresh(const FleetModel& fleet, const Attention& attention, std::int64_t now_ms,
                        Order order) {
    std::vector<Row> fresh;
    for (const auto& node : fleet.nodes()) {
        if (!node->isGuess)
            fresh.push_back(rowFor(*node, attention.condition(node->key), now_ms));
    }
    const auto freshOf = [&](const QString& key) {
        return std::find_if(fresh.begin(), fresh.end(), [&](const Row& row) { return row.key == key; });
    };
    for (int i = int(m_rows.size()) - 1; i >= 0; --i) {
        if (freshOf(m_rows[std::size_t(i)].key) == fresh.end()) {
            beginRemoveRows({}, i, i);
            m_rows.erase(m_rows.begin() + i);
            endRemoveRows();
        }
    }
    bool hasChanged = false;
    for (auto& row : m_rows) {
        auto next = freshOf(row.key);
        hasChanged = hasChanged || next->condition != row.condition;
        row = std::move(*next);
        fresh.erase(next);
    }
    if (!m_rows.empty())
        Q_EMIT dataChanged(index(0, 0), index(int(m_rows.size()) - 1, int(NodeColumn::Count) - 1));
    if (!fresh.empty()) {
        beginInsertRows({}, int(m_rows.size()), int(m_rows.size() + fresh.size()) - 1);
        std::move(fresh.begin(), fresh.end(), std::back_inserter(m_rows));
        endInsertRows();
        hasChanged = true;
    }
    if (order == Order::Hold || !hasChanged)
        return;
    const auto worseFirst = [](const Row& a, const Row& b) {
        if (a.condition != b.condition)
            return a.condition < b.condition;
        // Close values must not swap at each look: p99 counts in coarse steps, then the name.
        const auto coarse = [](double p99) { return p99 <= 0 ? -100.0 : std::round(std::log2(p99)); };
        if (coarse(a.p99) != coarse(b.p99))
            return coarse(a.p99) > coarse(b.p99);
        return a.cells[std::size_t(NodeColumn::Node)] < b.cells[std::size_t(NodeColumn::Node)];
    };
    if (std::is_sorted(m_rows.begin(), m_rows.end(), worseFirst))
        return;
    Q_EMIT layoutAboutToBeChanged();
    const auto before = persistentIndexList();
    QStringList keys;
    for (const auto& index : before)
        keys.append(keyAt(index.row()));
    std::stable_sort(m_rows.begin(), m_rows.end(), worseFirst);
    QModelIndexList after;
    for (qsizetype i = 0; i < before.size(); ++i)
        after.append(index(rowOf(keys[i]), before[i].column()));
    changePersistentIndexList(before, after);
    Q_EMIT layoutChanged();
}

QString NodeTable::keyAt(int row) const {
    return row >= 0 && row < int(m_rows.size()) ? m_rows[std::size_t(row)].key : QString();
}

int NodeTable::rowOf(const QString& key) const {
    for (std::size_t i = 0; i < m_rows.size(); ++i) {
        if (m_rows[i].key == key)
            return int(i);
    }
    return -1;
}

int NodeTable::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : int(m_rows.size());
}

int NodeTable::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : int(NodeColumn::Count);
}

QVariant NodeTable::data(const QModelIndex& index, int role) const {
    if (!checkIndex(index, CheckIndexOption::IndexIsValid | CheckIndexOption::ParentIsInvalid))
        return {};
    const auto& row = m_rows[std::size_t(index.row())];
    const auto column = NodeColumn(index.column());
    switch (role) {
    case Qt::DisplayRole:
        return row.cells[std::size_t(column)];
    case Qt::TextAlignmentRole:
        return int(Qt::AlignVCenter) | (column == NodeColumn::State || column == NodeColumn::Node ||
                                                column == NodeColumn::Redis || column == NodeColumn::Trend
                                            ? int(Qt::AlignLeft)
                                            : int(Qt::AlignRight));
    case Qt::ToolTipRole:
        return row.hint;
    case Qt::AccessibleTextRole:
        return headerData(index.column(), Qt::Horizontal).toString() + QLatin1Char(' ') +
               row.cells[std::size_t(column)];
    case ConditionRole:
        return int(row.condition);
    case ShareRole:
        return row.share ? QVariant(*row.share) : QVariant();
    case TrendRole:
        return QVariant::fromValue(row.trend);
    case IsGreyRole:
        return row.isGrey;
    case KeyRole:
        return row.key;
    default:
        return {};
    }
}

QVariant NodeTable::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || section < 0 || section >= int(NodeColumn::Count))
        return {};
    if (role == Qt::TextAlignmentRole)
        return int(Qt::AlignVCenter) |
               (section == int(NodeColumn::State) || section == int(NodeColumn::Node) ||
                        section == int(NodeColumn::Redis) || section == int(NodeColumn::Trend)
                    ? int(Qt::AlignLeft)
                    : int(Qt::AlignRight));
    if (role != Qt::DisplayRole)
        return {};
    static const std::array<QString, std::size_t(NodeColumn::Count)> Titles{
        QStringLiteral("State"),       QStringLiteral("Node"),       QStringLiteral("Connections"),
        QStringLiteral("of capacity"), QStringLiteral("In/s"),       QStringLiteral("Out/s"),
        QStringLiteral("p99"),         QStringLiteral("Errors/s"),   QStringLiteral("Memory"),
        QStringLiteral("Redis"),       QStringLiteral("Last 15 min")};
    return Titles[std::size_t(section)];
}

} // namespace console
