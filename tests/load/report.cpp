// SPDX-License-Identifier: Apache-2.0
#include "tests/load/report.h"
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace {

constexpr double ShortestSeconds = 0.001;

double rounded(double value) {
    return std::round(value * 1000) / 1000;
}

/// Never above what was really the longest: a bucket's middle may be.
double latencyMs(const shared::Histogram& latency, Nanoseconds longest, double percent) {
    return rounded(std::min(latency.percentile(percent) / 1000, double(longest) / 1e6));
}

QJsonValue count(std::uint64_t value) {
    return QJsonValue(qint64(value));
}

unsigned long long number(std::uint64_t value) {
    return value;
}

QJsonObject broadcastJson(const BroadcastReport& broadcast) {
    const auto latency = [&broadcast](double percent) {
        return latencyMs(broadcast.latency, broadcast.longest, percent);
    };
    return {{"received", count(broadcast.received)},
            {"p50_ms", latency(50)},
            {"p99_ms", latency(99)},
            {"last_ms", rounded(double(broadcast.longest) / 1e6)}};
}

QJsonObject useJson(const ServerUse& use) {
    return {{"user_s", rounded(use.userSeconds)},
            {"system_s", rounded(use.systemSeconds)},
            {"resident_bytes", use.residentBytes}};
}

template <class... Values>
void line(std::string& text, const char* format, Values... values) {
    char buffer[256];
    std::snprintf(buffer, sizeof buffer, format, values...);
    text += buffer;
}

} // namespace

double Report::connectsPerSecond() const {
    return ramped > 0 ? double(ramped) / std::max(rampSeconds, ShortestSeconds) : 0;
}

double Report::deliveriesPerSecond() const {
    return double(measured) / std::max(seconds, ShortestSeconds);
}

void Report::add(const Report& part) {
    phase = std::min(phase, part.phase);
    asked += part.asked;
    open += part.open;
    ramped += part.ramped;
    rampSeconds = std::max(rampSeconds, part.rampSeconds);
    failed += part.failed;
    dropped += part.dropped;
    hinted += part.hinted;
    if (part.compressed)
        compressed = compressed.value_or(0) + *part.compressed;
    measured += part.measured;
    seconds = std::max(seconds, part.seconds);
    totals.sent += part.totals.sent;
    totals.expected += part.totals.expected;
    totals.received += part.totals.received;
    totals.lost += part.totals.lost;
    totals.duplicated += part.totals.duplicated;
    totals.reordered += part.totals.reordered;
    totals.deliveries += part.totals.deliveries;
    totals.longest = std::max(totals.longest, part.totals.longest);
    totals.latency.merge(part.totals.latency);
    if (part.seq) {
        SeqCheck::Totals& sum = seq ? *seq : seq.emplace();
        sum.missing += part.seq->missing;
        sum.duplicated += part.seq->duplicated;
        sum.reordered += part.seq->reordered;
    }
    for (std::size_t i = 0; i < part.storms.size(); ++i) {
        if (i == storms.size()) {
            storms.push_back(part.storms[i]);
            continue;
        }
        auto& storm = storms[i];
        storm.recoveredSeconds = std::max(storm.recoveredSeconds, part.storms[i].recoveredSeconds);
        storm.isRecovered = storm.isRecovered && part.storms[i].isRecovered;
        storm.stayed.merge(part.storms[i].stayed);
        storm.longest = std::max(storm.longest, part.storms[i].longest);
    }
    broadcast.received += part.broadcast.received;
    broadcast.latency.merge(part.broadcast.latency);
    broadcast.longest = std::max(broadcast.longest, part.broadcast.longest);
    pings.received += part.pings.received;
    pings.most += part.pings.most;
    if (part.server)
        server = part.server; // one part has it
    if (lastRefusal.empty())
        lastRefusal = part.lastRefusal;
}

std::string jsonText(const Report& report) {
    const auto& totals = report.totals;
    const auto latency = [&totals](double percent) {
        return latencyMs(totals.latency, totals.longest, percent);
    };
    QJsonObject messages{{"sent", count(totals.sent)},
                         {"expected", count(totals.expected)},
                         {"received", count(totals.received)},
                         {"lost", count(totals.lost)},
                         {"duplicated", count(totals.duplicated)},
                         {"reordered", count(totals.reordered)}};
    if (report.seq)
        messages.insert("seq", QJsonObject{{"missing", count(report.seq->missing)},
                                           {"duplicated", count(report.seq->duplicated)},
                                           {"reordered", count(report.seq->reordered)}});
    const auto scenario = name(report.scenario);
    QJsonObject connections{{"asked", report.asked},
                            {"open", report.open},
                            {"failed", count(report.failed)},
                            {"closed", count(report.dropped)},
                            {"hinted", count(report.hinted)}};
    if (report.compressed)
        connections.insert("compressed", count(*report.compressed));
    QJsonObject object{
        {"scenario", QString::fromUtf8(scenario.data(), qsizetype(scenario.size()))},
        {"connections", connections},
        {"connects_per_s", rounded(report.connectsPerSecond())},
        {"messages", messages},
        {"rate_per_s", rounded(report.deliveriesPerSecond())},
        {"latency_ms", QJsonObject{{"p50", latency(50)},
                                   {"p95", latency(95)},
                                   {"p99", latency(99)},
                                   {"max", rounded(double(totals.longest) / 1e6)}}},
        {"duration_s", rounded(report.seconds)},
    };
    if (report.scenario == Scenario::Storm) {
        QJsonArray storms;
        for (const auto& storm : report.storms)
            storms.append(
                QJsonObject{{"backoff", storm.backoff == Backoff::Yes},
                            {"recovered_s", storm.isRecovered ? QJsonValue(rounded(storm.recoveredSeconds))
                                                              : QJsonValue(QJsonValue::Null)},
                            {"stayed_p99_ms", latencyMs(storm.stayed, storm.longest, 99)}});
        object.insert("storm", storms);
    }
    if (report.broadcast.received > 0)
        object.insert("broadcast", broadcastJson(report.broadcast));
    if (report.pings.received > 0)
        object.insert("pings",
                      QJsonObject{{"received", count(report.pings.received)},
                                  {"mean_per_100ms", rounded(double(report.pings.received) / 10 /
                                                             std::max(report.seconds, ShortestSeconds))},
                                  {"most_per_100ms", count(report.pings.most)}});
    if (report.server)
        object.insert("server", QJsonObject{{"ramp", useJson(report.server->ramp)},
                                            {"run", useJson(report.server->run)}});
    return QJsonDocument(object).toJson(QJsonDocument::Compact).toStdString() + "\n";
}

std::string progressJson(const Report& report) {
    constexpr std::array<const char*, 8> Phases{"ramp",  "settling", "waiting", "measuring",
                                                "storm", "draining", "staying", "done"};
    const QJsonObject object{{"phase", Phases[std::size_t(report.phase)]},
                             {"asked", report.asked},
                             {"open", report.open},
                             {"failed", count(report.failed)},
                             {"closed", count(report.dropped)},
                             {"hinted", count(report.hinted)},
                             {"sent", count(report.totals.sent)},
                             {"received", count(report.totals.deliveries)},
                             {"broadcast", count(report.broadcast.received)}};
    return QJsonDocument(object).toJson(QJsonDocument::Compact).toStdString();
}

std::string plainText(const Report& report) {
    const auto& totals = report.totals;
    const auto latency = [&totals](double percent) {
        return latencyMs(totals.latency, totals.longest, percent);
    };
    std::string text;
    line(text,
         "connections  %d asked, %d open, %llu attempts failed, %llu closed by the server, %.0f connects/s\n",
         report.asked, report.open, number(report.failed), number(report.dropped),
         report.connectsPerSecond());
    if (report.scenario != Scenario::Idle) {
        line(text,
             "messages     %llu sent, %llu expected, %llu received, %llu lost, %llu duplicated, %llu "
             "reordered\n",
             number(totals.sent), number(totals.expected), number(totals.received), number(totals.lost),
             number(totals.duplicated), number(totals.reordered));
        if (report.seq)
            line(text, "by seq       %llu missing, %llu duplicated, %llu reordered\n",
                 number(report.seq->missing), number(report.seq->duplicated), number(report.seq->reordered));
        line(text, "received     %.0f messages/s over %.1f s\n", report.deliveriesPerSecond(),
             report.seconds);
        line(text, "latency      p50 %.2f ms, p95 %.2f ms, p99 %.2f ms, max %.2f ms\n", latency(50),
             latency(95), latency(99), double(totals.longest) / 1e6);
    }
    if (report.compressed)
        line(text, "compressed   %llu of those who joined\n", number(*report.compressed));
    if (report.broadcast.received > 0)
        line(text, "broadcast    %llu received, p50 %.2f ms, p99 %.2f ms, the last after %.2f ms\n",
             number(report.broadcast.received),
             latencyMs(report.broadcast.latency, report.broadcast.longest, 50),
             latencyMs(report.broadcast.latency, report.broadcast.longest, 99),
             double(report.broadcast.longest) / 1e6);
    if (report.server) {
        const auto& [ramp, run] = *report.server;
        line(text,
             "server       ramp %.2f s user, %.2f s system, %.0f bytes; run %.2f s user, %.2f s system\n",
             ramp.userSeconds, ramp.systemSeconds, ramp.residentBytes, run.userSeconds, run.systemSeconds);
    }
    for (const auto& storm : report.storms) {
        line(text, "storm        %s back-off: ", storm.backoff == Backoff::Yes ? "with" : "without");
        if (storm.isRecovered)
            line(text, "all back after %.2f s", storm.recoveredSeconds);
        else
            text += "not all back in time";
        line(text, ", p99 of those who stayed %.2f ms\n", latencyMs(storm.stayed, storm.longest, 99));
    }
    if (!report.lastRefusal.empty())
        line(text, "last refusal %s\n", report.lastRefusal.substr(0, 200).c_str());
    return text;
}

std::string progressText(const Report& now, const Report& before, double seconds) {
    std::string text;
    const auto since = now.totals.deliveries - std::min(before.totals.deliveries, now.totals.deliveries);
    line(text, "%d of %d open, %llu refused, %llu closed, %llu sent, %.0f received/s, p99 %.2f ms", now.open,
         now.asked, number(now.failed), number(now.dropped), number(now.totals.sent),
         double(since) / std::max(seconds, ShortestSeconds),
         latencyMs(now.totals.latency, now.totals.longest, 99));
    return text;
}
