// SPDX-License-Identifier: Apache-2.0
#include "server/net/room_questions.h"
#include "server/net/answers.h"
#include <utility>

namespace server {

namespace {

constexpr std::size_t SliceRooms = 1000;
constexpr std::size_t MostJobs = 64;

shared::admin::RoomRow adminRow(const LocalRoom& row) {
    return {row.nsp.text(), row.room.text(), std::int64_t(row.members), row.messagesPerSecond};
}

} // namespace

RoomQuestions::RoomQuestions(ShardIndex shard, const Rooms& rooms, Router& router, Stamper& stamper,
                             MainBox& main, Counters& counters, const Clock& clock)
    : m_shard(shard), m_rooms(rooms), m_router(router), m_stamper(stamper), m_main(main),
      m_counters(counters), m_clock(clock) {}

Answer RoomQuestions::answerTo(std::uint64_t id) const {
    Answer answer;
    answer.ask = id;
    answer.shard = m_shard.value();
    return answer;
}

void RoomQuestions::ask(std::uint64_t id, RoomsAsk ask) {
    Job job{std::move(ask), answerTo(id), m_clock.now()};
    if (m_jobs.size() >= MostJobs) {
        job.answer.isPartial = true;
        return postAnswer(m_main, m_counters, std::move(job.answer));
    }
    m_jobs.push_back(std::move(job));
}

void RoomQuestions::ask(std::uint64_t id, const RoomAsk& ask) {
    auto answer = answerTo(id);
    if (const auto row = m_rooms.row(ask.nsp, ask.room))
        answer.rooms.push_back(adminRow(*row));
    postAnswer(m_main, m_counters, std::move(answer));
}

void RoomQuestions::ask(std::uint64_t id, const PublishAsk& ask) {
    auto answer = answerTo(id);
    const auto& message = *ask.message;
    answer.matched = std::int64_t(
        m_rooms.memberCount(message.nsp, message.rooms.empty() ? RoomName() : message.rooms.front()));
    if (ask.isPublisher)
        answer.isOverloaded = m_router.publish(message, m_stamper, m_counters).isOverloaded;
    postAnswer(m_main, m_counters, std::move(answer));
}

bool RoomQuestions::runSlice() {
    if (m_jobs.empty())
        return false;
    Job& job = m_jobs.front();
    job.next = m_rooms.visitRooms(job.next, SliceRooms, [&](const LocalRoom& room) { gather(job, room); });
    const auto& order = *job.ask.order;
    const bool isEnd = job.next == 0 || m_clock.now() - job.startedAt > ListTime;
    if ((isEnd || order.isAmple(job.answer.rooms.size())) && !order.choose(job.answer.rooms))
        job.answer.isPartial = true;
    if (!isEnd)
        return true;
    job.answer.isPartial = job.answer.isPartial || job.next > 0;
    postAnswer(m_main, m_counters, std::move(job.answer));
    m_jobs.pop_front();
    return !m_jobs.empty();
}

void RoomQuestions::gather(Job& job, const LocalRoom& room) const {
    if (!job.ask.order->isMatch(room.room.text()))
        return;
    if (m_router.firstShard(room.nsp, room.room) == m_shard)
        ++job.answer.matched;
    job.answer.rooms.push_back(adminRow(room));
}

} // namespace server
