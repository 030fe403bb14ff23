// SPDX-License-Identifier: Apache-2.0
// The metrics of a busy node are what Prometheus wants, and count what happened.
"use strict";
const { describe, it, before, after } = require("node:test");
const assert = require("node:assert/strict");
const { spawnSync } = require("node:child_process");
const { Child, Node, Redis, program, until } = require("../support/cluster");

describe("/metrics of a busy node", () => {
  let redis, node, load;
  before(async () => {
    redis = await Redis.start();
    node = await Node.start({ redis });
    load = new Child(program("weir-load", "TEST_LOAD_PROGRAM"), [
      ...["--target", `ws://127.0.0.1:${node.port}`, "--connections", "50", "--scenario", "rooms"],
      ...["--room-size", "10", "--rate", "500", "--duration", "5s", "--json"],
    ]);
    await until("messages are delivered", async () => (await node.metric("weir_deliveries_total")) > 1000);
  });
  after(async () => {
    await load?.end();
    await node?.stop();
    await redis?.stop();
  });

  it("passes promtool check metrics", async () => {
    const text = await node.metricsText();
    const check = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
    assert.equal(check.status, 0, `${check.error ?? ""}${check.stdout}${check.stderr}`);
    assert.equal(check.stdout + check.stderr, "");
  });

  it("counts what happened", async () => {
    for (const [name, label, least] of [
      ["weir_connections", 'dialect="socketio"', 50],
      ["weir_members", "", 50],
      ["weir_rooms", "", 5],
      ["weir_messages_total", 'direction="in"', 100],
      ["weir_messages_total", 'direction="out"', 1000],
      ["weir_bytes_total", 'direction="out"', 10000],
      ["weir_handshakes_total", "", 50],
      ["weir_redis_up", "", 1],
      ["weir_build_info", "", 1],
      ["process_resident_memory_bytes", "", 1e6],
    ])
      assert.ok((await node.metric(name, label)) >= least, `${name}{${label}} is ${await node.metric(name, label)}`);
    const { code } = await load.exit;
    assert.equal(code, 0, load.output);
    const report = JSON.parse(load.output);
    assert.deepEqual(
      [report.connections.failed, report.messages.lost, report.messages.duplicated, report.messages.reordered],
      [0, 0, 0, 0],
    );
    await until("the clients are gone", async () => (await node.metric("weir_connections")) === 0);
    assert.ok((await node.metric("weir_closes_total")) >= 50);
  });
});
