// SPDX-License-Identifier: Apache-2.0
// One cluster of our nodes, a Node.js Socket.IO server with @socket.io/redis-adapter, and a redis-emitter.
"use strict";
const { describe, it, before, after } = require("node:test");
const assert = require("node:assert/strict");
const { createClient } = require("../support/node_modules/redis");
const { Emitter } = require("../support/node_modules/@socket.io/redis-emitter");
const { Node, Redis, ask, client, until, within } = require("../support/cluster");
const broker = require("../support/broker");

describe("a mixed cluster", () => {
  let redis, node, server, redisClient, emitter, chatEmitter;
  const sockets = [];
  const connect = async (where, namespace = "/") => {
    const socket = await client(where.url + namespace);
    socket.got = [];
    socket.onAny((...args) => socket.got.push(args));
    sockets.push(socket);
    return socket;
  };
  const next = (socket, event) =>
    within(`${event} arrives`, new Promise((resolve) => socket.once(event, (...args) => resolve(args))));
  const join = async (socket, room) => assert.equal((await ask(socket, "join", room)).ok, true);
  const binary = [{ a: Buffer.from([1, 2, 3]), deep: [Buffer.alloc(300, 9)] }, "text", 1.5, null, true];

  before(async () => {
    redis = await Redis.start();
    node = await Node.start({ redis, args: ["--set", "broker.namespaces=/,/chat"] });
    server = await broker.start({ redisUrl: redis.url, namespaces: ["/", "/chat"] });
    redisClient = createClient({ url: redis.url });
    await redisClient.connect();
    emitter = new Emitter(redisClient);
    chatEmitter = emitter.of("/chat");
  });
  after(async () => {
    for (const socket of sockets) socket.close();
    await redisClient?.disconnect();
    await server?.stop();
    await node?.stop();
    await redis?.stop();
  });

  for (const namespace of ["/", "/chat"]) {
    it(`broadcasts to a room in ${namespace} from Node to us`, async () => {
      const [member, stranger] = [await connect(node, namespace), await connect(node, namespace)];
      await join(member, "news");
      const arrival = next(member, "headline");
      server.io.of(namespace).to("news").emit("headline", { n: 1 }, "second", null);
      assert.deepEqual(await arrival, [{ n: 1 }, "second", null]);
      assert.deepEqual(stranger.got, []);
    });

    it(`broadcasts to a room in ${namespace} from us to Node`, async () => {
      const [theirs, ours] = [await connect(server, namespace), await connect(node, namespace)];
      await join(theirs, "back");
      const arrival = next(theirs, "answer");
      await ask(ours, "publish", "back", "answer", { n: 2, text: "ü" });
      assert.deepEqual(await arrival, [{ n: 2, text: "ü" }]);
    });
  }

  it("reaches one socket id in both directions", async () => {
    const [ours, bystander, theirs] = [await connect(node), await connect(node), await connect(server)];
    const there = next(ours, "direct");
    server.io.to(ours.id).emit("direct", 1);
    assert.deepEqual(await there, [1]);
    const back = next(theirs, "direct");
    await ask(ours, "publish", theirs.id, "direct", 2);
    assert.deepEqual(await back, [2]);
    assert.deepEqual(bystander.got, []);
  });

  it("carries binary in both directions", async () => {
    const [ours, theirs] = [await connect(node), await connect(server)];
    await join(ours, "bytes");
    await join(theirs, "bytes");
    const there = next(ours, "blob");
    server.io.to("bytes").emit("blob", binary);
    assert.deepEqual(await there, [binary]);
    const back = next(theirs, "blob2");
    await ask(ours, "publish", "bytes", "blob2", binary);
    assert.deepEqual(await back, [binary]);
  });

  it("honours several rooms, except, and everybody", async () => {
    const [a, b, c] = [await connect(node), await connect(node), await connect(node)];
    await join(a, "red");
    await join(a, "blue");
    await join(b, "blue");
    await join(c, "blue");
    server.io.to("red").to("blue").except(c.id).emit("coloured", 1);
    const all = Promise.all([a, b, c].map((socket) => next(socket, "everybody")));
    server.io.emit("everybody", 2);
    await all;
    const coloured = (socket) => socket.got.filter(([event]) => event === "coloured").length;
    assert.deepEqual([coloured(a), coloured(b), coloured(c)], [1, 1, 0]);
  });

  it("leaves out the sender of a socket's broadcast", async () => {
    const [ours, theirs, second] = [await connect(node), await connect(server), await connect(server)];
    for (const socket of [ours, theirs, second]) await join(socket, "but-me");
    const arrivals = [next(ours, "hi"), next(second, "hi")];
    await ask(theirs, "publish", "but-me", "hi", 1);
    await Promise.all(arrivals);
    assert.deepEqual(theirs.got, []);
  });

  it("hears a redis-emitter: room, socket id, everybody, namespace, binary", async () => {
    const [ours, chat, theirs] = [await connect(node), await connect(node, "/chat"), await connect(server)];
    await join(ours, "emitted");
    await join(theirs, "emitted");
    for (const [what, emit, event, args, receivers] of [
      ["room", () => emitter.to("emitted").emit("e1", 1, "two"), "e1", [1, "two"], [ours, theirs]],
      ["id", () => emitter.to(ours.id).emit("e2", {}), "e2", [{}], [ours]],
      ["everybody", () => emitter.emit("e3"), "e3", [], [ours, theirs]],
      ["namespace", () => chatEmitter.emit("e4", 4), "e4", [4], [chat]],
      ["binary", () => emitter.to("emitted").emit("e5", binary), "e5", [binary], [ours, theirs]],
    ]) {
      const arrivals = receivers.map((socket) => next(socket, event));
      emit();
      for (const arrival of arrivals) assert.deepEqual(await arrival, args, what);
    }
  });

  it("keeps the order of 500 messages in both directions", async () => {
    const [ours, theirs] = [await connect(node), await connect(server)];
    await join(ours, "long");
    await join(theirs, "long");
    for (let n = 0; n < 500; ++n) {
      ours.emit("publish", "long", "from-us", n);
      server.io.to("long").emit("from-them", n);
    }
    const numbers = (socket, event) => socket.got.filter(([name]) => name === event).map(([, n]) => n);
    const expected = Array.from({ length: 500 }, (_, n) => n);
    await until(
      "all have come",
      () => numbers(theirs, "from-us").length >= 500 && numbers(ours, "from-them").length >= 500,
    );
    assert.deepEqual(numbers(theirs, "from-us"), expected);
    assert.deepEqual(numbers(ours, "from-them"), expected);
  });

  it("does not make Node servers wait for answers that never come", async () => {
    const theirs = await connect(server);
    const begin = Date.now();
    const found = await server.io.fetchSockets();
    assert.ok(Date.now() - begin < 2000, `fetchSockets took ${Date.now() - begin} ms`);
    assert.ok(found.some((socket) => socket.id === theirs.id));
  });
});

// Without a Node server: it does not survive this.
describe("garbage on the channels", () => {
  it("is counted and delivers nothing", async () => {
    const redis = await Redis.start();
    const node = await Node.start({ redis });
    const socket = await client(node.url);
    const got = [];
    socket.onAny((event) => got.push(event));
    assert.equal((await ask(socket, "join", "garbage")).ok, true);
    const raw = createClient({ url: redis.url });
    await raw.connect();
    const before = node.log.split("\n").length;
    const begin = Date.now();
    for (const bytes of ["X", "", "\x93", Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff]), Buffer.alloc(10000, 0x91), "{}"])
      await raw.publish("socket.io#/#garbage#", bytes);
    new Emitter(raw).to("garbage").emit("alive", 1);
    await until("the good one arrives", () => got.length > 0);
    assert.deepEqual(got, ["alive"]);
    assert.ok((await node.metric("weir_errors_total", "bad_envelope")) >= 5);
    assert.ok(node.log.split("\n").length - before <= 2 + (Date.now() - begin) / 1000);
    await raw.disconnect();
    socket.close();
    await node.stop();
    await redis.stop();
  });
});
