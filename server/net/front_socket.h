// SPDX-License-Identifier: Apache-2.0
// The socket beneath a QWebSocket, with what Qt's lacks: bytes given back, a line more in the 101, and a
// close that does not eat what was said last. Shard thread.
#pragma once
#include "server/core/connection.h"
#include "server/core/mail.h"
#include <QTcpSocket>
#include <functional>
#include <string>
#include <string_view>

namespace server {

class FrontSocket final : public QTcpSocket {
public:
    struct Events {
        /// Qt is writing its 101: the next newConnection is about this socket.
        std::function<void(FrontSocket&)> upgraded;
        /// Qt has closed its side; this duplicate is to be shut down, drained and closed by the receiver.
        std::function<void(Descriptor)> lingers;
    };
    FrontSocket();
    ~FrontSocket() override;

    /// Owns the descriptor from here on, also when this is false: it is none of a connection.
    bool take(Descriptor socket);
    /// Before the handshake. `lines`: header lines for the 101, each ending with CRLF.
    void prepare(Events events, std::string lines);
    /// The next bytes that are read, before all others.
    void giveBack(std::string_view bytes);
    /// Offers what was given back to the reader, in a later turn of the loop.
    void announceLater();
    /// Held: the reader finds nothing, and nothing more is taken from the kernel. On: up to `most` bytes are
    /// read ahead.
    void setReading(Reading reading, qint64 most);
    qint64 bytesAvailable() const override;
    /// Nothing of this connection is worth waiting for: it ends by a reset.
    void endByReset();
    void close() override;

protected:
    qint64 writeData(const char* bytes, qint64 size) override;

private:
    void handDuplicateOver();

    Events m_events;
    std::string m_lines;
    Descriptor m_duplicate = -1;
    bool m_isUpgraded = false;
    bool m_isReset = false;
    Reading m_reading = Reading::On;
};

} // namespace server
