// SPDX-License-Identifier: Apache-2.0
// weir-load: load and latency against one or several nodes.
#include "tests/load/load_run.h"
#include "tests/load/options.h"
#include "tests/load/process.h"
#include "weir_version.h"
#ifndef WEIR_PORTABLE
#include "server/net/linux/epoll_dispatcher.h"
#endif
#include <CLI/CLI.hpp>
#include <QCoreApplication>
#include <cstdio>
#include <functional>
#include <map>
#include <string>

namespace {

enum Exit { Fine = 0, Usage = 64, PeerUnavailable = 69, TryAgain = 75 };

int usageError(const std::string& sentence) {
    std::fprintf(stderr, "weir-load: %s\nTry 'weir-load --help'\n", sentence.c_str());
    return Usage;
}

int printVersion() {
    std::printf("weir-load %s\ncommit %s\nQt %s (built with %s)\nhiredis not used\n", shared::Version,
                shared::Commit, qVersion(), QT_VERSION_STR);
    return Fine;
}

/// A flag or word that the user may have meant.
std::string withNearest(const std::string& word, const std::vector<std::string>& known) {
    const auto nearest = nearestWord(word, known);
    return nearest.empty() ? word : word + " (did you mean " + nearest + "?)";
}

int run(const Options& options, int argc, char** argv) {
    constexpr int OwnDescriptors = 64;
    if (const auto room = reserveDescriptors(std::uint64_t(options.connections) + OwnDescriptors); !room) {
        std::fprintf(stderr, "weir-load: %s\n", room.error().message.c_str());
        return TryAgain;
    }
#ifndef WEIR_PORTABLE
    // Qt's own dispatcher polls every descriptor on every wake-up: it would measure itself.
    QCoreApplication::setEventDispatcher(new server::EpollDispatcher);
#endif
    QCoreApplication application(argc, argv);
    catchInterrupts();
    LoadRun loadRun(options, stderrIsTerminal() ? Progress::Shown : Progress::Silent);
    QObject::connect(&loadRun, &LoadRun::finished, &application, &QCoreApplication::quit,
                     Qt::QueuedConnection);
    loadRun.start();
    QCoreApplication::exec();
    const Report& report = loadRun.report();
    const std::string text = options.output == OutputFormat::Json ? jsonText(report) : plainText(report);
    std::fputs(text.c_str(), stdout);
    if (report.connectsPerSecond > 0 || interrupted())
        return Fine;
    std::fprintf(stderr, "weir-load: no target let a client in (%s): is a node running there?\n",
                 report.lastRefusal.empty() ? "no answer" : report.lastRefusal.c_str());
    return PeerUnavailable;
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app("Load and latency against one or several Weirkeeper nodes.", "weir-load");
    Options options;
    std::vector<std::string> targets;
    std::string scenario = "echo", dialect = "socketio", transport = "websocket", duration = "15s";
    bool isJson = false, wantsVersion = false;
    app.add_option("--target", targets, "A node's client listener, ws://HOST:PORT; repeatable")
        ->allow_extra_args(false)
        ->type_name("URL");
    app.add_option("--connections", options.connections, "Clients in all (100)")->type_name("N");
    app.add_option("--scenario", scenario, "idle, echo (to itself) or rooms (to others); default echo")
        ->type_name("NAME");
    app.add_option("--dialect", dialect, "socketio")->type_name("NAME");
    app.add_option("--transport", transport, "websocket")->type_name("NAME");
    app.add_option("--rate", options.ratePerSecond,
                   "Messages published per second in all; 0 (default): the next as soon as the last is back")
        ->type_name("R");
    app.add_option("--room-size", options.roomSize, "Members of a room, spread over the targets (10)")
        ->type_name("N");
    app.add_option("--payload", options.payloadBytes, "Bytes of a message's data (64)")->type_name("BYTES");
    app.add_option("--duration", duration, "How long to publish: 500ms, 15s (default), 2m, 1h")
        ->type_name("TIME");
    app.add_flag("--json", isJson, "One JSON object on standard output");
    app.add_flag("--version", wantsVersion, "Version, commit and Qt");
    app.footer(
        "In a room its first four members publish, in turn. Exit: 0 fine, 64 usage, 69 no target let a "
        "client in,\n75 not enough descriptors.");
    const std::vector<std::string> flags{"--target",    "--connections", "--scenario",  "--dialect",
                                         "--transport", "--rate",        "--room-size", "--payload",
                                         "--duration",  "--json",        "--version",   "--help"};
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        std::fputs(app.help().c_str(), stdout);
        return Fine;
    } catch (const CLI::ExtrasError&) {
        const auto words = app.remaining();
        return usageError("unknown argument " + withNearest(words.empty() ? "" : words.front(), flags));
    } catch (const CLI::ParseError& error) {
        return usageError(error.what());
    }
    if (wantsVersion)
        return printVersion();

    const std::map<std::string, Scenario> scenarios{
        {"idle", Scenario::Idle}, {"echo", Scenario::Echo}, {"rooms", Scenario::Rooms}};
    if (scenario == "storm")
        return usageError("--scenario storm is not available in this version");
    const auto chosen = scenarios.find(scenario);
    if (chosen == scenarios.end())
        return usageError("--scenario " + withNearest(scenario, {"idle", "echo", "rooms"}) +
                          ": it is idle, echo or rooms");
    options.scenario = chosen->second;
    if (dialect == "json")
        return usageError("--dialect json is not available in this version");
    if (dialect != "socketio")
        return usageError("--dialect " + withNearest(dialect, {"socketio"}) + ": it is socketio");
    if (transport == "polling" || transport == "default")
        return usageError("--transport " + transport + " is not available in this version");
    if (transport != "websocket")
        return usageError("--transport " + withNearest(transport, {"websocket"}) + ": it is websocket");
    if (targets.empty())
        targets.emplace_back("ws://127.0.0.1:7400");
    for (const auto& text : targets) {
        auto target = parseTarget(text);
        if (!target)
            return usageError(target.error().message);
        options.targets.push_back(*target);
    }
    const auto length = parseDuration(duration);
    if (!length)
        return usageError(length.error().message);
    options.duration = *length;
    if (options.connections < 1 || options.connections > 1000000)
        return usageError("--connections is a number from 1 to 1000000");
    if (options.roomSize < 1 || options.roomSize > 1000000)
        return usageError("--room-size is a number from 1 to 1000000");
    if (options.payloadBytes < 0 || options.payloadBytes > 900000)
        return usageError("--payload is a number from 0 to 900000");
    if (!(options.ratePerSecond >= 0 && options.ratePerSecond <= 1e7))
        return usageError("--rate is a number from 0 to 10000000");
    options.output = isJson ? OutputFormat::Json : OutputFormat::Text;
    return run(options, argc, argv);
}
