// SPDX-License-Identifier: GPL-3.0-or-later
// Drains and evictions of all nodes: running ones first, then the newest. Main thread.
#pragma once
#include "console/model/fleet_model.h"
#include <QAbstractTableModel>
#include <array>

namespace console {

enum class OperationColumn : std::uint8_t {
    Kind,
    Node,
    By,
    Started,
    State,
    Progress,
    Rate,
    Left,
    Ledger,
    Count
};

struct OperationName {
    QString nodeKey;
    std::uint64_t id = 0;
    bool isValid() const { return id != 0; }
    bool operator==(const OperationName&) const = default;
};

class OperationTable : public QAbstractTableModel {
    Q_OBJECT

public:
    enum Role { ProgressRole = Qt::UserRole + 1 /* double, 0 … 1 */, IsRunningRole };
    explicit OperationTable(QObject* parent = nullptr) : QAbstractTableModel(parent) {}

    void refresh(const FleetModel& fleet, bool isUtc);
    OperationName nameAt(int row) const;
    int rowOf(const OperationName& operation) const;
    int running() const;
    const shared::admin::OperationRow& at(int row) const { return m_rows[std::size_t(row)].row; }
    QString nodeIdAt(int row) const {
        return m_rows[std::size_t(row)].cells[std::size_t(OperationColumn::Node)];
    }

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

private:
    struct Row {
        OperationName name;
        shared::admin::OperationRow row;
        std::array<QString, std::size_t(OperationColumn::Count)> cells;
    };
    std::vector<Row> m_rows;
};

/// `moved 10 102 · lost 3 · pending 583`; empty where the node counts none of it.
QString ledgerText(const shared::admin::OperationRow& row);
double progress(const shared::admin::OperationRow& row);

} // namespace console
