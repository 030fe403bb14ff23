// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/redis_link.h"
#include "server/cluster/redis_trust.h"
#include "shared/backoff.h"
#include <QtCore/QObject>
#include <QtCore/QRandomGenerator>
#include <QtCore/QTimer>
#include <QtNetwork/QHostAddress>
#include <QtNetwork/QLocalSocket>
#include <QtNetwork/QNetworkProxy>
#include <QtNetwork/QSslConfiguration>
#include <QtNetwork/QSslSocket>
#include <QtNetwork/QTcpSocket>
#include <cctype>
#include <cstdlib>
#include <deque>
#include <hiredis/hiredis.h>
#include <hiredis/read.h>
#include <optional>

namespace server {

using shared::ErrorCode;
using shared::failure;
using shared::Result;
using std::chrono::milliseconds;

namespace {

constexpr std::size_t MostReplyBytes = std::size_t(64) << 20;
constexpr std::size_t MostElements = 1000000;
constexpr qint64 MostOutputBytes = qint64(16) << 20;
constexpr qint64 EasyOutputBytes = qint64(1) << 20; // beyond it hasRoom() is false
constexpr std::size_t MostUnanswered = 100000;
constexpr milliseconds TickEvery{100}, LateTick{1000}, SlowAnswer{500};
constexpr int LastWordsMs = 500;

Reply copied(const redisReply& from) {
    Reply to;
    switch (from.type) {
    case REDIS_REPLY_ERROR:
        to.kind = Reply::Kind::Error;
        to.text.assign(from.str, std::size_t(from.len));
        break;
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
        to.kind = Reply::Kind::Text;
        to.text.assign(from.str, std::size_t(from.len));
        break;
    case REDIS_REPLY_INTEGER:
        to.kind = Reply::Kind::Number;
        to.number = from.integer;
        break;
    case REDIS_REPLY_ARRAY:
        to.kind = Reply::Kind::Array;
        to.elements.reserve(from.elements);
        for (std::size_t i = 0; i < from.elements; ++i)
            to.elements.push_back(copied(*from.element[i]));
        break;
    default: // nil, and types that Redis sends only when asked for another protocol
        break;
    }
    return to;
}

/// Words that say: not with this password, user or database. All other errors may pass.
bool isRefusal(const std::string& error) {
    for (const std::string_view passing : {"LOADING", "MASTERDOWN", "BUSY", "READONLY", "CLUSTERDOWN"})
        if (error.starts_with(passing))
            return false;
    return true;
}

/// The error's first word: the rest may quote what was sent.
std::string firstWord(const std::string& error) {
    return error.substr(0, std::min(error.find(' '), std::size_t(32)));
}

struct DeleteLater {
    void operator()(QIODevice* device) const { device->deleteLater(); }
};

} // namespace

// The reader
// ------------------------------------------------------------------------------------------------------

struct ReplyReader::Inner {
    // hiredis reserves room for as many elements as an array's head claims: so they are counted first.
    template <class Count>
    static void* boundedArray(const redisReadTask* task, Count claim) {
        auto& self = *static_cast<Inner*>(task->privdata);
        self.claimed += std::size_t(claim);
        return claim < 0 || self.claimed > MostElements ? nullptr : self.standard.createArray(task, claim);
    }
    Inner() : reader(redisReaderCreate(), &redisReaderFree) {
        standard = bounded = *reader->fn;
        bounded.createArray = &boundedArray;
        reader->fn = &bounded;
        reader->privdata = this;
        reader->maxbuf = 1 << 20;
    }
    redisReplyObjectFunctions standard{}, bounded{};
    std::unique_ptr<redisReader, void (*)(redisReader*)> reader;
    std::size_t held = 0, claimed = 0;
};

ReplyReader::ReplyReader() : m_inner(new Inner) {}
ReplyReader::~ReplyReader() = default;

Result<void> ReplyReader::feed(std::string_view bytes, const std::function<bool(Reply&&)>& take) {
    auto& reader = *m_inner->reader;
    const auto broken = [&reader] {
        return failure(ErrorCode::BadRequest, std::string("its answer cannot be read: ") + reader.errstr);
    };
    if (m_inner->held + bytes.size() > MostReplyBytes)
        return failure(ErrorCode::TooLarge, "its answer is over 64 MB");
    m_inner->held += bytes.size();
    if (redisReaderFeed(&reader, bytes.data(), bytes.size()) != REDIS_OK)
        return broken();
    for (;;) {
        void* raw = nullptr;
        if (redisReaderGetReply(&reader, &raw) != REDIS_OK)
            return broken();
        if (!raw)
            return {};
        const std::unique_ptr<redisReply, void (*)(void*)> reply(static_cast<redisReply*>(raw),
                                                                 &freeReplyObject);
        m_inner->held = reader.len - reader.pos;
        m_inner->claimed = 0;
        if (!take(copied(*reply)))
            return {};
    }
}

// The link
// --------------------------------------------------------------------------------------------------------

struct RedisLink::Inner {
    enum class State : std::uint8_t { Stopped, Waiting, Connecting, SigningIn, Up };
    struct Pending {
        Done done;
        TimePoint sentAt;
    };

    Inner(RedisLink& link, RedisAddress to, std::vector<std::string> subscribe, Host& tell, const Clock& time,
          RedisLinkTimes limits)
        : self(link), address(std::move(to)), patterns(std::move(subscribe)), host(tell), clock(time),
          times(limits),
          backoff(limits.firstWait, limits.longestWait, QRandomGenerator::global()->generate()) {
        retry.setSingleShot(true);
        QObject::connect(&retry, &QTimer::timeout, &context, [this] { open(); });
        QObject::connect(&tick, &QTimer::timeout, &context, [this] { checkTime(); });
    }

    RedisLink& self;
    const RedisAddress address;
    const std::vector<std::string> patterns;
    Host& host;
    const Clock& clock;
    const RedisLinkTimes times;
    shared::Backoff backoff;
    QObject context; // receives all signals: none comes after it
    QTimer tick, retry;
    State state = State::Stopped;
    std::unique_ptr<QIODevice, DeleteLater> socket;
    QTcpSocket* tcp = nullptr; // one of the two is `socket`
    QLocalSocket* local = nullptr;
    QHostAddress lastPeer; // when the name cannot be looked up any more
    bool isNameUnknown = false;
    std::string distrust; // why TLS is about to fail; empty: for no reason that we know
    std::unique_ptr<ReplyReader> reader;
    std::deque<Pending> pending;
    std::size_t stepsLeft = 0;
    std::uint64_t attempt = 0;
    TimePoint openedAt{}, pingedAt{}, checkedAt{};
    TimePoint awakeSince{}; // limits count only the time that this process ran

    void open() {
        state = State::Connecting;
        ++attempt;
        openedAt = checkedAt = clock.now();
        reader = std::make_unique<ReplyReader>();
        tick.start(TickEvery);
        if (address.host.empty()) {
            local = new QLocalSocket;
            socket.reset(local);
            QObject::connect(local, &QLocalSocket::connected, &context, [this] { signIn(); });
            QObject::connect(local, &QLocalSocket::errorOccurred, &context, [this] { lose(); });
            QObject::connect(local, &QLocalSocket::disconnected, &context, [this] { lose(); });
            wire();
            local->connectToServer(QString::fromStdString(address.path));
            return;
        }
        auto* const tls = address.isSecure ? new QSslSocket : nullptr;
        tcp = tls != nullptr ? tls : new QTcpSocket;
        socket.reset(tcp);
        tcp->setProxy(QNetworkProxy::NoProxy);
        QObject::connect(tcp, &QTcpSocket::connected, &context, [this] {
            lastPeer = tcp->peerAddress();
            tcp->setSocketOption(QAbstractSocket::LowDelayOption, 1);
            tcp->setSocketOption(QAbstractSocket::KeepAliveOption, 1);
            if (!address.isSecure)
                signIn();
        });
        QObject::connect(tcp, &QTcpSocket::errorOccurred, &context,
                         [this](QAbstractSocket::SocketError error) {
                             isNameUnknown = error == QAbstractSocket::HostNotFoundError;
                             lose();
                         });
        QObject::connect(tcp, &QTcpSocket::disconnected, &context, [this] { lose(); });
        wire();
        const auto name = QString::fromStdString(address.host);
        const auto where = isNameUnknown && !lastPeer.isNull() ? lastPeer.toString() : name;
        if (tls == nullptr)
            return tcp->connectToHost(where, address.port);
        distrust.clear();
        QObject::connect(tls, &QSslSocket::encrypted, &context, [this] { signIn(); });
        QObject::connect(tls, &QSslSocket::sslErrors, &context, [this, tls](const QList<QSslError>& errors) {
            distrust = redisDistrust(tls->peerCertificate(), errors, address.host);
        });
        // The file is read anew each time: a CA that was replaced counts from the next attempt on.
        if (const auto trusted = redisTls(address.caFile))
            tls->setSslConfiguration(*trusted);
        else
            return fail(RedisLinkFault::Refused, distrust = trusted.error().message);
        tls->connectToHostEncrypted(where, address.port, name);
    }
    void wire() {
        QObject::connect(socket.get(), &QIODevice::readyRead, &context, [this] { read(); });
        if (auto* const tls = qobject_cast<QSslSocket*>(socket.get()))
            QObject::connect(tls, &QSslSocket::encryptedBytesWritten, &context, [this] {
                if (state == State::Up)
                    host.linkWritable(self);
            });
        QObject::connect(socket.get(), &QIODevice::bytesWritten, &context, [this] {
            if (state == State::Up)
                host.linkWritable(self);
        });
    }
    /// TLS takes what is written at once, and holds it encrypted.
    qint64 unsent() const {
        auto* const tls = qobject_cast<QSslSocket*>(socket.get());
        return socket->bytesToWrite() + (tls != nullptr ? tls->encryptedBytesToWrite() : 0);
    }
    void lose() {
        if (!distrust.empty())
            return fail(RedisLinkFault::Refused, distrust);
        const bool wasConnected = state == State::SigningIn || state == State::Up;
        fail(RedisLinkFault::Away, wasConnected ? "it closed the link" : socket->errorString().toStdString());
    }

    void send(std::span<const std::string_view> words, Done done) {
        std::vector<const char*> texts;
        std::vector<std::size_t> sizes;
        texts.reserve(words.size());
        sizes.reserve(words.size());
        for (const auto word : words) {
            texts.push_back(word.data());
            sizes.push_back(word.size());
        }
        char* text = nullptr;
        const auto size = redisFormatCommandArgv(&text, int(words.size()), texts.data(), sizes.data());
        socket->write(text, qint64(size));
        redisFreeCommand(text);
        pending.push_back({std::move(done), clock.now()});
    }
    void send(std::initializer_list<std::string_view> words, Done done) {
        send(std::span(words.begin(), words.size()), std::move(done));
    }
    /// One of the commands that have to succeed before the link is up.
    void step(std::initializer_list<std::string_view> words, std::function<bool(const Reply&)> isFine = {}) {
        ++stepsLeft;
        send(words,
             [this, name = std::string(*words.begin()), isFine = std::move(isFine)](const Reply* reply) {
                 if (!reply)
                     return;
                 if (reply->kind == Reply::Kind::Error)
                     return fail(isRefusal(reply->text) ? RedisLinkFault::Refused : RedisLinkFault::Away,
                                 "it answered " + firstWord(reply->text) + " to " + name);
                 if (isFine && !isFine(*reply))
                     return;
                 if (--stepsLeft == 0) {
                     state = State::Up;
                     backoff.reset();
                     pingedAt = clock.now();
                     host.linkUp(self);
                 }
             });
    }
    void signIn() {
        state = State::SigningIn;
        stepsLeft = 0;
        if (!address.user.empty())
            step({"AUTH", address.user, address.password});
        else if (!address.password.empty())
            step({"AUTH", address.password});
        if (address.database != 0)
            step({"SELECT", std::to_string(address.database)});
        // Where it is allowed, memory pressure in Redis takes other clients first.
        send({"CLIENT", "NO-EVICT", "on"}, {});
        step({"ROLE"}, [this](const Reply& reply) { return isMaster(reply); });
        for (const auto& pattern : patterns)
            step({"PSUBSCRIBE", pattern});
    }
    bool isMaster(const Reply& role) {
        if (role.kind == Reply::Kind::Array && !role.elements.empty() && role.elements[0].text == "master")
            return true;
        // A replica takes PUBLISH and SUBSCRIBE, but they reach its own clients only.
        fail(RedisLinkFault::Away, "it is not the master");
        return false;
    }

    void read() {
        const auto current = attempt;
        const QByteArray bytes = socket->readAll();
        const auto fed =
            reader->feed({bytes.constData(), std::size_t(bytes.size())}, [this, current](Reply&& reply) {
                answer(reply);
                return current == attempt && socket;
            });
        if (current != attempt || !socket)
            return;
        if (!fed)
            return fail(RedisLinkFault::Away, fed.error().message);
        if (state == State::Up)
            host.linkWritable(self);
    }
    void answer(const Reply& reply) {
        if (!patterns.empty() && reply.kind == Reply::Kind::Array && reply.elements.size() >= 3 &&
            reply.elements[0].text == "pmessage")
            return host.messagePushed(self, reply);
        if (pending.empty()) { // it speaks before it is asked when it has no room, or accepts no strangers
            const bool isDenied = reply.kind == Reply::Kind::Error && reply.text.starts_with("DENIED");
            return fail(isDenied ? RedisLinkFault::Refused : RedisLinkFault::Away,
                        "it said " + firstWord(reply.text) + " unasked");
        }
        const Done done = std::move(pending.front().done);
        pending.pop_front();
        if (done)
            done(&reply);
    }

    void checkTime() {
        const auto now = clock.now();
        if (now - checkedAt > LateTick)
            awakeSince = now;
        checkedAt = now;
        if (state == State::Connecting && now - std::max(openedAt, awakeSince) > times.answer)
            return fail(RedisLinkFault::Away, "it did not take the connection in time");
        if (!pending.empty() && now - std::max(pending.front().sentAt, awakeSince) > times.answer)
            return fail(RedisLinkFault::Away, "it did not answer in time");
        if (state == State::Up && now - pingedAt >= times.ping)
            ping(now);
    }
    void ping(TimePoint now) {
        pingedAt = now;
        // An error (LOADING, NOPERM) is an answer: Pub/Sub goes on.
        send({"PING"}, [this, now](const Reply* reply) {
            if (reply)
                host.roundTripMeasured(self, clock.now() - now);
        });
        if (patterns.empty()) // a subscribed link may only ping
            send({"ROLE"}, [this](const Reply* reply) {
                if (reply && reply->kind == Reply::Kind::Array)
                    isMaster(*reply);
            });
    }

    void close() {
        if (!socket)
            return;
        socket->disconnect(&context);
        if (tcp)
            tcp->abort();
        if (local)
            local->abort();
        socket.reset();
        tcp = nullptr;
        local = nullptr;
    }
    void fail(RedisLinkFault fault, const std::string& why) {
        if (state == State::Stopped || state == State::Waiting)
            return;
        close();
        state = State::Waiting;
        ++attempt;
        tick.stop();
        retry.start(fault == RedisLinkFault::Refused ? times.refusedWait : backoff.next());
        for (auto& left : std::exchange(pending, {}))
            if (left.done)
                left.done(nullptr);
        const std::string verb = !distrust.empty()                  ? "Redis is not trusted at "
                                 : fault == RedisLinkFault::Refused ? "Redis refuses us at "
                                                                    : "Redis is away at ";
        host.linkDown(self, fault, verb + address.text() + ": " + why);
    }
    /// Reads what is still due: a close with unread input would take back what was written last.
    void finishTalk() {
        const auto until = std::chrono::steady_clock::now() + milliseconds(LastWordsMs);
        const auto left = [until] {
            return std::chrono::duration_cast<milliseconds>(until - std::chrono::steady_clock::now()).count();
        };
        while (!pending.empty() && left() > 0) {
            if (!socket->waitForReadyRead(int(left())))
                return;
            const QByteArray bytes = socket->readAll();
            const auto fed = reader->feed({bytes.constData(), std::size_t(bytes.size())}, [this](Reply&&) {
                if (!pending.empty())
                    pending.pop_front();
                return true;
            });
            if (!fed)
                return;
        }
    }
};

RedisLink::RedisLink(RedisAddress address, std::vector<std::string> patterns, Host& host, const Clock& clock,
                     RedisLinkTimes times)
    : m_inner(new Inner(*this, std::move(address), std::move(patterns), host, clock, times)) {}

RedisLink::~RedisLink() {
    m_inner->close();
}

void RedisLink::start() {
    if (m_inner->state == Inner::State::Stopped)
        m_inner->open();
}

void RedisLink::stop() {
    auto& inner = *m_inner;
    const bool isTalking = inner.state == Inner::State::Up && inner.patterns.empty();
    inner.state = Inner::State::Stopped;
    ++inner.attempt;
    inner.tick.stop();
    inner.retry.stop();
    if (inner.socket)
        inner.socket->disconnect(&inner.context);
    if (isTalking)
        inner.finishTalk();
    inner.close();
    inner.pending.clear();
}

bool RedisLink::isUp() const {
    return m_inner->state == Inner::State::Up;
}

bool RedisLink::hasRoom() const {
    const auto& pending = m_inner->pending;
    return isUp() && m_inner->unsent() < EasyOutputBytes && pending.size() < MostUnanswered &&
           (pending.empty() || m_inner->clock.now() - pending.front().sentAt < SlowAnswer);
}

bool RedisLink::command(std::span<const std::string_view> words, Done done) {
    if (!isUp() || !m_inner->patterns.empty() || m_inner->pending.size() >= MostUnanswered)
        return false;
    std::size_t bytes = 0;
    for (const auto word : words)
        bytes += word.size();
    if (m_inner->unsent() + qint64(bytes) > MostOutputBytes)
        return false;
    m_inner->send(words, std::move(done));
    return true;
}

} // namespace server
