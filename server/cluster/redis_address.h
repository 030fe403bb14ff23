// SPDX-License-Identifier: Apache-2.0
// Where a Redis is. Plain value, any thread.
#pragma once
#include "shared/result.h"
#include <cstdint>
#include <string>

namespace server {

/// Where a Redis is, from its URL: redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE], the same with rediss://
/// for TLS, or unix://[[USER]:PASSWORD@]PATH[?db=DATABASE]. Errors never hold the password.
struct RedisAddress {
    std::string host; ///< empty: a local socket
    std::uint16_t port = 6379;
    std::string path;
    std::string user, password;
    int database = 0;
    bool isSecure = false; ///< TLS, and the certificate must be for `host`
    std::string caFile;    ///< whom to trust then; empty: the system's authorities
    static shared::Result<RedisAddress> parse(const std::string& url);
    /// For logs: without user and password.
    std::string text() const;
};

} // namespace server
