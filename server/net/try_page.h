// SPDX-License-Identifier: Apache-2.0
// The page at /try: resources/docs/try.html, which the build puts into the program. Any thread.
#pragma once
#include <string>
#include <string_view>

namespace server {

/// As it stands in the repository; made by server/CMakeLists.txt.
extern const std::string_view TryPage;
/// The whole answer. Its policy lets the page's own script and style run and speak to this node, nothing
/// else.
std::string tryPageAnswer();

} // namespace server
