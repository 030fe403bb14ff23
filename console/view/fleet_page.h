// SPDX-License-Identifier: GPL-3.0-or-later
// The page that is read first: what needs attention, the nodes worst first, four trends; a drain at the
// right. Main thread.
#pragma once
#include "console/model/node_table.h"
#include "console/view/attention_list.h"
#include "console/view/drain_panel.h"
#include "console/view/page.h"
#include "console/view/table_view.h"
#include "console/view/welcome_panel.h"
#include <QStackedLayout>

namespace console {

class FleetPage : public Page {
    Q_OBJECT

public:
    explicit FleetPage(Desk desk, QWidget* parent = nullptr);
    void refresh(const Moment& moment) override;
    bool stepBack() override;
    std::vector<const ChartCard*> charts() const override;
    QString selectedNode() const override;
    void openDrain(const QString& nodeKey);
    void resumeNode(const QString& nodeKey);
    void select(const QString& nodeKey);

Q_SIGNALS:
    void leadTaken(const QString& nodeKey, console::Lead lead);
    void connectWanted(const QString& address);
    void clientsWanted(const QString& nodeKey);
    void cursorMoved(std::optional<double> secondsAgo);
    void complained(const QString& sentence);

protected:
    void resizeEvent(QResizeEvent* event) override;

private:
    void arrange();
    void shareHeight();
    void updateActs();
    QStackedLayout* m_stack;
    WelcomePanel* m_welcome;
    AttentionList* m_attention;
    NodeTable* m_nodes;
    TableView* m_table;
    DrainPanel* m_drain;
    QPushButton *m_connectButton, *m_clientsButton, *m_drainButton, *m_resumeButton;
    QLabel* m_hint;
    std::vector<ChartCard*> m_charts;
};

} // namespace console
