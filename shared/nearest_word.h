// SPDX-License-Identifier: Apache-2.0
// The known word that is most like a mistyped one. Plain values, any thread.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace shared {

/// Letters to insert, drop or replace until `left` is `right`.
std::size_t wordDistance(std::string_view left, std::string_view right);
/// Empty when no candidate is nearer than half of the word's own length.
std::string nearestWord(std::string_view word, const std::vector<std::string>& candidates);

} // namespace shared
