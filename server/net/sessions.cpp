// SPDX-License-Identifier: Apache-2.0
#include "server/net/sessions.h"
#include "server/net/answers.h"
#include <QRandomGenerator>
#include <algorithm>
#include <utility>

namespace server {

using shared::Metric;

namespace {

constexpr int SliceSessions = 1000;
constexpr std::size_t MostJobs = 256;
constexpr std::size_t SampleRows = 20;
/// Of connections that have gone, over all shards.
constexpr std::size_t RememberedConnections = 100000;
constexpr auto RememberedBytes = shared::Bytes::mebi(32);

/// Who ended it, when no operator did.
std::string_view endedBy(shared::CloseReason reason) {
    using shared::CloseReason;
    const bool isClients =
        reason == CloseReason::Normal || reason == CloseReason::GoingAway || reason == CloseReason::Lost;
    return isClients ? "client" : "node";
}

} // namespace

Sessions::Sessions(ShardIndex shard, int shards, MainBox& main, Counters& counters, const Clock& clock)
    : m_shard(shard), m_main(main), m_counters(counters), m_clock(clock),
      m_closed(shard.value(), RememberedConnections / std::size_t(shards),
               shared::Bytes(RememberedBytes.count() / std::uint64_t(shards))) {}

shared::ConnectionId Sessions::nextId() {
    return {m_shard.value(), ++m_lastNumber};
}

Session& Sessions::add(std::unique_ptr<Session> session) {
    const auto number = session->id().number;
    return *(m_open[number] = std::move(session));
}

void Sessions::remove(const Session& session, shared::CloseReason reason) {
    const auto found = m_open.find(session.id().number);
    if (found == m_open.end())
        return;
    auto row = session.closedRow(reason);
    const auto by = m_endedBy.find(session.id().number);
    row.by = by == m_endedBy.end() ? std::string(endedBy(reason)) : by->second;
    if (by != m_endedBy.end())
        m_endedBy.erase(by);
    m_closed.add(row);
    m_ended.push_back(std::move(found->second));
    m_open.erase(found);
}

void Sessions::buryEnded() {
    m_ended.clear();
}

void Sessions::closeAll(shared::CloseReason reason) {
    // Closing never removes within the call: what ends is told in a later turn.
    for (const auto& [number, session] : m_open)
        session->close(reason);
}

void Sessions::ask(Ask ask) {
    Job job;
    job.ask = std::move(ask);
    job.answer.ask = job.ask.id;
    job.answer.shard = m_shard.value();
    job.startedAt = m_clock.now();
    if (m_jobs.size() >= MostJobs) {
        job.answer.isPartial = true;
        return finish(job);
    }
    m_jobs.push_back(std::move(job));
}

/// What needs no walk is answered by a walk that begins behind the last one.
void Sessions::begin(Job& job, const ListAsk& ask) {
    auto order = ListOrder::create(ask.sort, ask.descending, ask.cursor);
    if (order)
        job.order = std::move(*order);
    else
        job.next = m_lastNumber + 1; // main has refused such a cursor before
}

void Sessions::begin(Job& job, const DetailsAsk& ask) {
    const auto found = m_open.find(ask.number);
    if (found != m_open.end())
        job.answer.details = found->second->details();
    job.next = m_lastNumber + 1;
}

void Sessions::begin(Job& job, const SampleAsk& ask) {
    job.next = m_lastNumber + 1;
    const auto found = m_open.find(ask.number);
    if (found != m_open.end()) {
        job.answer.sample = found->second->sample();
        return;
    }
    if (const auto row = m_closed.find(shared::ConnectionId{m_shard.value(), ask.number}.text())) {
        auto& last = job.answer.sample.emplace();
        last.id = row->id;
        last.time_ms = row->closed_ms;
        last.messages_in = row->messages_in;
        last.messages_out = row->messages_out;
        last.idle_s = row->idle_s;
        last.rtt_ms = row->rtt_ms;
        last.ended = row->reason;
    }
}

void Sessions::begin(Job& job, const EvictAsk& ask) {
    if (ask.numbers.empty())
        return;
    for (const auto number : ask.numbers) {
        const auto found = m_open.find(number);
        if (found != m_open.end())
            evict(job, ask, *found->second);
    }
    job.next = m_lastNumber + 1;
}

void Sessions::begin(Job&, const DrainAsk&) {}

bool Sessions::runSlice() {
    if (m_jobs.empty())
        return false;
    Job& job = m_jobs.front();
    if (!std::exchange(job.hasBegun, true)) // not before: questions are answered in their order
        std::visit([&](const auto& what) { begin(job, what); }, job.ask.what);
    auto place = m_open.lower_bound(job.next);
    for (int visited = 0; visited < SliceSessions && place != m_open.end(); ++visited, ++place) {
        if (!place->second->isEnding())
            visit(job, *place->second);
    }
    const bool isList = std::holds_alternative<ListAsk>(job.ask.what);
    const bool isLate = isList && m_clock.now() - job.startedAt > ListTime;
    if (place != m_open.end() && !isLate) {
        job.next = place->first;
        return true;
    }
    job.answer.isPartial = place != m_open.end();
    finish(job);
    m_jobs.pop_front();
    return !m_jobs.empty();
}

void Sessions::visit(Job& job, Session& session) {
    if (const auto* const wanted = std::get_if<ListAsk>(&job.ask.what))
        list(job, *wanted, session);
    else if (const auto* const unwanted = std::get_if<EvictAsk>(&job.ask.what)) {
        if (!unwanted->filter || session.matches(*unwanted->filter))
            evict(job, *unwanted, session);
    } else if (const auto* const leaving = std::get_if<DrainAsk>(&job.ask.what))
        drain(job, *leaving, session);
}

void Sessions::list(Job& job, const ListAsk& ask, const Session& session) {
    if (ask.filter && !session.matches(*ask.filter))
        return;
    ++job.answer.matched;
    auto row = session.row();
    if (!job.order->isInPage(job.order->position(row)))
        return;
    auto& rows = job.answer.rows;
    rows.push_back(std::move(row));
    const auto limit = std::size_t(std::max(ask.limit, 1));
    if (rows.size() >= 2 * limit + std::size_t(SliceSessions))
        job.order->sort(rows, limit);
}

void Sessions::evict(Job& job, const EvictAsk& ask, Session& session) {
    if (session.isEnding())
        return;
    ++job.answer.matched;
    if (ask.dryRun) {
        if (job.answer.rows.size() < SampleRows)
            job.answer.rows.push_back(session.row());
        return;
    }
    if (ask.limit > 0 && job.answer.closed >= ask.limit)
        return;
    ++job.answer.closed;
    m_counters.add(Metric::EvictionsTotal, shared::EvictedBy::Operator);
    m_endedBy[session.id().number] = ask.by;
    session.evict(ask.reconnect);
}

void Sessions::drain(Job& job, const DrainAsk& ask, Session& session) {
    if (job.answer.closed >= ask.count) {
        ++job.answer.left;
        return;
    }
    ++job.answer.closed;
    m_endedBy[session.id().number] = ask.by;
    const auto spread = int(std::clamp<std::int64_t>(ask.spread.count(), 0, 3600000));
    session.drain(std::chrono::milliseconds(QRandomGenerator::global()->bounded(spread + 1)));
}

void Sessions::finish(Job& job) {
    if (const auto* const wanted = std::get_if<ListAsk>(&job.ask.what); wanted != nullptr && job.order)
        job.order->sort(job.answer.rows, std::size_t(std::max(wanted->limit, 1)));
    postAnswer(m_main, m_counters, std::move(job.answer));
}

} // namespace server
