// SPDX-License-Identifier: GPL-3.0-or-later
// The composition root of the console: links feed the model, the window draws it, and its acts go back to the
// links. Main thread.
#pragma once
#include "console/link/fleet.h"
#include "console/model/fleet_model.h"
#include "console/token_store.h"
#include "console/view/main_window.h"
#include <QObject>
#include <QTimer>
#include <map>
#include <memory>

namespace console {

struct ConsoleOptions {
    QStringList addresses; ///< empty: nodes found on this machine, else the default address
    QString token;         ///< of --token-file or the environment
    TlsTrust trust;        ///< of --ca or --pin
    ThemeKind theme = ThemeKind::Dark;
    NodeLink::Timing timing;
};

class Console : public QObject, private Controls {
    Q_OBJECT

public:
    explicit Console(const ConsoleOptions& options, QObject* parent = nullptr);
    ~Console() override;

    /// Empty, or why an address makes no sense.
    QString start();
    MainWindow& window() { return *m_window; }
    const FleetModel& model() const { return m_model; }
    QByteArray dump() const; ///< what is shown, as JSON

Q_SIGNALS:
    void firstSnapshotReceived();

private:
    void request(const QString& nodeKey, const QString& method, const QJsonObject& params,
                 Done done) override;
    QString connectTo(const QString& address, const QString& token) override;
    QString trust(const QString& address, const QString& caFile, const QString& pin) override;
    void retryNow(const QString& nodeKey) override;
    std::vector<Invitation> invitations() const override;
    std::vector<Profile> profiles() const override { return TokenStore::profiles(); }
    void saveProfile(const Profile& profile) override;

    void follow(NodeLink* link);
    void takeLinkState(NodeLink* link);
    void dropOldOffers();
    void takeOffer(const shared::admin::ClusterNode& node);
    static QString offerKey(const shared::admin::ClusterNode& node);

    ConsoleOptions m_options;
    Theme m_theme;
    TokenStore m_tokens;
    std::map<QString, TlsTrust> m_trusts; ///< of addresses that were given one by themselves
    FleetModel m_model;
    Fleet m_fleet;
    std::unique_ptr<MainWindow> m_window;
    QTimer m_sweep; ///< offered nodes that nobody tells of any more
    QString m_guessKey;
    bool m_hasSnapshot = false;
};

} // namespace console
