// SPDX-License-Identifier: Apache-2.0
#include "tests/load/options.h"
#include <QSslCertificate>
#include <algorithm>
#include <charconv>

using shared::ErrorCode;
using shared::failure;

std::string_view name(Scenario scenario) {
    switch (scenario) {
    case Scenario::Idle:
        return "idle";
    case Scenario::Echo:
        return "echo";
    case Scenario::Rooms:
        return "rooms";
    case Scenario::Storm:
        return "storm";
    }
    return "";
}

shared::Result<std::vector<Share>> shares(const Options& options, int most) {
    constexpr int MostProcesses = 256;
    const int unit = options.scenario == Scenario::Rooms   ? std::min(options.roomSize, options.connections)
                     : options.scenario == Scenario::Storm ? std::min(StayOneIn, options.connections)
                                                           : 1;
    if (unit > most)
        return failure(
            ErrorCode::Unavailable,
            "one process holds a room of " + std::to_string(unit) + ", but may have only " +
                std::to_string(std::max(most, 0)) +
                " open descriptors: ask for a smaller --room-size, or raise the hard limit (ulimit -Hn)");
    const int units = (options.connections + unit - 1) / unit;
    const int unitsEach = most / unit;
    const int processes = (units + unitsEach - 1) / unitsEach;
    if (processes > MostProcesses)
        return failure(
            ErrorCode::Unavailable,
            std::to_string(processes) + " processes would be needed for so many open descriptors, but " +
                std::to_string(MostProcesses) +
                " are the most: ask for fewer --connections, or raise the hard limit (ulimit -Hn)");
    std::vector<Share> out;
    int given = 0;
    for (int process = 0; process < processes; ++process) {
        const int until =
            std::min(int(std::int64_t(units) * (process + 1) / processes) * unit, options.connections);
        const int many = until - given;
        out.push_back({given, many, options.ratePerSecond * many / options.connections});
        given = until;
    }
    return out;
}

std::string sourceAddress(const Target& target, int client, std::size_t targets) {
    // Of the 28,232 ports that Linux gives out it tries one half first: with more than that in use each
    // further connect looks through all of them.
    constexpr int ClientsAnAddress = 10000;
    constexpr int Hosts = 250;
    const int block = client / int(targets) / ClientsAnAddress;
    if (block == 0 || !(target.host.starts_with("127.") || target.host == "localhost"))
        return {};
    return "127.77." + std::to_string(block / Hosts) + "." + std::to_string(1 + block % Hosts);
}

shared::Result<Target> parseTarget(std::string_view text) {
    const auto wrong = [text](std::string_view why) {
        return failure(ErrorCode::BadRequest, "--target " + std::string(text) + ": " + std::string(why) +
                                                  "; it looks like ws://127.0.0.1:7400");
    };
    constexpr std::string_view Plain = "ws://", Secure = "wss://";
    const bool isSecure = text.starts_with(Secure);
    if (!isSecure && !text.starts_with(Plain))
        return wrong("a target begins with ws:// or wss://");
    std::string_view rest = text.substr(isSecure ? Secure.size() : Plain.size());
    const auto slash = rest.find('/');
    Target target;
    target.path = slash == std::string_view::npos || slash + 1 == rest.size()
                      ? "/socket.io/"
                      : std::string(rest.substr(slash));
    if (target.path.back() != '/')
        target.path += '/';
    rest = rest.substr(0, slash);
    const auto colon = rest.rfind(':');
    if (colon == std::string_view::npos || rest.ends_with(']'))
        return wrong("the port is missing");
    std::string_view host = rest.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']'))
        host = host.substr(1, host.size() - 2);
    const std::string_view port = rest.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), target.port);
    if (error != std::errc() || end != port.data() + port.size() || target.port == 0)
        return wrong("the port is a number from 1 to 65535");
    if (host.empty())
        return wrong("the host is missing");
    target.host = host;
    if (isSecure)
        target.tls = QSslConfiguration::defaultConfiguration();
    return target;
}

shared::Result<QSslConfiguration> tlsTrust(const std::string& caFile) {
    auto configuration = QSslConfiguration::defaultConfiguration();
    if (caFile.empty())
        return configuration;
    const auto authorities = QSslCertificate::fromPath(QString::fromStdString(caFile), QSsl::Pem,
                                                       QSslCertificate::PatternSyntax::FixedString);
    if (authorities.isEmpty())
        return failure(ErrorCode::BadRequest, "--ca " + caFile + ": no certificate can be read from it");
    configuration.setCaCertificates(authorities);
    return configuration;
}

shared::Result<std::chrono::milliseconds> parseDuration(std::string_view text) {
    double amount = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), amount);
    const std::string_view unit = text.substr(std::size_t(end - text.data()));
    const double factor = unit == "ms"                  ? 1
                          : unit.empty() || unit == "s" ? 1000
                          : unit == "m"                 ? 60000
                          : unit == "h"                 ? 3600000
                                                        : 0;
    constexpr double Most = 7.0 * 24 * 3600000;
    if (error != std::errc() || factor == 0 || !(amount * factor >= 1) || amount * factor > Most)
        return failure(ErrorCode::BadRequest,
                       "--duration " + std::string(text) +
                           ": a duration looks like 500ms, 15s, 2m or 1h, a week at most");
    return std::chrono::milliseconds(std::int64_t(amount * factor));
}
