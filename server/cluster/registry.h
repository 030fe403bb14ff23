// SPDX-License-Identifier: Apache-2.0
// Which nodes live: each keeps a row in Redis that ends by itself, and reads those of the others. Bus thread.
#pragma once
#include "server/cluster/redis_link.h"
#include "server/core/adapter.h"
#include "server/core/clock.h"
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace server {

/// Rows are JSON at weir:PREFIX:node:ID with an instance id and a beat number. A newcomer that finds its id
/// taken watches two beats: a number that moves is a living node, and this one must end; else it takes the
/// row over.
class Registry {
public:
    /// The link outlives the registry.
    Registry(const std::string& keyPrefix, RedisLink& link, AdapterHost& host, const Clock& clock);

    /// What to say of this node from now on.
    void announce(const shared::admin::ClusterNode& row);
    /// Every beat interval, and when the link has come up: writes the own row, reads all.
    void beat();
    /// Takes the own row away, if it is surely still ours.
    void leave();

    static constexpr std::chrono::milliseconds BeatInterval{2000}, RowLife{6000};

private:
    struct Found {
        shared::admin::ClusterNode row;
        std::int64_t beat = 0;
    };
    static std::optional<Found> parsed(const std::string& json);
    std::string keyOf(const std::string& id) const { return m_keyStart + id; }
    void take();
    void look();
    void looked(const std::string& json);
    void write();
    void readAll();
    void scan(const std::string& cursor);
    void fetch();
    void report(const Reply& rows);
    bool isRefused(const Reply& reply, const char* what);

    const std::string m_keyStart;
    RedisLink& m_link;
    AdapterHost& m_host;
    const Clock& m_clock;
    std::optional<shared::admin::ClusterNode> m_row;
    std::int64_t m_beat = 0;
    bool m_isOurs = false;
    TimePoint m_confirmedAt{};       ///< when Redis last said that the row is ours
    std::optional<Found> m_stranger; ///< who holds our id, as first seen
    int m_stillBeats = 0;            ///< how often it was then seen unchanged
    bool m_isDuplicate = false;
    bool m_isReading = false;
    TimePoint m_readingSince{};
    std::set<std::string> m_keys; ///< of the walk under way
};

} // namespace server
