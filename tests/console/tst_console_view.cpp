// SPDX-License-Identifier: Apache-2.0
// The console's window against nodes that are only admin channels: every page in every state, by mouse and
// keyboard. Pictures of each are left in the folder that WEIR_PICTURES names.
#include "console/console.h"
#include "console/model/connection_table.h"
#include "console/view/evict_dialog.h"
#include "tests/console/fake_node.h"
#include <QAbstractItemView>
#include <QAbstractSpinBox>
#include <QApplication>
#include <QComboBox>
#include <QDialog>
#include <QDir>
#include <QJsonDocument>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSignalSpy>
#include <QSpinBox>
#include <QTableView>
#include <QTemporaryDir>
#include <QTest>
#include <QToolButton>

using namespace console;
using namespace std::chrono_literals;
namespace admin = shared::admin;

namespace {

constexpr int Patience_ms = 15'000;

NodeLink::Timing quickTiming() {
    NodeLink::Timing timing;
    timing.interval = 500ms;
    timing.poll = 300ms;
    timing.connect = 3s;
    timing.lostAfter = 3s;
    timing.answer = 3s;
    timing.firstRetry = 50ms;
    timing.mostRetry = 400ms;
    return timing;
}

/// A console on some nodes, in its window.
struct Desktop {
    explicit Desktop(const std::vector<FakeNode*>& nodes, ThemeKind theme = ThemeKind::Dark,
                     const QString& token = QStringLiteral("fake-token")) {
        ConsoleOptions options;
        for (const auto* node : nodes)
            options.addresses.append(node->url().toString());
        options.token = token;
        options.theme = theme;
        options.timing = quickTiming();
        QApplication::setPalette(Theme(theme).palette());
        console = std::make_unique<Console>(options);
        window().resize(1280, 800);
        window().show();
        error = console->start();
    }
    MainWindow& window() const { return console->window(); }
    template <class Type>
    Type* find(const char* name) const {
        return window().findChild<Type*>(QLatin1String(name));
    }
    QString verdict() const { return find<QLabel>("verdict")->text(); }
    const NodeRecord* node(const FakeNode& fake) const {
        return console->model().find(fake.url().toString());
    }
    bool isLive(const FakeNode& fake) const {
        return node(fake) && node(fake)->link == LinkState::Live && node(fake)->announced;
    }
    void select(const FakeNode& fake) const {
        auto* table = find<QTableView>("fleetTable");
        for (int row = 0; row < table->model()->rowCount(); ++row) {
            if (table->model()->index(row, 1).data().toString() == node(fake)->id)
                table->selectRow(row);
        }
    }
    void click(const char* name) const { QTest::mouseClick(find<QWidget>(name), Qt::LeftButton); }
    QJsonObject dump() const { return QJsonDocument::fromJson(console->dump()).object(); }

    std::unique_ptr<Console> console;
    QString error;
};

QDialog* openDialog(const char* name) {
    for (auto* widget : QApplication::topLevelWidgets()) {
        if (widget->objectName() == QLatin1String(name) && widget->isVisible())
            return qobject_cast<QDialog*>(widget);
    }
    return nullptr;
}

void savePicture(QWidget& widget, const QString& name) {
    const auto folder = qEnvironmentVariable("WEIR_PICTURES");
    if (folder.isEmpty())
        return;
    QDir().mkpath(folder);
    QVERIFY(widget.grab().save(QStringLiteral("%1/%2.png").arg(folder, name)));
}

/// What somebody who cannot see the window would be told, and what somebody who can would miss.
QStringList faults(const QWidget& root) {
    QStringList found;
    for (const auto* widget : root.findChildren<QWidget*>()) {
        if (!widget->isVisible())
            continue;
        const auto where = QStringLiteral("%1 %2").arg(QLatin1String(widget->metaObject()->className()),
                                                       widget->objectName());
        if (const auto* button = qobject_cast<const QAbstractButton*>(widget)) {
            if (button->text().isEmpty() && button->accessibleName().isEmpty() &&
                !QByteArray(widget->parent()->metaObject()->className()).startsWith("QLineEdit") &&
                !widget->objectName().startsWith(QLatin1String("qt_")) &&
                !widget->inherits("QTableCornerButton"))
                found.append(where + QStringLiteral(": a button without a name"));
            if (!button->text().isEmpty() &&
                button->fontMetrics().horizontalAdvance(button->text()) > button->width() - 4)
                found.append(where + QStringLiteral(": its text is cut: ") + button->text());
        }
        const bool isInput =
            qobject_cast<const QAbstractItemView*>(widget) || qobject_cast<const QLineEdit*>(widget) ||
            qobject_cast<const QComboBox*>(widget) || qobject_cast<const QAbstractSpinBox*>(widget);
        const bool isInner = widget->parent()->inherits("QAbstractSpinBox") ||
                             widget->parent()->inherits("QComboBox") || widget->inherits("QHeaderView");
        if (isInput && !isInner && widget->accessibleName().isEmpty())
            found.append(where + QStringLiteral(": without an accessible name"));
        if (const auto* label = qobject_cast<const QLabel*>(widget);
            label && !label->wordWrap() && !label->text().isEmpty() && label->textFormat() != Qt::RichText) {
            if (label->fontMetrics().horizontalAdvance(label->text()) > label->width() + 1)
                found.append(where + QStringLiteral(": its text is cut: ") + label->text());
        }
    }
    for (const auto* table : root.findChildren<QTableView*>()) {
        if (!table->isVisible())
            continue;
        for (int column = 0; column < table->model()->columnCount(); ++column) {
            if (table->isColumnHidden(column))
                continue;
            const int room = table->columnWidth(column) - 8;
            const auto title = table->model()->headerData(column, Qt::Horizontal).toString();
            if (table->fontMetrics().horizontalAdvance(title) > room)
                found.append(table->objectName() + QStringLiteral(": the title is cut: ") + title);
            for (int row = 0; row < std::min(40, table->model()->rowCount()); ++row) {
                const auto text = table->model()->index(row, column).data().toString();
                if (table->fontMetrics().horizontalAdvance(text) > room)
                    found.append(table->objectName() + QStringLiteral(": a cell is cut: ") + text);
            }
        }
    }
    return found;
}

} // namespace

class ConsoleViewTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void everyPageInEveryState_data() {
        QTest::addColumn<int>("theme");
        QTest::newRow("dark") << int(ThemeKind::Dark);
        QTest::newRow("light") << int(ThemeKind::Light);
    }
    void everyPageInEveryState() {
        QFETCH(int, theme);
        FakeNode calm("ws-01"), full("ws-02"), away("ws-03"), draining("ws-04"), lost("ws-05"),
            silent("ws-06"), secret("ws-07");
        for (auto* node : {&calm, &full, &away, &draining, &lost, &silent, &secret}) {
            node->traffic.connections = 15'000;
            node->makeRows(60);
        }
        full.traffic.connections = 19'214;
        full.traffic.errors_per_s = 41;
        full.traffic.latency_ms = 120;
        away.redis = admin::RedisState::Away;
        secret.token = "another";
        admin::ClusterNode far;
        far.id = "ws-19";
        far.ops = "10.9.8.7:7401";
        calm.cluster = {far};
        admin::OperationRow drain;
        drain.id = 1;
        drain.kind = "drain";
        drain.by = "alice";
        drain.started_ms = QDateTime::currentMSecsSinceEpoch();
        drain.total = 15'000;
        drain.rate_per_s = 100;
        draining.operations = {drain};
        draining.state = admin::NodeState::Draining;

        const Desktop desktop({&calm, &full, &away, &draining, &lost, &silent, &secret}, ThemeKind(theme));
        const auto suffix = QLatin1String(theme == int(ThemeKind::Dark) ? "dark" : "light");
        QTRY_VERIFY_WITH_TIMEOUT(desktop.isLive(lost) && desktop.isLive(silent) && desktop.isLive(draining),
                                 Patience_ms);
        lost.cut();
        silent.isSilent = true;
        QTRY_COMPARE_WITH_TIMEOUT(desktop.node(silent)->link, LinkState::Stale, Patience_ms);
        QTRY_COMPARE_WITH_TIMEOUT(desktop.node(lost)->link, LinkState::Lost, Patience_ms);
        QTRY_COMPARE_WITH_TIMEOUT(desktop.node(secret)->link, LinkState::Refused, Patience_ms);
        desktop.window().refresh();
        // Only the stale one still has numbers, and they are grey.
        QCOMPARE(desktop.verdict(), QStringLiteral("6 nodes need you"));
        const auto dump = desktop.dump();
        for (const auto& value : dump.value(QStringLiteral("nodes")).toArray()) {
            const auto node = value.toObject();
            const auto state = node.value(QStringLiteral("state")).toString();
            const bool isBlind = state == QLatin1String("lost") || state == QLatin1String("refused") ||
                                 state == QLatin1String("not-linked");
            QCOMPARE(node.value(QStringLiteral("connections")).isNull(), isBlind);
        }
        QCOMPARE(dump.value(QStringLiteral("attention")).toArray().size(), 7);
        for (std::size_t i = 0; i < PageNames.size(); ++i) {
            desktop.window().showPage(PageKind(i));
            QTest::qWait(600); // answers of the page's own questions; nothing depends on it but the picture
            desktop.window().refresh();
            savePicture(desktop.window(),
                        QStringLiteral("trouble-%1-%2").arg(QLatin1String(PageNames[i]), suffix));
            const auto found = faults(desktop.window());
            QVERIFY2(found.isEmpty(), qPrintable(found.join(QLatin1Char('\n'))));
        }
    }

    void nobodyYet() {
        ConsoleOptions options;
        options.timing = quickTiming();
        QApplication::setPalette(Theme(ThemeKind::Light).palette());
        options.theme = ThemeKind::Light;
        Console console(options);
        console.window().resize(1280, 800);
        console.window().show();
        QCOMPARE(console.start(), QString());
        QTest::qWait(300);
        console.window().refresh();
        QCOMPARE(console.window().findChild<QLabel*>(QStringLiteral("verdict"))->text(),
                 QStringLiteral("No node yet"));
        QVERIFY(console.window().findChild<QWidget*>(QStringLiteral("welcome"))->isVisible());
        for (int i = 0; i < 5; ++i)
            QCOMPARE(console.window().findChild<QLabel*>(QStringLiteral("figure%1").arg(i))->text(),
                     QStringLiteral("–"));
        savePicture(console.window(), QStringLiteral("empty-fleet-light"));
        QVERIFY2(faults(console.window()).isEmpty(),
                 qPrintable(faults(console.window()).join(QLatin1Char('\n'))));
    }

    void addressesThatMakeNoSense() {
        ConsoleOptions options;
        options.addresses = QStringList{QStringLiteral("ftp://somewhere")};
        Console console(options);
        QVERIFY(!console.start().isEmpty());
    }

    void drainAbortResume() {
        FakeNode one("ws-01"), two("ws-02");
        one.traffic.connections = 1200;
        one.drainRate_per_s = 100;
        const Desktop desktop({&one, &two});
        QTRY_VERIFY_WITH_TIMEOUT(desktop.isLive(one) && desktop.isLive(two), Patience_ms);
        desktop.window().refresh();
        QVERIFY(!desktop.find<QPushButton>("drainButton")->isEnabled()); // nothing is selected
        desktop.select(one);
        desktop.click("drainButton");
        auto* panel = desktop.find<QWidget>("drainPanel");
        QVERIFY(panel->isVisible());
        QCOMPARE(QApplication::focusWidget(), desktop.find<QWidget>("cancelDrain"));
        QCOMPARE(desktop.find<QPushButton>("confirmDrain")->text(),
                 QStringLiteral("Drain 1\u2009200 clients"));
        desktop.find<QSpinBox>("drainRate")->setValue(100);
        desktop.find<QSpinBox>("drainDeadline")->setValue(60);
        desktop.find<QSpinBox>("drainGrace")->setValue(0);
        QVERIFY(desktop.find<QLabel>("drainPace")->text().contains(QStringLiteral("12\u2009s")));
        QTest::qWait(300);
        savePicture(desktop.window(), QStringLiteral("drain-compose-dark"));
        QVERIFY2(faults(desktop.window()).isEmpty(),
                 qPrintable(faults(desktop.window()).join(QLatin1Char('\n'))));
        QVERIFY(one.log.isEmpty());
        desktop.click("confirmDrain");
        QTRY_VERIFY_WITH_TIMEOUT(!one.log.isEmpty(), Patience_ms);
        QCOMPARE(one.log.front(),
                 QStringLiteral(R"(node.drain {"deadline_s":60,"grace_s":0,"rate_per_s":100})"));
        QVERIFY(two.log.isEmpty());
        auto* abort = desktop.find<QPushButton>("abortButton");
        QTRY_VERIFY_WITH_TIMEOUT(abort->isVisible() && abort->isEnabled(), Patience_ms);
        auto* text = desktop.find<QLabel>("drainProgressText");
        QTRY_VERIFY_WITH_TIMEOUT(text->text().contains(QStringLiteral("left · 100/s")), Patience_ms);
        QTRY_VERIFY_WITH_TIMEOUT(desktop.node(one)->runningDrain() &&
                                     desktop.node(one)->runningDrain()->row.done > 0,
                                 Patience_ms);
        desktop.window().refresh();
        savePicture(desktop.window(), QStringLiteral("drain-running-dark"));
        desktop.click("abortButton");
        auto* outcome = desktop.find<QLabel>("drainOutcome");
        QTRY_VERIFY_WITH_TIMEOUT(
            outcome->isVisible() && outcome->text().startsWith(QStringLiteral("Stopped.")), Patience_ms);
        savePicture(desktop.window(), QStringLiteral("drain-stopped-dark"));
        QCOMPARE(one.log.back(), QStringLiteral(R"(operations.abort {"id":1})"));
        desktop.click("resumeButton");
        QTRY_COMPARE_WITH_TIMEOUT(one.log.back(), QStringLiteral("node.resume {}"), Patience_ms);
        QTRY_COMPARE_WITH_TIMEOUT(desktop.node(one)->announced->state, admin::NodeState::Ready, Patience_ms);
        QTest::keyClick(&desktop.window(), Qt::Key_Escape);
        QVERIFY(!panel->isVisible());
    }

    void drainToTheEndByKeyboard() {
        FakeNode one("ws-01"), two("ws-02");
        one.traffic.connections = 40;
        const Desktop desktop({&one, &two}, ThemeKind::Light);
        QTRY_VERIFY_WITH_TIMEOUT(desktop.isLive(one) && desktop.isLive(two), Patience_ms);
        desktop.window().refresh();
        desktop.select(one);
        QTest::keyClick(desktop.find<QWidget>("fleetTable"), Qt::Key_D);
        QVERIFY(desktop.find<QWidget>("drainPanel")->isVisible());
        QTest::keyClick(QApplication::focusWidget(), Qt::Key_Tab);
        QCOMPARE(QApplication::focusWidget(), desktop.find<QWidget>("confirmDrain"));
        QTest::keyClick(QApplication::focusWidget(), Qt::Key_Space);
        auto* outcome = desktop.find<QLabel>("drainOutcome");
        QTRY_VERIFY_WITH_TIMEOUT(
            outcome->isVisible() && outcome->text().startsWith(QStringLiteral("Drained in")), Patience_ms);
        QTRY_COMPARE_WITH_TIMEOUT(desktop.verdict(), QStringLiteral("1 node needs you"), Patience_ms);
        savePicture(desktop.window(), QStringLiteral("drain-done-light"));
        desktop.window().showPage(PageKind::Operations);
        desktop.window().refresh();
        QCOMPARE(desktop.find<QTableView>("operationTable")->model()->rowCount(), 1);
        savePicture(desktop.window(), QStringLiteral("operations-done-light"));
    }

    void aViewerMayOnlyLook() {
        FakeNode one("ws-01");
        one.role = admin::Role::Viewer;
        one.makeRows(5);
        const Desktop desktop({&one});
        QTRY_VERIFY_WITH_TIMEOUT(desktop.isLive(one), Patience_ms);
        desktop.window().refresh();
        desktop.select(one);
        const QString reason = QStringLiteral("Your token may only look.");
        const auto isRefused = [&](const char* button) {
            const auto* act = desktop.find<QPushButton>(button);
            return !act->isEnabled() && act->toolTip() == reason;
        };
        QVERIFY(isRefused("drainButton"));
        QVERIFY(isRefused("resumeNodeButton"));

        // Somebody else's drain: what the viewer sees of it cannot be stopped.
        admin::OperationRow drain;
        drain.id = 7;
        drain.kind = "drain";
        drain.by = "alice";
        drain.total = 100000;
        drain.rate_per_s = 0.1;
        one.operations.push_back(drain);
        one.cut();
        one.heal();
        desktop.window().showPage(PageKind::Operations);
        auto* operations = desktop.find<QTableView>("operationTable");
        QTRY_VERIFY_WITH_TIMEOUT((desktop.window().refresh(), operations->model()->rowCount() == 1),
                                 Patience_ms);
        operations->selectRow(0);
        QVERIFY(isRefused("abortOperation"));

        desktop.window().showPage(PageKind::Connections);
        auto* connections = desktop.find<QTableView>("connectionTable");
        QTRY_VERIFY_WITH_TIMEOUT(connections->model()->rowCount() > 0, Patience_ms);
        connections->selectRow(0);
        desktop.window().refresh();
        QVERIFY(isRefused("evictButton"));
        QTest::keyClick(connections, Qt::Key_Delete);
        QVERIFY(!desktop.window().findChild<EvictDialog*>());
        // Nothing but looking reached the node.
        for (const auto& asked : one.log)
            QVERIFY2(!asked.startsWith("node.") && !asked.startsWith("operations.abort") &&
                         !asked.startsWith("connections.evict"),
                     qPrintable(asked));
    }

    void evictTheSelectedById() {
        FakeNode one("ws-01"), two("ws-02");
        one.makeRows(30);
        two.makeRows(30);
        one.traffic.connections = two.traffic.connections = 30;
        const Desktop desktop({&one, &two});
        QTRY_VERIFY_WITH_TIMEOUT(desktop.isLive(one) && desktop.isLive(two), Patience_ms);
        QTest::keyClick(&desktop.window(), Qt::Key_3, Qt::ControlModifier);
        QCOMPARE(desktop.window().page(), PageKind::Connections);
        auto* table = desktop.find<QTableView>("connectionTable");
        QTRY_COMPARE_WITH_TIMEOUT(table->model()->rowCount(), 60, Patience_ms);
        QVERIFY(!desktop.find<QPushButton>("evictButton")->isEnabled());
        const auto cell = table->visualRect(table->model()->index(3, 0)).center();
        QTest::mouseClick(table->viewport(), Qt::LeftButton, {}, cell);
        const auto chosen = table->model()->index(3, 0).data().toString();
        QVERIFY(chosen.startsWith(QStringLiteral("ws-02/")));
        // Others leave meanwhile: the act stays with the id that was seen.
        one.rows.erase(one.rows.begin());
        QTRY_VERIFY_WITH_TIMEOUT(
            desktop.find<QLabel>("connectionDetails")->text().contains(QStringLiteral("lobby")), Patience_ms);
        savePicture(desktop.window(), QStringLiteral("connections-details-dark"));
        desktop.click("evictButton");
        auto* dialog = openDialog("evictDialog");
        QVERIFY(dialog);
        QCOMPARE(dialog->focusWidget(), dialog->findChild<QWidget*>(QStringLiteral("cancelEvict")));
        auto* confirm = dialog->findChild<QPushButton*>(QStringLiteral("confirmEvict"));
        QCOMPARE(confirm->text(), QStringLiteral("Evict 1 client"));
        QVERIFY(dialog->findChild<QLabel*>(QStringLiteral("evictWho"))->text().contains(chosen));
        dialog->findChild<QLineEdit*>(QStringLiteral("evictReason"))->setText(QStringLiteral("too loud"));
        savePicture(*dialog, QStringLiteral("evict-dark"));
        QTest::mouseClick(confirm, Qt::LeftButton);
        auto* outcome = dialog->findChild<QLabel*>(QStringLiteral("evictOutcome"));
        QTRY_VERIFY_WITH_TIMEOUT(outcome->isVisible(), Patience_ms);
        QCOMPARE(outcome->text(), QStringLiteral("1 closed."));
        const auto asked = two.log.filter(QStringLiteral("connections.evict"));
        QCOMPARE(asked.size(), 1);
        QVERIFY2(asked.front().contains(QStringLiteral(R"("ids":["%1"])").arg(chosen.mid(6))),
                 qPrintable(asked.front()));
        QVERIFY(asked.front().contains(QStringLiteral("too loud")));
        QVERIFY(one.log.filter(QStringLiteral("connections.evict")).isEmpty());
        QTRY_VERIFY_WITH_TIMEOUT(table->model()->index(3, 0).data(ConnectionTable::IsGoneRole).toBool(),
                                 Patience_ms);
        QCOMPARE(table->model()->index(3, 0).data().toString(), chosen); // it holds still
        dialog->close();
    }

    void filterMistakeStandsUnderItsColumn() {
        FakeNode one("ws-01");
        one.makeRows(20);
        const Desktop desktop({&one});
        QTRY_VERIFY_WITH_TIMEOUT(desktop.isLive(one), Patience_ms);
        QTest::keyClick(&desktop.window(), Qt::Key_Slash);
        auto* filter = desktop.find<QLineEdit>("connectionFilter");
        QCOMPARE(QApplication::focusWidget(), filter);
        QTest::keyClicks(filter, QStringLiteral("dialect=json quueue>64k"));
        auto* mistake = desktop.find<QLabel>("filterMistake");
        QVERIFY(mistake->isVisible());
        QVERIFY2(mistake->text().contains(QStringLiteral("queue")), qPrintable(mistake->text()));
        QVERIFY(mistake->indent() > filter->fontMetrics().horizontalAdvance(QStringLiteral("dialect=json")));
        savePicture(desktop.window(), QStringLiteral("filter-mistake-dark"));
        filter->clear();
        QTest::keyClicks(filter, QStringLiteral("dialect=json"));
        QTest::keyClick(filter, Qt::Key_Return);
        QVERIFY(!mistake->isVisible());
        auto* table = desktop.find<QTableView>("connectionTable");
        QTRY_COMPARE_WITH_TIMEOUT(table->model()->rowCount(), 3, Patience_ms);
        QTest::keyClick(filter, Qt::Key_Escape);
        QTRY_COMPARE_WITH_TIMEOUT(table->model()->rowCount(), 20, Patience_ms);
    }

    void lostNodesComeBackAndRefusedOnesAreLeftAlone() {
        FakeNode one("ws-01");
        const Desktop desktop({&one});
        QTRY_VERIFY_WITH_TIMEOUT(desktop.isLive(one), Patience_ms);
        one.cut();
        QTRY_COMPARE_WITH_TIMEOUT(desktop.node(one)->link, LinkState::Lost, Patience_ms);
        desktop.window().refresh();
        QCOMPARE(desktop.verdict(), QStringLiteral("The node does not answer"));
        QCOMPARE(desktop.find<QLabel>("figure0")->text(), QStringLiteral("–"));
        one.heal();
        QTRY_COMPARE_WITH_TIMEOUT(desktop.node(one)->link, LinkState::Live, Patience_ms);
        one.token = "changed";
        one.cut();
        one.heal();
        QTRY_COMPARE_WITH_TIMEOUT(desktop.node(one)->link, LinkState::Refused, Patience_ms);
        QCOMPARE(desktop.node(one)->sentence, QStringLiteral("This token is not known here."));
        const auto attempts = desktop.node(one)->attempt;
        QTest::qWait(1000); // several times the longest wait between retries
        QCOMPARE(desktop.node(one)->attempt, attempts);
        desktop.window().refresh();
        savePicture(desktop.window(), QStringLiteral("refused-fleet-dark"));
        desktop.click("attentionButton0");
        auto* dialog = openDialog("connectDialog");
        QVERIFY(dialog);
        QTest::keyClicks(dialog->findChild<QLineEdit*>(QStringLiteral("connectToken")),
                         QStringLiteral("changed"));
        savePicture(*dialog, QStringLiteral("connect-dark"));
        QTest::mouseClick(dialog->findChild<QPushButton*>(QStringLiteral("connectAccept")), Qt::LeftButton);
        QTRY_COMPARE_WITH_TIMEOUT(desktop.node(one)->link, LinkState::Live, Patience_ms);
    }

    void nodesOfThisMachineAreLinkedByThemselves() {
        FakeNode one("ws-01"), two("ws-02");
        admin::ClusterNode near, far;
        near.id = "ws-02";
        near.ops = two.address().toStdString();
        far.id = "ws-19";
        far.ops = "10.9.8.7:7401";
        one.cluster = {near, far};
        const Desktop desktop({&one});
        QTRY_VERIFY_WITH_TIMEOUT(desktop.node(two) && desktop.node(two)->link == LinkState::Live,
                                 Patience_ms);
        const auto* offered = desktop.console->model().findId(QStringLiteral("ws-19"));
        QVERIFY(offered);
        QCOMPARE(offered->link, LinkState::Offered);
        QCOMPARE(desktop.console->model().nodes().size(), std::size_t(3));
    }

    void keys() {
        FakeNode one("ws-01");
        const Desktop desktop({&one});
        QTRY_VERIFY_WITH_TIMEOUT(desktop.isLive(one), Patience_ms);
        auto& window = desktop.window();
        for (int i = 0; i < int(PageNames.size()); ++i) {
            QTest::keyClick(&window, Qt::Key(Qt::Key_1 + i), Qt::ControlModifier);
            QCOMPARE(window.page(), PageKind(i));
        }
        QTest::keyClick(&window, Qt::Key_1, Qt::ControlModifier);
        QTest::keyClick(&window, Qt::Key_BracketRight);
        QCOMPARE(window.moment().range, Range::QuarterHour);
        QTest::keyClick(&window, Qt::Key_U);
        QVERIFY(desktop.find<QLabel>("clock")->text().endsWith(QStringLiteral("local")));
        QCOMPARE(window.moment().range, Range::QuarterHour);
        QTest::keyClick(&window, Qt::Key_U);
        QVERIFY(desktop.find<QLabel>("clock")->text().endsWith(QStringLiteral("UTC")));
        desktop.find<QWidget>("fleetTable")->setFocus();
        QTest::keyClick(desktop.find<QWidget>("fleetTable"), Qt::Key_Space);
        QVERIFY(desktop.find<QToolButton>("pause")->isChecked());
        QTest::keyClick(desktop.find<QWidget>("fleetTable"), Qt::Key_Space);
        QVERIFY(!desktop.find<QToolButton>("pause")->isChecked());
        QTest::keyClick(&window, Qt::Key_Question);
        QVERIFY(openDialog("keySheet"));
        openDialog("keySheet")->close();
    }

    void dumpHoldsWhatTheContractSays() {
        FakeNode one("ws-01"), two("ws-02");
        one.traffic.connections = 1200;
        two.traffic.connections = 34;
        const Desktop desktop({&one, &two});
        QTRY_VERIFY_WITH_TIMEOUT(desktop.isLive(one) && desktop.isLive(two), Patience_ms);
        desktop.window().showPage(PageKind::Charts);
        QTRY_VERIFY_WITH_TIMEOUT(desktop.node(one)->history.size(Tier::Second) > 4 &&
                                     desktop.node(two)->history.size(Tier::Second) > 4,
                                 Patience_ms);
        desktop.window().refresh();
        const auto dump = desktop.dump();
        QCOMPARE(dump.keys(),
                 (QStringList{"attention", "charts", "header", "nodes", "page", "rows", "theme", "verdict"}));
        QCOMPARE(dump.value(QStringLiteral("page")).toString(), QStringLiteral("charts"));
        QCOMPARE(dump.value(QStringLiteral("theme")).toString(), QStringLiteral("dark"));
        const auto header = dump.value(QStringLiteral("header")).toObject();
        QCOMPARE(header.keys(),
                 (QStringList{"connections", "errors_per_s", "in_per_s", "out_per_s", "p99_ms"}));
        QCOMPARE(header.value(QStringLiteral("connections")).toDouble(), 1234.0);
        const auto charts = dump.value(QStringLiteral("charts")).toArray();
        QCOMPARE(charts.size(), 8);
        const auto chart = charts.first().toObject();
        QCOMPARE(chart.value(QStringLiteral("title")).toString(), QStringLiteral("Connections"));
        const auto series = chart.value(QStringLiteral("series")).toArray().first().toObject();
        // What is plotted last is what the nodes themselves say.
        QCOMPARE(series.value(QStringLiteral("points")).toArray().last().toArray().last().toDouble(), 1234.0);
    }
};

int main(int argc, char** argv) {
    // Neither the profiles nor the nodes of whoever runs this.
    QTemporaryDir home;
    for (const auto* variable : {"HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"})
        qputenv(variable, home.path().toLocal8Bit());
    qunsetenv("RUNTIME_DIRECTORY");
    qunsetenv("WEIR_ADMIN_TOKEN");
    QApplication app(argc, argv);
    QApplication::setStyle(Theme::makeStyle());
    QApplication::setFont(Theme::body());
    ConsoleViewTest test;
    return QTest::qExec(&test, argc, argv);
}

#include "tst_console_view.moc"
