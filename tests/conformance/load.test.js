// SPDX-License-Identifier: Apache-2.0
// weir-load against two nodes: what it reports, and how its clients behave when they are drained or evicted.
"use strict";
const { describe, it, before, after } = require("node:test");
const assert = require("node:assert/strict");
const { existsSync, readFileSync } = require("node:fs");
const path = require("node:path");
const { Child, Node, Redis, program, until } = require("../support/cluster");

const weirLoad = (...args) => new Child(program("weir-load", "TEST_LOAD_PROGRAM"), args);

describe("weir-load, the program", () => {
  for (const [args, code, says] of [
    [["--help"], 0, /--target/],
    [["--version"], 0, /^weir-load \d+\.\d+\.\d+\n/],
    [["--conections", "5"], 64, /--conections.*--connections.*\nTry 'weir-load --help'\n$/],
    [["--scenario", "ehco"], 64, /ehco.*echo/],
    [["--scenario", "storm", "--connections", "1"], 64, /at least 2 --connections/],
    [["--dialect", "jason"], 64, /jason.*json/],
    [["--transport", "polling"], 64, /no long-polling yet; use --transport websocket/],
    [["--transport", "default"], 64, /no long-polling yet; use --transport websocket/],
    [["--target", "http://x"], 64, /ws:\/\//],
    [["--connections", "many"], 64, /--connections/],
    [["--duration", "soon"], 64, /15s/],
  ]) {
    it(`${args.join(" ")}: exit ${code}`, async () => {
      const child = weirLoad(...args);
      assert.equal((await child.exit).code, code);
      assert.match(child.output, says);
    });
  }
});

describe("weir-load(1)", () => {
  const page = path.join(__dirname, "../../resources/man/weir-load.1");
  const found = (pattern, text) => [...text.matchAll(pattern)].map((match) => match[1]).sort();
  it("tells what --help tells", async () => {
    const child = weirLoad("--help");
    await child.exit;
    const flags = found(/^\s+(?:-h,)?(--[a-z-]+)/gm, child.output);
    assert.ok(flags.includes("--target") && !flags.includes("--part"), child.output);
    assert.deepEqual(found(/^\.It Fl (-[a-z-]+)/gm, readFileSync(page, "utf8")).map((flag) => `-${flag}`), flags);
  });
  it("is clean", async () => {
    const child = new Child("mandoc", ["-Tlint", "-Wall", page]);
    await child.exit;
    // Pages that are installed with others of our packages are not on this machine.
    const ofOthers = /^$|referenced manual not found|outdated mandoc\.db/;
    assert.deepEqual(child.output.split("\n").filter((line) => !ofOthers.test(line)), []);
  });
});

/** With so few open descriptors that one process is not enough. */
const confined = (descriptors, ...args) =>
  new Child("sh", ["-c", `ulimit -n ${descriptors}; exec "$@"`, "sh", program("weir-load", "TEST_LOAD_PROGRAM"), ...args]);

describe("weir-load with few descriptors", () => {
  it("says what to do when even several processes are not enough", async () => {
    for (const args of [
      ["--connections", "200", "--scenario", "rooms", "--room-size", "150"],
      ["--connections", "1000000"],
    ]) {
      const child = confined(128, ...args);
      assert.equal((await child.exit).code, 75, child.output);
      assert.match(child.output, /descriptors.*raise the hard limit \(ulimit -Hn\)\n$/);
    }
  });
  it("ends all of its processes when nobody is there", async () => {
    const child = confined(128, "--connections", "100", "--target", "ws://127.0.0.1:9", "--json");
    // Its last word is the refusal; the ramp waits 15 s for a node that may come.
    assert.equal((await child.exit).code, 69, child.output);
    assert.match(child.output, /no target let a client in/);
  });
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
    ["--scenario", "echo", "--connections", "20", "--duration", "2s", "--dialect", "json"],
    ["--scenario", "rooms", "--connections", "40", ..."--rate 200 --duration 2s --dialect json".split(" ")],
    ["--scenario", "idle", "--connections", "20", "--duration", "1s", "--dialect", "json"],
  ]) {
    it(`loses nothing: ${args.join(" ")}`, async () => {
      const { connections, messages, latency_ms: latency } = await report(start(...args));
      assert.equal(connections.open, connections.asked);
      assert.equal(connections.failed, 0);
      assert.deepEqual([messages.lost, messages.duplicated, messages.reordered], [0, 0, 0]);
      assert.equal(messages.received, messages.expected);
      assert.deepEqual(messages.seq, args.includes("json") ? { missing: 0, duplicated: 0, reordered: 0 } : undefined);
      if (args[1] !== "idle") assert.ok(messages.received > 100 && latency.p50 > 0 && latency.max >= latency.p99);
    });
  }

  for (const dialect of ["socketio", "json"]) {
    it(`cuts everybody at once and sees them back, ${dialect}`, async () => {
      const closes = async () =>
        (await Promise.all(nodes.map((node) => node.metric("weir_closes_total", 'reason="lost"')))).reduce((a, b) => a + b);
      const before = await closes();
      const { connections, messages, storm } = await report(
        start("--scenario", "storm", "--connections", "100", "--rate", "200", "--dialect", dialect),
      );
      assert.equal(connections.open, 100);
      assert.deepEqual(storm.map(({ backoff }) => backoff), [true, false]);
      // Official clients wait half a second at least.
      assert.ok(storm[0].recovered_s >= 0.5 && storm[1].recovered_s > 0, JSON.stringify(storm));
      assert.ok(storm.every(({ stayed_p99_ms: p99 }) => p99 > 0));
      assert.deepEqual([messages.lost, messages.duplicated, messages.reordered], [0, 0, 0]);
      assert.ok(messages.received > 100);
      assert.equal(await closes(), before + 2 * 90); // one in ten stays
    });
  }

  it("is run by several processes where one may not open so many, as one run", async () => {
    const targets = nodes.flatMap((node) => ["--target", `ws://127.0.0.1:${node.port}`]);
    const args = ["--connections", "155", "--room-size", "10", "--rate", "200", "--duration", "3s", "--dialect", "json"];
    const child = confined(128, ...targets, "--scenario", "rooms", "--json", ...args);
    const parts = await until("several processes", () => {
      const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim().split(" ");
      return children.length > 2 && children;
    });
    assert.equal(parts.length, 3); // 64 clients each at most, whole rooms
    const { connections, messages, duration_s: duration } = await report(child);
    assert.deepEqual([connections.asked, connections.open], [155, 155]);
    assert.deepEqual([messages.lost, messages.duplicated, messages.reordered], [0, 0, 0]);
    assert.equal(messages.received, messages.expected);
    // The rate is that of all together, and all publish at the same time.
    assert.ok(messages.sent > 400 && messages.sent <= 600 + 3, String(messages.sent));
    assert.ok(duration < 6);
    for (const pid of parts) assert.ok(!existsSync(`/proc/${pid}`));
  });

  describe("several processes", () => {
    const many = async () => {
      const targets = nodes.flatMap((node) => ["--target", `ws://127.0.0.1:${node.port}`]);
      const child = confined(128, ...targets, "--connections", "100", "--duration", "1h", "--rate", "100", "--json");
      const members = async () => (await nodes[0].metric("weir_members")) + (await nodes[1].metric("weir_members"));
      await until("all are in", async () => (await members()) === 100);
      const parts = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim().split(" ").map(Number);
      assert.equal(parts.length, 2);
      return { child, parts };
    };
    const areGone = (parts) => until("they are gone", () => parts.every((pid) => !existsSync(`/proc/${pid}`)));

    it("end early with one report when they are interrupted", async () => {
      const { child, parts } = await many();
      const { connections, messages } = await (process.kill(child.pid, "SIGTERM"), report(child));
      assert.equal(connections.open, 100);
      assert.equal(messages.lost, 0);
      await areGone(parts);
    });
    it("end when the one that started them is gone", async () => {
      const { child, parts } = await many();
      await child.end("SIGKILL");
      await areGone(parts);
    });
    it("are not believed when one of them is gone", async () => {
      const { child, parts } = await many();
      process.kill(parts[0], "SIGKILL");
      await areGone(parts.slice(0, 1));
      const { code } = await child.end("SIGTERM");
      assert.equal(code, 70, child.output);
      assert.match(child.output, /ended without its report/);
      await areGone(parts);
    });
  });

  it("shows on a terminal how it goes", async () => {
    const target = `ws://127.0.0.1:${nodes[0].port}`;
    const words = [program("weir-load", "TEST_LOAD_PROGRAM"), "--target", target, "--connections", "5", "--duration", "3s"];
    const child = new Child("script", ["-qec", words.join(" "), "/dev/null"]);
    assert.equal((await child.exit).code, 0);
    assert.match(child.output, /\r5 of 5 open, 0 refused, 0 closed, \d+ sent, \d+ received\/s, p99 [\d.]+ ms/);
  });

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
