// SPDX-License-Identifier: GPL-3.0-or-later
// What Qt Charts does not draw as we want it: labels that are never cut, hatched gaps, the band between
// percentiles, and the cursor. Items of the chart's scene, main thread.
#pragma once
#include "console/view/theme.h"
#include <QChart>
#include <QGraphicsItem>
#include <QPolygonF>
#include <vector>

namespace console {

class ChartInk : public QGraphicsItem {
public:
    struct Mark {
        double at = 0; ///< in plot pixels from the left, or from the top
        QString text;
    };
    ChartInk(const Theme& theme, QChart* chart);
    void set(QRectF bounds, QRectF plot, std::vector<Mark> times, std::vector<Mark> values,
             std::vector<std::pair<double, double>> gaps, std::vector<QPolygonF> bands, QString emptyText);

    QRectF boundingRect() const override { return m_bounds; }
    void paint(QPainter* painter, const QStyleOptionGraphicsItem*, QWidget*) override;

private:
    const Theme& m_theme;
    QRectF m_bounds, m_plot;
    std::vector<Mark> m_times, m_values;
    std::vector<std::pair<double, double>> m_gaps; ///< pixels from the left
    std::vector<QPolygonF> m_bands;
    QString m_emptyText;
};

class ChartCursor : public QGraphicsItem {
public:
    ChartCursor(const Theme& theme, QChart* chart);
    void set(QRectF plot, double x, bool isShown);
    QRectF boundingRect() const override { return {m_x - 1, m_plot.top(), 2, m_plot.height()}; }
    void paint(QPainter* painter, const QStyleOptionGraphicsItem*, QWidget*) override;

private:
    const Theme& m_theme;
    QRectF m_plot;
    double m_x = 0;
};

/// Hatched: nothing was heard here.
QBrush hatch(const Theme& theme);

} // namespace console
