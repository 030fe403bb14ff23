// SPDX-License-Identifier: Apache-2.0
#include "server/net/raw_socket.h"
#include "server/net/front_socket.h"
#include "server/net/linux/epoll_dispatcher.h"
#include <QSocketNotifier>
#include <arpa/inet.h>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

namespace server {

namespace {

constexpr int Backlog = 4096;
constexpr int AcceptsPerTurn = 64;
constexpr unsigned UserTimeout_ms = 20000;
/// Beyond what is on its way the kernel takes so much: more would hide that a client does not read.
constexpr int MostUnsent = 16384;
constexpr std::size_t LongAnswer = 2048;

void setOption(int socket, int level, int name, int value) {
    // A socket that does not know an option works without it.
    (void)::setsockopt(socket, level, name, &value, sizeof value);
}

/// Tells when a descriptor can be read: through our dispatcher without a QObject, through a notifier on
/// others.
class Watch final : private EpollDispatcher::Handler {
public:
    Watch(int descriptor, std::function<void()> readable) : m_readable(std::move(readable)) {
        m_dispatcher = qobject_cast<EpollDispatcher*>(QAbstractEventDispatcher::instance());
        if (m_dispatcher != nullptr) {
            m_handle = m_dispatcher->watch(descriptor, Interest::Read, *this);
            return;
        }
        m_notifier = new QSocketNotifier(descriptor, QSocketNotifier::Read);
        QObject::connect(m_notifier, &QSocketNotifier::activated, m_notifier, [this] { tell(); });
    }
    ~Watch() {
        if (m_dispatcher != nullptr && m_handle.isSet())
            m_dispatcher->unwatch(m_handle);
        if (m_notifier != nullptr) {
            m_notifier->setEnabled(false);
            m_notifier->deleteLater(); // it may be what calls us
        }
    }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    bool isWatching() const { return m_handle.isSet() || m_notifier != nullptr; }
    void set(Interest interest) {
        if (m_dispatcher != nullptr && m_handle.isSet())
            m_dispatcher->modify(m_handle, interest);
        if (m_notifier != nullptr)
            m_notifier->setEnabled(interest == Interest::Read);
    }

private:
    void ready(Ready) override { tell(); }
    void tell() {
        const auto readable = m_readable; // the watch may be destroyed in it
        readable();
    }

    std::function<void()> m_readable;
    EpollDispatcher* m_dispatcher = nullptr;
    WatchHandle m_handle;
    QSocketNotifier* m_notifier = nullptr;
};

std::pair<std::string, std::uint16_t> nameOf(const sockaddr_storage& address) {
    char text[INET6_ADDRSTRLEN] = {};
    if (address.ss_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &address, sizeof v4);
        ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
        return {text, ntohs(v4.sin_port)};
    }
    if (address.ss_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &address, sizeof v6);
        ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
        std::string name = text;
        constexpr std::string_view Mapped = "::ffff:"; // a client of IPv4 at [::] is shown as what it is
        if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) && name.starts_with(Mapped))
            name.erase(0, Mapped.size());
        return {std::move(name), ntohs(v6.sin6_port)};
    }
    if (address.ss_family == AF_UNIX)
        return {std::string(UnixPeer), 0}; // its clients have no address
    return {};
}

class LinuxListener final : public Listener {
public:
    /// `path`: of the socket in the file system, which goes with the listener; empty: none.
    LinuxListener(int socket, std::uint16_t port, std::string path, Events events)
        : m_socket(socket), m_port(port), m_path(std::move(path)), m_events(std::move(events)),
          m_watch(socket, [this] { acceptSome(); }) {
        openReserve();
    }
    ~LinuxListener() override {
        if (!m_path.empty())
            ::unlink(m_path.c_str());
        closeSocket(m_socket);
        closeSocket(m_reserve);
    }
    bool isWatching() const { return m_watch.isWatching(); }
    std::uint16_t port() const override { return m_port; }
    void pause() override { m_watch.set(Interest::Nothing); }
    void resume() override {
        if (m_reserve < 0)
            openReserve();
        m_watch.set(Interest::Read);
    }

private:
    void openReserve() { m_reserve = ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

    int acceptOne(sockaddr_storage& address) const {
        socklen_t size = sizeof address;
        return ::accept4(m_socket, reinterpret_cast<sockaddr*>(&address), &size,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
    }

    void acceptSome() {
        for (int i = 0; i < AcceptsPerTurn; ++i) {
            sockaddr_storage address{};
            const int socket = acceptOne(address);
            if (socket >= 0) {
                auto [name, port] = nameOf(address);
                m_events.arrived(Arrived{socket, std::move(name), port});
                continue;
            }
            const int error = errno;
            if (error == EAGAIN || error == EWOULDBLOCK)
                return;
            if (error == EINTR || error == ECONNABORTED || error == EPROTO)
                continue; // that newcomer is gone; there may be others
            if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM) {
                refuseOne();
                return m_events.failed(Problem::NoDescriptors);
            }
            return m_events.failed(Problem::Other);
        }
    }

    /// The reserve makes room for the one newcomer who must be told.
    void refuseOne() {
        if (m_reserve >= 0)
            ::close(m_reserve);
        m_reserve = -1;
        sockaddr_storage address{};
        const int socket = acceptOne(address);
        if (socket >= 0)
            refuseSocket(socket, m_events.lastWord());
        openReserve();
    }

    const int m_socket;
    const std::uint16_t m_port;
    const std::string m_path;
    int m_reserve = -1;
    Events m_events;
    Watch m_watch;
};

class LinuxHeadSocket final : public HeadSocket {
public:
    LinuxHeadSocket(int socket, Host& host) : m_socket(socket) {
        m_watch = std::make_unique<Watch>(socket, [&host] { host.readable(); });
    }
    ~LinuxHeadSocket() override {
        m_watch.reset(); // before the close: a number that is used again must not be watched
        closeSocket(m_socket);
    }
    bool isWatching() const { return m_watch->isWatching(); }
    Read read(char* into, std::size_t most) override {
        for (;;) {
            const ssize_t got = ::recv(m_socket, into, most, MSG_DONTWAIT);
            if (got > 0)
                return {ReadState::Some, std::size_t(got)};
            if (got < 0 && errno == EINTR)
                continue;
            const bool isEmpty = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
            return {isEmpty ? ReadState::Nothing : ReadState::Ended, 0};
        }
    }
    void write(std::string_view bytes) override {
        if (bytes.size() > LongAnswer) { // a page may be more than a client's share
            setOption(m_socket, SOL_SOCKET, SO_SNDBUF, int(bytes.size()) * 4);
            setOption(m_socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, int(bytes.size()) * 4);
        }
        (void)!::send(m_socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    void shutdownWrite() override { (void)::shutdown(m_socket, SHUT_WR); }
    std::string peerAddress() const override { return {}; }
    FrontSocket* toFront(std::string&) override {
        m_watch.reset();
        return FrontSocket::plain(std::exchange(m_socket, -1));
    }

private:
    int m_socket;
    std::unique_ptr<Watch> m_watch;
};

std::string reason(int error) {
    return std::strerror(error);
}

shared::Result<int> openListening(const addrinfo& where) {
    const int socket = ::socket(where.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket < 0)
        return shared::failure(shared::ErrorCode::Unavailable, reason(errno));
    setOption(socket, SOL_SOCKET, SO_REUSEADDR, 1); // the closer's TIME_WAIT must not keep a restart out
    if (where.ai_family == AF_INET6)
        setOption(socket, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    if (::bind(socket, where.ai_addr, where.ai_addrlen) != 0 || ::listen(socket, Backlog) != 0) {
        const int error = errno;
        ::close(socket);
        return shared::failure(shared::ErrorCode::Unavailable, reason(error));
    }
    return socket;
}

shared::Result<int> openUnix(const std::string& path) {
    const auto failed = [](const std::string& why) {
        return shared::failure(shared::ErrorCode::Unavailable, why);
    };
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof where.sun_path)
        return failed("a path of 1 to " + std::to_string(sizeof where.sun_path - 1) + " bytes is needed");
    std::memcpy(where.sun_path, path.data(), path.size());
    const auto* address = reinterpret_cast<const sockaddr*>(&where);
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket < 0)
        return failed(reason(errno));
    // A socket that nobody answers is left from a process that died; anything else is not ours to remove.
    struct stat status {};
    if (::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode) &&
        ::connect(socket, address, sizeof where) != 0 && errno == ECONNREFUSED)
        ::unlink(path.c_str());
    if (::bind(socket, address, sizeof where) != 0 || ::listen(socket, Backlog) != 0) {
        const int error = errno;
        ::close(socket);
        return failed(reason(error == EINVAL ? EADDRINUSE : error)); // EINVAL: the look above was answered
    }
    return socket;
}

} // namespace

QAbstractEventDispatcher* makeDispatcher() {
    return new EpollDispatcher;
}

void ignoreBrokenPipes() {
    ::signal(SIGPIPE, SIG_IGN);
}

void closeSocket(Descriptor socket) {
    if (socket >= 0)
        ::close(int(socket));
}

void resetOnClose(Descriptor socket) {
    const linger now{1, 0};
    (void)::setsockopt(int(socket), SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

Descriptor duplicateSocket(Descriptor socket) {
    return socket < 0 ? -1 : ::fcntl(int(socket), F_DUPFD_CLOEXEC, 3);
}

void prepareSocket(Descriptor socket, shared::Bytes sendBuffer) {
    setOption(int(socket), IPPROTO_TCP, TCP_NODELAY, 1);
    setOption(int(socket), IPPROTO_TCP, TCP_USER_TIMEOUT, int(UserTimeout_ms));
    if (sendBuffer.count() == 0)
        return; // the system's own sizes
    setOption(int(socket), SOL_SOCKET, SO_SNDBUF, int(sendBuffer.count()));
    setOption(int(socket), IPPROTO_TCP, TCP_NOTSENT_LOWAT, MostUnsent);
}

void refuseSocket(Descriptor socket, std::string_view words) {
    (void)!::send(int(socket), words.data(), words.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)::shutdown(int(socket), SHUT_WR);
    char unread[4096]; // input that nobody read would turn the close into a reset, which eats the answer
    while (::recv(int(socket), unread, sizeof unread, MSG_DONTWAIT) > 0) {
    }
    ::close(int(socket));
}

shared::Result<std::unique_ptr<Listener>> Listener::open(const std::string& host, std::uint16_t port,
                                                         Events events) {
    const auto watched = [](std::unique_ptr<LinuxListener> listener) {
        return listener->isWatching()
                   ? shared::Result<std::unique_ptr<Listener>>(std::move(listener))
                   : shared::failure(shared::ErrorCode::Internal, "the socket cannot be watched");
    };
    if (host.starts_with(UnixAddress)) {
        auto path = host.substr(UnixAddress.size());
        const auto socket = openUnix(path);
        if (!socket)
            return tl::unexpected(socket.error());
        return watched(std::make_unique<LinuxListener>(*socket, 0, std::move(path), std::move(events)));
    }
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const int error =
        ::getaddrinfo(host.empty() ? nullptr : host.c_str(), std::to_string(port).c_str(), &hints, &found);
    if (error != 0)
        return shared::failure(shared::ErrorCode::Configuration, ::gai_strerror(error));
    const auto socket = openListening(*found);
    ::freeaddrinfo(found);
    if (!socket)
        return tl::unexpected(socket.error());
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    (void)::getsockname(*socket, reinterpret_cast<sockaddr*>(&bound), &size);
    return watched(
        std::make_unique<LinuxListener>(*socket, nameOf(bound).second, std::string(), std::move(events)));
}

std::unique_ptr<HeadSocket> HeadSocket::take(Descriptor socket, Host& host) {
    auto taken = std::make_unique<LinuxHeadSocket>(int(socket), host);
    if (!taken->isWatching())
        return nullptr;
    return taken;
}

} // namespace server
