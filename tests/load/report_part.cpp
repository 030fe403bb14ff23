// SPDX-License-Identifier: Apache-2.0
#include "tests/load/report.h"
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>

namespace {

QJsonValue whole(std::uint64_t value) {
    return QJsonValue(qint64(value));
}

std::uint64_t whole(const QJsonValue& value) {
    return std::uint64_t(std::max<qint64>(value.toInteger(), 0));
}

QJsonArray buckets(const shared::Histogram& histogram) {
    QJsonArray out;
    for (const auto& [bucket, count] : histogram.sparse())
        out.append(QJsonArray{bucket, whole(count)});
    return out;
}

QJsonArray use(const ServerUse& use) {
    return {use.userSeconds, use.systemSeconds, use.residentBytes};
}

ServerUse use(const QJsonValue& value) {
    const auto from = value.toArray();
    return {from[0].toDouble(), from[1].toDouble(), from[2].toDouble()};
}

void add(shared::Histogram& histogram, const QJsonValue& value) {
    shared::SparseBuckets sparse;
    for (const auto& pair : value.toArray())
        sparse.emplace_back(pair.toArray().at(0).toInt(-1), whole(pair.toArray().at(1)));
    histogram.addBuckets(sparse);
}

} // namespace

std::string partText(const Report& report) {
    const auto& totals = report.totals;
    QJsonObject object{{"scenario", int(report.scenario)},
                       {"asked", report.asked},
                       {"open", report.open},
                       {"ramped", report.ramped},
                       {"rampSeconds", report.rampSeconds},
                       {"failed", whole(report.failed)},
                       {"dropped", whole(report.dropped)},
                       {"hinted", whole(report.hinted)},
                       {"phase", int(report.phase)},
                       {"pings", whole(report.pings.received)},
                       {"pingsMost", whole(report.pings.most)},
                       {"broadcasts", whole(report.broadcast.received)},
                       {"broadcast", buckets(report.broadcast.latency)},
                       {"broadcastLongest", qint64(report.broadcast.longest)},
                       {"measured", whole(report.measured)},
                       {"seconds", report.seconds},
                       {"sent", whole(totals.sent)},
                       {"expected", whole(totals.expected)},
                       {"received", whole(totals.received)},
                       {"lost", whole(totals.lost)},
                       {"duplicated", whole(totals.duplicated)},
                       {"reordered", whole(totals.reordered)},
                       {"deliveries", whole(totals.deliveries)},
                       {"longest", qint64(totals.longest)},
                       {"latency", buckets(totals.latency)},
                       {"lastRefusal", QString::fromStdString(report.lastRefusal)}};
    if (report.compressed)
        object.insert("compressed", whole(*report.compressed));
    if (report.server)
        object.insert("server", QJsonArray{use(report.server->ramp), use(report.server->run)});
    if (report.seq)
        object.insert("seq", QJsonArray{whole(report.seq->missing), whole(report.seq->duplicated),
                                        whole(report.seq->reordered)});
    QJsonArray storms;
    for (const auto& storm : report.storms)
        storms.append(QJsonObject{{"backoff", storm.backoff == Backoff::Yes},
                                  {"recoveredSeconds", storm.recoveredSeconds},
                                  {"isRecovered", storm.isRecovered},
                                  {"stayed", buckets(storm.stayed)},
                                  {"longest", qint64(storm.longest)}});
    object.insert("storms", storms);
    return QJsonDocument(object).toJson(QJsonDocument::Compact).toStdString();
}

shared::Result<Report> parsePart(std::string_view text) {
    const auto document = QJsonDocument::fromJson(QByteArray(text.data(), qsizetype(text.size())));
    if (!document.isObject())
        return shared::failure(shared::ErrorCode::BadRequest, "a part's report is no JSON object");
    const QJsonObject object = document.object();
    Report report;
    report.scenario = Scenario(object["scenario"].toInt());
    report.asked = object["asked"].toInt();
    report.open = object["open"].toInt();
    report.ramped = object["ramped"].toInt();
    report.rampSeconds = object["rampSeconds"].toDouble();
    report.failed = whole(object["failed"]);
    report.dropped = whole(object["dropped"]);
    report.hinted = whole(object["hinted"]);
    report.phase = RunPhase(object["phase"].toInt());
    report.pings.received = whole(object["pings"]);
    report.pings.most = whole(object["pingsMost"]);
    report.broadcast.received = whole(object["broadcasts"]);
    add(report.broadcast.latency, object["broadcast"]);
    report.broadcast.longest = object["broadcastLongest"].toInteger();
    if (object.contains("compressed"))
        report.compressed = whole(object["compressed"]);
    if (const auto server = object["server"].toArray(); server.size() == 2)
        report.server = ServerReport{use(server[0]), use(server[1])};
    report.measured = whole(object["measured"]);
    report.seconds = object["seconds"].toDouble();
    auto& totals = report.totals;
    totals.sent = whole(object["sent"]);
    totals.expected = whole(object["expected"]);
    totals.received = whole(object["received"]);
    totals.lost = whole(object["lost"]);
    totals.duplicated = whole(object["duplicated"]);
    totals.reordered = whole(object["reordered"]);
    totals.deliveries = whole(object["deliveries"]);
    totals.longest = object["longest"].toInteger();
    add(totals.latency, object["latency"]);
    report.lastRefusal = object["lastRefusal"].toString().toStdString();
    if (const auto seq = object["seq"].toArray(); seq.size() == 3)
        report.seq = SeqCheck::Totals{whole(seq[0]), whole(seq[1]), whole(seq[2])};
    for (const auto& each : object["storms"].toArray()) {
        const QJsonObject from = each.toObject();
        StormReport storm;
        storm.backoff = from["backoff"].toBool() ? Backoff::Yes : Backoff::No;
        storm.recoveredSeconds = from["recoveredSeconds"].toDouble();
        storm.isRecovered = from["isRecovered"].toBool();
        add(storm.stayed, from["stayed"]);
        storm.longest = from["longest"].toInteger();
        report.storms.push_back(std::move(storm));
    }
    return report;
}
