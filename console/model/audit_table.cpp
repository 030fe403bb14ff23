// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/model/audit_table.h"
#include "console/model/format.h"
#include <algorithm>
#include <array>

namespace console {

namespace {

constexpr std::size_t MostRows = 5000;
const std::array<const char*, 6> Titles{"When", "Node", "Who", "From", "What", "Outcome"};

} // namespace

void AuditTable::take(const QString& node, const std::vector<shared::admin::AuditRow>& rows) {
    std::vector<Row> fresh;
    for (const auto& row : m_rows) {
        if (row.node != node)
            fresh.push_back(row);
    }
    for (const auto& row : rows)
        fresh.push_back({node, row});
    std::stable_sort(fresh.begin(), fresh.end(),
                     [](const Row& a, const Row& b) { return a.row.time_ms > b.row.time_ms; });
    if (fresh.size() > MostRows)
        fresh.resize(MostRows);
    const bool isSame =
        fresh.size() == m_rows.size() &&
        std::equal(fresh.begin(), fresh.end(), m_rows.begin(), [](const Row& a, const Row& b) {
            return a.node == b.node && a.row.time_ms == b.row.time_ms && a.row.what == b.row.what;
        });
    if (isSame)
        return;
    beginResetModel();
    m_rows = std::move(fresh);
    endResetModel();
}

void AuditTable::setUtc(bool isUtc) {
    if (m_isUtc == isUtc)
        return;
    m_isUtc = isUtc;
    if (!m_rows.empty())
        Q_EMIT dataChanged(index(0, 0), index(int(m_rows.size()) - 1, 0));
}

int AuditTable::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : int(m_rows.size());
}

int AuditTable::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : int(Titles.size());
}

QVariant AuditTable::data(const QModelIndex& index, int role) const {
    if (!checkIndex(index, CheckIndexOption::IndexIsValid | CheckIndexOption::ParentIsInvalid) ||
        (role != Qt::DisplayRole && role != Qt::ToolTipRole))
        return {};
    const auto& row = m_rows[std::size_t(index.row())];
    switch (index.column()) {
    case 0:
        return formatClock(row.row.time_ms, m_isUtc);
    case 1:
        return row.node;
    case 2:
        return QString::fromStdString(row.row.who);
    case 3:
        return QString::fromStdString(row.row.from);
    case 4:
        return QString::fromStdString(row.row.what);
    default:
        return QString::fromStdString(row.row.outcome);
    }
}

QVariant AuditTable::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || section < 0 || section >= int(Titles.size()))
        return {};
    if (role == Qt::TextAlignmentRole)
        return int(Qt::AlignVCenter | Qt::AlignLeft);
    return role == Qt::DisplayRole ? QVariant(QLatin1String(Titles[std::size_t(section)])) : QVariant();
}

} // namespace console
