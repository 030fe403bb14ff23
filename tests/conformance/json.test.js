// SPDX-License-Identifier: Apache-2.0
// The JSON dialect as resources/docs/json_dialect.md describes it, with Node's `ws` as client: alone, beside
// Socket.IO clients on two nodes, and everything that such a client should not send.
"use strict";
const { describe, it, before, after, afterEach } = require("node:test");
const assert = require("node:assert/strict");
const { WebSocket } = require("../support/node_modules/ws");
const { Emitter } = require("../support/node_modules/@socket.io/redis-emitter");
const { createClient } = require("../support/node_modules/redis");
const { Node, Redis, ask, client, until, within } = require("../support/cluster");
const { JsonClient } = require("../support/json_client");

const next = (socket, event) =>
  within(`${event} arrives`, new Promise((resolve) => socket.once(event, (...args) => resolve(args))));

/** What an upgrade that is not done is answered with. */
const refusal = (node, { path = "/ws", protocols = [], ...options } = {}) =>
  within(
    "a refusal",
    new Promise((resolve, reject) => {
      const socket = new WebSocket(`ws://127.0.0.1:${node.port}${path}`, protocols, options);
      socket.on("unexpected-response", (request, response) => {
        let body = "";
        response.on("data", (bytes) => (body += bytes));
        response.on("end", () => resolve({ status: response.statusCode, body: JSON.parse(body), headers: response.headers }));
      });
      socket.on("error", () => {});
      socket.on("open", () => reject(new Error("the upgrade was done")));
    }),
  );

describe("JSON and Socket.IO clients in one room on two nodes", () => {
  let redis, one, two;
  const members = []; // {name, join, publish, event}: either kind behind one face
  const viaJson = async (node, name) => {
    const it = await JsonClient.connect(node);
    return {
      name,
      join: (room) => it.join(room),
      publish: (...args) => it.publish(...args),
      event: async (event) => (await it.event(event)).data,
      count: (event) => it.events(event).length,
      close: () => it.close(),
    };
  };
  const viaSocketIo = async (node, name) => {
    const it = await client(node.url);
    const got = new Map();
    it.onAny((event, data) => got.set(event, [...(got.get(event) ?? []), data]));
    return {
      name,
      join: (room) => ask(it, "join", room),
      publish: (...args) => ask(it, "publish", ...args),
      event: async (event) => (await until(`event ${event}`, () => got.get(event)))[0],
      count: (event) => got.get(event)?.length ?? 0,
      close: () => it.close(),
    };
  };
  before(async () => {
    redis = await Redis.start();
    [one, two] = await Promise.all(["one", "two"].map((id) => Node.start({ redis, id })));
    members.push(await viaJson(one, "json on one"), await viaJson(two, "json on two"));
    members.push(await viaSocketIo(one, "socketio on one"), await viaSocketIo(two, "socketio on two"));
    for (const member of members) assert.deepEqual(await member.join("both"), { ok: true, room: "both" });
  });
  after(async () => {
    await Promise.all(members.map((member) => member.close()));
    const ends = await Promise.all([one?.stop(), two?.stop()]);
    await redis?.stop();
    for (const end of ends) assert.deepEqual(end, { code: 0, signal: null });
  });

  for (let i = 0; i < 4; ++i) {
    it(`what member ${i} publishes reaches the other three, once`, async () => {
      const data = { text: 'hällo ☃ "quoted"\n\u2028', n: 1.5, deep: [[null, true, { a: [] }]], from: members[i].name };
      const answer = await members[i].publish("both", `event-${i}`, data);
      assert.equal(answer.ok, true);
      assert.equal(typeof answer.seq, "number");
      const others = members.filter((member) => member !== members[i]);
      for (const other of others) assert.deepEqual(await other.event(`event-${i}`), data, other.name);
      // Everything before the next one has arrived when the next one has.
      await members[i].publish("both", `after-${i}`, 1);
      for (const other of others) {
        await other.event(`after-${i}`);
        assert.equal(other.count(`event-${i}`), 1, other.name);
      }
      assert.equal(members[i].count(`event-${i}`), 0);
    });
  }

  it("counts connections by dialect on both nodes", async () => {
    for (const node of [one, two]) {
      assert.equal(await node.metric("weir_connections", 'dialect="json"'), 1);
      assert.equal(await node.metric("weir_connections", 'dialect="socketio"'), 1);
    }
    const extra = await JsonClient.connect(one);
    await until("it is counted", async () => (await one.metric("weir_connections", 'dialect="json"')) === 2);
    const admin = await one.admin();
    const { rows } = await admin.call("connections.list", { filter: "dialect=json", limit: 10 });
    assert.ok(rows.some((row) => row.members[0] === extra.hello.id && row.dialect === "json"));
    assert.equal(rows.length, 2);
    admin.close();
    await extra.close();
    await until("it is gone", async () => (await one.metric("weir_connections", 'dialect="json"')) === 1);
    assert.equal(await one.metric("weir_connections", 'dialect="socketio"'), 1);
  });

  it("gives 500 messages in order with contiguous seq, on both nodes", async () => {
    const [sender, near, far] = [await JsonClient.connect(one), await JsonClient.connect(one), await JsonClient.connect(two)];
    for (const each of [sender, near, far]) await each.join("order");
    for (let n = 0; n < 500; ++n) sender.say({ op: "publish", room: "order", event: "n", data: n });
    for (const each of [near, far]) {
      await until("500 messages", () => each.events("n").length === 500);
      const events = each.events("n");
      assert.deepEqual(events.map((event) => event.data), [...Array(500).keys()]);
      assert.deepEqual(events.map((event) => event.seq - events[0].seq), [...Array(500).keys()]);
      assert.equal(new Set(events.map((event) => event.origin)).size, 1);
      assert.match(events[0].origin, /^one\.\d+\./);
      assert.ok(Math.abs(events[0].ts - Date.now()) < 60000);
      assert.equal(events[0].room, "order");
      await each.close();
    }
    await sender.close();
  });

  it("gives binary of Socket.IO clients as base64, on both nodes", async () => {
    const sender = await client(one.url);
    const [near, far] = [await JsonClient.connect(one), await JsonClient.connect(two)];
    for (const each of [near, far]) await each.join("bytes");
    const data = { list: [Buffer.from([0, 255, 254]), "x"], all: Buffer.alloc(70000, 7) };
    assert.equal((await ask(sender, "publish", "bytes", "blob", data)).ok, true);
    for (const each of [near, far]) {
      const { data: got } = await each.event("blob");
      assert.deepEqual(got, { list: [{ base64: "AP/+" }, "x"], all: { base64: data.all.toString("base64") } });
      await each.close();
    }
    sender.close();
  });

  it("gives what a Node emitter says: without a stamp, with several arguments, to one member", async () => {
    const member = await JsonClient.connect(one);
    await member.join("emitted");
    const bus = createClient({ url: redis.url });
    bus.on("error", () => {});
    await bus.connect();
    const emitter = new Emitter(bus);
    emitter.to("emitted").emit("several", { a: 1 }, "b", [2]);
    const { op, ...several } = await member.event("several");
    assert.deepEqual(several, { room: "emitted", event: "several", data: { a: 1 }, rest: ["b", [2]] });
    emitter.to(member.hello.id).emit("direct", 1);
    assert.equal((await member.event("direct")).room, member.hello.id);
    emitter.emit("all");
    assert.deepEqual(await member.event("all"), { op: "event", event: "all" });
    await bus.quit();
    await member.close();
  });
});

describe("one node", () => {
  let node, bystander;
  const closedEarly = [];
  before(async () => {
    const limits = ["limits.message_bytes=20000", "limits.room_name_bytes=64", "limits.rooms_per_session=5"];
    node = await Node.start({ args: [...limits.flatMap((limit) => ["--set", limit]), "--log-level", "debug"], id: "only" });
    bystander = await JsonClient.connect(node);
    bystander.closed.then((end) => closedEarly.push(end));
    await bystander.join("calm");
  });
  after(async () => {
    await bystander?.close();
    await node?.stop();
  });
  // After each line: the other client still gets its messages.
  afterEach(async () => {
    const before = bystander.events("calm").length;
    assert.equal((await bystander.publish("calm", "calm", 1, { echo: true })).ok, true);
    await until("the bystander's own message", () => bystander.events("calm").length > before);
    assert.deepEqual(closedEarly, []);
  });

  it("says hello first", async () => {
    const it = await JsonClient.connect(node);
    assert.deepEqual(Object.keys(it.hello), ["op", "id", "node", "heartbeat_ms"]);
    assert.match(it.hello.id, /^[A-Za-z0-9_-]{20}$/);
    assert.deepEqual([it.hello.op, it.hello.node, it.hello.heartbeat_ms], ["hello", "only", 25000]);
    assert.equal(it.socket.protocol, "");
    await it.close();
  });

  it("takes and confirms its subprotocol, and never a token", async () => {
    const token = "s3cret-t0ken";
    const browser = await JsonClient.connect(node, { protocols: ["weir.json.v1", `bearer.${token}`] });
    assert.equal(browser.socket.protocol, "weir.json.v1");
    const program = await JsonClient.connect(node, { headers: { authorization: `Bearer ${token}` } });
    const admin = await node.admin();
    const { rows } = await admin.call("connections.list", { filter: "dialect=json", limit: 10 });
    const details = await admin.call("connections.get", { id: rows.at(-1).id });
    assert.ok(!JSON.stringify([rows, details]).includes(token));
    admin.close();
    await browser.close();
    await program.close();
    assert.ok(!node.log.includes(token));
  });

  it("delivers data byte for byte", async () => {
    const [a, b] = [await JsonClient.connect(node), await JsonClient.connect(node)];
    await b.join("bytes");
    const data = String.raw`{ "n" : 1.10e+2, "s":"\u00e9\/\ud83d", "big":123456789012345678901234567890, "l":[ ]  }`;
    a.say(`{"op":"publish","room":"bytes","event":"raw","data": ${data} ,"options":{}}`);
    await b.event("raw");
    assert.ok(b.texts.at(-1).startsWith(`{"op":"event","room":"bytes","event":"raw","data":${data},"seq":1,"origin":"only.`));
    a.say({ op: "publish", room: "bytes", event: "none" });
    assert.ok(!("data" in (await b.event("none"))));
    for (const each of [a, b]) await each.close();
  });

  it("echoes when asked, and leaves", async () => {
    const a = await JsonClient.connect(node);
    assert.deepEqual(await a.join("echo"), { ok: true, room: "echo" });
    assert.deepEqual(await a.join("echo"), { ok: true, room: "echo" });
    await a.publish("echo", "quiet", 1);
    await a.publish("echo", "loud", 2, { echo: true });
    assert.equal((await a.event("loud")).data, 2);
    assert.deepEqual(await a.ask({ op: "leave", room: "echo" }), { ok: true, room: "echo" });
    await a.publish("echo", "gone", 3, { echo: true });
    await a.join("echo");
    await a.publish("echo", "last", 4, { echo: true });
    await a.event("last");
    assert.deepEqual([a.events("quiet").length, a.events("gone").length], [0, 0]);
    await a.close();
  });

  const long = "r".repeat(65);
  for (const [name, request, code] of [
    ["an unknown op", { op: "dance" }, "unknown_operation"],
    ["hello from a client", { op: "hello" }, "unknown_operation"],
    ["a prototype's name", { op: "__proto__" }, "unknown_operation"],
    ["join without a room", { op: "join" }, "bad_request"],
    ["join of an empty room", { op: "join", room: "" }, "bad_request"],
    ["join of a number", { op: "join", room: 5 }, "bad_request"],
    ["join of half a character", '{"op":"join","room":"\\ud83d","id":1}', "bad_request"],
    ["join with a control character", { op: "join", room: "a\u0007" }, "bad_request"],
    ["join of a name too long", { op: "join", room: long }, "too_large"],
    ["leave without a room", { op: "leave", room: null }, "bad_request"],
    ["publish without an event", { op: "publish", room: "a", data: 1 }, "bad_request"],
    ["publish of a reserved event", { op: "publish", room: "a", event: "disconnect" }, "bad_request"],
    ["publish of an event of ours", { op: "publish", room: "a", event: "weir:x" }, "bad_request"],
    ["options that are none", { op: "publish", room: "a", event: "e", options: [1] }, "bad_request"],
    ["an echo that is no boolean", { op: "publish", room: "a", event: "e", options: { echo: 1 } }, "bad_request"],
  ]) {
    it(`${name}: ${code}, and stays open`, async () => {
      const errors = await node.metric("weir_errors_total");
      const it = await JsonClient.connect(node);
      if (typeof request === "string") {
        it.say(request);
        const ack = await until("the ack", () => it.received.find((message) => message.op === "ack"));
        assert.equal(ack.error.code, code);
      } else {
        const { ok, error } = await it.ask(request);
        assert.deepEqual([ok, error.code, typeof error.message], [false, code, "string"]);
        it.say(request); // and without an id
        const told = await it.error();
        assert.deepEqual(Object.keys(told), ["op", "code", "message"]);
        assert.equal(told.code, code);
      }
      assert.ok((await node.metric("weir_errors_total")) > errors);
      assert.equal((await it.join("fine")).ok, true);
      await it.close();
    });
  }

  it("one room too many: too_large", async () => {
    const it = await JsonClient.connect(node);
    for (let i = 0; i < 5; ++i) assert.equal((await it.join(`room-${i}`)).ok, true);
    assert.equal((await it.join("room-5")).error.code, "too_large");
    await it.close();
  });

  for (const [name, frame, code, kind, reason] of [
    ["no JSON", "hello", 4400, "bad_json", "bad-message"],
    ["an empty frame", "", 4400, "bad_json", "bad-message"],
    ["half an object", '{"op":"join"', 4400, "bad_json", "bad-message"],
    ["two objects", '{"op":"join","room":"a"}{"op":"join","room":"a"}', 4400, "bad_json", "bad-message"],
    ["an array", '["join","a"]', 4400, "bad_json", "bad-message"],
    ["a key twice", '{"op":"join","room":"a","room":"b"}', 4400, "bad_json", "bad-message"],
    ["two ops, one of them escaped", '{"op":"join","\\u006fp":"leave","room":"a"}', 4400, "bad_json", "bad-message"],
    ["5,000 levels", `{"op":"publish","data":${"[".repeat(5000)}${"]".repeat(5000)}}`, 4400, "bad_json", "bad-message"],
    ["no op", '{"room":"a"}', 4400, "bad_packet", "bad-message"],
    ["an op that is a number", '{"op":1}', 4400, "bad_packet", "bad-message"],
    ["an id that is a text", '{"op":"join","room":"a","id":"x"}', 4400, "bad_packet", "bad-message"],
    ["an id below zero", '{"op":"join","room":"a","id":-1}', 4400, "bad_packet", "bad-message"],
    ["an ack without an id", '{"op":"ack"}', 4400, "bad_packet", "bad-message"],
    ["a Socket.IO packet", '42["join","a"]', 4400, "bad_json", "bad-message"],
    ["a binary frame", Buffer.from('{"op":"join","room":"a"}'), 1003, "bad_frame", "unsupported"],
    ["a frame over the limit", `{"op":"publish","room":"a","event":"e","data":"${"x".repeat(21000)}"}`, 1009, "too_large", "too-large"],
  ]) {
    it(`${name}: ${code}`, async () => {
      const [closes, errors] = [
        await node.metric("weir_closes_total", `reason="${reason}"`),
        await node.metric("weir_errors_total", `kind="${kind}"`),
      ];
      const it = await JsonClient.connect(node);
      it.socket.send(frame);
      assert.equal((await within("close", it.closed)).code, code);
      assert.equal(it.received.length, 1); // nothing but hello
      await until("it is counted", async () => (await node.metric("weir_closes_total", `reason="${reason}"`)) === closes + 1);
      assert.equal(await node.metric("weir_errors_total", `kind="${kind}"`), errors + 1);
    });
  }

  it("text that is no UTF-8: 1007", async () => {
    const it = await JsonClient.connect(node);
    it.socket._socket.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe]));
    assert.equal((await within("close", it.closed)).code, 1007);
  });

  for (const [name, options, status] of [
    ["a subprotocol of others", { protocols: ["chat"] }, 400],
    ["a token without the subprotocol", { protocols: ["bearer.x"] }, 400],
    ["another version of WebSocket", { protocolVersion: 8 }, 426],
    ["another path", { path: "/ws/x" }, 404],
  ]) {
    it(`${name}: ${status}`, async () => {
      const { status: got, body } = await refusal(node, options);
      assert.equal(got, status);
      assert.equal(typeof body.error.message, "string");
    });
  }
  it("no upgrade at all: 426", async () => {
    const answer = await node.get("/ws", node.port);
    assert.deepEqual([answer.status, answer.headers.get("upgrade")], [426, "websocket"]);
  });

  it("evicts with 4410, with a hint when it may come back", async () => {
    const admin = await node.admin();
    const evict = async (reconnect) => {
      const it = await JsonClient.connect(node);
      const { rows } = await admin.call("connections.list", { filter: "dialect=json", sort: "-since", limit: 100 });
      const { id } = rows.find((row) => row.members[0] === it.hello.id);
      await admin.call("connections.evict", { ids: [id], reason: "test", reconnect });
      const { code } = await within("close", it.closed);
      return { code, said: it.received.slice(1) };
    };
    assert.deepEqual(await evict(false), { code: 4410, said: [] });
    assert.deepEqual(await evict(true), { code: 4410, said: [{ op: "reconnect", after_ms: 0 }] });
    admin.close();
  });
});

describe("access", () => {
  it("refuses a foreign origin with 403, and takes ours", async () => {
    const node = await Node.start({ args: ["--set", "listen.origins=https://ours.example"] });
    const { status, body } = await refusal(node, { origin: "https://evil.example" });
    assert.deepEqual([status, body.error.code], [403, "forbidden"]);
    await (await JsonClient.connect(node, { origin: "https://ours.example" })).close();
    await node.stop();
  });
  it("says why and closes with 4403 where `/` does not exist", async () => {
    const node = await Node.start({ args: ["--set", "broker.namespaces=/chat"] });
    const it = new JsonClient(node);
    assert.equal((await within("close", it.closed)).code, 4403);
    assert.deepEqual(it.received.map(({ op, code, message }) => [op, code, message]), [["error", "forbidden", "Invalid namespace"]]);
    await node.stop();
  });
  it("answers forbidden for what everybody may not", async () => {
    const node = await Node.start({ args: ["--set", "broker.publish=false"] });
    const it = await JsonClient.connect(node);
    assert.equal((await it.join("a")).ok, true);
    assert.equal((await it.publish("a", "e", 1)).error.code, "forbidden");
    await it.close();
    await node.stop();
  });
});

describe("heartbeat and drain", () => {
  let node;
  before(async () => {
    node = await Node.start({ args: ["--set", "heartbeat.interval_ms=300", "--set", "heartbeat.timeout_ms=300"] });
  });
  after(() => node?.stop("SIGKILL"));

  it("pings, and keeps who answers", async () => {
    const it = await JsonClient.connect(node);
    assert.equal(it.hello.heartbeat_ms, 300);
    await until("five pings", () => it.pings >= 5);
    assert.equal((await it.join("alive")).ok, true);
    const admin = await node.admin();
    const { rows } = await admin.call("connections.list", { limit: 10 });
    assert.equal(typeof rows[0].rtt_ms, "number");
    admin.close();
    await it.close();
  });

  it("closes who does not answer with 4408, however busy", async () => {
    const it = await JsonClient.connect(node, { autoPong: false });
    const timer = setInterval(() => it.say({ op: "join", room: "busy" }), 50);
    assert.equal((await within("close", it.closed)).code, 4408);
    clearInterval(timer);
    await until("it is counted", async () => (await node.metric("weir_closes_total", 'reason="ping-timeout"')) === 1);
  });

  it("answers a client's own ping, and takes a pong that nobody asked for", async () => {
    const it = await JsonClient.connect(node);
    const pong = within("pong", new Promise((resolve) => it.socket.once("pong", (bytes) => resolve(String(bytes)))));
    it.socket.ping("mine");
    assert.equal(await pong, "mine");
    it.socket.pong("unasked");
    assert.equal((await it.join("a")).ok, true);
    await it.close();
  });

  it("drains: the hint, then 1012, and newcomers are refused", async () => {
    const it = await JsonClient.connect(node);
    const admin = await node.admin();
    await admin.call("node.drain", { grace_s: 0, deadline_s: 5 });
    const { code } = await within("close", it.closed);
    assert.equal(code, 1012);
    const [hint] = it.received.slice(1);
    assert.deepEqual([Object.keys(hint), hint.op, typeof hint.after_ms], [["op", "after_ms"], "reconnect", "number"]);
    const { status, headers } = await refusal(node);
    assert.equal(status, 503);
    assert.match(headers["retry-after"], /^([1-9]|10)$/);
    await admin.call("node.resume", {});
    await until("it is let in again", () => JsonClient.connect(node).then((back) => back.close(), () => false));
    admin.close();
  });
});
