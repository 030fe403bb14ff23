// SPDX-License-Identifier: Apache-2.0
#include "tests/load/process.h"
#include <csignal>
#include <sys/resource.h>
#include <unistd.h>

namespace {
volatile std::sig_atomic_t interruptions = 0;
}

std::uint64_t reserveDescriptors(std::uint64_t wanted) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return wanted;
    if (limit.rlim_cur < wanted) {
        const auto had = limit.rlim_cur;
        limit.rlim_cur = limit.rlim_max;
        if (::setrlimit(RLIMIT_NOFILE, &limit) != 0)
            limit.rlim_cur = had;
    }
    return limit.rlim_cur;
}

void ignoreInterrupts() {
    std::signal(SIGINT, SIG_IGN);
    std::signal(SIGTERM, SIG_IGN);
    std::signal(SIGPIPE, SIG_IGN);
}

void catchInterrupts() {
    struct sigaction action {};
    action.sa_handler = [](int number) {
        if (interruptions != 0)
            ::_exit(128 + number);
        interruptions = 1;
    };
    ::sigemptyset(&action.sa_mask);
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
}

bool interrupted() {
    return interruptions != 0;
}

bool stderrIsTerminal() {
    return ::isatty(STDERR_FILENO) == 1;
}
