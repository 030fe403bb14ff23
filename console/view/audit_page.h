// SPDX-License-Identifier: GPL-3.0-or-later
// Who did what; and the honest page for what no node offers. Main thread.
#pragma once
#include "console/model/audit_table.h"
#include "console/view/page.h"
#include "console/view/table_view.h"

namespace console {

class AuditPage : public Page {
    Q_OBJECT

public:
    explicit AuditPage(Desk desk, QWidget* parent = nullptr);
    void refresh(const Moment& moment) override;
    QJsonArray rows() const override;

private:
    AuditTable* m_audit;
    TableView* m_table;
    QLabel* m_empty;
    std::int64_t m_asked_ms = 0;
};

/// A page whose method no linked node announces, or that this console does not show yet.
class AbsentPage : public Page {
    Q_OBJECT

public:
    AbsentPage(Desk desk, const QString& objectName, const QString& what, const char* method,
               QWidget* parent = nullptr);
    void refresh(const Moment& moment) override;

private:
    QString m_what;
    const char* m_method;
    QLabel* m_text;
};

} // namespace console
