// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/view/connections_page.h"
#include "console/model/format.h"
#include "shared/filter.h"
#include <QHeaderView>
#include <QRegularExpression>
#include <QVBoxLayout>

namespace console {

namespace {

constexpr const char* EvictHint = "Close the selected connections (Del)";
constexpr std::int64_t RefreshEvery_ms = 2000;
constexpr std::size_t MostRoomsShown = 12;
constexpr int RoomForAll = 1000;

class ConnectionDelegate : public QStyledItemDelegate {
public:
    ConnectionDelegate(const Theme& theme, QObject* parent) : QStyledItemDelegate(parent), m_theme(theme) {}

protected:
    void initStyleOption(QStyleOptionViewItem* option, const QModelIndex& index) const override {
        QStyledItemDelegate::initStyleOption(option, index);
        option->textElideMode = Qt::ElideMiddle;
        option->state &= ~QStyle::State_HasFocus; // a row is one thing
        if (!index.data(ConnectionTable::IsGoneRole).toBool())
            return;
        option->palette.setColor(QPalette::Text, m_theme.second);
        option->palette.setColor(QPalette::HighlightedText, m_theme.second);
        option->font.setStrikeOut(true);
    }

private:
    const Theme& m_theme;
};

QString text(const std::string& utf8) {
    return QString::fromUtf8(utf8.data(), qsizetype(utf8.size()));
}

} // namespace

ConnectionsPage::ConnectionsPage(Desk desk, QWidget* parent)
    : Page(desk, parent),
      m_connections(new ConnectionTable(
          [this](const QString& key, const shared::admin::ListRequest& request,
                 ConnectionTable::Reply reply) {
              m_desk.controls.request(key, QStringLiteral("connections.list"), request.toJson(),
                                      [reply](const shared::Result<QJsonObject>& answer) {
                                          reply(answer ? shared::admin::ListAnswer::fromJson(*answer)
                                                       : tl::unexpected<shared::Error>(answer.error()));
                                      });
          },
          this)),
      m_table(new TableView(QStringLiteral("connectionTable"), QStringLiteral("Connections"), m_connections)),
      m_node(new QComboBox), m_filter(new QLineEdit), m_mistake(new QLabel), m_summary(new QLabel),
      m_details(new QLabel), m_held(new QLabel), m_side(new QWidget),
      m_showNew(new QPushButton(QStringLiteral("Show"))), m_evict(new QPushButton(QStringLiteral("Evict…"))) {
    setObjectName(QStringLiteral("connectionsPage"));
    m_table->setItemDelegate(new ConnectionDelegate(desk.theme, m_table));
    m_table->setSelectionMode(QAbstractItemView::ExtendedSelection);
    m_table->setWidths({170, 0, 104, 80, 76, 84, 76, 68, 64, 68, 84});
    m_table->horizontalHeader()->setSortIndicatorShown(true);
    m_table->horizontalHeader()->setSectionsClickable(true);
    m_table->horizontalHeader()->setSortIndicator(0, m_order);
    m_filter->setObjectName(QStringLiteral("connectionFilter"));
    m_filter->setAccessibleName(QStringLiteral("Filter"));
    m_filter->setPlaceholderText(
        QStringLiteral("room=lobby  ip=10.0.0.0/8  idle>10m  queue>64k  user=alice  agent~python"));
    m_filter->setMinimumHeight(metrics::ButtonHeight);
    m_filter->setClearButtonEnabled(true);
    m_mistake->setObjectName(QStringLiteral("filterMistake"));
    m_mistake->setTextFormat(Qt::PlainText);
    m_node->setObjectName(QStringLiteral("connectionNode"));
    m_node->setAccessibleName(QStringLiteral("Node"));
    m_node->setMinimumSize(180, metrics::ButtonHeight);
    m_summary->setObjectName(QStringLiteral("connectionSummary"));
    m_summary->setForegroundRole(QPalette::PlaceholderText);
    m_held->setForegroundRole(QPalette::PlaceholderText);
    m_showNew->setObjectName(QStringLiteral("showNewRows"));
    m_evict->setObjectName(QStringLiteral("evictButton"));
    m_evict->setToolTip(QLatin1String(EvictHint));
    for (auto* button : {m_showNew, m_evict})
        button->setMinimumSize(96, metrics::ButtonHeight);

    auto* bar = new QHBoxLayout;
    bar->setSpacing(metrics::Gap);
    bar->addWidget(m_node);
    bar->addWidget(m_filter, 1);
    for (const auto* chip : {"queue>0", "idle>10m", "rtt>200ms"}) {
        auto* button = new QPushButton(QLatin1String(chip));
        button->setMinimumHeight(metrics::ButtonHeight);
        button->setAccessibleName(QStringLiteral("Filter by %1").arg(QLatin1String(chip)));
        connect(button, &QPushButton::clicked, this, [this, word = QString::fromLatin1(chip)] {
            auto words = m_filter->text().simplified().split(QLatin1Char(' '), Qt::SkipEmptyParts);
            if (!words.removeOne(word))
                words.append(word);
            m_filter->setText(words.join(QLatin1Char(' ')));
            checkFilter();
            start();
        });
        bar->addWidget(button);
    }
    m_details->setObjectName(QStringLiteral("connectionDetails"));
    m_details->setTextFormat(Qt::RichText);
    m_details->setWordWrap(true);
    m_details->setAlignment(Qt::AlignTop);
    m_details->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_side->setFixedWidth(metrics::SideWidth);
    m_side->setAutoFillBackground(true);
    m_side->setBackgroundRole(QPalette::Base);
    auto* side = new QVBoxLayout(m_side);
    side->setContentsMargins(metrics::WideGap, metrics::WideGap, metrics::WideGap, metrics::WideGap);
    side->addWidget(m_details, 1);
    m_side->hide();

    auto* middle = new QHBoxLayout;
    middle->setSpacing(metrics::Gap);
    middle->addWidget(m_table, 1);
    middle->addWidget(m_side);
    auto* foot = new QHBoxLayout;
    foot->setSpacing(metrics::Gap);
    foot->addWidget(m_summary);
    foot->addSpacing(metrics::WideGap);
    foot->addWidget(m_held);
    foot->addWidget(m_showNew);
    foot->addStretch();
    foot->addWidget(m_evict);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(metrics::WideGap, metrics::Gap, metrics::WideGap, metrics::Gap);
    column->setSpacing(4);
    column->addLayout(bar);
    column->addWidget(m_mistake);
    column->addLayout(middle, 1);
    column->addLayout(foot);
    m_mistake->hide();

    connect(m_filter, &QLineEdit::textChanged, this, &ConnectionsPage::checkFilter);
    connect(m_filter, &QLineEdit::returnPressed, this, &ConnectionsPage::start);
    connect(m_node, &QComboBox::activated, this, &ConnectionsPage::start);
    connect(m_connections, &ConnectionTable::stateChanged, this, &ConnectionsPage::writeSummary);
    connect(m_showNew, &QPushButton::clicked, this, &ConnectionsPage::start);
    connect(m_evict, &QPushButton::clicked, this, &ConnectionsPage::openEvict);
    connect(m_table->selectionModel(), &QItemSelectionModel::selectionChanged, this, [this] {
        showDetails();
        writeSummary();
    });
    connect(m_table->horizontalHeader(), &QHeaderView::sectionClicked, this, [this](int column) {
        const auto key = ConnectionTable::sortKeyOf(column);
        if (key) {
            // The first look at a number is for the largest one.
            m_order = *key != m_sort
                          ? *key == shared::admin::SortKey::Id ? Qt::AscendingOrder : Qt::DescendingOrder
                      : m_order == Qt::AscendingOrder ? Qt::DescendingOrder
                                                      : Qt::AscendingOrder;
            m_sort = *key;
            start();
        }
        for (int i = 0; i < int(ConnectionColumn::Count); ++i) {
            if (ConnectionTable::sortKeyOf(i) == m_sort)
                m_table->horizontalHeader()->setSortIndicator(i, m_order);
        }
    });
    writeSummary();
}

std::vector<NodeName> ConnectionsPage::liveNodes() const {
    std::vector<NodeName> nodes;
    const auto chosen = selectedNode();
    for (const auto& node : m_desk.fleet.nodes()) {
        if (node->link == LinkState::Live && node->offers("connections.list") &&
            (chosen.isEmpty() || node->key == chosen))
            nodes.push_back({node->key, node->id});
    }
    return nodes;
}

void ConnectionsPage::fillNodes() {
    QStringList known, now;
    for (int i = 1; i < m_node->count(); ++i)
        known.append(m_node->itemData(i).toString() + m_node->itemText(i));
    for (const auto& node : m_desk.fleet.nodes()) {
        if (node->lastSample_ms != 0)
            now.append(node->key + node->id);
    }
    if (m_node->count() > 0 && known == now)
        return;
    const auto chosen = selectedNode();
    m_node->clear();
    m_node->addItem(QStringLiteral("all nodes"), QString());
    for (const auto& node : m_desk.fleet.nodes()) {
        if (node->lastSample_ms != 0)
            m_node->addItem(node->id, node->key);
    }
    m_node->setCurrentIndex(std::max(0, m_node->findData(chosen)));
}

void ConnectionsPage::showNode(const QString& nodeKey) {
    fillNodes();
    m_node->setCurrentIndex(std::max(0, m_node->findData(nodeKey)));
    start();
    m_table->setFocus();
}

void ConnectionsPage::focusFilter() {
    m_filter->setFocus();
    m_filter->selectAll();
}

bool ConnectionsPage::stepBack() {
    if (m_filter->hasFocus() && !m_filter->text().isEmpty()) {
        m_filter->clear();
        start();
        return true;
    }
    if (m_side->isVisible()) {
        m_table->clearSelection();
        return true;
    }
    return false;
}

void ConnectionsPage::checkFilter() {
    const auto filter = shared::Filter::parse(m_filter->text().toStdString());
    m_mistake->setVisible(!filter);
    if (filter)
        return;
    // The sentence stands under the column that it speaks of.
    auto sentence = text(filter.error().message);
    static const QRegularExpression Column(QStringLiteral("column (\\d+): "));
    const auto match = Column.match(sentence);
    const int column = match.hasMatch() ? match.captured(1).toInt() : 1;
    sentence.remove(match.capturedStart(), match.hasMatch() ? match.capturedLength() : 0);
    const int before = m_filter->fontMetrics().horizontalAdvance(m_filter->text().left(column - 1));
    const int sentenceWidth = m_mistake->fontMetrics().horizontalAdvance(QStringLiteral("^ ") + sentence);
    const int left =
        std::clamp(m_filter->x() - m_mistake->x() + before + 6, 0, std::max(0, width() - sentenceWidth - 32));
    m_mistake->setIndent(left);
    m_mistake->setText(QStringLiteral("^ ") + sentence);
}

void ConnectionsPage::start() {
    if (!shared::Filter::parse(m_filter->text().toStdString()))
        return;
    m_asked = liveNodes();
    m_detailed.reset();
    m_connections->start(m_asked, m_filter->text(), m_sort, m_order);
    showDetails();
}

void ConnectionsPage::refresh(const Moment& moment) {
    fillNodes();
    const auto live = liveNodes();
    if (m_asked.empty() && !live.empty())
        start();
    if (moment.now_ms - m_refreshed_ms < RefreshEvery_ms)
        return;
    m_refreshed_ms = moment.now_ms;
    m_connections->refresh();
    if (m_detailed)
        showDetails();
    writeSummary();
}

std::vector<ConnectionName> ConnectionsPage::selection() const {
    std::vector<ConnectionName> names;
    for (const auto& index : m_table->selectionModel()->selectedRows())
        names.push_back(m_connections->nameAt(index.row()));
    return names;
}

void ConnectionsPage::writeSummary() {
    const auto totals = figures(m_desk.fleet);
    const auto shown = m_connections->rowCount();
    QString text;
    if (!m_connections->failureText().isEmpty())
        text = m_connections->failureText();
    else if (m_asked.empty())
        text = QStringLiteral("No node answers: its connections are not known.");
    else if (shown == 0 && m_connections->isLoading())
        text = QStringLiteral("Asking…");
    else if (shown == 0)
        text = m_filter->text().isEmpty() ? QStringLiteral("No connection.")
                                          : QStringLiteral("Nothing matches.");
    else
        text =
            QStringLiteral("1–%1 of %2").arg(formatCount(shown), formatCount(double(m_connections->total())));
    if (!m_filter->text().isEmpty() && totals.connections)
        text += QStringLiteral(" · %1 in all").arg(formatCount(*totals.connections));
    if (!m_asked.empty())
        text += QStringLiteral(" · %1 of %2 nodes")
                    .arg(m_connections->answeredNodes())
                    .arg(m_desk.fleet.nodes().size());
    if (m_connections->isPartial())
        text += QStringLiteral(" · not all: a node did not finish in time");
    m_summary->setText(text);
    QStringList held;
    if (m_connections->newRows() > 0)
        held.append(m_connections->newRows() == 1
                        ? QStringLiteral("1 new row")
                        : QStringLiteral("%1 new rows").arg(m_connections->newRows()));
    if (!m_asked.empty() && liveNodes() != m_asked)
        held.append(QStringLiteral("the nodes have changed"));
    m_held->setText(QStringLiteral("held still: ") + held.join(QStringLiteral(", ")));
    m_held->setVisible(!held.isEmpty());
    m_showNew->setVisible(!held.isEmpty());
    const auto count = m_table->selectionModel()->selectedRows().size();
    const auto hindrance = evictHindrance();
    m_evict->setEnabled(count > 0 && hindrance.isEmpty());
    m_evict->setToolTip(hindrance.isEmpty() ? QLatin1String(EvictHint) : hindrance);
    m_evict->setText(count > 0 ? QStringLiteral("Evict %1…").arg(count) : QStringLiteral("Evict…"));
}

void ConnectionsPage::showDetails() {
    const auto names = selection();
    if (names.size() != 1) {
        m_detailed.reset();
        m_side->hide();
        arrange();
        return;
    }
    const auto name = names.front();
    const bool isSame = m_detailed == name;
    m_detailed = name;
    m_side->show();
    arrange();
    if (!isSame)
        m_details->setText(QStringLiteral("<b>%1</b><br>asking…").arg(name.text().toHtmlEscaped()));
    m_desk.controls.request(
        name.nodeKey, QStringLiteral("connections.get"), {{QStringLiteral("id"), name.id}},
        [this, name](const shared::Result<QJsonObject>& answer) {
            if (m_detailed != name)
                return;
            auto html = QStringLiteral("<b>%1</b>").arg(name.text().toHtmlEscaped());
            const auto details = answer ? shared::admin::ConnectionDetails::fromJson(*answer)
                                        : tl::unexpected<shared::Error>(answer.error());
            if (!details)
                return m_details->setText(
                    html + QStringLiteral("<p>%1</p>").arg(text(details.error().message).toHtmlEscaped()));
            const auto& row = details->row;
            html += QStringLiteral("<table cellpadding='2' cellspacing='0'>");
            const auto line = [&](const char* word, const QString& value) {
                html += QStringLiteral("<tr><td>%1&nbsp;&nbsp;</td><td>%2</td></tr>")
                            .arg(QLatin1String(word), value.toHtmlEscaped());
            };
            line("Address", text(row.address));
            line("User", row.user.empty() ? unknownText() : text(row.user) + QStringLiteral(" (claimed)"));
            line("Dialect", text(row.dialect) + QStringLiteral(" over ") + text(row.transport));
            line("Since", formatClock(row.since_ms, true) + QStringLiteral(" UTC"));
            line("Idle", formatAge(row.idle_s));
            line("Queue", formatBytes(double(row.queue_bytes)));
            line("Round trip", row.rtt_ms ? formatSeconds(*row.rtt_ms / 1000) : unknownText());
            line("Messages in", QStringLiteral("%1 · %2/s")
                                    .arg(formatCount(double(row.messages_in)), formatShort(row.in_rate)));
            line("Messages out", QStringLiteral("%1 · %2/s")
                                     .arg(formatCount(double(row.messages_out)), formatShort(row.out_rate)));
            line("Agent", row.agent.empty() ? unknownText() : text(row.agent));
            html += QStringLiteral("</table><p><b>Rooms</b> %1<br>").arg(formatCount(double(row.rooms)));
            for (std::size_t i = 0; i < std::min(details->rooms.size(), MostRoomsShown); ++i)
                html += QStringLiteral("%1 %2<br>")
                            .arg(text(details->rooms[i].first).toHtmlEscaped(),
                                 text(details->rooms[i].second).toHtmlEscaped());
            if (details->rooms.size() > MostRoomsShown)
                html += QStringLiteral("and %1 more").arg(details->rooms.size() - MostRoomsShown);
            m_details->setText(html + QStringLiteral("</p>"));
        });
}

void ConnectionsPage::arrange() {
    // What the details say of one connection needs no column beside them.
    const bool isNarrow = m_side->isVisible() || width() < RoomForAll;
    for (const auto column :
         {ConnectionColumn::Since, ConnectionColumn::Rooms, ConnectionColumn::In, ConnectionColumn::Dialect})
        m_table->setColumnHidden(int(column), isNarrow);
}

QString ConnectionsPage::evictHindrance() const {
    QString hindrance;
    for (const auto& name : selection()) {
        if (hindrance.isEmpty())
            hindrance = roleHindrance(m_desk.fleet.find(name.nodeKey));
    }
    return hindrance;
}

void ConnectionsPage::openEvict() {
    if (!evictHindrance().isEmpty())
        return;
    std::vector<Victim> victims;
    for (const auto& name : selection()) {
        if (const auto* row = m_connections->rowOf(name))
            victims.push_back({name, text(row->address), text(row->user)});
    }
    if (victims.empty())
        return;
    auto* dialog = new EvictDialog(m_desk.controls, std::move(victims),
                                   figures(m_desk.fleet).connections.value_or(0), window());
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    connect(dialog, &EvictDialog::evicted, this, [this] {
        m_connections->refresh();
        if (m_detailed)
            showDetails();
    });
    dialog->open();
}

QJsonArray ConnectionsPage::rows() const {
    QJsonArray rows;
    for (int i = 0; i < m_connections->rowCount(); ++i) {
        auto row = m_connections->at(i).toJson();
        row.insert(QStringLiteral("node"), m_connections->nameAt(i).nodeId);
        rows.append(row);
    }
    return rows;
}

} // namespace console
