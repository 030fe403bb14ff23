// SPDX-License-Identifier: Apache-2.0
// The scanner: what it takes and refuses, against simdjson as oracle, and the spans that it gives.
#include "server/core/json_spans.h"
#include <QElapsedTimer>
#include <QtTest/QTest>
#include <array>
#include <random>
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

    void placeholders_data() {
        QTest::addColumn<QByteArray>("json");
        QTest::addColumn<QByteArray>("numbers"); // "!": refused
        const auto row = [](const char* name, const char* json, const char* numbers) {
            QTest::newRow(name) << QByteArray(json) << QByteArray(numbers);
        };
        row("none", "[1,{\"a\":\"b\"}]", "");
        row("nested, either order",
            "[{\"a\":{\"_placeholder\":true,\"num\":1}},{\"num\":0,\"_placeholder\":true},\"_placeholder\"]",
            "1 0");
        row("blanks", "{ \"_placeholder\" : true , \"num\" : 12 }", "12");
        row("behind another object", "{\"a\":{},\"_placeholder\":true,\"num\":3}", "3");
        row("behind a brace in a text", "{\"a\":\"}{\",\"_placeholder\":true,\"num\":3}", "3");
        row("key escaped", "{\"\\u005fplaceholder\":true,\"n\\u0075m\":99}", "99");
        row("not marked", "{\"_placeholder\":false,\"num\":\"x\",\"a\":{\"b\":1}}", "");
        row("marked by a text", "{\"_placeholder\":\"true\",\"num\":1}", "");
        row("num alone, twice", "{\"num\":1,\"num\":\"x\"}", "");
        row("inside a text", "[\"\\\"_placeholder\\\":true\",\"{\\\"_placeholder\\\":true}\"]", "");
        row("num of a text", "{\"_placeholder\":true,\"num\":\"splice\"}", "!");
        row("num negative", "{\"_placeholder\":true,\"num\":-1}", "!");
        row("num with a fraction", "{\"_placeholder\":true,\"num\":0.5}", "!");
        row("num huge", "{\"_placeholder\":true,\"num\":18446744073709551616}", "!");
        row("num an array", "{\"_placeholder\":true,\"num\":[0]}", "!");
        row("no num", "{\"_placeholder\":true}", "!");
        row("marked twice", "{\"_placeholder\":false,\"num\":0,\"_placeholder\":true}", "!");
        row("num twice", "{\"_placeholder\":true,\"num\":0,\"num\":99}", "!");
        row("num twice, once escaped", "{\"_placeholder\":true,\"num\":0,\"\\u006eum\":99}", "!");
    }
    void placeholders() {
        QFETCH(QByteArray, json);
        QFETCH(QByteArray, numbers);
        QVERIFY(isJson(json.toStdString()));
        const std::string text = json.toStdString();
        const auto found = jsonPlaceholders(text);
        QByteArrayList shown;
        for (const auto number : found.value_or(std::vector<std::uint64_t>()))
            shown << QByteArray::number(qulonglong(number));
        QCOMPARE(found ? shown.join(' ') : QByteArray("!"), numbers);
        QCOMPARE(jsonPlaceholderTexts(text).has_value(), found.has_value());
    }

    void placeholderTexts_data() {
        QTest::addColumn<QByteArray>("json");
        QTest::addColumn<QByteArray>("marked"); // each replaced by <N>
        const auto row = [](const char* name, const char* json, const char* marked) {
            QTest::newRow(name) << QByteArray(json) << QByteArray(marked);
        };
        row("none", R"([1,{"num":0}])", R"([1,{"num":0}])");
        row("alone", R"({"_placeholder":true,"num":0})", "<0>");
        row("two, later number first",
            R"([{"num":1,"_placeholder":true},"x",{"a":{"_placeholder":true,"num":0}}])",
            R"([<1>,"x",{"a":<0>}])");
        row("one within another", R"([{"x":{"_placeholder":true,"num":1},"_placeholder":true,"num":0},2])",
            "[<0>,2]");
    }
    void placeholderTexts() {
        QFETCH(QByteArray, json);
        QFETCH(QByteArray, marked);
        const auto found = jsonPlaceholderTexts({json.constData(), std::size_t(json.size())});
        QVERIFY(found.has_value());
        QByteArray shown;
        const char* at = json.constData();
        for (const auto& placeholder : *found) {
            shown += QByteArray(at, placeholder.text.data() - at) + "<" +
                     QByteArray::number(qulonglong(placeholder.number)) + ">";
            at = placeholder.text.data() + placeholder.text.size();
        }
        QCOMPARE(shown + QByteArray(at), marked);
    }

    /// Random texts from pieces of JSON: the scanner and simdjson agree wherever numbers and escapes are
    /// tame.
    void agreesWithSimdjson() {
        static constexpr std::array<std::string_view, 24> Pieces{
            "[",  "]", "{", "}", ",",  ":",  " ",    "\n",    "\"a\"", "\"\\n\"", "\"\\u00e9\"", "\"",
            "\\", "1", "-", "0", ".5", "e3", "true", "false", "null",  "\"b\":",  "\xc3\xa9",    "\t"};
        std::mt19937 random(20240607); // the same texts in every run
        simdjson::dom::parser parser;
        int valid = 0;
        for (int round = 0; round < 200000; ++round) {
            std::string text = round % 2 == 0 ? "[" : "";
            for (auto left = random() % 9; left > 0; --left)
                text += Pieces[random() % Pieces.size()];
            text += round % 2 == 0 ? "]" : "";
            simdjson::dom::element element;
            const bool isTakenThere = parser.parse(text).get(element) == simdjson::SUCCESS;
            QVERIFY2(isJson(text) == isTakenThere, text.c_str());
            valid += isTakenThere ? 1 : 0;
            simdjson::dom::array array;
            const auto elements = jsonElements(text);
            QVERIFY2(elements.has_value() == (isTakenThere && element.get(array) == simdjson::SUCCESS),
                     text.c_str());
            if (elements)
                QVERIFY2(elements->size() == array.size(), text.c_str());
        }
        QVERIFY2(valid > 5000, "too few of the texts were JSON to say much");
    }

    void timeIsLinear_data() {
        QTest::addColumn<QByteArray>("piece");
        QTest::newRow("placeholders") << QByteArray(",{\"_placeholder\":true,\"num\":0}");
        QTest::newRow("marks that are none") << QByteArray(",\"_placeholder\"");
        QTest::newRow("nested numbers")
            << "," + QByteArray("{\"num\":[").repeated(15) + "1" + QByteArray("]}").repeated(15);
        QTest::newRow("escapes") << QByteArray(",\"\\\\\\\"\\u005f\"");
    }
    void timeIsLinear() {
        QFETCH(QByteArray, piece);
        // Of this size a squared time would be minutes; a linear one is far below a second.
        const std::string text = ("[1" + piece.repeated(2000000 / int(piece.size())) + "]").toStdString();
        QElapsedTimer time;
        time.start();
        QVERIFY(jsonElements(text).has_value());
        QVERIFY(jsonPlaceholders(text).has_value());
        QVERIFY2(time.elapsed() < 15000, qPrintable(QString::number(time.elapsed())));
    }
};

QTEST_APPLESS_MAIN(JsonSpansTest)
#include "tst_json_spans.moc"
