// SPDX-License-Identifier: Apache-2.0
#include "tests/load/load_run.h"
#include <QJsonDocument>
#include <QJsonObject>
#include <algorithm>
#include <cmath>
#include <cstdio>

namespace {

double rounded(double value) {
    return std::round(value * 1000) / 1000;
}

/// Never above what was really the longest: a bucket's middle may be.
double latencyMs(const Ledger::Totals& totals, double percent) {
    return rounded(std::min(totals.latency.percentile(percent) / 1000, double(totals.longest) / 1e6));
}

QJsonValue count(std::uint64_t value) {
    return QJsonValue(qint64(value));
}

} // namespace

std::string jsonText(const Report& report) {
    const auto& totals = report.totals;
    const QJsonObject object{
        {"scenario",
         QString::fromUtf8(name(report.scenario).data(), qsizetype(name(report.scenario).size()))},
        {"connections",
         QJsonObject{{"asked", report.asked}, {"open", report.open}, {"failed", count(report.failed)}}},
        {"connects_per_s", rounded(report.connectsPerSecond)},
        {"messages", QJsonObject{{"sent", count(totals.sent)},
                                 {"expected", count(totals.expected)},
                                 {"received", count(totals.received)},
                                 {"lost", count(totals.lost)},
                                 {"duplicated", count(totals.duplicated)},
                                 {"reordered", count(totals.reordered)}}},
        {"rate_per_s", rounded(report.deliveriesPerSecond)},
        {"latency_ms", QJsonObject{{"p50", latencyMs(totals, 50)},
                                   {"p95", latencyMs(totals, 95)},
                                   {"p99", latencyMs(totals, 99)},
                                   {"max", rounded(double(totals.longest) / 1e6)}}},
        {"duration_s", rounded(report.seconds)},
    };
    return QJsonDocument(object).toJson(QJsonDocument::Compact).toStdString() + "\n";
}

std::string plainText(const Report& report) {
    const auto& totals = report.totals;
    std::string text;
    const auto line = [&text](const char* format, auto... values) {
        char buffer[256];
        std::snprintf(buffer, sizeof buffer, format, values...);
        text += buffer;
    };
    const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
    line("connections  %d asked, %d open, %llu attempts failed, %llu closed by the server, %.0f connects/s\n",
         report.asked, report.open, number(report.failed), number(report.dropped), report.connectsPerSecond);
    if (report.scenario != Scenario::Idle) {
        line("messages     %llu sent, %llu expected, %llu received, %llu lost, %llu duplicated, %llu "
             "reordered\n",
             number(totals.sent), number(totals.expected), number(totals.received), number(totals.lost),
             number(totals.duplicated), number(totals.reordered));
        line("received     %.0f messages/s over %.1f s\n", report.deliveriesPerSecond, report.seconds);
        line("latency      p50 %.2f ms, p95 %.2f ms, p99 %.2f ms, max %.2f ms\n", latencyMs(totals, 50),
             latencyMs(totals, 95), latencyMs(totals, 99), double(totals.longest) / 1e6);
    }
    if (!report.lastRefusal.empty())
        line("last refusal %s\n", report.lastRefusal.substr(0, 200).c_str());
    return text;
}
