// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/ctl/printer.h"
#include "console/ctl/process.h"
#include <QDateTime>
#include <QJsonDocument>
#include <QLocale>
#include <algorithm>
#include <cmath>
#include <cstdio>

namespace console {

namespace {

constexpr const char* Reset = "\x1b[0m";

std::string number(double value, int decimals) {
    return QString::number(value, 'f', decimals).toStdString();
}

std::string bytesText(double bytes) {
    static constexpr const char* Units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    std::size_t unit = 0;
    while (std::abs(bytes) >= 1024 && unit + 1 < std::size(Units)) {
        bytes /= 1024;
        ++unit;
    }
    return number(bytes, unit == 0 || bytes >= 100 ? 0 : 1) + ' ' + Units[unit];
}

std::string durationText(double seconds) {
    seconds = std::max(0.0, seconds);
    if (seconds < 60)
        return number(seconds, seconds < 10 && seconds > 0 ? 1 : 0) + "s";
    const auto whole = std::int64_t(seconds);
    if (whole < 3600)
        return std::to_string(whole / 60) + "m " + std::to_string(whole % 60) + "s";
    if (whole < 86400)
        return std::to_string(whole / 3600) + "h " + std::to_string(whole % 3600 / 60) + "m";
    return std::to_string(whole / 86400) + "d " + std::to_string(whole % 86400 / 3600) + "h";
}

bool isRight(Show show) {
    return show != Show::Text && show != Show::TimeMs;
}

/// As many columns as a terminal needs for it: code points, for names are seldom wider.
std::size_t widthOf(std::string_view utf8) {
    return std::size_t(std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string cut(const std::string& text, std::size_t width) {
    if (widthOf(text) <= width)
        return text;
    return QString::fromStdString(text).left(qsizetype(width)).toStdString();
}

} // namespace

std::string harmless(const QString& text) {
    QString result;
    for (const QChar c : text) {
        const bool isUnseen = c.category() == QChar::Other_Control || c.category() == QChar::Other_Format ||
                              c.category() == QChar::Separator_Line ||
                              c.category() == QChar::Separator_Paragraph;
        result += isUnseen ? QChar(QChar::ReplacementCharacter) : c;
    }
    return result.toStdString();
}

std::string shown(const QJsonValue& value, Show show) {
    if (value.isNull() || value.isUndefined())
        return "-";
    if (value.isBool())
        return value.toBool() ? "yes" : "no";
    if (value.isArray() || value.isObject()) {
        const auto json = value.isArray() ? QJsonDocument(value.toArray()) : QJsonDocument(value.toObject());
        return harmless(QString::fromUtf8(json.toJson(QJsonDocument::Compact)));
    }
    if (value.isString())
        return value.toString().isEmpty() ? "-" : harmless(value.toString());
    const double amount = value.toDouble();
    switch (show) {
    case Show::Text:
    case Show::Count:
        return amount == std::floor(amount) ? std::to_string(std::int64_t(amount)) : number(amount, 2);
    case Show::Bytes:
        return bytesText(amount);
    case Show::Seconds:
        return durationText(amount);
    case Show::SinceMs:
        return durationText((double(QDateTime::currentMSecsSinceEpoch()) - amount) / 1000);
    case Show::TimeMs:
        return QDateTime::fromMSecsSinceEpoch(qint64(amount)).toString(Qt::ISODateWithMs).toStdString();
    case Show::PerSecond:
        return number(amount, amount < 10 && amount != 0 ? 2 : 0);
    case Show::Milliseconds:
        return number(amount, amount < 100 ? 1 : 0);
    case Show::Percent:
        return number(amount, 0) + "%";
    }
    return {};
}

Printer::Printer(Form form)
    : m_form(form), m_hasColour(isTerminal(Stream::Out) && qEnvironmentVariableIsEmpty("NO_COLOR")) {}

std::string Printer::inked(std::string_view text, Ink ink) const {
    static constexpr const char* Codes[] = {"", "\x1b[1m", "\x1b[32m", "\x1b[33m", "\x1b[31m"};
    if (!m_hasColour || ink == Ink::Plain)
        return std::string(text);
    return Codes[std::size_t(ink)] + std::string(text) + Reset;
}

std::vector<std::string> Printer::tableLines(const Columns& columns, const QJsonArray& rows,
                                             std::size_t width) const {
    std::vector<std::vector<std::string>> cells;
    std::vector<std::size_t> widths;
    for (const auto& column : columns)
        widths.push_back(widthOf(column.title));
    for (const auto& value : rows) {
        const auto row = value.toObject();
        auto& line = cells.emplace_back();
        for (std::size_t i = 0; i < columns.size(); ++i) {
            line.push_back(shown(row.value(QLatin1String(columns[i].key)), columns[i].show));
            widths[i] = std::max(widths[i], widthOf(line[i]));
        }
    }
    const auto laid = [&](const auto& textAt) {
        std::string line;
        for (std::size_t i = 0; i < columns.size(); ++i) {
            const std::string text = textAt(i);
            const std::string space(widths[i] - widthOf(text), ' ');
            line += i == 0 ? "" : "  ";
            line += isRight(columns[i].show) ? space + text : text + (i + 1 < columns.size() ? space : "");
        }
        return cut(line, width);
    };
    std::vector<std::string> lines{inked(laid([&](std::size_t i) { return columns[i].title; }), Ink::Bold)};
    for (const auto& row : cells)
        lines.push_back(laid([&](std::size_t i) { return row[i]; }));
    return lines;
}

void Printer::table(const Columns& columns, const QJsonArray& rows) {
    if (isJson())
        return;
    for (const auto& text : tableLines(columns, rows, SIZE_MAX))
        line(text);
}

void Printer::json(const QJsonObject& object) {
    if (isJson())
        write(QJsonDocument(object).toJson(QJsonDocument::Compact).toStdString() + '\n');
}

void Printer::line(std::string_view text) {
    if (!isJson())
        write(std::string(text) + '\n');
}

void Printer::write(std::string_view text) {
    const bool isWritten =
        std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
    m_isOpen = m_isOpen && isWritten;
}

void complain(std::string_view sentence) {
    std::fprintf(stderr, "weirctl: %.*s\n", int(sentence.size()), sentence.data());
}

shared::Result<double> seconds(std::string_view text) {
    double unit = 1;
    auto digits = QString::fromUtf8(text.data(), qsizetype(text.size()));
    static const std::pair<QChar, double> Units[] = {{u's', 1}, {u'm', 60}, {u'h', 3600}, {u'd', 86400}};
    for (const auto& [letter, worth] : Units) {
        if (digits.endsWith(letter)) {
            unit = worth;
            digits.chop(1);
            break;
        }
    }
    bool isNumber = false;
    const double value = digits.toDouble(&isNumber) * unit;
    if (!isNumber || !(value >= 0) || value > 1e10)
        return shared::failure(shared::ErrorCode::BadRequest,
                               "'" + std::string(text) + "' is no time, the nearest is '15m'");
    return value;
}

} // namespace console
