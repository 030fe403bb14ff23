// SPDX-License-Identifier: Apache-2.0
#include "server/net/front_door.h"
#include "server/net/front_socket.h"
#include "server/net/handshake.h"
#include "server/net/raw_socket.h"
#include "server/net/tls.h"
#include "server/net/tls_head_socket.h"
#include <QCoreApplication>
#include <QHostAddress>
#include <QWebSocket>
#include <QWebSocketServer>
#include <algorithm>
#include <list>
#include <utility>

namespace server {

using shared::HandshakeResult;
using shared::Metric;

namespace {

constexpr std::chrono::milliseconds LingerTime{1000};
constexpr std::size_t ReadBytes = 4096;
constexpr int ReadsPerTurn = 8;

} // namespace

struct FrontDoor::Inner {
    /// One peer on its way: its head is read, or Qt shakes hands, or it is given time to read our answer.
    struct Head final : HeadSocket::Host, TimingWheel::Target {
        enum class Phase : std::uint8_t { Reading, Upgrading, Lingering };
        Head(Inner& d, Peer p, const HttpLimits& limits) : door(d), peer(std::move(p)), request(limits) {}
        ~Head() {
            door.qt.wheel.cancel(deadline);
            finish();
        }
        /// It counts among the handshakes under way no longer.
        void finish() {
            if (std::exchange(isCounted, false))
                door.world.admission.headClosed();
        }
        void readable() override { door.readable(*this); }
        void expired(std::uint32_t, TimePoint) override { door.expired(*this); }

        Inner& door;
        Peer peer;
        std::optional<HttpRequest> request;
        std::unique_ptr<HeadSocket> socket;  ///< none while Qt has it
        FrontSocket* front = nullptr;        ///< Qt's
        const Dialect* dialect = nullptr;    ///< once it is judged
        std::optional<DeflateTerms> deflate; ///< as our answer says
        std::string surplus;                 ///< what came behind the head
        TimerHandle deadline;
        std::list<std::unique_ptr<Head>>::iterator place;
        Phase phase = Phase::Reading;
        bool isCounted = false;
    };
    using Heads = std::list<std::unique_ptr<Head>>;

    Inner(Host& h, const ShardWorld& w, Counters& c, QtWorld& q, Adopter* a)
        : host(h), world(w), counters(c), qt(q), adopter(a),
          server(QStringLiteral("weir-node"), QWebSocketServer::NonSecureMode) {
        QObject::connect(&server, &QWebSocketServer::newConnection, &server, [this] {
            while (QWebSocket* socket = server.nextPendingConnection())
                shaken(socket);
        });
    }

    Heads& listOf(Head::Phase phase) { return phase == Head::Phase::Lingering ? lingering : open; }

    Head& add(std::unique_ptr<Head> head, std::chrono::milliseconds time) {
        Head& added = *head;
        auto& list = listOf(added.phase);
        list.push_back(std::move(head));
        added.place = std::prev(list.end());
        added.deadline = qt.wheel.add(qt.clock.now() + time, added);
        return added;
    }
    void drop(Head& head) { listOf(head.phase).erase(head.place); }

    void arrived(Arrived newcomer) {
        prepareSocket(newcomer.descriptor, qt.limits.sendBuffer);
        if (world.admission.heads() >= qt.limits.handshakesOpen)
            makeRoom();
        Peer peer;
        peer.address = std::move(newcomer.address);
        peer.port = newcomer.port;
        peer.isSecure = tls && peer.address != UnixPeer;
        const HttpLimits limits{.head = qt.limits.head, .fields = qt.limits.headFields, .body = {}};
        Head& head = add(std::make_unique<Head>(*this, std::move(peer), limits), qt.limits.handshake);
        head.isCounted = true;
        world.admission.headOpened();
        if (head.peer.isSecure)
            head.socket = takeTls(newcomer.descriptor, head, *tls);
        else
            head.socket = HeadSocket::take(newcomer.descriptor, head);
        if (!head.socket)
            return drop(head);
        if (head.peer.address.empty())
            head.peer.address = head.socket->peerAddress();
        readable(head); // most heads are there already
    }

    /// Of this shard's, the oldest head without progress goes; one that Qt has in hand is as good as done.
    void makeRoom() {
        for (const auto& head : open) {
            if (head->phase == Head::Phase::Reading) {
                counters.add(Metric::LimitHitsTotal, shared::LimitKey::HandshakesOpen);
                return timedOut(*head);
            }
        }
    }

    void readable(Head& head) {
        char buffer[ReadBytes];
        for (int i = 0; i < ReadsPerTurn; ++i) {
            const auto got = head.socket->read(buffer, sizeof buffer);
            if (got.state == HeadSocket::ReadState::Nothing)
                return;
            if (got.state == HeadSocket::ReadState::Ended)
                return drop(head);
            if (got.state == HeadSocket::ReadState::NoTls) {
                counters.add(Metric::HandshakesTotal, HandshakeResult::NoTls);
                return drop(head);
            }
            if (head.phase == Head::Phase::Lingering)
                continue; // read so that the close is no reset
            if (!fed(head, {buffer, got.bytes}))
                return;
        }
    }

    /// False when the head was answered or given away.
    bool fed(Head& head, std::string_view bytes) {
        open.splice(open.end(), open, head.place); // progress
        const auto result = head.request->feed(bytes);
        switch (result.state) {
        case HttpRequest::State::NeedMore:
            return true;
        case HttpRequest::State::Refused: {
            const bool isTooLarge = result.status == 431 || result.status == 413;
            if (result.status == 431)
                counters.add(Metric::LimitHitsTotal,
                             result.isFields ? shared::LimitKey::HeadFields : shared::LimitKey::HeadBytes);
            answer(head,
                   httpRefusal(result.status, isTooLarge ? "too_large" : "bad_request", result.sentence),
                   isTooLarge ? HandshakeResult::TooLarge : HandshakeResult::BadRequest);
            return false;
        }
        case HttpRequest::State::HeadDone: // a body follows, which nothing here wants
        case HttpRequest::State::Done:
            break;
        }
        auto verdict = judge(*head.request, head.peer.address, world);
        head.peer.admissionKey = std::move(verdict.admissionKey);
        head.dialect = verdict.dialect;
        if (head.dialect == nullptr) {
            answer(head, verdict.answer, verdict.result);
            return false;
        }
        head.surplus = bytes.substr(result.used);
        upgrade(head);
        return false;
    }

    void answer(Head& head, std::string_view bytes, std::optional<HandshakeResult> result) {
        if (result)
            count(*result);
        head.socket->write(bytes);
        head.socket->shutdownWrite();
        head.request.reset();
        linger(head);
    }

    void count(HandshakeResult result) {
        counters.add(Metric::HandshakesTotal, result);
        if (result == HandshakeResult::RateLimited)
            counters.add(Metric::LimitHitsTotal, shared::LimitKey::HandshakesPerS);
        if (result == HandshakeResult::PerAddress)
            counters.add(Metric::LimitHitsTotal, shared::LimitKey::PerAddressConnections);
    }

    void linger(Head& head) {
        head.finish();
        if (lingering.size() >= std::size_t(qt.limits.handshakesOpen))
            lingering.pop_front();
        lingering.splice(lingering.end(), open, head.place);
        head.phase = Head::Phase::Lingering;
        qt.wheel.cancel(head.deadline);
        head.deadline = qt.wheel.add(qt.clock.now() + LingerTime, head);
    }

    void timedOut(Head& head) {
        answer(head, httpRefusal(408, "timeout", "the request did not come in time"),
               HandshakeResult::Timeout);
    }

    void expired(Head& head) {
        switch (head.phase) {
        case Head::Phase::Reading:
            counters.add(Metric::LimitHitsTotal, shared::LimitKey::HandshakeMs);
            return timedOut(head);
        case Head::Phase::Upgrading:
            counters.add(Metric::LimitHitsTotal, shared::LimitKey::HandshakeMs);
            return failed(head, HandshakeResult::Timeout);
        case Head::Phase::Lingering:
            return drop(head);
        }
    }

    // The handshake by Qt ---------------------------------------------------------------------------------

    void upgrade(Head& head) {
        const auto& request = *head.request;
        head.peer.agent = printable(request.header("User-Agent"));
        head.peer.origin = printable(request.header("Origin"));
        head.peer.target = request.target();
        head.peer.token = bearerToken(request);
        head.phase = Head::Phase::Upgrading;
        const std::string shown = headForQt(request);
        FrontSocket::Events events{[this](FrontSocket& socket) { lastUpgraded = &socket; },
                                   [this](Descriptor duplicate) { lingers(duplicate); }};
        head.front = head.socket->toFront(head.surplus);
        std::string lines = linesForUpgrade(request, *head.dialect);
        if (adopter != nullptr && !head.peer.isSecure && qt.deflate.enabled)
            head.deflate = DeflateTerms::choose(request.header("Sec-WebSocket-Extensions"), qt.deflate);
        if (head.deflate)
            lines += "Sec-WebSocket-Extensions: " + head.deflate->answer() + "\r\n";
        head.socket.reset();
        head.request.reset();
        if (head.front == nullptr)
            return failed(head, HandshakeResult::BadRequest);
        if (head.peer.port == 0) // where accepting does not tell
            head.peer.port = head.front->qt().peerPort();
        FrontSocket& front = *head.front;
        front.prepare(std::move(events), std::move(lines));
        QObject::connect(&front.qt(), &QAbstractSocket::disconnected, &server,
                         [this, &front] { gone(&front); });
        front.giveBack(shown);
        server.handleConnection(&front.qt()); // queues its own look at the head
        // TLS cannot be kept from decrypting more in a turn of the loop, so Qt has its look now.
        if (front.isSecure())
            QCoreApplication::sendPostedEvents(&server, QEvent::MetaCall);
    }

    Head* headOf(const FrontSocket* front) {
        if (front == nullptr)
            return nullptr;
        const auto found = std::find_if(open.rbegin(), open.rend(), // the latest ones are in Qt's hands
                                        [front](const auto& head) { return head->front == front; });
        return found == open.rend() ? nullptr : found->get();
    }

    /// The peer left during the handshake, or Qt gave up on it.
    void gone(const FrontSocket* front) {
        if (Head* const head = headOf(front))
            failed(*head, HandshakeResult::BadRequest);
    }

    void failed(Head& head, HandshakeResult result) {
        counters.add(Metric::HandshakesTotal, result);
        world.admission.release(head.peer.admissionKey);
        if (FrontSocket* const front = std::exchange(head.front, nullptr)) {
            front->qt().disconnect(&server);
            front->endByReset();
            front->qt().abort();
            front->qt().deleteLater();
        }
        drop(head);
    }

    /// Inside Qt's handling of the head: what is given back now is read before anything from the kernel.
    void shaken(QWebSocket* socket) {
        FrontSocket* const front = std::exchange(lastUpgraded, nullptr);
        Head* const head = headOf(front);
        if (head == nullptr) {
            socket->abort();
            socket->deleteLater();
            return;
        }
        front->qt().disconnect(&server);
        Peer peer = std::move(head->peer);
        const Dialect& dialect = *head->dialect;
        const std::string surplus = std::move(head->surplus);
        const auto deflate = head->deflate;
        drop(*head);
        counters.add(Metric::HandshakesTotal, HandshakeResult::Accepted);
        host.upgraded(connectionOf(socket, *front, surplus, deflate), std::move(peer), dialect);
    }

    /// Adopted where that is possible. It stays Qt's also for want of a descriptor; a client that then sends
    /// what it has compressed is closed by Qt, and comes back.
    std::unique_ptr<Connection> connectionOf(QWebSocket* socket, FrontSocket& front,
                                             const std::string& surplus,
                                             const std::optional<DeflateTerms>& deflate) {
        if (adopter != nullptr && !front.isSecure()) {
            if (auto adopted = adopter->adopt({front.duplicate(), surplus, deflate})) {
                front.letGo();
                front.qt().setParent(socket); // which goes in a later turn: this is inside its handshake
                socket->abort();
                socket->deleteLater();
                return adopted;
            }
        }
        auto kept = std::make_unique<QtConnection>(qt, socket, front);
        front.giveBack(surplus);
        front.announceLater();
        return kept;
    }

    void lingers(Descriptor duplicate) {
        auto head = std::make_unique<Head>(*this, Peer{}, HttpLimits{});
        head->phase = Head::Phase::Lingering;
        head->request.reset();
        if (lingering.size() >= std::size_t(qt.limits.handshakesOpen))
            lingering.pop_front();
        Head& added = add(std::move(head), LingerTime);
        added.socket = HeadSocket::take(duplicate, added);
        if (!added.socket)
            return drop(added);
        added.socket->shutdownWrite();
        readable(added);
    }

    Host& host;
    const ShardWorld& world;
    Counters& counters;
    QtWorld& qt;
    Adopter* const adopter;
    Heads open;      ///< by their last progress, oldest first
    Heads lingering; ///< by their age
    FrontSocket* lastUpgraded = nullptr;
    std::optional<QSslConfiguration> tls;
    QWebSocketServer server; ///< never listens
};

FrontDoor::FrontDoor(Host& host, const ShardWorld& world, Counters& counters, QtWorld& qt, Adopter* adopter)
    : m_inner(std::make_unique<Inner>(host, world, counters, qt, adopter)) {}

FrontDoor::~FrontDoor() {
    close();
}

void FrontDoor::useTls(const TlsIdentity& identity) {
    m_inner->tls = tlsConfiguration(identity);
}

void FrontDoor::arrived(Arrived newcomer) {
    m_inner->arrived(std::move(newcomer));
}

std::size_t FrontDoor::heads() const {
    return m_inner->open.size();
}

void FrontDoor::close() {
    auto& inner = *m_inner;
    while (!inner.open.empty()) {
        auto& head = *inner.open.front();
        if (head.phase == Inner::Head::Phase::Upgrading)
            inner.failed(head, HandshakeResult::Draining);
        else
            inner.drop(head);
    }
    inner.lingering.clear();
}

} // namespace server
