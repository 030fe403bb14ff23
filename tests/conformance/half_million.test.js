// SPDX-License-Identifier: Apache-2.0
// tests/load/half-million, small: what it counts, not how fast. Its own exit judges times too, so it is not asked.
"use strict";
const { describe, it } = require("node:test");
const assert = require("node:assert/strict");
const { existsSync, readFileSync } = require("node:fs");
const path = require("node:path");
const { Child, program } = require("../support/cluster");

const bin = path.dirname(program("weir-node", "TEST_NODE_PROGRAM"));
const start = (...args) => new Child(path.join(__dirname, "../load/half-million"), args);

describe("half-million", () => {
  it("holds 600, drains a node, loses nothing, and ends all that it started", async () => {
    const child = start("--bin", bin, "--connections", "600", "--minutes", "0.2", "--json");
    let out = "";
    child.child.stdout.on("data", (bytes) => (out += bytes));
    await child.exit;
    const result = JSON.parse(out || assert.fail(child.output));
    const { requested, held, failed, unasked_disconnects: unasked, lost, rooms, nodes, broadcast, drain } = result;
    assert.deepEqual({ requested, held, failed, unasked, lost, rooms, nodes }, {
      ...{ requested: 600, held: 600, failed: 0, unasked: 0, lost: 0, rooms: 6, nodes: 11 },
    });
    assert.equal(broadcast.received, 600);
    assert.ok(drain.moved > 0 && result.nodes_per_room >= 10, JSON.stringify(result));
    for (const key of ["duration_s", "members_per_room", "published", "delivered", "p50_ms", "p95_ms", "p99_ms"])
      assert.ok(result[key] > 0, key);
    for (const key of ["node_bytes_per_connection", "kernel_bytes_per_connection", "total_rss_bytes", "cpu_cores"])
      assert.ok(Number.isFinite(result[key]), key);
  });

  it("takes its nodes with it when it is interrupted", async () => {
    const child = start("--bin", bin, "--connections", "300", "--minutes", "5");
    const children = () => readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim().split(" ");
    while (!child.output.includes("rooms talk")) {
      assert.ok(child.isRunning, child.output);
      await new Promise((resolve) => child.child.stderr.once("data", resolve));
    }
    const started = children();
    assert.ok(started.length >= 14, started.join());
    assert.equal((await child.end("SIGTERM")).code, 130);
    while (started.some((pid) => existsSync(`/proc/${pid}`))) await new Promise(setImmediate);
  });

  for (const [args, code, says] of [
    [["--help"], 0, /--connections N/],
    [["--conections", "5"], 64, /--conections is not understood\nTry/],
    [["--connections", "none"], 64, /wants a number above 0/],
    [["--nodes", "1"], 64, /at least 2/],
    [["--bin", "/nowhere"], 69, /build the release preset first/],
    [["--bin", bin, "--connections", "100000", "--nodes", "2"], 75, /ask for --nodes \d+, or raise the hard limit/],
  ])
    it(`${args.join(" ")}: exit ${code}`, async () => {
      const child = start(...args);
      assert.equal((await child.exit).code, code, child.output);
      assert.match(child.output, says);
    });
});
