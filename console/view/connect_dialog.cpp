// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/view/connect_dialog.h"
#include "console/view/theme.h"
#include <QCheckBox>
#include <QDialogButtonBox>
#include <QFormLayout>
#include <QPushButton>
#include <QVBoxLayout>

namespace console {

namespace {

/// A pin has 71 digits in one word, and a sentence that shows one must not lose its end.
constexpr int Width = 660;

/// A sentence that elsewhere follows a colon.
QString begun(const QString& sentence) {
    return sentence.left(1).toUpper() + sentence.mid(1);
}

} // namespace

ConnectDialog::ConnectDialog(Controls& controls, const QString& address, const QString& sentence,
                             QWidget* parent)
    : QDialog(parent), m_controls(controls), m_profiles(controls.profiles()), m_profile(new QComboBox(this)),
      m_address(new QLineEdit(address)), m_token(new QLineEdit), m_ca(new QLineEdit), m_pin(new QLineEdit),
      m_name(new QLineEdit), m_sentence(new QLabel(begun(sentence))) {
    setObjectName(QStringLiteral("connectDialog"));
    setWindowTitle(QStringLiteral("Connect to a node"));
    setMinimumWidth(Width);
    m_address->setObjectName(QStringLiteral("connectAddress"));
    m_address->setAccessibleName(QStringLiteral("Address of the ops listener"));
    m_address->setPlaceholderText(QStringLiteral("ws://127.0.0.1:7401/admin"));
    m_token->setObjectName(QStringLiteral("connectToken"));
    m_token->setAccessibleName(QStringLiteral("Token"));
    m_token->setEchoMode(QLineEdit::Password);
    m_token->setPlaceholderText(QStringLiteral("empty: from the token file of this machine"));
    m_ca->setObjectName(QStringLiteral("connectCa"));
    m_ca->setAccessibleName(QStringLiteral("CA file for wss addresses"));
    m_ca->setPlaceholderText(QStringLiteral("wss only; empty: the authorities of this system"));
    m_pin->setObjectName(QStringLiteral("connectPin"));
    m_pin->setAccessibleName(QStringLiteral("Pinned certificate for wss addresses"));
    m_pin->setPlaceholderText(QStringLiteral("or sha256: and the certificate's fingerprint"));
    m_name->setObjectName(QStringLiteral("connectProfileName"));
    m_name->setAccessibleName(QStringLiteral("Save as profile"));
    m_name->setPlaceholderText(QStringLiteral("a name, to find these addresses again"));
    m_profile->setObjectName(QStringLiteral("connectProfile"));
    m_profile->setAccessibleName(QStringLiteral("Saved profile"));
    m_sentence->setWordWrap(true);
    m_sentence->setTextFormat(Qt::PlainText);
    m_sentence->setTextInteractionFlags(Qt::TextSelectableByMouse); // a pin is copied
    m_sentence->setVisible(!sentence.isEmpty());

    m_profile->setHidden(m_profiles.empty());

    auto* form = new QFormLayout;
    if (!m_profiles.empty()) {
        m_profile->addItem(QStringLiteral("none"));
        for (const auto& profile : m_profiles)
            m_profile->addItem(profile.name);
        form->addRow(QStringLiteral("Profile"), m_profile);
        connect(m_profile, &QComboBox::activated, this, &ConnectDialog::takeProfile);
    }
    form->addRow(QStringLiteral("Address"), m_address);
    form->addRow(QStringLiteral("Token"), m_token);
    form->addRow(QStringLiteral("CA file"), m_ca);
    form->addRow(QStringLiteral("Pin"), m_pin);
    form->addRow(QStringLiteral("Save as"), m_name);

    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel);
    auto* accept = buttons->addButton(QStringLiteral("Connect"), QDialogButtonBox::AcceptRole);
    accept->setObjectName(QStringLiteral("connectAccept"));
    accept->setDefault(true);
    connect(buttons, &QDialogButtonBox::accepted, this, &ConnectDialog::tryIt);
    connect(buttons, &QDialogButtonBox::rejected, this, &ConnectDialog::reject);

    auto* column = new QVBoxLayout(this);
    column->setSpacing(metrics::WideGap);
    column->addLayout(form);
    const auto invitations = controls.invitations();
    if (!invitations.empty() && address.isEmpty())
        column->addWidget(new QLabel(QStringLiteral("Nodes of this machine:")));
    for (std::size_t i = 0; i < std::min<std::size_t>(invitations.size(), 6) && address.isEmpty(); ++i) {
        auto* found =
            new QPushButton(QStringLiteral("%1 at %2").arg(invitations[i].id, invitations[i].address));
        found->setAutoDefault(false);
        connect(found, &QPushButton::clicked, this, [this, invitation = invitations[i]] {
            m_address->setText(invitation.address);
            tryIt();
        });
        column->addWidget(found);
    }
    auto* note = new QLabel(
        QStringLiteral("The token is kept in memory until the console ends; it is written nowhere."));
    note->setForegroundRole(QPalette::PlaceholderText);
    note->setFont(Theme::label());
    column->addWidget(note);
    column->addWidget(m_sentence);
    column->addWidget(buttons);
    (address.isEmpty() ? m_address : m_token)->setFocus();
}

void ConnectDialog::takeProfile(int index) {
    if (index < 1 || std::size_t(index) > m_profiles.size())
        return;
    const auto& profile = m_profiles[std::size_t(index - 1)];
    m_address->setText(profile.addresses.join(QLatin1Char(' ')));
    m_ca->setText(profile.caFile);
    m_pin->setText(profile.pin);
    m_name->setText(profile.name);
}

void ConnectDialog::tryIt() {
    const auto addresses = m_address->text().simplified().split(QLatin1Char(' '), Qt::SkipEmptyParts);
    const auto wanted = addresses.isEmpty() ? QStringList{m_address->placeholderText()} : addresses;
    for (const auto& address : wanted) {
        auto wrong = m_controls.trust(address, m_ca->text().trimmed(), m_pin->text().trimmed());
        if (wrong.isEmpty())
            wrong = m_controls.connectTo(address, m_token->text());
        if (!wrong.isEmpty()) {
            m_sentence->setText(begun(wrong));
            m_sentence->show();
            return m_address->setFocus();
        }
    }
    if (!m_name->text().trimmed().isEmpty())
        m_controls.saveProfile(
            {m_name->text().trimmed(), wanted, false, m_ca->text().trimmed(), m_pin->text().trimmed()});
    accept();
}

} // namespace console
