// SPDX-License-Identifier: Apache-2.0
// One run: brings the clients up at a bounded pace, publishes as the scenario says, measures, and reports.
// Main thread.
#pragma once
#include "tests/load/ledger.h"
#include "tests/load/load_client.h"
#include "tests/load/options.h"
#include <QElapsedTimer>
#include <QObject>
#include <QTimer>
#include <deque>
#include <memory>
#include <vector>

/// What is told in the end.
struct Report {
    Scenario scenario = Scenario::Echo;
    int asked = 0, open = 0;
    std::uint64_t failed = 0;  ///< attempts that led to nothing
    std::uint64_t dropped = 0; ///< joined clients that were closed by the other side
    double connectsPerSecond = 0;
    double deliveriesPerSecond = 0;
    double seconds = 0;
    Ledger::Totals totals;
    std::string lastRefusal; ///< a sentence, empty when there was none
};
std::string jsonText(const Report& report);
std::string plainText(const Report& report);

enum class Progress { Silent, Shown };

class LoadRun : public QObject, private LoadClientHost {
    Q_OBJECT

public:
    LoadRun(const Options& options, Progress progress);
    ~LoadRun() override;
    void start();
    const Report& report() const { return m_report; }

Q_SIGNALS:
    void finished();

private:
    enum class Phase { Ramp, Settling, Measuring, Draining, Done };

    void clientJoined(LoadClient& client) override;
    void clientLeft(LoadClient& client) override;
    void clientAway(LoadClient& client) override;
    void clientRefused(LoadClient& client, const std::string& sentence) override;
    void eventReceived(LoadClient& client, std::string_view packet) override;

    void connectSome();
    void tick();  ///< each 5 ms: attempts that are due, publishes that are due
    void sweep(); ///< each second: deadlines, settling, progress
    void enter(Phase phase);
    void publishDue();
    void publishFrom(int member);
    void startClosedLoop();
    void roomAnswered(int room);
    void finish();
    bool isClosedLoop() const { return m_options.ratePerSecond <= 0; }
    bool isPublishing() const { return m_phase == Phase::Measuring && m_options.scenario != Scenario::Idle; }

    const Options& m_options;
    const Progress m_progress;
    Ledger m_ledger;
    std::vector<std::unique_ptr<LoadClient>> m_clients;
    std::vector<int> m_publishers; ///< the members who publish, in turn
    std::size_t m_nextPublisher = 0;
    /// Closed loop: messages of the room's last publish that have not come back, and when it was sent.
    struct RoomTurn {
        int waiting = 0;
        int publisher = 0;
        std::uint64_t number = 0;
        Nanoseconds sentAt = 0;
    };
    std::vector<RoomTurn> m_turns;
    std::vector<int> m_firstAttempts; ///< who has not been tried yet, last first
    std::vector<int> m_away;          ///< who waits for its next attempt
    int m_connecting = 0;
    int m_open = 0;
    double m_credit = 0;
    Nanoseconds m_startedAt = 0, m_rampedAt = 0, m_phaseAt = 0, m_lastTick = 0;
    std::uint64_t m_shownDeliveries = 0, m_deliveriesAtStart = 0;
    Phase m_phase = Phase::Ramp;
    QTimer m_tick, m_sweep;
    Report m_report;
};
