// SPDX-License-Identifier: Apache-2.0
#include "server/net/outgoing.h"
#include <algorithm>
#include <cstring>
#include <utility>

namespace server {

namespace {

/// A frame of more than this is written from where it lies: copying it costs more than a second piece does.
constexpr std::size_t MostCopied = 4096;

FrameHead headOf(const FrameStore::Node& node) {
    return {node.opcode, node.frame->bytes.size(), node.compression};
}

std::size_t rest(const FrameStore::Node& node) {
    return headOf(node).bytes().size() + node.frame->bytes.size() - node.written;
}

} // namespace

FrameStore::Node& FrameStore::take(FramePtr frame, Opcode opcode, Compression compression) {
    Node* node = m_free;
    if (node != nullptr)
        m_free = node->next;
    else
        node = &m_nodes.emplace_back();
    *node = Node{std::move(frame), nullptr, 0, opcode, compression};
    return *node;
}

void FrameStore::giveBack(Node& node) {
    node.frame.reset();
    node.next = std::exchange(m_free, &node);
}

void Outgoing::push(FrameStore& store, FramePtr frame, Opcode opcode, Compression compression) {
    auto& node = store.take(std::move(frame), opcode, compression);
    m_bytes += rest(node);
    if (m_last == nullptr)
        m_first = &node;
    else
        m_last->next = &node;
    m_last = &node;
}

Outgoing::Pieces Outgoing::first() const {
    const auto head = headOf(*m_first);
    const std::size_t inHead = std::min(m_first->written, head.bytes().size());
    const std::string_view payload = m_first->frame->bytes;
    return {head, inHead, payload.substr(m_first->written - inHead)};
}

std::size_t Outgoing::gather(std::span<char> into) const {
    std::size_t at = 0;
    for (const auto* node = m_first; node != nullptr; node = node->next) {
        const std::size_t size = rest(*node);
        if (size > MostCopied || size > into.size() - at)
            break;
        const auto head = headOf(*node);
        const std::size_t inHead = std::min(node->written, head.bytes().size());
        const auto headRest = head.bytes().substr(inHead);
        std::memcpy(into.data() + at, headRest.data(), headRest.size());
        at += headRest.size();
        const auto payload = std::string_view(node->frame->bytes).substr(node->written - inHead);
        std::memcpy(into.data() + at, payload.data(), payload.size());
        at += payload.size();
    }
    return at;
}

void Outgoing::written(FrameStore& store, std::size_t bytes) {
    m_bytes -= bytes;
    while (bytes > 0) {
        const std::size_t size = rest(*m_first);
        if (bytes < size) {
            m_first->written += bytes;
            return;
        }
        bytes -= size;
        auto* const done = std::exchange(m_first, m_first->next);
        store.giveBack(*done);
    }
    if (m_first == nullptr)
        m_last = nullptr;
}

void Outgoing::clear(FrameStore& store) {
    while (m_first != nullptr)
        store.giveBack(*std::exchange(m_first, m_first->next));
    m_last = nullptr;
    m_bytes = 0;
}

} // namespace server
