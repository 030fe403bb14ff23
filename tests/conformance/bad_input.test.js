// SPDX-License-Identifier: Apache-2.0
// Everything that a client should not send: each gets its documented answer or close code, is counted, is logged in
// a line at most, and never disturbs another client.
"use strict";
const { describe, it, before, after, afterEach } = require("node:test");
const assert = require("node:assert/strict");
const net = require("node:net");
const path = require("node:path");
const { WebSocket } = require("../support/node_modules/ws");
const { Child, Node, ask, client, delay, until, within } = require("../support/cluster");

let node, bystander, disturbed, linesAtStart;
let offences = 0;

before(async () => {
  node = await Node.start({ args: ["--set", "limits.message_bytes=20000", "--set", "limits.handshake_ms=1500"] });
  bystander = await client(node.url);
  bystander.on("disconnect", (reason) => (disturbed = reason));
  await ask(bystander, "join", "calm");
  linesAtStart = linesOfLog();
});
after(async () => {
  bystander?.close();
  await node?.stop();
});
// After each line: the other client still gets its messages.
afterEach(async () => {
  const arrival = within("the bystander's own message", new Promise((resolve) => bystander.once("calm", resolve)));
  assert.equal((await ask(bystander, "publish", "calm", "calm", 1, { echo: true })).ok, true);
  await arrival;
  assert.equal(disturbed, undefined);
});

/** Sends raw bytes (a string or several, one write each) and gives all that comes back until the end. */
function raw(chunks, { timeoutMs = 6000 } = {}) {
  return within(
    "the node ends the connection",
    new Promise((resolve, reject) => {
      let answer = "";
      const socket = net.connect(node.port, "127.0.0.1", async () => {
        for (const chunk of [chunks].flat()) {
          if (socket.destroyed) return;
          socket.write(chunk);
          await delay(5);
        }
      });
      socket.on("data", (bytes) => (answer += bytes.toString("latin1")));
      socket.on("error", (error) => (error.code === "ECONNRESET" || error.code === "EPIPE" ? resolve(answer) : reject(error)));
      socket.on("close", () => resolve(answer));
    }),
    timeoutMs,
  );
}
const statusOf = (answer) => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
const bodyOf = (answer) => JSON.parse(answer.slice(answer.indexOf("\r\n\r\n") + 4));
const linesOfLog = () => node.log.split("\n").length;
const isAlone = () => until("only the bystander is left", async () => (await node.metric("weir_connections")) === 1);
/** Lines may come late, so all offences so far are held against all lines so far: at most one each. */
const isQuiet = () => assert.ok(linesOfLog() - linesAtStart <= offences, node.log);

describe("heads", () => {
  const upgrade =
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
  const engine = "/socket.io/?EIO=4&transport=websocket";
  const get = (target, headers = "", host = "Host: 127.0.0.1\r\n") =>
    `GET ${target} HTTP/1.1\r\n${host}${headers}\r\n`;
  const many = Array.from({ length: 200 }, (_, i) => `X-${i}: y\r\n`).join("");

  for (const [name, request, status, engineCode] of [
    ["an unknown path", get("/nowhere"), 404],
    ["an unknown path with an upgrade", get("/nowhere", upgrade), 404],
    ["the root", get("/"), 404],
    ["no transport", get("/socket.io/?EIO=4", upgrade), 400, 0],
    ["an unknown transport", get("/socket.io/?EIO=4&transport=pigeon", upgrade), 400, 0],
    ["a prototype's name as transport", get("/socket.io/?EIO=4&transport=constructor", upgrade), 400, 0],
    ["an unknown sid", get(`${engine}&sid=AAAAAAAAAAAAAAAAAAAA`, upgrade), 400, 1],
    ["a prototype's name as sid", get(`${engine}&sid=__proto__`, upgrade), 400, 1],
    ["a handshake by POST", `POST ${engine} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n`, 400, 2],
    ["the WebSocket transport without an upgrade", get(engine), 400, 3],
    ["version 3 of Engine.IO", get("/socket.io/?EIO=3&transport=websocket", upgrade), 400, 5],
    ["no version of Engine.IO", get("/socket.io/?transport=websocket", upgrade), 400, 5],
    ["too many headers", get(engine, upgrade + many), 431],
    ["a head that is too large", get(engine, `${upgrade}X: ${"y".repeat(20000)}\r\n`), 431],
    ["a bare line feed", `GET ${engine} HTTP/1.1\nHost: 127.0.0.1\n${upgrade}\n`, 400],
    ["a folded header", get(engine, `${upgrade}X: a\r\n b\r\n`), 400],
    ["two hosts", get(engine, `Host: other\r\n${upgrade}`), 400],
    ["no host", get(engine, upgrade, ""), 400],
    ["a space before the colon", get(engine, `${upgrade}X : y\r\n`), 400],
    ["a NUL", get(engine, `${upgrade}X: \0\r\n`), 400],
    ["length and chunks at once", get(engine, `${upgrade}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n`), 400],
    ["a word that is no request", "HELLO\r\n\r\n", 400],
    ["a head that never ends", "GET / HTTP/1.1\r\n", 408],
  ]) {
    it(`${name}: ${status}`, async () => {
      ++offences;
      const answer = await raw(request);
      assert.equal(statusOf(answer), status, answer.slice(0, 300));
      if (engineCode === undefined) assert.doesNotThrow(() => bodyOf(answer));
      else assert.equal(bodyOf(answer).code, engineCode);
      isQuiet();
    });
  }

  it("counts them", async () => assert.ok((await node.metric("weir_handshakes_total")) >= 22));

  it("a head byte by byte is fine", async () => {
    const bytes = [...get("/health")];
    assert.equal(statusOf(await raw(bytes)), 200);
  });
});

describe("frames", () => {
  /** A masked client frame by hand: first byte, then payload; `length` may lie. */
  const frame = (first, payload, length = payload.length) => {
    const body = Buffer.from(payload);
    const head =
      length < 126
        ? [first, 0x80 | length]
        : length < 65536
          ? [first, 0xfe, length >> 8, length & 255]
          : [first, 0xff, ...Array.from({ length: 8 }, (_, i) => Number((BigInt(length) >> BigInt(56 - 8 * i)) & 255n))];
    return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), body]);
  };
  for (const [name, bytes, code] of [
    ["a reserved bit", frame(0xf1, "40"), 1002],
    ["an unknown opcode", frame(0x83, "40"), 1002],
    ["an unknown control opcode", frame(0x8b, ""), 1002],
    ["a fragmented ping", frame(0x09, "x"), 1002],
    ["a ping of 126 bytes", frame(0x89, "x".repeat(126)), 1002],
    ["a continuation of nothing", frame(0x80, "x"), 1002],
    ["text that is no UTF-8", frame(0x81, Buffer.from([0x34, 0x30, 0xff, 0xfe])), 1007],
    ["a length of 2 GB", frame(0x81, "x", 2 ** 31), 1009],
    ["a length of 2^63 - 1", frame(0x81, "x", (1n << 63n) - 1n), 1009],
    ["a message over the limit", frame(0x81, "4".repeat(30000)), 1009],
  ]) {
    it(`${name}: ${code}`, async () => {
      ++offences;
      const socket = new WebSocket(`ws://127.0.0.1:${node.port}/socket.io/?EIO=4&transport=websocket`);
      await within("open packet", new Promise((resolve) => socket.once("message", resolve)));
      const closed = within("close", new Promise((resolve) => socket.once("close", resolve)));
      socket.on("error", () => {});
      socket._socket.write(bytes);
      assert.equal(await closed, code);
      isQuiet();
    });
  }

  it("a client killed in the middle of a frame: no more than a line", async () => {
    ++offences;
    await isAlone();
    const child = new Child("node", [path.join(__dirname, "half_frame.js"), String(node.port)]);
    await until("half a frame is sent", () => child.output.includes("ready"));
    await until("it is counted", async () => (await node.metric("weir_connections")) === 2);
    await child.end("SIGKILL");
    await isAlone();
    isQuiet();
  });
});

describe("packets", () => {
  const open = async ({ connect = true } = {}) => {
    const socket = new WebSocket(`ws://127.0.0.1:${node.port}/socket.io/?EIO=4&transport=websocket`);
    socket.on("error", () => {});
    socket.texts = [];
    socket.on("message", (bytes) => {
      // The first heartbeat comes at a moment of the node's choice.
      if (bytes.toString() === "2") socket.send("3");
      else socket.texts.push(bytes.toString());
    });
    socket.closed = new Promise((resolve) => socket.once("close", resolve));
    await until("the open packet", () => socket.texts.length > 0);
    assert.deepEqual(Object.keys(JSON.parse(socket.texts[0].slice(1))).sort(), [
      ...["maxPayload", "pingInterval", "pingTimeout", "sid", "upgrades"],
    ]);
    if (connect) {
      socket.send("40");
      await until("CONNECT is answered", () => socket.texts.length > 1);
      assert.match(socket.texts[1], /^40\{"sid":"[A-Za-z0-9_-]{20}"\}$/);
    }
    return socket;
  };
  const deep = "[".repeat(5000) + "]".repeat(5000);

  for (const [name, packets, options] of [
    ["an unknown Engine.IO packet", ["9"]],
    ["an empty frame", [""]],
    ["a ping from a client, as version 3 has it", ["2"]],
    ["an empty Socket.IO packet", ["4"]],
    ["an unknown Socket.IO packet", ["48"]],
    ["an event that is no JSON", ['42["x"']],
    ["an event that is an object", ['42{"x":1}']],
    ["an event of nothing", ["42[]"]],
    ["an event named by an object", ["42[{}]"]],
    ["an event without a payload", ["42"]],
    ["JSON with something behind it", ['42["x"]y']],
    ["JSON of 5,000 levels", [`42["x",${deep}]`]],
    ["a reserved event", ['42["disconnect"]']],
    ["another reserved event", ['42["connect_error",1]']],
    ["an event for a namespace that it is not in", ['42/nope,["x"]']],
    ["an event before CONNECT", ['42["join","x"]'], { connect: false }],
    ["a CONNECT whose payload is no object", ["40[1]"], { connect: false }],
    ["a number of attachments that is no number", ['45x-["a"]']],
    ["too many attachments", ['4511-["a"]']],
    ["absurdly many attachments", ['455999999-["a",{"_placeholder":true,"num":0}]']],
    ["a placeholder out of range", ['451-["a",{"_placeholder":true,"num":5}]', Buffer.from("x")]],
    ["a placeholder that is a word", ['451-["a",{"_placeholder":true,"num":"splice"}]', Buffer.from("x")]],
    ["text while an attachment is due", ['451-["a",{"_placeholder":true,"num":0}]', '42["b"]']],
    ["an attachment that nobody announced", [Buffer.from([1, 2, 3])]],
    ["an ack that is no array", ['431{"a":1}']],
  ]) {
    it(`${name}: 4400`, async () => {
      ++offences;
      const [closes, errors] = [
        await node.metric("weir_closes_total", 'reason="bad-message"'),
        await node.metric("weir_errors_total"),
      ];
      const socket = await open(options);
      for (const packet of packets) socket.send(packet);
      assert.equal(await within("close", socket.closed), 4400);
      await until("it is counted", async () => (await node.metric("weir_closes_total", 'reason="bad-message"')) > closes);
      assert.equal(await node.metric("weir_closes_total", 'reason="bad-message"'), closes + 1);
      assert.ok((await node.metric("weir_errors_total")) > errors);
      isQuiet();
    });
  }

  for (const [name, packets, answer] of [
    ["a noop", ["6"], undefined],
    ["an event that nobody knows, without ack", ['42["fly"]'], undefined],
    ["an ack that nobody waits for", ["43999[1]"], undefined],
    ["a second CONNECT elsewhere", ["40/nope,"], '44/nope,{"message":"Invalid namespace"}'],
    ["an ack id beyond an int", ['421234567890["join","x"]'], '431234567890[{"ok":true,"room":"x"}]'],
    ["numbers and escapes that Node sends", ['421["join","\\ud83d"]'], /^431\[/],
  ]) {
    it(`${name}: stays open`, async () => {
      const socket = await open();
      for (const packet of packets) socket.send(packet);
      if (answer) await until("the answer", () => socket.texts.length > 2);
      if (answer instanceof RegExp) assert.match(socket.texts[2], answer);
      else if (answer) assert.equal(socket.texts[2], answer);
      socket.send('4277["join","alive"]');
      await until("it still answers", () => socket.texts.some((text) => text.startsWith("4377[")));
      socket.close();
      await within("close", socket.closed);
    });
  }

  it("a client that closes by packet is gone", async () => {
    const socket = await open();
    socket.send("1");
    await within("close", socket.closed);
    await isAlone();
  });

  it("a flood of bad clients is a hundred lines a second at most", async () => {
    const before = linesOfLog();
    const begin = Date.now();
    for (let round = 0; round < 20; ++round) {
      const sockets = await Promise.all(Array.from({ length: 20 }, () => open()));
      for (const socket of sockets) socket.send("48");
      await within("close", Promise.all(sockets.map((socket) => socket.closed)));
    }
    assert.ok(linesOfLog() - before <= 100 * (Math.ceil((Date.now() - begin) / 1000) + 1));
  });
});
