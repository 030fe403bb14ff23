// SPDX-License-Identifier: GPL-3.0-or-later
// One run of weirctl: what was asked, of which nodes, and how it is told. Main thread.
#pragma once
#include "console/ctl/exit_code.h"
#include "console/ctl/links.h"
#include "console/ctl/printer.h"
#include "console/ctl/sub_commands.h"
#include "console/ctl/words.h"
#include <optional>

namespace console {

class Errand {
public:
    Errand(const SubCommand& command, const Words& words, const QString& givenToken);

    ExitCode run();

    const Words& words() const { return m_words; }
    const SubCommand& command() const { return m_command; }
    Printer& printer() { return m_printer; }
    Links& links() { return m_links; }
    std::vector<NodeLink*> nodes() const { return m_links.nodes(); }
    const RunDirectory& directory() const { return m_directory; }

    /// Asks every node; who fails is told on stderr and kept for the JSON. Only answers are returned.
    std::vector<std::pair<NodeLink*, QJsonObject>> ask(const QString& method, const QJsonObject& params);
    std::optional<QJsonObject> ask(NodeLink& node, const QString& method, const QJsonObject& params);
    /// Rows of all nodes, each with its `node`.
    QJsonArray askRows(const QString& method, const QJsonObject& params);
    /// Prints rows in the asked form, with what failed, and says how the run ends.
    ExitCode show(const Columns& columns, const QJsonArray& rows, QJsonObject more = {});
    /// The same for what is no list.
    ExitCode finish(QJsonObject object);
    void fail(const NodeLink& node, const shared::Error& error, const QString& method = {});
    void fail(const std::string& node, const shared::Error& error);
    ExitCode worst() const { return m_worst; }
    void worsen(ExitCode code) { m_worst = worse(m_worst, code); }

    /// One line and `Try …`.
    ExitCode usage(const std::string& sentence) const;
    /// Several nodes are acted on only when that was said; false after the complaint.
    bool mayAct() const;
    /// The filter as the node would judge it; false after the complaint.
    bool isFilterFine() const;
    /// Now less --since, in ms; nothing after the complaint.
    std::optional<std::int64_t> since_ms() const;

private:
    shared::Result<std::vector<QUrl>> addresses() const;

    const SubCommand& m_command;
    const Words& m_words;
    RunDirectory m_directory;
    Printer m_printer;
    Links m_links;
    QJsonArray m_errors;
    ExitCode m_worst = ExitCode::Fine;
};

} // namespace console
