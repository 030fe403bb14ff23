// SPDX-License-Identifier: Apache-2.0
// Servers and load on cores of their own, and what /proc says of them. For tests/bench/run.
"use strict";
const { readdirSync } = require("node:fs");
const path = require("node:path");
const { Child, Node, Redis, delay, until } = require("../support/cluster");
const { Load } = require("../load/load");
const { cpuSeconds: cpuSecondsOf, residentBytes } = require("../load/machine");

const ServerCore = "0";
const LoadCore = "1";

/** Moves all threads of `pid` to one core. */
async function pin(pid, core) {
  const { code } = await new Child("taskset", ["-acp", core, String(pid)]).exit;
  if (code !== 0) throw new Error("taskset failed (package util-linux)");
}

/** CPU seconds that a process has used. */
const cpuSeconds = (pid) => cpuSecondsOf([pid]);
const openDescriptors = (pid) => readdirSync(`/proc/${pid}/fd`).length;

/** A server that says its port in its first line: {ports, pids, stop()}. */
async function scriptServer(program, args) {
  const child = new Child("taskset", ["-c", ServerCore, program, ...args]);
  const line = await until("the server listens", () => {
    if (!child.isRunning) throw new Error(child.output);
    return child.output.includes("\n") && child.output.split("\n")[0];
  });
  return { ports: [JSON.parse(line).port], pids: [child.pid], stop: () => child.end("SIGKILL") };
}

async function weirNode({ shards = 1, redis, args = [] } = {}) {
  const node = await Node.start({ redis, args: ["--shards", String(shards), "--log-level", "warn", ...args] });
  if (shards === 1) await pin(node.process.pid, ServerCore);
  return { ports: [node.port], pids: [node.process.pid], node, stop: () => node.stop("SIGKILL") };
}

const peer = (file) => path.join(__dirname, file);
/** As our node compresses by itself. */
const deflate = { threshold: 1024, zlibDeflateOptions: { level: 3, memLevel: 7 } };
const socketIo = ({ isCompressed, redisUrl } = {}) =>
  scriptServer("node", [
    peer("../support/broker.js"),
    "0",
    JSON.stringify({ redisUrl, ...(isCompressed ? { options: { perMessageDeflate: deflate } } : {}) }),
  ]);

/** Two servers of a kind and their Redis, all on the servers' core. */
async function twoOnRedis(start) {
  const redis = await Redis.start();
  await pin(redis.process.pid, ServerCore);
  const both = [await start(redis), await start(redis)];
  return {
    ports: both.flatMap(({ ports }) => ports),
    pids: both.flatMap(({ pids }) => pids),
    stop: async () => {
      for (const server of both) await server.stop();
      await redis.stop();
    },
  };
}

const servers = (bin) => ({
  "weir-node": weirNode,
  "Node ws": ({ isCompressed } = {}) =>
    scriptServer("node", [peer("peers/ws_broker.js"), "0", ...(isCompressed ? [JSON.stringify(deflate)] : [])]),
  "Node ws, plain echo": () => scriptServer("node", [peer("peers/ws_echo.js"), "0"]),
  "Socket.IO": socketIo,
  "2 weir-node, Redis": () => twoOnRedis((redis) => weirNode({ redis })),
  "2 Socket.IO, Redis adapter": () => twoOnRedis((redis) => socketIo({ redisUrl: redis.url })),
  "Qt dispatcher": () => scriptServer(path.join(bin, "bench_echo_server"), ["qt"]),
  "our dispatcher": () => scriptServer(path.join(bin, "bench_echo_server"), ["epoll"]),
});

/** Starts weir-load on its own core, watching the server's processes. */
function load(bin, server, args, { core = LoadCore, nice = 0 } = {}) {
  const watch = (server.pids ?? []).flatMap((pid) => ["--watch", pid]);
  const before = ["taskset", "-c", core, "nice", "-n", String(nice)];
  return new Load(path.join(bin, "weir-load"), server.ports, [...watch, ...args], before);
}

module.exports = { cpuSeconds, delay, load, openDescriptors, residentBytes, servers, until };
