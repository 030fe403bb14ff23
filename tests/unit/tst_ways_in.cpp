// SPDX-License-Identifier: Apache-2.0
// The dashboard, the alert rules and the guide name only metrics and labels that a node exposes.
#include "shared/metrics.h"
#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QRegularExpression>
#include <QSet>
#include <QTest>

using namespace shared;

class TestWaysIn : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void namesAreExposed_data();
    void namesAreExposed();
    void everyPanelAsks();
};

namespace {

QString read(const QString& path) {
    QFile file(QStringLiteral(WEIR_SOURCE_DIR "/") + path);
    return file.open(QIODevice::ReadOnly) ? QString::fromUtf8(file.readAll()) : QString();
}

/// Every name that Prometheus knows of a node.
QSet<QString> exposed(const MetricCatalog& catalog) {
    QSet<QString> names;
    for (const auto& row : catalog.rows()) {
        const auto name = QString::fromStdString(row.name);
        if (row.kind != MetricKind::Histogram) {
            names << name;
            continue;
        }
        for (const char* part : {"_bucket", "_sum", "_count"})
            names << name + QLatin1String(part);
    }
    return names;
}

/// In the guide a histogram is spoken of by its own name.
QSet<QString> spoken(const MetricCatalog& catalog) {
    QSet<QString> names = exposed(catalog);
    for (const auto& row : catalog.rows())
        names << QString::fromStdString(row.name);
    return names;
}

} // namespace

void TestWaysIn::namesAreExposed_data() {
    QTest::addColumn<QString>("path");
    QTest::addColumn<bool>("isProse");
    QTest::addColumn<int>("atLeast");
    QTest::newRow("dashboard") << "packaging/grafana/weirkeeper.json" << false << 25;
    QTest::newRow("alerts") << "packaging/prometheus/alerts.yml" << false << 10;
    QTest::newRow("guide") << "resources/docs/operating.md" << true << 5;
}

void TestWaysIn::namesAreExposed() {
    QFETCH(QString, path);
    QFETCH(bool, isProse);
    QFETCH(int, atLeast);
    const auto text = read(path);
    QVERIFY(!text.isEmpty());
    const MetricCatalog catalog(2, {"1", "2", "3"});
    const auto known = isProse ? spoken(catalog) : exposed(catalog);

    QSet<QString> named;
    static const QRegularExpression name(QStringLiteral("\\b(?:weir|process)_[a-z0-9_]+\\b"));
    for (auto found = name.globalMatch(text); found.hasNext();)
        named << found.next().captured();
    for (const auto& each : named)
        QVERIFY2(known.contains(each), qPrintable(each));
    QVERIFY2(named.size() >= atLeast, qPrintable(QString::number(named.size())));

    // name{label="…", label=~"…"}: the label is one of the metric's, or Prometheus' own.
    static const QRegularExpression selector(
        QStringLiteral("\\b((?:weir|process)_[a-z0-9_]+)\\{((?:[^{}]|\\{[^{}]*\\})*)\\}"));
    static const QRegularExpression label(QStringLiteral("([a-z_]+)\\s*=~?\\\\?\"([^\"\\\\]*)"));
    static const QRegularExpression part(QStringLiteral("_(?:bucket|sum|count)$"));
    for (auto found = selector.globalMatch(text); found.hasNext();) {
        const auto match = found.next();
        for (const auto& row : catalog.rows()) {
            const auto own = QString::fromStdString(row.name);
            if (own != match.captured(1) && own != match.captured(1).remove(part))
                continue;
            for (auto labels = label.globalMatch(match.captured(2)); labels.hasNext();) {
                const auto each = labels.next();
                if (each.captured(1) == "instance")
                    continue;
                const auto column =
                    std::find_if(row.labels.begin(), row.labels.end(), [&each](const Label& of) {
                        return each.captured(1) == QLatin1String(of.name.data(), qsizetype(of.name.size()));
                    });
                QVERIFY2(column != row.labels.end(), qPrintable(own + " has no label " + each.captured(1)));
                for (const auto& value : each.captured(2).split('|'))
                    QVERIFY2(std::find(column->values.begin(), column->values.end(), value.toStdString()) !=
                                 column->values.end(),
                             qPrintable(own + ": " + each.captured(1) + " is never " + value));
            }
        }
    }
}

void TestWaysIn::everyPanelAsks() {
    const auto dashboard =
        QJsonDocument::fromJson(read(QStringLiteral("packaging/grafana/weirkeeper.json")).toUtf8()).object();
    QCOMPARE(dashboard["uid"].toString(), QString("weirkeeper"));
    QSet<int> ids;
    int graphs = 0;
    for (const auto& each : dashboard["panels"].toArray()) {
        const auto panel = each.toObject();
        ids << panel["id"].toInt();
        if (panel["type"].toString() == "row")
            continue;
        ++graphs;
        QVERIFY2(!panel["targets"].toArray().isEmpty(), qPrintable(panel["title"].toString()));
        for (const auto& target : panel["targets"].toArray())
            QVERIFY(target.toObject()["expr"].toString().contains("instance"));
    }
    QCOMPARE(ids.size(), dashboard["panels"].toArray().size());
    QVERIFY(graphs > 20);
}

QTEST_GUILESS_MAIN(TestWaysIn)
#include "tst_ways_in.moc"
