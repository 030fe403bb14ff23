// SPDX-License-Identifier: Apache-2.0
// A Connection that stays a QWebSocket: where adoption is not possible. Shard thread.
#pragma once
#include "server/core/connection.h"
#include "server/net/connection_world.h"
#include "server/net/front_socket.h"
#include <QObject>
#include <QPointer>
#include <QString>
#include <memory>

class QWebSocket;

namespace server {

/// The text of the last frame that was sent: a fan-out converts it once for all its members.
class FrameText {
public:
    const QString& of(const FramePtr& frame);

private:
    FramePtr m_frame;
    QString m_text;
};

struct QtWorld : ConnectionWorld {
    FrameText text{};
};

/// Deviations of Qt's frame parser from RFC 6455 that a client can see: it takes unmasked frames, ends a text
/// that is split inside a character with 1007, and a frame that stalls for 5 s with 1001.
class QtConnection final : public Connection,
                           public Writable,
                           private TimingWheel::Target,
                           private Backlog::Entry {
public:
    /// Takes the WebSocket; `front` is the socket beneath it.
    QtConnection(QtWorld& world, QWebSocket* socket, FrontSocket& front);
    ~QtConnection() override;
    QtConnection(const QtConnection&) = delete;
    QtConnection& operator=(const QtConnection&) = delete;

    void start(ConnectionHost& host) override;
    void send(const FramePtr& frame) override;
    shared::Bytes queued() const override;
    bool isStuck() const override { return Entry::isStuck(); }
    void setReading(Reading reading) override;
    void close(shared::CloseReason reason) override;
    Capabilities capabilities() const override;
    shared::SocketKind kind() const override;
    std::optional<shared::admin::TcpState> tcp() const override;
    /// Left to their write notifiers the frames of all connections would be written in one turn of the loop.
    void write() override;

private:
    enum class Phase : std::uint8_t { Open, Closing, Ended };
    void expired(std::uint32_t tag, TimePoint due) override;
    void shed() override;
    void flush();
    void settle(); ///< what the kernel has left of our bytes
    bool isOverflowing(std::uint64_t room);
    void received(FrameKind kind, const QByteArray& bytes);
    void closeSeen();
    void endSeen();
    void abort();

    QtWorld& m_world;
    QWebSocket* m_socket;           ///< ours; destroyed by deleteLater, for it may be what calls us
    FrontSocket* m_front;           ///< the WebSocket's own, as long as m_beneath is
    QPointer<QTcpSocket> m_beneath; ///< the same object
    ConnectionHost* m_host = nullptr;
    QObject m_context; ///< what happens to the socket is heard as long as this lives
    TimerHandle m_deadline;
    shared::CloseReason m_reason = shared::CloseReason::Lost;
    Phase m_phase = Phase::Open;
    bool m_isUnwritten = false; ///< stands in the world's list
    bool m_isWatched = false;   ///< we hear when the kernel takes more
};

} // namespace server
