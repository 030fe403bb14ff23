// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/ctl/operation_watch.h"
#include "console/ctl/process.h"
#include <QEventLoop>
#include <QTimer>
#include <algorithm>
#include <chrono>
#include <cstdio>

namespace console {

using namespace std::chrono_literals;
using shared::admin::OperationRow;
using shared::admin::OperationState;

const Columns& operationColumns() {
    static const Columns All{{"node", "NODE", Show::Text},
                             {"id", "ID", Show::Count},
                             {"kind", "KIND", Show::Text},
                             {"by", "BY", Show::Text},
                             {"state", "STATE", Show::Text},
                             {"started_ms", "STARTED", Show::TimeMs},
                             {"done", "DONE", Show::Count},
                             {"total", "OF", Show::Count},
                             {"rate_per_s", "RATE/s", Show::PerSecond},
                             {"eta_s", "ETA", Show::Seconds},
                             {"moved", "MOVED", Show::Count},
                             {"moved_estimated", "ESTIMATED", Show::Count},
                             {"lost", "LOST", Show::Count},
                             {"pending", "PENDING", Show::Count},
                             {"untracked", "UNTRACKED", Show::Count}};
    return All;
}

bool OperationWatch::isOver() const {
    return std::all_of(m_watched.begin(), m_watched.end(),
                       [](const auto& each) { return each.second.isOver; });
}

std::string OperationWatch::progress() const {
    std::string text;
    for (const auto& [link, watched] : m_watched) {
        if (!watched.row)
            continue;
        const auto& row = *watched.row;
        text += (text.empty() ? "" : "; ") + nameOf(*link) + ": " + row.kind + ' ' + std::to_string(row.id) +
                ' ' + std::string(shared::admin::name(row.state)) + ", " + std::to_string(row.done) + " of " +
                std::to_string(row.total);
        if (row.state == OperationState::Running && row.eta_s)
            text += ", " + shown(*row.eta_s, Show::Seconds) + " left";
    }
    return text;
}

void OperationWatch::tell() {
    const auto text = progress();
    if (text == m_told || text.empty())
        return;
    m_told = text;
    if (isTerminal(Stream::Error))
        std::fprintf(stderr, "\r%s\x1b[K", text.c_str());
    else
        std::fprintf(stderr, "%s\n", text.c_str());
    std::fflush(stderr);
}

void OperationWatch::take(NodeLink& node, const OperationRow& row) {
    auto& watched = m_watched[&node];
    if (row.id != watched.id || watched.isOver)
        return;
    watched.row = row;
    watched.isOver = row.state != OperationState::Running;
}

ExitCode OperationWatch::outcome() {
    QJsonArray rows;
    auto code = ExitCode::Fine;
    for (const auto& [link, watched] : m_watched) {
        if (!watched.row)
            continue;
        auto row = watched.row->toJson();
        row.insert(QStringLiteral("node"), QString::fromStdString(nameOf(*link)));
        rows.append(row);
        switch (watched.row->state) {
        case OperationState::Running:
        case OperationState::Done:
            break;
        case OperationState::Aborted:
            code = worse(code, ExitCode::TryAgain);
            break;
        case OperationState::Failed:
            code = worse(code, ExitCode::Internal);
            break;
        }
    }
    m_errand.worsen(code);
    return m_errand.show(operationColumns(), rows);
}

ExitCode OperationWatch::run() {
    QEventLoop loop;
    bool isInterrupted = false;
    SignalWatch signalWatch;
    QObject::connect(&signalWatch, &SignalWatch::interrupted, &loop, [&] {
        isInterrupted = true;
        loop.quit();
    });
    const auto look = [&] {
        if (isOver())
            loop.quit();
    };
    for (auto& each : m_watched) {
        auto* link = each.first;
        QObject::connect(link, &NodeLink::operationReceived, &loop,
                         [this, link, look](const OperationRow& row) {
                             take(*link, row);
                             look();
                         });
        QObject::connect(link, &NodeLink::stateChanged, &loop, [this, link, look, name = nameOf(*link)] {
            auto& watched = m_watched[link];
            const bool isLost =
                link->state() == NodeLink::State::Lost || link->state() == NodeLink::State::Refused;
            if (!isLost || watched.isOver)
                return;
            watched.isOver = true;
            m_errand.fail(name, {shared::ErrorCode::Unavailable,
                                 link->sentence().toStdString() + "; the operation may go on there"});
            look();
        });
        // It may have ended before we listened.
        const auto answer = m_errand.links().ask(*link, QStringLiteral("operations.get"),
                                                 {{QStringLiteral("id"), qint64(each.second.id)}});
        const auto row = answer ? OperationRow::fromJson(*answer)
                                : shared::Result<OperationRow>(tl::unexpected(answer.error()));
        if (row) {
            take(*link, *row);
        } else if (!each.second.isOver) {
            m_errand.fail(*link, row.error());
            each.second.isOver = true;
        }
    }
    // The screen need not follow each of the node's words.
    QTimer beat;
    QObject::connect(&beat, &QTimer::timeout, &loop, [this] { tell(); });
    beat.start(isTerminal(Stream::Error) ? 200ms : 1000ms);
    tell();
    if (!isOver() && !isInterrupted)
        loop.exec();
    tell();
    if (isTerminal(Stream::Error) && !m_told.empty())
        std::fputc('\n', stderr);
    if (isInterrupted && !isOver()) {
        for (const auto& [link, watched] : m_watched) {
            if (!watched.isOver)
                complain("no longer watching; operation " + std::to_string(watched.id) + " on " +
                         nameOf(*link) + " goes on. To stop it: weirctl operations abort " +
                         std::to_string(watched.id) + " --node " + link->url().toString().toStdString());
        }
        m_errand.worsen(ExitCode::Interrupted);
    }
    return outcome();
}

} // namespace console
