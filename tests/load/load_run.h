// SPDX-License-Identifier: Apache-2.0
// One run: brings the clients up at a bounded pace, publishes as the scenario says, measures, and reports.
// Main thread.
#pragma once
#include "tests/load/ledger.h"
#include "tests/load/load_client.h"
#include "tests/load/options.h"
#include "tests/load/report.h"
#include <QElapsedTimer>
#include <QObject>
#include <QTimer>
#include <deque>
#include <memory>
#include <vector>

class LoadRun : public QObject, private LoadClientHost {
    Q_OBJECT

public:
    explicit LoadRun(const Options& options);
    ~LoadRun() override;
    void start();
    /// After gateReached(): goes on.
    void passGate();
    /// Ends early, with a report.
    void stop();
    /// As it stands; whole once it has finished.
    Report report() const;

Q_SIGNALS:
    /// Before it measures, and before each storm: parts of one run wait here for each other.
    void gateReached();
    void progressed(); ///< each second
    void finished();

private:
    using Phase = RunPhase;

    void clientJoined(LoadClient& client) override;
    void clientLeft(LoadClient& client) override;
    void clientAway(LoadClient& client) override;
    void clientRefused(LoadClient& client, const std::string& sentence) override;
    void pingReceived(LoadClient& client) override;
    void eventReceived(LoadClient& client, const Heard& event) override;
    void publishAnswered(LoadClient& client, std::uint64_t seq) override;

    void connectSome();
    void tick();  ///< each 5 ms: attempts that are due, publishes that are due
    void sweep(); ///< each second: deadlines, settling, progress
    void enter(Phase phase);
    void publishDue();
    void publishFrom(int member);
    void broadcastReceived(const BroadcastMark& mark);
    void startClosedLoop();
    void roomAnswered(int room);
    void leavePhase(Nanoseconds now);
    void cutAll();
    bool isStormOver(Nanoseconds now);
    void finish();
    bool isStorm() const { return m_options.scenario == Scenario::Storm; }
    Echo echo() const { return m_options.scenario == Scenario::Rooms ? Echo::No : Echo::Yes; }
    bool isClosedLoop() const { return m_options.ratePerSecond <= 0; }
    bool isPublisher(int member) const;
    bool isPublishing() const {
        return (m_phase == Phase::Measuring && m_options.scenario != Scenario::Idle) ||
               m_phase == Phase::Storm;
    }

    const Options& m_options;
    Ledger m_ledger;
    std::optional<SeqCheck> m_seq; ///< where the dialect tells numbers
    std::vector<std::unique_ptr<LoadClient>> m_clients;
    std::vector<int> m_publishers; ///< the members who publish, in turn
    std::size_t m_nextPublisher = 0;
    /// Closed loop: messages of the room's last burst that have not come back, and when it was sent.
    struct RoomTurn {
        int waiting = 0;
        int publisher = 0;
        std::uint64_t number = 0; ///< of its first
        Nanoseconds sentAt = 0;
    };
    std::vector<RoomTurn> m_turns;
    std::vector<int> m_firstAttempts; ///< who has not been tried yet, last first
    std::vector<int> m_away;          ///< who waits for its next attempt
    int m_connecting = 0;
    int m_open = 0;
    double m_credit = 0;
    Nanoseconds m_startedAt = 0, m_phaseAt = 0, m_lastTick = 0, m_lastJoin = 0;
    std::vector<std::string> m_burst;
    ServerUse m_useBefore;
    Nanoseconds m_pingWindow = 0; ///< its number
    std::uint64_t m_pingsInWindow = 0;
    std::uint64_t m_deliveriesAtStart = 0;
    Phase m_phase = Phase::Ramp;
    bool m_isStopped = false;
    QTimer m_tick, m_sweep;
    Report m_report;
};
