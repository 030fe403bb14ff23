// SPDX-License-Identifier: Apache-2.0
// Rooms with batch_size: official clients and JSON clients on two nodes, with a Node server beside them.
"use strict";
const { describe, it, before, after } = require("node:test");
const assert = require("node:assert/strict");
const { mkdtempSync, rmSync, writeFileSync } = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { Node, Redis, ask, client, until } = require("../support/cluster");
const { JsonClient } = require("../support/json_client");
const broker = require("../support/broker");

const rooms = `
[[rooms]]
match = "slow:*"
batch_size = 1000
batch_ms = 300
[[rooms]]
match = "full:*"
batch_size = 10
batch_ms = 60000
`;

describe("rooms whose messages go out together", () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), "weir-batches-"));
  const file = path.join(folder, "node.toml");
  const sockets = [];
  let redis, one, two, server;
  const connect = async (target) => {
    const socket = await client(target.url);
    socket.got = [];
    socket.onAny((event, ...args) => socket.got.push([event, ...args]));
    sockets.push(socket);
    return socket;
  };
  const batches = (socket) => socket.got.filter(([event]) => event === "batch-update").map(([, parts]) => parts);

  before(async () => {
    writeFileSync(file, rooms);
    redis = await Redis.start();
    const args = ["--config", file];
    [one, two] = await Promise.all([
      Node.start({ redis, args, id: "one" }),
      Node.start({ redis, args, id: "two" }),
    ]);
    server = await broker.start({ redisUrl: redis.url });
  });
  after(async () => {
    for (const socket of sockets) socket.close();
    await Promise.all([one?.stop(), two?.stop(), server?.stop()]);
    await redis?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("sends what a second brings in a few messages, in order, with its stamps", async () => {
    const [a, b, c] = [await connect(one), await connect(one), await connect(two)];
    for (const socket of [b, c]) await ask(socket, "join", "slow:1");
    const json = await JsonClient.connect(two);
    await json.join("slow:1");
    for (let n = 0; n < 100; ++n) a.emit("publish", "slow:1", "n", { n });
    const count = (list) => list.reduce((sum, parts) => sum + parts.length, 0);
    const jsonBatches = () => json.events("batch-update").map(({ data }) => data);
    await until("all of them", () => [batches(b), batches(c), jsonBatches()].every((list) => count(list) === 100));
    for (const list of [batches(b), batches(c), jsonBatches()]) {
      assert.ok(list.length < 50, `${list.length} batches`);
      const parts = list.flat();
      assert.deepEqual(parts.map(({ data }) => data.n), Array.from({ length: 100 }, (_, n) => n));
      assert.deepEqual(parts.map(({ seq }) => seq), Array.from({ length: 100 }, (_, n) => n + 1));
      for (const part of parts) {
        assert.deepEqual(Object.keys(part), ["event", "data", "seq", "origin", "ts"]);
        assert.match(part.origin, /^one\.\d+\.\d+$/);
      }
    }
    assert.ok(json.events("batch-update").every(({ seq, room }) => seq === undefined && room === "slow:1"));
    json.close();
  });

  it("sends a full batch at once, and binary alone after what waits", async () => {
    const [a, b] = [await connect(one), await connect(two)];
    await ask(b, "join", "full:1");
    for (let n = 0; n < 13; ++n) a.emit("publish", "full:1", "n", n);
    a.emit("publish", "full:1", "blob", Buffer.from([1, 2, 3]));
    await until("the blob", () => b.got.some(([event]) => event === "blob"));
    const events = b.got.map(([event, data]) => (event === "batch-update" ? data.map((part) => part.data) : data));
    assert.deepEqual(events, [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [10, 11, 12], Buffer.from([1, 2, 3])]);
  });

  it("lets senders out of their own messages only", async () => {
    const [a, b] = [await connect(one), await connect(one)];
    for (const socket of [a, b]) await ask(socket, "join", "slow:2");
    await Promise.all([ask(a, "publish", "slow:2", "from-a", 1), ask(b, "publish", "slow:2", "from-b", 2)]);
    await until("both", () => batches(a).length > 0 && batches(b).length > 0);
    assert.deepEqual(batches(a).flat().map(({ event }) => event), ["from-b"]);
    assert.deepEqual(batches(b).flat().map(({ event }) => event), ["from-a"]);
  });

  it("changes nothing for members on Node servers, nor for their messages", async () => {
    const [ours, theirs] = [await connect(one), await connect(server)];
    for (const socket of [ours, theirs]) await ask(socket, "join", "slow:3");
    await ask(ours, "publish", "slow:3", "to-theirs", 1);
    await ask(theirs, "publish", "slow:3", "to-ours", 2);
    await until("both", () => theirs.got.length > 0 && ours.got.length > 0);
    assert.deepEqual(theirs.got.map(([event, data]) => [event, data]), [["to-theirs", 1]]);
    assert.deepEqual(batches(ours), [[{ event: "to-ours", data: 2 }]]);
  });
});
