// SPDX-License-Identifier: Apache-2.0
// What must hold, judged from raw results. Pure: for tests/bench/run and the page.
"use strict";

const Ours = "weir-node";

function median(values) {
  const sorted = values.filter((value) => value !== null && value !== undefined).sort((a, b) => a - b);
  if (sorted.length === 0) return null;
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The runs of one server in one setting. */
const runsOf = (results, { server, form, connections }) =>
  results.runs.filter((run) => run.server === server && run.form === form && run.connections === connections);
/** The median of one figure of them. */
const figure = (results, setting, key) => median(runsOf(results, setting).map((run) => run[key]));

const rounded = (value) => (value === null ? null : Math.round(value * 100) / 100);
const atMost = (text, value, limit) => ({ text, value: rounded(value), limit, isHeld: value !== null && value <= limit });
const atLeast = (text, value, limit) => ({ text, value: rounded(value), limit, isHeld: value !== null && value >= limit });
const isTrue = (text, value) => ({ text, value, limit: true, isHeld: value === true });

/** Ours over a peer's, of one figure. */
function ratio(results, setting, peer, key) {
  const ours = figure(results, { ...setting, server: Ours }, key);
  const theirs = figure(results, { ...setting, server: peer }, key);
  return ours === null || !theirs ? null : ours / theirs;
}

function besidePeers(results) {
  const lines = [];
  const sizes = [...new Set(results.runs.map((run) => run.connections))];
  for (const connections of sizes) {
    const plain = { form: "socketio", connections };
    if (runsOf(results, { ...plain, server: "Socket.IO" }).length > 0) {
      const of = (key) => ratio(results, plain, "Socket.IO", key);
      const at = `, ${connections.toLocaleString("en-US")} connections`;
      lines.push(
        atMost(`CPU per echo, of Socket.IO's${at}`, of("echo_us"), 0.33),
        atMost(`user CPU per delivery, of Socket.IO's${at}`, of("delivery_user_us"), 0.33),
        atMost(`CPU per delivery, of Socket.IO's${at}`, of("delivery_us"), 0.8),
        atMost(`CPU per connect, of Socket.IO's${at}`, of("connect_us"), 0.5),
      );
    }
    const json = { form: "json", connections };
    if (runsOf(results, { ...json, server: "Node ws, plain echo" }).length > 0)
      lines.push(
        atMost(
          `CPU per echo over /ws, of a plain echo by Node ws, ${connections.toLocaleString("en-US")} connections`,
          ratio(results, json, "Node ws, plain echo", "echo_us"),
          0.6,
        ),
      );
  }
  return lines;
}

function bursts(results) {
  const at = (server, form) => ({ server, form, connections: 10000 });
  if (runsOf(results, at(Ours, "burst of 8")).length === 0) return [];
  const single = figure(results, at(Ours, "single"), "delivery_us");
  const burst = figure(results, at(Ours, "burst of 8"), "delivery_us");
  const theirs = figure(results, at("Socket.IO", "burst of 8"), "delivery_per_s");
  const ours = figure(results, at(Ours, "burst of 8"), "delivery_per_s");
  return [
    atMost("CPU of 8 events to each member in one loop turn, of 8 single ones", burst / single, 0.4),
    atLeast("deliveries/s to 10,000 members, saturated, times Socket.IO's", theirs ? ours / theirs : null, 2.5),
  ];
}

/** Every line of which something was measured: [{text, value, limit, isHeld}]. */
function lines(results) {
  const { growth, beside, idle, dead, deflate, limits } = results.lines ?? {};
  const out = [...besidePeers(results), ...bursts(results)];
  if (growth)
    out.push(
      atMost(`resident bytes of each further idle Socket.IO session, ${growth.few} to ${growth.many}`, growth.each_further, 1024),
      atMost(`resident bytes of each in all, at ${growth.many}`, growth.in_all, 2048),
      atMost(`the same after ${growth.storms} storms of ${growth.many}`, growth.after_storms, 2048),
    );
  if (beside)
    out.push(
      atMost(`ms, p99 of 100 who echo beside a room of ${beside.open} that gets 3 messages/s`, beside.echo_p99_ms, 20),
      atMost("messages lost there", beside.echo_lost + beside.deliveries_lost, 0),
      isTrue("all of the room were there", beside.open === 15000 && beside.deliveries >= 15000),
    );
  if (idle)
    out.push(
      atMost(`% of a core for ${idle.connections} idle connections`, idle.core_percent, 1.5),
      atMost("heartbeats in the fullest 100 ms, of the mean", idle.pings_most / idle.pings_mean, 2),
    );
  if (dead)
    out.push(
      atMost("ms until the last of 10 dead peers was found", dead.longest_ms, dead.limit_ms),
      isTrue("all dead peers, and nobody else, closed by ping-timeout", dead.by_ping_timeout === 10 && dead.dead === 10 && dead.open === 10),
    );
  if (deflate)
    out.push(
      atMost(`deflate calls for a message to a compressed room of ${deflate.members}, one shard`, deflate.calls > 0 ? deflate.calls / deflate.sent : null, 1),
      isTrue("all of that room are compressed", deflate.compressed === deflate.members && deflate.lost === 0),
    );
  if (limits) out.push(...limitLines(limits));
  return out;
}

function limitLines({ many, evict, slow, loris }) {
  return [
    atMost("failures of 10,000 connections on one node", many.failed, 0),
    isTrue("a full node evicts the silent", evict.seen.silent > 0 && evict.active_left === 50),
    atMost("evicted although active within 2 s", evict.evicted_too_early, 0),
    atMost("of a core while a full node evicts", evict.cores, 0.2),
    atMost("p99 beside 200 who never read, of that without them", slow.ratio, 1.2),
    atMost("bytes that the kernel holds of one of them", slow.beside.kernel, 262143),
    isTrue("all 200 of them were closed, and counted", slow.beside.closed === 200 && slow.beside.counted === 200),
    atMost(`ms to connect beside ${loris.heads} half-open heads, at most`, loris.connect_max_ms, 100),
    isTrue("half-open heads are told 408", loris.told_408 > 0),
  ];
}

module.exports = { lines, median, runsOf };
