// SPDX-License-Identifier: Apache-2.0
// Who did what to this node, refused acts too: the last 10,000 in memory, all in the log and in a file.
// Main thread.
#pragma once
#include "server/core/control.h"
#include <QFile>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace server {

class Audit {
public:
    /// Goes on with a file of JSON lines, for its owner alone; at 8 MiB it becomes FILE.1, and so on to
    /// FILE.4. Empty: memory and log alone.
    explicit Audit(const std::string& file = {});
    void record(std::int64_t unixMs, const Operator& who, std::string what, std::string outcome);
    /// Newest first, not older than `since_ms`.
    std::vector<shared::admin::AuditRow> rows(std::int64_t since_ms, std::size_t limit) const;

    static constexpr qint64 MostFileBytes = qint64(8) << 20;
    static constexpr int OldFiles = 4;

private:
    void keep(shared::admin::AuditRow row);
    void remember(const QString& path);
    void write(const shared::admin::AuditRow& row);
    bool open();
    void rotate();
    void failed(const char* what);

    std::deque<shared::admin::AuditRow> m_rows;
    QFile m_file;
    bool m_hasFailed = false; ///< said once, until it works again
};

} // namespace server
