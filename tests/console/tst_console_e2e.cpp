// SPDX-License-Identifier: Apache-2.0
// The console in a real window, moved by a real pointer, against two real nodes, Redis, nginx, and official
// clients: drain by a click, abort, resume, drain to the end, evict one. Pictures are left in the folder
// WEIR_PICTURES.
#include "console/console.h"
#include "console/model/fleet_model.h"
#include "tests/console/pointer.h"
#include "tests/support/node_process.h"
#include <QApplication>
#include <QDialog>
#include <QDir>
#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QLabel>
#include <QProcess>
#include <QSpinBox>
#include <QTableView>
#include <QTemporaryDir>
#include <QTest>

using namespace console;

namespace {

constexpr int Patience_ms = 60'000;
constexpr int Clients = 40;

/// A program that ends with the test, by its pid.
class Program {
public:
    ~Program() {
        m_process.closeWriteChannel();
        m_process.terminate();
        if (!m_process.waitForFinished(5000))
            m_process.kill();
        m_process.waitForFinished(5000);
    }
    bool start(const QString& program, const QStringList& arguments) {
        m_process.setProcessChannelMode(QProcess::SeparateChannels);
        m_process.start(program, arguments);
        return m_process.waitForStarted();
    }
    QByteArray output() {
        m_output += m_process.readAllStandardOutput();
        return m_output;
    }
    QByteArray errors() { return m_process.readAllStandardError(); }

private:
    QProcess m_process;
    QByteArray m_output;
};

/// What the official clients have told so far.
struct Told {
    QMap<int, QString> memberOf; ///< client → its Socket.IO id now
    QMap<int, QStringList> reasons;
    int connects = 0;
};
Told read(Program& clients) {
    Told told;
    for (const auto& line : clients.output().split('\n')) {
        const QJsonObject said = QJsonDocument::fromJson(line).object();
        const int client = said.value(QStringLiteral("client")).toInt();
        const QString event = said.value(QStringLiteral("event")).toString();
        if (event == QStringLiteral("connect")) {
            told.memberOf[client] = said.value(QStringLiteral("id")).toString();
            ++told.connects;
        } else if (event == QStringLiteral("disconnect")) {
            told.memberOf.remove(client);
            told.reasons[client] << said.value(QStringLiteral("reason")).toString();
        }
    }
    return told;
}

QByteArray nginxConfiguration(const QString& folder, quint16 port, quint16 first, quint16 second) {
    return QStringLiteral(
               "daemon off; master_process off; pid %1/nginx.pid; error_log stderr warn;\n"
               "events { worker_connections 512; }\n"
               "http {\n access_log off; client_body_temp_path %1/body; proxy_temp_path %1/proxy;\n"
               " fastcgi_temp_path %1/f; uwsgi_temp_path %1/u; scgi_temp_path %1/s;\n"
               " upstream nodes { server 127.0.0.1:%3 max_fails=0; server 127.0.0.1:%4 max_fails=0; }\n"
               " server { listen 127.0.0.1:%2;\n  location / { proxy_pass http://nodes;\n"
               "   proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade;\n"
               "   proxy_set_header Connection upgrade; proxy_set_header Host $host;\n"
               "   proxy_next_upstream error timeout http_503; proxy_read_timeout 75s; } } }\n")
        .arg(folder)
        .arg(port)
        .arg(first)
        .arg(second)
        .toUtf8();
}

} // namespace

class ConsoleEndToEndTest : public QObject {
    Q_OBJECT

    RedisProcess m_redis;
    NodeProcess m_first, m_second;
    QTemporaryDir m_folder;
    Program m_nginx, m_clients;
    std::unique_ptr<Console> m_console;

    MainWindow& window() { return m_console->window(); }
    template <class Widget>
    Widget* named(const char* name) {
        for (QWidget* top : QApplication::topLevelWidgets()) {
            if (top->objectName() == QLatin1String(name))
                return qobject_cast<Widget*>(top);
            if (auto* found = top->findChild<Widget*>(QLatin1String(name)))
                return found;
        }
        return nullptr;
    }
    void click(const char* name) {
        auto* button = named<QPushButton>(name);
        QVERIFY2(button, name);
        QTRY_VERIFY2_WITH_TIMEOUT(button->isVisible() && button->isEnabled(), name, Patience_ms);
        QVERIFY(QTest::qWaitForWindowExposed(button->window()));
        QVERIFY2(press(*button), name);
    }
    void select(QTableView* table, int row) {
        QVERIFY(clickAt(*table->viewport(), table->visualRect(table->model()->index(row, 1)).center()));
        QTRY_COMPARE_WITH_TIMEOUT(table->currentIndex().row(), row, Patience_ms);
    }
    std::int64_t connectionsOf(const char* id) {
        const auto* node = m_console->model().findId(QLatin1String(id));
        return node ? std::int64_t(figures(*node).connections.value_or(-1)) : -1;
    }
    shared::admin::NodeState stateOf(const char* id) {
        const auto* node = m_console->model().findId(QLatin1String(id));
        return node && node->announced ? node->announced->state : shared::admin::NodeState::Starting;
    }
    std::int64_t served(NodeProcess& node) {
        return QJsonDocument::fromJson(node.get("/health"))
            .object()
            .value(QStringLiteral("connections"))
            .toInteger(-1);
    }
    void picture(const char* name) {
        window().grab().save(QDir(qEnvironmentVariable("WEIR_PICTURES", QDir::tempPath()))
                                 .filePath(QStringLiteral("e2e-%1.png").arg(QLatin1String(name))));
    }
    void beginDrain(int ratePerSecond) {
        auto* table = named<QTableView>("fleetTable");
        QVERIFY(table);
        int row = -1;
        for (int r = 0; r < table->model()->rowCount(); ++r) {
            if (table->model()->index(r, 1).data().toString() == QStringLiteral("ws-01"))
                row = r;
        }
        QVERIFY(row >= 0);
        select(table, row);
        click("drainButton");
        auto* rate = named<QSpinBox>("drainRate");
        QTRY_VERIFY_WITH_TIMEOUT(rate && rate->isVisible(), Patience_ms);
        rate->setValue(ratePerSecond);
        named<QSpinBox>("drainGrace")->setValue(0);
        click("confirmDrain");
    }

private Q_SLOTS:
    void initTestCase() {
        QDir().mkpath(qEnvironmentVariable("WEIR_PICTURES", QDir::tempPath()));
        QFile tokens(m_folder.filePath(QStringLiteral("tokens")));
        QVERIFY(tokens.open(QFile::WriteOnly));
        tokens.write("alice operator end-to-end-token-0123456789\n");
        tokens.close();
        QVERIFY2(m_redis.start(), qPrintable(m_redis.why()));
        const auto arguments = [this, &tokens](const char* id) {
            return QStringList{
                QStringLiteral("--node-id"), QLatin1String(id),
                QStringLiteral("--redis"),   m_redis.url(),
                QStringLiteral("--set"),     QStringLiteral("admin.token_file=") + tokens.fileName()};
        };
        QVERIFY2(m_first.start(arguments("ws-01")), qPrintable(m_first.why()));
        QVERIFY2(m_second.start(arguments("ws-02")), qPrintable(m_second.why()));
        const quint16 port = freePort();
        QFile file(m_folder.filePath(QStringLiteral("nginx.conf")));
        QVERIFY(file.open(QFile::WriteOnly));
        file.write(nginxConfiguration(m_folder.path(), port, m_first.clientPort(), m_second.clientPort()));
        file.close();
        QVERIFY(m_nginx.start(QStringLiteral("nginx"), {QStringLiteral("-c"), file.fileName()}));
        QVERIFY(m_clients.start(QStringLiteral("node"),
                                {QStringLiteral(WEIR_SOURCE_DIR "/tests/console/clients.js"),
                                 QStringLiteral("http://127.0.0.1:%1").arg(port), QString::number(Clients)}));
        QTRY_VERIFY2_WITH_TIMEOUT(read(m_clients).memberOf.size() == Clients, m_nginx.errors().constData(),
                                  Patience_ms);

        ConsoleOptions options;
        options.addresses = {m_first.adminUrl().toString(), m_second.adminUrl().toString()};
        options.token = QStringLiteral("end-to-end-token-0123456789");
        QApplication::setPalette(Theme(ThemeKind::Dark).palette());
        m_console = std::make_unique<Console>(options);
        window().resize(1280, 800);
        window().move(0, 0);
        window().show();
        QVERIFY(QTest::qWaitForWindowExposed(&window()));
        QCOMPARE(m_console->start(), QString());
        QTRY_VERIFY_WITH_TIMEOUT(connectionsOf("ws-01") > 0 && connectionsOf("ws-02") > 0, Patience_ms);
    }

    void theLastPointIsTheNodesOwnNumber() {
        QCOMPARE(served(m_first) + served(m_second), std::int64_t(Clients));
        QTRY_VERIFY_WITH_TIMEOUT(figures(m_console->model()).connections.value_or(0) == Clients, Patience_ms);
        const auto plotted = [this] {
            double sum = 0;
            const QJsonObject dump = QJsonDocument::fromJson(m_console->dump()).object();
            for (const auto& chart : dump.value(QStringLiteral("charts")).toArray()) {
                if (chart.toObject().value(QStringLiteral("title")).toString() !=
                    QStringLiteral("Connections"))
                    continue;
                for (const auto& series : chart.toObject().value(QStringLiteral("series")).toArray())
                    sum += series.toObject()
                               .value(QStringLiteral("points"))
                               .toArray()
                               .last()
                               .toArray()
                               .at(1)
                               .toDouble();
            }
            return sum;
        };
        QTRY_COMPARE_WITH_TIMEOUT(plotted(), double(Clients), Patience_ms);
        picture("fleet");
    }

    void drainAbortResume() {
        const int before = read(m_clients).connects;
        const std::int64_t onFirst = served(m_first);
        beginDrain(1); // a machine that is slow has time to abort it
        QTRY_VERIFY_WITH_TIMEOUT(read(m_clients).connects > before, Patience_ms);
        picture("draining");
        click("abortButton");
        auto* outcome = named<QLabel>("drainOutcome");
        QTRY_VERIFY_WITH_TIMEOUT(
            outcome->isVisible() && outcome->text().startsWith(QStringLiteral("Stopped")), Patience_ms);
        picture("stopped");
        QVERIFY(served(m_first) > 0);
        QVERIFY(served(m_first) < onFirst);
        QTRY_COMPARE_WITH_TIMEOUT(read(m_clients).memberOf.size(), Clients, Patience_ms);
        QCOMPARE(served(m_first) + served(m_second), std::int64_t(Clients));
        click("resumeButton");
        QTRY_COMPARE_WITH_TIMEOUT(stateOf("ws-01"), shared::admin::NodeState::Ready, Patience_ms);
    }

    void drainToTheEnd() {
        beginDrain(100);
        QTRY_COMPARE_WITH_TIMEOUT(served(m_first), std::int64_t(0), Patience_ms);
        QTRY_COMPARE_WITH_TIMEOUT(served(m_second), std::int64_t(Clients), Patience_ms);
        QTRY_COMPARE_WITH_TIMEOUT(read(m_clients).memberOf.size(), Clients, Patience_ms);
        for (const auto& reasons : read(m_clients).reasons) {
            for (const auto& reason : reasons)
                QCOMPARE(reason, QStringLiteral("transport close"));
        }
        picture("drained");
        click("resumeButton");
        QTRY_COMPARE_WITH_TIMEOUT(stateOf("ws-01"), shared::admin::NodeState::Ready, Patience_ms);
    }

    void evictOne() {
        window().showPage(PageKind::Connections);
        auto* table = named<QTableView>("connectionTable");
        QTRY_VERIFY_WITH_TIMEOUT(table->isVisible() && table->model()->rowCount() == Clients, Patience_ms);
        QMap<int, int> lengths;
        const Told told = read(m_clients);
        for (auto it = told.reasons.begin(); it != told.reasons.end(); ++it)
            lengths[it.key()] = int(it->size());
        select(table, 2);
        click("evictButton");
        QTRY_VERIFY_WITH_TIMEOUT(named<QDialog>("evictDialog"), Patience_ms);
        picture("evict");
        click("confirmEvict");
        QTRY_COMPARE_WITH_TIMEOUT(served(m_first) + served(m_second), std::int64_t(Clients - 1), Patience_ms);
        int evicted = 0;
        const Told after = read(m_clients);
        for (auto it = after.reasons.begin(); it != after.reasons.end(); ++it) {
            if (it->size() == lengths.value(it.key()))
                continue;
            ++evicted;
            QCOMPARE(it->last(), QStringLiteral("io server disconnect"));
        }
        QCOMPARE(evicted, 1);
        QCOMPARE(after.memberOf.size(), Clients - 1);
        if (auto* dialog = named<QDialog>("evictDialog"))
            dialog->close();
        picture("evicted");
        // It stays away: ten samples later it still has not come back.
        const auto later = m_console->model().revision() + 10;
        QTRY_VERIFY_WITH_TIMEOUT(m_console->model().revision() >= later, Patience_ms);
        QCOMPARE(served(m_first) + served(m_second), std::int64_t(Clients - 1));
    }
};

int main(int argc, char** argv) {
    QApplication application(argc, argv);
    QApplication::setStyle(Theme::makeStyle());
    QApplication::setFont(Theme::body());
    ConsoleEndToEndTest test;
    return QTest::qExec(&test, argc, argv);
}
#include "tst_console_e2e.moc"
