// SPDX-License-Identifier: Apache-2.0
#include "server/net/acceptor.h"
#include "server/http/http.h"
#include "server/net/raw_socket.h"
#include <QRandomGenerator>
#include <QTimer>
#include <charconv>

namespace server {

using shared::ErrorKind;
using shared::HandshakeResult;
using shared::Metric;

namespace {

constexpr int Pause_ms = 100;

struct Address {
    std::string host; ///< without brackets
    std::uint16_t port = 0;
};

shared::Result<Address> parsed(const std::string& text) {
    if (text.starts_with(UnixAddress))
        return Address{text, 0};
    const auto colon = text.rfind(':');
    const auto wrong = [&] {
        return shared::failure(shared::ErrorCode::Configuration,
                               "cannot listen on '" + text +
                                   "': HOST:PORT, [V6]:PORT or unix:PATH is needed");
    };
    if (colon == std::string::npos || colon + 1 == text.size())
        return wrong();
    Address address{text.substr(0, colon), 0};
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, address.port);
    if (error != std::errc() || stop != end)
        return wrong();
    if (address.host.size() > 2 && address.host.front() == '[' && address.host.back() == ']')
        address.host = address.host.substr(1, address.host.size() - 2);
    else if (address.host.find(':') != std::string::npos)
        return wrong();
    return address;
}

} // namespace

struct Acceptor::Inner {
    struct Door {
        std::string address; ///< as bound
        std::unique_ptr<Listener> listener;
    };
    Inner(Receive r, Counters& c) : receive(std::move(r)), counters(c) {
        pause.setSingleShot(true);
        pause.setInterval(Pause_ms);
        QObject::connect(&pause, &QTimer::timeout, &pause, [this] {
            for (const auto& door : doors)
                door.listener->resume();
        });
    }

    void arrived(Arrived newcomer) {
        const Descriptor socket = newcomer.descriptor;
        if (receive(std::move(newcomer)))
            return;
        counters.add(Metric::HandshakesTotal, HandshakeResult::Full);
        refuseSocket(socket, httpUnavailable(QRandomGenerator::global()->generate()));
    }

    /// Accepting at once again would only spin: descriptors come back when clients leave.
    void failed(Listener::Problem problem) {
        counters.add(Metric::ErrorsTotal, ErrorKind::AcceptFailed);
        if (problem == Listener::Problem::NoDescriptors)
            counters.add(Metric::HandshakesTotal, HandshakeResult::NoDescriptors);
        for (const auto& door : doors)
            door.listener->pause();
        pause.start();
    }

    Receive receive;
    Counters& counters;
    std::vector<Door> doors;
    QTimer pause;
};

Acceptor::Acceptor(Receive receive, Counters& counters)
    : m_inner(std::make_unique<Inner>(std::move(receive), counters)) {}
Acceptor::~Acceptor() = default;

shared::Result<void> Acceptor::listen(const std::string& address) {
    const auto where = parsed(address);
    if (!where)
        return tl::unexpected(where.error());
    Inner& inner = *m_inner;
    auto opened = Listener::open(where->host, where->port,
                                 Listener::Events{
                                     [&inner](Arrived newcomer) { inner.arrived(std::move(newcomer)); },
                                     [&inner](Listener::Problem problem) { inner.failed(problem); },
                                     [] { return httpUnavailable(QRandomGenerator::global()->generate()); },
                                 });
    if (!opened)
        return shared::failure(opened.error().code,
                               "cannot listen on " + address + ": " + opened.error().message);
    if (address.starts_with(UnixAddress)) {
        inner.doors.push_back({address, std::move(*opened)});
        return {};
    }
    const bool isV6 = where->host.find(':') != std::string::npos;
    inner.doors.push_back(
        {(isV6 ? '[' + where->host + ']' : where->host) + ':' + std::to_string((*opened)->port()),
         std::move(*opened)});
    return {};
}

std::vector<std::string> Acceptor::addresses() const {
    std::vector<std::string> all;
    for (const auto& door : m_inner->doors)
        all.push_back(door.address);
    return all;
}

void Acceptor::stop() {
    m_inner->pause.stop();
    m_inner->doors.clear();
}

} // namespace server
