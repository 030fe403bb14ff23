// SPDX-License-Identifier: Apache-2.0
// What weir-load asks of the operating system. Main thread.
#pragma once
#include "shared/result.h"
#include <cstdint>

/// Raises the soft limit of open descriptors to the hard one; fails when `wanted` do not fit.
shared::Result<void> reserveDescriptors(std::uint64_t wanted);
/// From now on an interrupt (Ctrl-C, SIGTERM) only sets what interrupted() tells, so that a report can be
/// written.
void catchInterrupts();
bool interrupted();
bool stderrIsTerminal();
