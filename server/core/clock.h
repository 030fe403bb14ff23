// SPDX-License-Identifier: Apache-2.0
// The two clocks of the node, behind a seam that tests fake. Any thread.
#pragma once
#include <chrono>
#include <cstdint>

namespace server {

using TimePoint = std::chrono::steady_clock::time_point;

class Clock {
public:
    virtual ~Clock() = default;
    virtual TimePoint now() const { return std::chrono::steady_clock::now(); }
    /// Unix time in milliseconds: for stamps and rows, never for deadlines.
    virtual std::int64_t unixMs() const {
        return std::chrono::duration_cast<std::chrono::milliseconds>(
                   std::chrono::system_clock::now().time_since_epoch())
            .count();
    }
};

} // namespace server
