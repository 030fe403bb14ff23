// SPDX-License-Identifier: Apache-2.0
#include "tests/load/load_crew.h"
#include <QCoreApplication>
#include <algorithm>

LoadCrew::LoadCrew(std::vector<Share> shares, QStringList arguments)
    : m_shares(std::move(shares)), m_arguments(std::move(arguments)) {
    connect(&m_second, &QTimer::timeout, this, &LoadCrew::progressed);
}

LoadCrew::~LoadCrew() {
    for (auto& part : m_parts) {
        part->process.disconnect(this);
        part->process.closeWriteChannel();
        if (!part->process.waitForFinished(10000))
            part->process.kill();
    }
}

void LoadCrew::start() {
    for (const auto& share : m_shares)
        startPart(share);
    m_second.start(1000);
}

void LoadCrew::stop() {
    for (auto& part : m_parts)
        part->process.closeWriteChannel();
}

void LoadCrew::startPart(const Share& share) {
    m_parts.push_back(std::make_unique<Part>());
    Part& part = *m_parts.back();
    // The last word counts, so a share comes behind what the user asked for.
    const QStringList arguments =
        m_arguments + QStringList{"--part",        QString::number(share.firstClient),
                                  "--connections", QString::number(share.connections),
                                  "--rate",        QString::number(share.ratePerSecond, 'g', 17)};
    part.process.setProcessChannelMode(QProcess::ForwardedErrorChannel);
    connect(&part.process, &QProcess::readyReadStandardOutput, this, [this, &part] { read(part); });
    connect(&part.process, &QProcess::finished, this, [this, &part] { ended(part); });
    connect(&part.process, &QProcess::errorOccurred, this, [this, &part](QProcess::ProcessError error) {
        if (error == QProcess::FailedToStart)
            ended(part);
    });
    part.process.start(QCoreApplication::applicationFilePath(), arguments);
}

void LoadCrew::read(Part& part) {
    while (part.process.canReadLine()) {
        const QByteArray line = part.process.readLine().trimmed();
        heard(part, {line.constData(), std::size_t(line.size())});
    }
}

void LoadCrew::heard(Part& part, std::string_view line) {
    if (line == part::Gate) {
        part.isAtGate = true;
        return passGateTogether();
    }
    const bool isWhole = line.starts_with(part::Whole);
    if (!isWhole && !line.starts_with(part::Progress))
        return;
    auto report = parsePart(line.substr(isWhole ? part::Whole.size() : part::Progress.size()));
    if (!report)
        return;
    part.report = std::move(*report);
    part.isReported = part.isReported || isWhole;
}

void LoadCrew::ended(Part& part) {
    if (part.hasEnded)
        return;
    read(part);
    part.hasEnded = true;
    if (!part.isReported && m_fault.empty())
        m_fault = "a process of this run ended without its report (" +
                  part.process.errorString().toStdString() + ", exit " +
                  std::to_string(part.process.exitCode()) + ")";
    if (std::all_of(m_parts.begin(), m_parts.end(), [](const auto& each) { return each->hasEnded; })) {
        m_second.stop();
        Q_EMIT finished();
    } else {
        passGateTogether();
    }
}

/// Whoever has ended waits for nobody, and nobody for it.
void LoadCrew::passGateTogether() {
    if (m_parts.size() < m_shares.size() ||
        !std::all_of(m_parts.begin(), m_parts.end(),
                     [](const auto& each) { return each->isAtGate || each->hasEnded; }))
        return;
    for (auto& each : m_parts) {
        if (std::exchange(each->isAtGate, false))
            each->process.write(part::Pass.data(), qint64(part::Pass.size()));
    }
}

Report LoadCrew::report() const {
    Report sum;
    for (const auto& part : m_parts)
        sum.add(part->report);
    if (!m_parts.empty())
        sum.scenario = m_parts.front()->report.scenario;
    return sum;
}
