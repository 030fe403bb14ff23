// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/view/table_view.h"
#include "console/view/theme.h"
#include <QApplication>
#include <QClipboard>
#include <QHeaderView>
#include <QKeyEvent>

namespace console {

TableView::TableView(const QString& objectName, const QString& accessibleName, QAbstractItemModel* model,
                     QWidget* parent)
    : QTableView(parent) {
    setObjectName(objectName);
    setAccessibleName(accessibleName);
    setModel(model);
    setSelectionBehavior(SelectRows);
    setSelectionMode(SingleSelection);
    setShowGrid(false);
    setAlternatingRowColors(true);
    setWordWrap(false);
    setFrameShape(NoFrame);
    setEditTriggers(NoEditTriggers);
    setHorizontalScrollMode(ScrollPerPixel);
    setTabKeyNavigation(false);
    verticalHeader()->hide();
    verticalHeader()->setMinimumSectionSize(metrics::RowHeight);
    verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
    verticalHeader()->setDefaultSectionSize(metrics::RowHeight);
    horizontalHeader()->setSectionResizeMode(QHeaderView::Interactive);
    horizontalHeader()->setHighlightSections(false);
    horizontalHeader()->setFixedHeight(metrics::RowHeight);
    horizontalHeader()->setMinimumSectionSize(30);
    connect(this, &QTableView::doubleClicked, this, &TableView::entered);
}

void TableView::setWidths(std::initializer_list<int> widths) {
    int column = 0;
    for (const int width : widths) {
        if (width == 0)
            horizontalHeader()->setSectionResizeMode(column, QHeaderView::Stretch);
        else
            setColumnWidth(column, width);
        ++column;
    }
}

QString TableView::rowAsText(int row) const {
    QStringList cells;
    for (int column = 0; column < model()->columnCount(); ++column) {
        if (!isColumnHidden(column))
            cells.append(model()->index(row, column).data().toString());
    }
    return cells.join(QLatin1Char('\t'));
}

void TableView::keyPressEvent(QKeyEvent* event) {
    if (event->matches(QKeySequence::Copy) && currentIndex().isValid()) {
        QApplication::clipboard()->setText(rowAsText(currentIndex().row()));
        return;
    }
    // Selecting everything marks rows that nobody has seen; it is also slow on long tables.
    if (event->matches(QKeySequence::SelectAll))
        return;
    if ((event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter) && currentIndex().isValid()) {
        Q_EMIT entered();
        return;
    }
    QTableView::keyPressEvent(event);
}

} // namespace console
