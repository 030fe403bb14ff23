// SPDX-License-Identifier: Apache-2.0
#include "server/net/websocket_codec.h"
#include <QtCore/QStringDecoder>
#include <algorithm>
#include <cstring>

namespace server {

using shared::CloseReason;

namespace {

constexpr unsigned Final = 0x80, Rsv1 = 0x40, ReservedBits = 0x30, OpcodeBits = 0x0F, Masked = 0x80;
constexpr std::size_t MostControlBytes = 125;
constexpr std::uint16_t NoCode = 1005;

unsigned byteAt(std::string_view bytes, std::size_t at) {
    return static_cast<unsigned char>(bytes[at]);
}

std::uint64_t bigEndian(std::string_view bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i)
        value = value << 8 | byteAt(bytes, i);
    return value;
}

/// §5.3, eight bytes at a time.
void unmask(std::span<char> payload, std::uint32_t keyInMemory) {
    std::uint64_t key = keyInMemory;
    key |= key << 32;
    std::size_t at = 0;
    for (; at + sizeof key <= payload.size(); at += sizeof key) {
        std::uint64_t word = 0;
        std::memcpy(&word, payload.data() + at, sizeof word);
        word ^= key;
        std::memcpy(payload.data() + at, &word, sizeof word);
    }
    std::array<char, sizeof key> rest{};
    std::memcpy(rest.data(), &key, sizeof key);
    for (std::size_t i = 0; at + i < payload.size(); ++i)
        payload[at + i] = char(payload[at + i] ^ rest[i]);
}

/// §7.4. Those that a peer may not send are 1004, 1005, 1006 and 1015, and all that nobody has defined.
bool maySend(std::uint16_t code) {
    return (code >= 1000 && code <= 1014 && code != 1004 && code != NoCode && code != 1006) ||
           (code >= 3000 && code <= 4999);
}

/// For the short reason of a close frame.
bool isUtf8(std::string_view text) {
    QStringDecoder decoder(QStringDecoder::Utf8, QStringDecoder::Flag::Stateless);
    const QString decoded = decoder(QByteArrayView(text.data(), qsizetype(text.size())));
    return !decoder.hasError();
}

} // namespace

FrameHead::FrameHead(Opcode opcode, std::uint64_t payloadBytes, Compression compression) {
    const auto put = [this](std::size_t at, std::uint64_t value) {
        m_bytes[at] = char(static_cast<unsigned char>(value & 0xFF));
    };
    put(0, Final | (compression == Compression::Deflate ? Rsv1 : 0U) | unsigned(opcode));
    const auto extended = [&](std::uint64_t mark, std::size_t size) {
        put(1, mark);
        for (std::size_t i = 0; i < size; ++i)
            put(2 + i, payloadBytes >> (8 * (size - 1 - i)));
        m_size = std::uint8_t(2 + size);
    };
    if (payloadBytes < 126)
        put(1, payloadBytes);
    else if (payloadBytes < 65536)
        extended(126, 2);
    else
        extended(127, 8);
}

std::string closePayload(CloseReason reason) {
    const auto& row = shared::row(reason);
    std::string payload;
    if (maySend(row.code)) {
        payload = {char(static_cast<unsigned char>(row.code >> 8)),
                   char(static_cast<unsigned char>(row.code & 0xFF))};
        payload.append(row.sentence);
    }
    return payload;
}

/// Where a frame lies in the bytes at hand.
struct FrameDecoder::Head {
    /// Null while `bytes` does not hold all of the head.
    static std::optional<Head> of(std::string_view bytes) {
        if (bytes.size() < 2)
            return std::nullopt;
        const unsigned mark = byteAt(bytes, 1) & 0x7F;
        const std::size_t extended = mark == 127 ? 8 : mark == 126 ? 2 : 0;
        Head head;
        head.first = byteAt(bytes, 0);
        head.isMasked = (byteAt(bytes, 1) & Masked) != 0;
        head.size = 2 + extended + (head.isMasked ? 4 : 0);
        if (bytes.size() < head.size)
            return std::nullopt;
        head.payload = extended == 0 ? mark : bigEndian(bytes.substr(2, extended));
        head.isShortest = extended == 0 || (extended == 2 ? head.payload >= 126 : head.payload >= 65536);
        if (head.isMasked)
            std::memcpy(&head.key, bytes.data() + head.size - 4, 4);
        return head;
    }
    unsigned opcode() const { return first & OpcodeBits; }
    bool isControl() const { return opcode() >= 8; }
    bool isFinal() const { return (first & Final) != 0; }
    Compression compression() const { return (first & Rsv1) != 0 ? Compression::Deflate : Compression::None; }

    unsigned first = 0;
    bool isMasked = false, isShortest = true;
    std::size_t size = 0;
    std::uint64_t payload = 0;
    std::uint32_t key = 0;
};

/// What has begun: a frame of which not all bytes are there, a message of which not all fragments are.
struct FrameDecoder::Begun {
    std::string frame; ///< from its first byte on; empty: none
    std::string message;
    FrameKind kind = FrameKind::Text;
    Compression compression = Compression::None;
    bool isMessage = false;
};

void FrameDecoder::Deleter::operator()(Begun* begun) const {
    delete begun;
}

FrameDecoder::Begun& FrameDecoder::begun() {
    if (!m_begun)
        m_begun.reset(new Begun);
    return *m_begun;
}

void FrameDecoder::forgetWhenEmpty() {
    if (m_begun && m_begun->frame.empty() && !m_begun->isMessage)
        m_begun.reset();
}

shared::Bytes FrameDecoder::held() const {
    return m_begun ? shared::Bytes(m_begun->frame.capacity() + m_begun->message.capacity()) : shared::Bytes();
}

/// Takes one frame off the front of `bytes`, or all of them when they end before it does.
FrameDecoder::Fault FrameDecoder::step(std::span<char>& bytes, const Limits& limits, Listener& listener) {
    const bool isGoingOn = m_begun && !m_begun->frame.empty();
    if (isGoingOn && !Head::of(m_begun->frame)) { // the head first, byte by byte: at most 13 of them
        m_begun->frame.push_back(bytes.front());
        bytes = bytes.subspan(1);
        const auto head = Head::of(m_begun->frame);
        if (!head)
            return std::nullopt;
        if (const auto fault = judge(*head, limits))
            return fault;
        if (head->payload > 0)
            return std::nullopt;
        m_begun->frame.clear();
        return take(*head, {}, listener);
    }
    if (isGoingOn) {
        std::string& frame = m_begun->frame;
        const auto head = *Head::of(frame);
        const std::size_t missing = head.size + std::size_t(head.payload) - frame.size();
        const std::size_t taken = std::min(missing, bytes.size());
        frame.append(bytes.data(), taken);
        bytes = bytes.subspan(taken);
        if (taken < missing)
            return std::nullopt;
        std::string whole = std::move(frame);
        frame.clear();
        return take(head, std::span<char>(whole).subspan(head.size), listener);
    }
    const auto head = Head::of({bytes.data(), bytes.size()});
    if (head) {
        if (const auto fault = judge(*head, limits))
            return fault;
    }
    if (!head || bytes.size() - head->size < head->payload) {
        // What a head claims is allocated only as it comes.
        begun().frame.assign(bytes.data(), bytes.size());
        bytes = {};
        return std::nullopt;
    }
    const auto payload = bytes.subspan(head->size, std::size_t(head->payload));
    bytes = bytes.subspan(head->size + std::size_t(head->payload));
    return take(*head, payload, listener);
}

/// What can be said against a frame before its payload is there.
FrameDecoder::Fault FrameDecoder::judge(const Head& head, const Limits& limits) const {
    if ((head.first & ReservedBits) != 0 || !head.isMasked || !head.isShortest)
        return CloseReason::ProtocolError; // §5.2
    if ((head.opcode() & 7U) > 2)
        return CloseReason::ProtocolError; // §5.2: reserved
    const bool isInMessage = m_begun && m_begun->isMessage;
    switch (Opcode(head.opcode())) {
    case Opcode::Close:
    case Opcode::Ping:
    case Opcode::Pong: // §5.5; RFC 7692 §6.1
        if (!head.isFinal() || head.payload > MostControlBytes || head.compression() != Compression::None)
            return CloseReason::ProtocolError;
        return std::nullopt;
    case Opcode::Continuation: // §5.4
        if (!isInMessage || head.compression() != Compression::None)
            return CloseReason::ProtocolError;
        break;
    case Opcode::Text:
    case Opcode::Binary:
        if (isInMessage)
            return CloseReason::ProtocolError;
        if (head.compression() != Compression::None && limits.compression == Compression::None)
            return CloseReason::ProtocolError;
        break;
    }
    const std::uint64_t before = isInMessage ? m_begun->message.size() : 0;
    if (head.payload > limits.message.count() || before + head.payload > limits.message.count())
        return CloseReason::TooLarge;
    return std::nullopt;
}

FrameDecoder::Fault FrameDecoder::take(const Head& head, std::span<char> payload, Listener& listener) {
    unmask(payload, head.key);
    const std::string_view text(payload.data(), payload.size());
    if (head.isControl()) {
        forgetWhenEmpty();
        return takeControl(head, text, listener);
    }
    const bool isFirst = Opcode(head.opcode()) != Opcode::Continuation;
    const FrameKind kind = Opcode(head.opcode()) == Opcode::Binary ? FrameKind::Binary : FrameKind::Text;
    if (isFirst && head.isFinal()) {
        forgetWhenEmpty();
        listener.messageReceived(kind, text, head.compression());
        return std::nullopt;
    }
    Begun& message = begun();
    if (isFirst) {
        message.isMessage = true;
        message.kind = kind;
        message.compression = head.compression();
    }
    message.message.append(text);
    if (!head.isFinal())
        return std::nullopt;
    message.isMessage = false;
    const std::string whole = std::move(message.message);
    const auto [wholeKind, compression] = std::pair(message.kind, message.compression);
    message.message.clear();
    forgetWhenEmpty();
    listener.messageReceived(wholeKind, whole, compression);
    return std::nullopt;
}

FrameDecoder::Fault FrameDecoder::takeControl(const Head& head, std::string_view payload,
                                              Listener& listener) const {
    switch (Opcode(head.opcode())) {
    case Opcode::Ping:
        listener.pingReceived(payload);
        return std::nullopt;
    case Opcode::Pong:
        listener.pongReceived(payload);
        return std::nullopt;
    case Opcode::Close:
    case Opcode::Continuation:
    case Opcode::Text:
    case Opcode::Binary:
        break;
    }
    // §5.5.1
    if (payload.empty()) {
        listener.closeReceived(NoCode);
        return std::nullopt;
    }
    if (payload.size() == 1)
        return CloseReason::ProtocolError;
    const auto code = std::uint16_t(bigEndian(payload.substr(0, 2)));
    if (!maySend(code))
        return CloseReason::ProtocolError;
    if (!isUtf8(payload.substr(2)))
        return CloseReason::BadUtf8;
    listener.closeReceived(code);
    return std::nullopt;
}

} // namespace server
