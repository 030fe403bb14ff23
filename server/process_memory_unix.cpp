// SPDX-License-Identifier: Apache-2.0
#include "server/process.h"
#include <algorithm>
#include <charconv>
#include <fstream>
#include <string_view>
#include <sys/resource.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace server::process {

namespace {

/// A file that holds one number; 0 when it does not ("max").
std::uint64_t numberIn(const std::string& path) {
    std::ifstream file(path);
    std::string word;
    std::uint64_t number = 0;
    if (file >> word)
        (void)std::from_chars(word.data(), word.data() + word.size(), number);
    return number;
}

std::uint64_t lineIn(const std::string& path, std::string_view name) {
    std::ifstream file(path);
    std::string word;
    std::uint64_t number = 0;
    while (file >> word >> number)
        if (word == name)
            return number;
    return 0;
}

struct Use {
    std::uint64_t used = 0, limit = 0;
};

/// The files of one version of control groups. Page cache that the kernel gives up by itself is not counted.
struct Group {
    std::string_view line; ///< how its line in /proc/self/cgroup goes on behind the number
    std::string_view root, limit, used, cacheName;
};
constexpr Group Groups[] = {
    {"::", "/sys/fs/cgroup", "/memory.max", "/memory.current", "inactive_file"},
    {":memory:", "/sys/fs/cgroup/memory", "/memory.limit_in_bytes", "/memory.usage_in_bytes",
     "total_inactive_file"},
};

Use useOf(const Group& group, std::string_view place) {
    std::string path = std::string(group.root) + std::string(place == "/" ? "" : place);
    if (access((path + std::string(group.used)).c_str(), R_OK) != 0)
        path = group.root; // inside a container the path is the host's, and the root is ours
    const auto used = numberIn(path + std::string(group.used));
    const auto cache = lineIn(path + "/memory.stat", group.cacheName);
    return {used > cache ? used - cache : 0, numberIn(path + std::string(group.limit))};
}

Use groupUse() {
    std::ifstream file("/proc/self/cgroup");
    std::string line;
    while (std::getline(file, line)) {
        for (const auto& group : Groups) {
            const auto colon = line.find(':');
            if (colon == std::string::npos || line.compare(colon, group.line.size(), group.line) != 0)
                continue;
            if (const auto use = useOf(group, std::string_view(line).substr(colon + group.line.size()));
                use.limit > 0)
                return use;
        }
    }
    return {};
}

} // namespace

Memory memory() {
    std::uint64_t pages = 0, resident = 0;
    std::ifstream("/proc/self/statm") >> pages >> resident;
    const auto page = std::uint64_t(std::max(1L, sysconf(_SC_PAGESIZE)));
    rlimit space{};
    if (getrlimit(RLIMIT_AS, &space) != 0 || space.rlim_cur == RLIM_INFINITY)
        space.rlim_cur = 0;
    const Use machine{resident * page, std::uint64_t(std::max(0L, sysconf(_SC_PHYS_PAGES))) * page};
    Memory memory;
    for (const auto& use : {machine, groupUse(), Use{pages * page, std::uint64_t(space.rlim_cur)}}) {
        if (use.limit == 0)
            continue;
        memory.usedPercent = std::max(memory.usedPercent, 100.0 * double(use.used) / double(use.limit));
        memory.smallest = memory.smallest == 0 ? use.limit : std::min(memory.smallest, use.limit);
    }
    return memory;
}

void returnFreedMemory() {
#ifdef __GLIBC__
    ::malloc_trim(0);
#endif
}

} // namespace server::process
