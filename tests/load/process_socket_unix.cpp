// SPDX-License-Identifier: Apache-2.0
#include "tests/load/process_socket.h"
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace bare {

namespace {

struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Address addressOf(const std::string& host, std::uint16_t port) {
    Address address;
    auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage);
    auto& v6 = reinterpret_cast<sockaddr_in6&>(address.storage);
    if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        address.size = sizeof v4;
    } else if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        address.size = sizeof v6;
    }
    return address;
}

void switchOn(int socket, int level, int option) {
    const int on = 1;
    ::setsockopt(socket, level, option, &on, sizeof on);
}

} // namespace

shared::Result<int> connectTo(const std::string& host, std::uint16_t port, const std::string& source) {
    const auto failed = [](int error) {
        return shared::failure(shared::ErrorCode::Unavailable, sentence(error));
    };
    const Address peer = addressOf(host, port);
    if (peer.size == 0)
        return failed(EAFNOSUPPORT);
    const int socket = ::socket(peer.get()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket < 0)
        return failed(errno);
    switchOn(socket, IPPROTO_TCP, TCP_NODELAY);
    if (!source.empty()) {
        // The port is chosen with the connection, so that each pair of addresses has all ports.
        switchOn(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
        const Address own = addressOf(source, 0);
        if (::bind(socket, own.get(), own.size) != 0) {
            const int error = errno;
            ::close(socket);
            return failed(error);
        }
    }
    if (::connect(socket, peer.get(), peer.size) != 0 && errno != EINPROGRESS) {
        const int error = errno;
        ::close(socket);
        return failed(error);
    }
    return socket;
}

int connectError(int socket) {
    int error = 0;
    socklen_t size = sizeof error;
    return ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

Moved read(int socket, char* into, std::size_t most) {
    const auto got = ::recv(socket, into, most, 0);
    if (got > 0)
        return {std::size_t(got), false, 0};
    if (got == 0)
        return {0, true, 0};
    if (errno == EAGAIN || errno == EINTR)
        return {};
    return {0, true, errno};
}

Moved write(int socket, std::string_view bytes) {
    const auto sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0)
        return {std::size_t(sent), false, 0};
    if (errno == EAGAIN || errno == EINTR)
        return {};
    return {0, true, errno};
}

void close(int socket) {
    ::close(socket);
}

std::string sentence(int error) {
    return std::generic_category().message(error);
}

} // namespace bare
