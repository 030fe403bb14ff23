// SPDX-License-Identifier: Apache-2.0
// resources/docs/performance.md out of the raw results. For tests/bench/run.
"use strict";

const number = (value, digits = 0) =>
  value === null || value === undefined
    ? "–"
    : value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });

function table(head, rows) {
  return [head, head.map((_, index) => (index ? "---:" : "---")), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

function render(results) {
  const { machine, servers, dispatchers, sliced } = results;
  const sizes = [...new Set(servers.map((row) => row.connections))];
  const parts = [
    `# Performance

Written by \`tests/bench/run\`, which measures this node, Node \`ws\` and the official Socket.IO server in one run, one
after the other at each size. Server on one core, load on the other, both on one machine over loopback; so the ratios
are worth more than the numbers. Raw results: \`build/bench/performance.json\`.

${machine.when.slice(0, 10)}, commit ${machine.commit}: ${machine.cpu}, ${machine.cores} cores, Linux ${machine.kernel},
Node ${machine.node}, \`${machine.arguments}\`; load average before the run: ${number(machine.load_before, 1)} (a quiet machine
is near 0).

- **Node \`ws\`** answers the few packets of this load by string operations: a lower bound of what Node costs.
- **Echo**: 100 clients have one message in flight each; all other connections are open and idle.
- **Fan-out**: everybody in one room, the next message when the last has reached all.`,
  ];
  for (const size of sizes) {
    parts.push(`## ${number(size)} connections

${table(
  ["server", "connects/s", "bytes per idle connection", "echo/s", "echo p50 ms", "echo p99 ms", "deliveries/s", "CPU µs per delivery", "failed, lost"],
  servers
    .filter((row) => row.connections === size)
    .map((row) => [
      row.server,
      number(row.connects_per_s),
      number(row.bytes_per_connection),
      number(row.echo_per_s),
      number(row.p50_ms, 1),
      number(row.p99_ms, 1),
      number(row.deliveries_per_s),
      number(row.cpu_us_per_delivery, 1),
      number(row.failed + row.lost + row.fanout_lost),
    ]),
)}`);
  }
  const [qt, ours] = ["Qt dispatcher", "our dispatcher"].map((name) => dispatchers.find((row) => row.server === name));
  if (qt && ours)
    parts.push(`## The event dispatcher alone

QWebSocketServer as Qt ships it, ${number(qt.connections)} connections of which 100 echo: ${number(qt.echo_per_s)} messages/s
(p99 ${number(qt.p99_ms, 1)} ms) on Qt's own event dispatcher, which polls every descriptor on every wake-up;
${number(ours.echo_per_s)} messages/s (p99 ${number(ours.p99_ms, 1)} ms) on ours, which uses epoll:
**${number(ours.echo_per_s / qt.echo_per_s, 1)} times** as many.`);
  if (sliced)
    parts.push(`## A large room beside small talk

While messages go to a room of ${number(sliced.open)} on the same node, 100 others echo at 1,000 messages/s: their p99 is
${number(sliced.echo_p99_ms, 1)} ms, their longest ${number(sliced.echo_max_ms, 1)} ms; ${number(sliced.deliveries_lost + sliced.echo_lost)} messages lost.`);
  return parts.join("\n\n") + "\n";
}

module.exports = { render };
