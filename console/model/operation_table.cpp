// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/model/operation_table.h"
#include "console/model/format.h"
#include <algorithm>

namespace console {

using shared::admin::OperationState;

QString ledgerText(const shared::admin::OperationRow& row) {
    QStringList parts;
    const auto add = [&](const char* word, std::int64_t count) {
        if (count > 0)
            parts.append(QStringLiteral("%1 %2").arg(QLatin1String(word), formatCount(double(count))));
    };
    add("moved", row.moved);
    add("estimated", row.moved_estimated);
    add("lost", row.lost);
    add("pending", row.pending);
    add("untracked", row.untracked);
    return parts.join(QStringLiteral(" · "));
}

double progress(const shared::admin::OperationRow& row) {
    if (row.total <= 0)
        return row.state == OperationState::Running ? 0 : 1;
    return std::clamp(double(row.done) / double(row.total), 0.0, 1.0);
}

void OperationTable::refresh(const FleetModel& fleet, bool isUtc) {
    std::vector<Row> fresh;
    for (const auto& node : fleet.nodes()) {
        for (const auto& operation : node->operations) {
            Row row;
            row.name = {node->key, operation.row.id};
            row.row = operation.row;
            const auto& told = operation.row;
            const auto set = [&](OperationColumn column, const QString& text) {
                row.cells[std::size_t(column)] = text;
            };
            const bool isRunning = told.state == OperationState::Running;
            set(OperationColumn::Kind, told.kind == "drain"   ? QStringLiteral("Drain")
                                       : told.kind == "evict" ? QStringLiteral("Evict")
                                                              : QString::fromStdString(told.kind));
            set(OperationColumn::Node, node->id);
            set(OperationColumn::By, told.by.empty() ? unknownText() : QString::fromStdString(told.by));
            set(OperationColumn::Started, formatClock(told.started_ms, isUtc));
            const auto word = shared::admin::name(told.state);
            auto state = QString::fromUtf8(word.data(), qsizetype(word.size()));
            state[0] = state[0].toUpper();
            set(OperationColumn::State, isRunning && !node->isHeard() ? QStringLiteral("Not known") : state);
            set(OperationColumn::Progress,
                QStringLiteral("%1 of %2")
                    .arg(formatCount(double(told.done)), formatCount(double(told.total))));
            set(OperationColumn::Rate, told.rate_per_s > 0
                                           ? QStringLiteral("%1/s").arg(formatShort(told.rate_per_s))
                                           : unknownText());
            set(OperationColumn::Left, isRunning && told.eta_s ? formatAge(*told.eta_s) : unknownText());
            const auto ledger = ledgerText(told);
            set(OperationColumn::Ledger, ledger.isEmpty() ? unknownText() : ledger);
            fresh.push_back(std::move(row));
        }
    }
    std::stable_sort(fresh.begin(), fresh.end(), [](const Row& a, const Row& b) {
        const bool left = a.row.state == OperationState::Running;
        const bool right = b.row.state == OperationState::Running;
        return left != right ? left : a.row.started_ms > b.row.started_ms;
    });
    const bool isSame = fresh.size() == m_rows.size() &&
                        std::equal(fresh.begin(), fresh.end(), m_rows.begin(),
                                   [](const Row& a, const Row& b) { return a.name == b.name; });
    if (isSame) {
        m_rows = std::move(fresh);
        if (!m_rows.empty())
            Q_EMIT dataChanged(index(0, 0), index(int(m_rows.size()) - 1, int(OperationColumn::Count) - 1));
        return;
    }
    beginResetModel();
    m_rows = std::move(fresh);
    endResetModel();
}

OperationName OperationTable::nameAt(int row) const {
    return row >= 0 && row < int(m_rows.size()) ? m_rows[std::size_t(row)].name : OperationName{};
}

int OperationTable::rowOf(const OperationName& operation) const {
    for (std::size_t i = 0; i < m_rows.size(); ++i) {
        if (m_rows[i].name == operation)
            return int(i);
    }
    return -1;
}

int OperationTable::running() const {
    return int(std::count_if(m_rows.begin(), m_rows.end(),
                             [](const Row& row) { return row.row.state == OperationState::Running; }));
}

int OperationTable::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : int(m_rows.size());
}

int OperationTable::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : int(OperationColumn::Count);
}

QVariant OperationTable::data(const QModelIndex& index, int role) const {
    if (!checkIndex(index, CheckIndexOption::IndexIsValid | CheckIndexOption::ParentIsInvalid))
        return {};
    const auto& row = m_rows[std::size_t(index.row())];
    switch (role) {
    case Qt::DisplayRole:
        return row.cells[std::size_t(index.column())];
    case Qt::TextAlignmentRole:
        return headerData(index.column(), Qt::Horizontal, role);
    case ProgressRole:
        return progress(row.row);
    case IsRunningRole:
        return row.row.state == OperationState::Running;
    default:
        return {};
    }
}

QVariant OperationTable::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || section < 0 || section >= int(OperationColumn::Count))
        return {};
    const auto column = OperationColumn(section);
    if (role == Qt::TextAlignmentRole) {
        const bool isNumber = column == OperationColumn::Progress || column == OperationColumn::Rate ||
                              column == OperationColumn::Left || column == OperationColumn::Started;
        return int(Qt::AlignVCenter) | int(isNumber ? Qt::AlignRight : Qt::AlignLeft);
    }
    if (role != Qt::DisplayRole)
        return {};
    static const std::array<QString, std::size_t(OperationColumn::Count)> Titles{
        QStringLiteral("Act"),     QStringLiteral("Node"),  QStringLiteral("By"),
        QStringLiteral("Started"), QStringLiteral("State"), QStringLiteral("Closed"),
        QStringLiteral("Rate"),    QStringLiteral("To go"), QStringLiteral("Where they went")};
    return Titles[std::size_t(section)];
}

} // namespace console
