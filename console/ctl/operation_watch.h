// SPDX-License-Identifier: GPL-3.0-or-later
// Operations followed to their end, with progress on stderr. Main thread.
#pragma once
#include "console/ctl/errand.h"
#include <map>

namespace console {

class OperationWatch {
public:
    explicit OperationWatch(Errand& errand) : m_errand(errand) {}

    void add(NodeLink& node, std::uint64_t id) { m_watched[&node] = {id, {}}; }
    /// Returns when all have ended, or Ctrl-C. Fine: all are done; TryAgain: one was aborted; Unavailable: a
    /// link was lost. Prints the rows at last.
    ExitCode run();

private:
    struct Watched {
        std::uint64_t id = 0;
        std::optional<shared::admin::OperationRow> row;
        bool isOver = false;
    };
    void take(NodeLink& node, const shared::admin::OperationRow& row);
    void tell();
    bool isOver() const;
    std::string progress() const;
    ExitCode outcome();

    Errand& m_errand;
    std::map<NodeLink*, Watched> m_watched;
    std::string m_told;
};

const Columns& operationColumns();

} // namespace console
