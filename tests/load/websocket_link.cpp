// SPDX-License-Identifier: Apache-2.0
#include "tests/load/websocket_link.h"
#include <QByteArray>
#include <QCryptographicHash>
#include <QHostAddress>
#include <QNetworkProxy>
#include <QSslSocket>
#include <QtEndian>
#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>

namespace {

constexpr std::size_t MostAnswerBytes = 16384;

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

WebSocketLink::WebSocketLink(LinkHost& host, LinkRoute route, std::uint32_t seed)
    : m_host(host), m_route(std::move(route)),
      m_beneath(m_route.target.tls ? std::make_unique<QSslSocket>() : std::make_unique<QTcpSocket>()),
      m_socket(*m_beneath), m_mask(seed | 1) {
    m_socket.setProxy(QNetworkProxy::NoProxy); // nothing between us and what is measured
    if (auto* const tls = qobject_cast<QSslSocket*>(&m_socket))
        connect(tls, &QSslSocket::encrypted, this, [this] { sendUpgrade(); });
    else
        connect(&m_socket, &QTcpSocket::connected, this, [this] { sendUpgrade(); });
    connect(&m_socket, &QTcpSocket::readyRead, this, [this] { readAvailable(); });
    connect(&m_socket, &QTcpSocket::errorOccurred, this, [this](QAbstractSocket::SocketError) {
        end({1006, m_socket.errorString().toStdString()});
    });
    connect(&m_socket, &QTcpSocket::disconnected, this, [this] { end({1006, "the connection was closed"}); });
}

void WebSocketLink::open() {
    if (!m_route.source.empty())
        m_socket.bind(QHostAddress(QString::fromStdString(m_route.source)));
    if (auto* const tls = qobject_cast<QSslSocket*>(&m_socket)) {
        tls->setSslConfiguration(*m_route.target.tls);
        tls->connectToHostEncrypted(QString::fromStdString(m_route.target.host), m_route.target.port);
        return;
    }
    // Unbuffered: thousands of these live in one process, and a frame is written in one call.
    m_socket.connectToHost(QString::fromStdString(m_route.target.host), m_route.target.port,
                           QIODevice::ReadWrite | QIODevice::Unbuffered);
}

void WebSocketLink::sendText(std::string_view text) {
    if (m_state == State::Open)
        sendFrame(Opcode::Text, text);
}

void WebSocketLink::close(std::uint16_t code) {
    if (m_state == State::Open)
        sendFrame(Opcode::Close, closePayload(code, {}));
    m_state = State::Ended;
    m_socket.disconnect(this);
    m_socket.disconnectFromHost();
}

void WebSocketLink::cut() {
    m_state = State::Ended;
    m_socket.disconnect(this);
    m_socket.abort();
}

void WebSocketLink::sendUpgrade() {
    m_state = State::Upgrading;
    m_socket.setSocketOption(QAbstractSocket::LowDelayOption, 1);
    std::array<std::uint32_t, 4> nonce{};
    for (auto& word : nonce)
        word = nextMask();
    m_key = QByteArray(reinterpret_cast<const char*>(nonce.data()), sizeof nonce).toBase64().toStdString();
    const bool isV6 = m_route.target.host.find(':') != std::string::npos;
    const std::string host = (isV6 ? "[" + m_route.target.host + "]" : m_route.target.host) + ":" +
                             std::to_string(m_route.target.port);
    const std::string head = "GET " + m_route.request +
                             " HTTP/1.1\r\n"
                             "Host: " +
                             host +
                             "\r\n"
                             "Connection: Upgrade\r\n"
                             "Upgrade: websocket\r\n"
                             "Sec-WebSocket-Version: 13\r\n"
                             "Sec-WebSocket-Key: " +
                             m_key +
                             "\r\n"
                             "User-Agent: weir-load\r\n\r\n";
    m_socket.write(head.data(), qint64(head.size()));
    m_route.request = std::string();
}

void WebSocketLink::readAvailable() {
    // One buffer for all links: nothing in it outlives this call.
    static std::array<char, 65536> buffer;
    // What TLS has decrypted is told once, so all of it is read.
    const bool readsAll = m_route.target.tls.has_value();
    for (int reads = 0; (readsAll || reads < 4) && m_state != State::Ended; ++reads) {
        const qint64 got = m_socket.read(buffer.data(), qint64(buffer.size()));
        if (got < 0)
            return end({1006, m_socket.errorString().toStdString()});
        if (got == 0)
            return;
        std::string_view chunk(buffer.data(), std::size_t(got));
        if (m_state == State::Upgrading && !readAnswer(chunk, chunk))
            continue;
        if (m_state == State::Open)
            readFrames(chunk);
        if (std::size_t(got) < buffer.size())
            return;
    }
}

bool WebSocketLink::readAnswer(std::string_view chunk, std::string_view& rest) {
    const std::size_t before = m_answer.size();
    m_answer.append(chunk);
    const auto end = m_answer.find("\r\n\r\n");
    if (end == std::string::npos) {
        if (m_answer.size() > MostAnswerBytes)
            this->end({1006, "an endless HTTP answer"});
        return false;
    }
    const std::string_view head = std::string_view(m_answer).substr(0, end + 2);
    if (!head.starts_with("HTTP/1.1 101")) {
        this->end({1006, std::string(head.substr(0, head.find("\r\n")))});
        return false;
    }
    const auto accept = head.find(acceptKey(m_key));
    if (accept == std::string_view::npos || !containsIgnoringCase(head, "\r\nsec-websocket-accept:")) {
        this->end({1006, "the upgrade was answered with a wrong key"});
        return false;
    }
    rest = chunk.substr(end + 4 - before);
    m_answer = std::string();
    m_key = std::string();
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
            m_host.textReceived(received.payload);
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
    static std::string frame;
    frame.clear();
    appendFrame(frame, opcode, payload, nextMask());
    m_socket.write(frame.data(), qint64(frame.size()));
}

void WebSocketLink::end(const LinkEnd& end) {
    if (m_state == State::Ended)
        return;
    m_state = State::Ended;
    m_socket.disconnect(this);
    if (m_socket.state() == QAbstractSocket::ConnectedState)
        m_socket.disconnectFromHost();
    m_host.linkEnded(end);
}

std::uint32_t WebSocketLink::nextMask() {
    m_mask ^= m_mask << 13;
    m_mask ^= m_mask >> 17;
    m_mask ^= m_mask << 5;
    return m_mask;
}
