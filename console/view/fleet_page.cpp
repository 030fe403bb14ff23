// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/view/fleet_page.h"
#include "console/model/drain_estimate.h"
#include "console/view/node_delegate.h"
#include <QHeaderView>

namespace console {

namespace {

constexpr const char* DrainHint = "Move its clients away (D)";
constexpr const char* ResumeHint = "Take new clients again (R)";
constexpr int LowestChart = 176;
constexpr int HighestChart = 440;
constexpr int EmptyRows = 2;     ///< below the last node, before the charts may take the room
constexpr int RoomForAll = 1000; ///< px of table that show every column

/// Up to the trend, which takes what is left.
struct Width {
    int wide, narrow;
};
constexpr std::array<Width, std::size_t(NodeColumn::Trend)> Widths{
    {{118, 106}, {168, 132}, {98, 96}, {150, 0}, {72, 66}, {72, 70}, {72, 66}, {74, 74}, {84, 84}, {58, 58}}};

QPushButton* act(const QString& text, const QString& objectName, const QString& hint) {
    auto* button = new QPushButton(text);
    button->setObjectName(objectName);
    button->setToolTip(hint);
    button->setMinimumSize(96, metrics::ButtonHeight);
    return button;
}

} // namespace

FleetPage::FleetPage(Desk desk, QWidget* parent)
    : Page(desk, parent), m_stack(new QStackedLayout(this)), m_welcome(new WelcomePanel(desk)),
      m_attention(new AttentionList(desk.theme)), m_nodes(new NodeTable(this)),
      m_table(new TableView(QStringLiteral("fleetTable"), QStringLiteral("Nodes"), m_nodes)),
      m_drain(new DrainPanel(desk)),
      m_connectButton(act(QStringLiteral("Connect…"), QStringLiteral("connectButton"),
                          QStringLiteral("Link another node"))),
      m_clientsButton(act(QStringLiteral("Clients"), QStringLiteral("clientsButton"),
                          QStringLiteral("Its connections (Enter)"))),
      m_drainButton(act(QStringLiteral("Drain…"), QStringLiteral("drainButton"), QLatin1String(DrainHint))),
      m_resumeButton(
          act(QStringLiteral("Resume"), QStringLiteral("resumeNodeButton"), QLatin1String(ResumeHint))),
      m_hint(new QLabel) {
    setObjectName(QStringLiteral("fleetPage"));
    m_table->setItemDelegate(new NodeDelegate(desk.theme, m_table));
    m_table->horizontalHeader()->setSectionResizeMode(int(NodeColumn::Trend), QHeaderView::Stretch);
    m_hint->setForegroundRole(QPalette::PlaceholderText);
    m_hint->setTextFormat(Qt::PlainText);

    auto* acts = new QHBoxLayout;
    acts->setSpacing(metrics::Gap);
    acts->addWidget(m_hint, 1);
    for (auto* button : {m_clientsButton, m_drainButton, m_resumeButton, m_connectButton})
        acts->addWidget(button);

    auto* left = new QVBoxLayout;
    left->setSpacing(metrics::Gap);
    left->addWidget(m_attention);
    left->addLayout(acts);
    left->addWidget(m_table, 1);
    auto* trends = new QHBoxLayout;
    trends->setSpacing(metrics::Gap);
    for (const auto row : fleetCharts()) {
        auto* card = new ChartCard(desk.theme, chartSpecs()[row]);
        card->setFixedHeight(LowestChart);
        connect(card, &ChartCard::cursorMoved, this, &FleetPage::cursorMoved);
        connect(this, &FleetPage::cursorMoved, card, &ChartCard::showCursor);
        trends->addWidget(card, 1);
        m_charts.push_back(card);
    }
    left->addLayout(trends);

    auto* full = new QWidget;
    auto* row = new QHBoxLayout(full);
    row->setContentsMargins(metrics::WideGap, metrics::Gap, metrics::WideGap, metrics::Gap);
    row->setSpacing(metrics::Gap);
    row->addLayout(left, 1);
    row->addWidget(m_drain);
    m_stack->addWidget(full);
    m_stack->addWidget(m_welcome);

    connect(m_attention, &AttentionList::leadTaken, this, &FleetPage::leadTaken);
    connect(m_welcome, &WelcomePanel::connectWanted, this, &FleetPage::connectWanted);
    connect(m_drain, &DrainPanel::closed, this, [this] {
        m_drain->hide();
        arrange();
        m_table->setFocus();
    });
    connect(m_table->selectionModel(), &QItemSelectionModel::selectionChanged, this, &FleetPage::updateActs);
    connect(m_table, &TableView::entered, this, [this] { Q_EMIT clientsWanted(selectedNode()); });
    connect(m_connectButton, &QPushButton::clicked, this, [this] { Q_EMIT connectWanted({}); });
    connect(m_clientsButton, &QPushButton::clicked, this, [this] { Q_EMIT clientsWanted(selectedNode()); });
    connect(m_drainButton, &QPushButton::clicked, this, [this] { openDrain(selectedNode()); });
    connect(m_resumeButton, &QPushButton::clicked, this, [this] { resumeNode(selectedNode()); });
    updateActs();
}

QString FleetPage::selectedNode() const {
    const auto rows = m_table->selectionModel()->selectedRows();
    return rows.isEmpty() ? QString() : rows.front().data(NodeTable::KeyRole).toString();
}

void FleetPage::select(const QString& nodeKey) {
    const auto row = m_nodes->rowOf(nodeKey);
    if (row >= 0)
        m_table->selectRow(row);
    m_table->setFocus();
}

void FleetPage::openDrain(const QString& nodeKey) {
    if (!m_desk.fleet.find(nodeKey))
        return Q_EMIT complained(QStringLiteral("Select a node first."));
    select(nodeKey);
    m_drain->open(nodeKey);
    arrange();
}

void FleetPage::resumeNode(const QString& nodeKey) {
    const auto* node = m_desk.fleet.find(nodeKey);
    if (!node)
        return Q_EMIT complained(QStringLiteral("Select a node first."));
    if (const auto hindrance = roleHindrance(node); !hindrance.isEmpty())
        return Q_EMIT complained(hindrance);
    m_desk.controls.request(nodeKey, QStringLiteral("node.resume"), {},
                            [this, id = node->id](const shared::Result<QJsonObject>& answer) {
                                Q_EMIT complained(
                                    answer ? QStringLiteral("%1 takes new clients again.").arg(id)
                                           : QStringLiteral("%1 was not resumed: %2")
                                                 .arg(id, QString::fromStdString(answer.error().message)));
                            });
}

bool FleetPage::stepBack() {
    if (!m_drain->isVisible())
        return false;
    m_drain->hide();
    arrange();
    m_table->setFocus();
    return true;
}

std::vector<const ChartCard*> FleetPage::charts() const {
    return {m_charts.begin(), m_charts.end()};
}

void FleetPage::updateActs() {
    const auto* node = m_desk.fleet.find(selectedNode());
    const auto hindrance = drainHindrance(node);
    const auto role = roleHindrance(node);
    const bool isStopped = node && node->announced &&
                           node->announced->state != shared::admin::NodeState::Ready &&
                           node->link == LinkState::Live && node->role == shared::admin::Role::Operator;
    const bool isDraining = node && node->runningDrain();
    m_drainButton->setEnabled(hindrance.isEmpty() || isDraining || isStopped);
    m_drainButton->setText(isDraining ? QStringLiteral("Show drain") : QStringLiteral("Drain…"));
    m_drainButton->setToolTip(role.isEmpty() ? QLatin1String(DrainHint) : role);
    m_resumeButton->setEnabled(isStopped);
    m_resumeButton->setToolTip(role.isEmpty() ? QLatin1String(ResumeHint) : role);
    m_clientsButton->setEnabled(node && node->isHeard());
    m_hint->setText(!node                 ? QStringLiteral("Worst first. Select a node to act on it.")
                    : hindrance.isEmpty() ? QStringLiteral("%1 · %2").arg(node->id, node->address)
                                          : hindrance);
}

void FleetPage::refresh(const Moment& moment) {
    const bool isEmpty = m_desk.fleet.isEmpty();
    m_stack->setCurrentIndex(isEmpty ? 1 : 0);
    if (isEmpty)
        return m_welcome->refresh();
    m_attention->show(moment.attention);
    // Rows stay where they are while somebody points at them or acts on one.
    const bool isRead = m_table->viewport()->underMouse() || m_drain->isVisible();
    m_nodes->refresh(m_desk.fleet, moment.attention, moment.now_ms,
                     isRead ? NodeTable::Order::Hold : NodeTable::Order::WorstFirst);
    updateActs();
    shareHeight();
    m_drain->refresh(moment);
    if (!moment.hasNews)
        return;
    const Span window{moment.end_ms - length_ms(moment.range), moment.end_ms};
    for (auto* card : m_charts) {
        if (card->isVisible())
            card->draw({{QStringLiteral("fleet"), histories(m_desk.fleet, {})}}, window, moment.range);
    }
}

void FleetPage::resizeEvent(QResizeEvent* event) {
    Page::resizeEvent(event);
    arrange();
}

void FleetPage::arrange() {
    const int room =
        width() - (m_drain->isVisible() ? metrics::SideWidth + metrics::Gap : 0) - 2 * metrics::WideGap;
    for (const auto column : {NodeColumn::Trend, NodeColumn::Memory, NodeColumn::Redis})
        m_table->setColumnHidden(int(column), room < RoomForAll);
    const bool isNarrow = room < RoomForAll;
    m_table->horizontalHeader()->setSectionResizeMode(
        int(NodeColumn::Capacity), isNarrow ? QHeaderView::Stretch : QHeaderView::Interactive);
    for (std::size_t i = 0; i < Widths.size(); ++i) {
        if (!isNarrow || NodeColumn(i) != NodeColumn::Capacity)
            m_table->setColumnWidth(int(i), isNarrow ? Widths[i].narrow : Widths[i].wide);
    }
    for (std::size_t i = 2; i < m_charts.size(); ++i)
        m_charts[i]->setVisible(room >= RoomForAll - 100);
}

void FleetPage::shareHeight() {
    const int needed = (m_nodes->rowCount() + 1 + EmptyRows) * metrics::RowHeight;
    const int height =
        std::clamp(m_charts.front()->height() + m_table->height() - needed, LowestChart, HighestChart);
    for (auto* card : m_charts) {
        if (card->minimumHeight() != height)
            card->setFixedHeight(height);
    }
}

} // namespace console
