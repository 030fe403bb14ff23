// SPDX-License-Identifier: Apache-2.0
// The scanner: what it takes and refuses, against simdjson as oracle, and the spans that it gives.
#include "server/core/json_spans.h"
#include <QtTest/QTest>
#include <simdjson.h>

using namespace server;

class JsonSpansTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void accepts_data() {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<bool>("isTaken");
        QTest::addColumn<bool>("isKnownDifference"); // simdjson refuses what official clients send
        const auto row = [](const char* name, QByteArray text, bool isTaken, bool isKnownDifference = false) {
            QTest::newRow(name) << text << isTaken << isKnownDifference;
        };
        row("empty", "", false);
        row("blank", "  ", false);
        row("null", "null", true);
        row("nul", "nul", false);
        row("true with blanks", " true\n", true);
        row("two values", "1 2", false);
        row("zero", "0", true);
        row("minus zero", "-0", true);
        row("leading zero", "01", false);
        row("plus", "+1", false);
        row("fraction", "1.5e-3", true);
        row("bare fraction", ".5", false);
        row("open fraction", "1.", false);
        row("open exponent", "1e", false);
        row("NaN", "NaN", false);
        row("2^64", "18446744073709551616", true, true);
        row("1e400", "1e400", true, true);
        row("string", "\"a\\u00e9\\n\"", true);
        row("lone surrogate", "\"\\ud83d\"", true, true);
        row("bad escape", "\"\\x\"", false);
        row("short escape", "\"\\u12\"", false);
        row("control in string", "\"a\nb\"", false);
        row("open string", "\"abc", false);
        row("empty array", "[]", true);
        row("nested", "[1,[2,{\"a\":[]}],{}]", true);
        row("trailing comma", "[1,]", false);
        row("leading comma", "[,1]", false);
        row("missing comma", "[1 2]", false);
        row("open array", "[1", false);
        row("wrong close", "[1}", false);
        row("object", "{\"a\":1,\"b\":{\"c\":null}}", true);
        row("object trailing comma", "{\"a\":1,}", false);
        row("object without value", "{\"a\"}", false);
        row("object with number as key", "{1:2}", false);
        row("duplicate keys", "{\"a\":1,\"a\":2}", true);
    }
    void accepts() {
        QFETCH(QByteArray, text);
        QFETCH(bool, isTaken);
        QFETCH(bool, isKnownDifference);
        QCOMPARE(isJson({text.constData(), std::size_t(text.size())}), isTaken);
        simdjson::dom::parser parser;
        simdjson::dom::element element;
        const bool isTakenThere =
            parser.parse(text.constData(), std::size_t(text.size())).get(element) == simdjson::SUCCESS;
        QCOMPARE(isTakenThere, isKnownDifference ? !isTaken : isTaken);
    }

    void depthIsBounded() {
        const std::string deep = std::string(32, '[') + std::string(32, ']');
        QVERIFY(isJson(deep));
        QVERIFY(!isJson("[" + deep + "]"));
        QVERIFY(!isJson(std::string(100000, '[')));
        QVERIFY(jsonElements(deep).has_value());
        QVERIFY(!jsonElements("[" + deep + "]").has_value());
    }

    void elementsAreTheBytesOfTheSender() {
        const auto elements = jsonElements(" [ 1.10 ,\"a\\u0041\", {\"k\" : [1, 2]} , 9007199254740993.0 ] ");
        QVERIFY(elements.has_value());
        QCOMPARE(elements->size(), std::size_t(4));
        QCOMPARE((*elements)[0], std::string_view("1.10"));
        QCOMPARE((*elements)[1], std::string_view("\"a\\u0041\""));
        QCOMPARE((*elements)[2], std::string_view("{\"k\" : [1, 2]}"));
        QCOMPARE((*elements)[3], std::string_view("9007199254740993.0"));
        QVERIFY(jsonElements("[]")->empty());
        QVERIFY(!jsonElements("{}").has_value());
        QVERIFY(!jsonElements("[1] x").has_value());
    }

    void membersOfAnObject() {
        const auto members = jsonMembers("{\"echo\":true,\"v\\u006flatile\": false }");
        QVERIFY(members.has_value());
        QCOMPARE(members->size(), std::size_t(2));
        QCOMPARE((*members)[1].first, std::string("volatile"));
        QCOMPARE((*members)[1].second, std::string_view("false"));
        QVERIFY(!jsonMembers("{\"a\":1,\"\\u0061\":2}").has_value());
        QVERIFY(!jsonMembers("[]").has_value());
    }

    void strings_data() {
        QTest::addColumn<QByteArray>("json");
        QTest::addColumn<QByteArray>("text"); // null: none
        QTest::newRow("plain") << QByteArray("\"abc\"") << QByteArray("abc");
        QTest::newRow("escapes") << QByteArray("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"")
                                 << QByteArray("\"\\/\b\f\n\r\t");
        QTest::newRow("two bytes") << QByteArray("\"\\u00e9\"") << QByteArray("\xc3\xa9");
        QTest::newRow("three bytes") << QByteArray("\"\\u20AC\"") << QByteArray("\xe2\x82\xac");
        QTest::newRow("surrogates") << QByteArray("\"\\ud83d\\ude00!\"") << QByteArray("\xf0\x9f\x98\x80!");
        QTest::newRow("lone high") << QByteArray("\"\\ud83d\"") << QByteArray();
        QTest::newRow("high, then text") << QByteArray("\"\\ud83dabcdef\"") << QByteArray();
        QTest::newRow("lone low") << QByteArray("\"\\ude00\"") << QByteArray();
        QTest::newRow("number") << QByteArray("1") << QByteArray();
    }
    void strings() {
        QFETCH(QByteArray, json);
        QFETCH(QByteArray, text);
        const auto decoded = jsonString(json.toStdString());
        QCOMPARE(decoded.has_value(), !text.isNull());
        if (decoded) {
            QCOMPARE(QByteArray::fromStdString(*decoded), text);
            QCOMPARE(jsonString(quotedJson(*decoded)), decoded);
        }
    }

    void placeholders() {
        using Numbers = std::vector<std::uint64_t>;
        const std::string nested = "[{\"a\":{\"_placeholder\":true,\"num\":1}},"
                                   "{\"num\":0,\"_placeholder\":true},\"_placeholder\"]";
        QCOMPARE(jsonPlaceholders(nested), std::optional(Numbers{1, 0}));
        QCOMPARE(jsonPlaceholders("{\"_placeholder\":false,\"num\":\"x\"}"), std::optional(Numbers{}));
        QVERIFY(!jsonPlaceholders("{\"_placeholder\":true,\"num\":\"splice\"}").has_value());
        QVERIFY(!jsonPlaceholders("{\"_placeholder\":true,\"num\":-1}").has_value());
        QVERIFY(!jsonPlaceholders("{\"_placeholder\":true}").has_value());
        const std::string escaped = "[\"\\\"_placeholder\\\":true\"]";
        QCOMPARE(jsonPlaceholders(escaped), std::optional(Numbers{}));
    }
};

QTEST_APPLESS_MAIN(JsonSpansTest)
#include "tst_json_spans.moc"
