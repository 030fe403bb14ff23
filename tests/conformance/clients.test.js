// SPDX-License-Identifier: Apache-2.0
// Unmodified official clients on two nodes with one Redis.
"use strict";
const { describe, it, before, after } = require("node:test");
const assert = require("node:assert/strict");
const { io } = require("../support/node_modules/socket.io-client");
const { Node, Redis, ask, client, until, within } = require("../support/cluster");

describe("official clients on two nodes", () => {
  let redis, one, two;
  const sockets = [];
  const connect = async (node, namespace = "/", options = {}) => {
    const socket = await client(node.url + namespace, options);
    sockets.push(socket);
    return socket;
  };
  const join = async (socket, room) => assert.deepEqual(await ask(socket, "join", room), { ok: true, room });
  const next = (socket, event) =>
    within(`${event} arrives`, new Promise((resolve) => socket.once(event, (...args) => resolve(args))));

  before(async () => {
    redis = await Redis.start();
    const args = ["--set", "broker.namespaces=/,/chat"];
    [one, two] = await Promise.all([
      Node.start({ redis, args, id: "one" }),
      Node.start({ redis, args, id: "two" }),
    ]);
  });
  after(async () => {
    for (const socket of sockets) socket.close();
    const ends = await Promise.all([one?.stop(), two?.stop()]);
    await redis?.stop();
    for (const end of ends) assert.deepEqual(end, { code: 0, signal: null });
  });

  it("joins, leaves and publishes with an ack", async () => {
    const [a, b] = [await connect(one), await connect(two)];
    await join(a, "acks");
    await join(b, "acks");
    await join(b, "acks"); // twice is fine
    const arrival = next(b, "greeting");
    const answer = await ask(a, "publish", "acks", "greeting", { text: "hällo ☃", n: 1.5 });
    assert.equal(answer.ok, true);
    assert.equal(typeof answer.seq, "number");
    assert.deepEqual(await arrival, [{ text: "hällo ☃", n: 1.5 }]);

    let stray = 0;
    b.on("after-leave", () => ++stray);
    const witness = await connect(two);
    await join(witness, "acks");
    const seen = next(witness, "after-leave");
    assert.deepEqual(await ask(b, "leave", "acks"), { ok: true, room: "acks" });
    await ask(a, "publish", "acks", "after-leave", 1);
    await seen;
    await join(b, "acks");
    const again = next(b, "again");
    await ask(a, "publish", "acks", "again", 1);
    await again;
    assert.equal(stray, 0);
  });

  it("excludes the sender unless it asks for an echo, and may publish without being a member", async () => {
    const [a, b] = [await connect(one), await connect(one)];
    await join(a, "echo");
    const got = [];
    a.on("plain", () => got.push("plain"));
    await ask(a, "publish", "echo", "plain", 1);
    const echoed = next(a, "echoed");
    await ask(a, "publish", "echo", "echoed", 2, { echo: true });
    assert.deepEqual(await echoed, [2]);
    assert.deepEqual(got, []);
    const fromOutside = next(a, "outside");
    await ask(b, "publish", "echo", "outside"); // no data: no argument
    assert.deepEqual(await fromOutside, []);
  });

  it("delivers 500 messages across nodes in order", async () => {
    const [a, b, c] = [await connect(one), await connect(two), await connect(one)];
    for (const socket of [a, b, c]) await join(socket, "order");
    const got = { b: [], c: [] };
    b.on("n", (n) => got.b.push(n));
    c.on("n", (n) => got.c.push(n));
    for (let n = 0; n < 500; ++n) a.emit("publish", "order", "n", n);
    const expected = Array.from({ length: 500 }, (_, n) => n);
    await until("500 messages on both", () => got.b.length >= 500 && got.c.length >= 500);
    assert.deepEqual(got.b, expected);
    assert.deepEqual(got.c, expected);
  });

  it("carries two buffers in an object in an array both ways, with ack", async () => {
    const [a, b] = [await connect(one), await connect(two)];
    for (const socket of [a, b]) await join(socket, "binary");
    const data = [{ first: Buffer.from([0, 1, 255]), deep: { second: Buffer.alloc(70000, 7) }, text: "x" }, null];
    for (const [from, to] of [
      [a, b],
      [b, a],
    ]) {
      const arrival = next(to, "blob");
      assert.equal((await ask(from, "publish", "binary", "blob", data)).ok, true);
      const [received] = await arrival;
      assert.deepEqual(received, data);
    }
    const local = next(a, "own");
    assert.equal((await ask(a, "publish", "binary", "own", data, { echo: true })).ok, true);
    assert.deepEqual(await local, [data]);
  });

  it("keeps two namespaces apart", async () => {
    const [root, chat, other] = [await connect(one), await connect(one, "/chat"), await connect(two, "/chat")];
    const [shared, sharedChat] = await (async () => {
      const socket = await connect(two); // one connection, two namespaces
      const second = socket.io.socket("/chat");
      sockets.push(second);
      await within("the second namespace", new Promise((resolve) => second.connect().once("connect", resolve)));
      return [socket, second];
    })();
    assert.notEqual(shared.id, sharedChat.id);
    for (const socket of [root, chat, other, shared, sharedChat]) await join(socket, "same-name");
    const got = [];
    for (const [name, socket] of Object.entries({ root, other, shared, sharedChat }))
      socket.on("say", (what) => got.push(`${name} ${what}`));
    await ask(chat, "publish", "same-name", "say", "chat");
    await until("both members of /chat have it", () => got.length >= 2);
    assert.deepEqual(got.sort(), ["other chat", "sharedChat chat"]);
    sharedChat.disconnect();
    const still = next(shared, "still");
    await ask(root, "publish", "same-name", "still", 1);
    await still;
  });

  it("refuses an unknown namespace and leaves the rest of the connection alone", async () => {
    const socket = await connect(one);
    const wrong = socket.io.socket("/nope");
    const error = await within("CONNECT_ERROR", new Promise((resolve) => wrong.connect().once("connect_error", resolve)));
    assert.equal(error.message, "Invalid namespace");
    await join(socket, "fine");
    const alone = io(one.url + "/nope", { transports: ["websocket"], forceNew: true, reconnection: false });
    sockets.push(alone);
    const refused = await within("CONNECT_ERROR", new Promise((resolve) => alone.once("connect_error", resolve)));
    assert.equal(refused.message, "Invalid namespace");
  });

  const tooLong = "r".repeat(257);
  for (const [name, request, code] of [
    ["an unknown event", ["fly", 1], "unknown_operation"],
    ["join without a room", ["join"], "bad_request"],
    ["join with a number", ["join", 5], "bad_request"],
    ["a room name that is too long", ["join", tooLong], ["bad_request", "too_large"]],
    ["publish without an event", ["publish", "r"], "bad_request"],
    ["a reserved event", ["publish", "r", "disconnect", 1], "bad_request"],
    ["an event of ours", ["publish", "r", "weir:reconnect", 1], "bad_request"],
    ["an empty event", ["publish", "r", "", 1], "bad_request"],
  ]) {
    it(`answers ${name} with an error and stays`, async () => {
      const socket = await connect(one);
      const answer = await ask(socket, ...request);
      assert.equal(answer.ok, false);
      assert.ok([code].flat().includes(answer.error.code), answer.error.code);
      assert.equal(typeof answer.error.message, "string");
      await join(socket, "still-here");
    });
  }

  it("has members of one room on both shards, and reaches them all", async () => {
    const members = [];
    for (let i = 0; i < 8; ++i) members.push(await connect(one));
    const got = new Set();
    for (const socket of members) {
      await join(socket, "shards");
      socket.on("all", () => got.add(socket.id));
    }
    const admin = await one.admin();
    try {
      const { rows } = await admin.call("connections.list", { filter: "room=shards", limit: 100 });
      assert.equal(rows.length, members.length);
      assert.deepEqual([...new Set(rows.map((row) => String(row.id).split("-")[0]))].sort(), ["0", "1"]);
      assert.deepEqual(rows.flatMap((row) => row.members).sort(), members.map((socket) => socket.id).sort());
    } finally {
      admin.close();
    }
    const outside = await connect(two);
    await ask(outside, "publish", "shards", "all", 1);
    await until("every member has it", () => got.size === members.length);
  });
});
