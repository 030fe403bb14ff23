// SPDX-License-Identifier: Apache-2.0
// RFC 6455 frames of a server's side, without any I/O: bytes in, messages and control frames out. Shard
// thread.
#pragma once
#include "server/core/frame.h"
#include "shared/close_reasons.h"
#include "shared/types.h"
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace server {

/// §5.2. The numbers between are reserved.
enum class Opcode : std::uint8_t { Continuation = 0, Text = 1, Binary = 2, Close = 8, Ping = 9, Pong = 10 };
/// Whether a message is deflated: bit RSV1 of its first frame (RFC 7692 §6).
enum class Compression : std::uint8_t { None, Deflate };

/// What stands before the payload of a whole, unmasked frame.
class FrameHead {
public:
    static constexpr std::size_t MostBytes = 10;
    FrameHead(Opcode opcode, std::uint64_t payloadBytes, Compression compression = Compression::None);
    std::string_view bytes() const { return {m_bytes.data(), m_size}; }

private:
    std::array<char, MostBytes> m_bytes{};
    std::uint8_t m_size = 2;
};

/// Payload of a close frame (§5.5.1): code and sentence of the row. Empty for reasons that are never sent.
std::string closePayload(shared::CloseReason reason);

/// One peer's side of the conversation, frame by frame. Costs a pointer while nothing is incomplete.
class FrameDecoder {
public:
    struct Limits {
        shared::Bytes message;                       ///< over all its fragments, as they come
        Compression compression = Compression::None; ///< Deflate: RSV1 is allowed
    };
    /// Each is told during feed(); what it is given lives during the call only.
    class Listener {
    public:
        /// A whole message. Text is not checked for UTF-8: it may be deflated.
        virtual void messageReceived(FrameKind kind, std::string_view payload, Compression compression) = 0;
        virtual void pingReceived(std::string_view payload) = 0;
        virtual void pongReceived(std::string_view payload) = 0;
        /// The peer's close frame; what follows it is not read. A code of 1005 when it sent none.
        virtual void closeReceived(std::uint16_t code) = 0;

    protected:
        ~Listener() = default;
    };

    /// Unmasks `bytes` in place. A reason ends the connection: nothing behind the fault is read. `isOpen` is
    /// asked before each frame: the listener may have had enough, and what it did not want is left in
    /// `bytes`.
    template <class IsOpen>
    std::optional<shared::CloseReason> feed(std::span<char>& bytes, const Limits& limits, Listener& listener,
                                            IsOpen isOpen) {
        while (!bytes.empty() && isOpen()) {
            if (const auto fault = step(bytes, limits, listener))
                return fault;
        }
        return std::nullopt;
    }
    /// A frame or message has begun and is not whole.
    bool isWaiting() const { return m_begun != nullptr; }
    /// What is held of it.
    shared::Bytes held() const;

private:
    struct Begun;
    struct Head;
    using Fault = std::optional<shared::CloseReason>;

    Fault step(std::span<char>& bytes, const Limits& limits, Listener& listener);
    Fault judge(const Head& head, const Limits& limits) const;
    Fault take(const Head& head, std::span<char> payload, Listener& listener);
    Fault takeControl(const Head& head, std::string_view payload, Listener& listener) const;
    Begun& begun();
    void forgetWhenEmpty();

    struct Deleter {
        void operator()(Begun* begun) const;
    };
    std::unique_ptr<Begun, Deleter> m_begun;
};

} // namespace server
