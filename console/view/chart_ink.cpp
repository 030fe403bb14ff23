// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/view/chart_ink.h"
#include <QPainter>

namespace console {

namespace {

constexpr double UnderGrid = 1;
constexpr double OverLines = 20;
constexpr int LabelGap = 5;

} // namespace

QBrush hatch(const Theme& theme) {
    auto colour = theme.second;
    colour.setAlpha(150);
    return QBrush(colour, Qt::BDiagPattern);
}

ChartInk::ChartInk(const Theme& theme, QChart* chart) : QGraphicsItem(chart), m_theme(theme) {
    setZValue(UnderGrid);
    setAcceptedMouseButtons(Qt::NoButton);
}

void ChartInk::set(QRectF bounds, QRectF plot, std::vector<Mark> times, std::vector<Mark> values,
                   std::vector<std::pair<double, double>> gaps, std::vector<QPolygonF> bands,
                   QString emptyText) {
    prepareGeometryChange();
    m_bounds = bounds;
    m_plot = plot;
    m_times = std::move(times);
    m_values = std::move(values);
    m_gaps = std::move(gaps);
    m_bands = std::move(bands);
    m_emptyText = std::move(emptyText);
    update();
}

void ChartInk::paint(QPainter* painter, const QStyleOptionGraphicsItem*, QWidget*) {
    painter->setFont(Theme::label());
    const QFontMetricsF measure(painter->font());
    painter->setPen(Qt::NoPen);
    for (const auto& [from, to] : m_gaps)
        painter->fillRect(QRectF(m_plot.left() + from, m_plot.top(), to - from, m_plot.height()),
                          hatch(m_theme));
    auto tint = m_theme.series(0);
    tint.setAlphaF(0.22f);
    painter->setBrush(tint);
    for (const auto& band : m_bands)
        painter->drawPolygon(band.translated(m_plot.topLeft()));
    painter->setPen(m_theme.second);
    for (const auto& mark : m_values) {
        const QRectF box(m_bounds.left(), m_plot.top() + mark.at - measure.height() / 2,
                         m_plot.left() - LabelGap - m_bounds.left(), measure.height());
        painter->drawText(box, Qt::AlignRight | Qt::AlignVCenter, mark.text);
    }
    for (std::size_t i = 0; i < m_times.size(); ++i) {
        const auto width = measure.horizontalAdvance(m_times[i].text);
        // The last label ends with the axis, the others stand under their line.
        auto left = m_plot.left() + m_times[i].at - width / 2;
        left = std::clamp(left, m_bounds.left(), std::max(m_bounds.left(), m_plot.right() - width + 2));
        painter->drawText(QPointF(left, m_plot.bottom() + LabelGap + measure.ascent()), m_times[i].text);
    }
    if (!m_emptyText.isEmpty())
        painter->drawText(m_plot, Qt::AlignCenter, m_emptyText);
}

ChartCursor::ChartCursor(const Theme& theme, QChart* chart) : QGraphicsItem(chart), m_theme(theme) {
    setZValue(OverLines);
    setVisible(false);
    setAcceptedMouseButtons(Qt::NoButton);
}

void ChartCursor::set(QRectF plot, double x, bool isShown) {
    prepareGeometryChange();
    m_plot = plot;
    m_x = x;
    setVisible(isShown);
}

void ChartCursor::paint(QPainter* painter, const QStyleOptionGraphicsItem*, QWidget*) {
    painter->setPen(QPen(m_theme.text, 0));
    painter->drawLine(QPointF(m_x, m_plot.top()), QPointF(m_x, m_plot.bottom()));
}

} // namespace console
