// SPDX-License-Identifier: Apache-2.0
// One WebSocket to a node: the HTTP upgrade and messages, over a byte stream. Lighter than QWebSocket by far.
// Main thread.
#pragma once
#include "tests/load/byte_stream.h"
#include "tests/load/frame_codec.h"
#include "tests/load/options.h"
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
    /// Exactly once, unless the owner closed it; the link must outlive the call.
    virtual void linkEnded(const LinkEnd& end) = 0;
};

/// Where a link goes.
struct LinkRoute {
    const Target& target; ///< outlives the link
    std::string request;  ///< path and query
    std::string source;   ///< an address of ours; empty: the system's choice
    Compression compression = Compression::None;
};

class WebSocketLink final : private ByteStream::Host {
public:
    WebSocketLink(LinkHost& host, LinkRoute route, std::uint32_t seed);
    ~WebSocketLink();
    void open();
    /// Whether the server agreed to permessage-deflate.
    bool isCompressed() const { return m_isCompressed; }
    void sendText(std::string_view text);
    /// Holds back what is sent until release(): all of it then leaves in one write.
    void hold();
    void release();
    /// Says goodbye and lets go at once; linkEnded() is not called.
    void close(std::uint16_t code);
    /// Cuts it without a word; linkEnded() is not called.
    void cut();

private:
    enum class State : std::uint8_t { Connecting, Upgrading, Open, Ended };
    struct Greeting; ///< what is needed until the upgrade is answered

    void streamOpened() override;
    void streamReadable() override;
    void streamBroken(std::string sentence) override;
    /// False when the answer is not whole yet, or refused (the link has then ended).
    bool readAnswer(std::string_view chunk, std::string_view& rest);
    void readFrames(std::string_view chunk);
    void sendFrame(Opcode opcode, std::string_view payload);
    void end(const LinkEnd& end);
    std::uint32_t nextMask();

    LinkHost& m_host; ///< outlives the link
    const Target& m_target;
    std::unique_ptr<ByteStream> m_stream;
    std::unique_ptr<Greeting> m_greeting;
    std::unique_ptr<std::string> m_held; ///< while it is held back
    FrameReader m_reader;
    std::uint32_t m_mask;
    State m_state = State::Connecting;
    bool m_isCompressed = false;
};
