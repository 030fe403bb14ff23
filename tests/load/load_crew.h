// SPDX-License-Identifier: Apache-2.0
// A run that is too large for one process: starts this program once for each share, lets all pass each gate
// together, and adds up what they report. Main thread.
#pragma once
#include "tests/load/options.h"
#include "tests/load/report.h"
#include <QElapsedTimer>
#include <QObject>
#include <QProcess>
#include <QStringList>
#include <QTimer>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// The words between a part and the process that started it, one a line. From the part: `gate`, `progress
/// REPORT`, `report REPORT`. To it: `pass`; the end of its input tells it to stop.
namespace part {
inline constexpr std::string_view Gate = "gate";
inline constexpr std::string_view Progress = "progress ";
inline constexpr std::string_view Whole = "report ";
inline constexpr std::string_view Pass = "pass\n";
} // namespace part

class LoadCrew : public QObject {
    Q_OBJECT

public:
    /// `arguments` are those of this program, to which each part's share is added.
    LoadCrew(std::vector<Share> shares, QStringList arguments);
    ~LoadCrew() override;
    void start();
    void stop();
    Report report() const; ///< of all, as far as they have told
    /// Why it is not to be believed; empty when all is well.
    const std::string& fault() const { return m_fault; }

Q_SIGNALS:
    void progressed();
    void finished();

private:
    struct Part {
        QProcess process;
        Report report;
        bool isAtGate = false;
        bool isReported = false;
        bool hasEnded = false;
    };
    void startPart(const Share& share);
    void read(Part& part);
    void heard(Part& part, std::string_view line);
    void ended(Part& part);
    void passGateTogether();

    const std::vector<Share> m_shares;
    const QStringList m_arguments;
    std::vector<std::unique_ptr<Part>> m_parts;
    QTimer m_second;
    std::string m_fault;
};
