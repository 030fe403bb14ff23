// SPDX-License-Identifier: Apache-2.0
// What operators ask of a node's rooms and of those who left, and what they say.
#include "server/core/names.h"
#include "server/node.h"
#include "server/node_parts.h"
#include <QJsonDocument>
#include <algorithm>

namespace server {

using shared::ErrorCode;
using shared::failure;
using shared::Result;
using namespace shared::admin;
using std::chrono::milliseconds;

namespace {
constexpr milliseconds ListPatience{150}, ActPatience{2000};
constexpr std::size_t MostTraces = 8;

/// As a client's data stands in a message: the text of one value, nothing when there is none.
std::string argument(const std::optional<QJsonValue>& data) {
    if (!data)
        return {};
    const auto array = QJsonDocument(QJsonArray{*data}).toJson(QJsonDocument::Compact);
    return array.mid(1, array.size() - 2).toStdString();
}

shared::Result<Message> messageOf(const PublishRequest& request, const Settings& settings) {
    const auto& known = settings.broker.namespaces;
    if (std::find(known.begin(), known.end(), request.space) == known.end())
        return failure(ErrorCode::NotFound, "namespace: this node has none of this name");
    Message message;
    message.nsp = NamespaceName(request.space);
    if (request.room) {
        auto room = roomNamed(request.room, settings.limits);
        if (!room)
            return tl::unexpected(room.error());
        message.rooms.push_back(std::move(*room));
    }
    auto event = eventNamed(request.event);
    if (!event)
        return tl::unexpected(event.error());
    message.event = std::move(*event);
    message.args = argument(request.data);
    if (message.args.size() > settings.limits.message.count())
        return failure(ErrorCode::TooLarge, "data: longer than limits.message_bytes");
    return message;
}
} // namespace

void Node::rooms(const RoomsRequest& request, Done<RoomsAnswer> done) {
    auto& parts = *m_parts;
    auto order = RoomOrder::create(request);
    if (!order)
        return done(tl::unexpected(order.error()));
    if (parts.asks->isFull())
        return done(failure(ErrorCode::Busy, "too many questions are under way"));
    const auto common = std::make_shared<const RoomOrder>(std::move(*order));
    parts.asks->askAll(RoomsAsk{common}, ListPatience,
                       [done = std::move(done), common](Asks::Answers answers) {
                           done(mergeRooms(*common, std::move(answers)));
                       });
    keepTicking();
}

void Node::room(const RoomRequest& request, Done<RoomRow> done) {
    m_parts->asks->askAll(RoomAsk{NamespaceName(request.space), RoomName(request.room)}, ActPatience,
                          [done = std::move(done), name = request.room](Asks::Answers answers) {
                              std::vector<RoomRow> rows;
                              for (auto& answer : answers.answers)
                                  std::move(answer.rooms.begin(), answer.rooms.end(),
                                            std::back_inserter(rows));
                              rows = mergedRooms(std::move(rows));
                              if (!rows.empty())
                                  return done(std::move(rows.front()));
                              if (!answers.isComplete)
                                  return done(failure(ErrorCode::Busy, "a shard did not answer in time"));
                              done(failure(ErrorCode::NotFound, "this node has nobody in that room"));
                          });
    keepTicking();
}

void Node::publish(const PublishRequest& request, Done<PublishAnswer> done) {
    auto& parts = *m_parts;
    auto message = messageOf(request, parts.settings);
    if (!message)
        return done(tl::unexpected(message.error()));
    if (parts.asks->isFull())
        return done(failure(ErrorCode::Busy, "too many questions are under way"));
    const auto common = std::make_shared<const Message>(std::move(*message));
    std::vector<std::pair<ShardIndex, Question>> questions;
    for (int shard = 0; shard < parts.shardCount;
         ++shard) // always the same one publishes: their order is kept
        questions.emplace_back(ShardIndex(std::uint16_t(shard)), PublishAsk{common, shard == 0});
    PublishAnswer answer;
    const auto redis = parts.router->redis.load(std::memory_order_relaxed);
    answer.queued = redis == RedisState::Away;
    if (redis == RedisState::Up)
        answer.nodes = std::int64_t(cluster().size()) - 1;
    parts.asks->askEach(std::move(questions), ActPatience,
                        [done = std::move(done), answer](Asks::Answers answers) mutable {
                            bool isPublished = false;
                            for (const auto& each : answers.answers) {
                                answer.local += each.matched;
                                isPublished = isPublished || each.shard == 0;
                                if (each.isOverloaded)
                                    return done(failure(ErrorCode::Busy, "the node has too much under way"));
                            }
                            if (!isPublished)
                                return done(failure(ErrorCode::Busy, "the node did not take it in time"));
                            done(answer);
                        });
    keepTicking();
}

void Node::closed(const ClosedRequest& request, Done<ClosedAnswer> done) {
    auto& parts = *m_parts;
    auto filter = shared::Filter::parse(request.filter);
    if (!filter)
        return done(tl::unexpected(filter.error()));
    if (parts.asks->isFull())
        return done(failure(ErrorCode::Busy, "too many questions are under way"));
    ClosedAsk ask{std::make_shared<const shared::Filter>(std::move(*filter)), request.since_ms,
                  request.limit};
    parts.asks->askAll(std::move(ask), ListPatience,
                       [done = std::move(done), limit = std::size_t(request.limit)](Asks::Answers answers) {
                           done(mergeClosed(limit, std::move(answers)));
                       });
    keepTicking();
}

void Node::sample(shared::ConnectionId id, Done<ConnectionSample> done) {
    auto& parts = *m_parts;
    if (parts.asks->isFull())
        return done(failure(ErrorCode::Busy, "too many questions are under way"));
    parts.asks->askOne(ShardIndex(id.shard), SampleAsk{id.number}, ActPatience,
                       [done = std::move(done), id](Asks::Answers answers) {
                           for (auto& answer : answers.answers)
                               if (answer.sample)
                                   return done(std::move(*answer.sample));
                           if (!answers.isComplete)
                               return done(
                                   failure(ErrorCode::Busy, "the connection's shard did not answer in time"));
                           done(failure(ErrorCode::NotFound, "there is no connection " + id.text()));
                       });
    keepTicking();
}

Result<std::uint64_t> Node::startTrace(const TraceRequest& request) {
    auto& parts = *m_parts;
    auto filter = shared::Filter::parse(request.filter);
    if (!filter)
        return tl::unexpected(filter.error());
    if (parts.traces.size() >= MostTraces)
        return failure(ErrorCode::Busy, "8 traces run on this node already");
    parts.traces.push_back(
        {++parts.lastTrace, std::make_shared<const shared::Filter>(std::move(*filter)), request.sample});
    tellTraces();
    return parts.lastTrace;
}

void Node::stopTrace(std::uint64_t trace) {
    std::erase_if(m_parts->traces, [&](const TraceSpec& spec) { return spec.id == trace; });
    tellTraces();
}

void Node::tellTraces() {
    for (auto& box : m_parts->shardBoxes)
        box->postState("traces", TraceMail{m_parts->traces});
}

std::string Node::whoRuns(shared::OperationId operation) const {
    for (const auto& row : m_parts->operations->rows())
        if (row.id == operation.value())
            return row.by;
    return {};
}

} // namespace server
