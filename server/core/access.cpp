// SPDX-License-Identifier: Apache-2.0
#include "server/core/access.h"
#include "server/core/json_spans.h"
#include <algorithm>

namespace server {
namespace {

constexpr std::size_t LongestUser = 128;

/// The string at a path such as `auth.user` of the CONNECT payload; empty when it is not there.
std::string stringAt(std::string_view json, std::string_view path) {
    constexpr std::string_view Root = "auth.";
    if (path.substr(0, Root.size()) != Root || json.empty())
        return {};
    path.remove_prefix(Root.size());
    while (true) {
        const auto members = jsonMembers(json);
        if (!members)
            return {};
        const std::string_view step = path.substr(0, path.find('.'));
        const auto member =
            std::find_if(members->begin(), members->end(), [step](const auto& m) { return m.first == step; });
        if (member == members->end())
            return {};
        json = member->second;
        if (step.size() == path.size())
            break;
        path.remove_prefix(step.size() + 1);
    }
    auto text = jsonString(json);
    return text && text->size() <= LongestUser ? std::move(*text) : std::string();
}

shared::Result<void> allow(bool isAllowed, std::string_view act) {
    if (isAllowed)
        return {};
    return shared::failure(shared::ErrorCode::Forbidden, std::string(act) + " is not allowed on this node");
}

} // namespace

BrokerAccess::BrokerAccess(const BrokerSettings& settings) : m_settings(settings) {}

shared::Result<Admitted> BrokerAccess::connect(const NamespaceName& nsp, std::string_view authJson,
                                               const Peer&) const {
    const auto& known = m_settings.namespaces;
    if (std::find(known.begin(), known.end(), nsp.text()) == known.end())
        return shared::failure(shared::ErrorCode::NotFound, "Invalid namespace");
    return Admitted{stringAt(authJson, m_settings.userFrom)};
}

shared::Result<void> BrokerAccess::join(const Admitted&, const NamespaceName&, const RoomName&) const {
    return allow(m_settings.join, "join");
}
shared::Result<void> BrokerAccess::leave(const Admitted&, const NamespaceName&, const RoomName&) const {
    return allow(m_settings.leave, "leave");
}
shared::Result<void> BrokerAccess::publish(const Admitted&, const NamespaceName&, const RoomName&) const {
    return allow(m_settings.publish, "publish");
}

} // namespace server
