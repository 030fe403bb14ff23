// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/view/audit_page.h"
#include <QVBoxLayout>
#include <algorithm>

namespace console {

namespace {

constexpr std::int64_t AskEvery_ms = 2000;
constexpr int MostRows = 500;

QLabel* quietText() {
    auto* label = new QLabel;
    label->setForegroundRole(QPalette::PlaceholderText);
    label->setAlignment(Qt::AlignCenter);
    label->setWordWrap(true);
    label->setTextFormat(Qt::PlainText);
    return label;
}

} // namespace

AuditPage::AuditPage(Desk desk, QWidget* parent)
    : Page(desk, parent), m_audit(new AuditTable(this)),
      m_table(new TableView(QStringLiteral("auditTable"), QStringLiteral("Audit"), m_audit)),
      m_empty(quietText()) {
    setObjectName(QStringLiteral("auditPage"));
    m_table->setWidths({80, 130, 110, 150, 0, 230});
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(metrics::WideGap, metrics::Gap, metrics::WideGap, metrics::Gap);
    column->addWidget(m_table, 1);
    column->addWidget(m_empty, 1);
    m_table->hide();
}

void AuditPage::refresh(const Moment& moment) {
    m_audit->setUtc(moment.isUtc);
    bool isOffered = false;
    bool isLinked = false;
    const bool isDue = moment.now_ms - m_asked_ms >= AskEvery_ms;
    for (const auto& node : m_desk.fleet.nodes()) {
        isLinked = isLinked || node->link == LinkState::Live;
        if (node->link != LinkState::Live || !node->offers("audit.list"))
            continue;
        isOffered = true;
        if (!isDue)
            continue;
        m_desk.controls.request(
            node->key, QStringLiteral("audit.list"), {{QStringLiteral("limit"), MostRows}},
            [this, id = node->id](const shared::Result<QJsonObject>& answer) {
                if (!answer)
                    return;
                if (const auto rows = shared::admin::rowsFromJson<shared::admin::AuditRow>(*answer))
                    m_audit->take(id, *rows);
            });
    }
    if (isDue)
        m_asked_ms = moment.now_ms;
    const bool isEmpty = m_audit->rowCount() == 0;
    m_table->setVisible(!isEmpty);
    m_empty->setVisible(isEmpty);
    m_empty->setText(!isLinked   ? QStringLiteral("No node answers: what was done is not known.")
                     : isOffered ? QStringLiteral("Nobody has acted on these nodes since they started.")
                                 : QStringLiteral("No linked node offers audit.list."));
}

QJsonArray AuditPage::rows() const {
    QJsonArray rows;
    for (int row = 0; row < m_audit->rowCount(); ++row) {
        QJsonArray cells;
        for (int column = 0; column < m_audit->columnCount(); ++column)
            cells.append(m_audit->index(row, column).data().toString());
        rows.append(cells);
    }
    return rows;
}

AbsentPage::AbsentPage(Desk desk, const QString& objectName, const QString& what, const char* method,
                       QWidget* parent)
    : Page(desk, parent), m_what(what), m_method(method), m_text(quietText()) {
    setObjectName(objectName);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(24, 24, 24, 24);
    column->addWidget(m_text);
}

void AbsentPage::refresh(const Moment&) {
    const auto& nodes = m_desk.fleet.nodes();
    const bool isLinked = std::any_of(nodes.begin(), nodes.end(),
                                      [](const auto& node) { return node->link == LinkState::Live; });
    const bool isOffered = std::any_of(nodes.begin(), nodes.end(), [&](const auto& node) {
        return node->link == LinkState::Live && node->offers(m_method);
    });
    m_text->setText(!isLinked   ? QStringLiteral("No node answers: %1 cannot be shown.").arg(m_what)
                    : isOffered ? QStringLiteral("The nodes offer %1; this console does not show it yet.")
                                      .arg(QLatin1String(m_method))
                                : QStringLiteral("No linked node offers %1, so %2 cannot be shown.")
                                      .arg(QLatin1String(m_method), m_what));
}

} // namespace console
