// SPDX-License-Identifier: Apache-2.0
// The words of the admin channel's enumerations, in their order. Included by the codec's own sources alone.
// Plain values, any thread.
#pragma once
#include "shared/admin_protocol.h"
#include <array>
#include <span>

namespace shared::admin {

inline constexpr std::array<std::string_view, 2> Roles{"viewer", "operator"};
inline constexpr std::array<std::string_view, 2> Effects{"reads", "changes"};
inline constexpr std::array<std::string_view, 4> NodeStates{"starting", "ready", "draining", "drained"};
inline constexpr std::array<std::string_view, 4> OperationStates{"running", "done", "aborted", "failed"};
inline constexpr std::array<std::string_view, 3> RedisStates{"none", "up", "away"};
inline constexpr std::array<std::string_view, 8> SortKeys{"id",    "since", "idle",    "queue",
                                                          "rooms", "rtt",   "in_rate", "out_rate"};
inline constexpr std::array<std::string_view, 3> RoomSortKeys{"name", "members", "messages_per_s"};
inline constexpr std::array<std::string_view, 5> LogLevels{"trace", "debug", "info", "warn", "error"};
inline constexpr std::array<std::string_view, 2> Directions{"in", "out"};
inline constexpr std::array<std::string_view, 3> Kinds{"counter", "gauge", "histogram"};
inline constexpr std::array<std::string_view, 3> Merges{"sum", "max", "none"};

constexpr std::span<const std::string_view> names(Role) {
    return Roles;
}
constexpr std::span<const std::string_view> names(Effect) {
    return Effects;
}
constexpr std::span<const std::string_view> names(NodeState) {
    return NodeStates;
}
constexpr std::span<const std::string_view> names(OperationState) {
    return OperationStates;
}
constexpr std::span<const std::string_view> names(RedisState) {
    return RedisStates;
}
constexpr std::span<const std::string_view> names(SortKey) {
    return SortKeys;
}
constexpr std::span<const std::string_view> names(RoomSortKey) {
    return RoomSortKeys;
}
constexpr std::span<const std::string_view> names(LogLevel) {
    return LogLevels;
}
constexpr std::span<const std::string_view> names(Direction) {
    return Directions;
}
constexpr std::span<const std::string_view> names(MetricKind) {
    return Kinds;
}
constexpr std::span<const std::string_view> names(Merge) {
    return Merges;
}

template <class Enum>
std::string_view nameOf(Enum value) {
    return names(value)[std::size_t(value)];
}

} // namespace shared::admin
