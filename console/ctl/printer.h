// SPDX-License-Identifier: GPL-3.0-or-later
// What weirctl writes: tables and values for people, JSON for programs. Main thread.
#pragma once
#include "shared/result.h"
#include <QJsonArray>
#include <QJsonObject>
#include <string>
#include <string_view>
#include <vector>

namespace console {

/// How a JSON value is shown to a person.
enum class Show { Text, Count, Bytes, Seconds, SinceMs, TimeMs, PerSecond, Milliseconds, Percent };

struct Column {
    const char* key; ///< of the row's JSON
    const char* title;
    Show show;
};
using Columns = std::vector<Column>;

enum class Ink { Plain, Bold, Good, Warning, Bad };

class Printer {
public:
    enum class Form { Text, Json };
    explicit Printer(Form form);

    bool isJson() const { return m_form == Form::Json; }
    /// Rows for people; nothing when JSON is asked for.
    void table(const Columns& columns, const QJsonArray& rows);
    /// The lines of a table, none longer than `width`.
    std::vector<std::string> tableLines(const Columns& columns, const QJsonArray& rows,
                                        std::size_t width) const;
    /// One JSON object on one line; nothing when text is asked for.
    void json(const QJsonObject& object);
    void line(std::string_view text);
    std::string inked(std::string_view text, Ink ink) const;
    /// Whether stdout still takes what is written: its reader may have left.
    bool isOpen() const { return m_isOpen; }

private:
    void write(std::string_view text);
    Form m_form;
    bool m_hasColour;
    bool m_isOpen = true;
};

std::string shown(const QJsonValue& value, Show show);
/// What came from strangers, without what a terminal would obey: controls and marks that turn text round.
std::string harmless(const QString& text);
/// On stderr, after the program's name.
void complain(std::string_view sentence);
/// 90, 90s, 15m, 2h or 1d.
shared::Result<double> seconds(std::string_view text);

} // namespace console
