// SPDX-License-Identifier: Apache-2.0
// What a run of weir-load was asked to do. Plain values, any thread.
#pragma once
#include "shared/result.h"
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

enum class Scenario { Idle, Echo, Rooms };
enum class OutputFormat { Text, Json };

/// One node's client listener.
struct Target {
    std::string host;
    std::uint16_t port = 0;
    std::string path; ///< of Engine.IO, with both slashes
};

struct Options {
    std::vector<Target> targets;
    int connections = 100;
    Scenario scenario = Scenario::Echo;
    double ratePerSecond = 0; ///< 0: as fast as messages come back
    int roomSize = 10;
    int payloadBytes = 64;
    std::chrono::milliseconds duration{15000};
    OutputFormat output = OutputFormat::Text;
};

std::string_view name(Scenario scenario);
/// `ws://HOST:PORT[/PATH/]`; an IPv6 host stands in brackets.
shared::Result<Target> parseTarget(std::string_view text);
/// `500ms`, `15s`, `2m`, `1h`, or a plain number of seconds.
shared::Result<std::chrono::milliseconds> parseDuration(std::string_view text);

/// The word of `known` that is nearest to `word`; empty when none is near.
std::string nearestWord(std::string_view word, const std::vector<std::string>& known);
