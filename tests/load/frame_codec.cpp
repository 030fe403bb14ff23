// SPDX-License-Identifier: Apache-2.0
#include "tests/load/frame_codec.h"
#include <array>
#include <cstring>

using shared::ErrorCode;
using shared::failure;

void appendFrame(std::string& out, Opcode opcode, std::string_view payload, std::uint32_t mask) {
    out.push_back(char(0x80 | std::uint8_t(opcode)));
    const std::size_t size = payload.size();
    if (size < 126) {
        out.push_back(char(0x80 | size));
    } else if (size < 65536) {
        out.push_back(char(0x80 | 126));
        out.push_back(char(size >> 8));
        out.push_back(char(size & 0xff));
    } else {
        out.push_back(char(0x80 | 127));
        for (int shift = 56; shift >= 0; shift -= 8)
            out.push_back(char((std::uint64_t(size) >> shift) & 0xff));
    }
    std::array<char, 4> key{};
    std::memcpy(key.data(), &mask, key.size());
    out.append(key.data(), key.size());
    const std::size_t begin = out.size();
    out.append(payload);
    for (std::size_t i = 0; i < size; ++i)
        out[begin + i] = char(out[begin + i] ^ key[i & 3]);
}

std::string closePayload(std::uint16_t code, std::string_view sentence) {
    std::string payload;
    payload.push_back(char(code >> 8));
    payload.push_back(char(code & 0xff));
    payload.append(sentence.substr(0, 123));
    return payload;
}

std::uint16_t closeCode(std::string_view payload) {
    if (payload.size() < 2)
        return 1005;
    return std::uint16_t(std::uint8_t(payload[0]) << 8 | std::uint8_t(payload[1]));
}

void FrameReader::feed(std::string_view chunk) {
    if (m_kept.empty()) {
        m_chunk = chunk;
        return;
    }
    m_kept.append(chunk);
    m_chunk = m_kept;
}

shared::Result<std::optional<ReceivedFrame>> FrameReader::next() {
    if (m_isWhole) {
        m_message.clear();
        m_isWhole = false;
    }
    for (;;) {
        std::size_t used = 0;
        auto frame = cut(m_chunk, used);
        if (!frame)
            return frame;
        m_chunk.remove_prefix(used);
        if (frame->has_value())
            return frame;
        if (used == 0) {
            keepRest();
            return std::nullopt;
        }
    }
}

void FrameReader::keepRest() {
    if (m_chunk.empty()) {
        m_kept.clear();
        if (m_kept.capacity() > 4096)
            m_kept.shrink_to_fit();
    } else if (m_kept.empty()) {
        m_kept.assign(m_chunk);
    } else {
        m_kept.erase(0, m_kept.size() - m_chunk.size());
    }
    m_chunk = {};
}

shared::Result<std::optional<ReceivedFrame>> FrameReader::cut(std::string_view bytes, std::size_t& used) {
    if (bytes.size() < 2)
        return std::nullopt;
    const std::uint8_t first = std::uint8_t(bytes[0]);
    const std::uint8_t second = std::uint8_t(bytes[1]);
    const Compression compression =
        m_mayCompress && (first & 0x40) != 0 ? Compression::Deflate : Compression::None;
    if ((first & (compression == Compression::Deflate ? 0x30 : 0x70)) != 0)
        return failure(ErrorCode::BadRequest, "a frame with a reserved bit");
    if ((second & 0x80) != 0)
        return failure(ErrorCode::BadRequest, "a masked frame from a server");
    std::uint64_t size = second & 0x7f;
    std::size_t head = 2;
    if (size >= 126) {
        const std::size_t bytesOfSize = size == 126 ? 2 : 8;
        head += bytesOfSize;
        if (bytes.size() < head)
            return std::nullopt;
        size = 0;
        for (std::size_t i = 2; i < head; ++i)
            size = size << 8 | std::uint8_t(bytes[i]);
    }
    if (size > MostBytes || m_message.size() + size > MostBytes)
        return failure(ErrorCode::TooLarge, "a message of more than 16 MiB");
    if (bytes.size() - head < size)
        return std::nullopt;
    const std::string_view payload = bytes.substr(head, std::size_t(size));
    const bool isFinal = (first & 0x80) != 0;
    const Opcode opcode = Opcode(first & 0x0f);
    used = head + std::size_t(size);
    if (compression == Compression::Deflate && opcode != Opcode::Text && opcode != Opcode::Binary)
        return failure(ErrorCode::BadRequest, "a reserved bit where no message begins");
    switch (opcode) {
    case Opcode::Close:
    case Opcode::Ping:
    case Opcode::Pong:
        if (!isFinal || size > 125)
            return failure(ErrorCode::BadRequest, "a control frame that is cut or too long");
        return ReceivedFrame{opcode, payload};
    case Opcode::Text:
    case Opcode::Binary:
        if (m_opcode)
            return failure(ErrorCode::BadRequest, "a new message inside a fragmented one");
        if (isFinal)
            return ReceivedFrame{opcode, payload, compression};
        m_opcode = opcode;
        m_compression = compression;
        m_message.assign(payload);
        return std::nullopt;
    case Opcode::Continuation: {
        if (!m_opcode)
            return failure(ErrorCode::BadRequest, "a continuation of nothing");
        m_message.append(payload);
        if (!isFinal)
            return std::nullopt;
        const Opcode whole = *m_opcode;
        m_opcode.reset();
        m_isWhole = true;
        return ReceivedFrame{whole, m_message, m_compression};
    }
    }
    return failure(ErrorCode::BadRequest, "an unknown opcode");
}
