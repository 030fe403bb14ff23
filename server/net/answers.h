// SPDX-License-Identifier: Apache-2.0
// What the three kinds of questions to a shard have in common: how long a listing may walk, and the way back
// to main. Shard thread.
#pragma once
#include "server/core/counters.h"
#include "server/core/mail.h"
#include <chrono>
#include <utility>

namespace server {

/// A listing that has not seen everything by then answers with what it has.
inline constexpr std::chrono::milliseconds ListTime{100};

inline void postAnswer(MainBox& main, Counters& counters, Answer answer) {
    if (main.postHandover(std::move(answer)) == Posted::Refused)
        counters.add(shared::Metric::MailboxRefusedTotal, shared::MailboxOf::Main);
}

} // namespace server
