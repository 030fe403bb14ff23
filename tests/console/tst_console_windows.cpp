// SPDX-License-Identifier: Apache-2.0
// Two consoles in real windows and weirctl at one drain: one window aborts it, and all see it. And a viewer's
// window, which says why it may not act. Pictures are left in the folder WEIR_PICTURES.
#include <QTest> // first: moc cannot begin with <compare>

#include "console/console.h"
#include "console/model/fleet_model.h"
#include "tests/console/pointer.h"
#include "tests/contract/weirctl_fixture.h"
#include <QApplication>
#include <QDir>
#include <QLabel>
#include <QScreen>
#include <QTableView>
#include <QToolTip>

using namespace console;
using shared::admin::NodeState;
using shared::admin::OperationState;

namespace {

constexpr int Clients = 40;

/// A console of one operator in a window of its own.
struct Desktop {
    Desktop(const TwoNodes& nodes, const char* who) {
        ConsoleOptions options;
        options.addresses = {nodes.a.adminUrl().toString(), nodes.b.adminUrl().toString()};
        options.token = QStringLiteral("%1-token-0123456789").arg(QLatin1String(who));
        console = std::make_unique<Console>(options);
        window().setWindowTitle(QLatin1String(who));
        window().resize(1280, 800);
        window().move(0, 0);
        window().show();
        error = console->start();
    }
    MainWindow& window() const { return console->window(); }
    template <class Widget>
    Widget* named(const char* name) const {
        return window().findChild<Widget*>(QLatin1String(name));
    }
    /// Above the other windows, and the one that is typed to.
    bool raise() const {
        window().raise();
        window().activateWindow();
        return QTest::qWaitForWindowExposed(&window()) && QTest::qWaitForWindowActive(&window());
    }
    bool click(const char* name) const {
        auto* button = named<QPushButton>(name);
        return button &&
               QTest::qWaitFor([&] { return button->isVisible() && button->isEnabled(); }, Patience_ms) &&
               press(*button);
    }
    const NodeRecord* node(const char* id) const { return console->model().findId(QLatin1String(id)); }
    std::optional<NodeState> stateOf(const char* id) const {
        const auto* record = node(id);
        return record && record->announced ? std::optional(record->announced->state) : std::nullopt;
    }
    const OperationRecord* drain() const {
        const auto* record = node("ws-01");
        return record ? record->lastDrain() : nullptr;
    }
    bool isDraining() const {
        const auto* record = node("ws-01");
        return record && record->runningDrain() && record->runningDrain()->row.done > 0;
    }
    bool select(const char* id) const {
        auto* table = named<QTableView>("fleetTable");
        const auto tryIt = [&] {
            for (int row = 0; row < table->model()->rowCount(); ++row) {
                const auto index = table->model()->index(row, 1);
                if (index.data().toString() == QLatin1String(id))
                    (void)clickAt(*table->viewport(), table->visualRect(index).center());
            }
            const auto current = table->currentIndex().siblingAtColumn(1);
            return current.isValid() && current.data().toString() == QLatin1String(id);
        };
        // The worst node comes first: a row may move before the pointer is there.
        return QTest::qWaitFor(tryIt, Patience_ms);
    }
    bool saysOfTheDrain(const char* label, const char* words) const {
        const auto* text = named<QLabel>(label);
        return text->isVisible() && text->text().contains(QLatin1String(words));
    }
    /// What a person would see, tool tips and all.
    void picture(const char* name) const {
        const auto folder = QDir(qEnvironmentVariable("WEIR_PICTURES", QDir::tempPath()));
        folder.mkpath(QStringLiteral("."));
        const auto screen = window().screen()->grabWindow(0);
        screen.save(folder.filePath(QStringLiteral("windows-%1.png").arg(QLatin1String(name))));
    }

    std::unique_ptr<Console> console;
    QString error;
};

} // namespace

class ConsoleWindowsTest : public QObject {
    Q_OBJECT

    TwoNodes m_nodes;

private Q_SLOTS:
    void initTestCase() {
        QVERIFY2(m_nodes.start(), qPrintable(m_nodes.why()));
        m_nodes.addClients(m_nodes.a, Clients);
        QVERIFY(m_nodes.areIn());
        QApplication::setPalette(Theme(ThemeKind::Dark).palette());
    }

    void oneDrainTwoWindowsAndWeirctl() {
        const Desktop left(m_nodes, "alice");
        const Desktop right(m_nodes, "alice");
        for (const auto* desk : {&left, &right}) {
            QCOMPARE(desk->error, QString());
            QTRY_COMPARE_WITH_TIMEOUT(desk->stateOf("ws-01"), std::optional(NodeState::Ready), Patience_ms);
            QTRY_COMPARE_WITH_TIMEOUT(desk->stateOf("ws-02"), std::optional(NodeState::Ready), Patience_ms);
        }
        QProcess drain;
        startProgram(drain, QStringLiteral("weirctl"),
                     QStringList{"drain", "--wait", "--rate", "1", "--grace", "0", "--deadline", "600"} +
                         TwoNodes::only(m_nodes.a),
                     TwoNodes::as("alice"));
        for (const auto* desk : {&left, &right}) {
            QTRY_VERIFY_WITH_TIMEOUT(desk->isDraining() && desk->node("ws-01")->link == LinkState::Live,
                                     Patience_ms);
            QVERIFY(desk->raise());
            QVERIFY(desk->select("ws-01"));
            QVERIFY(desk->click("drainButton")); // "Show drain"
            QTRY_VERIFY_WITH_TIMEOUT(desk->saysOfTheDrain("drainProgressText", "left"), Patience_ms);
            desk->picture(desk == &left ? "drain-left" : "drain-right");
        }
        QVERIFY(!left.saysOfTheDrain("drainOutcome", "Stopped."));
        QVERIFY(right.click("abortButton"));
        for (const auto* desk : {&left, &right})
            QTRY_VERIFY_WITH_TIMEOUT(desk->saysOfTheDrain("drainOutcome", "Stopped."), Patience_ms);
        right.picture("stopped-right");
        QVERIFY(left.raise());
        left.picture("stopped-left");
        const auto end = outcomeOf(drain);
        VERIFY_EXIT(end, 75);
        QVERIFY2(end.err.contains("aborted"), end.err.constData());

        // And of how many, all say the same as the clients themselves.
        QVERIFY(left.drain() && right.drain());
        const auto closed = left.drain()->row.done;
        QVERIFY(closed > 0 && closed < Clients);
        QCOMPARE(right.drain()->row.done, closed);
        for (const auto* desk : {&left, &right}) {
            QCOMPARE(desk->drain()->row.state, OperationState::Aborted);
            QCOMPARE(desk->drain()->row.total, std::int64_t(Clients));
        }
        QTRY_COMPARE_WITH_TIMEOUT(m_nodes.gone(), qsizetype(closed), Patience_ms);
        QVERIFY2(end.err.contains("aborted, " + QByteArray::number(qint64(closed)) + " of "),
                 end.err.constData());

        QVERIFY(left.click("resumeButton"));
        for (const auto* desk : {&left, &right})
            QTRY_COMPARE_WITH_TIMEOUT(desk->stateOf("ws-01"), std::optional(NodeState::Ready), Patience_ms);
    }

    void aViewerIsToldWhy() {
        VERIFY_EXIT(
            TwoNodes::weirctl(QStringList{"drain", "--rate", "0.05", "--grace", "0", "--deadline", "600"} +
                              TwoNodes::only(m_nodes.b)),
            0);
        const Desktop desk(m_nodes, "bob");
        QTRY_COMPARE_WITH_TIMEOUT(desk.stateOf("ws-01"), std::optional(NodeState::Ready), Patience_ms);
        QVERIFY(desk.raise());
        const auto tellsWhy = [&](const char* name) {
            const auto* button = desk.named<QPushButton>(name);
            if (!button || !QTest::qWaitFor([&] { return button->isVisible(); }, Patience_ms) ||
                button->isEnabled())
                return false;
            // A tool tip comes when the pointer rests; it has to move there first.
            return QTest::qWaitFor(
                [&] {
                    (void)movePointer(*button, button->rect().center() - QPoint(9, 3));
                    (void)movePointer(*button, button->rect().center());
                    return QTest::qWaitFor(
                        [] {
                            return QToolTip::isVisible() && QToolTip::text() == "Your token may only look.";
                        },
                        3000);
                },
                Patience_ms);
        };
        QVERIFY(desk.select("ws-01"));
        QVERIFY(tellsWhy("drainButton"));
        QTest::qWait(300); // it fades in
        desk.picture("viewer-fleet");
        QVERIFY(tellsWhy("resumeNodeButton"));
        QVERIFY(tellsWhy("attentionButton0")); // ws-02 is drained, and would be resumed by it
        QCOMPARE(desk.named<QPushButton>("attentionButton0")->text(), QStringLiteral("Resume"));

        desk.window().showPage(PageKind::Connections);
        auto* connections = desk.named<QTableView>("connectionTable");
        QTRY_VERIFY_WITH_TIMEOUT(connections->isVisible() && connections->model()->rowCount() > 0,
                                 Patience_ms);
        QVERIFY(clickAt(*connections->viewport(),
                        connections->visualRect(connections->model()->index(0, 1)).center()));
        QTRY_COMPARE_WITH_TIMEOUT(connections->currentIndex().row(), 0, Patience_ms);
        QVERIFY(tellsWhy("evictButton"));
        QTest::qWait(300);
        desk.picture("viewer-connections");

        desk.window().showPage(PageKind::Operations);
        auto* operations = desk.named<QTableView>("operationTable");
        QTRY_VERIFY_WITH_TIMEOUT(operations->isVisible() && operations->model()->rowCount() > 0, Patience_ms);
        QVERIFY(clickAt(*operations->viewport(),
                        operations->visualRect(operations->model()->index(0, 1)).center()));
        QVERIFY(tellsWhy("abortOperation"));
        QTest::qWait(300);
        desk.picture("viewer-operations");
    }
};

int main(int argc, char** argv) {
    // Neither the profiles nor the nodes of whoever runs this.
    QTemporaryDir home;
    for (const auto* variable : {"HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"})
        qputenv(variable, home.path().toLocal8Bit());
    QApplication application(argc, argv);
    QApplication::setStyle(Theme::makeStyle());
    QApplication::setFont(Theme::body());
    ConsoleWindowsTest test;
    return QTest::qExec(&test, argc, argv);
}
#include "tst_console_windows.moc"
