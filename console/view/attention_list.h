// SPDX-License-Identifier: GPL-3.0-or-later
// One line per trouble, worst first, each with one button that leads there. Main thread.
#pragma once
#include "console/model/attention.h"
#include "console/view/theme.h"
#include <QFrame>
#include <QLabel>
#include <QPushButton>
#include <vector>

namespace console {

class AttentionList : public QFrame {
    Q_OBJECT

public:
    static constexpr std::size_t MostLines = 5;
    AttentionList(const Theme& theme, QWidget* parent = nullptr);
    void show(const Attention& attention);

Q_SIGNALS:
    void leadTaken(const QString& nodeKey, console::Lead lead);

private:
    struct Row {
        QWidget* box;
        QLabel *shape, *word, *text;
        QPushButton* button;
        AttentionLine line;
    };
    const Theme& m_theme;
    std::vector<Row> m_rows;
    QLabel* m_more;
};

} // namespace console
