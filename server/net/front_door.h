// SPDX-License-Identifier: Apache-2.0
// From an accepted socket to a Connection: reads and judges the request head, answers what is no upgrade, and
// lets Qt do the WebSocket handshake of what is. Shard thread.
#pragma once
#include "server/core/connection.h"
#include "server/core/dialect.h"
#include "server/core/mail.h"
#include "server/core/tls_identity.h"
#include "server/net/adopter.h"
#include "server/net/qt_connection.h"
#include "server/net/shard.h"
#include <memory>

namespace server {

class FrontDoor {
public:
    class Host {
    public:
        /// One place is reserved in Admission; it is released when this connection's session has ended.
        virtual void upgraded(std::unique_ptr<Connection> connection, Peer peer, const Dialect& dialect) = 0;

    protected:
        ~Host() = default;
    };
    /// `adopter`: of plain sockets; null: all stay Qt's.
    FrontDoor(Host& host, const ShardWorld& world, Counters& counters, QtWorld& qt, Adopter* adopter);
    ~FrontDoor();
    FrontDoor(const FrontDoor&) = delete;
    FrontDoor& operator=(const FrontDoor&) = delete;

    /// For those who arrive from now on: TLS with this certificate. Not on sockets in the file system, which
    /// only this machine reaches.
    void useTls(const TlsIdentity& identity);
    void arrived(Arrived newcomer);
    /// Peers that are not yet upgraded or refused.
    std::size_t heads() const;
    /// Drops all of them without a word.
    void close();

private:
    struct Inner;
    std::unique_ptr<Inner> m_inner;
};

} // namespace server
