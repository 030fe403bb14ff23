// SPDX-License-Identifier: Apache-2.0
// The filter grammar of connection tables, weirctl and the API: words joined by AND.
//   room=lobby ip=10.0.0.0/8 idle>10m age<1h queue>64k user=alice dialect=json transport=polling agent~python
//   id=0-17
// `!=` negates, quotes hold spaces. Plain values, any thread.
#pragma once
#include "shared/result.h"
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace shared {

/// What one connection offers to a filter. Views: valid during the call only.
struct FilterSubject {
    std::string_view id, address, user, dialect, transport, agent;
    double idle_s = 0, age_s = 0;
    std::int64_t queue_bytes = 0, rooms = 0;
    double rtt_ms = -1; ///< negative: unknown, matches no comparison
    /// Whether one of its members is in `room`, in any namespace.
    bool (*isInRoom)(const void* context, std::string_view room) = nullptr;
    const void* context = nullptr;
};

class Filter {
public:
    /// An empty text matches everything. A mistake is answered with its column (from 1) and what may stand
    /// there.
    static Result<Filter> parse(std::string_view text);
    bool matches(const FilterSubject& subject) const;
    bool isEmpty() const { return m_terms.empty(); }

    enum class Key : std::uint8_t {
        Id,
        Ip,
        User,
        Dialect,
        Transport,
        Agent,
        Room,
        Idle,
        Age,
        Queue,
        Rooms,
        Rtt
    };
    enum class Operator : std::uint8_t { Equal, NotEqual, Less, Greater, Contains };
    struct Term {
        Key key;
        Operator op;
        std::string text;
        double number = 0;                 ///< seconds, bytes, count or milliseconds
        std::vector<std::uint8_t> network; ///< 4 or 16 bytes for `ip`
        int prefix = 0;                    ///< bits of the network
    };
    const std::vector<Term>& terms() const { return m_terms; }

private:
    std::vector<Term> m_terms;
};

} // namespace shared
