// SPDX-License-Identifier: Apache-2.0
// Every admin message there and back as JSON text, and what the codec refuses.
#include "shared/admin_protocol.h"
#include <QJsonDocument>
#include <QTest>
#include <cmath>
#include <limits>

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
Result<QJsonObject> throughSnapshot(const QJsonObject& json) {
    const auto snapshot = snapshotFromJson(json);
    if (!snapshot)
        return tl::unexpected<Error>(snapshot.error());
    return toJson(*snapshot);
}
template <class Row>
Result<QJsonObject> throughRows(const QJsonObject& json) {
    const auto rows = rowsFromJson<Row>(json);
    if (!rows)
        return tl::unexpected<Error>(rows.error());
    return rowsToJson(*rows);
}

QJsonObject object(const QByteArray& text) {
    QJsonParseError mistake;
    const auto document = QJsonDocument::fromJson(text, &mistake);
    if (mistake.error != QJsonParseError::NoError)
        qFatal("%s in %s", qPrintable(mistake.errorString()), text.constData());
    return document.object();
}

constexpr auto RowJson =
    R"({"id":"0-17","address":"10.0.0.1:5000","user":"älice","dialect":"socketio","transport":"websocket",
  "agent":"Mozilla","since_ms":1700000000123,"idle_s":1.5,"rooms":3,"queue_bytes":9007199254740993,"messages_in":4,
  "messages_out":5,"in_rate":0.25,"out_rate":2,"rtt_ms":12.5,"members":["a","b"]})";
constexpr auto RowWithoutRttJson =
    R"({"id":"1-1","address":"","user":"","dialect":"json","transport":"websocket","agent":"",
  "since_ms":1,"idle_s":0,"rooms":0,"queue_bytes":0,"messages_in":0,"messages_out":0,"in_rate":0,"out_rate":0,"members":[]})";
constexpr auto OperationJson =
    R"({"id":7,"kind":"drain","by":"alice","state":"running","started_ms":5,"done":1,"total":10,
  "rate_per_s":100.5,"eta_s":9.5,"moved":1,"moved_estimated":2,"lost":3,"pending":4,"untracked":5})";
constexpr auto NodeJson =
    R"({"id":"n1","instance":"x","version":"0.1.0","state":"drained","clients":"h:7400","ops":"",
  "connections":5,"capacity":100,"seen_ms":1700000000000})";
constexpr auto AuditJson =
    R"({"time_ms":1,"who":"alice","from":"127.0.0.1","what":"node.drain","outcome":"forbidden"})";
constexpr auto InfoJson =
    R"({"id":"n1","version":"0.1.0","state":"ready","uptime_s":3,"addresses":{"clients":"0.0.0.0:7400",
  "ops":"127.0.0.1:7401"},"limits":{"max_connections":20000,"queue_bytes":1048576},"shards":2,"redis":"away"})";
constexpr auto SeriesJson =
    R"({"name":"weir_closes_total","labels":{"reason":"lost"},"unit":"connections","kind":"counter",
  "merge":"sum","scale":1,"help":"Connections."})";
constexpr auto CommandJson =
    R"({"method":"node.drain","params":["rate_per_s"],"help":"Drains.","effect":"changes"})";

QByteArray nested(int depth) {
    return R"({"jsonrpc":"2.0","method":"m","params":{"a":)" + QByteArray(depth - 2, '[') +
           QByteArray(depth - 2, ']') + "}}";
}

/// `text` with one key taken out, or replaced by JSON.
QJsonObject changed(const QByteArray& text, const QString& key,
                    const QJsonValue& value = QJsonValue::Undefined) {
    auto json = object(text);
    json.insert(key, value);
    return json;
}

} // namespace

Q_DECLARE_METATYPE(Codec)

class TestAdminProtocol : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void roundTrip_data();
    void roundTrip();
    void unknownKeysAreIgnored_data() { roundTrip_data(); }
    void unknownKeysAreIgnored();
    void refuses_data();
    void refuses();
    void defaultsOfRequests();
    void namesOfEnums();
    void snapshotKeepsEveryKindOfValue();
    void structsKeepTheirFields();
    void rpcRoundTrip();
    void malformedRpc_data();
    void malformedRpc();
    void depthLimitIsExact();
    void rpcCodes();
};

void TestAdminProtocol::roundTrip_data() {
    QTest::addColumn<Codec>("codec");
    QTest::addColumn<QByteArray>("json");
    const auto add = [](const char* name, Codec codec, const QByteArray& json) {
        QTest::newRow(name) << codec << json;
    };
    const QByteArray row(RowJson);
    add("SeriesSpec", through<SeriesSpec>, SeriesJson);
    add("CommandSpec", through<CommandSpec>, CommandJson);
    add("Hello", through<Hello>,
        R"({"protocol":1,"node":"n1","role":"operator","metrics":[)" + QByteArray(SeriesJson) +
            R"(],"commands":[)" + CommandJson + "]}");
    add("NodeInfo", through<NodeInfo>, InfoJson);
    add("Snapshot", throughSnapshot,
        R"({"time_ms":1700000000500,"interval_ms":500,"values":[1,0.5,null,[],[[0,1],[447,9007199254740993]]]})");
    add("ConnectionRow", through<ConnectionRow>, row);
    add("ConnectionRow before the first pong", through<ConnectionRow>, RowWithoutRttJson);
    add("ListRequest", through<ListRequest>,
        R"({"filter":"room=a","sort":"-out_rate","cursor":"12","limit":1000})");
    add("ListRequest ascending", through<ListRequest>, R"({"filter":"","sort":"id","cursor":"","limit":1})");
    add("ListAnswer", through<ListAnswer>,
        R"({"rows":[)" + row + "," + RowWithoutRttJson + R"(],"total":900,"cursor":"3","partial":true})");
    add("ConnectionDetails", through<ConnectionDetails>,
        R"({"row":)" + row +
            R"(,"rooms":[{"namespace":"/","room":"lobby"},{"namespace":"/admin","room":""}]})");
    add("EvictRequest by ids", through<EvictRequest>,
        R"({"ids":["0-1","1-2"],"reason":"noisy","reconnect":true,"rate_per_s":10,"dry_run":false})");
    add("EvictRequest by filter", through<EvictRequest>,
        R"({"filter":"","reason":"","reconnect":false,"rate_per_s":0,"dry_run":true})");
    add("EvictAnswer", through<EvictAnswer>, R"({"matched":5,"evicted":3,"operation":12})");
    add("EvictAnswer of a dry run", through<EvictAnswer>,
        R"({"matched":5,"evicted":0,"sample":[)" + row + "]}");
    add("DrainRequest", through<DrainRequest>, R"({"rate_per_s":50,"deadline_s":30,"grace_s":0})");
    add("DrainRequest of defaults", through<DrainRequest>, "{}");
    add("OperationRow", through<OperationRow>, OperationJson);
    add("ClusterNode", through<ClusterNode>, NodeJson);
    add("AuditRow", through<AuditRow>, AuditJson);
    add("rows of operations", throughRows<OperationRow>, R"({"rows":[)" + QByteArray(OperationJson) + "]}");
    add("no rows", throughRows<ClusterNode>, R"({"rows":[]})");
}

void TestAdminProtocol::roundTrip() {
    QFETCH(Codec, codec);
    QFETCH(QByteArray, json);
    const auto result = codec(object(json));
    QVERIFY2(result, result ? "" : result.error().message.c_str());
    QCOMPARE(QJsonDocument(*result).toJson(), QJsonDocument(object(json)).toJson());
}

void TestAdminProtocol::unknownKeysAreIgnored() {
    QFETCH(Codec, codec);
    QFETCH(QByteArray, json);
    const auto result =
        codec(changed(json, QStringLiteral("of_a_later_version"), QJsonArray{1, QStringLiteral("x")}));
    QVERIFY(result);
    QCOMPARE(QJsonDocument(*result).toJson(), QJsonDocument(object(json)).toJson());
}

void TestAdminProtocol::refuses_data() {
    QTest::addColumn<Codec>("codec");
    QTest::addColumn<QJsonObject>("json");
    QTest::addColumn<QByteArray>("says");
    const auto add = [](const char* name, Codec codec, const QJsonObject& json, const char* says) {
        QTest::newRow(name) << codec << json << QByteArray(says);
    };
    const auto key = [](const char* name) { return QString::fromLatin1(name); };
    add("nothing", through<NodeInfo>, {}, "id: is missing");
    add("a key is missing", through<NodeInfo>, changed(InfoJson, key("uptime_s")), "uptime_s: is missing");
    add("wrong type", through<NodeInfo>, changed(InfoJson, key("shards"), key("two")),
        "shards: has the wrong type");
    add("fraction", through<NodeInfo>, changed(InfoJson, key("shards"), 1.5), "shards: has the wrong type");
    add("past int", through<NodeInfo>, changed(InfoJson, key("shards"), 4294967296.0),
        "shards: has the wrong type");
    add("unknown state", through<NodeInfo>, changed(InfoJson, key("state"), key("happy")),
        "state: has the wrong type or value");
    add("object expected", through<NodeInfo>, changed(InfoJson, key("limits"), QJsonArray()),
        "limits: has the wrong");
    add("element of object", through<NodeInfo>,
        changed(InfoJson, key("limits"), QJsonObject{{key("a"), key("b")}}), "limits: ");
    add("scale of nothing", through<SeriesSpec>, changed(SeriesJson, key("scale"), 0),
        "scale: must be above 0");
    add("unknown kind", through<SeriesSpec>, changed(SeriesJson, key("kind"), key("summary")), "kind: ");
    add("effect", through<CommandSpec>, changed(CommandJson, key("effect"), QJsonValue()), "effect: ");
    add("params", through<CommandSpec>, changed(CommandJson, key("params"), QJsonArray{1}), "params: ");
    add("row: id", through<ConnectionRow>, changed(RowJson, key("id"), 17), "id: has the wrong type");
    add("row: members", through<ConnectionRow>, changed(RowJson, key("members")), "members: is missing");
    add("row: rtt", through<ConnectionRow>, changed(RowJson, key("rtt_ms"), key("fast")), "rtt_ms: ");
    add("sort key", through<ListRequest>, {{key("sort"), key("colour")}}, "sort: must be one of id since");
    add("only a minus", through<ListRequest>, {{key("sort"), key("-")}}, "sort: ");
    add("limit 0", through<ListRequest>, {{key("limit"), 0}}, "limit: must be 1 to 1000");
    add("limit 1001", through<ListRequest>, {{key("limit"), 1001}}, "limit: must be 1 to 1000");
    add("rows", through<ListAnswer>, {{key("rows"), QJsonArray{1}}, {key("total"), 1}},
        "rows: id: is missing");
    add("rows no array", through<ListAnswer>, {{key("rows"), 1}, {key("total"), 1}},
        "rows: must be an array");
    add("details", through<ConnectionDetails>, {{key("rooms"), QJsonArray()}}, "row: id: is missing");
    add("details: rooms", through<ConnectionDetails>,
        {{key("row"), object(RowJson)}, {key("rooms"), QJsonArray{1}}}, "rooms: each needs");
    add("evict nobody", through<EvictRequest>, {}, "ids: give either ids or a filter");
    add("evict by both", through<EvictRequest>, {{key("ids"), QJsonArray()}, {key("filter"), QString()}},
        "ids: give either");
    add("evict: null ids", through<EvictRequest>, {{key("ids"), QJsonValue()}}, "ids: ");
    add("evict: rate", through<EvictRequest>, {{key("filter"), QString()}, {key("rate_per_s"), -1}},
        "rate_per_s: must not be negative");
    add("evict: ids", through<EvictRequest>, {{key("ids"), QJsonArray{1}}}, "ids: has the wrong type");
    add("operation id", through<EvictAnswer>, {{key("matched"), 1}, {key("operation"), -1}}, "operation: ");
    add("drain: grace", through<DrainRequest>, {{key("grace_s"), -0.5}}, "grace_s: must not be negative");
    add("drain: type", through<DrainRequest>, {{key("deadline_s"), key("soon")}}, "deadline_s: ");
    add("snapshot: interval", throughSnapshot, object(R"({"time_ms":1,"interval_ms":0,"values":[]})"),
        "interval_ms: ");
    add("snapshot: none", throughSnapshot, object(R"({"time_ms":1,"interval_ms":500})"),
        "values: is missing");
    add("snapshot: text", throughSnapshot, object(R"({"time_ms":1,"interval_ms":500,"values":["a"]})"),
        "values: ");
    add("snapshot: bucket", throughSnapshot,
        object(R"({"time_ms":1,"interval_ms":500,"values":[[[448,1]]]})"), "values: ");
    add("snapshot: count", throughSnapshot, object(R"({"time_ms":1,"interval_ms":500,"values":[[[1,-1]]]})"),
        "values: ");
    add("snapshot: triple", throughSnapshot,
        object(R"({"time_ms":1,"interval_ms":500,"values":[[[1,2,3]]]})"), "values: ");
    add("rows missing", throughRows<AuditRow>, {}, "rows: ");
    add("a row is wrong", throughRows<AuditRow>, {{key("rows"), QJsonArray{changed(AuditJson, key("who"))}}},
        "who: is missing");
}

void TestAdminProtocol::refuses() {
    QFETCH(Codec, codec);
    QFETCH(QJsonObject, json);
    QFETCH(QByteArray, says);
    const auto result = codec(json);
    QVERIFY(!result);
    QCOMPARE(result.error().code, ErrorCode::BadRequest);
    const auto message = QByteArray::fromStdString(result.error().message);
    QVERIFY2(message.startsWith(says), message);
}

void TestAdminProtocol::defaultsOfRequests() {
    const auto list = ListRequest::fromJson({});
    QVERIFY(list);
    QCOMPARE(list->sort, SortKey::Id);
    QCOMPARE(list->descending, false);
    QCOMPARE(list->limit, 100);
    const auto evict = EvictRequest::fromJson(object(R"({"filter":"room=a"})"));
    QVERIFY(evict);
    QCOMPARE(evict->reconnect, false);
    QCOMPARE(evict->rate_per_s, 0.0);
    QCOMPARE(evict->dry_run, false);
    const auto drain = DrainRequest::fromJson(object(R"({"rate_per_s":null})"));
    QVERIFY(drain);
    QVERIFY(!drain->rate_per_s && !drain->deadline_s && !drain->grace_s);
}

void TestAdminProtocol::namesOfEnums() {
    QCOMPARE(name(Role::Operator), std::string_view("operator"));
    QCOMPARE(name(Effect::Changes), std::string_view("changes"));
    QCOMPARE(name(NodeState::Drained), std::string_view("drained"));
    QCOMPARE(name(OperationState::Failed), std::string_view("failed"));
    QCOMPARE(name(RedisState::Away), std::string_view("away"));
    for (int i = 0; i <= int(SortKey::OutRate); ++i)
        QCOMPARE(sortKey(name(SortKey(i))), std::optional(SortKey(i)));
    QVERIFY(!sortKey("ID"));
    QVERIFY(!sortKey(""));
}

void TestAdminProtocol::snapshotKeepsEveryKindOfValue() {
    Snapshot snapshot;
    snapshot.time_ms = 1'700'000'000'500;
    snapshot.interval_ms = 500;
    snapshot.values = {1.0, 0.1, std::numeric_limits<double>::quiet_NaN(), SparseBuckets{},
                       SparseBuckets{{3, 4}, {447, 1}}};
    const auto again = snapshotFromJson(toJson(snapshot));
    QVERIFY(again);
    QCOMPARE(again->time_ms, snapshot.time_ms);
    QCOMPARE(again->interval_ms, snapshot.interval_ms);
    QCOMPARE(again->values.size(), snapshot.values.size());
    QCOMPARE(std::get<double>(again->values[1]), 0.1);
    QVERIFY(std::isnan(std::get<double>(again->values[2])));
    QVERIFY(std::get<SparseBuckets>(again->values[3]).empty());
    QCOMPARE(std::get<SparseBuckets>(again->values[4]), (SparseBuckets{{3, 4}, {447, 1}}));
}

void TestAdminProtocol::structsKeepTheirFields() {
    const auto row = ConnectionRow::fromJson(object(RowJson));
    QVERIFY(row);
    QCOMPARE(row->user, std::string("\xc3\xa4lice"));
    QCOMPARE(row->since_ms, std::int64_t(1'700'000'000'123));
    QCOMPARE(row->queue_bytes, std::int64_t(9'007'199'254'740'993)); // past what a double holds
    QCOMPARE(row->rtt_ms, std::optional(12.5));
    QCOMPARE(row->members, (std::vector<std::string>{"a", "b"}));
    const auto operation = OperationRow::fromJson(object(OperationJson));
    QVERIFY(operation);
    QCOMPARE(operation->id, std::uint64_t(7));
    QCOMPARE(operation->eta_s, std::optional(9.5));
    const auto info = NodeInfo::fromJson(object(InfoJson));
    QVERIFY(info);
    QCOMPARE(info->redis, RedisState::Away);
    QCOMPARE(info->addresses.size(), std::size_t(2));
    QCOMPARE(info->limits[0], (std::pair<std::string, std::int64_t>("max_connections", 20'000)));
}

void TestAdminProtocol::rpcRoundTrip() {
    const QJsonObject params{{QStringLiteral("a"), 1}};
    const auto request = decodeRpc(encodeRequest(5, QStringLiteral("node.info"), params));
    QVERIFY(request);
    QCOMPARE(request->id, std::optional<std::int64_t>(5));
    QCOMPARE(request->method, QStringLiteral("node.info"));
    QCOMPARE(request->params, params);

    const auto notification = decodeRpc(encodeNotification(QStringLiteral("hello"), params));
    QVERIFY(notification);
    QVERIFY(!notification->id);
    QCOMPARE(notification->method, QStringLiteral("hello"));

    const auto answer = decodeRpc(encodeResult(9'007'199'254'740'993, params));
    QVERIFY(answer);
    QCOMPARE(answer->id, std::optional<std::int64_t>(9'007'199'254'740'993));
    QVERIFY(answer->method.isEmpty() && !answer->isError);
    QCOMPARE(answer->result, params);

    for (const auto id : {std::optional<std::int64_t>(3), std::optional<std::int64_t>()}) {
        const auto error = decodeRpc(encodeError(id, InvalidFilterCode, QStringLiteral("column 3")));
        QVERIFY(error);
        QCOMPARE(error->id, id);
        QVERIFY(error->isError);
        QCOMPARE(error->errorCode, -32004);
        QCOMPARE(error->errorMessage, QStringLiteral("column 3"));
    }
    QVERIFY(!encodeRequest(1, QStringLiteral("a"), {}).contains('\n'));
}

void TestAdminProtocol::malformedRpc_data() {
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QByteArray>("says");
    const auto add = [](const char* name, const QByteArray& text, const char* says) {
        QTest::newRow(name) << text << QByteArray(says);
    };
    add("empty", "", "not JSON");
    add("no JSON", "hello", "not JSON");
    add("cut off", R"({"jsonrpc":"2.0","method":"a")", "not JSON");
    add("two values", R"({"jsonrpc":"2.0","method":"a"}{})", "not JSON");
    add("array", "[]", "a message is one JSON object");
    add("batch", R"([{"jsonrpc":"2.0","method":"a"}])", "a message is one JSON object");
    add("no version", R"({"method":"a"})", "jsonrpc: ");
    add("old version", R"({"jsonrpc":"1.0","method":"a"})", "jsonrpc: ");
    add("version as number", R"({"jsonrpc":2.0,"method":"a"})", "jsonrpc: ");
    add("nothing in it", R"({"jsonrpc":"2.0"})", "a message has a method, a result or an error");
    add("only an id", R"({"jsonrpc":"2.0","id":1})", "a message has a method");
    add("id is a text", R"({"jsonrpc":"2.0","method":"a","id":"1"})", "id: must be a whole number");
    add("id is a fraction", R"({"jsonrpc":"2.0","method":"a","id":1.5})", "id: must be a whole number");
    add("id is too large", R"({"jsonrpc":"2.0","method":"a","id":1e30})", "id: must be a whole number");
    add("id is an object", R"({"jsonrpc":"2.0","method":"a","id":{}})", "id: must be a whole number");
    add("id is null", R"({"jsonrpc":"2.0","method":"a","id":null})", "id: must be a whole number");
    add("method is a number", R"({"jsonrpc":"2.0","method":1,"id":1})", "method: ");
    add("method is empty", R"({"jsonrpc":"2.0","method":"","id":1})", "method: ");
    add("params is an array", R"({"jsonrpc":"2.0","method":"a","id":1,"params":[1]})", "params: ");
    add("params is null", R"({"jsonrpc":"2.0","method":"a","id":1,"params":null})", "params: ");
    add("method and result", R"({"jsonrpc":"2.0","method":"a","id":1,"result":{}})",
        "a message with a method");
    add("result and error", R"({"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}})",
        "a message has");
    add("result without id", R"({"jsonrpc":"2.0","result":{}})", "id: is missing");
    add("result is no object", R"({"jsonrpc":"2.0","id":1,"result":5})", "result: ");
    add("error is a text", R"({"jsonrpc":"2.0","id":1,"error":"no"})", "error: ");
    add("error without code", R"({"jsonrpc":"2.0","id":1,"error":{"message":"a"}})", "error: ");
    add("33 deep", nested(33), "a message is nested at most 32 deep");
    add("very deep", QByteArray(100'000, '['), "a message is nested at most 32 deep");
    add("1 MiB and a byte", QByteArray(MostAnswerBytes + 1, ' '), "a message has at most 1 MiB");
}

void TestAdminProtocol::malformedRpc() {
    QFETCH(QByteArray, text);
    QFETCH(QByteArray, says);
    const auto result = decodeRpc(text);
    QVERIFY(!result);
    const auto message = QByteArray::fromStdString(result.error().message);
    QVERIFY2(message.startsWith(says), message);
}

void TestAdminProtocol::depthLimitIsExact() {
    QVERIFY(decodeRpc(nested(32)));
    QVERIFY(!decodeRpc(nested(33)));
    // Brackets inside a text are no depth. (moc does not read raw strings within a macro.)
    const auto brackets =
        R"({"jsonrpc":"2.0","method":"a","params":{"b":")" + QByteArray(50, '[') + R"(\"[[\\"}})";
    QVERIFY(decodeRpc(brackets));
}

void TestAdminProtocol::rpcCodes() {
    QCOMPARE(rpcCode(ErrorCode::Forbidden), -32001);
    QCOMPARE(rpcCode(ErrorCode::NotFound), -32002);
    QCOMPARE(rpcCode(ErrorCode::Busy), -32003);
    QCOMPARE(rpcCode(ErrorCode::InvalidFilter), -32004);
    QCOMPARE(rpcCode(ErrorCode::BadRequest), -32602);
    QCOMPARE(rpcCode(ErrorCode::UnknownOperation), -32601);
    QCOMPARE(rpcCode(ErrorCode::Internal), -32603);
}

QTEST_GUILESS_MAIN(TestAdminProtocol)
#include "tst_shared_admin_protocol.moc"
