// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/view/operations_page.h"
#include "console/view/node_delegate.h"
#include <QApplication>
#include <QHeaderView>
#include <QPainter>
#include <QVBoxLayout>

namespace console {

namespace {

constexpr int BarWidth = 90;

/// How much is done, as a bar and in numbers.
class ProgressDelegate : public QStyledItemDelegate {
public:
    ProgressDelegate(const Theme& theme, QObject* parent) : QStyledItemDelegate(parent), m_theme(theme) {}
    void paint(QPainter* painter, const QStyleOptionViewItem& option,
               const QModelIndex& index) const override {
        QStyledItemDelegate::paint(painter, option, index);
        paintBar(painter, m_theme, QRect(option.rect.left() + 6, option.rect.center().y() - 3, BarWidth, 8),
                 index.data(OperationTable::ProgressRole).toDouble());
    }

private:
    const Theme& m_theme;
};

} // namespace

OperationsPage::OperationsPage(Desk desk, QWidget* parent)
    : Page(desk, parent), m_operations(new OperationTable(this)),
      m_table(new TableView(QStringLiteral("operationTable"), QStringLiteral("Operations"), m_operations)),
      m_abort(new QPushButton(QStringLiteral("Abort"))),
      m_empty(new QLabel(
          QStringLiteral("Nothing runs, and nothing has run since the nodes started.\n"
                         "A drain begins on the Fleet page (D), an eviction on Connections (Del)."))),
      m_outcome(new QLabel) {
    setObjectName(QStringLiteral("operationsPage"));
    m_table->setWidths({70, 150, 100, 76, 80, 240, 70, 70, 0});
    m_table->setItemDelegateForColumn(int(OperationColumn::Progress),
                                      new ProgressDelegate(desk.theme, m_table));
    m_abort->setObjectName(QStringLiteral("abortOperation"));
    m_abort->setMinimumSize(96, metrics::ButtonHeight);
    m_empty->setForegroundRole(QPalette::PlaceholderText);
    m_empty->setAlignment(Qt::AlignCenter);
    m_outcome->setTextFormat(Qt::PlainText);
    auto* bar = new QHBoxLayout;
    bar->addWidget(m_outcome, 1);
    bar->addWidget(m_abort);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(metrics::WideGap, metrics::Gap, metrics::WideGap, metrics::Gap);
    column->setSpacing(metrics::Gap);
    column->addLayout(bar);
    column->addWidget(m_table, 1);
    column->addWidget(m_empty, 1);
    m_table->hide();
    connect(m_abort, &QPushButton::clicked, this, &OperationsPage::abort);
    connect(m_table->selectionModel(), &QItemSelectionModel::selectionChanged, this, [this] {
        const auto chosen = m_table->selectionModel()->selectedRows();
        if (!chosen.isEmpty())
            m_selected = m_operations->nameAt(chosen.front().row());
        updateActs();
    });
    updateActs();
}

void OperationsPage::refresh(const Moment& moment) {
    const auto selected = m_selected;
    m_operations->refresh(m_desk.fleet, moment.isUtc);
    const bool isEmpty = m_operations->rowCount() == 0;
    m_table->setVisible(!isEmpty);
    m_empty->setVisible(isEmpty);
    // A reset forgets the selection; the operation is found again by its id.
    const auto row = m_operations->rowOf(selected);
    if (row >= 0 && m_table->selectionModel()->selectedRows().isEmpty())
        m_table->selectRow(row);
    updateActs();
}

QString OperationsPage::selectedNode() const {
    return m_selected.nodeKey;
}

void OperationsPage::updateActs() {
    const auto row = m_operations->rowOf(m_selected);
    const bool isRunning = row >= 0 && m_operations->at(row).state == shared::admin::OperationState::Running;
    const auto hindrance = roleHindrance(m_desk.fleet.find(m_selected.nodeKey));
    m_abort->setEnabled(isRunning && hindrance.isEmpty());
    m_abort->setToolTip(hindrance);
    m_abort->setText(
        isRunning ? QStringLiteral("Abort the %1 of %2")
                        .arg(QString::fromStdString(m_operations->at(row).kind), m_operations->nodeIdAt(row))
                  : QStringLiteral("Abort"));
}

void OperationsPage::abort() {
    const auto chosen = m_selected;
    m_desk.controls.request(
        chosen.nodeKey, QStringLiteral("operations.abort"), {{QStringLiteral("id"), qint64(chosen.id)}},
        [this](const shared::Result<QJsonObject>& answer) {
            m_outcome->setText(
                answer
                    ? QStringLiteral("Stopped.")
                    : QStringLiteral("Not aborted: %1").arg(QString::fromStdString(answer.error().message)));
        });
}

QJsonArray OperationsPage::rows() const {
    QJsonArray rows;
    for (int i = 0; i < m_operations->rowCount(); ++i) {
        auto row = m_operations->at(i).toJson();
        row.insert(QStringLiteral("node"), m_operations->nodeIdAt(i));
        rows.append(row);
    }
    return rows;
}

} // namespace console
