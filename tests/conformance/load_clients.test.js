// SPDX-License-Identifier: Apache-2.0
// How the clients of weir-load behave when a server ends them, held against servers made for it.
"use strict";
const { describe, it } = require("node:test");
const assert = require("node:assert/strict");
const { WebSocketServer } = require("../support/node_modules/ws");
const { Child, program, until } = require("../support/cluster");

/** Lets clients in and their messages echo; `onJoin(client, count)` decides what happens next. */
async function server(onJoin = () => {}, options = {}) {
  const socket = new WebSocketServer({ port: 0, host: "127.0.0.1", ...options });
  await until("it listens", () => socket.address());
  const state = { joins: 0, url: `ws://127.0.0.1:${socket.address().port}`, pongs: 0 };
  socket.on("connection", (client) => {
    client.on("error", () => {});
    client.send('0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}');
    client.on("message", (bytes) => {
      const text = bytes.toString();
      if (text === "40") client.send('40{"sid":"y"}');
      else if (text === "3") ++state.pongs;
      else if (text.startsWith('420["join"')) {
        client.send('430[{"ok":true}]');
        onJoin(client, ++state.joins);
      } else if (text.startsWith('42["publish"')) {
        const [, , event, data] = JSON.parse(text.slice(2));
        client.send("42" + JSON.stringify([event, data]));
      }
    });
  });
  state.stop = () => {
    for (const client of socket.clients) client.terminate();
    socket.close();
  };
  return state;
}

async function run(servers, args) {
  const child = new Child(program("weir-load", "TEST_LOAD_PROGRAM"), [
    ...servers.flatMap(({ url }) => ["--target", url]),
    ...["--scenario", "echo", "--connections", "4", "--rate", "100", "--json", ...args],
  ]);
  const { code } = await child.exit;
  for (const each of servers) each.stop();
  const isReport = code === 0 && child.output.startsWith("{") && !args.includes("--progress");
  return { code, report: isReport ? JSON.parse(child.output) : undefined, output: child.output };
}

describe("a client of weir-load", () => {
  for (const [name, end, comesBack] of [
    ["a DISCONNECT packet", (client) => client.send("41"), false],
    ["close code 4410", (client) => client.close(4410), false],
    ["4410 after a hint", (client) => (client.send('42["weir:reconnect",{"after_ms":10}]'), client.close(4410)), true],
    ["close code 1012", (client) => client.close(1012), true],
    ["a lost connection", (client) => client.terminate(), true],
    ["a frame that is broken", (client) => client._socket.write(Buffer.from([0xff, 0x00])), true],
  ]) {
    it(`${comesBack ? "comes back to the next target" : "stays away"} after ${name}`, async () => {
      const first = await server((client) => setTimeout(() => end(client), 1500));
      const second = await server();
      const { report } = await run([first, second], ["--duration", "5s"]);
      assert.equal(first.joins, 2); // of four: every other one begins here
      assert.equal(second.joins, comesBack ? 4 : 2);
      assert.equal(report.connections.open, comesBack ? 4 : 2);
      assert.deepEqual([report.messages.lost, report.messages.duplicated], [0, 0]);
    });
  }

  it("answers pings", async () => {
    const one = await server((client) => client.send("2"));
    await run([one], ["--duration", "500ms"]);
    assert.equal(one.pongs, 4);
  });

  it("tells what is lost, doubled and out of order", async () => {
    const one = await server((client) => {
      const send = client.send.bind(client);
      let count = 0;
      let held;
      client.send = (text) => {
        if (!text.startsWith('42["load"')) return send(text);
        const turn = ++count % 10;
        if (turn === 3) return; // lost
        if (turn === 5) held = text;
        else send(text);
        if (turn === 6) send(held); // late
        if (turn === 8) send(text); // twice
      };
    });
    const { report } = await run([one], ["--duration", "2s"]);
    const { messages } = report;
    const tenth = messages.sent / 10;
    for (const kind of ["lost", "duplicated", "reordered"])
      assert.ok(Math.abs(messages[kind] - tenth) <= 6, `${kind}: ${messages[kind]} of ${messages.sent}`);
    assert.equal(messages.expected, messages.received + messages.lost);
  });

  it("reads what is deflated, and says how many agreed to it", async () => {
    const perMessageDeflate = { threshold: 0 };
    const one = await server((client) => assert.match(client.extensions, /permessage-deflate/), { perMessageDeflate });
    const { report } = await run([one], ["--duration", "1s", "--deflate", "--payload", "2000"]);
    assert.equal(report.connections.compressed, 4);
    assert.ok(report.messages.received > 50);
    assert.deepEqual([report.messages.lost, report.messages.duplicated], [0, 0]);
    const plain = await server();
    assert.equal((await run([plain], ["--duration", "500ms", "--deflate"])).report.connections.compressed, 0);
  });

  it("sends a burst in one write", async () => {
    const reads = [];
    const one = await server((client) => {
      const socket = client._socket;
      client.on("message", () => reads.at(-1).count++);
      socket.prependListener("data", () => reads.push({ count: 0 }));
    });
    const { report } = await run([one], ["--connections", "1", "--duration", "1s", "--burst", "8"]);
    assert.ok(report.messages.received > 40 && report.messages.received % 8 === 0, String(report.messages.received));
    assert.ok(reads.filter(({ count }) => count === 8).length >= 5, JSON.stringify(reads));
  });

  it("tells of broadcasts, of what the server used, and how it goes", async () => {
    const one = await server((client) => {
      const t = process.hrtime.bigint();
      client.send(`42["load",{"b":1,"t":${t}}]`);
    });
    const { code, output } = await run([one], ["--duration", "2s", "--progress", "--watch", String(process.pid)]);
    assert.equal(code, 0);
    const lines = output.trim().split("\n").map((line) => JSON.parse(line));
    const report = lines.pop();
    assert.equal(report.broadcast.received, 4);
    assert.ok(report.broadcast.last_ms > 0 && report.broadcast.last_ms >= report.broadcast.p50_ms);
    assert.ok(report.server.run.user_s + report.server.run.system_s > 0);
    assert.ok(lines.some(({ phase, open }) => phase === "measuring" && open === 4), output);
  });

  it("spreads over all other targets when one falls", async () => {
    const first = await server((client) => setTimeout(() => client.close(1012), 2000));
    const others = [await server(), await server(), await server()];
    const { report } = await run([first, ...others], ["--connections", "80", "--duration", "5s"]);
    assert.equal(report.connections.open, 80);
    assert.deepEqual([report.connections.closed, report.connections.hinted], [20, 0]);
    for (const { joins } of others) assert.ok(joins > 20 && joins < 40, String(joins));
  });

  it("ends with 69 when no target lets it in", async () => {
    const one = await server();
    one.stop();
    const { code, output } = await run([one], ["--duration", "1s"]);
    assert.equal(code, 69);
    assert.match(output, /no target let a client in/);
  });
});
