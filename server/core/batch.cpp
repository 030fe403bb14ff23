// SPDX-License-Identifier: Apache-2.0
#include "server/core/batch.h"
#include "server/core/json_args.h"
#include "server/core/json_spans.h"
#include <algorithm>

namespace server {

void Batch::add(const Message& message) {
    if (m_parts.empty()) {
        m_head.nsp = message.nsp;
        m_head.rooms = message.rooms;
        m_head.event = EventName;
        m_head.isVolatile = true;
        m_head.compress = false;
    }
    // One that must not be dropped, or may be compressed, speaks for all.
    m_head.isVolatile = m_head.isVolatile && message.isVolatile;
    m_head.compress = m_head.compress || message.compress;
    if (!m_head.decodedAt)
        m_head.decodedAt = message.decodedAt;
    if (!m_head.sampledTs_ms)
        m_head.sampledTs_ms = message.sampledTs_ms;

    std::string text = "{\"event\":" + quotedJson(message.event);
    appendDataMembers(text, message.args);
    if (message.stamp) {
        text += ',';
        appendStampMembers(text, *message.stamp);
    }
    text += '}';
    m_bytes += text.size() + 1;
    m_parts.push_back({std::move(text), message.except});
}

std::vector<std::string_view> Batch::except() const {
    std::vector<std::string_view> names;
    for (const auto& part : m_parts)
        for (const auto& name : part.except)
            names.emplace_back(name.text());
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

MessagePtr Batch::whole() const {
    return without({});
}

MessagePtr Batch::without(std::string_view member) const {
    auto message = std::make_shared<Message>(m_head);
    message->args.reserve(m_bytes + 1);
    for (const auto& part : m_parts) {
        const bool isLeftOut =
            !member.empty() && std::any_of(part.except.begin(), part.except.end(),
                                           [member](const RoomName& name) { return name.text() == member; });
        if (!isLeftOut)
            message->args.append(message->args.empty() ? "[" : ",").append(part.text);
    }
    if (message->args.empty())
        return nullptr;
    message->args += ']';
    return message;
}

OpenBatches::State OpenBatches::add(Room& room, const Message& message, TimePoint now) {
    auto& open = m_open[&room];
    if (!open.batch) {
        open = {std::make_unique<Batch>(), now + message.batchWindow};
        m_order.emplace(open.due, &room);
    }
    const auto before = open.batch->bytes().count();
    open.batch->add(message);
    m_bytes += open.batch->bytes().count() - before;
    const bool isFull = std::int64_t(open.batch->size()) >= message.batchSize || open.batch->bytes() >= Most;
    return isFull ? State::Full : State::Waits;
}

std::unique_ptr<Batch> OpenBatches::take(Room& room) {
    const auto it = m_open.find(&room);
    if (it == m_open.end())
        return nullptr;
    auto batch = std::move(it->second.batch);
    m_order.erase({it->second.due, &room});
    m_open.erase(it);
    m_bytes -= batch->bytes().count();
    return batch;
}

std::optional<std::pair<TimePoint, Room*>> OpenBatches::first() const {
    if (m_order.empty())
        return std::nullopt;
    return *m_order.begin();
}

} // namespace server
