// SPDX-License-Identifier: Apache-2.0
// One WebSocket to a node: TCP, the HTTP upgrade, messages. Lighter than QWebSocket by far. Main thread.
#pragma once
#include "tests/load/frame_codec.h"
#include "tests/load/options.h"
#include <QObject>
#include <QTcpSocket>
#include <memory>
#include <string>
#include <string_view>

/// Why a link ended.
struct LinkEnd {
    std::uint16_t code = 1006; ///< of the close frame; 1006 when there was none
    std::string sentence;      ///< for people
};

class LinkHost {
public:
    virtual ~LinkHost() = default;
    virtual void linkOpened() = 0;
    virtual void pinged() = 0; ///< and answered
    virtual void textReceived(std::string_view text) = 0;
    /// Exactly once, unless the owner closed it; the link may be let go with deleteLater() inside the call.
    virtual void linkEnded(const LinkEnd& end) = 0;
};

/// Where a link goes.
struct LinkRoute {
    const Target& target; ///< outlives the link
    std::string request;  ///< path and query
    std::string source;   ///< an address of ours; empty: the system's choice
};

class WebSocketLink : public QObject {
public:
    WebSocketLink(LinkHost& host, LinkRoute route, std::uint32_t seed);
    void open();
    void sendText(std::string_view text);
    /// Says goodbye and lets go at once; linkEnded() is not called.
    void close(std::uint16_t code);
    /// Cuts it without a word; linkEnded() is not called.
    void cut();

private:
    enum class State { Connecting, Upgrading, Open, Ended };

    void sendUpgrade();
    void readAvailable();
    /// False when the answer is not whole yet, or refused (the link has then ended).
    bool readAnswer(std::string_view chunk, std::string_view& rest);
    void readFrames(std::string_view chunk);
    void sendFrame(Opcode opcode, std::string_view payload);
    void end(const LinkEnd& end);
    std::uint32_t nextMask();

    LinkHost& m_host; ///< outlives the link
    LinkRoute m_route;
    std::unique_ptr<QTcpSocket> m_beneath;
    QTcpSocket& m_socket;
    FrameReader m_reader;
    std::string m_answer; ///< HTTP, until it is whole
    std::string m_key;
    std::uint32_t m_mask;
    State m_state = State::Connecting;
};
