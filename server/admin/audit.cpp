// SPDX-License-Identifier: Apache-2.0
#include "server/admin/audit.h"
#include <QJsonDocument>
#include <spdlog/spdlog.h>

namespace server {

using shared::admin::AuditRow;

namespace {

constexpr std::size_t MostRows = 10000, LongestText = 500;

QString numbered(const QString& path, int number) {
    return number == 0 ? path : path + QLatin1Char('.') + QString::number(number);
}

} // namespace

Audit::Audit(const std::string& file) {
    if (file.empty())
        return;
    m_file.setFileName(QString::fromStdString(file));
    for (int number = 1; number >= 0; --number) // two hold more than the memory does
        remember(numbered(m_file.fileName(), number));
    open();
}

void Audit::remember(const QString& path) {
    QFile file(path);
    if (!file.open(QIODevice::ReadOnly))
        return;
    while (!file.atEnd()) {
        // What a crash cut off, or somebody wrote by hand, is passed over.
        if (auto row = AuditRow::fromJson(QJsonDocument::fromJson(file.readLine(16384)).object()))
            keep(std::move(*row));
    }
}

bool Audit::open() {
    if (!m_file.open(QIODevice::Append))
        failed("opened");
    else if (!m_file.setPermissions(QFileDevice::ReadOwner | QFileDevice::WriteOwner))
        failed("kept for its owner alone");
    return m_file.isOpen();
}

void Audit::failed(const char* what) {
    if (!std::exchange(m_hasFailed, true))
        spdlog::warn("the audit file {} cannot be {}: {}", m_file.fileName().toStdString(), what,
                     m_file.errorString().toStdString());
}

void Audit::rotate() {
    m_file.close();
    const auto path = m_file.fileName();
    QFile::remove(numbered(path, OldFiles));
    for (int number = OldFiles - 1; number >= 0; --number)
        QFile::rename(numbered(path, number), numbered(path, number + 1));
    open();
}

void Audit::write(const AuditRow& row) {
    if (m_file.fileName().isEmpty())
        return;
    if (m_file.isOpen() && m_file.size() >= MostFileBytes)
        rotate();
    if (!m_file.isOpen() && !open())
        return;
    const auto line = QJsonDocument(row.toJson()).toJson(QJsonDocument::Compact) + '\n';
    if (m_file.write(line) != line.size() || !m_file.flush())
        failed("written");
    else
        m_hasFailed = false;
}

void Audit::keep(AuditRow row) {
    m_rows.push_back(std::move(row));
    if (m_rows.size() > MostRows)
        m_rows.pop_front();
}

void Audit::record(std::int64_t unixMs, const Operator& who, std::string what, std::string outcome) {
    what.resize(std::min(what.size(), LongestText));
    outcome.resize(std::min(outcome.size(), LongestText));
    spdlog::info("audit who={} from={} what=\"{}\" outcome=\"{}\"", who.name, who.from, what, outcome);
    AuditRow row{unixMs, who.name, who.from, std::move(what), std::move(outcome)};
    write(row);
    keep(std::move(row));
}

std::vector<AuditRow> Audit::rows(std::int64_t since_ms, std::size_t limit) const {
    std::vector<AuditRow> found;
    for (auto row = m_rows.rbegin(); row != m_rows.rend() && found.size() < limit; ++row)
        if (row->time_ms >= since_ms)
            found.push_back(*row);
    return found;
}

} // namespace server
