// SPDX-License-Identifier: GPL-3.0-or-later
// Pages of rows from several nodes, put together in one order; and connections as they are named. Main
// thread.
#pragma once
#include "console/ctl/errand.h"
#include <map>

namespace console {

struct Listing {
    QJsonArray rows; ///< each with its `node`
    std::int64_t total = 0;
    bool isPartial = false;
};

/// As many rows as --limit says (100); `order` is a key of a row's JSON, with a leading '-' for descending,
/// or empty: node by node.
Listing list(Errand& errand, const QString& method, const QJsonObject& params, const QString& order);
/// What is said under a table that does not show all.
void tellRest(Errand& errand, const Listing& listing);
QJsonObject countsOf(const Listing& listing);

/// `NODE/SHARD-NUMBER` by node; without NODE/ when there is only one. Nothing after the complaint.
std::optional<std::map<NodeLink*, QJsonArray>> connectionsNamed(const Errand& errand);

} // namespace console
