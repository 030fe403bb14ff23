// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/model/format.h"
#include <QDateTime>
#include <QTimeZone>
#include <algorithm>
#include <array>
#include <cmath>

namespace console {

namespace {

constexpr char16_t ThinSpace = 0x2009;

QString threeDigits(double number) {
    const double size = std::abs(number);
    return QString::number(number, 'f', size < 9.995 ? 2 : size < 99.95 ? 1 : 0);
}

QString withUnit(const QString& number, const char* unit) {
    return number + QChar(ThinSpace) + QLatin1String(unit);
}

} // namespace

QString unknownText() {
    return QStringLiteral("–");
}

QString formatCount(double count) {
    if (!std::isfinite(count))
        return unknownText();
    QString digits = QString::number(std::llround(std::abs(count)));
    for (auto at = digits.size() - 3; at > 0; at -= 3)
        digits.insert(at, QChar(ThinSpace));
    return count < -0.5 ? QStringLiteral("−") + digits : digits;
}

QString formatShort(double number) {
    if (!std::isfinite(number))
        return unknownText();
    static constexpr std::array Units{"", "k", "M", "G", "T"};
    double value = number;
    std::size_t unit = 0;
    while (std::abs(value) >= 999.5 && unit + 1 < Units.size()) {
        value /= 1000;
        ++unit;
    }
    if (unit > 0)
        return withUnit(threeDigits(value), Units[unit]);
    const bool isWhole = std::abs(value - std::round(value)) < 0.05;
    return QString::number(value, 'f', std::abs(value) < 9.95 && !isWhole ? 1 : 0);
}

QString formatSeconds(double seconds) {
    if (!std::isfinite(seconds))
        return unknownText();
    const double ms = seconds * 1000;
    if (ms < 0.05)
        return withUnit(QStringLiteral("0"), "ms");
    if (ms < 9.95)
        return withUnit(QString::number(ms, 'f', 1), "ms");
    if (ms < 999.5)
        return withUnit(QString::number(ms, 'f', 0), "ms");
    return withUnit(QString::number(seconds, 'f', seconds < 99.95 ? 1 : 0), "s");
}

QString formatAge(double seconds) {
    if (!std::isfinite(seconds))
        return unknownText();
    const auto whole = std::llround(std::max(0.0, seconds));
    if (whole < 120)
        return withUnit(QString::number(whole), "s");
    if (whole < 7200)
        return withUnit(QString::number(whole / 60), "min");
    if (whole < 86400)
        return QStringLiteral("%1h%2").arg(whole / 3600).arg(whole / 60 % 60, 2, 10, QLatin1Char('0'));
    return withUnit(QString::number(whole / 86400), "d ") + withUnit(QString::number(whole / 3600 % 24), "h");
}

QString formatBytes(double bytes) {
    if (!std::isfinite(bytes))
        return unknownText();
    static constexpr std::array Units{"B", "KiB", "MiB", "GiB", "TiB"};
    double value = bytes;
    std::size_t unit = 0;
    while (std::abs(value) >= 999.5 && unit + 1 < Units.size()) {
        value /= 1024;
        ++unit;
    }
    return withUnit(unit == 0 ? QString::number(value, 'f', 0) : threeDigits(value), Units[unit]);
}

QString formatPercent(double share) {
    if (!std::isfinite(share))
        return unknownText();
    return withUnit(QString::number(share * 100, 'f', share > 0.0005 && share < 0.00995 ? 1 : 0), "%");
}

QString formatClock(std::int64_t time_ms, bool isUtc) {
    const auto time = QDateTime::fromMSecsSinceEpoch(time_ms, isUtc ? Qt::UTC : Qt::LocalTime);
    return time.toString(QStringLiteral("HH:mm:ss"));
}

} // namespace console
