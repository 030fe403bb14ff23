// SPDX-License-Identifier: Apache-2.0
// What weir-load asks of the operating system. Main thread.
#pragma once
#include <cstdint>

/// Raises the soft limit of open descriptors to the hard one where `wanted` do not fit; how many do then.
std::uint64_t reserveDescriptors(std::uint64_t wanted);
/// From now on an interrupt (Ctrl-C, SIGTERM) only sets what interrupted() tells, so that a report can be
/// written.
void catchInterrupts();
bool interrupted();
/// Interrupts are for the process that started this one, which tells it.
void ignoreInterrupts();
bool stderrIsTerminal();
