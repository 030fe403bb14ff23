// SPDX-License-Identifier: Apache-2.0
// permessage-deflate (RFC 7692) between real nodes and Node's `ws`, and the official client on top of it.
"use strict";
const { describe, it, before, after } = require("node:test");
const assert = require("node:assert/strict");
const { randomBytes } = require("node:crypto");
const { io } = require("../support/node_modules/socket.io-client");
const { WebSocket } = require("../support/node_modules/ws");
const { Node, ask, until, within } = require("../support/cluster");

const isAdopting = !process.env.TEST_ADOPTS_NOTHING;
const sum = async (node, stage) => node.metric("weir_deflate_bytes_total", `stage="${stage}"`);
const calls = (node) => node.metric("weir_deflate_calls_total");
const set = (...pairs) => pairs.flatMap((pair) => ["--set", pair]);
/** JSON-like text of some length that shrinks well, and differs by `n`. */
const text = (n, bytes) => `${n}:` + '{"instrument":"weir","price":12.5,"open":true}'.repeat(bytes).slice(0, bytes - 4);

/** A bare WebSocket of the JSON dialect, with the options of `ws`. */
async function bare(node, perMessageDeflate) {
  const socket = new WebSocket(`ws://127.0.0.1:${node.port}/ws`, { perMessageDeflate });
  socket.messages = [];
  socket.on("upgrade", ({ headers }) => (socket.terms = headers["sec-websocket-extensions"] ?? ""));
  socket.on("message", (bytes) => socket.messages.push(JSON.parse(bytes.toString())));
  socket.closed = new Promise((resolve) => socket.on("close", (code) => resolve(code)));
  socket.on("error", () => {});
  await until("hello", () => socket.messages.some(({ op }) => op === "hello"));
  socket.join = async (room) => {
    socket.send(JSON.stringify({ op: "join", room, id: 1 }));
    await until("the join's ack", () => socket.messages.some(({ op }) => op === "ack"));
  };
  socket.data = () => socket.messages.filter(({ op }) => op === "event").map(({ data }) => data);
  return socket;
}

describe("compression as shipped", { skip: isAdopting ? false : "no connection of this build can" }, () => {
  let node;
  const open = [];
  before(async () => {
    node = await Node.start();
  });
  after(async () => {
    for (const socket of open) socket.close();
    await node.stop();
  });

  it("a room's message is compressed once a shard, whoever many its members are", async () => {
    const sockets = [];
    for (let i = 0; i < 40; ++i) sockets.push(await bare(node, true));
    open.push(...sockets);
    assert.match(sockets[0].terms, /^permessage-deflate; server_no_context_takeover; client_no_context_takeover/);
    for (const socket of sockets) await socket.join("r");
    const [callsBefore, plain, deflated] = [await calls(node), await sum(node, "sent_plain"), await sum(node, "sent_deflated")];
    const data = text(1, 4000);
    sockets[0].send(JSON.stringify({ op: "publish", room: "r", event: "e", data }));
    for (const socket of sockets.slice(1)) assert.equal(await until("the message", () => socket.data()[0]), data);
    assert.equal((await calls(node)) - callsBefore, 2); // both shards have members
    const shrunk = ((await sum(node, "sent_plain")) - plain) / ((await sum(node, "sent_deflated")) - deflated);
    assert.ok(shrunk > 10, `only ${shrunk} times smaller`);
    assert.ok((await sum(node, "received_plain")) > 4000); // what the publisher compressed was read
  });

  it("short messages, and those that would not shrink, go as they are", async () => {
    const [one, two] = [await bare(node, true), await bare(node, true)];
    open.push(one, two);
    await two.join("s");
    const before = await calls(node);
    one.send(JSON.stringify({ op: "publish", room: "s", event: "e", data: text(1, 500) }));
    await until("the short one", () => two.data().length === 1);
    assert.equal(await calls(node), before);
    const [plain, deflated] = [await sum(node, "sent_plain"), await sum(node, "sent_deflated")];
    const binary = io(node.url, { transports: ["websocket"], forceNew: true, perMessageDeflate: {} });
    const other = io(node.url, { transports: ["websocket"], forceNew: true, perMessageDeflate: {} });
    open.push(binary, other);
    await ask(binary, "join", "b");
    const bytes = randomBytes(5000);
    const arrived = within("the bytes", new Promise((resolve) => binary.once("e", resolve)));
    await ask(other, "publish", "b", "e", bytes);
    assert.deepEqual(await arrived, bytes);
    assert.equal(await sum(node, "sent_plain") - plain, await sum(node, "sent_deflated") - deflated);
  });

  it("a window of 9 bits is honoured", async () => {
    const small = await bare(node, { serverMaxWindowBits: 9 });
    const usual = await bare(node, true);
    open.push(small, usual);
    assert.match(small.terms, /server_max_window_bits=9/);
    await small.join("w");
    await usual.join("w");
    const block = randomBytes(3000).toString("hex"); // repeats itself 6,000 bytes later: outside of 512
    const before = await calls(node);
    usual.send(JSON.stringify({ op: "publish", room: "w", event: "e", data: block + block, options: { echo: true } }));
    assert.equal(await until("by the small window", () => small.data()[0]), block + block);
    assert.equal(await until("by the usual one", () => usual.data()[0]), block + block);
    assert.ok((await calls(node)) - before === 2);
  });

  it("a message that inflates beyond the limit closes with 1009, and nobody else notices", async () => {
    const bomber = await bare(node, true);
    const beside = await bare(node, true);
    open.push(beside);
    bomber.send("a".repeat(50_000_000)); // about 50 KB on the wire
    assert.equal(await within("the close", bomber.closed), 1009);
    await beside.join("x");
  });

  it("what is not deflated though it says so closes with 1002", async () => {
    const broken = await bare(node, true);
    broken._socket.write(Buffer.from([0xc1, 0x84, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]));
    assert.equal(await within("the close", broken.closed), 1002);
  });

  it("who offers nothing is served without, and may not use it", async () => {
    const plain = await bare(node, false);
    assert.equal(plain.terms, "");
    plain._socket.write(Buffer.from([0xc1, 0x81, 0, 0, 0, 0, 0x20]));
    assert.equal(await within("the close", plain.closed), 1002);
  });
});

it("with context takeover similar messages shrink more than five times", { skip: !isAdopting }, async () => {
  const node = await Node.start({ args: set("deflate.context_takeover=true", "deflate.threshold_bytes=64") });
  try {
    const one = await bare(node, { threshold: 0 });
    const two = await bare(node, { threshold: 0 });
    assert.equal(one.terms, "permessage-deflate");
    await two.join("r");
    for (let n = 0; n < 100; ++n)
      one.send(JSON.stringify({ op: "publish", room: "r", event: "e", data: { n, note: text(n, 250) } }));
    await until("all of them", () => two.data().length === 100);
    two.data().forEach(({ n, note }, i) => assert.deepEqual([n, note], [i, text(i, 250)]));
    const shrunk = (await sum(node, "sent_plain")) / (await sum(node, "sent_deflated"));
    assert.ok(shrunk > 5, `only ${shrunk} times smaller`);
    const taken = (await sum(node, "received_plain")) / (await sum(node, "received_deflated"));
    assert.ok(taken > 5, `only ${taken} times smaller on the way in`);
    one.close();
    two.close();
  } finally {
    await node.stop();
  }
});

it("switched off, nobody is offered it", async () => {
  const node = await Node.start({ args: set("deflate.enabled=false") });
  try {
    const socket = await bare(node, true);
    assert.equal(socket.terms, "");
    socket.close();
  } finally {
    await node.stop();
  }
});
