// SPDX-License-Identifier: GPL-3.0-or-later
// The top of the window: the verdict, the totals, the range of all charts. Main thread.
#pragma once
#include "console/view/page.h"
#include <QLabel>
#include <QToolButton>
#include <array>

namespace console {

class HeaderStrip : public QWidget {
    Q_OBJECT

public:
    explicit HeaderStrip(const Theme& theme, QWidget* parent = nullptr);
    void refresh(const Moment& moment, const Figures& totals, const QString& subtitle);
    void setRange(Range range);
    void setPaused(bool isPaused);
    bool isPaused() const { return m_pause->isChecked(); }

Q_SIGNALS:
    void rangeChosen(console::Range range);
    void pauseToggled(bool isPaused);

private:
    QLabel *m_verdict, *m_subtitle;
    std::array<QLabel*, 5> m_figures;
    std::array<QToolButton*, 4> m_ranges;
    QToolButton* m_pause;
    const Theme& m_theme;
};

} // namespace console
