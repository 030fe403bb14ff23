// SPDX-License-Identifier: GPL-3.0-or-later
// The window: navigation, verdict, pages, status; every key. Draws at most four times a second, and only what
// is seen. Main thread.
#pragma once
#include "console/view/header_strip.h"
#include "console/view/page.h"
#include <QListWidget>
#include <QMainWindow>
#include <QStackedWidget>
#include <QTimer>

namespace console {

class ConnectionsPage;
class FleetPage;

enum class PageKind : std::uint8_t { Fleet, Charts, Connections, Rooms, Operations, Closed, Log, Audit };
inline constexpr std::array<const char*, 8> PageNames{"fleet",      "charts", "connections", "rooms",
                                                      "operations", "closed", "log",         "audit"};

class MainWindow : public QMainWindow {
    Q_OBJECT

public:
    MainWindow(Desk desk, QWidget* parent = nullptr);

    void showPage(PageKind page);
    PageKind page() const;
    void setProfile(const QString& name, bool isProduction);
    /// Draws now, whatever the timer says.
    void refresh();
    const Moment& moment() const { return m_moment; }
    const Page& currentPage() const { return *m_pages[std::size_t(page())]; }
    void openConnect(const QString& address, const QString& sentence);

protected:
    void resizeEvent(QResizeEvent* event) override;

private:
    void buildNavigation();
    void buildPages();
    void buildStatus();
    void bindKeys();
    void takeLead(const QString& nodeKey, Lead lead);
    void setRange(Range range);
    void look();
    void writeStatus();
    void say(const QString& sentence);
    void showKeys();
    QString subtitle() const;

    Desk m_desk;
    QFrame* m_production;
    QListWidget* m_navigation;
    HeaderStrip* m_header;
    QStackedWidget* m_stack;
    std::vector<Page*> m_pages;
    FleetPage* m_fleetPage = nullptr;
    ConnectionsPage* m_connectionsPage = nullptr;
    QLabel *m_status, *m_clock;
    QString m_said;
    std::int64_t m_saidUntil_ms = 0;
    QTimer m_timer;
    Moment m_moment;
    std::uint64_t m_drawnRevision = 0;
    bool m_isPaused = false, m_mustDraw = true;
    bool m_isRangeChosen = false; ///< until then the range grows with what there is to see
    QString m_profile;
};

} // namespace console
