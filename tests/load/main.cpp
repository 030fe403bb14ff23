// SPDX-License-Identifier: Apache-2.0
// weir-load: load and latency against one or several nodes.
#include "shared/nearest_word.h"
#include "tests/load/load_crew.h"
#include "tests/load/load_run.h"
#include "tests/load/options.h"
#include "tests/load/process.h"
#include "weir_version.h"
#ifndef WEIR_PORTABLE
#include "server/net/linux/epoll_dispatcher.h"
#endif
#include <CLI/CLI.hpp>
#include <QCoreApplication>
#include <QElapsedTimer>
#include <QFile>
#include <QSocketNotifier>
#include <QTimer>
#include <algorithm>
#include <cstdio>
#include <map>
#include <string>

namespace {

enum Exit { Fine = 0, Usage = 64, PeerUnavailable = 69, Internal = 70, TryAgain = 75 };

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
    const auto nearest = shared::nearestWord(word, known);
    return nearest.empty() ? word : word + " (did you mean " + nearest + "?)";
}

constexpr int OwnDescriptors = 64;

/// The line at the bottom of a terminal that says how it goes.
class ProgressLine {
public:
    explicit ProgressLine(Progress kind) : m_kind(kind) {}
    void show(const Report& report) {
        if (m_kind == Progress::AsJson) {
            std::fprintf(stderr, "%s\n", progressJson(report).c_str());
            return;
        }
        if (!stderrIsTerminal())
            return;
        const std::string text =
            progressText(report, m_before, m_since.isValid() ? double(m_since.restart()) / 1000 : 1);
        if (!m_since.isValid())
            m_since.start();
        std::fprintf(stderr, "\r%s\033[K", text.c_str());
        m_before = report;
        m_isShown = true;
    }
    void end() {
        if (m_isShown)
            std::fputc('\n', stderr);
    }

private:
    const Progress m_kind;
    Report m_before;
    QElapsedTimer m_since;
    bool m_isShown = false;
};

int tell(const Options& options, const Report& report) {
    const std::string text = options.output == OutputFormat::Json ? jsonText(report) : plainText(report);
    std::fputs(text.c_str(), stdout);
    if (report.ramped > 0 || interrupted())
        return Fine;
    std::fprintf(stderr, "weir-load: no target let a client in (%s): is a node running there?\n",
                 report.lastRefusal.empty() ? "no answer" : report.lastRefusal.c_str());
    return PeerUnavailable;
}

/// Runs the loop until `run` has finished; an interrupt makes it end early.
template <class Run>
void carryOut(Run& run, Progress kind) {
    catchInterrupts();
    ProgressLine progress(kind);
    QTimer watch;
    QObject::connect(&watch, &QTimer::timeout, &run, [&run] {
        if (interrupted())
            run.stop();
    });
    QObject::connect(&run, &Run::progressed, &run, [&] { progress.show(run.report()); });
    QObject::connect(&run, &Run::finished, QCoreApplication::instance(), &QCoreApplication::quit,
                     Qt::QueuedConnection);
    watch.start(100);
    run.start();
    QCoreApplication::exec();
    progress.end();
}

void say(std::string_view word, const std::string& rest = {}) {
    std::fwrite(word.data(), 1, word.size(), stdout);
    std::fputs((rest + "\n").c_str(), stdout);
    std::fflush(stdout);
}

/// A part speaks to the process that started it by its standard input and output alone.
int runPart(const Options& options) {
    ignoreInterrupts();
    LoadRun run(options);
    QFile input;
    if (!input.open(0, QIODevice::ReadOnly | QIODevice::Unbuffered))
        return Internal;
    QSocketNotifier words(0, QSocketNotifier::Read);
    QObject::connect(&words, &QSocketNotifier::activated, &run, [&] {
        char letter = 0;
        if (input.read(&letter, 1) != 1) { // one at a time: a longer read waits until it is full
            words.setEnabled(false);
            run.stop();
        } else if (letter == part::Pass.back()) {
            run.passGate();
        }
    });
    QObject::connect(&run, &LoadRun::gateReached, &run, [] { say(part::Gate); });
    QObject::connect(&run, &LoadRun::progressed, &run,
                     [&run] { say(part::Progress, partText(run.report())); });
    QObject::connect(&run, &LoadRun::finished, QCoreApplication::instance(), &QCoreApplication::quit,
                     Qt::QueuedConnection);
    run.start();
    QCoreApplication::exec();
    say(part::Whole, partText(run.report()));
    return Fine;
}

int runAlone(const Options& options) {
    LoadRun run(options);
    QObject::connect(&run, &LoadRun::gateReached, &run, &LoadRun::passGate);
    carryOut(run, options.progress);
    return tell(options, run.report());
}

int runTogether(const Options& options, std::vector<Share> shares, int argc, char** argv) {
    QStringList arguments;
    for (int i = 1; i < argc; ++i)
        arguments << QString::fromLocal8Bit(argv[i]);
    LoadCrew crew(std::move(shares), std::move(arguments));
    carryOut(crew, options.progress);
    if (!crew.fault().empty()) {
        std::fprintf(stderr, "weir-load: %s\n", crew.fault().c_str());
        return Internal;
    }
    return tell(options, crew.report());
}

int run(const Options& options, int argc, char** argv) {
    const auto limit = reserveDescriptors(std::uint64_t(options.connections) + OwnDescriptors);
    const int most = int(std::min<std::uint64_t>(limit, 1u << 30)) - OwnDescriptors;
    if (options.role == Role::Part)
        return runPart(options);
    auto parts = shares(options, most);
    if (!parts) {
        std::fprintf(stderr, "weir-load: %s\n", parts.error().message.c_str());
        return TryAgain;
    }
    return parts->size() == 1 ? runAlone(options) : runTogether(options, std::move(*parts), argc, argv);
}

} // namespace

int main(int argc, char** argv) {
#ifndef WEIR_PORTABLE
    // Qt's own dispatcher polls every descriptor on every wake-up: it would measure itself.
    QCoreApplication::setEventDispatcher(new server::EpollDispatcher);
#endif
    QCoreApplication application(argc, argv); // Qt's TLS is none before it
    CLI::App app("Load and latency against one or several Weirkeeper nodes.", "weir-load");
    Options options;
    std::vector<std::string> targets;
    std::string caFile;
    std::string scenario = "echo", dialect = "socketio", transport = "websocket", duration, stay;
    int part = -1;
    bool isJson = false, wantsVersion = false, isCompressed = false, tellsProgress = false;
    app.add_option("--target", targets,
                   "A node's client listener, ws://HOST:PORT or wss://HOST:PORT; repeatable")
        ->allow_extra_args(false)
        ->type_name("URL");
    app.add_option("--ca", caFile, "PEM file of the authorities to trust at wss:// targets")
        ->type_name("FILE");
    app.add_option("--connections", options.connections, "Clients in all (100)")->type_name("N")->take_last();
    app.add_option("--scenario", scenario, "idle, echo (default), rooms or storm")
        ->type_name("NAME")
        ->take_last();
    app.add_option("--dialect", dialect, "socketio (default) or json")->type_name("NAME")->take_last();
    app.add_option("--transport", transport, "websocket (default)")->type_name("NAME")->take_last();
    app.add_option("--rate", options.ratePerSecond,
                   "Messages published per second in all; 0 (default): the next as soon as the last is back")
        ->type_name("R")
        ->take_last();
    app.add_option("--room-size", options.roomSize, "Members of a room, spread over the targets (10)")
        ->type_name("N")
        ->take_last();
    app.add_option("--payload", options.payloadBytes, "Bytes of a message's data (64)")
        ->type_name("BYTES")
        ->take_last();
    app.add_option(
           "--duration", duration,
           "How long to publish: 500ms, 15s (default), 2m, 1h; storm: how long coming back may take (60s)")
        ->type_name("TIME")
        ->take_last();
    app.add_option("--stay", stay, "How long clients stay behind the last message (0s)")
        ->type_name("TIME")
        ->take_last();
    app.add_option("--burst", options.burst, "Messages that a publisher sends at once (1)")
        ->type_name("N")
        ->take_last();
    app.add_flag("--deflate", isCompressed, "Offer permessage-deflate, each message by itself");
    app.add_option("--watch", options.watched,
                   "A process of the server, whose CPU and memory the report then has; repeatable")
        ->allow_extra_args(false)
        ->type_name("PID");
    app.add_flag("--progress", tellsProgress, "One JSON object a second on standard error");
    // Of a process that another one of this program starts.
    app.add_option("--part", part)->group("")->take_last();
    app.add_flag("--json", isJson, "One JSON object on standard output");
    app.add_flag("--version", wantsVersion, "Version, commit and Qt");
    app.footer("echo: each to itself. rooms: the first four members of a room publish, in turn. storm: nine "
               "of ten are cut "
               "at\nonce and come back, with a back-off and without. What needs more open descriptors than "
               "one process may "
               "have is\nrun by several. Exit: 0 fine, 64 usage, 69 no target let a client in, 70 a process "
               "of ours failed, "
               "75 not enough\ndescriptors. See weir-load(1).");
    const std::vector<std::string> flags{
        "--target",  "--ca",        "--connections", "--scenario", "--dialect", "--transport",
        "--rate",    "--room-size", "--payload",     "--duration", "--stay",    "--burst",
        "--deflate", "--watch",     "--progress",    "--json",     "--version", "--help"};
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

    const std::map<std::string, Scenario> scenarios{{"idle", Scenario::Idle},
                                                    {"echo", Scenario::Echo},
                                                    {"rooms", Scenario::Rooms},
                                                    {"storm", Scenario::Storm}};
    const auto chosen = scenarios.find(scenario);
    if (chosen == scenarios.end())
        return usageError("--scenario " + withNearest(scenario, {"idle", "echo", "rooms", "storm"}) +
                          ": it is idle, echo, rooms or storm");
    options.scenario = chosen->second;
    if (dialect != "socketio" && dialect != "json")
        return usageError("--dialect " + withNearest(dialect, {"socketio", "json"}) +
                          ": it is socketio or json");
    options.dialect = dialect == "json" ? DialectName::Json : DialectName::SocketIo;
    if (transport == "polling" || transport == "default")
        return usageError("--transport " + transport +
                          ": this version of the node has no long-polling yet; use --transport websocket");
    if (transport != "websocket")
        return usageError("--transport " + withNearest(transport, {"websocket"}) + ": it is websocket");
    if (targets.empty())
        targets.emplace_back("ws://127.0.0.1:7400");
    const auto trust = tlsTrust(caFile);
    if (!trust)
        return usageError(trust.error().message);
    for (const auto& text : targets) {
        auto target = parseTarget(text);
        if (!target)
            return usageError(target.error().message);
        if (target->tls)
            target->tls = *trust;
        options.targets.push_back(*target);
    }
    if (duration.empty())
        duration = options.scenario == Scenario::Storm ? "60s" : "15s";
    const auto length = parseDuration(duration);
    if (!length)
        return usageError(length.error().message);
    options.duration = *length;
    if (!stay.empty()) {
        const auto time = parseDuration(stay);
        if (!time)
            return usageError(time.error().message);
        options.stay = *time;
    }
    if (options.connections < 1 || options.connections > 1000000)
        return usageError("--connections is a number from 1 to 1000000");
    if (options.roomSize < 1 || options.roomSize > 1000000)
        return usageError("--room-size is a number from 1 to 1000000");
    if (options.payloadBytes < 0 || options.payloadBytes > 900000)
        return usageError("--payload is a number from 0 to 900000");
    if (!(options.ratePerSecond >= 0 && options.ratePerSecond <= 1e7))
        return usageError("--rate is a number from 0 to 10000000");
    if (options.scenario == Scenario::Storm && options.connections < 2)
        return usageError("--scenario storm: at least 2 --connections, for one of them stays");
    if (options.burst < 1 || options.burst > 1000)
        return usageError("--burst is a number from 1 to 1000");
    options.compression = isCompressed ? Compression::Deflate : Compression::None;
    options.progress = tellsProgress ? Progress::AsJson : Progress::OnTerminal;
    if (part > 0)
        options.watched.clear(); // the first part tells for all
    if (part >= 0) {
        options.role = Role::Part;
        options.firstClient = part;
    }
    options.output = isJson ? OutputFormat::Json : OutputFormat::Text;
    return run(options, argc, argv);
}
