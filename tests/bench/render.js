// SPDX-License-Identifier: Apache-2.0
// resources/docs/performance.md out of the raw results. Pure: for tests/bench/run.
"use strict";
const { lines, median, runsOf } = require("./lines");

const number = (value, digits = 0) =>
  value === null || value === undefined
    ? "–"
    : value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });

function table(head, rows) {
  return [head, head.map((_, index) => (index ? "---:" : "---")), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** The median, and how far the outermost of the runs lie from it. */
function cell(runs, key, digits = 0) {
  const values = runs.map((run) => run[key]).filter((value) => value !== null && value !== undefined);
  const middle = median(values);
  if (middle === null) return "–";
  const spread = middle > 0 ? (100 * Math.max(...values.map((value) => Math.abs(value - middle)))) / middle : 0;
  return number(middle, digits) + (values.length > 1 ? ` ±${number(spread)} %` : "");
}

const Forms = [
  ["socketio", "the Socket.IO dialect"],
  ["json", "the JSON dialect at `/ws`"],
  ["socketio, compressed", "the Socket.IO dialect, permessage-deflate, 2 KiB messages"],
  ["json, compressed", "the JSON dialect, permessage-deflate, 2 KiB messages"],
];
const Columns = {
  idle: [
    ["connects/s", "connects_per_s", 0],
    ["CPU µs per connect", "connect_us", 1],
    ["bytes per idle connection", "bytes_per_connection", 0],
  ],
  echo: [
    ["echo/s", "echo_per_s", 0],
    ["CPU µs per echo", "echo_us", 1],
    ["p50 ms", "echo_p50_ms", 2],
    ["p95 ms", "echo_p95_ms", 2],
    ["p99 ms", "echo_p99_ms", 2],
  ],
  delivery: [
    ["deliveries/s", "delivery_per_s", 0],
    ["user µs", "delivery_user_us", 2],
    ["system µs", "delivery_system_us", 2],
    ["CPU µs per delivery", "delivery_us", 2],
    ["p50 ms", "delivery_p50_ms", 1],
    ["p95 ms", "delivery_p95_ms", 1],
    ["p99 ms", "delivery_p99_ms", 1],
  ],
};
const Titles = { idle: "Connecting, and idle", echo: "Echo", delivery: "Fan-out" };

function formSection(results, form, title) {
  const runs = results.runs.filter((run) => run.form === form);
  const parts = [];
  for (const connections of [...new Set(runs.map((run) => run.connections))]) {
    parts.push(`## ${number(connections)} connections, ${title}`);
    const names = [...new Set(runs.filter((run) => run.connections === connections).map((run) => run.server))];
    for (const [kind, columns] of Object.entries(Columns)) {
      const rows = names
        .map((server) => [server, runsOf(results, { server, form, connections })])
        .filter(([, of]) => of.some((run) => run[columns[0][1]] !== undefined))
        .map(([server, of]) => [server, ...columns.map(([, key, digits]) => cell(of, key, digits))]);
      if (rows.length > 0) parts.push(`**${Titles[kind]}**\n\n` + table(["server", ...columns.map(([name]) => name)], rows));
    }
  }
  return parts;
}

function lineSection(results) {
  const rows = lines(results).map(({ text, value, limit, isHeld }) => [
    text,
    value === true || value === false ? (value ? "yes" : "no") : number(value, Number.isInteger(value) ? 0 : 2),
    limit === true ? "yes" : number(limit, Number.isInteger(limit) ? 0 : 2),
    isHeld ? "held" : "**missed**",
  ]);
  return rows.length > 0 ? [`## What must hold\n\n${table(["line", "measured", "wanted", ""], rows)}`] : [];
}

function failures(results) {
  const of = new Map();
  for (const run of results.runs) {
    const count = (run.failed ?? 0) + (run.echo_lost ?? 0) + (run.delivery_lost ?? 0);
    of.set(run.server, (of.get(run.server) ?? 0) + count);
  }
  return [...of].map(([server, count]) => `${server} ${number(count)}`).join("; ");
}

function render(results) {
  const { machine, dispatchers } = results;
  const parts = [
    `<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- Written by tests/bench/run --render from performance.json; a test compares the two. -->
# Performance

\`tests/bench/run\` measures this node, Node \`ws\` and the official Socket.IO server in one run, one after the
other${machine.repetitions === 1 ? "" : `, ${machine.repetitions} times; each figure is the median, with the distance of the outermost run`}. Servers on one core, load on the other,
both on one machine over loopback: the ratios are worth more than the numbers. Raw results:
[performance.json](performance.json).

${machine.when.slice(0, 10)}, commit ${machine.commit}: ${machine.cpu}, ${machine.cores} cores, Linux ${machine.kernel},
Node ${machine.node}, \`${machine.arguments}\`; load average before the run: ${number(machine.load_before, 1)} (a quiet machine
is near 0). Attempts that failed, and messages that had not come 5 s after the end of a run: ${failures(results)}.

- **CPU** is that of the server's processes, user and system, by \`/proc\`; the two of "2 … Redis" together, without Redis,
  which shares their core.
- **Node \`ws\`** answers the few packets of this load by string operations: a lower bound of what Node costs.
- **Echo**: 100 clients have one message in flight each; all other connections are open and idle.
- **Fan-out**: everybody in one room, the next message when the last has reached all.`,
    ...lineSection(results),
    ...Forms.flatMap(([form, title]) => formSection(results, form, title)),
  ];
  const bursts = ["single", "burst of 8"].flatMap((form) =>
    ["weir-node", "Socket.IO"].map((server) => [server, form, runsOf(results, { server, form, connections: 10000 })]),
  );
  if (bursts.some(([, , of]) => of.length > 0))
    parts.push(`## Bursts to 10,000 members

Eight messages that come in one piece, and leave in as few as the server makes of them.

${table(
  ["server", "messages", "deliveries/s", "CPU µs per delivery"],
  bursts.filter(([, , of]) => of.length > 0).map(([server, form, of]) => [server, form, cell(of, "delivery_per_s"), cell(of, "delivery_us", 2)]),
)}`);
  const [qt, ours] = ["Qt dispatcher", "our dispatcher"].map((name) => dispatchers?.find((row) => row.server === name));
  if (qt && ours)
    parts.push(`## The event dispatcher alone

QWebSocketServer as Qt ships it, ${number(qt.connections)} connections of which 100 echo: ${number(qt.echo_per_s)} messages/s
(p99 ${number(qt.echo_p99_ms, 1)} ms) on Qt's own event dispatcher, which polls every descriptor on every wake-up;
${number(ours.echo_per_s)} messages/s (p99 ${number(ours.echo_p99_ms, 1)} ms) on ours, which uses epoll:
**${number(ours.echo_per_s / qt.echo_per_s, 1)} times** as many.`);
  return parts.join("\n\n") + "\n";
}

module.exports = { render };
