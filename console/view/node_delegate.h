// SPDX-License-Identifier: GPL-3.0-or-later
// Cells of the node table that are more than text: the state with its shape, the share of capacity, the trend
// with its gaps. Main thread.
#pragma once
#include "console/view/theme.h"
#include <QStyledItemDelegate>

namespace console {

class NodeDelegate : public QStyledItemDelegate {
    Q_OBJECT

public:
    NodeDelegate(const Theme& theme, QObject* parent) : QStyledItemDelegate(parent), m_theme(theme) {}
    void paint(QPainter* painter, const QStyleOptionViewItem& option,
               const QModelIndex& index) const override;

private:
    void paintTrend(QPainter* painter, QRect box, const QList<double>& trend) const;
    const Theme& m_theme;
};

/// A quiet bar, `share` from 0 to 1.
void paintBar(QPainter* painter, const Theme& theme, QRect box, double share);

} // namespace console
