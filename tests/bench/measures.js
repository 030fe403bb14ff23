// SPDX-License-Identifier: Apache-2.0
// What is measured of one server, each as a plain object of numbers. For tests/bench/run.
"use strict";
const { cpuSeconds, delay, load, openDescriptors, residentBytes, until } = require("./processes");

const Active = 100;

/** Opens `connections`, and says how fast, and what an idle one costs. Leaves them open: {figures, finish()}. */
async function holdIdle(bin, server, connections, seconds) {
  const before = residentBytes(server.pid);
  const idle = load(bin, server, ["--scenario", "idle", "--connections", connections, "--duration", `${seconds}s`]);
  await until(
    `${connections} connections are open`,
    () => {
      if (!idle.child.isRunning) throw new Error(`weir-load ended: ${idle.child.output}`);
      return openDescriptors(server.pid) >= connections;
    },
    120000,
  );
  await delay(1500);
  const figures = { bytes_per_connection: Math.round((residentBytes(server.pid) - before) / connections) };
  return {
    figures,
    finish: async () => {
      idle.child.child.kill("SIGTERM");
      const report = await idle.report();
      return { ...figures, connects_per_s: report.connects_per_s, failed: report.connections.failed };
    },
  };
}

/** Echo with 100 in flight, as fast as it goes. */
async function echo(bin, server, seconds) {
  const report = await load(bin, server, [
    ...["--scenario", "echo", "--connections", Active, "--duration", `${seconds}s`],
  ]).report();
  return {
    echo_per_s: report.rate_per_s,
    p50_ms: report.latency_ms.p50,
    p99_ms: report.latency_ms.p99,
    lost: report.messages.lost,
  };
}

/** One room with everybody in it, the next message when the last has reached all. */
async function fanOut(bin, server, members, seconds) {
  const run = load(bin, server, [
    ...["--scenario", "rooms", "--connections", members, "--room-size", members, "--duration", `${seconds}s`],
  ]);
  // The server's use of its core, in windows of half a second; the busy middle of the run is what counts.
  const windows = [];
  let last = { at: Date.now(), cpu: cpuSeconds(server.pid) };
  const timer = setInterval(() => {
    const now = { at: Date.now(), cpu: cpuSeconds(server.pid) };
    windows.push({ at: now.at, cores: ((now.cpu - last.cpu) * 1000) / (now.at - last.at) });
    last = now;
  }, 500);
  const report = await run.report().finally(() => clearInterval(timer));
  const end = Date.now();
  const busy = windows.filter(({ at }) => at > end - (seconds + 0.5) * 1000 + 1000 && at < end - 1000);
  const cores = busy.reduce((sum, window) => sum + window.cores, 0) / Math.max(busy.length, 1);
  return {
    deliveries_per_s: report.rate_per_s,
    cpu_us_per_delivery: report.rate_per_s > 0 ? Math.round((cores * 1e7) / report.rate_per_s) / 10 : null,
    fanout_p50_ms: report.latency_ms.p50,
    fanout_p99_ms: report.latency_ms.p99,
    fanout_lost: report.messages.lost,
  };
}

/** A message to a room of 5,000 while 100 others echo: what the others notice. */
async function sliced(bin, server, { members = 5000, seconds = 6 } = {}) {
  // The room's clients yield to the echoing ones: both share a core, and it is the server that is judged.
  const room = load(
    bin,
    server,
    ["--scenario", "rooms", "--connections", members, "--room-size", members, "--rate", 2, "--duration", "60s"],
    { nice: 19 },
  );
  await until("the room is full", () => openDescriptors(server.pid) >= members, 60000);
  await delay(2500);
  const report = await load(bin, server, [
    ...["--scenario", "echo", "--connections", Active, "--rate", 1000, "--duration", `${seconds}s`],
  ]).report();
  room.child.child.kill("SIGTERM");
  const roomReport = await room.report();
  return {
    echo_p99_ms: report.latency_ms.p99,
    echo_max_ms: report.latency_ms.max,
    echo_lost: report.messages.lost,
    deliveries: roomReport.messages.received,
    deliveries_lost: roomReport.messages.lost,
    open: roomReport.connections.open,
  };
}

module.exports = { echo, fanOut, holdIdle, sliced };
