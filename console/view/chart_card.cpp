// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/view/chart_card.h"
#include "console/model/format.h"
#include "console/view/chart_ink.h"
#include "console/view/chart_legend.h"
#include <QGraphicsLayout>
#include <QMouseEvent>
#include <QVBoxLayout>
#include <algorithm>
#include <array>
#include <cmath>

namespace console {

namespace {

constexpr int LeftEdge = 56; ///< of every plot, so that all charts share it
constexpr int RightEdge = 10;
constexpr int TopEdge = 8;
constexpr int BottomEdge = 20;
constexpr int Ticks = 3;
constexpr double HeadRoom = 1.05; ///< a line along the upper edge would look like a border

/// The round number at or above `most / Ticks`.
double niceStep(double most, ChartUnit unit) {
    const double raw = std::max(most, unit == ChartUnit::Seconds ? 0.001 : 1.0) / Ticks;
    const double radix = unit == ChartUnit::Bytes ? 1024.0 : 1000.0;
    const double scale = std::pow(radix, std::floor(std::log(raw) / std::log(radix)));
    for (const double step : {1.0, 2.0, 5.0, 10.0, 20.0, 25.0, 50.0, 100.0, 200.0, 250.0, 500.0}) {
        if (step * scale >= raw)
            return step * scale;
    }
    return radix * scale;
}

struct TimeMark {
    double ago_s;
    const char* text;
};
std::array<TimeMark, 4> timeMarks(Range range) {
    switch (range) {
    case Range::Minute:
        return {{{60, "−60 s"}, {40, "−40 s"}, {20, "−20 s"}, {0, "now"}}};
    case Range::QuarterHour:
        return {{{900, "−15 min"}, {600, "−10 min"}, {300, "−5 min"}, {0, "now"}}};
    case Range::ThreeHours:
        return {{{10800, "−3 h"}, {7200, "−2 h"}, {3600, "−1 h"}, {0, "now"}}};
    case Range::Day:
        return {{{86400, "−24 h"}, {57600, "−16 h"}, {28800, "−8 h"}, {0, "now"}}};
    }
    return {};
}

/// The value that was true at `time_ms`; nothing inside a gap.
std::optional<double> valueAt(const std::vector<Point>& points, std::int64_t time_ms, std::int64_t reach_ms) {
    const auto after =
        std::upper_bound(points.begin(), points.end(), time_ms,
                         [](std::int64_t time, const Point& point) { return time < point.time_ms; });
    if (after == points.begin())
        return std::nullopt;
    const auto& point = *(after - 1);
    if (point.isGap() || time_ms - point.time_ms > reach_ms)
        return std::nullopt;
    return point.value;
}

} // namespace

ChartCard::ChartCard(const Theme& theme, const ChartSpec& spec, QWidget* parent)
    : QFrame(parent), m_theme(theme), m_spec(spec), m_chart(new QChart), m_view(new QChartView(m_chart)),
      m_timeAxis(new QValueAxis(m_chart)), m_valueAxis(new QValueAxis(m_chart)),
      m_ink(new ChartInk(theme, m_chart)), m_cursor(new ChartCursor(theme, m_chart)),
      m_legend(new ChartLegend(theme)) {
    setObjectName(QStringLiteral("chart_") + spec.title);
    setAccessibleName(QStringLiteral("Chart: ") + spec.title);
    setAutoFillBackground(true);
    setBackgroundRole(QPalette::Base);

    auto* title = new QLabel(spec.title);
    title->setFont(Theme::title());
    auto* unit = new QLabel(unitText(spec.unit));
    unit->setFont(Theme::label());
    unit->setForegroundRole(QPalette::PlaceholderText);
    auto* head = new QHBoxLayout;
    head->addWidget(title);
    head->addWidget(unit, 0, Qt::AlignBottom);
    head->addStretch();
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(metrics::Gap, metrics::Gap, 0, 4);
    column->setSpacing(2);
    column->addLayout(head);
    column->addWidget(m_legend);
    column->addWidget(m_view, 1);

    m_chart->legend()->hide();
    m_chart->setBackgroundVisible(false);
    m_chart->setMargins({1, 1, 1, 1});
    m_chart->layout()->setContentsMargins(0, 0, 0, 0);
    m_chart->setAnimationOptions(QChart::NoAnimation);
    for (auto* axis : {m_timeAxis, m_valueAxis}) {
        axis->setLabelsVisible(false);
        axis->setGridLinePen(QPen(theme.line, 1));
        axis->setLinePen(QPen(theme.line, 1));
        axis->setTickCount(Ticks + 1);
    }
    m_valueAxis->setRange(0, 1);
    m_chart->addAxis(m_timeAxis, Qt::AlignBottom);
    m_chart->addAxis(m_valueAxis, Qt::AlignLeft);

    m_view->setFrameShape(QFrame::NoFrame);
    m_view->setBackgroundBrush(theme.base);
    m_view->setRenderHint(QPainter::Antialiasing);
    m_view->setMinimumSize(120, 60);
    m_view->setFocusPolicy(Qt::NoFocus);
    m_view->viewport()->setMouseTracking(true);
    m_view->viewport()->installEventFilter(this);
    m_view->setAccessibleName(spec.title);
}

void ChartCard::resizeEvent(QResizeEvent* event) {
    QFrame::resizeEvent(event);
    placePlot();
}

void ChartCard::showEvent(QShowEvent* event) {
    QFrame::showEvent(event);
    placePlot();
}

void ChartCard::placePlot() {
    const QSizeF size = m_view->viewport()->size();
    if (size.width() < LeftEdge + RightEdge + 10 || size.height() < TopEdge + BottomEdge + 10)
        return;
    m_chart->resize(size);
    m_chart->setPlotArea(
        {LeftEdge, TopEdge, size.width() - LeftEdge - RightEdge, size.height() - TopEdge - BottomEdge});
    m_chart->layout()->invalidate();
    redraw();
}

void ChartCard::draw(const std::vector<ChartSource>& sources, Span window, Range range) {
    m_window = window;
    if (m_range != range || m_lines.empty())
        m_timeAxis->setRange(-double(length_ms(range)) / 1000, 0);
    m_range = range;
    m_lines.clear();
    Histories all;
    for (const auto& source : sources) {
        all.insert(all.end(), source.nodes.begin(), source.nodes.end());
        if (source.nodes.empty())
            continue;
        for (const auto& line : m_spec.lines) {
            // Beside others a node has one line: of percentiles the one that hurts, else the first.
            if (sources.size() > 1 && &line != (m_spec.isBand ? &m_spec.lines.back() : &m_spec.lines.front()))
                continue;
            m_lines.push_back({source.name, sources.size() > 1 ? source.name : line.name,
                               points(source.nodes, line.query, window, tier(range))});
        }
    }
    if (m_lines.size() > MostLines) {
        const auto last = [](const Line& line) {
            return line.points.empty() ? -1 : line.points.back().value;
        };
        std::stable_sort(m_lines.begin(), m_lines.end(),
                         [&](const Line& a, const Line& b) { return last(a) > last(b); });
        m_lines.resize(MostLines);
    }
    m_gaps = gaps(all, window, tier(range));
    redraw();
}

void ChartCard::redraw() {
    const auto plot = m_chart->plotArea();
    if (plot.width() < 10)
        return;
    double most = 0;
    for (const auto& line : m_lines) {
        for (const auto& point : line.points)
            most = point.isGap() ? most : std::max(most, point.value);
    }
    const double step = niceStep(most * HeadRoom, m_spec.unit);
    const double top = step * Ticks;
    if (top != m_top) {
        m_top = top;
        m_valueAxis->setRange(0, top);
    }
    const double length_s = double(length_ms(m_range)) / 1000;
    const auto pixelX = [&](std::int64_t time_ms) { return plot.width() * (1 + xOf(time_ms) / length_s); };
    const auto pixelY = [&](double value) { return plot.height() * (1 - value / top); };

    const bool isBand = m_spec.isBand && m_lines.size() == m_spec.lines.size() && m_lines.size() > 1 &&
                        m_lines.front().name == m_spec.lines.front().name;
    for (std::size_t i = 0; i < std::max(m_lines.size(), m_series.size()); ++i) {
        if (i >= m_series.size()) {
            auto* series = new QLineSeries(m_chart);
            m_chart->addSeries(series);
            series->attachAxis(m_timeAxis);
            series->attachAxis(m_valueAxis);
            m_series.push_back(series);
        }
        QList<QPointF> shown;
        if (i < m_lines.size()) {
            for (const auto& point : thin(m_lines[i].points, m_window, int(plot.width())))
                shown.append({xOf(point.time_ms), point.value});
            auto colour = m_theme.series(isBand ? 0 : int(i));
            if (isBand && i > 0)
                colour.setAlphaF(i == 1 ? 0.55f : 0.8f);
            const QPen pen(colour, isBand && i > 0 ? 1.0 : 1.5);
            if (m_series[i]->pen() != pen)
                m_series[i]->setPen(pen);
        }
        m_series[i]->replace(shown);
    }
    std::vector<QPolygonF> bands;
    if (isBand) {
        const auto low = thin(m_lines.front().points, m_window, int(plot.width()));
        const auto high = thin(m_lines.back().points, m_window, int(plot.width()));
        const auto segments = [&](const std::vector<Point>& points) {
            std::vector<QPolygonF> parts(1);
            for (const auto& point : points) {
                if (point.isGap()) {
                    if (!parts.back().isEmpty())
                        parts.emplace_back();
                } else {
                    parts.back().append({pixelX(point.time_ms), pixelY(point.value)});
                }
            }
            return parts;
        };
        auto lower = segments(low);
        const auto upper = segments(high);
        for (std::size_t i = 0; i < std::min(lower.size(), upper.size()); ++i) {
            std::reverse(lower[i].begin(), lower[i].end());
            bands.push_back(upper[i] + lower[i]);
        }
    }
    std::vector<std::pair<double, double>> holes;
    for (const auto& gap : m_gaps) {
        const auto from = std::max(0.0, pixelX(gap.from_ms));
        const auto to = std::min(plot.width(), pixelX(gap.to_ms));
        if (to > from)
            holes.emplace_back(from, to);
    }
    std::vector<ChartInk::Mark> values;
    for (int i = 0; i <= Ticks; ++i)
        values.push_back(
            {pixelY(step * i), i == 0 ? QStringLiteral("0") : formatTick(m_spec.unit, step * i)});
    std::vector<ChartInk::Mark> times;
    for (const auto& mark : timeMarks(m_range))
        times.push_back({plot.width() * (1 - mark.ago_s / length_s), QString::fromUtf8(mark.text)});
    const bool isEmpty = std::all_of(m_lines.begin(), m_lines.end(), [](const Line& line) {
        return std::all_of(line.points.begin(), line.points.end(),
                           [](const Point& point) { return point.isGap(); });
    });
    m_ink->set(QRectF({}, m_view->viewport()->size()), plot, std::move(times), std::move(values),
               std::move(holes), std::move(bands),
               isEmpty ? QStringLiteral("nothing measured yet") : QString());
    for (auto* item : m_chart->childItems()) {
        if (item->cacheMode() != QGraphicsItem::DeviceCoordinateCache)
            item->setCacheMode(QGraphicsItem::DeviceCoordinateCache);
    }
    showCursor(m_cursorAt);
}

void ChartCard::showCursor(std::optional<double> secondsAgo) {
    m_cursorAt = secondsAgo;
    const auto plot = m_chart->plotArea();
    const double length_s = double(length_ms(m_range)) / 1000;
    const double x = secondsAgo ? plot.left() + plot.width() * (1 - *secondsAgo / length_s) : 0;
    m_cursor->set(plot, x, secondsAgo.has_value());
    writeLegend();
}

void ChartCard::writeLegend() {
    std::vector<ChartLegend::Entry> entries;
    const auto step_ms = console::spec(tier(m_range)).step_ms;
    const auto time_ms = m_window.to_ms - std::int64_t(m_cursorAt.value_or(0) * 1000);
    const bool isBand = m_spec.isBand && m_lines.size() == m_spec.lines.size();
    for (std::size_t i = 0; i < m_lines.size(); ++i) {
        const auto value = valueAt(m_lines[i].points, time_ms, step_ms * 5 / 2);
        auto colour = m_theme.series(isBand ? 0 : int(i));
        if (isBand && i > 0)
            colour.setAlphaF(i == 1 ? 0.55f : 0.8f);
        entries.push_back({colour, m_lines[i].name, value ? formatIn(m_spec.unit, *value) : unknownText()});
    }
    m_legend->set(std::move(entries));
}

bool ChartCard::eventFilter(QObject* watched, QEvent* event) {
    if (event->type() == QEvent::Leave) {
        Q_EMIT cursorMoved(std::nullopt);
    } else if (event->type() == QEvent::MouseMove) {
        const auto plot = m_chart->plotArea();
        const auto x = static_cast<QMouseEvent*>(event)->position().x();
        const double length_s = double(length_ms(m_range)) / 1000;
        if (x >= plot.left() && x <= plot.right() && plot.width() > 0)
            Q_EMIT cursorMoved((1 - (x - plot.left()) / plot.width()) * length_s);
        else
            Q_EMIT cursorMoved(std::nullopt);
    }
    return QFrame::eventFilter(watched, event);
}

} // namespace console
