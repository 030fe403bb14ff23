// SPDX-License-Identifier: Apache-2.0
// Distinct types for the quantities and names that must not be mixed up. Plain values, any thread.
#pragma once
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace shared {

/// A number that is only a name: no arithmetic, no conversion from int.
template <class Tag, class Rep = std::uint64_t>
class Number {
public:
    constexpr Number() = default;
    constexpr explicit Number(Rep value) : m_value(value) {}
    constexpr Rep value() const { return m_value; }
    auto operator<=>(const Number&) const = default;

private:
    Rep m_value = 0;
};

/// A text that is only a name, compared as bytes. Always valid UTF-8 when it came from a client.
template <class Tag>
class Name {
public:
    Name() = default;
    explicit Name(std::string text) : m_text(std::move(text)) {}
    explicit Name(std::string_view text) : m_text(text) {}
    explicit Name(const char* text) : m_text(text) {}
    const std::string& text() const { return m_text; }
    bool isEmpty() const { return m_text.empty(); }
    auto operator<=>(const Name&) const = default;

private:
    std::string m_text;
};

using NodeId = Name<struct NodeTag>;
using RoomName = Name<struct RoomTag>;
using NamespaceName = Name<struct NamespaceTag>; ///< "/" or "/admin": always with the slash
using MemberId = Name<struct MemberTag>;         ///< the Socket.IO `sid`; never the Engine.IO one

using ShardIndex = Number<struct ShardTag, std::uint16_t>;
using OperationId = Number<struct OperationTag>;
using Port = Number<struct PortTag, std::uint16_t>;

/// A connection within its node, unique for the node's life; written `SHARD-NUMBER`.
struct ConnectionId {
    std::uint16_t shard = 0;
    std::uint64_t number = 0;
    auto operator<=>(const ConnectionId&) const = default;
    std::string text() const;
    /// False when `text` is not of the form `SHARD-NUMBER`; `out` is then untouched.
    static bool parse(std::string_view text, ConnectionId& out);
};

/// An amount of memory.
class Bytes {
public:
    constexpr Bytes() = default;
    constexpr explicit Bytes(std::uint64_t count) : m_count(count) {}
    static constexpr Bytes kibi(std::uint64_t count) { return Bytes(count * 1024); }
    static constexpr Bytes mebi(std::uint64_t count) { return Bytes(count * 1024 * 1024); }
    constexpr std::uint64_t count() const { return m_count; }
    auto operator<=>(const Bytes&) const = default;

private:
    std::uint64_t m_count = 0;
};

} // namespace shared

template <class Tag>
struct std::hash<shared::Name<Tag>> {
    std::size_t operator()(const shared::Name<Tag>& name) const noexcept {
        return std::hash<std::string_view>()(name.text());
    }
};
template <class Tag, class Rep>
struct std::hash<shared::Number<Tag, Rep>> {
    std::size_t operator()(const shared::Number<Tag, Rep>& number) const noexcept {
        return std::hash<Rep>()(number.value());
    }
};
template <>
struct std::hash<shared::ConnectionId> {
    std::size_t operator()(const shared::ConnectionId& id) const noexcept {
        return std::hash<std::uint64_t>()((std::uint64_t(id.shard) << 48) ^ id.number);
    }
};
