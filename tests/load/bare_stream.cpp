// SPDX-License-Identifier: Apache-2.0
#include "tests/load/bare_stream.h"
#include "tests/load/process_socket.h"

using server::Interest;

BareStream::BareStream(server::EpollDispatcher& dispatcher, Host& host)
    : m_dispatcher(dispatcher), m_host(host) {}

BareStream::~BareStream() {
    close();
}

void BareStream::open(const Target& target, const std::string& source) {
    std::string problem = "the system watches no more sockets";
    const auto socket = bare::connectTo(target.host, target.port, source);
    if (socket) {
        m_socket = *socket;
        m_watch = m_dispatcher.watch(m_socket, Interest::Write, *this);
        if (m_watch.isSet())
            return;
        close();
    } else {
        problem = socket.error().message;
    }
    m_host.streamBroken(std::move(problem));
}

void BareStream::ready(server::Ready what) {
    if (!m_isOpen) {
        if (const int error = bare::connectError(m_socket); error != 0)
            return broken(error);
        m_isOpen = true;
        m_dispatcher.modify(m_watch, Interest::Read);
        return m_host.streamOpened();
    }
    if (what.canWrite)
        writeQueued();
    if (what.canRead && m_socket >= 0)
        m_host.streamReadable(); // may be the end of it: nothing of it is used after this
}

std::size_t BareStream::read(char* into, std::size_t most) {
    if (m_socket < 0)
        return 0;
    const auto moved = bare::read(m_socket, into, most);
    if (moved.isEnded)
        broken(moved.error);
    return moved.bytes;
}

void BareStream::write(std::string_view bytes) {
    if (m_socket < 0)
        return;
    if (m_queued) {
        m_queued->append(bytes);
        return;
    }
    // An error shows when it is read, outside of this call.
    const auto moved = bare::write(m_socket, bytes);
    if (moved.isEnded || moved.bytes == bytes.size())
        return;
    m_queued = std::make_unique<std::string>(bytes.substr(moved.bytes));
    m_dispatcher.modify(m_watch, Interest::ReadWrite);
}

void BareStream::writeQueued() {
    if (!m_queued)
        return;
    const auto moved = bare::write(m_socket, *m_queued);
    m_queued->erase(0, moved.bytes);
    if (!m_queued->empty() && !moved.isEnded)
        return;
    m_queued.reset();
    m_dispatcher.modify(m_watch, Interest::Read);
}

void BareStream::broken(int error) {
    close();
    m_host.streamBroken(error != 0 ? bare::sentence(error) : "the connection was closed");
}

void BareStream::close() {
    if (m_socket < 0)
        return;
    m_dispatcher.unwatch(m_watch);
    bare::close(m_socket);
    m_socket = -1;
}
