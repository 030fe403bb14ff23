// SPDX-License-Identifier: GPL-3.0-or-later
// The empty state: no node yet, and what can be done about it. Main thread.
#pragma once
#include "console/view/page.h"
#include <QVBoxLayout>

namespace console {

class WelcomePanel : public QWidget {
    Q_OBJECT

public:
    explicit WelcomePanel(Desk desk, QWidget* parent = nullptr);
    void refresh();

Q_SIGNALS:
    void connectWanted(const QString& address);

private:
    Desk m_desk;
    QVBoxLayout* m_found;
    QStringList m_shown;
};

} // namespace console
