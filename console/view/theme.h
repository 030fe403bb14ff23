// SPDX-License-Identifier: GPL-3.0-or-later
// Colours, fonts and icons of both themes. Colour is only for state and series; text is never coloured by
// state. Main thread.
#pragma once
#include "console/model/fleet_model.h"
#include <QAbstractButton>
#include <QColor>
#include <QFont>
#include <QIcon>
#include <QPalette>
#include <QPixmap>
#include <QString>
#include <QStyle>
#include <array>

namespace console {

enum class ThemeKind : std::uint8_t { Dark, Light };

/// Sizes on the 4 px grid.
namespace metrics {
inline constexpr int NavigationWidth = 152, NavigationNarrow = 48, NarrowBelow = 1100, HeaderHeight = 56,
                     RowHeight = 26, ButtonHeight = 28, SideWidth = 360, Gap = 8, WideGap = 12,
                     BodyPixels = 13, LabelPixels = 11, TitlePixels = 12, FigurePixels = 20;
} // namespace metrics

class Theme {
public:
    explicit Theme(ThemeKind kind);

    ThemeKind kind() const { return m_kind; }
    QPalette palette() const;
    QColor state(Condition condition) const;
    QColor series(int index) const { return m_series[std::size_t(index) % m_series.size()]; }
    QColor fill() const { return m_fill; } ///< bars: quiet, not a state

    static QFont body();
    static QFont label();
    static QFont title();
    static QFont figure();
    static QFont verdict();

    QPixmap stateImage(Condition condition, int pixels, qreal ratio) const;
    QIcon icon(const QString& name) const; ///< in the text colour
    static QIcon logo();
    /// A button that is down is told by its colour, not by a shade of grey.
    void showChecked(QAbstractButton* button) const;
    /// Fusion with the room around text that our tables need; owned by the caller.
    static QStyle* makeStyle();

    QColor window, base, raised, line, text, second, selection, accent;

private:
    static QPixmap draw(const QString& name, QColor colour, int pixels, qreal ratio);
    ThemeKind m_kind;
    std::array<QColor, 6> m_series;
    QColor m_fill;
};

} // namespace console
