// SPDX-License-Identifier: Apache-2.0
// How the clients of weir-load behave when a server ends them, held against servers made for it.
"use strict";
const { describe, it } = require("node:test");
const assert = require("node:assert/strict");
const { WebSocketServer } = require("../support/node_modules/ws");
const { Child, program, until } = require("../support/cluster");

/** Lets clients in and their messages echo; `onJoin(client, count)` decides what happens next. */
async function server(onJoin = () => {}) {
  const socket = new WebSocketServer({ port: 0, host: "127.0.0.1" });
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
  return { code, report: code === 0 ? JSON.parse(child.output) : undefined, output: child.output };
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

  it("ends with 69 when no target lets it in", async () => {
    const one = await server();
    one.stop();
    const { code, output } = await run([one], ["--duration", "1s"]);
    assert.equal(code, 69);
    assert.match(output, /no target let a client in/);
  });
});
