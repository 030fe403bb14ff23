// SPDX-License-Identifier: GPL-3.0-or-later
// Which clients: a filter, a table that holds still, one connection in detail, and eviction. Main thread.
#pragma once
#include "console/model/connection_table.h"
#include "console/view/evict_dialog.h"
#include "console/view/page.h"
#include "console/view/table_view.h"
#include <QComboBox>
#include <QLineEdit>
#include <QPushButton>
#include <optional>

namespace console {

class ConnectionsPage : public Page {
    Q_OBJECT

public:
    explicit ConnectionsPage(Desk desk, QWidget* parent = nullptr);
    void refresh(const Moment& moment) override;
    void reload() override { start(); }
    void focusFilter() override;
    bool stepBack() override;
    void actDelete() override { openEvict(); }
    QJsonArray rows() const override;
    QString selectedNode() const override { return m_node->currentData().toString(); }
    /// Shows the clients of one node; all when empty.
    void showNode(const QString& nodeKey);

private:
    std::vector<NodeName> liveNodes() const;
    void start();
    void checkFilter();
    void fillNodes();
    void writeSummary();
    void showDetails();
    void openEvict();
    void arrange();
    std::vector<ConnectionName> selection() const;
    /// Why the selected ones cannot be evicted; empty when they can.
    QString evictHindrance() const;

    ConnectionTable* m_connections;
    TableView* m_table;
    QComboBox* m_node;
    QLineEdit* m_filter;
    QLabel *m_mistake, *m_summary, *m_details, *m_held;
    QWidget* m_side;
    QPushButton *m_showNew, *m_evict;
    std::vector<NodeName> m_asked;
    shared::admin::SortKey m_sort = shared::admin::SortKey::Id;
    Qt::SortOrder m_order = Qt::AscendingOrder;
    std::int64_t m_refreshed_ms = 0;
    std::optional<ConnectionName> m_detailed;
};

} // namespace console
