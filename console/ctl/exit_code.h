// SPDX-License-Identifier: GPL-3.0-or-later
// How weirctl ends, as scripts read it. Plain values, any thread.
#pragma once
#include "shared/result.h"

namespace console {

enum class ExitCode : int {
    Fine = 0,
    Usage = 64,       ///< the words do not make sense
    BadInput = 65,    ///< what was named or given is not there, or cannot be read
    Unavailable = 69, ///< a node, or what it would need, is away
    Internal = 70,
    InputOutput = 74,
    TryAgain = 75, ///< aborted, busy, or something to mend was found
    Forbidden = 77,
    Configuration = 78,
    Interrupted = 130 ///< Ctrl-C ended the watching
};

ExitCode exitCodeOf(shared::ErrorCode code);
/// What a run over several nodes ends with: the first that is not fine.
inline ExitCode worse(ExitCode first, ExitCode second) {
    return first == ExitCode::Fine ? second : first;
}

} // namespace console
