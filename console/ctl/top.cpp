// SPDX-License-Identifier: GPL-3.0-or-later
// top: a live table over the whole terminal.
#include "console/ctl/process.h"
#include "console/ctl/runs.h"
#include "console/ctl/samples.h"
#include <QDateTime>
#include <QEventLoop>
#include <cstdio>

namespace console {

namespace {

/// Written over what was there: clearing the screen first would flicker.
void draw(Errand& errand, const Samples& samples) {
    const auto extent = terminalExtent();
    const auto rows = samples.rows();
    double connections = 0;
    double out_per_s = 0;
    for (const auto& row : rows) {
        connections += row.toObject().value(QStringLiteral("connections")).toDouble();
        out_per_s += row.toObject().value(QStringLiteral("out_per_s")).toDouble();
    }
    std::vector<std::string> lines{
        "weirctl top  " + QDateTime::currentDateTime().toString(QStringLiteral("HH:mm:ss")).toStdString() +
        "  " + std::to_string(rows.size()) + " nodes  " + shown(connections, Show::Count) + " connections  " +
        shown(out_per_s, Show::PerSecond) + " messages/s out   q quits"};
    for (const auto& missed : errand.links().missed())
        lines.push_back(missed.node + ": " + missed.error.message);
    lines.emplace_back();
    for (auto& line : errand.printer().tableLines(vitalsColumns(), rows, std::size_t(extent.columns)))
        lines.push_back(std::move(line));
    std::string screen = "\x1b[H";
    for (std::size_t i = 0; i < lines.size() && i < std::size_t(extent.lines); ++i)
        screen += (i == 0 ? "" : "\r\n") + lines[i] + "\x1b[K";
    screen += "\x1b[J";
    std::fwrite(screen.data(), 1, screen.size(), stdout);
    std::fflush(stdout);
}

} // namespace

ExitCode runTop(Errand& errand) {
    Samples samples(errand);
    if (errand.printer().isJson() || !isTerminal(Stream::Out) || !isTerminal(Stream::In)) {
        samples.waitForAll();
        return errand.show(vitalsColumns(), samples.rows());
    }
    SignalWatch signalWatch;
    RawTerminal terminal;
    QEventLoop loop;
    QObject::connect(&terminal, &RawTerminal::typed, &loop, [&](char key) {
        if (key == 'q' || key == 'Q')
            loop.quit();
    });
    QObject::connect(&signalWatch, &SignalWatch::interrupted, &loop, &QEventLoop::quit);
    const auto redraw = [&] { draw(errand, samples); };
    QObject::connect(&signalWatch, &SignalWatch::resized, &loop, redraw);
    QObject::connect(&samples, &Samples::changed, &loop, redraw);
    redraw();
    loop.exec();
    return errand.worst();
}

} // namespace console
