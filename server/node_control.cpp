// SPDX-License-Identifier: Apache-2.0
// What operators ask of a node's rooms.
#include "server/node.h"
#include "server/node_parts.h"

namespace server {

using shared::ErrorCode;
using shared::failure;
using namespace shared::admin;
using std::chrono::milliseconds;

namespace {
constexpr milliseconds ListPatience{150}, ActPatience{2000};
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

} // namespace server
