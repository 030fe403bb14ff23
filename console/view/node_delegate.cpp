// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/view/node_delegate.h"
#include "console/model/node_table.h"
#include "console/view/chart_ink.h"
#include <QApplication>
#include <QPainter>
#include <cmath>

namespace console {

namespace {

constexpr int ShapePixels = 14;
constexpr int Padding = 6;
constexpr int PercentWidth = 46;

} // namespace

void paintBar(QPainter* painter, const Theme& theme, QRect box, double share) {
    auto track = theme.line;
    track.setAlphaF(0.6f);
    painter->fillRect(box, track);
    box.setWidth(int(std::lround(box.width() * std::clamp(share, 0.0, 1.0))));
    painter->fillRect(box, theme.fill());
}

void NodeDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option,
                         const QModelIndex& index) const {
    QStyleOptionViewItem background = option;
    initStyleOption(&background, index);
    const auto text = background.text;
    background.text.clear();
    background.state &= ~QStyle::State_HasFocus; // a row is one thing
    const auto* style = option.widget ? option.widget->style() : QApplication::style();
    style->drawControl(QStyle::CE_ItemViewItem, &background, painter, option.widget);

    painter->save();
    painter->setClipRect(option.rect);
    const auto box = option.rect.adjusted(Padding, 0, -Padding, 0);
    const bool isGrey = index.data(NodeTable::IsGreyRole).toBool();
    painter->setPen(isGrey ? m_theme.second : m_theme.text);
    switch (NodeColumn(index.column())) {
    case NodeColumn::State: {
        const auto condition = Condition(index.data(NodeTable::ConditionRole).toInt());
        const auto image = m_theme.stateImage(condition, ShapePixels, painter->device()->devicePixelRatioF());
        painter->drawPixmap(box.left(), box.center().y() - ShapePixels / 2 + 1, image);
        painter->drawText(box.adjusted(ShapePixels + Padding, 0, 0, 0), Qt::AlignVCenter | Qt::AlignLeft,
                          text);
        break;
    }
    case NodeColumn::Capacity: {
        const auto share = index.data(NodeTable::ShareRole);
        if (share.isValid())
            paintBar(painter, m_theme, QRect(box.left(), box.center().y() - 3, box.width() - PercentWidth, 8),
                     share.toDouble());
        painter->drawText(box, Qt::AlignVCenter | Qt::AlignRight, text);
        break;
    }
    case NodeColumn::Trend:
        paintTrend(painter, box.adjusted(0, 4, 0, -4),
                   index.data(NodeTable::TrendRole).value<QList<double>>());
        break;
    default:
        painter->drawText(box, index.data(Qt::TextAlignmentRole).toInt(),
                          painter->fontMetrics().elidedText(text, Qt::ElideMiddle, box.width()));
        break;
    }
    painter->restore();
}

void NodeDelegate::paintTrend(QPainter* painter, QRect box, const QList<double>& trend) const {
    double most = 0;
    qsizetype first = -1;
    for (qsizetype i = 0; i < trend.size(); ++i) {
        if (std::isnan(trend[i]))
            continue;
        most = std::max(most, trend[i]);
        first = first < 0 ? i : first;
    }
    if (first < 0 || trend.size() < 2)
        return;
    const auto x = [&](qsizetype i) {
        return box.left() + double(i) * box.width() / double(trend.size() - 1);
    };
    const auto y = [&](double value) {
        return box.bottom() - (most > 0 ? value / most : 0) * (box.height() - 2);
    };
    painter->setPen(QPen(m_theme.series(0), 0));
    painter->setRenderHint(QPainter::Antialiasing);
    qsizetype before = -1;
    // A point stands for ten seconds: one that is missing between two others is the edge of a slot, two are a
    // gap.
    constexpr qsizetype Missing = 2;
    for (qsizetype i = first; i < trend.size(); ++i) {
        if (std::isnan(trend[i]))
            continue;
        if (before >= 0 && i - before <= Missing)
            painter->drawLine(QPointF(x(before), y(trend[before])), QPointF(x(i), y(trend[i])));
        else if (before >= 0)
            painter->fillRect(QRectF(x(before), box.top(), x(i) - x(before), box.height()), hatch(m_theme));
        else
            painter->drawPoint(QPointF(x(i), y(trend[i])));
        before = i;
    }
    if (trend.size() - 1 - before >= Missing)
        painter->fillRect(QRectF(x(before), box.top(), box.right() - x(before), box.height()),
                          hatch(m_theme));
}

} // namespace console
