// SPDX-License-Identifier: Apache-2.0
// A validating JSON scanner that gives spans of the text instead of a tree, so that payloads travel byte for
// byte. Takes what official clients write (any number, lone surrogate escapes); the bytes must be valid UTF-8
// already. Iterative, linear, no allocation but for the results. Any thread. Source: RFC 8259.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace server {

inline constexpr int JsonDepth = 32; ///< nesting of arrays and objects; at most 64

/// Whether `text` is exactly one value, blanks around it allowed.
bool isJson(std::string_view text, int depth = JsonDepth);
/// The elements of an array, without blanks around them; nothing when `text` is not exactly one valid array.
std::optional<std::vector<std::string_view>> jsonElements(std::string_view text, int depth = JsonDepth);
/// The members of an object, keys decoded; nothing when it is none, or a key stands twice.
using JsonMembers = std::vector<std::pair<std::string, std::string_view>>;
std::optional<JsonMembers> jsonMembers(std::string_view text, int depth = JsonDepth);
/// The text of a JSON string; nothing when `text` is no string or holds a lone surrogate (it is no UTF-8
/// then).
std::optional<std::string> jsonString(std::string_view text);
/// Appends `text` (UTF-8) as a JSON string with its quotes.
void appendQuoted(std::string& out, std::string_view text);
std::string quotedJson(std::string_view text);
/// The `num` of each {"_placeholder":true,"num":N} in valid JSON, however its keys are escaped, in the order
/// in which they end; nothing when one of them has a `num` that is no small whole number, or says either key
/// twice.
std::optional<std::vector<std::uint64_t>> jsonPlaceholders(std::string_view text);
/// The same with the text of each, by where they begin; one inside another is part of that one.
struct JsonPlaceholder {
    std::string_view text;
    std::uint64_t number = 0;
};
std::optional<std::vector<JsonPlaceholder>> jsonPlaceholderTexts(std::string_view text);

} // namespace server
