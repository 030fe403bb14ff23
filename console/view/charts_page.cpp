// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/view/charts_page.h"
#include "console/model/format.h"
#include <QButtonGroup>
#include <QGridLayout>

namespace console {

namespace {

constexpr int ChartColumns = 4;

QToolButton* toggle(const QString& text, const QString& objectName, const QString& hint) {
    auto* button = new QToolButton;
    button->setText(text);
    button->setObjectName(objectName);
    button->setAccessibleName(hint);
    button->setToolTip(hint);
    button->setCheckable(true);
    button->setMinimumSize(52, metrics::ButtonHeight);
    return button;
}

} // namespace

ChartsPage::ChartsPage(Desk desk, QWidget* parent)
    : Page(desk, parent), m_node(new QComboBox),
      m_sum(toggle(QStringLiteral("Sum"), QStringLiteral("chartSum"), QStringLiteral("All nodes together"))),
      m_each(toggle(QStringLiteral("Each"), QStringLiteral("chartEach"),
                    QStringLiteral("One line a node, the six highest"))),
      m_cursorText(new QLabel) {
    setObjectName(QStringLiteral("chartsPage"));
    m_node->setObjectName(QStringLiteral("chartNode"));
    m_node->setAccessibleName(QStringLiteral("Node to chart"));
    m_node->setMinimumSize(220, metrics::ButtonHeight);
    m_cursorText->setForegroundRole(QPalette::PlaceholderText);
    auto* group = new QButtonGroup(this);
    group->addButton(m_sum);
    group->addButton(m_each);
    desk.theme.showChecked(m_sum);
    desk.theme.showChecked(m_each);
    m_sum->setChecked(true);
    auto* bar = new QHBoxLayout;
    bar->setSpacing(metrics::Gap);
    bar->addWidget(new QLabel(QStringLiteral("Node")));
    bar->addWidget(m_node);
    bar->addWidget(m_sum);
    bar->addWidget(m_each);
    bar->addStretch();
    bar->addWidget(m_cursorText);

    auto* grid = new QGridLayout;
    grid->setSpacing(metrics::Gap);
    int at = 0;
    for (const auto& spec : chartSpecs()) {
        auto* card = new ChartCard(desk.theme, spec);
        connect(card, &ChartCard::cursorMoved, this, &ChartsPage::cursorMoved);
        connect(this, &ChartsPage::cursorMoved, card, &ChartCard::showCursor);
        grid->addWidget(card, at / ChartColumns, at % ChartColumns);
        m_charts.push_back(card);
        ++at;
    }
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(metrics::WideGap, metrics::Gap, metrics::WideGap, metrics::Gap);
    column->setSpacing(metrics::Gap);
    column->addLayout(bar);
    column->addLayout(grid, 1);

    connect(this, &ChartsPage::cursorMoved, this, [this](std::optional<double> secondsAgo) {
        m_cursor = secondsAgo;
        m_cursorText->setText(
            secondsAgo ? QStringLiteral("cursor %1")
                             .arg(formatClock(m_end_ms - std::int64_t(*secondsAgo * 1000), m_isUtc))
                       : QString());
    });
    connect(m_node, &QComboBox::activated, this, [this] { m_isChanged = true; });
    connect(group, &QButtonGroup::buttonClicked, this, [this] { m_isChanged = true; });
    fillNodes();
}

std::vector<const ChartCard*> ChartsPage::charts() const {
    return {m_charts.begin(), m_charts.end()};
}

void ChartsPage::fillNodes() {
    QStringList now;
    QStringList known;
    for (int i = 1; i < m_node->count(); ++i)
        known.append(m_node->itemData(i).toString() + m_node->itemText(i));
    for (const auto& node : m_desk.fleet.nodes()) {
        if (!node->history.isEmpty())
            now.append(node->key + node->id);
    }
    if (m_node->count() > 0 && now == known)
        return;
    const auto chosen = selectedNode();
    m_node->clear();
    m_node->addItem(QStringLiteral("all nodes"), QString());
    for (const auto& node : m_desk.fleet.nodes()) {
        if (!node->history.isEmpty())
            m_node->addItem(node->id, node->key);
    }
    m_node->setCurrentIndex(std::max(0, m_node->findData(chosen)));
}

void ChartsPage::refresh(const Moment& moment) {
    m_isUtc = moment.isUtc;
    m_end_ms = moment.end_ms;
    fillNodes();
    if (!moment.hasNews && !m_isChanged)
        return;
    m_isChanged = false;
    const auto key = selectedNode();
    m_sum->setEnabled(key.isEmpty());
    m_each->setEnabled(key.isEmpty());
    std::vector<ChartSource> sources;
    if (key.isEmpty() && m_each->isChecked()) {
        for (const auto& node : m_desk.fleet.nodes()) {
            if (!node->history.isEmpty())
                sources.push_back({node->id, {&node->history}});
        }
    } else {
        sources.push_back(
            {key.isEmpty() ? QStringLiteral("fleet") : m_node->currentText(), histories(m_desk.fleet, key)});
    }
    const Span window{moment.end_ms - length_ms(moment.range), moment.end_ms};
    for (auto* card : m_charts)
        card->draw(sources, window, moment.range);
}

} // namespace console
