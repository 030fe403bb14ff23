// SPDX-License-Identifier: GPL-3.0-or-later
// Names and numbers of a chart's lines, in one row; what does not fit is left out whole, never cut. Main
// thread.
#pragma once
#include "console/view/theme.h"
#include <QWidget>
#include <vector>

namespace console {

class ChartLegend : public QWidget {
    Q_OBJECT

public:
    struct Entry {
        QColor colour;
        QString name, value;
        bool operator==(const Entry&) const = default;
    };
    explicit ChartLegend(const Theme& theme, QWidget* parent = nullptr);
    void set(std::vector<Entry> entries);
    QSize sizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    const Theme& m_theme;
    std::vector<Entry> m_entries;
};

} // namespace console
