// SPDX-License-Identifier: Apache-2.0
// The known word that is most like a mistyped one. Plain values, any thread.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace shared {

/// Empty when no candidate is nearer than half of the word's own length.
std::string nearestWord(std::string_view word, const std::vector<std::string>& candidates);

} // namespace shared
