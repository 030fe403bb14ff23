// SPDX-License-Identifier: GPL-3.0-or-later
// What every page is given, and what the window asks of it. Main thread.
#pragma once
#include "console/model/attention.h"
#include "console/view/chart_card.h"
#include "console/view/controls.h"
#include "console/view/theme.h"
#include <QJsonArray>
#include <QWidget>

namespace console {

/// What a page works with; outlives it.
struct Desk {
    const Theme& theme;
    Controls& controls;
    const FleetModel& fleet;
};

/// One look at the fleet: all that is drawn at the same time is drawn from the same moment.
struct Moment {
    std::int64_t now_ms = 0;
    std::int64_t end_ms = 0; ///< right edge of every chart
    Attention attention;
    Range range = Range::QuarterHour;
    bool isUtc = true;
    bool hasNews = true; ///< samples came since the last look, or the view changed
};

class Page : public QWidget {
    Q_OBJECT

public:
    explicit Page(Desk desk, QWidget* parent = nullptr) : QWidget(parent), m_desk(desk) {}
    virtual void refresh(const Moment& moment) = 0; ///< only called while visible
    virtual void reload() {}                        ///< F5
    virtual void focusFilter() {}                   ///< `/`
    /// Esc: closes what is open on top. False: there was nothing.
    virtual bool stepBack() { return false; }
    virtual void actDelete() {} ///< Del
    virtual std::vector<const ChartCard*> charts() const { return {}; }
    virtual QJsonArray rows() const { return {}; } ///< for --dump
    virtual QString selectedNode() const { return {}; }

protected:
    Desk m_desk;
};

} // namespace console
