// SPDX-License-Identifier: Apache-2.0
// Rooms, publishing, watches, what has closed, records and history: each message there and back as JSON, and
// what its codec refuses.
#include "shared/admin_protocol.h"
#include <QJsonDocument>
#include <QTest>

using namespace shared;
using namespace shared::admin;

namespace {

using Codec = Result<QJsonObject> (*)(const QJsonObject&);

/// Decodes and encodes again: what a field of the struct does not carry is lost here.
template <class Message>
Result<QJsonObject> through(const QJsonObject& json) {
    const auto message = Message::fromJson(json);
    if (!message)
        return tl::unexpected<Error>(message.error());
    return message->toJson();
}

QJsonObject object(const QByteArray& text) {
    QJsonParseError mistake;
    const auto document = QJsonDocument::fromJson(text, &mistake);
    if (mistake.error != QJsonParseError::NoError)
        qFatal("%s in %s", qPrintable(mistake.errorString()), text.constData());
    return document.object();
}

constexpr auto RoomJson = R"({"namespace":"/","room":"lobby","members":3,"messages_per_s":0.5})";
constexpr auto TcpJson =
    R"({"rtt_ms":1.5,"rtt_deviation_ms":0.5,"retransmits":2,"unacknowledged":3,"unsent_bytes":4,
  "peer_window_bytes":5,"delivered_bytes_per_s":6})";
constexpr auto SampleJson =
    R"({"id":"0-1","time_ms":5,"in_rate":1,"out_rate":2.5,"messages_in":3,"messages_out":4,"queue_bytes":6,
  "idle_s":0.5,"rtt_ms":7.5,"tcp":TCP})";
constexpr auto ClosedJson =
    R"({"id":"0-1","address":"10.0.0.1","user":"alice","dialect":"json","transport":"websocket","agent":"x",
  "reason":"ping-timeout","by":"node","closed_ms":9,"age_s":1.5,"idle_s":2,"rtt_ms":7.5,"queue_bytes":1,
  "messages_in":2,"messages_out":3})";

} // namespace

Q_DECLARE_METATYPE(Codec)

class TestAdminMessages : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void roundTrip_data();
    void roundTrip();
    void refuses_data();
    void refuses();
    void defaults();
};

void TestAdminMessages::roundTrip_data() {
    QTest::addColumn<Codec>("codec");
    QTest::addColumn<QByteArray>("json");
    const auto add = [](const char* name, Codec codec, const QByteArray& json) {
        QTest::newRow(name) << codec << json;
    };
    const auto sample = QByteArray(SampleJson).replace("TCP", TcpJson);
    add("RoomRow", through<RoomRow>, RoomJson);
    add("RoomsRequest", through<RoomsRequest>,
        R"({"filter":"lob","sort":"-messages_per_s","cursor":"c","limit":1000})");
    add("RoomsAnswer", through<RoomsAnswer>,
        QByteArray(R"({"rows":[)") + RoomJson + R"(],"total":4,"cursor":"c","partial":true})");
    add("RoomRequest", through<RoomRequest>, R"({"namespace":"/a","room":"lobby"})");
    add("PublishRequest to a room", through<PublishRequest>,
        R"({"namespace":"/","room":"lobby","all":false,"event":"news","data":{"a":[1,null,"x"]}})");
    add("PublishRequest to all", through<PublishRequest>, R"({"namespace":"/a","all":true,"event":"news"})");
    add("PublishRequest of null", through<PublishRequest>,
        R"({"namespace":"/a","all":true,"event":"news","data":null})");
    add("PublishAnswer", through<PublishAnswer>, R"({"local":3,"nodes":2,"queued":true})");
    add("WatchRequest", through<WatchRequest>, R"({"id":"0-1"})");
    add("ConnectionSample", through<ConnectionSample>, sample);
    add("ConnectionSample, the last", through<ConnectionSample>,
        R"({"id":"0-1","time_ms":5,"in_rate":0,"out_rate":0,"messages_in":3,"messages_out":4,"queue_bytes":0,
           "idle_s":0.5,"ended":"lost"})");
    add("ClosedRequest", through<ClosedRequest>, R"({"filter":"user=alice","since_ms":5,"limit":1})");
    add("ClosedAnswer", through<ClosedAnswer>,
        QByteArray(R"({"rows":[)") + ClosedJson + R"(],"total":9,"oldest_ms":3,"partial":true})");
    add("AuditRequest", through<AuditRequest>, R"({"since_ms":5,"limit":1000})");
    add("LogRequest", through<LogRequest>, R"({"level":"debug"})");
    add("LogLine", through<LogLine>, R"({"time_ms":1,"level":"warn","text":"älter\n","dropped":7})");
    add("TraceRequest", through<TraceRequest>, R"({"filter":"id=0-1","seconds":600,"sample":0.25})");
    add("TraceLine", through<TraceLine>,
        R"({"time_ms":1,"connection":"0-1","direction":"in","what":"event","namespace":"/","event":"chat",
           "bytes":12,"attachments":1,"dropped":2})");
    add("TraceLine, the last", through<TraceLine>,
        R"({"time_ms":1,"connection":"","what":"","namespace":"","event":"","bytes":0,"attachments":0,
           "dropped":0,"ended":"time"})");
    add("HistoryRequest", through<HistoryRequest>,
        R"({"metric":"weir_sessions","from_ms":5,"step_ms":1000})");
    add("HistoryAnswer", through<HistoryAnswer>,
        R"({"metric":"weir_x","step_ms":2000,"times_ms":[2000,4000],"series":[{"labels":{"a":"b"},
           "values":[null,1.5]},{"labels":{},"values":[[[1,2]],[]]}],"next_ms":6000})");
}

void TestAdminMessages::roundTrip() {
    QFETCH(Codec, codec);
    QFETCH(QByteArray, json);
    auto given = object(json);
    const auto made = codec(given);
    QVERIFY2(made.has_value(), made ? "" : made.error().message.c_str());
    QCOMPARE(QJsonDocument(*made).toJson(), QJsonDocument(given).toJson());
    given.insert(QStringLiteral("from_a_later_version"), 1);
    QVERIFY(codec(given).has_value());
}

void TestAdminMessages::refuses_data() {
    QTest::addColumn<Codec>("codec");
    QTest::addColumn<QByteArray>("json");
    QTest::addColumn<QByteArray>("sentence");
    const auto add = [](Codec codec, const char* json, const char* sentence) {
        QTest::newRow(json) << codec << QByteArray(json) << QByteArray(sentence);
    };
    add(through<RoomsRequest>, R"({"limit":0})", "limit: must be 1 to 1000");
    add(through<RoomsRequest>, R"({"limit":1001})", "limit: must be 1 to 1000");
    add(through<RoomsRequest>, R"({"sort":"queue"})",
        "sort: must be one of name members messages_per_s, with - to descend");
    add(through<RoomRequest>, R"({"namespace":"/"})", "room: is missing");
    add(through<PublishRequest>, R"({"event":"x"})", "room: give either a room or all: true");
    add(through<PublishRequest>, R"({"event":"x","room":"a","all":true})",
        "room: give either a room or all: true");
    add(through<PublishRequest>, R"({"event":"x","room":""})", "room: must not be empty");
    add(through<PublishRequest>, R"({"room":"a"})", "event: is missing");
    add(through<WatchRequest>, "{}", "id: is missing");
    add(through<ClosedRequest>, R"({"limit":1001})", "limit: must be 1 to 1000");
    add(through<ClosedRequest>, R"({"since_ms":-1})", "since_ms: must not be negative");
    add(through<AuditRequest>, R"({"limit":0,"filter":"audit"})", "limit: must be 1 to 1000");
    add(through<AuditRequest>, R"({"since_ms":1.5})", "since_ms: has the wrong type or value");
    add(through<LogRequest>, R"({"level":"loud"})", "level: has the wrong type or value");
    add(through<TraceRequest>, R"({"seconds":601})", "seconds: must be 1 to 600");
    add(through<TraceRequest>, R"({"seconds":0})", "seconds: must be 1 to 600");
    add(through<TraceRequest>, R"({"sample":0})", "sample: must be above 0 and at most 1");
    add(through<TraceRequest>, R"({"sample":1.5})", "sample: must be above 0 and at most 1");
    add(through<HistoryRequest>, "{}", "metric: is missing");
    add(through<HistoryRequest>, R"({"metric":"a","step_ms":0})", "step_ms: must be 1 to 900000");
    add(through<HistoryAnswer>, R"({"metric":"a","step_ms":1,"times_ms":[1],"series":[{"labels":{}}]})",
        "series: values: is missing");
}

void TestAdminMessages::refuses() {
    QFETCH(Codec, codec);
    QFETCH(QByteArray, json);
    QFETCH(QByteArray, sentence);
    const auto made = codec(object(json));
    QVERIFY(!made.has_value());
    QCOMPARE(QByteArray::fromStdString(made.error().message), sentence);
}

void TestAdminMessages::defaults() {
    const auto rooms = RoomsRequest::fromJson({});
    QVERIFY(rooms && rooms->limit == 100 && rooms->sort == RoomSortKey::Name && !rooms->descending);
    const auto trace = TraceRequest::fromJson({});
    QVERIFY(trace && trace->seconds == 60 && trace->sample == 1.0);
    const auto log = LogRequest::fromJson({});
    QVERIFY(log && log->level == LogLevel::Info);
    const auto closed = ClosedRequest::fromJson({});
    QVERIFY(closed && closed->limit == 100 && closed->since_ms == 0);
}

QTEST_APPLESS_MAIN(TestAdminMessages)
#include "tst_shared_admin_messages.moc"
