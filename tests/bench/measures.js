// SPDX-License-Identifier: Apache-2.0
// What is measured of one server, each as a plain object of numbers. For tests/bench/run.
"use strict";
const { cpuSeconds, delay, load, residentBytes } = require("./processes");

const Active = 100;
const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
const rounded = (value, digits = 2) => Math.round(value * 10 ** digits) / 10 ** digits;
const microseconds = (seconds, count) => (count > 0 ? rounded((seconds * 1e6) / count) : null);

/** Opens `connections`, which stay: {finish()}, which closes them and tells what they cost. */
async function holdIdle(bin, server, connections, args = []) {
  const idle = load(bin, server, ["--scenario", "idle", "--connections", connections, "--duration", "600s", ...args]);
  await idle.until(`${connections} connections are open`, ({ phase }) => phase === "measuring", 180000);
  return {
    finish: async () => {
      const report = await idle.stop();
      const { user_s: user, system_s: system, resident_bytes: bytes } = report.server.ramp;
      return {
        connects_per_s: report.connects_per_s,
        connect_us: microseconds(user + system, connections),
        bytes_per_connection: Math.round(bytes / connections),
        failed: report.connections.failed,
      };
    },
  };
}

/** What one echo or delivery took, and how long they were under way. */
function figuresOf(report, unit) {
  const count = report.rate_per_s * report.duration_s;
  const { user_s: user, system_s: system } = report.server.run;
  return {
    [`${unit}_per_s`]: report.rate_per_s,
    [`${unit}_user_us`]: microseconds(user, count),
    [`${unit}_system_us`]: microseconds(system, count),
    [`${unit}_us`]: microseconds(user + system, count),
    [`${unit}_p50_ms`]: report.latency_ms.p50,
    [`${unit}_p95_ms`]: report.latency_ms.p95,
    [`${unit}_p99_ms`]: report.latency_ms.p99,
    [`${unit}_lost`]: report.messages.lost,
  };
}

/** Echo with 100 in flight, as fast as it goes. */
async function echo(bin, server, seconds, args = []) {
  const run = load(bin, server, ["--scenario", "echo", "--connections", Active, "--duration", `${seconds}s`, ...args]);
  return figuresOf(await run.report(), "echo");
}

/** One room with everybody in it, the next message (or burst) when the last has reached all. */
async function fanOut(bin, server, members, seconds, args = []) {
  const run = load(bin, server, [
    ...["--scenario", "rooms", "--connections", members, "--room-size", members, "--duration", `${seconds}s`],
    ...args,
  ]);
  const report = await run.report();
  return { ...figuresOf(report, "delivery"), compressed: report.connections.compressed ?? null };
}

/** 100 echo at 1,000 messages/s while messages go to a room of others: what they notice. */
async function beside(bin, server, { members = 5000, rate = 2, seconds = 6 } = {}) {
  // The room's clients yield to the echoing ones: both share a core, and it is the server that is judged.
  const room = load(
    bin,
    server,
    ["--scenario", "rooms", "--connections", members, "--room-size", members, "--rate", rate, "--duration", "600s"],
    { nice: 19 },
  );
  await room.until("the room is full", ({ phase }) => phase === "measuring", 120000);
  await delay(1500);
  const report = await load(bin, server, [
    ...["--scenario", "echo", "--connections", Active, "--rate", 1000, "--duration", `${seconds}s`],
  ]).report();
  const roomReport = await room.stop();
  return {
    echo_p99_ms: report.latency_ms.p99,
    echo_max_ms: report.latency_ms.max,
    echo_lost: report.messages.lost,
    deliveries: roomReport.messages.received,
    deliveries_lost: roomReport.messages.lost,
    open: roomReport.connections.open,
  };
}

/** Resident memory of one server that holds few and many, and many again after storms. */
async function growth(bin, server, { few = 5000, many = 15000, storms = 5 } = {}) {
  const bytes = () => sum(server.pids.map(residentBytes));
  const empty = bytes();
  const held = async (connections) => {
    const idle = await holdIdle(bin, server, connections);
    await delay(1000);
    const now = bytes();
    await idle.finish();
    return now;
  };
  const first = await held(few);
  const second = await held(many);
  for (let i = 0; i < storms; ++i) await (await holdIdle(bin, server, many)).finish();
  const last = await held(many);
  return {
    few,
    many,
    storms,
    each_further: Math.round((second - first) / (many - few)),
    in_all: Math.round((second - empty) / many),
    after_storms: Math.round((last - empty) / many),
  };
}

/** The core's share that idle ones take, and how their heartbeats are spread. */
async function idleCost(bin, server, { connections = 15000, seconds = 50 } = {}) {
  // A whole interval and its like: each has its heartbeat equally often.
  const idle = load(bin, server, ["--scenario", "idle", "--connections", connections, "--duration", `${seconds}s`]);
  const { server: use, pings, connections: held } = await idle.report();
  return {
    connections: held.open,
    core_percent: rounded(((use.run.user_s + use.run.system_s) / seconds) * 100),
    pings: pings?.received ?? 0,
    pings_mean: pings?.mean_per_100ms ?? 0,
    pings_most: pings?.most_per_100ms ?? 0,
  };
}

/** How often the node deflates for one message to a compressed room. */
async function deflateCalls(bin, server, { members = 10000, messages = 10 } = {}) {
  const calls = () => server.node.metric("weir_deflate_calls_total");
  const before = await calls();
  const run = load(bin, server, [
    ...["--scenario", "rooms", "--connections", members, "--room-size", members, "--rate", 2],
    ...["--payload", 2048, "--deflate", "--duration", `${messages / 2}s`],
  ]);
  const report = await run.report();
  return {
    members,
    sent: report.messages.sent,
    lost: report.messages.lost,
    compressed: report.connections.compressed,
    calls: (await calls()) - before,
  };
}

module.exports = { beside, cpuSeconds, deflateCalls, delay, echo, fanOut, growth, holdIdle, idleCost };
