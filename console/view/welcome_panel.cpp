// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/view/welcome_panel.h"
#include <QLabel>
#include <QPushButton>

namespace console {

namespace {

constexpr std::size_t MostFound = 8;

} // namespace

WelcomePanel::WelcomePanel(Desk desk, QWidget* parent) : QWidget(parent), m_desk(desk) {
    setObjectName(QStringLiteral("welcome"));
    auto* title = new QLabel(QStringLiteral("No node yet. Connect to ws://127.0.0.1:7401/admin"));
    auto large = Theme::body();
    large.setPixelSize(16);
    large.setBold(true);
    title->setFont(large);
    auto* text = new QLabel(
        QStringLiteral("Nodes of this machine that say where they are stand below, as soon as they run. "
                       "The default address is tried again and again."));
    text->setForegroundRole(QPalette::PlaceholderText);
    auto* connectButton = new QPushButton(QStringLiteral("Connect…"));
    connectButton->setObjectName(QStringLiteral("welcomeConnect"));
    connectButton->setFixedSize(160, metrics::ButtonHeight);
    connect(connectButton, &QPushButton::clicked, this, [this] { Q_EMIT connectWanted({}); });
    m_found = new QVBoxLayout;
    m_found->setSpacing(metrics::Gap);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(24, 24, 24, 24);
    column->setSpacing(metrics::WideGap);
    column->addStretch();
    for (auto* widget : std::initializer_list<QWidget*>{title, text, connectButton})
        column->addWidget(widget, 0, Qt::AlignHCenter);
    column->addLayout(m_found);
    column->addStretch();
}

void WelcomePanel::refresh() {
    auto found = m_desk.controls.invitations();
    found.resize(std::min(found.size(), MostFound));
    QStringList addresses;
    for (const auto& invitation : found)
        addresses.append(invitation.address);
    if (addresses == m_shown)
        return;
    m_shown = addresses;
    while (auto* item = m_found->takeAt(0)) {
        item->widget()->deleteLater();
        delete item;
    }
    for (const auto& invitation : found) {
        auto* button =
            new QPushButton(QStringLiteral("%1 at %2%3")
                                .arg(invitation.id, invitation.address,
                                     invitation.hasToken ? QString() : QStringLiteral(" (token needed)")));
        button->setMinimumHeight(metrics::ButtonHeight);
        connect(button, &QPushButton::clicked, this, [this, invitation] {
            if (!invitation.hasToken || !m_desk.controls.connectTo(invitation.address, {}).isEmpty())
                Q_EMIT connectWanted(invitation.address);
        });
        m_found->addWidget(button, 0, Qt::AlignHCenter);
    }
}

} // namespace console
