// SPDX-License-Identifier: GPL-3.0-or-later
// Who did what, on all nodes, newest first. Main thread.
#pragma once
#include "shared/admin_protocol.h"
#include <QAbstractTableModel>
#include <vector>

namespace console {

class AuditTable : public QAbstractTableModel {
    Q_OBJECT

public:
    explicit AuditTable(QObject* parent = nullptr) : QAbstractTableModel(parent) {}
    /// Replaces what `node` told before.
    void take(const QString& node, const std::vector<shared::admin::AuditRow>& rows);
    void setUtc(bool isUtc);

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

private:
    struct Row {
        QString node;
        shared::admin::AuditRow row;
    };
    std::vector<Row> m_rows;
    bool m_isUtc = true;
};

} // namespace console
