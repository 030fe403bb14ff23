// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/view/header_strip.h"
#include "console/model/format.h"
#include <QButtonGroup>
#include <QHBoxLayout>

namespace console {

HeaderStrip::HeaderStrip(const Theme& theme, QWidget* parent)
    : QWidget(parent), m_verdict(new QLabel), m_subtitle(new QLabel), m_pause(new QToolButton),
      m_theme(theme) {
    setFixedHeight(metrics::HeaderHeight);
    setObjectName(QStringLiteral("header"));
    m_verdict->setObjectName(QStringLiteral("verdict"));
    m_verdict->setFont(Theme::verdict());
    m_verdict->setTextFormat(Qt::PlainText);
    m_subtitle->setObjectName(QStringLiteral("subtitle"));
    m_subtitle->setForegroundRole(QPalette::PlaceholderText);
    m_subtitle->setTextFormat(Qt::PlainText);
    auto* words = new QVBoxLayout;
    words->setSpacing(0);
    words->addStretch();
    words->addWidget(m_verdict);
    words->addWidget(m_subtitle);
    words->addStretch();

    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(metrics::WideGap, 4, metrics::WideGap, 4);
    row->setSpacing(20);
    row->addLayout(words, 1);
    static constexpr std::array Widest{"481 203", "32.1 k", "1.24 M", "999 ms", "9.9 k"};
    static constexpr std::array Titles{"Connections", "In/s", "Out/s", "p99", "Errors/s"};
    for (std::size_t i = 0; i < m_figures.size(); ++i) {
        auto* title = new QLabel(QLatin1String(Titles[i]));
        title->setFont(Theme::label());
        title->setForegroundRole(QPalette::PlaceholderText);
        m_figures[i] = new QLabel(unknownText());
        m_figures[i]->setFont(Theme::figure());
        // Numbers that grow must neither be cut nor push their neighbours about.
        m_figures[i]->setMinimumWidth(
            QFontMetrics(Theme::figure()).horizontalAdvance(QLatin1String(Widest[i])));
        m_figures[i]->setObjectName(QStringLiteral("figure%1").arg(i));
        auto* column = new QVBoxLayout;
        column->setSpacing(0);
        column->addWidget(title);
        column->addWidget(m_figures[i]);
        row->addLayout(column);
    }
    auto* ranges = new QHBoxLayout;
    ranges->setSpacing(2);
    auto* group = new QButtonGroup(this);
    static constexpr std::array RangeWords{"1m", "15m", "3h", "24h"};
    for (std::size_t i = 0; i < m_ranges.size(); ++i) {
        m_ranges[i] = new QToolButton;
        m_ranges[i]->setText(QLatin1String(RangeWords[i]));
        m_ranges[i]->setObjectName(QStringLiteral("range%1").arg(QLatin1String(RangeWords[i])));
        m_ranges[i]->setAccessibleName(QStringLiteral("Show %1").arg(QLatin1String(RangeWords[i])));
        m_ranges[i]->setCheckable(true);
        m_ranges[i]->setMinimumSize(38, metrics::ButtonHeight);
        theme.showChecked(m_ranges[i]);
        group->addButton(m_ranges[i]);
        ranges->addWidget(m_ranges[i]);
        connect(m_ranges[i], &QToolButton::clicked, this, [this, i] { Q_EMIT rangeChosen(Range(i)); });
    }
    m_pause->setObjectName(QStringLiteral("pause"));
    m_pause->setCheckable(true);
    theme.showChecked(m_pause);
    m_pause->setMinimumSize(32, metrics::ButtonHeight);
    m_pause->setToolTip(QStringLiteral("Hold the picture still (Space); nothing is lost meanwhile"));
    ranges->addSpacing(6);
    ranges->addWidget(m_pause);
    row->addLayout(ranges);
    connect(m_pause, &QToolButton::clicked, this, [this](bool isPaused) {
        setPaused(isPaused);
        Q_EMIT pauseToggled(isPaused);
    });
    setPaused(false);
    setRange(Range::QuarterHour);
}

void HeaderStrip::setRange(Range range) {
    m_ranges[std::size_t(range)]->setChecked(true);
}

void HeaderStrip::setPaused(bool isPaused) {
    m_pause->setChecked(isPaused);
    m_pause->setIcon(m_theme.icon(isPaused ? QStringLiteral("play") : QStringLiteral("pause")));
    m_pause->setAccessibleName(isPaused ? QStringLiteral("Go on") : QStringLiteral("Pause"));
}

void HeaderStrip::refresh(const Moment& moment, const Figures& totals, const QString& subtitle) {
    m_verdict->setText(moment.attention.verdict);
    m_subtitle->setText(subtitle);
    m_figures[0]->setText(orUnknown(totals.connections, &formatCount));
    m_figures[1]->setText(orUnknown(totals.in_per_s, &formatShort));
    m_figures[2]->setText(orUnknown(totals.out_per_s, &formatShort));
    m_figures[3]->setText(orUnknown(totals.p99_s, &formatSeconds));
    m_figures[4]->setText(orUnknown(totals.errors_per_s, &formatShort));
}

} // namespace console
