// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/view/drain_panel.h"
#include "console/model/format.h"
#include "console/model/operation_table.h"
#include <QDateTime>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QVBoxLayout>

namespace console {

namespace {

using shared::admin::NodeState;
using shared::admin::OperationState;

constexpr int DefaultDeadline_s = 30;
constexpr int DefaultGrace_s = 5;
constexpr std::int64_t EstimateEvery_ms = 2000;
constexpr std::size_t MostOthers = 8;

QLabel* wrapped(const QString& objectName = {}) {
    auto* label = new QLabel;
    label->setObjectName(objectName);
    label->setWordWrap(true);
    label->setTextFormat(Qt::PlainText);
    return label;
}

QPushButton* button(const QString& text, const QString& objectName) {
    auto* made = new QPushButton(text);
    made->setObjectName(objectName);
    made->setMinimumHeight(metrics::ButtonHeight);
    made->setAutoDefault(true);
    return made;
}

QSpinBox* spin(const QString& objectName, const QString& accessible, int most, const QString& suffix) {
    auto* box = new QSpinBox;
    box->setObjectName(objectName);
    box->setAccessibleName(accessible);
    box->setRange(0, most);
    box->setSuffix(suffix);
    box->setMinimumHeight(metrics::ButtonHeight);
    return box;
}

} // namespace

DrainPanel::DrainPanel(Desk desk, QWidget* parent) : QFrame(parent), m_desk(desk) {
    setObjectName(QStringLiteral("drainPanel"));
    setAccessibleName(QStringLiteral("Drain"));
    setFixedWidth(metrics::SideWidth);
    setAutoFillBackground(true);
    setBackgroundRole(QPalette::Base);

    m_title = new QLabel;
    m_title->setTextFormat(Qt::PlainText);
    auto titleFont = Theme::body();
    titleFont.setBold(true);
    titleFont.setPixelSize(16);
    m_title->setFont(titleFont);

    m_estimate = wrapped(QStringLiteral("drainEstimate"));
    m_others = new QLabel;
    m_others->setTextFormat(Qt::RichText);
    m_rate = spin(QStringLiteral("drainRate"), QStringLiteral("Rate, clients a second"), 100'000,
                  QStringLiteral(" /s"));
    m_rate->setSpecialValueText(QStringLiteral("as the deadline asks"));
    m_deadline = spin(QStringLiteral("drainDeadline"), QStringLiteral("Deadline, seconds"), 86'400,
                      QStringLiteral(" s"));
    m_deadline->setSpecialValueText(QStringLiteral("none"));
    m_deadline->setValue(DefaultDeadline_s);
    m_grace =
        spin(QStringLiteral("drainGrace"), QStringLiteral("Grace, seconds"), 3'600, QStringLiteral(" s"));
    m_grace->setSpecialValueText(QStringLiteral("none"));
    m_grace->setValue(DefaultGrace_s);
    m_pace = wrapped(QStringLiteral("drainPace"));
    m_hindrance = wrapped(QStringLiteral("drainHindrance"));
    m_cancel = button(QStringLiteral("Cancel"), QStringLiteral("cancelDrain"));
    m_confirm = button(QStringLiteral("Drain"), QStringLiteral("confirmDrain"));

    m_compose = new QWidget;
    auto* form = new QFormLayout;
    form->setHorizontalSpacing(metrics::WideGap);
    form->addRow(QStringLiteral("Rate"), m_rate);
    form->addRow(QStringLiteral("Deadline"), m_deadline);
    form->addRow(QStringLiteral("Grace"), m_grace);
    auto* buttons = new QHBoxLayout;
    buttons->addWidget(m_cancel);
    buttons->addWidget(m_confirm, 1);
    auto* compose = new QVBoxLayout(m_compose);
    compose->setContentsMargins(0, 0, 0, 0);
    compose->setSpacing(metrics::WideGap);
    compose->addWidget(m_estimate);
    compose->addWidget(m_others);
    compose->addLayout(form);
    compose->addWidget(m_pace);
    compose->addWidget(m_hindrance);
    compose->addLayout(buttons);

    m_running = new QWidget;
    m_bar = new QProgressBar;
    m_bar->setObjectName(QStringLiteral("drainProgress"));
    m_bar->setAccessibleName(QStringLiteral("Clients that were closed"));
    m_bar->setRange(0, 1000);
    m_bar->setTextVisible(false);
    m_bar->setFixedHeight(12);
    auto colours = m_bar->palette();
    colours.setColor(QPalette::Highlight, desk.theme.fill());
    m_bar->setPalette(colours);
    m_progressText = wrapped(QStringLiteral("drainProgressText"));
    m_ledger = wrapped(QStringLiteral("drainLedger"));
    m_why = wrapped(QStringLiteral("drainWhy"));
    m_abort = button(QStringLiteral("Abort"), QStringLiteral("abortButton"));
    auto* running = new QVBoxLayout(m_running);
    running->setContentsMargins(0, 0, 0, 0);
    running->setSpacing(metrics::WideGap);
    running->addWidget(m_bar);
    running->addWidget(m_progressText);
    running->addWidget(m_ledger);
    running->addWidget(m_why);
    running->addWidget(m_abort);

    m_ended = new QWidget;
    m_outcome = wrapped(QStringLiteral("drainOutcome"));
    m_resume = button(QStringLiteral("Resume"), QStringLiteral("resumeButton"));
    m_close = button(QStringLiteral("Close"), QStringLiteral("closeDrain"));
    auto* ended = new QVBoxLayout(m_ended);
    ended->setContentsMargins(0, 0, 0, 0);
    ended->setSpacing(metrics::WideGap);
    ended->addWidget(m_outcome);
    auto* endButtons = new QHBoxLayout;
    endButtons->addWidget(m_close);
    endButtons->addWidget(m_resume, 1);
    ended->addLayout(endButtons);

    m_complaint = wrapped(QStringLiteral("drainComplaint"));
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(metrics::WideGap, metrics::WideGap, metrics::WideGap, metrics::WideGap);
    column->setSpacing(metrics::WideGap);
    column->addWidget(m_title);
    column->addWidget(m_compose);
    column->addWidget(m_running);
    column->addWidget(m_ended);
    column->addWidget(m_complaint);
    column->addStretch();

    for (auto* box : {m_rate, m_deadline, m_grace})
        connect(box, &QSpinBox::valueChanged, this, &DrainPanel::estimate);
    connect(m_cancel, &QPushButton::clicked, this, &DrainPanel::closed);
    connect(m_close, &QPushButton::clicked, this, &DrainPanel::closed);
    connect(m_confirm, &QPushButton::clicked, this, &DrainPanel::order);
    connect(m_abort, &QPushButton::clicked, this, &DrainPanel::abort);
    connect(m_resume, &QPushButton::clicked, this, &DrainPanel::resume);
    hide();
}

void DrainPanel::open(const QString& nodeKey) {
    m_key = nodeKey;
    m_operation = 0;
    const auto* record = node();
    if (!record)
        return;
    complain({});
    m_title->setText(QStringLiteral("Drain %1").arg(record->id));
    show();
    if (const auto* running = record->runningDrain()) {
        m_operation = running->row.id;
        setStage(Stage::Running);
    } else if (record->announced && (record->announced->state == NodeState::Drained)) {
        if (const auto* last = record->lastDrain())
            m_operation = last->row.id;
        setStage(Stage::Ended);
        showEnd(operation());
    } else {
        setStage(Stage::Compose);
        estimate();
        m_cancel->setFocus();
    }
}

void DrainPanel::setStage(Stage stage) {
    m_stage = stage;
    m_compose->setVisible(stage == Stage::Compose || stage == Stage::Asking);
    m_compose->setEnabled(stage == Stage::Compose);
    m_running->setVisible(stage == Stage::Running);
    m_ended->setVisible(stage == Stage::Ended);
}

const OperationRecord* DrainPanel::operation() const {
    const auto* record = node();
    if (!record || m_operation == 0)
        return nullptr;
    for (const auto& known : record->operations) {
        if (known.row.id == m_operation)
            return &known;
    }
    return nullptr;
}

void DrainPanel::estimate() {
    const auto* record = node();
    if (!record)
        return;
    m_estimated_ms = QDateTime::currentMSecsSinceEpoch();
    const auto hindrance = drainHindrance(record);
    m_hindrance->setText(hindrance);
    m_hindrance->setVisible(!hindrance.isEmpty());
    const auto result = estimateDrain(m_desk.fleet, *record, m_rate->value(), m_deadline->value());
    const auto clients = figures(*record).connections;
    QString text = QStringLiteral("Estimate at %1: %2 clients.")
                       .arg(formatClock(m_estimated_ms, m_isUtc), orUnknown(clients, &formatCount));
    if (result.others.empty())
        text += QStringLiteral(" No other ready node is linked: they would have nowhere to go.");
    else if (result.others.front().percent().value_or(0) > 1)
        text += QStringLiteral(" %1 would reach %2 of its capacity.")
                    .arg(result.others.front().node, formatPercent(*result.others.front().percent()));
    m_estimate->setText(text);
    QString table =
        QStringLiteral("<table cellspacing='0' cellpadding='3' width='330'><tr><td>Node</td>"
                       "<td align='right'>now</td><td align='right'>after</td><td align='right'></td></tr>");
    for (std::size_t i = 0; i < std::min(result.others.size(), MostOthers); ++i) {
        const auto& other = result.others[i];
        table += QStringLiteral("<tr><td>%1</td><td align='right'>%2</td><td align='right'>%3</td><td "
                                "align='right'>%4</td></tr>")
                     .arg(other.node.toHtmlEscaped(), formatCount(other.now), formatCount(other.after),
                          orUnknown(other.percent(), &formatPercent));
    }
    if (result.others.size() > MostOthers)
        table += QStringLiteral("<tr><td>and %1 more</td></tr>").arg(result.others.size() - MostOthers);
    m_others->setText(table + QStringLiteral("</table>"));
    m_others->setVisible(!result.others.empty());
    QString pace =
        QStringLiteral("About %1 at %2/s, ").arg(formatAge(result.length_s), formatShort(result.pace_per_s));
    pace +=
        m_grace->value() > 0
            ? QStringLiteral("after %1 in which the load balancer notices.").arg(formatAge(m_grace->value()))
            : QStringLiteral("beginning at once: the load balancer has no time to notice.");
    if (!result.meetsDeadline)
        pace += QStringLiteral(" The deadline comes first: the rest is closed then at once.");
    m_pace->setText(pace);
    m_confirm->setText(clients ? *clients == 1 ? QStringLiteral("Drain 1 client")
                                               : QStringLiteral("Drain %1 clients").arg(formatCount(*clients))
                               : QStringLiteral("Drain"));
    m_confirm->setEnabled(hindrance.isEmpty());
}

void DrainPanel::order() {
    shared::admin::DrainRequest request;
    if (m_rate->value() > 0)
        request.rate_per_s = m_rate->value();
    request.deadline_s = m_deadline->value();
    request.grace_s = m_grace->value();
    complain({});
    setStage(Stage::Asking);
    m_desk.controls.request(
        m_key, QStringLiteral("node.drain"), request.toJson(),
        [this, key = m_key](const shared::Result<QJsonObject>& answer) {
            if (key != m_key)
                return;
            if (!answer) {
                setStage(Stage::Compose);
                return complain(
                    QStringLiteral("Not begun: %1").arg(QString::fromStdString(answer.error().message)));
            }
            m_operation = std::uint64_t(answer->value(QStringLiteral("operation")).toInteger());
            setStage(Stage::Running);
            m_abort->setFocus();
        });
}

void DrainPanel::abort() {
    complain({});
    m_abort->setEnabled(false);
    m_desk.controls.request(
        m_key, QStringLiteral("operations.abort"), {{QStringLiteral("id"), qint64(m_operation)}},
        [this](const shared::Result<QJsonObject>& answer) {
            m_abort->setEnabled(true);
            if (!answer)
                complain(
                    QStringLiteral("Not aborted: %1").arg(QString::fromStdString(answer.error().message)));
        });
}

void DrainPanel::resume() {
    complain({});
    m_resume->setEnabled(false);
    m_desk.controls.request(
        m_key, QStringLiteral("node.resume"), {},
        [this, key = m_key](const shared::Result<QJsonObject>& answer) {
            m_resume->setEnabled(true);
            if (key != m_key)
                return;
            if (!answer)
                return complain(
                    QStringLiteral("Not resumed: %1").arg(QString::fromStdString(answer.error().message)));
            m_outcome->setText(QStringLiteral("Resumed: it takes new clients again."));
            m_resume->hide();
        });
}

void DrainPanel::refresh(const Moment& moment) {
    m_isUtc = moment.isUtc;
    const auto* record = node();
    if (!record || !isVisible())
        return;
    switch (m_stage) {
    case Stage::Compose:
        // Numbers that change under the reader must not change what the button promises: the estimate says
        // its time.
        if (moment.now_ms - m_estimated_ms > EstimateEvery_ms)
            estimate();
        return;
    case Stage::Asking:
        return;
    case Stage::Running: {
        const auto* current = operation();
        if (!current)
            return m_progressText->setText(QStringLiteral("Begun; the node has not told its progress yet."));
        if (current->row.state == OperationState::Running)
            return showProgress(*current, moment);
        setStage(Stage::Ended);
        showEnd(current);
        return m_close->setFocus();
    }
    case Stage::Ended:
        return;
    }
}

void DrainPanel::showProgress(const OperationRecord& current, const Moment& moment) {
    const auto& row = current.row;
    m_bar->setValue(int(progress(row) * 1000));
    QString text =
        QStringLiteral("%1 left").arg(formatCount(double(std::max<std::int64_t>(0, row.total - row.done))));
    if (row.rate_per_s > 0)
        text += QStringLiteral(" · %1/s").arg(formatShort(row.rate_per_s));
    if (row.eta_s)
        text += QStringLiteral(" · %1").arg(formatAge(*row.eta_s));
    m_progressText->setText(text);
    const auto ledger = ledgerText(row);
    m_ledger->setText(ledger.isEmpty() ? QStringLiteral("Where they go is not known to this node.") : ledger);
    QString why;
    for (const auto& situation : situations(m_desk.fleet, moment.now_ms)) {
        if (situation.key == m_key)
            why = drainStandstill(situation);
    }
    m_why->setText(why.isEmpty() ? why : why.left(1).toUpper() + why.mid(1) + QLatin1Char('.'));
    m_why->setVisible(!why.isEmpty());
    const auto hindrance = roleHindrance(node());
    m_abort->setEnabled(node()->link == LinkState::Live && hindrance.isEmpty());
    m_abort->setToolTip(hindrance);
}

void DrainPanel::showEnd(const OperationRecord* current) {
    const auto hindrance = roleHindrance(node());
    m_resume->show();
    m_resume->setEnabled(hindrance.isEmpty());
    m_resume->setToolTip(hindrance);
    if (!current)
        return m_outcome->setText(
            QStringLiteral("It is drained: new clients are refused until it is resumed."));
    const auto& row = current->row;
    const auto left = formatCount(double(std::max<std::int64_t>(0, row.total - row.done)));
    const auto took_s = double(std::max<std::int64_t>(0, current->ended_ms - row.started_ms)) / 1000;
    const auto ledger = ledgerText(row);
    switch (row.state) {
    case OperationState::Running:
        return;
    case OperationState::Done:
        m_outcome->setText((current->ended_ms > 0 ? QStringLiteral("Drained in %1.").arg(formatAge(took_s))
                                                  : QStringLiteral("Drained.")) +
                           QStringLiteral(" %1 clients were closed.").arg(formatCount(double(row.done))) +
                           (ledger.isEmpty() ? QString() : QLatin1Char('\n') + ledger));
        return;
    case OperationState::Aborted:
        m_outcome->setText(QStringLiteral("Stopped. %1 stay; new clients are still refused.").arg(left));
        return;
    case OperationState::Failed:
        m_outcome->setText(QStringLiteral("Failed. %1 are still there; new clients are refused.").arg(left));
        return;
    }
}

void DrainPanel::complain(const QString& sentence) {
    m_complaint->setText(sentence);
    m_complaint->setVisible(!sentence.isEmpty());
}

} // namespace console
