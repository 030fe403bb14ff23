// SPDX-License-Identifier: GPL-3.0-or-later
// What is being done to the fleet, and what has been: running operations on top, with where the clients went.
// Main thread.
#pragma once
#include "console/model/operation_table.h"
#include "console/view/page.h"
#include "console/view/table_view.h"
#include <QPushButton>

namespace console {

class OperationsPage : public Page {
    Q_OBJECT

public:
    explicit OperationsPage(Desk desk, QWidget* parent = nullptr);
    void refresh(const Moment& moment) override;
    QJsonArray rows() const override;
    QString selectedNode() const override;

private:
    void abort();
    void updateActs();
    OperationTable* m_operations;
    TableView* m_table;
    QPushButton* m_abort;
    QLabel *m_empty, *m_outcome;
    OperationName m_selected;
};

} // namespace console
