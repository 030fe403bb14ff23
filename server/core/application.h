// SPDX-License-Identifier: Apache-2.0
// What gives events a meaning. One object serves all shards, each calling on its own thread.
#pragma once
#include "server/core/access.h"
#include "server/core/request.h"
#include "server/core/rooms.h"
#include "server/core/router.h"
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace server {

/// How to answer an event that wants an ack; call at most once, on the shard's thread. Safe after the client
/// left.
using Reply = std::function<void(std::string argsJson, std::vector<std::string> attachments)>;
/// The client's ack of an emit; not called when it leaves without one.
using AckHandler = std::function<void(const AckRequest&)>;

/// A member as an application sees it. Lives until disconnected() returns.
class Client {
public:
    virtual ~Client() = default;
    virtual const MemberId& id() const = 0;
    virtual const NamespaceName& nsp() const = 0;
    virtual const Admitted& who() const = 0;
    virtual shared::Result<JoinOutcome> join(const RoomName& room) = 0; ///< TooLarge over rooms_per_session
    virtual void leave(const RoomName& room) = 0;
    /// `argsJson`: JSON texts joined by commas. With `onAck` the client is asked to answer.
    virtual void emitEvent(std::string_view event, std::string_view argsJson,
                           const std::vector<std::string>& attachments, AckHandler onAck = {}) = 0;
    /// `message.nsp` and the sender's exclusion are filled in by the caller.
    virtual Published publish(Message message) = 0;
    /// Socket.IO DISCONNECT in this namespace.
    virtual void disconnect() = 0;
    /// Tells of a request that failed and wanted no ack, where the client's dialect has a word for it.
    virtual void sendFailure(std::string_view code, std::string_view message) = 0;
    /// Counts a fault that ends nothing: weir_errors_total.
    virtual void count(shared::ErrorKind kind) = 0;
    /// A limit took effect: weir_limit_hits_total.
    virtual void count(shared::LimitKey limit) = 0;
};

class Application {
public:
    virtual ~Application() = default;
    /// After CONNECT was answered. `authJson` is empty when absent.
    virtual void connected(Client& client, std::string_view authJson) = 0;
    /// `reply` is empty when no ack was asked for.
    virtual void eventReceived(Client& client, EventRequest& request, Reply reply) = 0;
    virtual void disconnected(Client& client) = 0;
};

/// The default: join, leave and publish of the contracts. Thread safe (no state of its own).
class Broker final : public Application {
public:
    Broker(const Access& access, const Settings& settings);
    void connected(Client& client, std::string_view authJson) override;
    void eventReceived(Client& client, EventRequest& request, Reply reply) override;
    void disconnected(Client& client) override;

private:
    const Access& m_access;
    LimitSettings m_limits;
};

} // namespace server
