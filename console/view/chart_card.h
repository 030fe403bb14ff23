// SPDX-License-Identifier: GPL-3.0-or-later
// One chart with its title and the names and numbers of its lines. Drawn from seconds ago on a fixed axis, so
// that time moves by replacing points and never by changing a range. Main thread.
#pragma once
#include "console/view/chart_specs.h"
#include "console/view/theme.h"
#include <QChartView>
#include <QFrame>
#include <QLabel>
#include <QLineSeries>
#include <QValueAxis>
#include <optional>
#include <vector>

namespace console {

class ChartInk;
class ChartCursor;
class ChartLegend;

/// Nodes that one set of lines is drawn from: the whole fleet, or one node.
struct ChartSource {
    QString name;
    Histories nodes;
};

class ChartCard : public QFrame {
    Q_OBJECT

public:
    static constexpr int MostLines = 6;
    struct Line {
        QString node, name;
        std::vector<Point> points;
    };

    ChartCard(const Theme& theme, const ChartSpec& spec, QWidget* parent = nullptr);

    const ChartSpec& spec() const { return m_spec; }
    void setUtc(bool isUtc) { m_isUtc = isUtc; }
    /// One source: all lines of the chart. Several: one line each, the first six by value.
    void draw(const std::vector<ChartSource>& sources, Span window, Range range);
    /// All charts show the same moment; nothing: the newest numbers.
    void showCursor(std::optional<double> secondsAgo);
    const std::vector<Line>& lines() const { return m_lines; }
    bool hasGap() const { return !m_gaps.empty(); }

Q_SIGNALS:
    void cursorMoved(std::optional<double> secondsAgo);

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void showEvent(QShowEvent* event) override;

private:
    void placePlot();
    void redraw();
    void writeLegend();
    double xOf(std::int64_t time_ms) const { return double(time_ms - m_window.to_ms) / 1000; }

    const Theme& m_theme;
    ChartSpec m_spec;
    QChart* m_chart;
    QChartView* m_view;
    QValueAxis* m_timeAxis;
    QValueAxis* m_valueAxis;
    std::vector<QLineSeries*> m_series;
    ChartInk* m_ink;
    ChartCursor* m_cursor;
    ChartLegend* m_legend;
    std::vector<Line> m_lines;
    std::vector<Span> m_gaps;
    Span m_window;
    Range m_range = Range::QuarterHour;
    std::optional<double> m_cursorAt;
    bool m_isUtc = true;
    double m_top = 0;
};

} // namespace console
