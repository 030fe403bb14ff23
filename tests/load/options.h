// SPDX-License-Identifier: Apache-2.0
// What a run of weir-load was asked to do. Plain values, any thread.
#pragma once
#include "shared/result.h"
#include "tests/load/frame_codec.h"
#include <QSslConfiguration>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

enum class Scenario { Idle, Echo, Rooms, Storm };
enum class DialectName { SocketIo, Json };
enum class OutputFormat { Text, Json };
enum class Echo { No, Yes };
enum class Progress { OnTerminal, AsJson };
enum class Backoff { No, Yes };
/// A run that is too large for one process is made of parts, which one more process starts and adds up.
enum class Role { Whole, Part };

/// One node's client listener.
struct Target {
    std::string host;
    std::uint16_t port = 0;
    std::string path;                       ///< of Engine.IO, with both slashes
    std::optional<QSslConfiguration> tls{}; ///< wss://
};

struct Options {
    std::vector<Target> targets;
    int connections = 100;
    int firstClient = 0; ///< of a part: its number within the whole
    Role role = Role::Whole;
    Scenario scenario = Scenario::Echo;
    DialectName dialect = DialectName::SocketIo;
    double ratePerSecond = 0; ///< 0: as fast as messages come back
    int roomSize = 10;
    int payloadBytes = 64;
    int burst = 1;                               ///< messages that a publisher sends at once
    Compression compression = Compression::None; ///< what clients offer
    std::vector<int> watched;                    ///< processes of the server whose use of the machine is told
    Progress progress = Progress::OnTerminal;
    std::chrono::milliseconds duration{15000}; ///< storm: the longest that coming back may take
    std::chrono::milliseconds stay{0};         ///< how long clients stay behind the last message
    OutputFormat output = OutputFormat::Text;
};

/// One in so many clients of a storm is not cut.
inline constexpr int StayOneIn = 10;

/// What one process of a run does.
struct Share {
    int firstClient = 0;
    int connections = 0;
    double ratePerSecond = 0;
};
/// Cuts the run so that no process has more than `most` clients and no room lies in two of them.
shared::Result<std::vector<Share>> shares(const Options& options, int most);

/// A loopback target is reached from further addresses of 127.0.0.0/8 before the ports of one run out; empty:
/// the system's choice. `client` counts those of all processes.
std::string sourceAddress(const Target& target, int client, std::size_t targets);

std::string_view name(Scenario scenario);
/// `ws://HOST:PORT[/PATH/]` or `wss://…`; an IPv6 host stands in brackets.
shared::Result<Target> parseTarget(std::string_view text);
/// What wss:// targets are trusted by: the authorities in a PEM file; empty: the system's.
shared::Result<QSslConfiguration> tlsTrust(const std::string& caFile);
/// `500ms`, `15s`, `2m`, `1h`, or a plain number of seconds.
shared::Result<std::chrono::milliseconds> parseDuration(std::string_view text);
