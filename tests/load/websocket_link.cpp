// SPDX-License-Identifier: Apache-2.0
#include "tests/load/websocket_link.h"
#include "server/net/deflate.h"
#include <QByteArray>
#include <QCryptographicHash>
#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>

namespace {

constexpr std::size_t MostAnswerBytes = 16384;
constexpr shared::Bytes MostMessage{FrameReader::MostBytes};

/// Each message stands for itself, so one inflater serves all links, and a thousand clients cost no more than
/// one.
std::string_view extensions(Compression compression) {
    return compression == Compression::None ? std::string_view()
                                            : "Sec-WebSocket-Extensions: permessage-deflate; "
                                              "server_no_context_takeover; client_no_context_takeover\r\n";
}

server::Inflater& inflater() {
    static server::Inflater one(15, server::ContextTakeover::No);
    return one;
}

std::string acceptKey(const std::string& key) {
    const QByteArray text = QByteArray::fromStdString(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    return QCryptographicHash::hash(text, QCryptographicHash::Sha1).toBase64().toStdString();
}

bool containsIgnoringCase(std::string_view text, std::string_view part) {
    return std::search(text.begin(), text.end(), part.begin(), part.end(), [](char a, char b) {
               return std::tolower(static_cast<unsigned char>(a)) ==
                      std::tolower(static_cast<unsigned char>(b));
           }) != text.end();
}

} // namespace

struct WebSocketLink::Greeting {
    std::string request, source, key, answer;
    Compression compression = Compression::None;
};

WebSocketLink::WebSocketLink(LinkHost& host, LinkRoute route, std::uint32_t seed)
    : m_host(host), m_target(route.target),
      m_stream(ByteStream::make(m_target, static_cast<ByteStream::Host&>(*this))),
      m_greeting(std::make_unique<Greeting>()), m_mask(seed | 1) {
    m_greeting->request = std::move(route.request);
    m_greeting->source = std::move(route.source);
    m_greeting->compression = route.compression;
}

WebSocketLink::~WebSocketLink() = default;

void WebSocketLink::open() {
    m_stream->open(m_target, m_greeting->source);
}

void WebSocketLink::sendText(std::string_view text) {
    if (m_state == State::Open)
        sendFrame(Opcode::Text, text);
}

void WebSocketLink::hold() {
    m_held = std::make_unique<std::string>();
}

void WebSocketLink::release() {
    if (const auto held = std::move(m_held); held && m_state == State::Open)
        m_stream->write(*held);
}

void WebSocketLink::close(std::uint16_t code) {
    if (m_state == State::Open)
        sendFrame(Opcode::Close, closePayload(code, {}));
    cut();
}

void WebSocketLink::cut() {
    m_state = State::Ended;
    m_stream->close();
}

void WebSocketLink::streamOpened() {
    m_state = State::Upgrading;
    std::array<std::uint32_t, 4> nonce{};
    for (auto& word : nonce)
        word = nextMask();
    m_greeting->key =
        QByteArray(reinterpret_cast<const char*>(nonce.data()), sizeof nonce).toBase64().toStdString();
    const bool isV6 = m_target.host.find(':') != std::string::npos;
    const std::string host =
        (isV6 ? "[" + m_target.host + "]" : m_target.host) + ":" + std::to_string(m_target.port);
    const std::string head = "GET " + m_greeting->request +
                             " HTTP/1.1\r\n"
                             "Host: " +
                             host +
                             "\r\n"
                             "Connection: Upgrade\r\n"
                             "Upgrade: websocket\r\n"
                             "Sec-WebSocket-Version: 13\r\n"
                             "Sec-WebSocket-Key: " +
                             m_greeting->key + "\r\n" + std::string(extensions(m_greeting->compression)) +
                             "User-Agent: weir-load\r\n\r\n";
    m_stream->write(head);
}

void WebSocketLink::streamReadable() {
    // One buffer for all links: nothing in it outlives this call.
    static std::array<char, 65536> buffer;
    // What TLS has decrypted is told once, so all of it is read.
    const bool readsAll = m_target.tls.has_value();
    for (int reads = 0; (readsAll || reads < 4) && m_state != State::Ended; ++reads) {
        const std::size_t got = m_stream->read(buffer.data(), buffer.size());
        if (got == 0)
            return;
        std::string_view chunk(buffer.data(), got);
        if (m_state == State::Upgrading && !readAnswer(chunk, chunk))
            continue;
        if (m_state == State::Open)
            readFrames(chunk);
        if (got < buffer.size())
            return;
    }
}

void WebSocketLink::streamBroken(std::string sentence) {
    end({1006, std::move(sentence)});
}

bool WebSocketLink::readAnswer(std::string_view chunk, std::string_view& rest) {
    std::string& answer = m_greeting->answer;
    const std::size_t before = answer.size();
    answer.append(chunk);
    const auto end = answer.find("\r\n\r\n");
    if (end == std::string::npos) {
        if (answer.size() > MostAnswerBytes)
            this->end({1006, "an endless HTTP answer"});
        return false;
    }
    const std::string_view head = std::string_view(answer).substr(0, end + 2);
    if (!head.starts_with("HTTP/1.1 101")) {
        this->end({1006, std::string(head.substr(0, head.find("\r\n")))});
        return false;
    }
    const auto accept = head.find(acceptKey(m_greeting->key));
    if (accept == std::string_view::npos || !containsIgnoringCase(head, "\r\nsec-websocket-accept:")) {
        this->end({1006, "the upgrade was answered with a wrong key"});
        return false;
    }
    if (containsIgnoringCase(head, "permessage-deflate")) {
        m_isCompressed = true;
        m_reader.allowCompression();
    }
    rest = chunk.substr(end + 4 - before);
    m_greeting.reset();
    m_state = State::Open;
    m_host.linkOpened();
    return true;
}

void WebSocketLink::readFrames(std::string_view chunk) {
    m_reader.feed(chunk);
    while (m_state == State::Open) {
        const auto frame = m_reader.next();
        if (!frame)
            return end({1002, frame.error().message});
        if (!frame->has_value())
            return;
        const ReceivedFrame& received = **frame;
        switch (received.opcode) {
        case Opcode::Text:
            if (received.compression == Compression::None) {
                m_host.textReceived(received.payload);
            } else if (const auto text = inflater().inflated(received.payload, MostMessage)) {
                m_host.textReceived(*text);
            } else {
                return end({1002, "a message that cannot be inflated"});
            }
            break;
        case Opcode::Ping:
            sendFrame(Opcode::Pong, received.payload);
            m_host.pinged();
            break;
        case Opcode::Close: {
            const std::uint16_t code = closeCode(received.payload);
            sendFrame(Opcode::Close, received.payload);
            return end({code, received.payload.size() > 2 ? std::string(received.payload.substr(2)) : ""});
        }
        case Opcode::Binary:
        case Opcode::Pong:
        case Opcode::Continuation:
            break;
        }
    }
}

void WebSocketLink::sendFrame(Opcode opcode, std::string_view payload) {
    if (m_held) {
        appendFrame(*m_held, opcode, payload, nextMask());
        return;
    }
    static std::string frame;
    frame.clear();
    appendFrame(frame, opcode, payload, nextMask());
    m_stream->write(frame);
}

void WebSocketLink::end(const LinkEnd& end) {
    if (m_state == State::Ended)
        return;
    cut();
    m_host.linkEnded(end);
}

std::uint32_t WebSocketLink::nextMask() {
    m_mask ^= m_mask << 13;
    m_mask ^= m_mask >> 17;
    m_mask ^= m_mask << 5;
    return m_mask;
}
