// SPDX-License-Identifier: Apache-2.0
// weir-reference [--check] [SOURCE-TREE]: writes the reference pages, or says which of them are not what the
// tables say.
#include "server/reference_pages.h"
#include <cstdio>
#include <fmt/format.h>
#include <fstream>
#include <sstream>

namespace {

std::string content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

} // namespace

int main(int argc, char** argv) {
    const bool isCheck = argc > 1 && std::string_view(argv[1]) == "--check";
    const int rest = isCheck ? 2 : 1;
    const std::string tree = argc > rest ? argv[rest] : WEIR_SOURCE_DIR;
    int wrong = 0;
    for (const auto& page : server::referencePages()) {
        const auto path = tree + "/" + page.path;
        if (content(path) == page.text)
            continue;
        if (isCheck) {
            ++wrong;
            std::fputs(fmt::format("{} is not what the tables say\n", page.path).c_str(), stderr);
            continue;
        }
        std::ofstream file(path, std::ios::binary);
        if (!(file << page.text).flush()) {
            std::fputs(fmt::format("weir-reference: cannot write {}\n", path).c_str(), stderr);
            return 73;
        }
        std::fputs(fmt::format("{}\n", page.path).c_str(), stdout);
    }
    if (wrong > 0)
        std::fputs(fmt::format("write them again with: {}\n", argv[0]).c_str(), stderr);
    return wrong > 0 ? 1 : 0;
}
