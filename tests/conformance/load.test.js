// SPDX-License-Identifier: Apache-2.0
// weir-load against two nodes: what it reports, and how its clients behave when they are drained or evicted.
"use strict";
const { describe, it, before, after } = require("node:test");
const assert = require("node:assert/strict");
const { Child, Node, Redis, program, until } = require("../support/cluster");

const weirLoad = (...args) => new Child(program("weir-load", "TEST_LOAD_PROGRAM"), args);

describe("weir-load, the program", () => {
  for (const [args, code, says] of [
    [["--help"], 0, /--target/],
    [["--version"], 0, /^weir-load \d+\.\d+\.\d+\n/],
    [["--conections", "5"], 64, /--conections.*--connections.*\nTry 'weir-load --help'\n$/],
    [["--scenario", "ehco"], 64, /ehco.*echo/],
    [["--scenario", "storm"], 64, /not available in this version/],
    [["--dialect", "json"], 64, /not available in this version/],
    [["--transport", "polling"], 64, /not available in this version/],
    [["--target", "http://x"], 64, /ws:\/\//],
    [["--connections", "many"], 64, /--connections/],
    [["--duration", "soon"], 64, /15s/],
    [["--connections", "1000000"], 75, /descriptors/],
  ]) {
    it(`${args.join(" ")}: exit ${code}`, async () => {
      const child = weirLoad(...args);
      assert.equal((await child.exit).code, code);
      assert.match(child.output, says);
    });
  }
});

describe("weir-load on two nodes", () => {
  let redis, nodes;
  before(async () => {
    redis = await Redis.start();
    nodes = await Promise.all(["one", "two"].map((id) => Node.start({ redis, id })));
  });
  after(async () => {
    await Promise.all((nodes ?? []).map((node) => node.stop()));
    await redis?.stop();
  });
  const start = (...args) =>
    weirLoad(...nodes.flatMap((node) => ["--target", `ws://127.0.0.1:${node.port}`]), "--json", ...args);
  const report = async (child) => {
    assert.equal((await child.exit).code, 0, child.output);
    return JSON.parse(child.output);
  };

  for (const args of [
    ["--scenario", "idle", "--connections", "20", "--duration", "1s"],
    ["--scenario", "echo", "--connections", "20", "--duration", "2s"],
    ["--scenario", "echo", "--connections", "20", "--duration", "2s", "--rate", "200", "--payload", "5000"],
    ["--scenario", "rooms", "--connections", "40", "--room-size", "10", "--rate", "200", "--duration", "2s"],
    ["--scenario", "rooms", "--connections", "20", "--room-size", "10", "--duration", "2s"],
  ]) {
    it(`loses nothing: ${args.join(" ")}`, async () => {
      const { connections, messages, latency_ms: latency } = await report(start(...args));
      assert.equal(connections.open, connections.asked);
      assert.equal(connections.failed, 0);
      assert.deepEqual([messages.lost, messages.duplicated, messages.reordered], [0, 0, 0]);
      assert.equal(messages.received, messages.expected);
      if (args[1] !== "idle") assert.ok(messages.received > 100 && latency.p50 > 0 && latency.max >= latency.p99);
    });
  }

  it("stays away after an eviction", async () => {
    const child = start("--scenario", "echo", "--connections", "10", "--rate", "100", "--duration", "5s");
    const [node] = nodes;
    await until("clients are in", async () => (await node.metric("weir_members")) >= 5);
    const admin = await node.admin();
    const { rows } = await admin.call("connections.list", { limit: 100 });
    await admin.call("connections.evict", { ids: rows.slice(0, 2).map((row) => row.id), reason: "test" });
    admin.close();
    const { connections, messages } = await report(child);
    assert.equal(connections.open, 8);
    assert.deepEqual([messages.lost, messages.duplicated, messages.reordered], [0, 0, 0]);
  });

  it("goes to the next target when its node drains, and loses nothing that it was due", async () => {
    const child = start("--scenario", "rooms", "--connections", "20", "--room-size", "10", ..."--rate 100 --duration 8s".split(" "));
    const [node, other] = nodes;
    await until("clients are in", async () => (await node.metric("weir_members")) >= 10);
    const admin = await node.admin();
    await admin.call("node.drain", { grace_s: 0, deadline_s: 2 });
    await until("all are on the other node", async () => (await other.metric("weir_members")) === 20, 15000);
    const { connections, messages } = await report(child);
    assert.equal(connections.open, 20);
    assert.deepEqual([messages.lost, messages.duplicated, messages.reordered], [0, 0, 0]);
    await admin.call("node.resume", {});
    admin.close();
  });
});
