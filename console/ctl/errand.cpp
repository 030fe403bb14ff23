// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/ctl/errand.h"
#include "shared/filter.h"
#include <QDateTime>
#include <cstdio>

namespace console {

namespace {

constexpr const char* DefaultAddress = "ws://127.0.0.1:7401/admin";

std::string codeName(ExitCode code) {
    switch (code) {
    case ExitCode::Fine:
        return "fine";
    case ExitCode::Usage:
        return "usage";
    case ExitCode::BadInput:
        return "bad-input";
    case ExitCode::Unavailable:
        return "unavailable";
    case ExitCode::Internal:
        return "internal";
    case ExitCode::InputOutput:
        return "io";
    case ExitCode::TryAgain:
        return "try-again";
    case ExitCode::Forbidden:
        return "forbidden";
    case ExitCode::Configuration:
        return "configuration";
    case ExitCode::Interrupted:
        return "interrupted";
    }
    return {};
}

} // namespace

Errand::Errand(const SubCommand& command, const Words& words, const QString& givenToken)
    : m_command(command), m_words(words), m_printer(words.isJson ? Printer::Form::Json : Printer::Form::Text),
      m_links(m_directory, [this, givenToken](const QUrl& url) {
          return givenToken.isEmpty() ? m_directory.tokenFor(url) : givenToken;
      }) {}

ExitCode Errand::run() {
    if (!isFilterFine())
        return ExitCode::Usage;
    if (m_command.reach == Reach::Nowhere)
        return m_command.run(*this);
    const auto urls = addresses();
    if (!urls)
        return usage(urls.error().message);
    const auto trust =
        TlsTrust::from(QString::fromStdString(m_words.caFile), QString::fromStdString(m_words.pin));
    if (!trust)
        return usage(trust.error().message);
    m_links.setTrust(*trust);
    const bool acts = m_command.reach == Reach::Acts;
    if (acts && !mayAct())
        return ExitCode::Usage;
    m_links.open(*urls, m_words.isFleet ? Fleet::Discovery::Link : Fleet::Discovery::Ignore);
    for (const auto& missed : m_links.missed())
        fail(missed.node, missed.error);
    // A node that was killed leaves its file behind: for who only looks, that is no failure of the others.
    if (!acts && m_words.nodes.empty() && !m_words.isFleet && !nodes().empty())
        m_worst = ExitCode::Fine;
    // Half of what was named is no place to act on: who sees the complaint decides.
    if (nodes().empty() || (acts && m_worst != ExitCode::Fine))
        return finish({});
    return m_command.run(*this);
}

shared::Result<std::vector<QUrl>> Errand::addresses() const {
    const auto found = m_directory.nodes();
    std::vector<QUrl> urls;
    for (const auto& address : m_words.nodes) {
        auto url = adminUrl(QString::fromStdString(address));
        for (const auto& node : found) {
            if (node.id.toStdString() == address)
                url = node.url;
        }
        if (!url.isValid())
            return shared::failure(shared::ErrorCode::BadRequest, "--node: '" + address +
                                                                      "' is no address, the nearest is '" +
                                                                      DefaultAddress + "'");
        urls.push_back(url);
    }
    if (urls.empty()) {
        for (const auto& node : found)
            urls.push_back(node.url);
    }
    if (urls.empty())
        urls.emplace_back(QLatin1String(DefaultAddress));
    return urls;
}

bool Errand::mayAct() const {
    const auto found = m_directory.nodes();
    if (found.size() < 2 || !m_words.nodes.empty() || m_words.isFleet)
        return true;
    std::string names;
    for (const auto& node : found)
        names += (names.empty() ? "" : ", ") + harmless(node.id);
    usage("there are " + std::to_string(found.size()) + " nodes here (" + names +
          "): name one with --node, or all with --all");
    return false;
}

bool Errand::isFilterFine() const {
    const auto filter = shared::Filter::parse(m_words.filter);
    if (!filter && m_command.name != "rooms")
        usage("--filter: " + filter.error().message);
    return filter || m_command.name == "rooms";
}

std::optional<std::int64_t> Errand::since_ms() const {
    if (m_words.since.empty())
        return 0;
    const auto age = seconds(m_words.since);
    if (!age) {
        usage("--since: " + age.error().message);
        return {};
    }
    return QDateTime::currentMSecsSinceEpoch() - std::int64_t(*age * 1000);
}

ExitCode Errand::usage(const std::string& sentence) const {
    complain(sentence);
    std::fprintf(stderr, "Try 'weirctl %.*s --help'\n", int(m_command.name.size()), m_command.name.data());
    return ExitCode::Usage;
}

void Errand::fail(const std::string& node, const shared::Error& error) {
    const auto code = exitCodeOf(error.code);
    worsen(code);
    complain(node + ": " + harmless(QString::fromStdString(error.message)));
    m_errors.append(QJsonObject{{QStringLiteral("node"), QString::fromStdString(node)},
                                {QStringLiteral("code"), QString::fromStdString(codeName(code))},
                                {QStringLiteral("message"), QString::fromStdString(error.message)}});
}

void Errand::fail(const NodeLink& node, const shared::Error& error, const QString& method) {
    if (error.code == shared::ErrorCode::UnknownOperation && !method.isEmpty())
        return fail(nameOf(node),
                    {error.code, "has no method " + method.toStdString() +
                                     ", its version does not offer it yet (" + error.message + ")"});
    fail(nameOf(node), error);
}

std::vector<std::pair<NodeLink*, QJsonObject>> Errand::ask(const QString& method, const QJsonObject& params) {
    std::vector<std::pair<NodeLink*, QJsonObject>> answers;
    for (auto& [link, result] : m_links.ask(nodes(), method, params)) {
        if (result)
            answers.emplace_back(link, std::move(*result));
        else
            fail(*link, result.error(), method);
    }
    return answers;
}

std::optional<QJsonObject> Errand::ask(NodeLink& node, const QString& method, const QJsonObject& params) {
    auto result = m_links.ask(node, method, params);
    if (result)
        return std::move(*result);
    fail(node, result.error(), method);
    return {};
}

QJsonArray Errand::askRows(const QString& method, const QJsonObject& params) {
    QJsonArray rows;
    for (const auto& [link, answer] : ask(method, params)) {
        for (const auto& value : answer.value(QStringLiteral("rows")).toArray()) {
            auto row = value.toObject();
            row.insert(QStringLiteral("node"), QString::fromStdString(nameOf(*link)));
            rows.append(row);
        }
    }
    return rows;
}

ExitCode Errand::show(const Columns& columns, const QJsonArray& rows, QJsonObject more) {
    if (!rows.isEmpty() || m_worst == ExitCode::Fine)
        m_printer.table(columns, rows);
    more.insert(QStringLiteral("rows"), rows);
    return finish(std::move(more));
}

ExitCode Errand::finish(QJsonObject object) {
    object.insert(QStringLiteral("errors"), m_errors);
    m_printer.json(object);
    return m_printer.isOpen() ? m_worst : worse(m_worst, ExitCode::InputOutput);
}

} // namespace console
