// SPDX-License-Identifier: Apache-2.0
// The strict request parser and the answer writer.
#include <QTest> // first: moc cannot begin with <compare>

#include "server/http/http.h"
#include <QElapsedTimer>
#include <QJsonDocument>
#include <QJsonObject>
#include <set>

using server::HttpLimits;
using server::HttpRequest;
using State = server::HttpRequest::State;

namespace {

const HttpLimits Limits{.head = shared::Bytes(2048), .fields = 10, .body = shared::Bytes(1000)};

/// Feeds all of it, in pieces of `step` bytes (0: at once), to the end or the first refusal.
HttpRequest::Fed feedAll(HttpRequest& request, std::string_view text, std::size_t step) {
    HttpRequest::Fed last;
    std::size_t used = 0;
    while (used < text.size() && last.state != State::Done && last.state != State::Refused) {
        const auto piece = text.substr(used, step == 0 ? std::string_view::npos : step);
        last = request.feed(piece);
        used += last.used;
        if (last.used == 0)
            break;
    }
    last.used = used;
    return last;
}

std::string_view view(const QByteArray& text) {
    return {text.constData(), std::size_t(text.size())};
}

} // namespace

class TestHttp : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void fates_data();
    void fates();
    void partsOfARequest();
    void bodies_data();
    void bodies();
    void headBytesAreLinear();
    void queries_data();
    void queries();
    void upgrades_data();
    void upgrades();
    void answers();
    void unavailableIsSpread();
};

void TestHttp::fates_data() {
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<int>("status"); // 0: done
    const auto row = [](const char* name, const QByteArray& text, int status) {
        QTest::newRow(name) << text << status;
    };
    row("plain", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0);
    row("bytes behind are not ours", "GET / HTTP/1.1\r\nHost: x\r\n\r\nxx", 0);
    row("obs-text in a value", "GET / HTTP/1.1\r\nHost: x\r\nA: \xc3\xa4\r\n\r\n", 0);
    row("ten fields", "GET / HTTP/1.1\r\nHost: x\r\n" + QByteArray("A: b\r\n").repeated(9) + "\r\n", 0);
    row("bare LF everywhere", "GET / HTTP/1.1\nHost: x\n\n", 400);
    row("bare LF after request line", "GET / HTTP/1.1\nHost: x\r\n\r\n", 400);
    row("bare LF after header", "GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", 400);
    row("bare LF empty line", "GET / HTTP/1.1\r\nHost: x\r\n\n", 400);
    row("bare CR in value", "GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n", 400);
    row("folded with a space", "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400);
    row("folded with a tab", "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n\tc\r\n\r\n", 400);
    row("NUL in value", QByteArray("GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n", 36), 400);
    row("escape in value", "GET / HTTP/1.1\r\nHost: x\r\nA: \x1b[2J\r\n\r\n", 400);
    row("TLS hello", QByteArray("\x16\x03\x01\x02\x00\x01\x00", 7), 400);
    row("two Hosts", "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400);
    row("no Host", "GET / HTTP/1.1\r\nA: b\r\n\r\n", 400);
    row("Host with a path", "GET / HTTP/1.1\r\nHost: x/y\r\n\r\n", 400);
    row("space before colon", "GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400);
    row("empty field name", "GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n", 400);
    row("CL and TE", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        400);
    row("TE and CL", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
        400);
    row("two CL differ", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        400);
    row("two CL same", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        400);
    row("CL list", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3, 3\r\n\r\nabc", 400);
    row("CL plus", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc", 400);
    row("CL minus", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -3\r\n\r\nabc", 400);
    row("CL hex", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x3\r\n\r\nabc", 400);
    row("CL past 64 bits", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551619\r\n\r\nabc",
        400);
    row("CL over the limit", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n", 413);
    row("TE gzip", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\nabc", 400);
    row("TE gzip, chunked", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        400);
    row("TE xchunked", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400);
    row("two TE",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        400);
    row("HTTP/1.0", "GET / HTTP/1.0\r\nHost: x\r\n\r\n", 505);
    row("HTTP/1.2", "GET / HTTP/1.2\r\nHost: x\r\n\r\n", 505);
    row("HTTP/2.0", "GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505);
    row("HTTP/inf", "GET / HTTP/inf\r\nHost: x\r\n\r\n", 505);
    row("FOOO/1.1", "GET / FOOO/1.1\r\nHost: x\r\n\r\n", 505);
    row("two spaces", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400);
    row("non-ASCII target", "GET /\xc3\xa4 HTTP/1.1\r\nHost: x\r\n\r\n", 400);
    row("absolute target", "GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400);
    row("asterisk target", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 400);
    row("fragment in target", "GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", 400);
    row("leading CRLF", "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", 400);
    row("head too large", "GET / HTTP/1.1\r\nHost: x\r\nA: " + QByteArray(3000, 'a'), 431);
    row("value past what the parser can hold", "", 431);
    row("eleven fields", "GET / HTTP/1.1\r\nHost: x\r\n" + QByteArray("A: b\r\n").repeated(10) + "\r\n", 431);
    row("upgrade with a body",
        "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: "
        "3\r\n\r\nabc",
        400);
    row("chunks", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 0);
    row("chunk bare LF", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n",
        400);
    row("chunk 0x3",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n", 400);
    row("chunk longer than said",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", 400);
    row("chunk over limit", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\nabc",
        413);
    row("chunk size of 17 digits",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
        "chunked\r\n\r\n00000000000000003\r\nabc\r\n0\r\n\r\n",
        400);
    row("endless chunk extension",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;" + QByteArray(500, 'a'), 400);
}

void TestHttp::fates() {
    QFETCH(QByteArray, text);
    QFETCH(int, status);
    HttpLimits limits = Limits;
    if (text.isEmpty()) {
        limits.head = shared::Bytes(1000000);
        text = "GET / HTTP/1.1\r\nHost: x\r\nA: " + QByteArray(70000, 'a') + "\r\n\r\n";
    }
    for (const std::size_t step : {0U, 1U, 2U, 7U}) {
        HttpRequest request(limits);
        const auto fed = feedAll(request, view(text), step);
        QVERIFY2(fed.state == (status == 0 ? State::Done : State::Refused),
                 std::string(fed.sentence).c_str());
        QCOMPARE(fed.status, status);
        QCOMPARE(fed.sentence.empty(), status == 0);
    }
}

void TestHttp::partsOfARequest() {
    HttpRequest request(Limits);
    const std::string text = "POST /a/b?c=d HTTP/1.1\r\nhost: x:1\r\nX-A: one\r\nx-a: two , THREE\r\n"
                             "Content-Length: 3\r\n\r\nabcREST";
    auto fed = request.feed(text);
    QVERIFY(fed.state == State::HeadDone);
    QCOMPARE(request.headBytes(), fed.used);
    QCOMPARE(request.method(), std::string_view("POST"));
    QCOMPARE(request.target(), std::string_view("/a/b?c=d"));
    QCOMPARE(request.path(), std::string_view("/a/b"));
    QCOMPARE(request.header("Host"), std::string_view("x:1"));
    QCOMPARE(request.header("X-a"), std::string_view("one"));
    QCOMPARE(request.headerCount("x-A"), std::size_t(2));
    QVERIFY(request.hasToken("X-A", "three"));
    QVERIFY(!request.hasToken("X-A", "thre"));
    QVERIFY(request.header("Absent").empty());
    const std::size_t head = fed.used;
    fed = request.feed(std::string_view(text).substr(head));
    QVERIFY(fed.state == State::Done);
    QCOMPARE(fed.used, std::size_t(3));
    QCOMPARE(request.body(), std::string("abc"));
}

void TestHttp::bodies_data() {
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QByteArray>("body");
    QTest::newRow("length") << QByteArray("Content-Length: 5\r\n\r\nabcde") << QByteArray("abcde");
    QTest::newRow("no bytes") << QByteArray("Content-Length: 0\r\n\r\n") << QByteArray("");
    QTest::newRow("chunks, extension and trailer")
        << QByteArray("Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\nT: 1\r\n\r\n")
        << QByteArray("abcde");
    QTest::newRow("CRLF in a chunk") << QByteArray(
                                            "Transfer-Encoding: chunked\r\n\r\n4\r\n\r\n\r\n\r\n0\r\n\r\n")
                                     << QByteArray("\r\n\r\n");
}

void TestHttp::bodies() {
    QFETCH(QByteArray, text);
    QFETCH(QByteArray, body);
    text.prepend("POST / HTTP/1.1\r\nHost: x\r\n");
    for (const std::size_t step : {0U, 1U, 3U}) {
        HttpRequest request(Limits);
        const auto fed = feedAll(request, view(text), step);
        QVERIFY2(fed.state == State::Done, std::string(fed.sentence).c_str());
        QCOMPARE(fed.used, std::size_t(text.size()));
        QCOMPARE(QByteArray::fromStdString(request.body()), body);
    }
}

void TestHttp::headBytesAreLinear() {
    // Byte by byte costs some nanoseconds each; a parser that begins anew with each byte needs minutes for
    // this.
    const HttpLimits wide{.head = shared::Bytes(1000000), .fields = 100, .body = {}};
    std::string lines;
    for (int i = 0; i < 16; ++i)
        lines += "A: " + std::string(59000, 'a') + "\r\n";
    const std::string text = "GET / HTTP/1.1\r\nHost: x\r\n" + lines + "\r\n";
    HttpRequest request(wide);
    QElapsedTimer timer;
    timer.start();
    const auto fed = feedAll(request, text, 1);
    QVERIFY(fed.state == State::Done);
    QVERIFY(timer.elapsed() < 5000);
}

void TestHttp::queries_data() {
    QTest::addColumn<QByteArray>("target");
    QTest::addColumn<QByteArray>("value"); // null: absent
    QTest::newRow("none") << QByteArray("/a") << QByteArray();
    QTest::newRow("other") << QByteArray("/a?b=c") << QByteArray();
    QTest::newRow("plain") << QByteArray("/a?EIO=4") << QByteArray("4");
    QTest::newRow("first wins") << QByteArray("/a?x=y&EIO=4&EIO=3") << QByteArray("4");
    QTest::newRow("empty") << QByteArray("/a?EIO=") << QByteArray("");
    QTest::newRow("without equals") << QByteArray("/a?EIO") << QByteArray("");
    QTest::newRow("decoded") << QByteArray("/a?E%49O=a%2Fb+c%") << QByteArray("a/b c%");
    QTest::newRow("case counts") << QByteArray("/a?eio=4") << QByteArray();
}

void TestHttp::queries() {
    QFETCH(QByteArray, target);
    QFETCH(QByteArray, value);
    HttpRequest request(Limits);
    const QByteArray text = "GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n";
    QVERIFY(feedAll(request, view(text), 0).state == State::Done);
    const auto found = request.query("EIO");
    QCOMPARE(found.has_value(), !value.isNull());
    if (found)
        QCOMPARE(QByteArray::fromStdString(*found), value);
}

void TestHttp::upgrades_data() {
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<bool>("isUpgrade");
    QTest::newRow("proper") << QByteArray(
                                   "GET / HTTP/1.1\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket")
                            << true;
    QTest::newRow("no connection") << QByteArray("GET / HTTP/1.1\r\nUpgrade: websocket") << false;
    QTest::newRow("other protocol") << QByteArray("GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c")
                                    << false;
    QTest::newRow("post") << QByteArray("POST / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket")
                          << false;
}

void TestHttp::upgrades() {
    QFETCH(QByteArray, text);
    QFETCH(bool, isUpgrade);
    text += "\r\nHost: x\r\n\r\n";
    HttpRequest request(Limits);
    QVERIFY(feedAll(request, view(text), 0).state == State::Done);
    QCOMPARE(request.isUpgrade(), isUpgrade);
}

void TestHttp::answers() {
    const server::HttpHeader header{"X-A", "b"};
    const std::string answer = server::httpAnswer(404, {&header, 1}, "text/plain", "gone");
    QVERIFY(answer.starts_with("HTTP/1.1 404 Not Found\r\n"));
    QVERIFY(answer.find("Content-Length: 4\r\n") != std::string::npos);
    QVERIFY(answer.find("Connection: close\r\n") != std::string::npos);
    QVERIFY(answer.find("X-A: b\r\n") != std::string::npos);
    QVERIFY(answer.ends_with("\r\n\r\ngone"));
    QVERIFY(server::httpWithoutBody(answer).ends_with("\r\n\r\n"));
    const std::string refusal = server::httpRefusal(403, "forbidden", "a \"quoted\"\nline");
    const auto body = QByteArray::fromStdString(refusal.substr(refusal.find("\r\n\r\n") + 4));
    const auto error = QJsonDocument::fromJson(body).object().value("error").toObject();
    QCOMPARE(error.value("code").toString(), QString("forbidden"));
    QCOMPARE(error.value("message").toString(), QString("a \"quoted\"\nline"));
}

void TestHttp::unavailableIsSpread() {
    std::set<std::string> seen;
    for (std::uint32_t i = 0; i < 40; ++i) {
        const std::string answer(server::httpUnavailable(i));
        QVERIFY(answer.starts_with("HTTP/1.1 503 "));
        const auto at = answer.find("Retry-After: ");
        QVERIFY(at != std::string::npos);
        const int seconds = std::stoi(answer.substr(at + 13));
        QVERIFY(seconds >= 1 && seconds <= 10);
        seen.insert(answer);
    }
    QCOMPARE(seen.size(), std::size_t(10));
}

QTEST_GUILESS_MAIN(TestHttp)
#include "tst_http.moc"
