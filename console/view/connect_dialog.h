// SPDX-License-Identifier: GPL-3.0-or-later
// Where to connect, and with which token: addresses and profiles are remembered, tokens are not. Main thread.
#pragma once
#include "console/view/controls.h"
#include <QComboBox>
#include <QDialog>
#include <QLabel>
#include <QLineEdit>

namespace console {

class ConnectDialog : public QDialog {
    Q_OBJECT

public:
    ConnectDialog(Controls& controls, const QString& address, const QString& sentence,
                  QWidget* parent = nullptr);

private:
    void tryIt();
    void takeProfile(int index);
    Controls& m_controls;
    std::vector<Profile> m_profiles;
    QComboBox* m_profile;
    QLineEdit *m_address, *m_token, *m_ca, *m_pin, *m_name;
    QLabel* m_sentence;
};

} // namespace console
