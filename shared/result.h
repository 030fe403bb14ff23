// SPDX-License-Identifier: Apache-2.0
// What an expected failure looks like everywhere: a code for machines and a sentence for people. Any thread.
#pragma once
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace shared {

/// Kinds of expected failure; the names are the broker's and the admin channel's error codes.
enum class ErrorCode {
    BadRequest,       ///< the caller's words do not make sense
    Forbidden,        ///< the caller may not
    NotFound,         ///< what was named is not here
    Busy,             ///< a bounded resource is full right now
    TooLarge,         ///< over a documented limit
    RateLimited,      ///< over a documented rate
    Overloaded,       ///< a mailbox or queue refused
    Unavailable,      ///< something outside (Redis) is away
    UnknownOperation, ///< nobody here knows this event or method
    InvalidFilter,    ///< the filter grammar was not met
    Configuration,    ///< a setting is wrong
    Internal          ///< ours
};

struct Error {
    ErrorCode code = ErrorCode::Internal;
    std::string message; ///< a sentence that a person can act on
};

template <class T>
using Result = tl::expected<T, Error>;

/// `return failure(ErrorCode::NotFound, "no room of that name")`
[[nodiscard]] inline tl::unexpected<Error> failure(ErrorCode code, std::string message) {
    return tl::unexpected<Error>(Error{code, std::move(message)});
}

} // namespace shared
