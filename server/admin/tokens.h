// SPDX-License-Identifier: Apache-2.0
// Operator tokens: who may use the admin channel, and as what. Immutable once read. Main thread.
#pragma once
#include "shared/admin_protocol.h"
#include "shared/result.h"
#include <QByteArray>
#include <string>
#include <string_view>
#include <vector>

namespace server {

class Tokens {
public:
    struct Owner {
        std::string name;
        shared::admin::Role role = shared::admin::Role::Viewer;
        QByteArray digest{}; ///< SHA-256, so that comparing tells nothing about the token
        bool operator==(const Owner&) const = default;
    };

    /// Lines of NAME ROLE TOKEN; empty ones and those that begin with # are skipped. The error names the
    /// line, never the token.
    static shared::Result<Tokens> parse(std::string_view text);
    void add(Owner owner, std::string_view token);
    bool isEmpty() const { return m_rows.empty(); }
    /// Whose token it is; null for a wrong one. Takes the same time for every token of a length.
    const Owner* find(std::string_view token) const;
    /// Whether this very token is still its owner's, in the same role.
    bool holds(const Owner& owner) const;

private:
    std::vector<Owner> m_rows;
};

/// The token of `Authorization: Bearer TOKEN`; empty when it is something else.
std::string_view bearerToken(std::string_view authorization);

} // namespace server
