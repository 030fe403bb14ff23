// SPDX-License-Identifier: Apache-2.0
// What a server's processes use of the machine, as Linux tells it in /proc. Plain values, any thread.
#pragma once
#include <cstdint>
#include <vector>

/// Of all processes together, since they began.
struct ServerUse {
    double userSeconds = 0, systemSeconds = 0; ///< of CPU
    double residentBytes = 0;

    ServerUse operator-(const ServerUse& before) const {
        return {userSeconds - before.userSeconds, systemSeconds - before.systemSeconds,
                residentBytes - before.residentBytes};
    }
};
/// Zeros for what is not there.
ServerUse serverUse(const std::vector<int>& processes);

/// What one run took from the server.
struct ServerReport {
    ServerUse ramp; ///< until all were in; bytes: what they cost when nothing happens yet
    ServerUse run;  ///< while it was measured
};
