// SPDX-License-Identifier: Apache-2.0
// What all connections of one shard share, of whatever kind they are; outlives them. Shard thread.
#pragma once
#include "server/core/counters.h"
#include "server/core/frame.h"
#include "server/core/settings.h"
#include "server/core/timing_wheel.h"
#include "server/net/backlog.h"
#include <vector>

namespace server {

/// A connection with frames that the kernel was not offered yet.
class Writable {
public:
    /// Hands the kernel what it will take. Must neither add nor remove any.
    virtual void write() = 0;

protected:
    ~Writable() = default;
};

/// Connections that were sent something in this turn of the loop. Written together they cost one system call
/// each, however many frames they got; and the slice that made the frames is charged for their writing.
class Unwritten {
public:
    void add(Writable& connection) { m_connections.push_back(&connection); }
    void remove(const Writable& connection) {
        for (auto& waiting : m_connections)
            if (waiting == &connection)
                waiting = nullptr;
    }
    void write() { ///< all of them
        for (auto* const connection : m_connections)
            if (connection != nullptr)
                connection->write();
        m_connections.clear();
    }

private:
    std::vector<Writable*> m_connections; ///< null: it has ended meanwhile
};

struct ConnectionWorld {
    const LimitSettings& limits;
    const DeflateSettings& deflate;
    TimingWheel& wheel;
    const Clock& clock;
    Counters& counters;
    Unwritten unwritten{};
    Backlog backlog{};
};

} // namespace server
