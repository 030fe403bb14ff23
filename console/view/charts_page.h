// SPDX-License-Identifier: GPL-3.0-or-later
// Eight charts of one node or of all, under one cursor. Main thread.
#pragma once
#include "console/view/page.h"
#include <QComboBox>
#include <QToolButton>

namespace console {

class ChartsPage : public Page {
    Q_OBJECT

public:
    explicit ChartsPage(Desk desk, QWidget* parent = nullptr);
    void refresh(const Moment& moment) override;
    std::vector<const ChartCard*> charts() const override;
    QString selectedNode() const override { return m_node->currentData().toString(); }

Q_SIGNALS:
    void cursorMoved(std::optional<double> secondsAgo);

private:
    void fillNodes();
    QComboBox* m_node;
    QToolButton *m_sum, *m_each;
    QLabel* m_cursorText;
    std::vector<ChartCard*> m_charts;
    std::optional<double> m_cursor;
    std::int64_t m_end_ms = 0;
    bool m_isUtc = true, m_isChanged = true;
};

} // namespace console
