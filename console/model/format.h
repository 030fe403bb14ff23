// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers as people read them: thin spaces, three digits, units, and a dash for what is not known. Any
// thread.
#pragma once
#include <QString>
#include <cstdint>
#include <optional>

namespace console {

/// What stands for a number that is not known: never 0, never the last value.
QString unknownText();

QString formatCount(double count);                     ///< `481 203`
QString formatShort(double number);                    ///< `41`, `0.4`, `32.1 k`, `1.24 M`
QString formatSeconds(double seconds);                 ///< latencies: `0.4 ms`, `48 ms`, `1.2 s`
QString formatAge(double seconds);                     ///< ages: `14 s`, `12 min`, `2 h 14`, `3 d 4 h`
QString formatBytes(double bytes);                     ///< `412 MiB`
QString formatPercent(double share);                   ///< 0.96 → `96 %`
QString formatClock(std::int64_t time_ms, bool isUtc); ///< `02:14:07`

inline QString orUnknown(const std::optional<double>& value, QString (*format)(double)) {
    return value ? format(*value) : unknownText();
}

} // namespace console
