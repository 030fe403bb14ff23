// SPDX-License-Identifier: GPL-3.0-or-later
// A table as all of ours are: whole rows, no grid, fixed sections, 26 px a row. Main thread.
#pragma once
#include <QStyledItemDelegate>
#include <QTableView>

namespace console {

class TableView : public QTableView {
    Q_OBJECT

public:
    TableView(const QString& objectName, const QString& accessibleName, QAbstractItemModel* model,
              QWidget* parent = nullptr);
    /// One width a column; 0: takes what is left.
    void setWidths(std::initializer_list<int> widths);
    QString rowAsText(int row) const; ///< tab separated

Q_SIGNALS:
    void entered();

protected:
    void keyPressEvent(QKeyEvent* event) override;
};

} // namespace console
