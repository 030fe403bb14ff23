// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/view/main_window.h"
#include "console/model/format.h"
#include "console/view/audit_page.h"
#include "console/view/charts_page.h"
#include "console/view/connect_dialog.h"
#include "console/view/connections_page.h"
#include "console/view/fleet_page.h"
#include "console/view/operations_page.h"
#include <QAbstractButton>
#include <QApplication>
#include <QDateTime>
#include <QDialog>
#include <QHBoxLayout>
#include <QPainter>
#include <QShortcut>
#include <QStyledItemDelegate>
#include <chrono>

namespace console {

using namespace std::chrono_literals;

namespace {

constexpr auto DrawInterval = 250ms;
constexpr std::int64_t FreshFor_ms = 2500;
constexpr std::int64_t GrowsAfter_ms = 300'000; ///< of history, from the shortest range to the next
constexpr std::int64_t SaidFor_ms = 8000;
const std::array<const char*, 8> PageTitles{"Fleet",      "Charts", "Connections", "Rooms",
                                            "Operations", "Closed", "Log",         "Audit"};

constexpr int CountRole = Qt::UserRole + 1;

/// Icon, word, count; the icon alone when the window is narrow.
class NavigationDelegate : public QStyledItemDelegate {
public:
    NavigationDelegate(const Theme& theme, QObject* parent) : QStyledItemDelegate(parent), m_theme(theme) {}
    void paint(QPainter* painter, const QStyleOptionViewItem& option,
               const QModelIndex& index) const override {
        constexpr int Edge = 16;
        constexpr int IconPixels = 16;
        if (option.state & QStyle::State_Selected) {
            painter->fillRect(option.rect, m_theme.selection);
            painter->fillRect(QRect(option.rect.topLeft(), QSize(3, option.rect.height())), m_theme.accent);
        } else if (option.state & QStyle::State_MouseOver) {
            painter->fillRect(option.rect, m_theme.raised);
        }
        const QRect icon(option.rect.left() + Edge, option.rect.center().y() - IconPixels / 2 + 1, IconPixels,
                         IconPixels);
        index.data(Qt::DecorationRole).value<QIcon>().paint(painter, icon);
        if (option.rect.width() < metrics::NavigationWidth)
            return;
        painter->setPen(m_theme.text);
        painter->setFont(option.font);
        const auto words = option.rect.adjusted(Edge + IconPixels + metrics::Gap, 0, -metrics::WideGap, 0);
        painter->drawText(words, Qt::AlignVCenter | Qt::AlignLeft, index.data().toString());
        if (const int count = index.data(CountRole).toInt(); count > 0)
            painter->drawText(words, Qt::AlignVCenter | Qt::AlignRight, QString::number(count));
    }

private:
    const Theme& m_theme;
};

} // namespace

MainWindow::MainWindow(Desk desk, QWidget* parent)
    : QMainWindow(parent), m_desk(desk), m_production(new QFrame), m_navigation(new QListWidget),
      m_header(new HeaderStrip(desk.theme)), m_stack(new QStackedWidget), m_status(new QLabel),
      m_clock(new QLabel) {
    setObjectName(QStringLiteral("mainWindow"));
    setWindowTitle(QStringLiteral("Weirkeeper"));
    setWindowIcon(Theme::logo());
    setMinimumSize(960, 600);

    auto* centre = new QWidget;
    auto* column = new QVBoxLayout(centre);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    m_production->setFixedHeight(3);
    m_production->setAutoFillBackground(true);
    auto amber = palette();
    amber.setColor(QPalette::Window, desk.theme.state(Condition::Degraded));
    m_production->setPalette(amber);
    m_production->setAccessibleName(QStringLiteral("Production"));
    m_production->hide();
    buildNavigation();
    buildPages();
    buildStatus();
    auto* right = new QVBoxLayout;
    right->setSpacing(0);
    right->addWidget(m_header);
    right->addWidget(m_stack, 1);
    auto* row = new QHBoxLayout;
    row->setSpacing(0);
    row->addWidget(m_navigation);
    row->addLayout(right, 1);
    auto* foot = new QHBoxLayout;
    foot->setContentsMargins(metrics::WideGap, 4, metrics::WideGap, 6);
    foot->addWidget(m_status, 1);
    foot->addWidget(m_clock);
    column->addWidget(m_production);
    column->addLayout(row, 1);
    column->addLayout(foot);
    setCentralWidget(centre);
    bindKeys();

    connect(m_header, &HeaderStrip::rangeChosen, this, &MainWindow::setRange);
    connect(m_header, &HeaderStrip::pauseToggled, this, [this](bool isPaused) {
        m_isPaused = isPaused;
        m_mustDraw = true;
        refresh();
    });
    connect(&m_timer, &QTimer::timeout, this, [this] {
        if (isVisible() && !isMinimized())
            look();
    });
    m_timer.start(DrawInterval);
    showPage(PageKind::Fleet);
}

void MainWindow::buildNavigation() {
    m_navigation->setObjectName(QStringLiteral("navigation"));
    m_navigation->setAccessibleName(QStringLiteral("Pages"));
    m_navigation->setFrameShape(QFrame::NoFrame);
    m_navigation->setFixedWidth(metrics::NavigationWidth);
    m_navigation->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    m_navigation->setIconSize({16, 16});
    m_navigation->setItemDelegate(new NavigationDelegate(m_desk.theme, m_navigation));
    m_navigation->setMouseTracking(true);
    auto quiet = m_navigation->palette();
    quiet.setColor(QPalette::Base, m_desk.theme.window);
    m_navigation->setPalette(quiet);
    for (std::size_t i = 0; i < PageTitles.size(); ++i) {
        auto* item =
            new QListWidgetItem(m_desk.theme.icon(QStringLiteral("nav-") + QLatin1String(PageNames[i])),
                                QLatin1String(PageTitles[i]), m_navigation);
        item->setSizeHint({metrics::NavigationNarrow, 34});
        item->setToolTip(QStringLiteral("%1 (Ctrl+%2)").arg(QLatin1String(PageTitles[i])).arg(i + 1));
    }
    connect(m_navigation, &QListWidget::currentRowChanged, this, [this](int row) {
        if (row < 0)
            return;
        m_stack->setCurrentIndex(row);
        m_mustDraw = true;
        refresh();
    });
}

void MainWindow::buildPages() {
    m_fleetPage = new FleetPage(m_desk);
    m_connectionsPage = new ConnectionsPage(m_desk);
    m_pages = {m_fleetPage,
               new ChartsPage(m_desk),
               m_connectionsPage,
               new AbsentPage(m_desk, QStringLiteral("roomsPage"), QStringLiteral("its rooms"), "rooms.list"),
               new OperationsPage(m_desk),
               new AbsentPage(m_desk, QStringLiteral("closedPage"), QStringLiteral("who left and why"),
                              "connections.closed"),
               new AbsentPage(m_desk, QStringLiteral("logPage"), QStringLiteral("its log"), "log.subscribe"),
               new AuditPage(m_desk)};
    for (auto* page : m_pages)
        m_stack->addWidget(page);
    connect(m_fleetPage, &FleetPage::leadTaken, this, &MainWindow::takeLead);
    connect(m_fleetPage, &FleetPage::connectWanted, this,
            [this](const QString& address) { openConnect(address, {}); });
    connect(m_fleetPage, &FleetPage::clientsWanted, this,
            [this](const QString& key) { takeLead(key, Lead::ShowClients); });
    connect(m_fleetPage, &FleetPage::complained, this, &MainWindow::say);
}

void MainWindow::buildStatus() {
    m_status->setObjectName(QStringLiteral("status"));
    m_status->setTextFormat(Qt::PlainText);
    m_clock->setObjectName(QStringLiteral("clock"));
    for (auto* label : {m_status, m_clock})
        label->setForegroundRole(QPalette::PlaceholderText);
}

void MainWindow::bindKeys() {
    const auto bind = [this](const QKeySequence& keys, auto act) {
        auto* shortcut = new QShortcut(keys, this);
        connect(shortcut, &QShortcut::activated, this, act);
    };
    for (int i = 0; i < int(PageNames.size()); ++i)
        bind(QKeySequence(Qt::CTRL | Qt::Key(Qt::Key_1 + i)), [this, i] { showPage(PageKind(i)); });
    bind(Qt::Key_Slash, [this] {
        if (page() != PageKind::Connections)
            showPage(PageKind::Connections);
        m_connectionsPage->focusFilter();
    });
    bind(Qt::Key_Escape, [this] { m_pages[std::size_t(page())]->stepBack(); });
    bind(Qt::Key_D, [this] {
        const auto key = currentPage().selectedNode();
        showPage(PageKind::Fleet);
        m_fleetPage->openDrain(key);
    });
    bind(Qt::Key_R, [this] { m_fleetPage->resumeNode(currentPage().selectedNode()); });
    bind(Qt::Key_Delete, [this] { m_pages[std::size_t(page())]->actDelete(); });
    bind(Qt::Key_Space, [this] {
        // A focused button is pressed by Space; only elsewhere does it hold the picture still.
        if (auto* button = qobject_cast<QAbstractButton*>(QApplication::focusWidget()))
            return button->click();
        m_isPaused = !m_isPaused;
        m_header->setPaused(m_isPaused);
        m_mustDraw = true;
    });
    bind(Qt::Key_U, [this] {
        m_moment.isUtc = !m_moment.isUtc;
        m_mustDraw = true;
        refresh();
    });
    bind(Qt::Key_BracketLeft, [this] { setRange(Range(std::max(0, int(m_moment.range) - 1))); });
    bind(Qt::Key_BracketRight,
         [this] { setRange(Range(std::min(int(Range::Day), int(m_moment.range) + 1))); });
    bind(Qt::Key_F5, [this] {
        m_pages[std::size_t(page())]->reload();
        m_mustDraw = true;
        refresh();
    });
    bind(Qt::Key_Question, [this] { showKeys(); });
    bind(Qt::CTRL | Qt::Key_N, [this] { openConnect({}, {}); });
}

void MainWindow::showPage(PageKind page) {
    m_navigation->setCurrentRow(int(page));
}

PageKind MainWindow::page() const {
    return PageKind(std::max(0, m_stack->currentIndex()));
}

void MainWindow::setProfile(const QString& name, bool isProduction) {
    m_profile = name;
    m_production->setVisible(isProduction);
}

void MainWindow::setRange(Range range) {
    m_isRangeChosen = true;
    m_moment.range = range;
    m_header->setRange(range);
    m_mustDraw = true;
    refresh();
}

void MainWindow::takeLead(const QString& nodeKey, Lead lead) {
    const auto* node = m_desk.fleet.find(nodeKey);
    switch (lead) {
    case Lead::ShowNode:
        showPage(PageKind::Fleet);
        return m_fleetPage->select(nodeKey);
    case Lead::Retry:
        return m_desk.controls.retryNow(nodeKey);
    case Lead::ConnectAgain:
    case Lead::Connect:
        return openConnect(node ? node->address : QString(), node ? node->sentence : QString());
    case Lead::ShowClients:
        showPage(PageKind::Connections);
        return m_connectionsPage->showNode(nodeKey);
    case Lead::ShowDrain:
        showPage(PageKind::Fleet);
        return m_fleetPage->openDrain(nodeKey);
    case Lead::Resume:
        return m_fleetPage->resumeNode(nodeKey);
    }
}

void MainWindow::openConnect(const QString& address, const QString& sentence) {
    auto* dialog = new ConnectDialog(m_desk.controls, address, sentence, this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->open();
}

QString MainWindow::subtitle() const {
    const auto count = std::count_if(m_desk.fleet.nodes().begin(), m_desk.fleet.nodes().end(),
                                     [](const auto& node) { return !node->isGuess; });
    bool mayAct = false;
    bool isKnown = false;
    for (const auto& node : m_desk.fleet.nodes()) {
        isKnown = isKnown || node->role.has_value();
        mayAct = mayAct || node->role == shared::admin::Role::Operator;
    }
    QStringList parts;
    if (!m_profile.isEmpty())
        parts.append(m_profile);
    const auto live = std::count_if(m_desk.fleet.nodes().begin(), m_desk.fleet.nodes().end(),
                                    [](const auto& node) { return node->link == LinkState::Live; });
    if (live > 0 && live < count)
        parts.append(QStringLiteral("totals of %1 of %2 nodes").arg(live).arg(count));
    else
        parts.append(count == 1 ? QStringLiteral("1 node") : QStringLiteral("%1 nodes").arg(count));
    if (isKnown)
        parts.append(mayAct ? QStringLiteral("operator") : QStringLiteral("viewer"));
    if (m_isPaused)
        parts.append(QStringLiteral("picture held still"));
    return parts.join(QStringLiteral(" · "));
}

void MainWindow::look() {
    const auto now_ms = QDateTime::currentMSecsSinceEpoch();
    if (m_isPaused && !m_mustDraw)
        return writeStatus();
    const auto revision = m_desk.fleet.revision();
    std::int64_t newest_ms = 0;
    for (const auto& node : m_desk.fleet.nodes())
        newest_ms = std::max(newest_ms, node->history.lastEnd_ms());
    // Data end where the axis ends; when nothing comes any more, time goes on without it.
    const auto end_ms = now_ms - newest_ms < FreshFor_ms ? newest_ms : now_ms;
    if (!m_isRangeChosen) {
        std::int64_t first_ms = now_ms;
        for (const auto& node : m_desk.fleet.nodes())
            first_ms = node->history.isEmpty() ? first_ms : std::min(first_ms, node->history.firstEnd_ms());
        const auto range = now_ms - first_ms > GrowsAfter_ms ? Range::QuarterHour : Range::Minute;
        m_mustDraw = m_mustDraw || range != m_moment.range;
        m_moment.range = range;
        m_header->setRange(range);
    }
    m_moment.hasNews = m_mustDraw || revision != m_drawnRevision || end_ms - m_moment.end_ms >= 1000;
    m_moment.now_ms = now_ms;
    if (m_moment.hasNews)
        m_moment.end_ms = end_ms;
    m_moment.attention = judge(situations(m_desk.fleet, now_ms));
    m_drawnRevision = revision;
    m_mustDraw = false;
    m_header->refresh(m_moment, figures(m_desk.fleet), subtitle());
    m_pages[std::size_t(page())]->refresh(m_moment);

    int running = 0;
    for (const auto& node : m_desk.fleet.nodes())
        running +=
            int(std::count_if(node->operations.begin(), node->operations.end(), [](const auto& operation) {
                return operation.row.state == shared::admin::OperationState::Running;
            }));
    m_navigation->item(int(PageKind::Operations))->setData(CountRole, running);
    writeStatus();
}

void MainWindow::refresh() {
    m_mustDraw = true;
    look();
}

void MainWindow::writeStatus() {
    const auto now_ms = QDateTime::currentMSecsSinceEpoch();
    int linked = 0;
    int known = 0;
    std::int64_t newest_ms = 0;
    for (const auto& node : m_desk.fleet.nodes()) {
        known += node->isGuess ? 0 : 1;
        linked += node->link == LinkState::Live ? 1 : 0;
        newest_ms = std::max(newest_ms, node->lastSample_ms);
    }
    QStringList parts{QStringLiteral("%1 of %2 linked").arg(linked).arg(known), QStringLiteral("each 1 s")};
    parts.append(newest_ms == 0
                     ? QStringLiteral("no sample yet")
                     : QStringLiteral("last sample %1 s ago")
                           .arg(double(std::max<std::int64_t>(0, now_ms - newest_ms)) / 1000, 0, 'f', 1));
    if (now_ms < m_saidUntil_ms)
        parts.append(m_said);
    m_status->setText(parts.join(QStringLiteral(" · ")));
    m_clock->setText(formatClock(now_ms, m_moment.isUtc) +
                     (m_moment.isUtc ? QStringLiteral(" UTC") : QStringLiteral(" local")));
}

void MainWindow::say(const QString& sentence) {
    m_said = sentence;
    m_saidUntil_ms = QDateTime::currentMSecsSinceEpoch() + SaidFor_ms;
    writeStatus();
}

void MainWindow::showKeys() {
    auto* sheet = new QDialog(this);
    sheet->setObjectName(QStringLiteral("keySheet"));
    sheet->setAttribute(Qt::WA_DeleteOnClose);
    sheet->setWindowTitle(QStringLiteral("Keys"));
    auto* text = new QLabel(
        QStringLiteral("<table cellpadding='3'>"
                       "<tr><td><b>Ctrl+1 … 8</b></td><td>pages</td></tr><tr><td><b>/</b></td><td>filter "
                       "connections</td></tr>"
                       "<tr><td><b>Esc</b></td><td>back</td></tr><tr><td><b>Space</b></td><td>hold the "
                       "picture still</td></tr>"
                       "<tr><td><b>[ &nbsp; ]</b></td><td>shorter, longer range</td></tr>"
                       "<tr><td><b>Enter</b></td><td>the clients of the selected node</td></tr>"
                       "<tr><td><b>D</b></td><td>drain the selected "
                       "node</td></tr><tr><td><b>R</b></td><td>resume it</td></tr>"
                       "<tr><td><b>Del</b></td><td>evict the selected "
                       "connections</td></tr><tr><td><b>U</b></td><td>UTC or local time</td></tr>"
                       "<tr><td><b>Ctrl+C</b></td><td>copy the "
                       "row</td></tr><tr><td><b>Ctrl+N</b></td><td>connect to a node</td></tr>"
                       "<tr><td><b>F5</b></td><td>ask again</td></tr></table>"));
    auto* column = new QVBoxLayout(sheet);
    column->addWidget(text);
    sheet->open();
}

void MainWindow::resizeEvent(QResizeEvent* event) {
    QMainWindow::resizeEvent(event);
    const bool isNarrow = width() < metrics::NarrowBelow;
    m_navigation->setFixedWidth(isNarrow ? metrics::NavigationNarrow : metrics::NavigationWidth);
    m_mustDraw = true;
}

} // namespace console
