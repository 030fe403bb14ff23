// SPDX-License-Identifier: Apache-2.0
#include "shared/nearest_word.h"
#include <algorithm>

namespace shared {

namespace {

constexpr std::size_t LongestWord = 256;

} // namespace

std::size_t wordDistance(std::string_view left, std::string_view right) {
    std::vector<std::size_t> line(right.size() + 1);
    for (std::size_t j = 0; j < line.size(); ++j)
        line[j] = j;
    for (std::size_t i = 1; i <= left.size(); ++i) {
        std::size_t diagonal = line[0];
        line[0] = i;
        for (std::size_t j = 1; j <= right.size(); ++j) {
            const auto replaced = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
            diagonal = line[j];
            line[j] = std::min({line[j] + 1, line[j - 1] + 1, replaced});
        }
    }
    return line.back();
}

std::string nearestWord(std::string_view word, const std::vector<std::string>& candidates) {
    word = word.substr(0, LongestWord);
    std::string best;
    std::size_t least = word.size() / 2 + 1;
    for (const auto& candidate : candidates) {
        const auto far = wordDistance(word, candidate);
        if (far < least) {
            least = far;
            best = candidate;
        }
    }
    return best;
}

} // namespace shared
