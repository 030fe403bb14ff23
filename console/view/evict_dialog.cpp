// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/view/evict_dialog.h"
#include "console/model/format.h"
#include "console/view/theme.h"
#include "shared/admin_protocol.h"
#include <QButtonGroup>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QPointer>
#include <QVBoxLayout>
#include <map>
#include <set>

namespace console {

namespace {

constexpr std::size_t MostShown = 20;
/// Ids a request; the node takes 256 KiB.
constexpr std::size_t MostIdsAtOnce = 5000;

QString clientsText(std::size_t count) {
    return count == 1 ? QStringLiteral("1 client")
                      : QStringLiteral("%1 clients").arg(formatCount(double(count)));
}

} // namespace

EvictDialog::EvictDialog(Controls& controls, std::vector<Victim> victims, double fleetConnections,
                         QWidget* parent)
    : QDialog(parent), m_controls(controls), m_victims(std::move(victims)),
      m_stayAway(new QRadioButton(QStringLiteral("They stay away"))),
      m_comeBack(new QRadioButton(QStringLiteral("They may come back"))), m_rate(new QDoubleSpinBox),
      m_reason(new QLineEdit), m_number(new QLineEdit(this)),
      m_cancel(new QPushButton(QStringLiteral("Cancel"))),
      m_confirm(new QPushButton(QStringLiteral("Evict ") + clientsText(m_victims.size()))),
      m_outcome(new QLabel) {
    setObjectName(QStringLiteral("evictDialog"));
    std::set<QString> nodes;
    for (const auto& victim : m_victims)
        nodes.insert(victim.name.nodeKey);
    const auto title = QStringLiteral("Evict %1 on %2")
                           .arg(clientsText(m_victims.size()),
                                nodes.size() == 1 ? m_victims.front().name.nodeId
                                                  : QStringLiteral("%1 nodes").arg(nodes.size()));
    setWindowTitle(title);
    setMinimumWidth(520);
    auto* head = new QLabel(title);
    auto bold = Theme::body();
    bold.setBold(true);
    bold.setPixelSize(16);
    head->setFont(bold);
    head->setTextFormat(Qt::PlainText);

    QStringList lines;
    for (std::size_t i = 0; i < std::min(m_victims.size(), MostShown); ++i) {
        const auto& victim = m_victims[i];
        lines.append(QStringLiteral("%1   %2   %3").arg(victim.name.text(), victim.address, victim.user));
    }
    if (m_victims.size() > MostShown)
        lines.append(QStringLiteral("and %1 more").arg(m_victims.size() - MostShown));
    auto* who = new QLabel(lines.join(QLatin1Char('\n')));
    who->setObjectName(QStringLiteral("evictWho"));
    who->setTextFormat(Qt::PlainText);
    who->setTextInteractionFlags(Qt::TextSelectableByMouse);
    who->setFocusPolicy(Qt::NoFocus);

    m_stayAway->setObjectName(QStringLiteral("evictStayAway"));
    m_comeBack->setObjectName(QStringLiteral("evictComeBack"));
    m_stayAway->setChecked(true);
    m_rate->setObjectName(QStringLiteral("evictRate"));
    m_rate->setAccessibleName(QStringLiteral("Rate, clients a second"));
    m_rate->setRange(0, 100'000);
    m_rate->setDecimals(0);
    m_rate->setSuffix(QStringLiteral(" /s"));
    m_rate->setSpecialValueText(QStringLiteral("at once"));
    m_reason->setObjectName(QStringLiteral("evictReason"));
    m_reason->setAccessibleName(QStringLiteral("Reason"));
    m_reason->setPlaceholderText(QStringLiteral("written to the audit"));
    m_reason->setMaxLength(200);
    m_number->setObjectName(QStringLiteral("evictNumber"));
    m_number->setAccessibleName(QStringLiteral("Type the number of clients"));
    m_mustType =
        m_victims.size() > ManyVictims || (m_victims.size() >= FewestForShare && fleetConnections > 0 &&
                                           double(m_victims.size()) > LargeShare * fleetConnections);
    m_number->setVisible(m_mustType);
    auto* form = new QFormLayout;
    form->addRow(QStringLiteral("Rate"), m_rate);
    form->addRow(QStringLiteral("Reason"), m_reason);
    if (m_mustType)
        form->addRow(QStringLiteral("Type %1").arg(m_victims.size()), m_number);

    m_cancel->setObjectName(QStringLiteral("cancelEvict"));
    m_confirm->setObjectName(QStringLiteral("confirmEvict"));
    for (auto* button : {m_cancel, m_confirm})
        button->setMinimumSize(button->fontMetrics().horizontalAdvance(button->text()) + 32,
                               metrics::ButtonHeight);
    m_cancel->setDefault(true);
    m_confirm->setAutoDefault(false);
    m_outcome->setObjectName(QStringLiteral("evictOutcome"));
    m_outcome->setWordWrap(true);
    m_outcome->setTextFormat(Qt::PlainText);
    m_outcome->hide();
    auto* buttons = new QHBoxLayout;
    buttons->addStretch();
    buttons->addWidget(m_cancel);
    buttons->addWidget(m_confirm);
    auto* column = new QVBoxLayout(this);
    column->setSpacing(metrics::WideGap);
    column->addWidget(head);
    column->addWidget(who);
    column->addWidget(m_stayAway);
    column->addWidget(m_comeBack);
    column->addLayout(form);
    column->addWidget(m_outcome);
    column->addLayout(buttons);
    connect(m_cancel, &QPushButton::clicked, this, &QDialog::reject);
    connect(m_confirm, &QPushButton::clicked, this, &EvictDialog::evict);
    connect(m_number, &QLineEdit::textChanged, this, &EvictDialog::updateConfirm);
    updateConfirm();
    m_cancel->setFocus();
}

void EvictDialog::updateConfirm() {
    m_confirm->setEnabled(!m_mustType || m_number->text().trimmed() == QString::number(m_victims.size()));
}

void EvictDialog::evict() {
    for (auto* widget :
         std::initializer_list<QWidget*>{m_confirm, m_stayAway, m_comeBack, m_rate, m_reason, m_number})
        widget->setEnabled(false);
    m_cancel->setText(QStringLiteral("Close"));
    std::map<QString, std::vector<std::string>> byNode;
    for (const auto& victim : m_victims)
        byNode[victim.name.nodeKey].push_back(victim.name.id.toStdString());
    struct Ask {
        QString node;
        shared::admin::EvictRequest request;
    };
    std::vector<Ask> asks;
    for (const auto& [node, ids] : byNode) {
        for (std::size_t from = 0; from < ids.size(); from += MostIdsAtOnce) {
            shared::admin::EvictRequest request;
            request.ids.assign(ids.begin() + std::ptrdiff_t(from),
                               ids.begin() + std::ptrdiff_t(std::min(ids.size(), from + MostIdsAtOnce)));
            request.reason = m_reason->text().toStdString();
            request.reconnect = m_comeBack->isChecked();
            request.rate_per_s = m_rate->value();
            asks.push_back({node, std::move(request)});
        }
    }
    m_waiting = asks.size();
    for (const auto& ask : asks) {
        m_controls.request(ask.node, QStringLiteral("connections.evict"), ask.request.toJson(),
                           [guard = QPointer<EvictDialog>(this),
                            asked = ask.request.ids.size()](const shared::Result<QJsonObject>& answer) {
                               if (guard)
                                   guard->take(answer, asked);
                           });
    }
}

void EvictDialog::take(const shared::Result<QJsonObject>& answer, std::size_t asked) {
    --m_waiting;
    m_asked += asked;
    if (!answer) {
        m_failures.append(QString::fromStdString(answer.error().message));
    } else if (const auto told = shared::admin::EvictAnswer::fromJson(*answer)) {
        m_runsOn = m_runsOn || told->operation.has_value();
        m_closed += told->operation ? told->matched : told->evicted;
    }
    if (m_waiting > 0)
        return;
    const auto gone = std::int64_t(m_asked) - m_closed;
    QString text = m_runsOn ? QStringLiteral("%1 are being closed; Operations shows how far it is.")
                                  .arg(formatCount(double(m_closed)))
                            : QStringLiteral("%1 closed").arg(formatCount(double(m_closed)));
    if (!m_failures.isEmpty())
        text += QStringLiteral(". Not all: ") + m_failures.join(QStringLiteral("; "));
    else if (!m_runsOn)
        text +=
            gone > 0 ? QStringLiteral(", %1 had left.").arg(formatCount(double(gone))) : QStringLiteral(".");
    m_outcome->setText(text);
    m_outcome->show();
    m_confirm->hide();
    m_cancel->setFocus();
    Q_EMIT evicted();
}

} // namespace console
