// SPDX-License-Identifier: GPL-3.0-or-later
// A drain from its estimate to its outcome, at the right of the page: what would happen, the order, progress,
// abort, resume. Main thread.
#pragma once
#include "console/model/drain_estimate.h"
#include "console/view/page.h"
#include <QDoubleSpinBox>
#include <QFrame>
#include <QLabel>
#include <QProgressBar>
#include <QPushButton>
#include <QSpinBox>
#include <optional>

namespace console {

class DrainPanel : public QFrame {
    Q_OBJECT

public:
    explicit DrainPanel(Desk desk, QWidget* parent = nullptr);
    /// Composes an order, or shows the drain that runs or has ended.
    void open(const QString& nodeKey);
    QString nodeKey() const { return m_key; }
    void refresh(const Moment& moment);

Q_SIGNALS:
    void closed();

private:
    enum class Stage : std::uint8_t { Compose, Asking, Running, Ended };
    void setStage(Stage stage);
    void estimate();
    void order();
    void abort();
    void resume();
    void showProgress(const OperationRecord& operation, const Moment& moment);
    void showEnd(const OperationRecord* operation);
    void complain(const QString& sentence);
    const NodeRecord* node() const { return m_desk.fleet.find(m_key); }
    const OperationRecord* operation() const;

    Desk m_desk;
    QString m_key;
    std::uint64_t m_operation = 0;
    Stage m_stage = Stage::Compose;
    std::int64_t m_estimated_ms = 0;
    bool m_isUtc = true;

    QLabel *m_title, *m_estimate, *m_others, *m_pace, *m_hindrance, *m_progressText, *m_ledger, *m_why,
        *m_outcome, *m_complaint;
    QWidget *m_compose, *m_running, *m_ended;
    QSpinBox *m_rate, *m_deadline, *m_grace;
    QPushButton *m_cancel, *m_confirm, *m_abort, *m_resume, *m_close;
    QProgressBar* m_bar;
};

} // namespace console
