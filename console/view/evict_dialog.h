// SPDX-License-Identifier: GPL-3.0-or-later
// The last look before connections are closed: who, whether they may come back, how fast, and why. The ids
// are frozen when it opens. Main thread.
#pragma once
#include "console/model/connection_table.h"
#include "console/view/controls.h"
#include <QDialog>
#include <QDoubleSpinBox>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QRadioButton>
#include <vector>

namespace console {

/// A connection, and the words by which a person knows it.
struct Victim {
    ConnectionName name;
    QString address, user;
};

class EvictDialog : public QDialog {
    Q_OBJECT

public:
    /// From here on the number must be typed: it cannot be undone.
    static constexpr std::size_t ManyVictims = 1000;
    static constexpr double LargeShare = 0.1;
    static constexpr std::size_t FewestForShare = 20;

    EvictDialog(Controls& controls, std::vector<Victim> victims, double fleetConnections,
                QWidget* parent = nullptr);

Q_SIGNALS:
    void evicted();

private:
    void evict();
    void take(const shared::Result<QJsonObject>& answer, std::size_t asked);
    void updateConfirm();

    Controls& m_controls;
    std::vector<Victim> m_victims;
    bool m_mustType = false;
    std::size_t m_waiting = 0, m_asked = 0;
    std::int64_t m_closed = 0;
    bool m_runsOn = false;
    QStringList m_failures;
    QRadioButton *m_stayAway, *m_comeBack;
    QDoubleSpinBox* m_rate;
    QLineEdit *m_reason, *m_number;
    QPushButton *m_cancel, *m_confirm;
    QLabel* m_outcome;
};

} // namespace console
