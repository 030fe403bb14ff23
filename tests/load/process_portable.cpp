// SPDX-License-Identifier: Apache-2.0
#include "tests/load/process.h"

std::uint64_t reserveDescriptors(std::uint64_t wanted) {
    return wanted;
}
void catchInterrupts() {}
void ignoreInterrupts() {}
bool interrupted() {
    return false;
}
bool stderrIsTerminal() {
    return false;
}
