// SPDX-License-Identifier: Apache-2.0
// The socket beneath a QWebSocket, with what Qt's lacks: bytes given back, a line more in the 101, and a
// close that does not eat what was said last. Shard thread.
#pragma once
#include "server/core/connection.h"
#include "server/core/mail.h"
#include <QSslConfiguration>
#include <QTcpSocket>
#include <functional>
#include <string>
#include <string_view>

namespace server {

/// One object with the QTcpSocket (or QSslSocket) that qt() is: they live and die together.
class FrontSocket {
public:
    struct Events {
        /// Qt is writing its 101: the next newConnection is about this socket.
        std::function<void(FrontSocket&)> upgraded;
        /// Qt has closed its side; this duplicate is to be shut down, drained and closed by the receiver.
        std::function<void(Descriptor)> lingers;
    };
    /// Own the descriptor from here on, also when it is none of a connection (null). The caller owns qt().
    static FrontSocket* plain(Descriptor socket);
    /// Begins the TLS handshake.
    static FrontSocket* tls(Descriptor socket, const QSslConfiguration& configuration);
    FrontSocket(const FrontSocket&) = delete;
    FrontSocket& operator=(const FrontSocket&) = delete;

    virtual QTcpSocket& qt() = 0;
    virtual bool isSecure() const = 0;
    /// Encrypted bytes that the kernel has not taken.
    virtual qint64 unsentCipher() const = 0;

    /// Before the handshake. `lines`: header lines for the 101, each ending with CRLF.
    void prepare(Events events, std::string lines);
    /// The next bytes that are read, before all others.
    void giveBack(std::string_view bytes);
    /// Offers what was given back to the reader, in a later turn of the loop.
    void announceLater();
    /// Held: the reader finds nothing, and nothing more is taken from the kernel. On: up to `most` bytes are
    /// read ahead.
    void setReading(Reading reading, qint64 most);
    /// A second name of the socket, for one who goes on with it; -1 when there is no descriptor left. Qt has
    /// written all that it had.
    Descriptor duplicate();
    /// The connection is another's from here on: that this name of it ends means nothing.
    void letGo();
    /// Nothing of this connection is worth waiting for: it ends by a reset.
    void endByReset();

protected:
    FrontSocket() = default;
    virtual ~FrontSocket();
    bool take(Descriptor socket);
    virtual qint64 buffered() const = 0; ///< also what is held
    bool isHeld() const { return m_reading == Reading::Held; }
    void listen(); ///< once qt() is there
    void deafen();
    void closing();
    using Write = qint64 (*)(FrontSocket&, const char*, qint64);
    qint64 writeThrough(Write write, const char* bytes, qint64 size);

private:
    void handDuplicateOver();

    Events m_events;
    std::string m_lines;
    QMetaObject::Connection m_end;
    Descriptor m_duplicate = -1;
    bool m_isUpgraded = false;
    bool m_isReset = false;
    Reading m_reading = Reading::On;
};

} // namespace server
