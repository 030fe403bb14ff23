// SPDX-License-Identifier: Apache-2.0
#include "tests/load/load_client.h"
#include "tests/load/ledger.h"
#include <QRandomGenerator>
#include <QTimer>
#include <algorithm>

using std::chrono::milliseconds;
using Time = std::chrono::steady_clock;

namespace {

constexpr milliseconds AttemptLimit{20000}; ///< as official clients have it

/// Its own code may be on the stack.
void deleteSoon(std::unique_ptr<WebSocketLink> link) {
    QTimer::singleShot(0, [dying = link.release()] { delete dying; });
}

} // namespace

milliseconds reconnectDelay(int attempt, double random) {
    const double base = std::min(1000.0 * double(1 << std::clamp(attempt, 0, 10)), 5000.0);
    return milliseconds(std::int64_t(std::min(base * (0.5 + random), 5000.0)));
}

LoadClient::LoadClient(LoadClientHost& host, int index, const Options& options, std::string room)
    : m_host(host), m_index(index), m_options(options), m_dialect(loadDialect(options.dialect)),
      m_room(std::move(room)), m_target(std::size_t(index) % options.targets.size()) {}

LoadClient::~LoadClient() = default;

void LoadClient::connectNow() {
    m_state = State::Connecting;
    m_wasHinted = false;
    m_startedAt = m_heardAt = Time::now();
    const Target& target = m_options.targets[m_target];
    m_link = std::make_unique<WebSocketLink>(
        static_cast<LinkHost&>(*this),
        LinkRoute{target, m_dialect.request(target),
                  sourceAddress(target, m_options.firstClient + m_index, m_options.targets.size()),
                  m_options.compression},
        QRandomGenerator::global()->generate());
    m_link->open();
}

void LoadClient::checkDeadlines(Time::time_point now) {
    if (m_state == State::Connecting && now - m_startedAt > AttemptLimit)
        linkEnded({1006, "no answer within 20 s"});
    else if (m_state == State::Joined && m_silenceLimit.count() > 0 && now - m_heardAt > m_silenceLimit)
        linkEnded({1006, "the server fell silent"});
}

void LoadClient::publish(const std::vector<std::string>& data, Echo echo) {
    if (!m_link)
        return;
    static std::string packet;
    if (data.size() > 1)
        m_link->hold();
    for (const auto& each : data) {
        packet.clear();
        m_dialect.appendPublish(packet, m_room, each, echo);
        m_link->sendText(packet);
    }
    m_link->release();
}

void LoadClient::close() {
    if (m_link)
        m_link->close(1000);
    dropLink();
    m_state = State::Evicted;
}

void LoadClient::cut(Backoff backoff) {
    if (m_link) {
        m_link->cut();
        deleteSoon(std::move(m_link));
    }
    m_state = State::Away;
    m_backoff = backoff;
    m_attempts = 0;
    waitForNext();
}

void LoadClient::pinged() {
    m_heardAt = Time::now();
    m_host.pingReceived(*this);
}

void LoadClient::textReceived(std::string_view text) {
    m_heardAt = Time::now();
    const Heard heard = m_dialect.hear(text);
    if (heard.silence.count() > 0)
        m_silenceLimit = heard.silence;
    if (!heard.answer.empty())
        m_link->sendText(heard.answer);
    switch (heard.kind) {
    case Heard::Kind::Nothing:
        break;
    case Heard::Kind::Ping:
        m_host.pingReceived(*this);
        break;
    case Heard::Kind::Connected:
        m_ownOrigin = heard.origin;
        connected();
        break;
    case Heard::Kind::Joined:
        if (m_state == State::Connecting)
            joined();
        break;
    case Heard::Kind::Refused:
        if (m_state == State::Connecting)
            linkEnded({1006, "refused: " + std::string(heard.sentence)});
        break;
    case Heard::Kind::Published:
        if (heard.seq > 0)
            m_host.publishAnswered(*this, heard.seq);
        break;
    case Heard::Kind::Hint:
        m_wasHinted = true;
        leave();
        break;
    case Heard::Kind::Evicted:
        evicted();
        break;
    case Heard::Kind::Closed:
        linkEnded({1000, std::string(heard.sentence)});
        break;
    case Heard::Kind::Event:
        m_host.eventReceived(*this, heard);
        break;
    }
}

void LoadClient::connected() {
    if (m_room.empty())
        return joined();
    std::string request;
    m_dialect.appendJoin(request, m_room);
    m_link->sendText(request);
}

void LoadClient::joined() {
    m_state = State::Joined;
    m_attempts = 0;
    m_backoff = Backoff::Yes;
    m_host.clientJoined(*this);
}

void LoadClient::leave() {
    if (m_state != State::Joined)
        return;
    m_state = State::Leaving;
    m_host.clientLeft(*this);
}

void LoadClient::evicted() {
    if (m_state == State::Connecting)
        m_host.clientRefused(*this, "evicted");
    leave();
    m_link->close(1000);
    dropLink();
    m_state = State::Evicted;
}

void LoadClient::linkEnded(const LinkEnd& end) {
    const bool wasConnecting = m_state == State::Connecting;
    leave();
    dropLink();
    const bool isEvicted = end.code == 4410 && !m_wasHinted;
    m_state = isEvicted ? State::Evicted : State::Away;
    m_target = nextTarget();
    waitForNext();
    if (wasConnecting)
        m_host.clientRefused(*this, end.sentence);
    if (!isEvicted)
        m_host.clientAway(*this);
}

void LoadClient::waitForNext() {
    m_dueAt = Time::now();
    if (m_backoff == Backoff::Yes)
        m_dueAt += reconnectDelay(m_attempts++, QRandomGenerator::global()->generateDouble());
}

std::size_t LoadClient::nextTarget() const {
    const std::size_t many = m_options.targets.size();
    const auto others = int(std::max<std::size_t>(many - 1, 1));
    return (m_target + 1 + std::size_t(QRandomGenerator::global()->bounded(others))) % many;
}

void LoadClient::dropLink() {
    if (m_link) {
        m_link->close(1000);
        deleteSoon(std::move(m_link));
    }
}
