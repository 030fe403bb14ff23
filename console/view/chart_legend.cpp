// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/view/chart_legend.h"
#include <QPainter>

namespace console {

namespace {

constexpr int SwatchWidth = 10;
constexpr int InnerGap = 4;
constexpr int OuterGap = 12;

} // namespace

ChartLegend::ChartLegend(const Theme& theme, QWidget* parent) : QWidget(parent), m_theme(theme) {
    setFont(Theme::label());
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
}

QSize ChartLegend::sizeHint() const {
    return {120, fontMetrics().height() + 2};
}

void ChartLegend::set(std::vector<Entry> entries) {
    if (entries == m_entries)
        return;
    m_entries = std::move(entries);
    QStringList words;
    for (const auto& entry : m_entries)
        words.append(entry.name + QLatin1Char(' ') + entry.value);
    setAccessibleName(words.join(QStringLiteral(", ")));
    update();
}

void ChartLegend::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    const auto measure = fontMetrics();
    int x = 0;
    for (const auto& entry : m_entries) {
        const int nameWidth = measure.horizontalAdvance(entry.name);
        const int valueWidth = measure.horizontalAdvance(entry.value);
        const int width = SwatchWidth + InnerGap + nameWidth + InnerGap + valueWidth;
        if (x + width > this->width())
            break;
        painter.fillRect(x, height() / 2 - 1, SwatchWidth, 3, entry.colour);
        painter.setPen(m_theme.second);
        painter.drawText(x + SwatchWidth + InnerGap, measure.ascent() + 1, entry.name);
        painter.setPen(m_theme.text);
        painter.drawText(x + SwatchWidth + InnerGap + nameWidth + InnerGap, measure.ascent() + 1,
                         entry.value);
        x += width + OuterGap;
    }
}

} // namespace console
