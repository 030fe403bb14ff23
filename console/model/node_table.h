// SPDX-License-Identifier: GPL-3.0-or-later
// The nodes as a table. Cells are formatted once a refresh, never in data(); rows change places only when a
// condition changes. Main thread.
#pragma once
#include "console/model/attention.h"
#include "console/model/fleet_model.h"
#include <QAbstractTableModel>
#include <QList>
#include <array>

namespace console {

enum class NodeColumn : std::uint8_t {
    State,
    Node,
    Connections,
    Capacity,
    In,
    Out,
    P99,
    Errors,
    Memory,
    Redis,
    Trend,
    Count
};

class NodeTable : public QAbstractTableModel {
    Q_OBJECT

public:
    enum Role {
        ConditionRole = Qt::UserRole + 1, ///< int(Condition)
        ShareRole,                        ///< double, of capacity; absent when unknown
        TrendRole,                        ///< QList<double>, NaN where nothing was heard
        IsGreyRole,                       ///< bool: the values are old
        KeyRole                           ///< QString: acts bind to this, never to the row
    };
    enum class Order : std::uint8_t { Hold, WorstFirst };

    explicit NodeTable(QObject* parent = nullptr) : QAbstractTableModel(parent) {}

    void refresh(const FleetModel& fleet, const Attention& attention, std::int64_t now_ms, Order order);

    QString keyAt(int row) const;
    int rowOf(const QString& key) const; ///< -1: not here

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

private:
    struct Row {
        QString key;
        std::array<QString, std::size_t(NodeColumn::Count)> cells;
        Condition condition = Condition::Connecting;
        std::optional<double> share;
        double p99 = -1;
        QList<double> trend;
        bool isGrey = false;
        QString hint;
        bool operator==(const Row&) const = default;
    };
    static Row rowFor(const NodeRecord& node, Condition condition, std::int64_t now_ms);
    std::vector<Row> m_rows;
};

} // namespace console
