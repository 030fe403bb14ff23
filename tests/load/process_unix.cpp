// SPDX-License-Identifier: Apache-2.0
#include "tests/load/process.h"
#include <csignal>
#include <string>
#include <sys/resource.h>
#include <unistd.h>

namespace {
volatile std::sig_atomic_t interruptions = 0;
}

shared::Result<void> reserveDescriptors(std::uint64_t wanted) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return {};
    if (limit.rlim_cur < wanted) {
        const auto had = limit.rlim_cur;
        limit.rlim_cur = limit.rlim_max;
        if (::setrlimit(RLIMIT_NOFILE, &limit) != 0)
            limit.rlim_cur = had;
    }
    if (limit.rlim_cur >= wanted)
        return {};
    return shared::failure(
        shared::ErrorCode::Unavailable,
        std::to_string(wanted) + " open descriptors are needed, but at most " +
            std::to_string(limit.rlim_cur) +
            " are allowed: ask for fewer --connections, or raise the hard limit (ulimit -Hn)");
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
