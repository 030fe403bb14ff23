// SPDX-License-Identifier: Apache-2.0
// A full node, one without descriptors and one short of memory, as official clients see them.
"use strict";
const assert = require("node:assert/strict");
const { readFileSync, readdirSync } = require("node:fs");
const net = require("node:net");
const test = require("node:test");
const { io } = require("../support/node_modules/socket.io-client");
const { Child, Node, ask, client, until, within } = require("../support/cluster");

const settings = (...pairs) => pairs.flatMap((pair) => ["--set", pair]);

async function setLimit(node, name, value) {
  const { code } = await new Child("prlimit", ["--pid", String(node.process.pid), `--${name}=${value}`]).exit;
  assert.equal(code, 0, "prlimit (package util-linux)");
}

/** What a plain upgrade is answered: the status, or 0 when the node says nothing; the socket stays open. */
function knock(node) {
  return new Promise((resolve) => {
    const socket = net.connect(node.port, "127.0.0.1", () =>
      socket.write(
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
      ),
    );
    socket.on("data", (bytes) => {
      const text = bytes.toString("latin1");
      if (text.startsWith("HTTP/1.1")) resolve({ status: Number(text.slice(9, 12)), text, socket });
    });
    socket.on("error", () => resolve({ status: 0, text: "", socket }));
    socket.on("close", () => resolve({ status: 0, text: "", socket }));
  });
}

test("evict-oldest: the silent one goes for a newcomer, never one that was active", async () => {
  const node = await Node.start({
    args: [
      ...["--shards", "1"],
      ...settings("node.max_connections=4", "node.at_capacity=evict-oldest", "node.evict_min_idle_s=2"),
    ],
  });
  const held = [];
  try {
    const goodbyes = [];
    const join = async (name) => {
      const socket = await client(node.url);
      held.push(socket);
      socket.on("disconnect", (reason) => goodbyes.push(`${name}: ${reason}`));
      return socket;
    };
    const first = await join("first");
    await join("second");
    const active = [await join("third"), await join("fourth")];
    // An event, an ack, a delivery: each is activity. A heartbeat is none.
    await ask(first, "join", "r");
    const refused = io(node.url, { transports: ["websocket"], forceNew: true, reconnection: false });
    held.push(refused);
    const error = await within("a refusal", new Promise((resolve) => refused.once("connect_error", resolve)));
    assert.equal(error.message, "server full"); // nobody has been silent for 2 s yet
    assert.equal(await node.metric("weir_evictions_total", 'by="capacity"'), 0);
    let beats = 0;
    const beat = setInterval(() => {
      ++beats;
      for (const socket of active) socket.emit("publish", "r", "beat", beats); // first hears it: it is active too
    }, 200);
    await until("the second was silent for 2 s", () => beats >= 13, 30000);
    await join("newcomer");
    await until("someone has gone", () => goodbyes.length > 0);
    clearInterval(beat);
    assert.deepEqual(goodbyes, ["second: io server disconnect"]);
    assert.equal(await node.metric("weir_evictions_total", 'by="capacity"'), 1);
    await until("closed as full and evicted", async () => (await node.metric("weir_closes_total", 'reason="evicted"')) === 1);
    assert.equal(await node.metric("weir_closes_total", 'reason="full"'), 1);
    assert.equal((await node.get("/ready")).status, 200); // a full node that replaces still takes newcomers
  } finally {
    for (const socket of held) socket.disconnect();
    await node.stop();
  }
});

const lacksDescriptors = { skip: process.env.TEST_LACKS_RESERVE ? "not in this build" : false };
test("out of descriptors: newcomers get 503, live clients notice nothing, the node recovers by itself", lacksDescriptors, async () => {
  const node = await Node.start();
  const sockets = [];
  let live;
  try {
    live = await client(node.url, { reconnection: false });
    const goodbyes = [];
    live.on("disconnect", (reason) => goodbyes.push(reason));
    const inUse = new Set(readdirSync(`/proc/${node.process.pid}/fd`).map(Number));
    let limit = 0; // below it 20 numbers are free
    for (let free = 0; free < 20; ++limit) free += inUse.has(limit) ? 0 : 1;
    const newcomers = 60;
    const limits = readFileSync(`/proc/${node.process.pid}/limits`, "utf8");
    const before = /Max open files +(\d+)/.exec(limits)[1];
    await setLimit(node, "nofile", `${limit}:${before}`);
    for (let i = 0; i < newcomers; ++i) sockets.push(await within("an answer", knock(node)));
    const taken = sockets.filter((each) => each.status === 101).length;
    const told = sockets.filter((each) => each.status === 503);
    assert.ok(taken > 0, "some fit");
    assert.ok(told.length > 0, "some do not");
    assert.equal(taken + told.length, newcomers);
    assert.match(told[0].text, /\r\nRetry-After: ([1-9]|10)\r\n/);
    for (let i = 0; i < 20; ++i) assert.equal((await ask(live, "join", `r${i}`)).ok, true);
    for (const { socket } of sockets.splice(0)) socket.destroy();
    await until("a newcomer is served again", async () => {
      const { status, socket } = await knock(node);
      sockets.push({ socket });
      return status === 101;
    });
    assert.ok((await node.metric("weir_handshakes_total", 'result="no_descriptors"')) > 0);
    assert.deepEqual(goodbyes, []);
  } finally {
    live?.disconnect();
    for (const { socket } of sockets) socket.destroy();
    await node.stop();
  }
});

test("short of memory: newcomers get 503, those who are in stay, and it ends by itself", async () => {
  const node = await Node.start();
  let live;
  try {
    live = await client(node.url, { reconnection: false });
    const used = 1024 * Number(/VmSize:\s+(\d+)/.exec(readFileSync(`/proc/${node.process.pid}/status`, "utf8"))[1]);
    await setLimit(node, "as", `${Math.floor(used / 0.9)}:unlimited`);
    await until("newcomers are refused", async () => {
      const { status, socket } = await knock(node);
      socket.destroy();
      return status === 503;
    });
    assert.ok((await node.metric("weir_handshakes_total", 'result="memory"')) > 0);
    const ready = await node.get("/ready");
    assert.equal(ready.status, 503);
    assert.match((await ready.json()).reasons.join(), /memory/);
    assert.equal((await ask(live, "join", "r")).ok, true);
    await setLimit(node, "as", "unlimited:unlimited");
    await until("a newcomer is served again", async () => {
      const { status, socket } = await knock(node);
      socket.destroy();
      return status === 101;
    });
  } finally {
    live?.disconnect();
    await node.stop();
  }
});
