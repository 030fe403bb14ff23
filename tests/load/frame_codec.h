// SPDX-License-Identifier: Apache-2.0
// The client's half of RFC 6455 frames: masked ones out, unmasked ones in. Pure: no socket, any thread.
#pragma once
#include "shared/result.h"
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

enum class Opcode : std::uint8_t { Continuation = 0, Text = 1, Binary = 2, Close = 8, Ping = 9, Pong = 10 };

/// Whether a message is deflated: bit RSV1 of its first frame (RFC 7692 §6).
enum class Compression : std::uint8_t { None, Deflate };

/// Appends one final frame, masked with `mask`.
void appendFrame(std::string& out, Opcode opcode, std::string_view payload, std::uint32_t mask);
/// The payload of a close frame: code and sentence.
std::string closePayload(std::uint16_t code, std::string_view sentence);
/// The code of a received close frame; 1005 when it has none.
std::uint16_t closeCode(std::string_view payload);

/// A whole message or a control frame. `payload` lives until the next call of the reader.
struct ReceivedFrame {
    Opcode opcode = Opcode::Text;
    std::string_view payload;
    Compression compression = Compression::None;
};

/// Cuts a stream of bytes into messages. Whole frames are read in place; only the rest is kept.
class FrameReader {
public:
    /// What a server may hold open at most: a message or the rest of a frame.
    static constexpr std::size_t MostBytes = 16u << 20;

    /// From now on messages may be deflated; they are given out as they are.
    void allowCompression() { m_mayCompress = true; }
    /// Gives the reader a chunk, which must live until next() has said that nothing is left.
    void feed(std::string_view chunk);
    /// The next frame; nothing when more bytes are needed (the rest is then kept by the reader).
    shared::Result<std::optional<ReceivedFrame>> next();

private:
    shared::Result<std::optional<ReceivedFrame>> cut(std::string_view bytes, std::size_t& used);
    void keepRest();

    std::string_view m_chunk;                      ///< what is unread, in the caller's memory or in m_kept
    std::string m_kept;                            ///< the beginning of a frame that came in parts
    std::string m_message;                         ///< fragments so far
    std::optional<Opcode> m_opcode;                ///< of the fragmented message under way
    Compression m_compression = Compression::None; ///< of that message
    bool m_mayCompress = false;
    bool m_isWhole = false; ///< m_message was given out by the last call
};
