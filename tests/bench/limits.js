#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// What the limits hold under load, timed: evict-oldest, slow consumers, slowloris. By hand: tests/bench/limits.js
// evict|slow|slowloris [DIRECTORY of the programs]; tests/bench/run --lines runs all of them.
"use strict";
const { execFileSync } = require("node:child_process");
const net = require("node:net");
const path = require("node:path");
const { io } = require("../support/node_modules/socket.io-client");
const { Child, Node, client, delay, until } = require("../support/cluster");
const { cpuSeconds, load, openDescriptors, residentBytes } = require("./processes");

const upgrade =
  "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const settings = (...pairs) => pairs.flatMap((pair) => ["--set", pair]);
const quiet = ["--shards", "2", "--log-level", "error"];

async function withNode(args, use) {
  const node = await Node.start({ args: [...quiet, ...args] });
  try {
    return await use(node);
  } finally {
    await node.stop("SIGKILL");
  }
}

/** A masked text frame of an official client. */
function frame(text) {
  const payload = Buffer.from(text);
  const key = Buffer.from([1, 2, 3, 4]);
  const bytes = Buffer.concat([Buffer.from([0x81, 0x80 | payload.length]), key, payload]);
  for (let i = 0; i < payload.length; ++i) bytes[6 + i] ^= key[i % 4];
  return bytes;
}

/** A full node of 100, 50 of them silent, and 200 who keep coming back. */
function evictOldest({ seconds = 30 } = {}) {
  const args = settings("node.max_connections=100", "node.at_capacity=evict-oldest", "node.evict_min_idle_s=2");
  return withNode(args, async (node) => {
    const all = [];
    const wrong = [];
    const seen = { silent: 0, newcomers: 0, in: 0, full: 0 };
    const watch = (socket, kind, since) => {
      all.push(socket);
      socket.lastActive = since;
      socket.on("disconnect", (reason) => {
        const idle_ms = Date.now() - socket.lastActive;
        if (reason !== "io server disconnect") return;
        ++seen[kind];
        if (idle_ms < 2000) wrong.push({ kind, idle_ms });
      });
    };
    for (let i = 0; i < 100; ++i) {
      const since = Date.now();
      const socket = await client(node.url, { reconnection: false });
      watch(socket, i % 2 === 0 ? "silent" : "active", since);
      if (i % 2 === 0) continue;
      socket.acts = setInterval(() => {
        socket.lastActive = Date.now();
        socket.emit("join", "r");
      }, 500);
    }
    const newcomers = Array.from({ length: 200 }, () => {
      const socket = io(node.url, { transports: ["websocket"], forceNew: true, autoConnect: false });
      watch(socket, "newcomers", Date.now());
      const again = () => setTimeout(() => seen.isOver || socket.connect(), 1000 + Math.random() * 4000);
      socket.on("connect", () => ++seen.in);
      // Its CONNECT leaves now: what the node sees is later, so a time that is too short is the node's fault.
      socket.io.on("open", () => (socket.lastActive = Date.now()));
      socket.on("connect_error", (error) => {
        if (error.message === "server full") ++seen.full;
        if (!socket.active) again(); // a refused CONNECT ends an official client's own attempts
      });
      socket.on("disconnect", (reason) => reason === "io server disconnect" && again());
      setTimeout(() => socket.connect(), Math.random() * 3000);
      return socket;
    });
    const cpu = cpuSeconds(node.process.pid);
    await delay(seconds * 1000);
    const cores = (cpuSeconds(node.process.pid) - cpu) / seconds;
    seen.isOver = true;
    const evicted = await node.metric("weir_evictions_total", 'by="capacity"');
    const activeLeft = all.filter((socket) => socket.acts && socket.connected).length;
    for (const socket of all) clearInterval(socket.acts), socket.disconnect();
    for (const socket of newcomers) socket.io.reconnection(false);
    delete seen.isOver;
    return { evicted, seen, evicted_too_early: wrong.length, active_left: activeLeft, cores: Math.round(cores * 1000) / 1000 };
  });
}

/** Who has joined `room` and reads nothing any more. */
async function stuckClient(node, room) {
  const socket = net.connect(node.port, "127.0.0.1");
  socket.on("error", () => {});
  await new Promise((resolve) => {
    let got = "";
    socket.on("data", (bytes) => {
      got += bytes.toString("latin1");
      if (got.includes("430[")) resolve();
    });
    socket.write(upgrade);
    socket.write(frame("40"));
    socket.write(frame(`420["join",${JSON.stringify(room)}]`));
  });
  socket.pause();
  return socket;
}

/** What the kernel holds on the node's side of the connections to these local ports, the most of one, in bytes. */
function kernelBytes(node, ports) {
  const text = execFileSync("ss", ["-Htmn", "state", "established", `sport = :${node.port}`], { encoding: "utf8", maxBuffer: 64 << 20 });
  let most = 0;
  for (const entry of text.split(/\n(?=\S)/)) {
    const port = Number(/:(\d+)\s+skmem:/.exec(entry)?.[1]);
    const memory = /skmem:\(r(\d+),rb\d+,t(\d+),tb\d+,f\d+,w(\d+)/.exec(entry);
    if (memory && ports.has(port)) most = Math.max(most, Number(memory[1]) + Number(memory[3]));
  }
  return most;
}

/** One room of `members`, and as many stuck ones in it as asked for: weir-load's own report. */
function roomWith(bin, stuck, { members = 2000, seconds = 25 } = {}) {
  const args = settings("limits.queue_bytes=262144", "limits.message_bytes=262144", "heartbeat.timeout_ms=60000");
  return withNode(args, async (node) => {
    const run = load(bin, { ports: [node.port] }, [
      ...["--scenario", "rooms", "--connections", members, "--room-size", members],
      ...["--rate", 4, "--payload", 12000, "--duration", `${seconds}s`],
    ]);
    await until("the room is full", () => openDescriptors(node.process.pid) >= members, 60000);
    const admin = await node.admin();
    const room = await until("the room's name", async () => (await admin.call("rooms.list", { limit: 10 })).rows[0]?.room);
    admin.close();
    const sockets = [];
    for (let i = 0; i < stuck; ++i) sockets.push(await stuckClient(node, room));
    const ports = new Set(sockets.map((socket) => socket.localPort));
    let kernel = 0;
    const timer = setInterval(() => (kernel = Math.max(kernel, stuck > 0 ? kernelBytes(node, ports) : 0)), 500);
    const report = await run.report().finally(() => clearInterval(timer));
    const closed = await node.metric("weir_closes_total", 'reason="slow-consumer"');
    const counted = await node.metric("weir_limit_hits_total", 'limit="queue_bytes"');
    for (const socket of sockets) socket.destroy();
    return { stuck, p99_ms: report.latency_ms.p99, lost: report.messages.lost, received: report.messages.received, closed, counted, kernel };
  });
}

async function slowConsumers(bin, options) {
  const alone = await roomWith(bin, 0, options);
  const beside = await roomWith(bin, 200, options);
  return { alone, beside, ratio: Math.round((beside.p99_ms / alone.p99_ms) * 100) / 100 };
}

/** The attacker, a process of its own: half-open heads, 500 new ones a second, each opened again 1 s after its end. */
function attack(port, count) {
  const open = () => {
    const socket = net.connect(port, "127.0.0.1", () => socket.write("GET /socket.io/?EIO=4&transport="));
    socket.on("error", () => {});
    socket.on("data", () => {});
    socket.on("close", () => setTimeout(open, 1000));
  };
  for (let i = 0; i < count; ++i) setTimeout(open, i * 2);
}
const attacker = (node, count) => new Child(process.execPath, [__filename, "attack", String(node.port), String(count)]);

async function slowloris({ heads = 2000, clients = 100 } = {}) {
  const [connects, told408] = await withNode([], async (node) => {
    const hostile = attacker(node, heads);
    const bites = async () => (await node.metric("weir_limit_hits_total", "handshakes_open")) > heads / 2;
    await until("the limit of open handshakes bites", bites, 30000);
    const times = [];
    for (let i = 0; i < clients; ++i) {
      const begin = process.hrtime.bigint();
      const socket = await client(node.url, { reconnection: false });
      times.push(Number(process.hrtime.bigint() - begin) / 1e6);
      socket.disconnect();
    }
    const told = await node.metric("weir_handshakes_total", 'result="timeout"');
    await hostile.end("SIGKILL");
    return [times.sort((a, b) => a - b), told];
  });
  const wide = settings("limits.handshakes_open=4000", "limits.handshake_ms=60000");
  const bytes = await withNode(wide, async (node) => {
    const before = residentBytes(node.process.pid);
    const hostile = attacker(node, heads);
    await until("all are open", () => openDescriptors(node.process.pid) >= heads, 30000);
    await delay(1000);
    const each = Math.round((residentBytes(node.process.pid) - before) / heads);
    await hostile.end("SIGKILL");
    return each;
  });
  const at = (share) => Math.round(connects[Math.min(connects.length - 1, Math.floor(connects.length * share))] * 10) / 10;
  return { heads, told_408: told408, connect_p50_ms: at(0.5), connect_max_ms: at(1), bytes_per_half_open: bytes };
}

module.exports = { evictOldest, slowConsumers, slowloris };

if (require.main === module && process.argv[2] === "attack") {
  attack(Number(process.argv[3]), Number(process.argv[4]));
} else if (require.main === module) {
  const bin = path.resolve(process.argv[3] ?? path.join(__dirname, "../../build/release/bin"));
  process.env.TEST_NODE_PROGRAM = path.join(bin, "weir-node");
  const measures = { evict: () => evictOldest(), slow: () => slowConsumers(bin), slowloris: () => slowloris() };
  if (!measures[process.argv[2]]) {
    console.error("Usage: tests/bench/limits.js evict|slow|slowloris [DIRECTORY]");
    process.exit(64);
  }
  measures[process.argv[2]]().then(
    (measured) => {
      console.log(JSON.stringify(measured));
      process.exit(0);
    },
    (error) => {
      console.error(error);
      process.exit(70);
    },
  );
}
