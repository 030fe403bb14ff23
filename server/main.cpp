// SPDX-License-Identifier: Apache-2.0
#include "server/config.h"
#include "server/config_table.h"
#include "server/flags.h"
#include "server/log.h"
#include "server/node.h"
#include "server/process.h"
#include "server/supervisor.h"
#include "shared/nearest_word.h"
#include "weir_version.h"
#include <CLI/CLI.hpp>
#include <QCoreApplication>
#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#ifndef WEIR_PORTABLE
#include "server/net/linux/epoll_dispatcher.h"
#endif

namespace {

constexpr int ExitFine = 0, ExitUsage = 64, ExitInternal = 70, ExitConfiguration = 78;

/// One value each time it is given.
CLI::Option* repeatable(CLI::Option* option) {
    return option->allow_extra_args(false)->type_size(1)->expected(1, CLI::detail::expected_max_vector_size);
}

std::string versionText() {
    return fmt::format("weir-node {}\ncommit {}\nQt {} (built with {})\nhiredis {}", shared::Version,
                       shared::Commit, qVersion(), QT_VERSION_STR, WEIR_HIREDIS_VERSION);
}

/// One line about the bad word, the nearest good one, and where help is.
int usageError(const CLI::App& app, const std::string& sentence, const std::string& word) {
    std::vector<std::string> words;
    for (const auto* option : app.get_options())
        for (const auto& name : option->get_lnames())
            words.push_back("--" + name);
    const auto near =
        word.empty() ? std::string() : shared::nearestWord(word.substr(0, word.find('=')), words);
    std::fputs(fmt::format("weir-node: {}{}\nTry 'weir-node --help'\n", sentence,
                           near.empty() ? "" : "; did you mean " + near + "?")
                   .c_str(),
               stderr);
    return ExitUsage;
}

int configurationError(const std::string& sentence) {
    std::fputs(fmt::format("weir-node: {}\n", sentence).c_str(), stderr);
    return ExitConfiguration;
}

/// Read by people; where lines are read by programs it is lines as all others.
void sayBanner(const server::Node& node, server::LogFormat format) {
    for (const auto& line : node.banner()) {
        if (format == server::LogFormat::Json)
            spdlog::info("{}", line);
        else
            std::fputs((line + "\n").c_str(), stderr);
    }
}

int run(int argc, char** argv, const server::ConfigurationSources& sources,
        const server::Configuration& configuration) {
#ifndef WEIR_PORTABLE
    QCoreApplication::setEventDispatcher(new server::EpollDispatcher); // owned by Qt
#endif
    QCoreApplication application(argc, argv);
    QCoreApplication::setApplicationName(QStringLiteral("weir-node"));
    std::optional<server::Log> log;
    const auto place = server::process::isJournal() ? server::LogPlace::Journal : server::LogPlace::Plain;
    log.emplace(configuration.settings.log, place);
    for (const auto& warning : configuration.warnings)
        spdlog::warn("{}", warning);

    server::NodeFailure why;
    {
        const server::Clock clock;
        auto node = server::Node::create(configuration, clock, *log, [&why](server::NodeFailure reason) {
            why = std::move(reason);
            QCoreApplication::exit(why.exitCode);
        });
        if (!node) {
            why = node.error();
        } else {
            sayBanner(**node, configuration.settings.log.format);
            server::Supervisor supervisor([&node] { return (*node)->health(); },
                                          server::process::supervisorLine(),
                                          server::process::watchdogInterval());
            const auto stop = [&node, &supervisor] {
                const auto& drain = (*node)->settings().node;
                supervisor.stopping(drain.drainGrace + drain.drainDeadline);
                (*node)->stopAsked();
            };
            const auto reload = [&node, &supervisor, &sources] {
                supervisor.reloading();
                (*node)->reload(server::loadConfiguration(sources));
                supervisor.reloaded();
            };
            server::process::Signals signals({stop, reload});
            QCoreApplication::exec();
        }
    }
    log.reset();
    if (!why.sentence.empty())
        std::fputs(fmt::format("weir-node: {}\n", why.sentence).c_str(), stderr);
    return why.exitCode;
}

int parseAndRun(int argc, char** argv) {
    CLI::App app("", "weir-node");
    app.set_help_flag("-h,--help", "");
    app.set_version_flag("-V,--version", versionText(), "");
    const auto known = server::nodeFlags();
    std::vector<std::vector<std::string>> values(known.size());
    std::vector<CLI::Option*> options(known.size());
    for (std::size_t i = 0; i < known.size(); ++i) {
        const std::string name(known[i].name);
        if (!known[i].value.empty())
            options[i] = repeatable(app.add_option(name, values[i]));
        else if (known[i].letter == 0)
            options[i] = app.add_flag(name);
    }

    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        std::fputs(server::nodeHelp().c_str(), stdout);
        return ExitFine;
    } catch (const CLI::CallForVersion&) {
        std::fputs((versionText() + "\n").c_str(), stdout);
        return ExitFine;
    } catch (const CLI::ExtrasError&) {
        const auto words = app.remaining(true);
        const auto word = words.empty() ? std::string("?") : words.front();
        return usageError(app, fmt::format("unknown argument {}", word), word);
    } catch (const CLI::ArgumentMismatch& error) {
        const std::string text = error.what(); // "--shards: 1 required TEXT missing"
        return usageError(app, text.substr(0, text.find(':')) + ": a value is missing", {});
    } catch (const CLI::ParseError& error) {
        return usageError(app, error.what(), {});
    }

    server::ConfigurationSources sources;
    sources.environment = server::process::environment("WEIR_");
    bool isCheck = false, isPrint = false;
    // In the order of the command line, so that the last word about a setting wins, whichever flag says it.
    std::vector<std::size_t> taken(known.size());
    for (const auto* option : app.parse_order()) {
        const auto i = std::size_t(std::find(options.begin(), options.end(), option) - options.begin());
        const auto name = known[i].name;
        const auto word = known[i].value.empty() ? std::string() : values[i][taken[i]++];
        const auto equals = word.find('=');
        if (name == "--check-config")
            isCheck = true;
        else if (name == "--print-config")
            isPrint = true;
        else if (name == "--config")
            sources.file = word;
        else if (name != "--set")
            sources.flags.push_back({std::string(name), std::string(known[i].key), word});
        else if (equals == std::string::npos)
            return usageError(app, fmt::format("--set {}: section.key=value is needed", word), {});
        else
            sources.flags.push_back({"--set", word.substr(0, equals), word.substr(equals + 1)});
    }
    const auto configuration = server::loadConfiguration(sources);
    if (!configuration)
        return configurationError(configuration.error().message);
    if (isPrint)
        std::fputs(server::printConfiguration(*configuration).c_str(), stdout);
    if (isCheck || isPrint) {
        for (const auto& warning : configuration->warnings)
            std::fputs(fmt::format("weir-node: warning: {}\n", warning).c_str(), stderr);
        if (isCheck && !isPrint)
            std::fputs("the configuration is fine\n", stdout);
        return ExitFine;
    }
    return run(argc, argv, sources, *configuration);
}

} // namespace

int main(int argc, char** argv) {
    try {
        return parseAndRun(argc, argv);
    } catch (const std::exception& error) { // out of memory, or a fault of ours
        std::fputs(fmt::format("weir-node: internal error: {}\n", error.what()).c_str(), stderr);
        return ExitInternal;
    }
}
