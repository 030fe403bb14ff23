// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/ctl/exit_code.h"

namespace console {

ExitCode exitCodeOf(shared::ErrorCode code) {
    using shared::ErrorCode;
    switch (code) {
    case ErrorCode::BadRequest:
    case ErrorCode::NotFound:
    case ErrorCode::TooLarge:
        return ExitCode::BadInput;
    case ErrorCode::InvalidFilter:
        return ExitCode::Usage;
    case ErrorCode::Forbidden:
        return ExitCode::Forbidden;
    case ErrorCode::Busy:
    case ErrorCode::RateLimited:
    case ErrorCode::Overloaded:
        return ExitCode::TryAgain;
    case ErrorCode::Unavailable:
    case ErrorCode::UnknownOperation:
        return ExitCode::Unavailable;
    case ErrorCode::Configuration:
        return ExitCode::Configuration;
    case ErrorCode::Internal:
        return ExitCode::Internal;
    }
    return ExitCode::Internal;
}

} // namespace console
