// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/view/attention_list.h"
#include <QApplication>
#include <QHBoxLayout>

namespace console {

namespace {

constexpr int ShapePixels = 14;
constexpr int WordWidth = 84;
constexpr int ButtonWidth = 124;

} // namespace

AttentionList::AttentionList(const Theme& theme, QWidget* parent) : QFrame(parent), m_theme(theme) {
    setObjectName(QStringLiteral("attention"));
    setAccessibleName(QStringLiteral("What needs attention"));
    setAutoFillBackground(true);
    setBackgroundRole(QPalette::AlternateBase);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(metrics::WideGap, metrics::Gap, metrics::Gap, metrics::Gap);
    column->setSpacing(4);
    for (std::size_t i = 0; i < MostLines; ++i) {
        Row row;
        row.box = new QWidget;
        row.shape = new QLabel;
        row.shape->setFixedWidth(ShapePixels);
        row.word = new QLabel;
        auto bold = Theme::body();
        bold.setBold(true);
        row.word->setFont(bold);
        row.word->setFixedWidth(WordWidth);
        row.text = new QLabel;
        row.text->setTextFormat(Qt::PlainText);
        row.text->setWordWrap(true);
        row.button = new QPushButton;
        row.button->setObjectName(QStringLiteral("attentionButton%1").arg(i));
        row.button->setFixedSize(ButtonWidth, metrics::ButtonHeight);
        connect(row.button, &QPushButton::clicked, this,
                [this, i] { Q_EMIT leadTaken(m_rows[i].line.key, m_rows[i].line.lead); });
        auto* line = new QHBoxLayout(row.box);
        line->setContentsMargins(0, 0, 0, 0);
        line->setSpacing(metrics::Gap);
        line->addWidget(row.shape);
        line->addWidget(row.word);
        line->addWidget(row.text, 1);
        line->addWidget(row.button);
        column->addWidget(row.box);
        m_rows.push_back(row);
    }
    m_more = new QLabel;
    m_more->setForegroundRole(QPalette::PlaceholderText);
    column->addWidget(m_more);
    hide();
}

void AttentionList::show(const Attention& attention) {
    // A line must not change under a finger that is already down: the click would act on another node.
    if (QApplication::mouseButtons() != Qt::NoButton)
        return;
    for (std::size_t i = 0; i < MostLines; ++i) {
        auto& row = m_rows[i];
        row.box->setVisible(i < attention.lines.size());
        if (i >= attention.lines.size())
            continue;
        row.line = attention.lines[i];
        row.shape->setPixmap(m_theme.stateImage(row.line.condition, ShapePixels, devicePixelRatioF()));
        row.word->setText(name(row.line.condition));
        row.text->setText(row.line.text);
        row.button->setText(name(row.line.lead));
        row.button->setEnabled(row.line.hindrance.isEmpty());
        row.button->setToolTip(row.line.hindrance);
        row.button->setAccessibleName(name(row.line.lead) + QLatin1Char(' ') + row.line.node);
    }
    const auto more = attention.lines.size() > MostLines ? attention.lines.size() - MostLines : 0;
    m_more->setVisible(more > 0);
    m_more->setText(QStringLiteral("and %1 more, in the table below").arg(more));
    setVisible(!attention.lines.empty());
}

} // namespace console
