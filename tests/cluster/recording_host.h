// SPDX-License-Identifier: Apache-2.0
// An adapter's host that remembers what it was told. Main thread.
#pragma once
#include "server/core/adapter.h"
#include <algorithm>
#include <utility>
#include <vector>

namespace server {

class RecordingHost final : public AdapterHost {
public:
    void messageReceived(Message message) override { messages.push_back(std::move(message)); }
    void redisStateChanged(shared::admin::RedisState changed) override {
        state = changed;
        states.push_back(changed);
    }
    void clusterChanged(std::vector<shared::admin::ClusterNode> changed) override {
        nodes = std::move(changed);
        ++reads;
    }
    void duplicateFound(std::string sentence) override { duplicates.push_back(std::move(sentence)); }
    void errorSeen(shared::ErrorKind kind, std::string sentence) override {
        errors.emplace_back(kind, std::move(sentence));
    }

    bool isUp() const { return state == shared::admin::RedisState::Up; }
    bool knows(const std::string& id) const {
        return std::any_of(nodes.begin(), nodes.end(), [&id](const auto& node) { return node.id == id; });
    }
    auto errorsOf(shared::ErrorKind kind) const {
        return std::count_if(errors.begin(), errors.end(),
                             [kind](const auto& error) { return error.first == kind; });
    }

    std::vector<Message> messages;
    std::vector<shared::admin::RedisState> states;
    shared::admin::RedisState state = shared::admin::RedisState::None;
    std::vector<shared::admin::ClusterNode> nodes;
    int reads = 0;
    std::vector<std::string> duplicates;
    std::vector<std::pair<shared::ErrorKind, std::string>> errors;
};

} // namespace server
