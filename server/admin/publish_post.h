// SPDX-License-Identifier: Apache-2.0
// POST /api/v1/publish: message.publish for back ends in any language. Main thread.
#pragma once
#include "server/admin/commands.h"
#include "server/http/http.h"
#include <functional>
#include <string>

namespace server {

inline constexpr std::string_view PublishPath = "/api/v1/publish";
inline bool isPublish(const HttpRequest& request) {
    return request.path() == PublishPath && request.method() == "POST";
}

/// `answer` gets the status and the whole HTTP answer, once: now, or when the shards have taken the message.
void publishPost(const HttpRequest& request, const Operator& by, CommandWorld world,
                 std::function<void(int status, std::string answer)> answer);

} // namespace server
