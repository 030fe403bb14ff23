// SPDX-License-Identifier: Apache-2.0
// One client of a load run: connects, joins its room, publishes, comes back as official clients do.
// Main thread.
#pragma once
#include "tests/load/load_dialect.h"
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
    /// A heartbeat, and it was answered.
    virtual void pingReceived(LoadClient& client) = 0;
    virtual void eventReceived(LoadClient& client, const Heard& event) = 0;
    /// The node's number of an own publish, where the dialect tells it.
    virtual void publishAnswered(LoadClient& client, std::uint64_t seq) = 0;
};

/// How official clients wait: 1 s doubling to 5 s, each up to half shorter or longer. `random` is in [0, 1).
std::chrono::milliseconds reconnectDelay(int attempt, double random);

class LoadClient : private LinkHost {
public:
    enum class State { Away, Connecting, Joined, Leaving, Evicted };

    /// `room` may be empty: then it joins none. The options outlive it.
    LoadClient(LoadClientHost& host, int index, const Options& options, std::string room);
    ~LoadClient() override;

    int index() const { return m_index; }
    State state() const { return m_state; }
    /// Whether the server asked it to come back, of its last connection.
    bool wasHinted() const { return m_wasHinted; }
    bool isCompressed() const { return m_link && m_link->isCompressed(); }
    /// How the origins of its own publishes begin, where the dialect tells it.
    const std::string& ownOrigin() const { return m_ownOrigin; }
    /// When it may try again; only meaningful while Away.
    std::chrono::steady_clock::time_point dueAt() const { return m_dueAt; }
    void connectNow();
    /// Gives up an attempt that takes too long, and a link whose server fell silent.
    void checkDeadlines(std::chrono::steady_clock::time_point now);
    /// JSON texts that leave in one write.
    void publish(const std::vector<std::string>& data, Echo echo);
    void close();
    /// Loses its connection without a word, and is Away. Without a back-off it tries again at once, until it
    /// is in again.
    void cut(Backoff backoff);

private:
    void linkOpened() override {}
    void pinged() override;
    void textReceived(std::string_view text) override;
    void linkEnded(const LinkEnd& end) override;
    void connected();
    void joined();
    void leave();
    void evicted();
    void dropLink();
    /// Another one than that which it left; at random, so that a drained node's clients spread over all.
    std::size_t nextTarget() const;
    void waitForNext();

    LoadClientHost& m_host;
    const int m_index;
    const Options& m_options;
    const LoadDialect& m_dialect;
    const std::string m_room;
    std::string m_ownOrigin;
    std::size_t m_target;
    std::unique_ptr<WebSocketLink> m_link;
    State m_state = State::Away;
    int m_attempts = 0;
    bool m_wasHinted = false; ///< the server asked it to come back
    Backoff m_backoff = Backoff::Yes;
    std::chrono::milliseconds m_silenceLimit{0};
    std::chrono::steady_clock::time_point m_dueAt{}, m_startedAt{}, m_heardAt{};
};
