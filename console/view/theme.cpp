// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/view/theme.h"
#include <QAbstractItemView>
#include <QBuffer>
#include <QFile>
#include <QFontDatabase>
#include <QFontMetrics>
#include <QImageReader>
#include <QPixmapCache>
#include <QProxyStyle>
#include <QStyleFactory>

namespace console {

namespace {

QColor hex(const char* name) {
    return QColor(QLatin1String(name));
}

/// A family whose ten digits are equally wide, so that columns of numbers line up.
QString family() {
    const auto isEven = [](const QString& name) {
        QFont font(name);
        font.setPixelSize(metrics::BodyPixels);
        const QFontMetrics measure(font);
        for (char digit = '1'; digit <= '9'; ++digit) {
            if (measure.horizontalAdvance(QLatin1Char(digit)) != measure.horizontalAdvance(QLatin1Char('0')))
                return false;
        }
        return true;
    };
    for (const auto& wanted :
         {QStringLiteral("DejaVu Sans"), QFontDatabase::systemFont(QFontDatabase::GeneralFont).family(),
          QStringLiteral("Noto Sans"), QStringLiteral("Liberation Sans")}) {
        if (QFontDatabase::families().contains(wanted) && isEven(wanted))
            return wanted;
    }
    return QFontDatabase::systemFont(QFontDatabase::FixedFont).family();
}

QFont sized(int pixels, QFont::Weight weight = QFont::Normal) {
    QFont font(family());
    font.setPixelSize(pixels);
    font.setWeight(weight);
    return font;
}

class TableStyle : public QProxyStyle {
public:
    TableStyle() : QProxyStyle(QStyleFactory::create(QStringLiteral("Fusion"))) {}
    int pixelMetric(PixelMetric metric, const QStyleOption* option, const QWidget* widget) const override {
        // Header and cell text share one margin, so that a column's title stands above its numbers.
        if (metric == PM_HeaderMargin)
            return CellMargin;
        if (metric == PM_FocusFrameHMargin && qobject_cast<const QAbstractItemView*>(widget))
            return CellMargin - 1;
        return QProxyStyle::pixelMetric(metric, option, widget);
    }

private:
    static constexpr int CellMargin = 6;
};

const char* imageOf(Condition condition) {
    switch (condition) {
    case Condition::Lost:
        return "state-lost";
    case Condition::Refused:
        return "state-refused";
    case Condition::Stale:
        return "state-stale";
    case Condition::Degraded:
        return "state-degraded";
    case Condition::Draining:
        return "state-draining";
    case Condition::Drained:
        return "state-drained";
    case Condition::Connecting:
    case Condition::Starting:
        return "state-connecting";
    case Condition::Offered:
        return "state-offered";
    case Condition::Ready:
        return "state-ready";
    }
    return "";
}

} // namespace

Theme::Theme(ThemeKind kind) : m_kind(kind) {
    if (kind == ThemeKind::Dark) {
        window = hex("#14181D");
        base = hex("#1A1F25");
        raised = hex("#232A32");
        line = hex("#36404A");
        text = hex("#E7ECF1");
        second = hex("#9FABB7");
        selection = hex("#24476B");
        accent = hex("#56B4E9");
        m_series = {hex("#56B4E9"), hex("#E69F00"), hex("#009E73"),
                    hex("#CC79A7"), hex("#D55E00"), hex("#F0E442")};
    } else {
        window = hex("#EEF1F4");
        base = hex("#FFFFFF");
        raised = hex("#F6F8FA");
        line = hex("#C9D1D9");
        text = hex("#1A222B");
        second = hex("#52606D");
        selection = hex("#CFE3F7");
        accent = hex("#0B62B0");
        m_series = {hex("#1E88E5"), hex("#B7800C"), hex("#3F6F60"),
                    hex("#742C88"), hex("#A31208"), hex("#948C57")};
    }
    m_fill = m_series[0];
}

QPalette Theme::palette() const {
    QPalette palette;
    for (const auto group : {QPalette::Active, QPalette::Inactive, QPalette::Disabled}) {
        const auto ink = group == QPalette::Disabled ? second : text;
        palette.setColor(group, QPalette::Window, window);
        palette.setColor(group, QPalette::WindowText, ink);
        palette.setColor(group, QPalette::Base, base);
        palette.setColor(group, QPalette::AlternateBase, raised);
        palette.setColor(group, QPalette::Text, ink);
        palette.setColor(group, QPalette::Button, raised);
        palette.setColor(group, QPalette::ButtonText, ink);
        palette.setColor(group, QPalette::BrightText, text);
        palette.setColor(group, QPalette::Highlight, selection);
        palette.setColor(group, QPalette::HighlightedText, text);
        palette.setColor(group, QPalette::Link, accent);
        palette.setColor(group, QPalette::LinkVisited, accent);
        palette.setColor(group, QPalette::ToolTipBase, raised);
        palette.setColor(group, QPalette::ToolTipText, text);
        palette.setColor(group, QPalette::PlaceholderText, second);
        palette.setColor(group, QPalette::Light, raised.lighter(m_kind == ThemeKind::Dark ? 115 : 100));
        palette.setColor(group, QPalette::Midlight, raised);
        palette.setColor(group, QPalette::Mid, line);
        palette.setColor(group, QPalette::Dark, line);
        palette.setColor(group, QPalette::Shadow, window.darker(150));
    }
    return palette;
}

QColor Theme::state(Condition condition) const {
    const bool isDark = m_kind == ThemeKind::Dark;
    switch (condition) {
    case Condition::Lost:
    case Condition::Refused:
        return hex(isDark ? "#DB4B37" : "#96260F");
    case Condition::Stale:
    case Condition::Offered:
        return hex(isDark ? "#CCD8E3" : "#7F8B96");
    case Condition::Degraded:
        return hex(isDark ? "#F2A61E" : "#B57F12");
    case Condition::Draining:
    case Condition::Drained:
        return hex(isDark ? "#9A4DE6" : "#5B2A9D");
    case Condition::Connecting:
    case Condition::Starting:
        return hex(isDark ? "#4694C4" : "#2E90E8");
    case Condition::Ready:
        return hex(isDark ? "#4BE0A8" : "#005E52");
    }
    return second;
}

QFont Theme::body() {
    return sized(metrics::BodyPixels);
}
QFont Theme::label() {
    return sized(metrics::LabelPixels);
}
QFont Theme::title() {
    return sized(metrics::TitlePixels, QFont::Bold);
}
QFont Theme::figure() {
    return sized(metrics::FigurePixels);
}
QFont Theme::verdict() {
    return sized(metrics::FigurePixels, QFont::Bold);
}

QPixmap Theme::draw(const QString& name, QColor colour, int pixels, qreal ratio) {
    const auto key = QStringLiteral("weir/%1/%2/%3/%4").arg(name, colour.name()).arg(pixels).arg(ratio);
    QPixmap pixmap;
    if (QPixmapCache::find(key, &pixmap))
        return pixmap;
    QFile file(QStringLiteral(":/icons/%1.svg").arg(name));
    if (!file.open(QIODevice::ReadOnly))
        return {};
    auto svg = file.readAll();
    svg.replace("#000", colour.name().toLatin1());
    QBuffer buffer(&svg);
    buffer.open(QIODevice::ReadOnly);
    QImageReader reader(&buffer, "svg");
    reader.setScaledSize(QSize(pixels, pixels) * ratio);
    pixmap = QPixmap::fromImage(reader.read());
    pixmap.setDevicePixelRatio(ratio);
    QPixmapCache::insert(key, pixmap);
    return pixmap;
}

QPixmap Theme::stateImage(Condition condition, int pixels, qreal ratio) const {
    return draw(QLatin1String(imageOf(condition)), state(condition), pixels, ratio);
}

QIcon Theme::icon(const QString& name) const {
    QIcon icon;
    for (const qreal ratio : {1.0, 2.0}) {
        icon.addPixmap(draw(name, text, 16, ratio));
        icon.addPixmap(draw(name, text, 16, ratio), QIcon::Selected);
    }
    return icon;
}

void Theme::showChecked(QAbstractButton* button) const {
    const auto paint = [button, plain = palette(), down = selection](bool isChecked) {
        auto colours = plain;
        if (isChecked)
            colours.setColor(QPalette::Button, down);
        button->setPalette(colours);
    };
    QObject::connect(button, &QAbstractButton::toggled, button, paint);
    paint(button->isChecked());
}

QStyle* Theme::makeStyle() {
    return new TableStyle;
}

QIcon Theme::logo() {
    return QIcon(QStringLiteral(":/icons/logo.svg"));
}

} // namespace console
