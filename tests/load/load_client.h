// SPDX-License-Identifier: Apache-2.0
// One Socket.IO client of a load run: connects, joins its room, publishes, comes back as official clients do.
// Main thread.
#pragma once
#include "tests/load/websocket_link.h"
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

class LoadClient;

class LoadClientHost {
public:
    virtual ~LoadClientHost() = default;
    /// Connected to its namespace and, where the scenario wants it, in its room.
    virtual void clientJoined(LoadClient& client) = 0;
    /// The hint or the close that ended it; after a hint the close comes too, and is not told again.
    virtual void clientLeft(LoadClient& client) = 0;
    /// It has no connection any more and wants to come back at dueAt().
    virtual void clientAway(LoadClient& client) = 0;
    /// An attempt that led to nothing; clientAway() follows, unless it was evicted.
    virtual void clientRefused(LoadClient& client, const std::string& sentence) = 0;
    virtual void eventReceived(LoadClient& client, std::string_view packet) = 0;
};

/// How official clients wait: 1 s doubling to 5 s, each up to half shorter or longer. `random` is in [0, 1).
std::chrono::milliseconds reconnectDelay(int attempt, double random);

class LoadClient : private LinkHost {
public:
    enum class State { Away, Connecting, Joined, Leaving, Evicted };

    /// `room` may be empty: then it joins none. `target` is where it goes first; both outlive it.
    LoadClient(LoadClientHost& host, int index, const std::vector<Target>& targets, std::string room);
    ~LoadClient() override;

    int index() const { return m_index; }
    State state() const { return m_state; }
    /// When it may try again; only meaningful while Away.
    std::chrono::steady_clock::time_point dueAt() const { return m_dueAt; }
    void connectNow();
    /// Gives up an attempt that takes too long, and a link whose server fell silent.
    void checkDeadlines(std::chrono::steady_clock::time_point now);
    /// `data` is JSON text.
    void publish(std::string_view data);
    void publishWithEcho(std::string_view data);
    void close();

private:
    void linkOpened() override {}
    void textReceived(std::string_view text) override;
    void linkEnded(const LinkEnd& end) override;
    void openReceived(std::string_view json);
    void packetReceived(std::string_view packet);
    void joined();
    void leave();
    void sendPublish(std::string_view data, std::string_view options);
    void dropLink();

    LoadClientHost& m_host;
    const int m_index;
    const std::vector<Target>& m_targets;
    const std::string m_room;
    std::size_t m_target;
    std::unique_ptr<WebSocketLink> m_link;
    State m_state = State::Away;
    int m_attempts = 0;
    bool m_wasHinted = false; ///< the server asked it to come back
    std::chrono::milliseconds m_silenceLimit{0};
    std::chrono::steady_clock::time_point m_dueAt{}, m_startedAt{}, m_heardAt{};
};
