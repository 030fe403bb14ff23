// SPDX-License-Identifier: Apache-2.0
#include "server/reference_pages.h"
#include "server/admin/commands.h"
#include "server/config_table.h"
#include "shared/close_reasons.h"
#include "shared/metrics.h"
#include <algorithm>
#include <fmt/format.h>

namespace server {

namespace {

constexpr const char* Made = "<!-- SPDX-License-Identifier: Apache-2.0 -->\n"
                             "<!-- Made by weir-reference from the tables in the source; change those. -->\n";

std::string_view sectionOf(const SettingRow& row) {
    return row.key.substr(0, row.key.find('.'));
}

std::string_view nameOf(const SettingRow& row) {
    return row.key.substr(row.key.find('.') + 1);
}

/// For a cell of a table.
std::string cell(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '|')
            out += '\\';
        out += c;
    }
    return out;
}

/// Comment lines of at most 100 columns.
std::string comment(std::string text) {
    constexpr std::size_t Columns = 98;
    std::string out;
    while (!text.empty()) {
        auto end = text.size() <= Columns ? text.size() : text.rfind(' ', Columns);
        end = end == std::string::npos ? text.size() : end;
        out += "# " + text.substr(0, end) + "\n";
        text.erase(0, std::min(end + 1, text.size()));
    }
    return out;
}

constexpr std::string_view OnlyDefault = "This version takes only the default.";

std::string sentence(const SettingRow& row) {
    std::string out = std::string(row.help) + ".";
    if (!row.choices.empty())
        out += fmt::format(" Allowed: {}.", allowedText(row));
    if (row.availability == Availability::NotInThisVersion)
        out += fmt::format(" {}", OnlyDefault);
    if (row.liveness == Liveness::Live)
        out += " (live)";
    return out;
}

std::string_view name(shared::MetricKind kind) {
    switch (kind) {
    case shared::MetricKind::Counter:
        return "counter";
    case shared::MetricKind::Gauge:
        return "gauge";
    case shared::MetricKind::Histogram:
        return "histogram";
    }
    return {};
}

std::string_view name(shared::Merge merge) {
    switch (merge) {
    case shared::Merge::Sum:
        return "sum";
    case shared::Merge::Max:
        return "max";
    case shared::Merge::None:
        return "each by itself";
    }
    return {};
}

std::string_view name(shared::Retry retry) {
    switch (retry) {
    case shared::Retry::No:
        return "no";
    case shared::Retry::Yes:
        return "yes";
    case shared::Retry::AsAsked:
        return "as asked";
    }
    return {};
}

/// Values that are the same on every node; a label that a node fills itself is named alone.
std::string labelText(const shared::Label& label) {
    if (label.values.size() == 1)
        return fmt::format("`{}`", label.name);
    return fmt::format("`{}`: {}", label.name, fmt::join(label.values, ", "));
}

} // namespace

const std::vector<RoomKey>& roomKeys() {
    static const std::vector<RoomKey> keys{
        {"match", "\"prices:*\"", "The room's name; * stands for anything. Each [[rooms]] needs it."},
        {"batch_size", "0", "Messages that go out as one batch-update, 1 to 10000; 0: each by itself."},
        {"batch_ms", "100", "Longest wait for a batch to fill, 1 to 60000."},
        {"stamp", "false", "Socket.IO clients get {seq, origin, ts} as last argument."}};
    return keys;
}

std::vector<std::string_view> sections() {
    std::vector<std::string_view> names;
    for (const auto& row : settingRows())
        if (names.empty() || names.back() != sectionOf(row))
            names.push_back(sectionOf(row));
    return names;
}

std::vector<Page> referencePages() {
    return {{"resources/node.toml", sampleConfiguration()},
            {"resources/docs/configuration.md", configurationPage()},
            {"resources/docs/metrics.md", metricsPage()},
            {"resources/docs/closing.md", closingPage()},
            {"resources/docs/admin_methods.md", adminMethodsPage()},
            {"resources/man/weir-node.8", programManual()},
            {"resources/man/weir-node.toml.5", configurationManual()}};
}

std::string sampleConfiguration() {
    std::string out = "# SPDX-License-Identifier: Apache-2.0\n"
                      "# Weirkeeper node: every setting with its default. Remove the leading \"#\" of a line "
                      "to change one.\n"
                      "# Order of precedence: built-in, this file (/etc/weirkeeper/node.toml or --config "
                      "FILE), environment\n"
                      "# (WEIR_SECTION_KEY), flags (--set section.key=value). What is marked (live) a "
                      "running node takes over at\n"
                      "# SIGHUP. Check with: weir-node --check-config\n";
    for (const auto section : sections()) {
        out += fmt::format("\n[{}]\n", section);
        for (const auto& row : settingRows())
            if (sectionOf(row) == section)
                out += comment(sentence(row)) +
                       fmt::format("#{} = {}\n", nameOf(row), settingText(row, Settings{}));
    }
    out += "\n# Rules for rooms, any number; the first that matches a room's name counts.\n#[[rooms]]\n";
    for (const auto& each : roomKeys())
        out += comment(std::string(each.help)) + fmt::format("#{} = {}\n", each.key, each.standard);
    return out;
}

std::string configurationPage() {
    std::string out =
        std::string(Made) +
        "# Configuration\n\n"
        "A setting comes from, weakest first: what is built in, the file (`/etc/weirkeeper/node.toml`, or "
        "`--config "
        "FILE`), the\nenvironment (`WEIR_SECTION_KEY`: `node.id` is `WEIR_NODE_ID`), and flags (`--set "
        "section.key=value` for any). In the\nenvironment and in flags a list is joined by commas. "
        "`weir-node --check-config` says what is wrong, with file, line and\nthe nearest valid key; "
        "`--print-config` says where each value comes from.\n\n"
        "Units are in the names. `0` means *no limit* or *off* unless the line says otherwise. "
        "[node.toml](../node.toml) holds\nevery key with its default.\n\n"
        "**Live** settings change while the node runs. SIGHUP reads file and environment again: the whole is "
        "refused "
        "if one value\nis wrong, what changed is logged, and so is what waits for a restart. `config.set` "
        "(`weirctl config set KEY VALUE`)\nchanges one of them until the node restarts, SIGHUP "
        "notwithstanding. "
        "Limits count from the next use: a client that is\nconnected keeps what it was told at its "
        "handshake. "
        "The token file is read again at SIGHUP too, and links whose token is\ngone end with 4401.\n\n"
        "A client listener on `unix:PATH` gets the permissions that the umask leaves, under systemd `UMask=` "
        "of the "
        "unit; a proxy\nthat runs as another user needs access to the socket and its directory. Its clients "
        "have the "
        "address `unix`.\n";
    for (const auto section : sections()) {
        out += fmt::format(
            "\n## [{}]\n\n| key | default | allowed | live | what it does |\n| --- | --- | --- | --- | "
            "--- |\n",
            section);
        for (const auto& row : settingRows()) {
            if (sectionOf(row) != section)
                continue;
            const bool isLater = row.availability == Availability::NotInThisVersion;
            out += fmt::format("| `{}` | `{}` | {} | {} | {} |\n", nameOf(row), settingText(row, Settings{}),
                               isLater ? "the default" : cell(allowedText(row)),
                               row.liveness == Liveness::Live ? "yes" : "",
                               cell(row.help) + (isLater ? ". *Not in this version.*" : ""));
        }
    }
    out += "\n## [[rooms]]\n\nAny number; the first that matches a room's name counts.\n\n| key | default | "
           "what it "
           "does |\n| --- | --- | --- |\n";
    for (const auto& each : roomKeys())
        out += fmt::format("| `{}` | {} | {} |\n", each.key,
                           each.key == "match" ? "" : fmt::format("`{}`", each.standard), cell(each.help));
    return out;
}

std::string metricsPage() {
    const shared::MetricCatalog catalog(1, {"version", "commit", "qt"});
    std::string out =
        std::string(Made) +
        "# Metrics\n\n"
        "`GET /metrics` on the ops listener gives them as Prometheus text, `stats.subscribe` on the admin "
        "channel as "
        "rows of\nnumbers. No label is ever an id, a room or a user. A histogram's buckets reach Prometheus "
        "with the "
        "bounds 1-2.5-5 × 10^n.\n*Merge* is how shards and nodes are put together; percentiles are computed "
        "from "
        "added buckets, never averaged.\n\n"
        "| metric | kind | unit | merge | labels | what it counts |\n| --- | --- | --- | --- | --- | --- |\n";
    for (const auto& row : catalog.rows()) {
        std::vector<std::string> labels;
        for (const auto& label : row.labels)
            labels.push_back(labelText(label));
        out += fmt::format("| `{}` | {} | {} | {} | {} | {} |\n", row.name, name(row.kind), row.unit,
                           name(row.merge), fmt::join(labels, "; "), cell(row.help));
    }
    return out;
}

std::string closingPage() {
    std::string out = std::string(Made) +
                      "# Why a connection was closed\n\n"
                      "Each end has a name, which is the label `reason` of `weir_closes_total`, and a "
                      "WebSocket close code. *Retry* "
                      "says\nwhether a client should come back by itself.\n\n"
                      "| reason | code | retry | sentence in the close frame |\n| --- | --- | --- | --- |\n";
    for (const auto& reason : shared::closeReasons())
        out += fmt::format("| `{}` | {} | {} | {} |\n", reason.name, reason.code, name(reason.retry),
                           cell(reason.sentence));
    out +=
        "\nA **drained** Socket.IO client gets the event `weir:reconnect` `{after_ms, reason}` and then the "
        "transport closed without\na Socket.IO DISCONNECT packet: official clients come back by themselves "
        "only "
        "then. An **evicted** one gets DISCONNECT in\neach of its namespaces, then the close, and stays away "
        "unless `reconnect: true` was asked for. JSON clients get\n`{\"op\":\"reconnect\",\"after_ms\"}` and "
        "1012, "
        "or 4410.\n";
    return out;
}

std::string adminMethodsPage() {
    std::string out =
        std::string(Made) +
        "# Admin methods\n\n"
        "JSON-RPC 2.0 on the WebSocket `/admin` of the ops listener: subprotocol `weirkeeper.admin.v1`, "
        "`Authorization: Bearer\nTOKEN`, one object a text frame. The first message, `hello`, announces "
        "these very "
        "methods and the metrics. A viewer may\ncall what reads; what changes needs the role operator, and "
        "is "
        "audited, also when it is refused.\n\n"
        "| method | parameters | effect | what it does |\n| --- | --- | --- | --- |\n";
    for (const auto& command : commands()) {
        std::vector<std::string> words;
        for (const auto& word : command.params)
            words.push_back("`" + word + "`");
        out += fmt::format("| `{}` | {} | {} | {} |\n", command.method, fmt::join(words, ", "),
                           command.effect == shared::admin::Effect::Changes ? "changes" : "reads",
                           cell(command.help));
    }
    return out;
}

} // namespace server
