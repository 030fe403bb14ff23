// SPDX-License-Identifier: GPL-3.0-or-later
// Connections of one or several nodes: filtered, sorted and paged by the nodes, merged here. Rows hold still:
// a refresh changes cells in place, new rows wait to be asked for, and acts bind to ids. Main thread.
#pragma once
#include "shared/admin_protocol.h"
#include "shared/result.h"
#include <QAbstractTableModel>
#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

namespace console {

enum class ConnectionColumn : std::uint8_t {
    Id,
    Address,
    User,
    Since,
    Idle,
    Queue,
    Rtt,
    Rooms,
    In,
    Out,
    Dialect,
    Count
};

/// A node to ask: the console's key, and its name for people.
struct NodeName {
    QString key, id;
    bool operator==(const NodeName&) const = default;
};
/// One connection in the whole fleet.
struct ConnectionName {
    QString nodeKey, nodeId, id;
    QString text() const { return nodeId + QLatin1Char('/') + id; }
    bool operator==(const ConnectionName&) const = default;
    bool operator<(const ConnectionName& other) const {
        return std::tie(nodeKey, id) < std::tie(other.nodeKey, other.id);
    }
};

class ConnectionTable : public QAbstractTableModel {
    Q_OBJECT

public:
    using Reply = std::function<void(shared::Result<shared::admin::ListAnswer>)>;
    using Fetch = std::function<void(const QString& nodeKey, const shared::admin::ListRequest&, Reply)>;
    static constexpr int PageRows = 500;
    static constexpr int MostRows = 20'000;
    enum Role { IsGoneRole = Qt::UserRole + 1 };

    explicit ConnectionTable(Fetch fetch, QObject* parent = nullptr);

    /// Begins again from the first page.
    void start(const std::vector<NodeName>& nodes, const QString& filter, shared::admin::SortKey sort,
               Qt::SortOrder order);
    /// Asks for what is loaded once more and changes it in place.
    void refresh();
    /// Takes in the rows that wait.
    void showNew();

    std::int64_t total() const;
    int newRows() const { return int(m_newRows.size()); }
    int answeredNodes() const;
    int askedNodes() const { return int(m_sources.size()); }
    bool isPartial() const;
    bool isLoading() const { return m_waiting > 0; }
    QString failureText() const { return m_failure; }

    ConnectionName nameAt(int row) const;
    const shared::admin::ConnectionRow* rowOf(const ConnectionName& connection) const;
    const shared::admin::ConnectionRow& at(int row) const { return m_rows[std::size_t(row)].row; }

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;
    bool canFetchMore(const QModelIndex& parent) const override;
    void fetchMore(const QModelIndex& parent) override;
    /// The sort key of a column, where the nodes can sort by it.
    static std::optional<shared::admin::SortKey> sortKeyOf(int column);

Q_SIGNALS:
    void stateChanged(); ///< totals, failures, waiting rows

private:
    struct Row {
        ConnectionName name;
        shared::admin::ConnectionRow row;
        std::array<QString, std::size_t(ConnectionColumn::Count)> cells;
        bool isGone = false; ///< the last refresh did not find it
    };
    struct Source {
        NodeName node;
        std::string cursor;
        std::deque<shared::admin::ConnectionRow> buffer; ///< sorted, not yet shown
        std::int64_t total = 0;
        int loaded = 0;
        bool hasMore = true, isAsked = false, hasAnswered = false, isPartial = false;
    };
    static Row rowFor(const NodeName& node, shared::admin::ConnectionRow row);
    bool goesBefore(const shared::admin::ConnectionRow& a, const shared::admin::ConnectionRow& b) const;
    void askForMore(std::size_t source);
    void pump();
    void takeRefresh(std::size_t source, const shared::admin::ListAnswer& answer);

    Fetch m_fetch;
    std::vector<Source> m_sources;
    std::vector<Row> m_rows;
    std::set<ConnectionName> m_known, m_newRows;
    std::string m_filter;
    shared::admin::SortKey m_sort = shared::admin::SortKey::Id;
    bool m_isDescending = false;
    int m_wanted = PageRows;
    int m_waiting = 0;
    std::uint64_t m_round = 0; ///< answers to an earlier start are ignored
    QString m_failure;
};

} // namespace console
