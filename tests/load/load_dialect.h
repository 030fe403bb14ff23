// SPDX-License-Identifier: Apache-2.0
// What a load client says and hears, in the words of one dialect. Pure, stateless: any thread.
#pragma once
#include "tests/load/options.h"
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

/// What one text frame of a server means. Views live as long as the frame.
struct Heard {
    enum class Kind : std::uint8_t {
        Nothing,
        Ping,
        Connected, ///< a member now; it may join
        Joined,
        Refused,   ///< CONNECT or join; `sentence` says why
        Published, ///< an own publish was taken; `seq` is its number
        Hint,      ///< come back elsewhere
        Evicted,   ///< stay away
        Closed,    ///< the server ends the session
        Event
    };
    Kind kind = Kind::Nothing;
    std::string_view answer;              ///< to be sent at once, when it is not empty
    std::chrono::milliseconds silence{0}; ///< longer than this a server is never quiet; 0: not said
    std::string_view sentence;
    std::string_view packet; ///< of an event
    std::string origin;      ///< Connected: how the origins of its own publishes begin; Event: its origin
    std::uint64_t seq = 0;   ///< of an event or a publish; 0: not said
};

class LoadDialect {
public:
    virtual ~LoadDialect() = default;
    virtual std::string request(const Target& target) const = 0; ///< path and query of the handshake
    virtual Heard hear(std::string_view text) const = 0;
    /// Asks for an ack, which is Joined or Refused.
    virtual void appendJoin(std::string& out, std::string_view room) const = 0;
    /// `data` is JSON text. Without an echo the dialect asks for an ack where that is how it tells the
    /// number.
    virtual void appendPublish(std::string& out, std::string_view room, std::string_view data,
                               Echo echo) const = 0;
};

const LoadDialect& loadDialect(DialectName name);
