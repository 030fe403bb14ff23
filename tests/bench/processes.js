// SPDX-License-Identifier: Apache-2.0
// Servers and load on cores of their own, and what /proc says of them. For tests/bench/run.
"use strict";
const { readFileSync, readdirSync } = require("node:fs");
const path = require("node:path");
const { Child, Node, delay, until } = require("../support/cluster");

const ServerCore = "0";
const LoadCore = "1";
const TicksPerSecond = 100; // USER_HZ, the same on every Linux

/** Moves all threads of `pid` to one core. */
async function pin(pid, core) {
  const { code } = await new Child("taskset", ["-acp", core, String(pid)]).exit;
  if (code !== 0) throw new Error("taskset failed (package util-linux)");
}

/** CPU seconds that a process has used. */
function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").pop().split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TicksPerSecond;
}
const residentBytes = (pid) => Number(/^Rss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))[1]) * 1024;
const openDescriptors = (pid) => readdirSync(`/proc/${pid}/fd`).length;

/** A server that speaks to weir-load: {port, pid, stop()}. */
async function scriptServer(program, args) {
  const child = new Child("taskset", ["-c", ServerCore, program, ...args]);
  const line = await until("the server listens", () => {
    if (!child.isRunning) throw new Error(child.output);
    return child.output.includes("\n") && child.output.split("\n")[0];
  });
  return { port: JSON.parse(line).port, pid: child.pid, stop: () => child.end("SIGKILL") };
}

const servers = (bin) => ({
  "weir-node": async ({ shards = 1 } = {}) => {
    const node = await Node.start({ args: ["--shards", String(shards), "--log-level", "warn"] });
    if (shards === 1) await pin(node.process.pid, ServerCore);
    return { port: node.port, pid: node.process.pid, node, stop: () => node.stop("SIGKILL") };
  },
  "Node ws": () => scriptServer("node", [path.join(__dirname, "peers/ws_broker.js"), "0"]),
  "Socket.IO": () => scriptServer("node", [path.join(__dirname, "../support/broker.js"), "0"]),
  "Qt dispatcher": () => scriptServer(path.join(bin, "bench_echo_server"), ["qt"]),
  "our dispatcher": () => scriptServer(path.join(bin, "bench_echo_server"), ["epoll"]),
});

/** Starts weir-load on its own core; `report()` waits for its end. */
function load(bin, server, args, { core = LoadCore, nice = 0 } = {}) {
  const child = new Child("taskset", [
    ...["-c", core, "nice", "-n", String(nice), path.join(bin, "weir-load")],
    ...["--target", `ws://127.0.0.1:${server.port}`, "--json", ...args.map(String)],
  ]);
  const report = async () => {
    const { code } = await child.exit;
    if (code !== 0) throw new Error(`weir-load ${args.join(" ")}: exit ${code}: ${child.output}`);
    return JSON.parse(child.output.trim().split("\n").pop());
  };
  return { child, report };
}

module.exports = { cpuSeconds, delay, load, openDescriptors, residentBytes, servers, until };
