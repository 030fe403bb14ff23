// SPDX-License-Identifier: Apache-2.0
// A Connection that stays a QWebSocket: where adoption is not possible. Shard thread.
#pragma once
#include "server/core/connection.h"
#include "server/core/settings.h"
#include "server/core/timing_wheel.h"
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

/// What all connections of one shard share; outlives them.
struct QtWorld {
    const LimitSettings& limits;
    TimingWheel& wheel;
    const Clock& clock;
    FrameText text;
};

/// Deviations of Qt's frame parser from RFC 6455 that a client can see: it takes unmasked frames, ends a text
/// that is split inside a character with 1007, and a frame that stalls for 5 s with 1001.
class QtConnection final : public Connection, private TimingWheel::Target {
public:
    /// Takes the WebSocket; `front` is the socket beneath it.
    QtConnection(QtWorld& world, QWebSocket* socket, FrontSocket& front);
    ~QtConnection() override;
    QtConnection(const QtConnection&) = delete;
    QtConnection& operator=(const QtConnection&) = delete;

    void start(ConnectionHost& host) override;
    void send(const FramePtr& frame) override;
    shared::Bytes queued() const override;
    void close(shared::CloseReason reason) override;
    Capabilities capabilities() const override;
    shared::SocketKind kind() const override;

private:
    enum class Phase : std::uint8_t { Open, Closing, Ended };
    void expired(std::uint32_t tag, TimePoint due) override;
    void received(FrameKind kind, const QByteArray& bytes);
    void closeSeen();
    void endSeen();
    void abort();

    QtWorld& m_world;
    QWebSocket* m_socket;          ///< ours; destroyed by deleteLater, for it may be what calls us
    QPointer<FrontSocket> m_front; ///< the WebSocket's own
    ConnectionHost* m_host = nullptr;
    QObject m_context; ///< what happens to the socket is heard as long as this lives
    TimerHandle m_deadline;
    shared::CloseReason m_reason = shared::CloseReason::Lost;
    Phase m_phase = Phase::Open;
};

} // namespace server
