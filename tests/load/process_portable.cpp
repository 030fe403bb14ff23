// SPDX-License-Identifier: Apache-2.0
#include "tests/load/process.h"

shared::Result<void> reserveDescriptors(std::uint64_t) {
    return {};
}
void catchInterrupts() {}
bool interrupted() {
    return false;
}
bool stderrIsTerminal() {
    return false;
}
