// SPDX-License-Identifier: Apache-2.0
#include "server/net/closed_questions.h"
#include "server/net/answers.h"
#include <utility>

namespace server {

using shared::admin::ClosedRow;

namespace {

constexpr std::size_t MostJobs = 64;

bool matches(const shared::Filter& filter, const ClosedRow& row) {
    shared::FilterSubject subject;
    subject.id = row.id;
    subject.address = row.address;
    subject.user = row.user;
    subject.dialect = row.dialect;
    subject.transport = row.transport;
    subject.agent = row.agent;
    subject.idle_s = row.idle_s;
    subject.age_s = row.age_s;
    subject.queue_bytes = row.queue_bytes;
    subject.rtt_ms = row.rtt_ms.value_or(-1);
    subject.isInRoom = [](const void*, std::string_view) { return false; };
    return filter.matches(subject);
}

} // namespace

ClosedQuestions::ClosedQuestions(const ClosedRing& ring, MainBox& main, Counters& counters,
                                 const Clock& clock)
    : m_ring(ring), m_main(main), m_counters(counters), m_clock(clock) {}

void ClosedQuestions::ask(std::uint64_t id, ClosedAsk ask) {
    Job job{std::move(ask), {}, m_clock.now(), m_ring.lastBlock()};
    job.answer.ask = id;
    job.answer.isPartial = m_jobs.size() >= MostJobs;
    if (job.answer.isPartial)
        return postAnswer(m_main, m_counters, std::move(job.answer));
    m_jobs.push_back(std::move(job));
}

bool ClosedQuestions::runSlice() {
    if (m_jobs.empty())
        return false;
    Job& job = m_jobs.front();
    const auto isLeft = [&] {
        return job.next >= m_ring.firstBlock() && job.next > 0 &&
               m_ring.newest_ms(job.next) >= job.ask.since_ms;
    };
    if (m_ring.records() > 0 && isLeft()) {
        m_ring.visit(job.next, [&](const ClosedRow& row) { gather(job, row); });
        --job.next;
        if (isLeft()) {
            if (m_clock.now() - job.startedAt <= ListTime)
                return true;
            job.answer.isPartial = true;
        }
    }
    job.answer.forgottenBefore_ms = m_ring.forgottenBefore_ms();
    postAnswer(m_main, m_counters, std::move(job.answer));
    m_jobs.pop_front();
    return !m_jobs.empty();
}

void ClosedQuestions::gather(Job& job, const ClosedRow& row) const {
    if (row.closed_ms < job.ask.since_ms || !matches(*job.ask.filter, row))
        return;
    ++job.answer.matched;
    if (job.answer.gone.size() < std::size_t(job.ask.limit))
        job.answer.gone.push_back(row);
}

} // namespace server
