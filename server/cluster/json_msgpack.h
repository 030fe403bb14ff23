// SPDX-License-Identifier: Apache-2.0
// JSON text into msgpack, and the pieces of the way back, as the Redis adapter of Socket.IO needs them. Any
// thread.
#pragma once
#include "shared/result.h"
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace server {

/// Arguments nested deeper than this pass neither way.
constexpr int MostJsonDepth = 32;

/// Appends msgpack to a string: always the shortest form, as the JavaScript packages write it.
class MsgpackWriter {
public:
    explicit MsgpackWriter(std::string& out) : m_out(out) {}
    void array(std::size_t items);
    void map(std::size_t pairs);
    void text(std::string_view utf8);
    void binary(std::string_view bytes);
    void integer(std::int64_t value);
    void integer(std::uint64_t value);
    void number(double value); ///< an integer when it is one that JavaScript holds exactly
    void boolean(bool value);
    void null();
    /// For containers whose size shows only at their end: puts the header in front of what was written since
    /// `at`.
    void arrayAt(std::size_t at, std::size_t items);
    void mapAt(std::size_t at, std::size_t pairs);
    std::size_t position() const { return m_out.size(); }

private:
    std::string& m_out;
};

/// Appends the values of `json` (JSON texts joined by commas, may be empty) and gives their number.
/// `{"_placeholder":true,"num":N}` becomes the attachment N. Nothing is appended on failure.
shared::Result<std::size_t> packJson(std::string_view json, std::span<const std::string> attachments,
                                     std::string& out);

/// Appends `utf8` as a JSON string. Surrogates that stand alone become escapes; what is no UTF-8 becomes
/// U+FFFD.
void appendJsonText(std::string& out, std::string_view utf8);
/// Appends a number as JavaScript would read it back; null for those that JSON cannot say.
void appendJsonNumber(std::string& out, double value);

} // namespace server
