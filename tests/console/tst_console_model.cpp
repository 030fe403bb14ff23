// SPDX-License-Identifier: Apache-2.0
// The console's model without a window: history, percentiles, numbers as people read them, the verdict, the
// tables.
#include "console/model/attention.h"
#include "console/model/audit_table.h"
#include "console/model/connection_table.h"
#include "console/model/drain_estimate.h"
#include "console/model/format.h"
#include "console/model/history.h"
#include "console/model/node_table.h"
#include "console/model/operation_table.h"
#include "console/model/series.h"
#include <QAbstractItemModelTester>
#include <QSignalSpy>
#include <QTest>
#include <cmath>

using namespace console;
namespace admin = shared::admin;

namespace {

std::vector<admin::SeriesSpec> series() {
    const auto row = [](const char* name, std::vector<std::pair<std::string, std::string>> labels,
                        shared::MetricKind kind, double scale = 1) {
        return admin::SeriesSpec{name, std::move(labels), "", kind, shared::Merge::Sum, scale, ""};
    };
    return {row("weir_connections", {{"dialect", "socketio"}}, shared::MetricKind::Gauge),
            row("weir_connections", {{"dialect", "json"}}, shared::MetricKind::Gauge),
            row("weir_messages_total", {{"direction", "in"}}, shared::MetricKind::Counter),
            row("weir_delivery_seconds", {{"path", "local"}}, shared::MetricKind::Histogram, 1e-6)};
}

shared::Snapshot snapshot(double socketio, double json, double in,
                          const shared::SparseBuckets& delivery = {}) {
    shared::Snapshot result;
    result.interval_ms = 1000;
    result.values = {socketio, json, in, delivery};
    return result;
}

const Query ConnectionsQuery{"weir_connections", {}, Derive::Gauge};
const Query InQuery{"weir_messages_total", {{"direction", "in"}}, Derive::Rate};

Query deliveryQuery(double percent) {
    return {"weir_delivery_seconds", {}, Derive::Percentile, percent};
}

shared::SparseBuckets bucketsOf(std::uint64_t ticks, std::uint64_t count) {
    shared::Histogram histogram;
    histogram.add(ticks, count);
    return histogram.sparse();
}

admin::ConnectionRow connection(int number, std::int64_t queue = 0) {
    admin::ConnectionRow row;
    row.id = "0-" + std::to_string(number);
    row.address = "10.0.0." + std::to_string(number);
    row.dialect = "socketio";
    row.transport = "websocket";
    row.queue_bytes = queue;
    return row;
}

/// Nodes whose answers wait until the test gives them.
struct Answers {
    struct Ask {
        QString node;
        admin::ListRequest request;
        ConnectionTable::Reply reply;
    };
    std::vector<Ask> asks;
    ConnectionTable::Fetch fetch() {
        return [this](const QString& node, const admin::ListRequest& request, ConnectionTable::Reply reply) {
            asks.push_back({node, request, std::move(reply)});
        };
    }
    void give(const QString& node, std::vector<admin::ConnectionRow> rows, std::string cursor,
              std::int64_t total) {
        for (std::size_t i = 0; i < asks.size(); ++i) {
            if (asks[i].node != node)
                continue;
            const auto reply = std::move(asks[i].reply);
            asks.erase(asks.begin() + std::ptrdiff_t(i));
            return reply(admin::ListAnswer{std::move(rows), total, std::move(cursor), false});
        }
        QFAIL("nothing was asked");
    }
};

QStringList ids(const ConnectionTable& table) {
    QStringList result;
    for (int i = 0; i < table.rowCount(); ++i)
        result.append(table.nameAt(i).text());
    return result;
}

Situation ready(const char* id) {
    Situation node;
    node.key = QLatin1String(id);
    node.id = QLatin1String(id);
    node.link = LinkState::Live;
    node.wasHeard = true;
    node.figures.connections = 1000;
    node.figures.capacity = 20000;
    node.figures.p99_s = 0.02;
    node.figures.errors_per_s = 0;
    return node;
}

} // namespace

class ConsoleModelTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void numbersReadAsPeopleReadThem_data() {
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("expected");
        const auto row = [](const char* name, const QString& text, const char* expected) {
            QTest::newRow(name) << text << QString::fromUtf8(expected);
        };
        row("count", formatCount(481203), "481\u2009203");
        row("small count", formatCount(7), "7");
        row("million", formatCount(1234567), "1\u2009234\u2009567");
        row("negative", formatCount(-1234), "−1\u2009234");
        row("unknown count", formatCount(std::nan("")), "–");
        row("short whole", formatShort(41), "41");
        row("short fraction", formatShort(0.4), "0.4");
        row("short thousands", formatShort(32100), "32.1\u2009k");
        row("short millions", formatShort(1.24e6), "1.24\u2009M");
        row("short rounds up a unit", formatShort(999.9), "1.00\u2009k");
        row("short unknown", formatShort(std::nan("")), "–");
        row("milliseconds", formatSeconds(0.048), "48\u2009ms");
        row("few milliseconds", formatSeconds(0.0042), "4.2\u2009ms");
        row("seconds", formatSeconds(1.2), "1.2\u2009s");
        row("no time", formatSeconds(0), "0\u2009ms");
        row("seconds age", formatAge(14), "14\u2009s");
        row("minutes age", formatAge(12 * 60), "12\u2009min");
        row("hours age", formatAge(2 * 3600 + 14 * 60), "2h14");
        row("days age", formatAge(3 * 86400 + 4 * 3600), "3\u2009d 4\u2009h");
        row("negative age", formatAge(-5), "0\u2009s");
        row("bytes", formatBytes(412.0 * 1024 * 1024), "412\u2009MiB");
        row("no bytes", formatBytes(0), "0\u2009B");
        row("percent", formatPercent(0.96), "96\u2009%");
        row("small percent", formatPercent(0.003), "0.3\u2009%");
        row("optional unknown", orUnknown(std::nullopt, &formatCount), "–");
        row("clock", formatClock(1'000'000'000'000, true), "01:46:40");
    }
    void numbersReadAsPeopleReadThem() {
        QFETCH(QString, text);
        QFETCH(QString, expected);
        QCOMPARE(text, expected);
    }

    void tiersMergeByKind() {
        History history;
        history.announce(series());
        // Twenty seconds from a round minute: counters 5 a second, gauges rising from 1 to 20.
        const std::int64_t start_ms = 1'200'000;
        for (int i = 1; i <= 20; ++i)
            history.append(snapshot(i, 2, 5, bucketsOf(100, 3)), start_ms + i * 1000);
        QCOMPARE(history.size(Tier::Second), std::size_t(20));
        QCOMPARE(history.size(Tier::TenSeconds), std::size_t(2));
        QCOMPARE(history.size(Tier::Minute), std::size_t(1));
        const auto gauge = history.place(history.find("weir_connections", {{"dialect", "socketio"}}).front());
        const auto counter = history.place(history.find("weir_messages_total").front());
        const auto& first = history.at(Tier::TenSeconds, 0);
        QCOMPARE(first.covered_ms, 10'000);
        QCOMPARE(first.last[counter], 50.0);
        QCOMPARE(first.last[gauge], 10.0);
        QCOMPARE(first.most[gauge], 10.0);
        QCOMPARE(first.buckets[0].front().second, std::uint64_t(30));
        const auto& minute = history.at(Tier::Minute, 0);
        QCOMPARE(minute.last[counter], 100.0);
        QCOMPARE(minute.buckets[0].front().second, std::uint64_t(60));
    }

    void ringsAreBounded() {
        History history;
        history.announce(series());
        for (int i = 1; i <= 1500; ++i)
            history.append(snapshot(i, 0, 1), std::int64_t(i) * 1000);
        QCOMPARE(history.size(Tier::Second), spec(Tier::Second).most);
        QCOMPARE(history.at(Tier::Second, history.size(Tier::Second) - 1).end_ms, 1'500'000);
        QCOMPARE(history.size(Tier::TenSeconds), std::size_t(150));
    }

    void whatDoesNotFitIsIgnored() {
        History history;
        history.announce(series());
        history.append(snapshot(1, 1, 1), 2000);
        history.append(snapshot(2, 2, 2), 2000); // not newer
        history.append(snapshot(2, 2, 2), 1000);
        auto cut = snapshot(3, 3, 3);
        cut.values.pop_back();
        history.append(cut, 3000);
        QCOMPARE(history.size(Tier::Second), std::size_t(1));
    }

    void anotherSetOfSeriesKeepsWhatIsTheSame() {
        History history;
        history.announce(series());
        history.append(snapshot(7, 2, 5, bucketsOf(100, 3)), 1000);
        auto reordered = series();
        std::swap(reordered[0], reordered[3]);
        reordered.push_back({"weir_rooms", {}, "", shared::MetricKind::Gauge, shared::Merge::Sum, 1, ""});
        history.announce(reordered);
        const auto& sample = history.at(Tier::Second, 0);
        QCOMPARE(
            sample.last[history.place(history.find("weir_connections", {{"dialect", "socketio"}}).front())],
            7.0);
        QVERIFY(std::isnan(sample.last[history.place(history.find("weir_rooms").front())]));
        QCOMPARE(sample.buckets[history.place(history.find("weir_delivery_seconds").front())].front().second,
                 std::uint64_t(3));
    }

    void ratesAreASecondAtAnyInterval() {
        History history;
        history.announce(series());
        auto half = snapshot(1, 0, 50);
        half.interval_ms = 500;
        history.append(half, 500);
        auto two = snapshot(1, 0, 200);
        two.interval_ms = 2000;
        history.append(two, 2500);
        const auto drawn = points({&history}, InQuery, {0, 3000}, Tier::Second);
        QCOMPARE(drawn.size(), std::size_t(2));
        QCOMPARE(drawn[0].value, 100.0);
        QCOMPARE(drawn[1].value, 100.0);
    }

    void percentilesAreOfTheUnion() {
        // 99 quick ones on one node, 1 slow one on the other: the p99 of the fleet is neither the mean nor a
        // maximum.
        History quick, slow;
        quick.announce(series());
        slow.announce(series());
        shared::Histogram all;
        for (int i = 1; i <= 10; ++i) {
            quick.append(snapshot(1, 0, 0, bucketsOf(1000, 970)), i * 1000);
            slow.append(snapshot(1, 0, 0, bucketsOf(400'000, 30)), i * 1000);
            all.add(1000, 970);
            all.add(400'000, 30);
        }
        for (const double percent : {50.0, 95.0, 99.0}) {
            const auto value = latest({&quick, &slow}, deliveryQuery(percent), 10'000);
            QVERIFY(value);
            QCOMPARE(*value, all.percentile(percent) * 1e-6);
        }
        QVERIFY(*latest({&quick}, deliveryQuery(99), 10'000) < 0.002);
        const auto drawn = points({&quick, &slow}, deliveryQuery(99), {0, 10'000}, Tier::Second);
        QCOMPARE(drawn.back().value, all.percentile(99) * 1e-6);
    }

    void nothingMeasuredIsNotZero() {
        History history;
        history.announce(series());
        history.append(snapshot(1, 0, 0), 1000);
        QVERIFY(!latest({&history}, deliveryQuery(99), 10'000));
        QVERIFY(points({&history}, deliveryQuery(99), {0, 2000}, Tier::Second).front().isGap());
        QVERIFY(!latest({}, ConnectionsQuery, 0));
    }

    void gapsStayGaps() {
        History history;
        history.announce(series());
        for (const int second : {1, 2, 3, 9, 10})
            history.append(snapshot(5, 0, 1), second * 1000);
        const auto drawn = points({&history}, ConnectionsQuery, {0, 12'000}, Tier::Second);
        QCOMPARE(std::count_if(drawn.begin(), drawn.end(), [](const Point& point) { return point.isGap(); }),
                 1);
        const auto holes = gaps({&history}, {0, 20'000}, Tier::Second);
        QCOMPARE(holes.size(), std::size_t(2));
        QCOMPARE(holes[0], (Span{3000, 9000}));
        QCOMPARE(holes[1], (Span{10'000, 20'000}));
        QVERIFY(gaps({&history}, {9'000, 11'000}, Tier::Second).empty());
    }

    void fleetSumsTakeEachNodeOnce() {
        History one, two;
        one.announce(series());
        two.announce(series());
        // The second node's clock ticks half a second later, and its last samples are missing.
        for (int i = 1; i <= 20; ++i)
            one.append(snapshot(100, 0, 10), i * 1000);
        for (int i = 1; i <= 10; ++i)
            two.append(snapshot(30, 1, 4), i * 1000 + 500);
        const auto sums = points({&one, &two}, ConnectionsQuery, {0, 20'000}, Tier::Second);
        const auto at = [&](std::int64_t time_ms) {
            return std::find_if(sums.begin(), sums.end(),
                                [&](const Point& p) { return p.time_ms == time_ms; })
                ->value;
        };
        QCOMPARE(at(8000), 131.0);
        QCOMPARE(at(20'000), 100.0);
        const auto rates = points({&one, &two}, InQuery, {0, 8'000}, Tier::Second);
        QCOMPARE(rates.back().value, 14.0);
    }

    void thinningKeepsPeaksGapsAndTheNewest() {
        std::vector<Point> many;
        for (int i = 0; i < 900; ++i)
            many.push_back({i * 1000, i == 450 ? 1000.0 : double(i % 7)});
        many[200].value = std::nan("");
        const auto kept = thin(many, {0, 900'000}, 100);
        QVERIFY(kept.size() <= 220);
        QVERIFY(std::any_of(kept.begin(), kept.end(), [](const Point& p) { return p.value == 1000.0; }));
        QVERIFY(std::any_of(kept.begin(), kept.end(), [](const Point& p) { return p.isGap(); }));
        QCOMPARE(kept.back().time_ms, many.back().time_ms);
        QCOMPARE(kept.back().value, many.back().value);
        QVERIFY(
            std::is_sorted(kept.begin(), kept.end(), [](auto& a, auto& b) { return a.time_ms < b.time_ms; }));
    }

    void verdict_data() {
        QTest::addColumn<QList<int>>(
            "links"); // LinkState of each node, -1 … -4: live, but degraded, drained, draining, starting
        QTest::addColumn<QString>("verdict");
        QTest::addColumn<int>("worst");
        constexpr int Full = -1, NoRedis = -2, Drained = -3, Draining = -4;
        const auto live = int(LinkState::Live);
        const auto add = [](const char* name, QList<int> links, const char* verdict, Condition worst) {
            QTest::newRow(name) << links << QString::fromUtf8(verdict) << int(worst);
        };
        add("nobody", {}, "No node yet", Condition::Ready);
        add("one", {live}, "1 node is ready", Condition::Ready);
        add("two", {live, live}, "All 2 nodes are ready", Condition::Ready);
        add("connecting", {int(LinkState::Connecting)}, "Connecting to 1 node", Condition::Connecting);
        add("lost beside ready", {live, int(LinkState::Lost)}, "1 node needs you", Condition::Lost);
        add("stale beside ready", {live, int(LinkState::Stale)}, "1 node needs you", Condition::Stale);
        add("refused beside ready", {live, int(LinkState::Refused)}, "1 node needs you", Condition::Refused);
        add("only lost", {int(LinkState::Lost)}, "The node does not answer", Condition::Lost);
        add("only refused", {int(LinkState::Refused)}, "The node refuses us", Condition::Refused);
        add("blind", {int(LinkState::Lost), int(LinkState::Refused)}, "No node answers", Condition::Lost);
        add("full", {live, Full}, "1 node needs you", Condition::Degraded);
        add("without Redis", {NoRedis, NoRedis}, "2 nodes need you", Condition::Degraded);
        add("drained", {live, Drained}, "1 node needs you", Condition::Drained);
        add("draining", {live, Draining}, "1 node needs you", Condition::Draining);
        add("offered", {live, int(LinkState::Offered)}, "1 node is ready, 1 not linked", Condition::Offered);
        add("three troubles", {int(LinkState::Lost), Full, Draining, live}, "3 nodes need you",
            Condition::Lost);
    }
    void verdict() {
        QFETCH(QList<int>, links);
        QFETCH(QString, verdict);
        QFETCH(int, worst);
        std::vector<Situation> nodes;
        std::size_t troubled = 0;
        for (const int link : links) {
            nodes.push_back(ready(qPrintable(QStringLiteral("ws-%1").arg(nodes.size()))));
            auto& node = nodes.back();
            if (link >= 0) {
                node.link = LinkState(link);
                if (node.link == LinkState::Lost || node.link == LinkState::Refused)
                    node.figures = {};
                troubled += node.link != LinkState::Live && node.link != LinkState::Connecting ? 1 : 0;
                continue;
            }
            ++troubled;
            if (link == -1)
                node.figures.connections = 19'000;
            if (link == -2)
                node.redis = admin::RedisState::Away;
            if (link == -3)
                node.state = admin::NodeState::Drained;
            if (link == -4)
                node.state = admin::NodeState::Draining;
        }
        const auto attention = judge(nodes);
        QCOMPARE(attention.verdict, verdict);
        QCOMPARE(int(attention.worst), worst);
        QCOMPARE(attention.lines.size(), troubled);
        QVERIFY(std::is_sorted(attention.lines.begin(), attention.lines.end(),
                               [](const auto& a, const auto& b) { return a.condition < b.condition; }));
        for (const auto& line : attention.lines) {
            QCOMPARE(line.condition, attention.condition(line.key)); // the list and the table never disagree
            QVERIFY(line.text.contains(line.node));
        }
    }

    void capacityDegradesFromNinetyPercent() {
        auto node = ready("ws-1");
        node.figures.connections = 17'999;
        QCOMPARE(judge({node}).worst, Condition::Ready);
        node.figures.connections = 18'000;
        QCOMPARE(judge({node}).worst, Condition::Degraded);
    }

    void oneNodeOutIsOdd() {
        std::vector<Situation> nodes;
        for (int i = 0; i < 6; ++i) {
            nodes.push_back(ready(qPrintable(QStringLiteral("ws-%1").arg(i))));
            nodes.back().figures.p99_s = 0.018 + 0.001 * i;
        }
        QCOMPARE(judge(nodes).worst, Condition::Ready);
        nodes[3].figures.p99_s = 0.212;
        const auto attention = judge(nodes);
        QCOMPARE(attention.condition(QStringLiteral("ws-3")), Condition::Degraded);
        QCOMPARE(attention.lines.size(), std::size_t(1));
        QVERIFY(attention.lines.front().text.contains(QStringLiteral("212")));
        // Far out, but too small to matter to anybody.
        nodes[3].figures.p99_s = 0.045;
        QCOMPARE(judge(nodes).worst, Condition::Ready);
    }

    void standingDrainSaysWhy_data() {
        QTest::addColumn<int>("done");
        QTest::addColumn<double>("still_s");
        QTest::addColumn<double>("connections");
        QTest::addColumn<int>("pending");
        QTest::addColumn<int>("link");
        QTest::addColumn<QString>("part");
        const int live = int(LinkState::Live);
        QTest::newRow("moves") << 400 << 0.5 << 600.0 << 0 << live << "";
        QTest::newRow("grace") << 0 << 1.0 << 1000.0 << 0 << live << "load balancer to notice";
        QTest::newRow("arrivals") << 400 << 5.0 << 900.0 << 0 << live << "still arrive";
        QTest::newRow("pending") << 400 << 5.0 << 600.0 << 12 << live << "have not come back";
        QTest::newRow("stuck") << 400 << 9.0 << 600.0 << 0 << live << "nothing has moved";
        QTest::newRow("blind") << 400 << 1.0 << 600.0 << 0 << int(LinkState::Stale) << "link is lost";
    }
    void standingDrainSaysWhy() {
        QFETCH(int, done);
        QFETCH(double, still_s);
        QFETCH(double, connections);
        QFETCH(int, pending);
        QFETCH(int, link);
        QFETCH(QString, part);
        auto node = ready("ws-1");
        node.link = LinkState(link);
        node.figures.connections = connections;
        node.drainStill_s = still_s;
        node.drain.emplace();
        node.drain->kind = "drain";
        node.drain->done = done;
        node.drain->total = 1000;
        node.drain->pending = pending;
        const auto why = drainStandstill(node);
        QVERIFY2(part.isEmpty() ? why.isEmpty() : why.contains(part), qPrintable(why));
    }

    void drainEstimateSpreadsEvenly() {
        FleetModel fleet;
        for (const auto& [id, connections] :
             {std::pair{"a", 900.0}, {"b", 800.0}, {"c", 100.0}, {"d", 50.0}}) {
            auto& node = fleet.add(QLatin1String(id));
            node.id = QLatin1String(id);
            node.link = LinkState::Live;
            node.role = admin::Role::Operator;
            node.commands = {{"node.drain", {}, "", admin::Effect::Changes}};
            node.announced.emplace();
            node.announced->state =
                node.id == QLatin1String("d") ? admin::NodeState::Drained : admin::NodeState::Ready;
            node.announced->limits = {{"max_connections", 1000}};
            node.history.announce(series());
            node.history.append(snapshot(connections, 0, 0), 1000);
        }
        const auto* node = fleet.find(QStringLiteral("a"));
        QVERIFY(drainHindrance(node).isEmpty());
        const auto estimate = estimateDrain(fleet, *node, 0, 10);
        QCOMPARE(estimate.clients, 900.0);
        QCOMPARE(estimate.others.size(), std::size_t(2)); // not the drained one
        QCOMPARE(estimate.others.front().node, QStringLiteral("b"));
        QCOMPARE(estimate.others.front().after, 1250.0);
        QCOMPARE(*estimate.others.front().percent(), 1.25);
        QCOMPARE(estimate.pace_per_s, 112.5);
        QVERIFY(estimate.meetsDeadline);
        QVERIFY(!estimateDrain(fleet, *node, 10, 10).meetsDeadline);
        QVERIFY(!drainHindrance(fleet.find(QStringLiteral("d"))).isEmpty());
        QVERIFY(!drainHindrance(nullptr).isEmpty());
    }

    void lostNodeHasNoNumbers() {
        FleetModel fleet;
        auto& node = fleet.add(QStringLiteral("a"));
        node.id = QStringLiteral("ws-1");
        node.history.announce(series());
        node.history.append(snapshot(500, 0, 10), 1000);
        node.lastSample_ms = 1000;
        NodeTable table;
        QAbstractItemModelTester tester(&table, QAbstractItemModelTester::FailureReportingMode::QtTest);
        const auto cell = [&](NodeColumn column) { return table.index(0, int(column)).data().toString(); };
        node.link = LinkState::Live;
        table.refresh(fleet, judge(situations(fleet, 1500)), 1500, NodeTable::Order::WorstFirst);
        QCOMPARE(cell(NodeColumn::Connections), QStringLiteral("500"));
        node.link = LinkState::Stale;
        table.refresh(fleet, judge(situations(fleet, 5000)), 5000, NodeTable::Order::WorstFirst);
        QVERIFY(table.index(0, 0).data(NodeTable::IsGreyRole).toBool());
        for (const auto link : {LinkState::Lost, LinkState::Refused}) {
            node.link = link;
            table.refresh(fleet, judge(situations(fleet, 20'000)), 20'000, NodeTable::Order::WorstFirst);
            for (const auto column :
                 {NodeColumn::Connections, NodeColumn::Capacity, NodeColumn::In, NodeColumn::Out,
                  NodeColumn::P99, NodeColumn::Errors, NodeColumn::Memory, NodeColumn::Redis})
                QCOMPARE(cell(column), unknownText());
            QVERIFY(!figures(fleet).connections);
        }
    }

    void nodesKeepTheirPlaceUntilAConditionChanges() {
        FleetModel fleet;
        for (const auto* id : {"a", "b", "c"}) {
            auto& node = fleet.add(QLatin1String(id));
            node.id = QLatin1String(id);
            node.link = LinkState::Live;
            node.history.announce(series());
            node.history.append(snapshot(1, 0, 0), 1000);
        }
        NodeTable table;
        QAbstractItemModelTester tester(&table, QAbstractItemModelTester::FailureReportingMode::QtTest);
        const auto look = [&](NodeTable::Order order) {
            table.refresh(fleet, judge(situations(fleet, 1500)), 1500, order);
        };
        look(NodeTable::Order::WorstFirst);
        const QPersistentModelIndex watched = table.index(table.rowOf(QStringLiteral("c")), 0);
        QCOMPARE(table.keyAt(0), QStringLiteral("a"));
        fleet.find(QStringLiteral("c"))->link = LinkState::Lost;
        look(NodeTable::Order::Hold); // somebody points at the table
        QCOMPARE(table.keyAt(0), QStringLiteral("a"));
        fleet.find(QStringLiteral("b"))->link = LinkState::Refused;
        look(NodeTable::Order::WorstFirst);
        QCOMPARE(table.keyAt(0), QStringLiteral("c"));
        QCOMPARE(table.keyAt(1), QStringLiteral("b"));
        QCOMPARE(watched.data(NodeTable::KeyRole).toString(), QStringLiteral("c"));
        fleet.remove(QStringLiteral("c"));
        look(NodeTable::Order::WorstFirst);
        QCOMPARE(table.rowCount(), 2);
        QVERIFY(!watched.isValid());
    }

    void connectionPagesMergeBySortValue() {
        Answers answers;
        ConnectionTable table(answers.fetch());
        QAbstractItemModelTester tester(&table, QAbstractItemModelTester::FailureReportingMode::QtTest);
        table.start({{"A", "ws-a"}, {"B", "ws-b"}}, QStringLiteral("queue>1"), admin::SortKey::Queue,
                    Qt::DescendingOrder);
        QCOMPARE(answers.asks.size(), std::size_t(2));
        QCOMPARE(answers.asks[0].request.filter, std::string("queue>1"));
        QVERIFY(answers.asks[0].request.descending);
        answers.give("A", {connection(1, 90), connection(2, 50)}, "more", 3);
        QCOMPARE(table.rowCount(), 0); // the other node may have a longer queue
        answers.give("B", {connection(1, 70), connection(2, 60), connection(3, 10)}, "", 3);
        // After A's 50 nothing can be said until A's next page is here.
        QCOMPARE(ids(table), (QStringList{"ws-a/0-1", "ws-b/0-1", "ws-b/0-2", "ws-a/0-2"}));
        QCOMPARE(answers.asks.size(), std::size_t(1));
        QCOMPARE(answers.asks[0].request.cursor, std::string("more"));
        answers.give("A", {connection(2, 50), connection(3, 20)}, "",
                     3); // a row that moved between pages comes once
        QCOMPARE(ids(table),
                 (QStringList{"ws-a/0-1", "ws-b/0-1", "ws-b/0-2", "ws-a/0-2", "ws-a/0-3", "ws-b/0-3"}));
        QCOMPARE(table.total(), 6);
        QVERIFY(!table.canFetchMore({}));
    }

    void connectionRowsHoldStill() {
        Answers answers;
        ConnectionTable table(answers.fetch());
        QAbstractItemModelTester tester(&table, QAbstractItemModelTester::FailureReportingMode::QtTest);
        table.start({{"A", "ws-a"}}, {}, admin::SortKey::Queue, Qt::DescendingOrder);
        answers.give("A", {connection(1, 90), connection(2, 50), connection(3, 40)}, "", 3);
        table.refresh();
        QSignalSpy moved(&table, &QAbstractItemModel::rowsMoved);
        QSignalSpy reset(&table, &QAbstractItemModel::modelReset);
        answers.give("A", {connection(4, 900), connection(3, 800), connection(1, 5)}, "", 3);
        QCOMPARE(ids(table), (QStringList{"ws-a/0-1", "ws-a/0-2", "ws-a/0-3"}));
        QCOMPARE(table.at(2).queue_bytes, 800); // changed in place
        QVERIFY(table.index(1, 0).data(ConnectionTable::IsGoneRole).toBool());
        QVERIFY(!table.index(0, 0).data(ConnectionTable::IsGoneRole).toBool());
        QCOMPARE(table.newRows(), 1);
        QCOMPARE(moved.size() + reset.size(), 0);
        table.showNew();
        answers.give("A", {connection(4, 900), connection(3, 800), connection(1, 5)}, "", 3);
        QCOMPARE(ids(table), (QStringList{"ws-a/0-4", "ws-a/0-3", "ws-a/0-1"}));
        QCOMPARE(table.newRows(), 0);
    }

    void answersToAnEarlierQuestionAreIgnored() {
        Answers answers;
        ConnectionTable table(answers.fetch());
        table.start({{"A", "ws-a"}}, {}, admin::SortKey::Id, Qt::AscendingOrder);
        const auto late = std::move(answers.asks.front().reply);
        answers.asks.clear();
        table.start({{"A", "ws-a"}}, QStringLiteral("id=0-9"), admin::SortKey::Id, Qt::AscendingOrder);
        late(admin::ListAnswer{{connection(1)}, 1, "", false});
        QCOMPARE(table.rowCount(), 0);
        answers.give("A", {connection(9)}, "", 1);
        QCOMPARE(ids(table), QStringList{"ws-a/0-9"});
    }

    void aFailingNodeIsSaidAndDoesNotHideOthers() {
        Answers answers;
        ConnectionTable table(answers.fetch());
        table.start({{"A", "ws-a"}, {"B", "ws-b"}}, {}, admin::SortKey::Id, Qt::AscendingOrder);
        answers.asks.front().reply(shared::failure(shared::ErrorCode::Busy, "too busy"));
        answers.asks.erase(answers.asks.begin());
        answers.give("B", {connection(1)}, "", 1);
        QCOMPARE(ids(table), QStringList{"ws-b/0-1"});
        QVERIFY(table.failureText().contains(QStringLiteral("ws-a: too busy")));
        QCOMPARE(table.answeredNodes(), 1);
    }

    void operationsRunningFirst() {
        FleetModel fleet;
        auto& node = fleet.add(QStringLiteral("a"));
        node.link = LinkState::Live;
        admin::OperationRow row;
        row.kind = "drain";
        row.total = 100;
        row.done = 25;
        row.id = 1;
        row.started_ms = 1000;
        fleet.noteOperation(node, row, 1000, FleetModel::Told::Now);
        row.id = 2;
        row.started_ms = 2000;
        row.state = admin::OperationState::Aborted;
        fleet.noteOperation(node, row, 2000, FleetModel::Told::Before);
        QCOMPARE(node.operations.front().ended_ms, 0); // when it ended is not known
        OperationTable table;
        QAbstractItemModelTester tester(&table, QAbstractItemModelTester::FailureReportingMode::QtTest);
        table.refresh(fleet, true);
        QCOMPARE(table.nameAt(0).id, std::uint64_t(1));
        QCOMPARE(table.running(), 1);
        QCOMPARE(table.index(0, 0).data(OperationTable::ProgressRole).toDouble(), 0.25);
        node.link = LinkState::Lost; // what it does now is not known
        table.refresh(fleet, true);
        QCOMPARE(table.index(0, int(OperationColumn::State)).data().toString(), QStringLiteral("Not known"));
    }

    void auditNewestFirst() {
        AuditTable table;
        QAbstractItemModelTester tester(&table, QAbstractItemModelTester::FailureReportingMode::QtTest);
        table.take(QStringLiteral("a"),
                   {{1000, "alice", "here", "drain", "done"}, {3000, "alice", "here", "resume", "done"}});
        table.take(QStringLiteral("b"), {{2000, "bob", "there", "evict", "refused"}});
        table.take(QStringLiteral("a"), {{3000, "alice", "here", "resume", "done"}});
        QCOMPARE(table.rowCount(), 2);
        QCOMPARE(table.index(0, 4).data().toString(), QStringLiteral("resume"));
        QCOMPARE(table.index(1, 1).data().toString(), QStringLiteral("b"));
    }
};

QTEST_GUILESS_MAIN(ConsoleModelTest)
#include "tst_console_model.moc"
