// SPDX-License-Identifier: Apache-2.0
// Somebody connects the console to a real node with TLS: whom it does not trust it names with a sentence, and
// the connect dialog mends what can be mended. Pictures are left in the folder WEIR_PICTURES.
#include <QTest> // first: moc cannot begin with <compare>

#include "console/console.h"
#include "console/model/fleet_model.h"
#include "tests/support/node_process.h"
#include "tests/support/test_authority.h"
#include <QApplication>
#include <QDialog>
#include <QDir>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>

using namespace console;

namespace {

constexpr int Patience_ms = 20'000;

void savePicture(QWidget& widget, const QString& name) {
    const auto folder = qEnvironmentVariable("WEIR_PICTURES");
    if (folder.isEmpty())
        return;
    QDir().mkpath(folder);
    QVERIFY(widget.grab().save(QStringLiteral("%1/trust-%2.png").arg(folder, name)));
}

QString longestWord(const QString& text) {
    const auto words = text.split(QLatin1Char(' '));
    return *std::max_element(words.begin(), words.end(),
                             [](const QString& a, const QString& b) { return a.size() < b.size(); });
}

} // namespace

class ConsoleTrustTest : public QObject {
    Q_OBJECT

    TestAuthority m_authority, m_stranger{QStringLiteral("Stranger")};
    TestPair m_pair, m_other, m_expired;

private Q_SLOTS:
    void initTestCase() {
        m_pair = m_authority.issue(QStringLiteral("node"));
        m_other = m_authority.issue(QStringLiteral("other"));
        m_expired = m_authority.issue(QStringLiteral("expired"), {"DNS:localhost", "IP:127.0.0.1"},
                                      TestAuthority::Life::Expired);
    }

    void refusedAndMended_data() {
        QTest::addColumn<TestPair>("shown");
        QTest::addColumn<QString>("caFile");
        QTest::addColumn<QString>("pin");
        QTest::addColumn<QString>("sentence");
        QTest::addColumn<QString>("rightCa"); ///< what is typed into the dialog then
        QTest::addColumn<QString>("rightPin");
        QTest::addColumn<bool>("isMended");
        const QString none, authority = m_authority.file();
        QTest::newRow("wrong-ca") << m_pair << m_stranger.file() << none
                                  << "comes from \"Test Authority\", an authority that" << authority << none
                                  << true;
        QTest::newRow("wrong-pin") << m_pair << none << pinOf(m_other.certificate)
                                   << "shows another certificate than the pinned one" << none
                                   << pinOf(m_pair.certificate) << true;
        QTest::newRow("expired") << m_expired << authority << none
                                 << "the certificate of 127.0.0.1 expired on" << none
                                 << pinOf(m_expired.certificate) << false;
    }
    void refusedAndMended() {
        QFETCH(TestPair, shown);
        QFETCH(QString, caFile);
        QFETCH(QString, pin);
        QFETCH(QString, sentence);
        QFETCH(QString, rightCa);
        QFETCH(QString, rightPin);
        QFETCH(bool, isMended);
        NodeProcess node;
        QVERIFY2(node.startUnproven({"--set", "listen.ops_tls_certificate=" + shown.certificate, "--set",
                                     "listen.ops_tls_key=" + shown.key}),
                 qPrintable(node.why()));
        const auto address = QStringLiteral("wss://127.0.0.1:%1/admin").arg(node.opsPort());
        ConsoleOptions options;
        options.addresses = {address};
        options.token = QString::fromUtf8(node.token());
        options.trust = *TlsTrust::from(caFile, pin);
        QApplication::setPalette(Theme(ThemeKind::Dark).palette());
        Console console(options);
        auto& window = console.window();
        window.resize(1280, 800);
        window.show();
        QCOMPARE(console.start(), QString());
        const auto record = [&] { return console.model().nodes().front().get(); };
        QTRY_COMPARE_WITH_TIMEOUT(record()->link, LinkState::Refused, Patience_ms);
        window.refresh();
        QTest::qWait(200); // it is laid out
        window.refresh();
        savePicture(window, QStringLiteral("%1-fleet").arg(QLatin1String(QTest::currentDataTag())));
        auto* lead = window.findChild<QPushButton*>(QStringLiteral("attentionButton0"));
        QVERIFY(lead && lead->isVisible());
        QTest::mouseClick(lead, Qt::LeftButton);
        QCOMPARE(lead->text(), QStringLiteral("Connect again…"));
        auto* dialog = window.findChild<QDialog*>(QStringLiteral("connectDialog"));
        QVERIFY(dialog && dialog->isVisible());
        const auto labels = dialog->findChildren<QLabel*>();
        QVERIFY(std::any_of(labels.begin(), labels.end(), [&](const QLabel* label) {
            return label->isVisible() && label->text().contains(sentence, Qt::CaseInsensitive) &&
                   label->fontMetrics().horizontalAdvance(longestWord(label->text())) <= label->width();
        }));
        savePicture(*dialog, QStringLiteral("%1-dialog").arg(QLatin1String(QTest::currentDataTag())));
        QVERIFY(!node.log().contains("admin link of")); // no token was sent to whom is not trusted
        dialog->findChild<QLineEdit*>(QStringLiteral("connectCa"))->setText(rightCa);
        dialog->findChild<QLineEdit*>(QStringLiteral("connectPin"))->setText(rightPin);
        const auto attempts = record()->attempt;
        QTest::mouseClick(dialog->findChild<QPushButton*>(QStringLiteral("connectAccept")), Qt::LeftButton);
        if (isMended) {
            QTRY_COMPARE_WITH_TIMEOUT(record()->link, LinkState::Live, Patience_ms);
            QTRY_VERIFY_WITH_TIMEOUT(record()->announced, Patience_ms);
            return;
        }
        // What has expired is refused whoever vouches for it.
        QTRY_VERIFY_WITH_TIMEOUT(record()->attempt != attempts || record()->link == LinkState::Refused,
                                 Patience_ms);
        QTRY_COMPARE_WITH_TIMEOUT(record()->link, LinkState::Refused, Patience_ms);
        QVERIFY2(record()->sentence.contains(sentence), qPrintable(record()->sentence));
        QVERIFY(!node.log().contains("admin link of"));
    }
};

int main(int argc, char** argv) {
    QTemporaryDir home;
    for (const auto* variable : {"HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"})
        qputenv(variable, home.path().toLocal8Bit());
    qunsetenv("RUNTIME_DIRECTORY");
    qunsetenv("WEIR_ADMIN_TOKEN");
    QApplication application(argc, argv);
    QApplication::setStyle(Theme::makeStyle());
    QApplication::setFont(Theme::body());
    ConsoleTrustTest test;
    return QTest::qExec(&test, argc, argv);
}
#include "tst_console_trust.moc"
