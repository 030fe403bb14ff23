// SPDX-License-Identifier: Apache-2.0
#include "tests/load/load_client.h"
#include "tests/load/ledger.h"
#include <QRandomGenerator>
#include <algorithm>
#include <charconv>

using std::chrono::milliseconds;
using Time = std::chrono::steady_clock;

namespace {

constexpr milliseconds AttemptLimit{20000}; ///< as official clients have it

std::int64_t numberAfter(std::string_view json, std::string_view key) {
    const auto at = json.find(key);
    std::int64_t value = 0;
    if (at != std::string_view::npos)
        std::from_chars(json.data() + at + key.size(), json.data() + json.size(), value);
    return value;
}

} // namespace

milliseconds reconnectDelay(int attempt, double random) {
    const double base = std::min(1000.0 * double(1 << std::clamp(attempt, 0, 10)), 5000.0);
    return milliseconds(std::int64_t(std::min(base * (0.5 + random), 5000.0)));
}

LoadClient::LoadClient(LoadClientHost& host, int index, const std::vector<Target>& targets, std::string room)
    : m_host(host), m_index(index), m_targets(targets), m_room(std::move(room)),
      m_target(std::size_t(index) % targets.size()) {}

LoadClient::~LoadClient() = default;

void LoadClient::connectNow() {
    m_state = State::Connecting;
    m_wasHinted = false;
    m_startedAt = m_heardAt = Time::now();
    m_link = std::make_unique<WebSocketLink>(static_cast<LinkHost&>(*this), m_targets[m_target],
                                             QRandomGenerator::global()->generate());
    m_link->open();
}

void LoadClient::checkDeadlines(Time::time_point now) {
    if (m_state == State::Connecting && now - m_startedAt > AttemptLimit)
        linkEnded({1006, "no answer within 20 s"});
    else if (m_state == State::Joined && m_silenceLimit.count() > 0 && now - m_heardAt > m_silenceLimit)
        linkEnded({1006, "the server fell silent"});
}

void LoadClient::publish(std::string_view data) {
    sendPublish(data, {});
}

void LoadClient::publishWithEcho(std::string_view data) {
    sendPublish(data, ",{\"echo\":true}");
}

void LoadClient::sendPublish(std::string_view data, std::string_view options) {
    static std::string packet;
    packet.assign("42[\"publish\",\"").append(m_room).append("\",\"load\",");
    packet.append(data).append(options).append("]");
    if (m_link)
        m_link->sendText(packet);
}

void LoadClient::close() {
    if (m_link)
        m_link->close(1000);
    dropLink();
    m_state = State::Evicted;
}

void LoadClient::textReceived(std::string_view text) {
    if (text.empty())
        return;
    m_heardAt = Time::now();
    const std::string_view rest = text.substr(1);
    switch (text.front()) {
    case '0':
        openReceived(rest);
        break;
    case '1':
        linkEnded({1000, "the server closed the session"});
        break;
    case '2':
        m_link->sendText("3");
        break;
    case '4':
        packetReceived(rest);
        break;
    default:
        break;
    }
}

void LoadClient::openReceived(std::string_view json) {
    m_silenceLimit =
        milliseconds(numberAfter(json, "\"pingInterval\":") + numberAfter(json, "\"pingTimeout\":"));
    m_link->sendText("40");
}

void LoadClient::packetReceived(std::string_view packet) {
    if (packet.empty())
        return;
    switch (packet.front()) {
    case '0':
        if (m_room.empty())
            joined();
        else
            m_link->sendText("420[\"join\",\"" + m_room + "\"]");
        break;
    case '1':
        // A DISCONNECT packet: an operator's word. Official clients stay away after it.
        if (m_state == State::Connecting)
            m_host.clientRefused(*this, "evicted");
        leave();
        m_link->close(1000);
        dropLink();
        m_state = State::Evicted;
        break;
    case '2':
        if (packet.starts_with("2[\"weir:reconnect\"")) {
            m_wasHinted = true;
            leave();
        } else {
            m_host.eventReceived(*this, packet);
        }
        break;
    case '3':
        if (packet.starts_with("30[") && m_state == State::Connecting) {
            if (packet.find("\"ok\":true") != std::string_view::npos)
                joined();
            else
                linkEnded({1006, "join refused: " + std::string(packet.substr(2, 200))});
        }
        break;
    case '4':
        linkEnded({1006, "CONNECT refused: " + std::string(packet.substr(1, 200))});
        break;
    default:
        break;
    }
}

void LoadClient::joined() {
    m_state = State::Joined;
    m_attempts = 0;
    m_host.clientJoined(*this);
}

void LoadClient::leave() {
    if (m_state != State::Joined)
        return;
    m_state = State::Leaving;
    m_host.clientLeft(*this);
}

void LoadClient::linkEnded(const LinkEnd& end) {
    const bool wasConnecting = m_state == State::Connecting;
    leave();
    dropLink();
    const bool isEvicted = end.code == 4410 && !m_wasHinted;
    m_state = isEvicted ? State::Evicted : State::Away;
    m_target = (m_target + 1) % m_targets.size();
    m_dueAt = Time::now() + reconnectDelay(m_attempts++, QRandomGenerator::global()->generateDouble());
    if (wasConnecting)
        m_host.clientRefused(*this, end.sentence);
    if (!isEvicted)
        m_host.clientAway(*this);
}

void LoadClient::dropLink() {
    // Its own code may be on the stack.
    if (m_link) {
        auto* link = m_link.release();
        link->close(1000);
        link->deleteLater();
    }
}
