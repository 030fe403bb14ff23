// SPDX-License-Identifier: Apache-2.0
// A Connection that is nothing but a descriptor, a decoder and a queue: no QObject, and nothing of its own in
// memory while it is idle. Frames are ours (websocket_codec). Shard thread.
#pragma once
#include "server/core/connection.h"
#include "server/net/adopter.h"
#include "server/net/deflation.h"
#include "server/net/linux/epoll_dispatcher.h"
#include "server/net/outgoing.h"
#include "server/net/websocket_codec.h"
#include <array>
#include <memory>
#include <string>
#include <vector>

namespace server {

class AdoptedConnection;

class LinuxAdopter final : public Adopter {
public:
    LinuxAdopter(ConnectionWorld& world, EpollDispatcher& dispatcher);
    std::unique_ptr<Connection> adopt(const Newcomer& newcomer) override;
    void turn() override;

private:
    friend class AdoptedConnection;
    void expectTurn(AdoptedConnection& connection);
    void forget(const AdoptedConnection& connection);

    static constexpr std::size_t ReadBytes = 65536;
    static constexpr std::size_t WriteBytes =
        16384; ///< as much as the kernel takes beyond what is on its way

    ConnectionWorld& m_world;
    EpollDispatcher& m_dispatcher;
    FrameStore m_frames;
    Deflation m_deflation;
    std::vector<AdoptedConnection*> m_due;  ///< null: it is gone
    std::vector<AdoptedConnection*> m_turn; ///< those that turn() is at; kept for its memory
    std::array<char, ReadBytes> m_input;    ///< of whichever connection reads
    std::array<char, WriteBytes> m_output;  ///< of whichever connection writes
};

class AdoptedConnection final : public Connection,
                                public Writable,
                                private Backlog::Entry,
                                private EpollDispatcher::Handler,
                                private FrameDecoder::Listener,
                                private TimingWheel::Target {
public:
    AdoptedConnection(LinuxAdopter& adopter, const Adopter::Newcomer& newcomer);
    ~AdoptedConnection() override;
    AdoptedConnection(const AdoptedConnection&) = delete;
    AdoptedConnection& operator=(const AdoptedConnection&) = delete;
    bool isWatched() const { return m_watch.isSet(); }

    void start(ConnectionHost& host) override;
    void send(const FramePtr& frame) override;
    shared::Bytes queued() const override { return shared::Bytes(m_out.bytes()); }
    bool isStuck() const override { return Entry::isStuck(); }
    void setReading(Reading reading) override;
    void close(shared::CloseReason reason) override;
    Capabilities capabilities() const override;
    shared::SocketKind kind() const override { return shared::SocketKind::Adopted; }
    std::optional<shared::admin::TcpState> tcp() const override;
    void write() override;
    /// What was put off: bytes that wait to be read, or the word that it has ended.
    void turn();

private:
    enum class Phase : std::uint8_t { Open, Closing, Ended };

    void ready(Ready what) override;
    void expired(std::uint32_t tag, TimePoint due) override;
    void shed() override;
    void messageReceived(FrameKind kind, std::string_view payload, Compression compression) override;
    void pingReceived(std::string_view payload) override;
    void pongReceived(std::string_view payload) override;
    void closeReceived(std::uint16_t code) override;

    bool mayRead() const { return m_phase == Phase::Open && !m_isHeld; }
    void read();
    void decode(std::span<char> bytes);
    void pushMessage(const FramePtr& frame, Opcode opcode);
    void push(FramePtr frame, Opcode opcode, Compression compression = Compression::None);
    void flush();
    void settle(); ///< what the kernel has left of our frames
    bool isOverflowing();
    void beginClose(shared::CloseReason reason, std::string payload);
    void endByReset();
    void end();
    void watchFor();

    LinuxAdopter& m_adopter;
    ConnectionHost* m_host = nullptr;
    Outgoing m_out;
    FrameDecoder m_decoder;
    std::unique_ptr<Deflation::Peer> m_deflate; ///< null: it was not agreed
    std::unique_ptr<std::string> m_unread;      ///< taken from the kernel, not decoded yet
    WatchHandle m_watch;
    TimerHandle m_deadline;
    int m_socket;
    shared::CloseReason m_reason = shared::CloseReason::Lost;
    Phase m_phase = Phase::Open;
    bool m_isHeld = false;
    bool m_isUnwritten = false; ///< stands in the world's list
    bool m_isDue = false;       ///< stands in the adopter's
};

} // namespace server
