// SPDX-License-Identifier: Apache-2.0
#include "server/asks.h"
#include <algorithm>

namespace server {

using std::chrono::milliseconds;

Asks::Asks(std::vector<ShardBox*> shards, Counters& counters, const Clock& clock)
    : m_shards(std::move(shards)), m_counters(counters), m_clock(clock) {}

void Asks::askAll(Question what, milliseconds patience, Whole whole) {
    std::vector<std::pair<ShardIndex, Question>> questions;
    for (std::size_t shard = 0; shard < m_shards.size(); ++shard)
        questions.emplace_back(ShardIndex(std::uint16_t(shard)), what);
    askEach(std::move(questions), patience, std::move(whole));
}

void Asks::askOne(ShardIndex shard, Question what, milliseconds patience, Whole whole) {
    std::vector<std::pair<ShardIndex, Question>> questions;
    questions.emplace_back(shard, std::move(what));
    askEach(std::move(questions), patience, std::move(whole));
}

void Asks::askEach(std::vector<std::pair<ShardIndex, Question>> questions, milliseconds patience,
                   Whole whole) {
    std::erase_if(questions, [this](const auto& each) { return each.first.value() >= m_shards.size(); });
    if (questions.empty())
        return whole({});
    const auto id = ++m_lastId;
    Pending pending;
    pending.until = m_clock.now() + patience;
    pending.whole = std::move(whole);
    for (auto& [shard, what] : questions) {
        if (m_shards[shard.value()]->postHandover(Ask{id, std::move(what)}) == Posted::Accepted) {
            ++pending.missing;
        } else { // a full mailbox is a shard that will not answer
            pending.answers.isComplete = false;
            m_counters.add(shared::Metric::MailboxRefusedTotal, shared::MailboxOf::Shard);
        }
    }
    const auto place = m_pending.emplace(id, std::move(pending)).first;
    if (place->second.missing == 0)
        finish(place);
}

void Asks::answered(Answer answer) {
    const auto pending = m_pending.find(answer.ask);
    if (pending == m_pending.end())
        return; // it came too late
    pending->second.answers.answers.push_back(std::move(answer));
    if (--pending->second.missing == 0)
        finish(pending);
}

void Asks::tick() {
    const auto now = m_clock.now();
    std::vector<std::uint64_t> late;
    for (const auto& [id, pending] : m_pending)
        if (pending.until <= now)
            late.push_back(id);
    for (const auto id : late) {
        const auto pending = m_pending.find(id);
        if (pending == m_pending.end())
            continue;
        pending->second.answers.isComplete = false;
        finish(pending);
    }
}

void Asks::finish(std::map<std::uint64_t, Pending>::iterator pending) {
    auto ended = std::move(pending->second);
    m_pending.erase(pending); // before the call, which may ask anew
    ended.whole(std::move(ended.answers));
}

shared::admin::ClosedAnswer mergeClosed(std::size_t limit, Asks::Answers answers) {
    shared::admin::ClosedAnswer merged;
    merged.partial = !answers.isComplete;
    for (auto& answer : answers.answers) {
        merged.total += answer.matched;
        merged.partial = merged.partial || answer.isPartial;
        merged.oldest_ms = std::max(merged.oldest_ms, answer.forgottenBefore_ms);
        std::move(answer.gone.begin(), answer.gone.end(), std::back_inserter(merged.rows));
    }
    std::stable_sort(merged.rows.begin(), merged.rows.end(),
                     [](const auto& a, const auto& b) { return a.closed_ms > b.closed_ms; });
    if (merged.rows.size() > limit)
        merged.rows.resize(limit);
    return merged;
}

shared::admin::RoomsAnswer mergeRooms(const RoomOrder& order, Asks::Answers answers) {
    std::vector<shared::admin::RoomRow> rows;
    std::int64_t total = 0;
    bool isPartial = !answers.isComplete;
    for (auto& answer : answers.answers) {
        total += answer.matched;
        isPartial = isPartial || answer.isPartial;
        std::move(answer.rooms.begin(), answer.rooms.end(), std::back_inserter(rows));
    }
    auto page = order.page(std::move(rows));
    page.total = total;
    page.partial = isPartial;
    return page;
}

shared::admin::ListAnswer mergePages(const ListOrder& order, int limit, Asks::Answers answers) {
    shared::admin::ListAnswer page;
    page.partial = !answers.isComplete;
    std::size_t found = 0;
    bool isCut = false;
    for (auto& answer : answers.answers) {
        page.total += answer.matched;
        page.partial = page.partial || answer.isPartial;
        found += answer.rows.size();
        isCut = isCut || answer.rows.size() >= std::size_t(limit); // it may have more behind its page
        std::move(answer.rows.begin(), answer.rows.end(), std::back_inserter(page.rows));
    }
    order.sort(page.rows, std::size_t(limit));
    if (!page.rows.empty() && (isCut || found > page.rows.size()))
        page.cursor = order.cursorAfter(page.rows.back());
    return page;
}

} // namespace server
