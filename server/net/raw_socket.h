// SPDX-License-Identifier: Apache-2.0
// Sockets below Qt's: listening, and a peer whose request head is not yet judged. One implementation each in
// linux/ (system calls) and portable/ (QTcpServer and QTcpSocket). Every object stays on the thread that made
// it.
#pragma once
#include "server/core/mail.h"
#include "shared/result.h"
#include "shared/types.h"
#include <QtCore/QAbstractEventDispatcher>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace server {

class FrontSocket;

/// The dispatcher of a thread with many sockets; null where Qt's own is the one to use.
QAbstractEventDispatcher* makeDispatcher();
/// A write to a peer that is gone must be an error, never a signal. Once per process.
void ignoreBrokenPipes();

void closeSocket(Descriptor socket);
/// Gives up at once: queued bytes are dropped and the peer gets a reset when the socket is closed.
void resetOnClose(Descriptor socket);
/// A second name of the socket, which outlives the first one's close; -1 where there is none.
Descriptor duplicateSocket(Descriptor socket);
/// What the kernel knows of its connection; absent where it does not tell.
std::optional<shared::admin::TcpState> tcpState(Descriptor socket);
/// Small frames leave at once, a silent peer is given up after 20 s, and the kernel hides no more than
/// `sendBuffer`.
void prepareSocket(Descriptor socket, shared::Bytes sendBuffer);
/// Says these words as far as the kernel takes them at once, and closes.
void refuseSocket(Descriptor socket, std::string_view words);

/// What the address of a socket in the file system begins with.
constexpr std::string_view UnixAddress = "unix:";
/// What stands in for the address of its peers.
constexpr std::string_view UnixPeer = "unix";

/// A listening socket with an accept loop of its own: it goes on after running out of descriptors.
class Listener {
public:
    enum class Problem : std::uint8_t { NoDescriptors, Other };
    struct Events {
        std::function<void(Arrived)> arrived; ///< owns the descriptor from here on
        /// NoDescriptors: the newcomer was told `lastWord` through the reserve descriptor, and is gone.
        std::function<void(Problem)> failed;
        std::function<std::string_view()> lastWord;
    };
    /// `host` without brackets, or unix:PATH where the system has such sockets. The error is a sentence
    /// without the address.
    static shared::Result<std::unique_ptr<Listener>> open(const std::string& host, std::uint16_t port,
                                                          Events events);
    virtual ~Listener() = default;
    virtual std::uint16_t port() const = 0;
    virtual void pause() = 0;
    virtual void resume() = 0;
};

/// A peer before its upgrade, or one that was answered and is given time to read the answer.
class HeadSocket {
public:
    class Host {
    public:
        /// Bytes, or the end: read. The socket may be destroyed in it.
        virtual void readable() = 0;

    protected:
        ~Host() = default;
    };
    enum class ReadState : std::uint8_t { Some, Nothing, Ended, NoTls /**< it failed */ };
    struct Read {
        ReadState state = ReadState::Nothing;
        std::size_t bytes = 0;
    };
    /// Takes the descriptor, also when it fails (null).
    static std::unique_ptr<HeadSocket> take(Descriptor socket, Host& host);
    virtual ~HeadSocket() = default; ///< closes
    virtual Read read(char* into, std::size_t most) = 0;
    /// What the kernel takes at once; the answers that are written here fit into an empty buffer.
    virtual void write(std::string_view bytes) = 0;
    virtual void shutdownWrite() = 0;
    /// Where accepting does not tell it, else empty.
    virtual std::string peerAddress() const = 0;
    /// The socket for Qt's handshake, which reads nothing by itself before bytes are given back to it; what
    /// was read and not yet asked for is appended to `surplus`. Null when that fails. This object is then
    /// empty.
    virtual FrontSocket* toFront(std::string& surplus) = 0;
};

} // namespace server
