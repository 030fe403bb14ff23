// SPDX-License-Identifier: Apache-2.0
// A byte stream over a bare socket that the event dispatcher watches: no QObject, no buffer. Main thread.
#pragma once
#include "server/net/linux/epoll_dispatcher.h"
#include "tests/load/byte_stream.h"

class BareStream final : public ByteStream, private server::EpollDispatcher::Handler {
public:
    /// The dispatcher is that of this thread.
    BareStream(server::EpollDispatcher& dispatcher, Host& host);
    ~BareStream() override;
    void open(const Target& target, const std::string& source) override;
    std::size_t read(char* into, std::size_t most) override;
    void write(std::string_view bytes) override;
    void close() override;

private:
    void ready(server::Ready what) override;
    void writeQueued();
    void broken(int error);

    server::EpollDispatcher& m_dispatcher;
    Host& m_host;
    server::WatchHandle m_watch;
    int m_socket = -1;
    bool m_isOpen = false;
    std::unique_ptr<std::string> m_queued; ///< what the kernel has not taken; rare
};
