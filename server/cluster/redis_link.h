// SPDX-License-Identifier: Apache-2.0
// One connection to Redis that comes back by itself: commands in order, pushed messages, time limits. Bus
// thread.
#pragma once
#include "server/cluster/redis_address.h"
#include "server/core/clock.h"
#include "shared/result.h"
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace server {

/// What Redis answered or pushed.
struct Reply {
    enum class Kind : std::uint8_t { Text, Number, Nil, Error, Array };
    Kind kind = Kind::Nil;
    std::int64_t number = 0;
    std::string text; ///< of a text, a status or an error
    std::vector<Reply> elements;
};

/// Takes RESP apart by hiredis' reader: at most 64 MB and 1,000,000 elements a reply.
class ReplyReader {
public:
    ReplyReader();
    ~ReplyReader();
    /// Calls `take` for each whole reply, until it says false; an error means that the stream is of no more
    /// use.
    shared::Result<void> feed(std::string_view bytes, const std::function<bool(Reply&&)>& take);

private:
    struct Inner;
    std::unique_ptr<Inner> m_inner;
};

struct RedisLinkTimes {
    std::chrono::milliseconds answer{2000}; ///< connecting, and every command
    std::chrono::milliseconds ping{2000};
    std::chrono::milliseconds firstWait{100}, longestWait{2000}; ///< before the next attempt
    std::chrono::milliseconds refusedWait{30000};                ///< after a wrong password and the like
};

enum class RedisLinkFault : std::uint8_t { Away, Refused };

class RedisLink {
public:
    class Host {
    public:
        virtual ~Host() = default;
        /// Signed in to a master, and every subscription was answered.
        virtual void linkUp(RedisLink& link) = 0;
        /// It was up, or an attempt failed. `sentence` says why, without a secret. It tries again by itself.
        virtual void linkDown(RedisLink& link, RedisLinkFault fault, const std::string& sentence) = 0;
        /// A message of a subscription: {pmessage, pattern, channel, payload}.
        virtual void messagePushed(RedisLink& link, const Reply& push) = 0;
        /// Time from a PING to its answer.
        virtual void roundTripMeasured(RedisLink& link, std::chrono::nanoseconds time) = 0;
        /// Commands find room again.
        virtual void linkWritable(RedisLink& link) = 0;
    };
    /// Null: the link broke before the answer came; whether Redis carried the command out is not known.
    using Done = std::function<void(const Reply*)>;

    /// With `patterns` it is a link for subscriptions and takes no commands.
    RedisLink(RedisAddress address, std::vector<std::string> patterns, Host& host, const Clock& clock,
              RedisLinkTimes times = {});
    ~RedisLink();
    RedisLink(const RedisLink&) = delete;
    RedisLink& operator=(const RedisLink&) = delete;

    void start();
    /// Lets what was written go out for at most half a second, then closes. Nothing is called afterwards.
    void stop();
    bool isUp() const;
    /// Up, with little waiting to be written, and Redis answers in good time.
    bool hasRoom() const;
    /// `done` (which may be empty) is called once, never from inside; false, and never, while the link is not
    /// up or its output is full (16 MB).
    [[nodiscard]] bool command(std::span<const std::string_view> words, Done done);

private:
    struct Inner;
    std::unique_ptr<Inner> m_inner;
};

} // namespace server
