// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/ctl/listing.h"
#include "shared/types.h"
#include <algorithm>
#include <cmath>

namespace console {

namespace {

constexpr std::int64_t StandardRows = 100, MostRows = 1'000'000;

/// The order of the nodes' pages holds in their union too; what has no value comes last.
void merge(QJsonArray& rows, const QString& order) {
    const bool isDescending = order.startsWith(QLatin1Char('-'));
    const auto key = order.mid(isDescending ? 1 : 0);
    std::vector<QJsonObject> sorted;
    for (const auto& row : rows)
        sorted.push_back(row.toObject());
    std::stable_sort(sorted.begin(), sorted.end(), [&](const QJsonObject& a, const QJsonObject& b) {
        const auto left = a.value(key);
        const auto right = b.value(key);
        if (left.isUndefined() || right.isUndefined())
            return !left.isUndefined() && right.isUndefined();
        if (left.isString())
            return isDescending ? right.toString() < left.toString() : left.toString() < right.toString();
        return isDescending ? right.toDouble() < left.toDouble() : left.toDouble() < right.toDouble();
    });
    rows = {};
    for (const auto& row : sorted)
        rows.append(row);
}

} // namespace

Listing list(Errand& errand, const QString& method, const QJsonObject& params, const QString& order) {
    const auto asked = std::int64_t(errand.words().limit.value_or(StandardRows));
    const auto most = asked == 0 ? MostRows : asked;
    Listing listing;
    for (auto* link : errand.nodes()) {
        QString cursor;
        std::int64_t taken = 0;
        bool isFirst = true;
        do {
            auto page = params;
            page.insert(QStringLiteral("limit"), qint64(std::min<std::int64_t>(most - taken, 1000)));
            if (!cursor.isEmpty())
                page.insert(QStringLiteral("cursor"), cursor);
            const auto answer = errand.ask(*link, method, page);
            if (!answer)
                break;
            for (const auto& value : answer->value(QStringLiteral("rows")).toArray()) {
                auto row = value.toObject();
                const auto node = QString::fromStdString(nameOf(*link));
                row.insert(QStringLiteral("node"), node);
                if (row.contains(QStringLiteral("id")))
                    row.insert(QStringLiteral("connection"),
                               node + QLatin1Char('/') + row[QLatin1String("id")].toString());
                listing.rows.append(row);
                ++taken;
            }
            if (isFirst)
                listing.total += answer->value(QStringLiteral("total")).toInteger();
            isFirst = false;
            listing.isPartial = listing.isPartial || answer->value(QStringLiteral("partial")).toBool();
            cursor = answer->value(QStringLiteral("cursor")).toString();
        } while (!cursor.isEmpty() && taken < most);
    }
    if (errand.nodes().size() > 1 && !order.isEmpty())
        merge(listing.rows, order);
    while (listing.rows.size() > most)
        listing.rows.removeLast();
    return listing;
}

void tellRest(Errand& errand, const Listing& listing) {
    if (errand.printer().isJson())
        return;
    if (listing.total > listing.rows.size())
        complain(std::to_string(listing.rows.size()) + " of " + std::to_string(listing.total) +
                 " shown; --limit 0 shows all");
    if (listing.isPartial)
        complain("a node was too busy to look at all: the list is not complete");
}

QJsonObject countsOf(const Listing& listing) {
    return {{QStringLiteral("total"), qint64(listing.total)}, {QStringLiteral("partial"), listing.isPartial}};
}

std::optional<std::map<NodeLink*, QJsonArray>> connectionsNamed(const Errand& errand) {
    std::map<NodeLink*, QJsonArray> named;
    const auto nodes = errand.nodes();
    for (const auto& word : errand.words().operands) {
        const auto slash = word.rfind('/');
        const auto number = slash == std::string::npos ? word : word.substr(slash + 1);
        const auto node = slash == std::string::npos ? std::string() : word.substr(0, slash);
        shared::ConnectionId id;
        if (!shared::ConnectionId::parse(number, id)) {
            errand.usage("'" + word +
                         "' is no connection, which is NODE/SHARD-NUMBER, for example 'ws-01/0-17'");
            return {};
        }
        const auto found = std::find_if(nodes.begin(), nodes.end(),
                                        [&](const NodeLink* link) { return nameOf(*link) == node; });
        if (node.empty() ? nodes.size() != 1 : found == nodes.end()) {
            errand.usage(node.empty() ? "'" + word + "' is of which node? Write NODE/" + word
                                      : "'" + node + "' is none of the nodes asked");
            return {};
        }
        named[node.empty() ? nodes.front() : *found].append(QString::fromStdString(number));
    }
    return named;
}

} // namespace console
