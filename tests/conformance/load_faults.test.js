// SPDX-License-Identifier: Apache-2.0
// weir-load finds the gaps, doubles and swaps that a proxy makes between it and a node, and says exactly how many.
"use strict";
const { describe, it, before, after } = require("node:test");
const assert = require("node:assert/strict");
const { Child, Node, program } = require("../support/cluster");
const { FrameProxy } = require("../support/frame_proxy");

// Most of the time they wait for what never comes, so several wait at once.
describe("weir-load behind a proxy that", { concurrency: 5 }, () => {
  let node;
  before(async () => {
    node = await Node.start();
  });
  after(() => node?.stop());

  const run = async (faults, args) => {
    const proxy = await FrameProxy.start(node.port, faults);
    try {
      const child = new Child(program("weir-load", "TEST_LOAD_PROGRAM"), [
        ...["--target", `ws://127.0.0.1:${proxy.port}`, "--json", "--duration", "1s", ...args],
      ]);
      assert.equal((await child.exit).code, 0, child.output);
      const { connections, messages } = JSON.parse(child.output);
      assert.equal(connections.open, connections.asked);
      return { made: proxy.made, messages };
    } finally {
      await proxy.stop();
    }
  };
  const told = ({ lost, duplicated, reordered }) => ({ lost, doubled: duplicated, swapped: reordered });
  const byNumber = ({ seq }) => ({ lost: seq.missing, doubled: seq.duplicated, swapped: seq.reordered });

  const all = { lose: [3, 4, 11], double: [6, 15], swap: [8] };
  // Four connections at 200/s are 50 messages each: the places come up on each of them.
  const echo = ["--scenario", "echo", "--connections", "4", "--rate", "200"];
  const rooms = ["--scenario", "rooms", "--connections", "6", "--room-size", "3", "--rate", "120"];
  for (const dialect of ["socketio", "json"]) {
    for (const [name, faults, each] of [
      ["does nothing", {}, { lost: 0, doubled: 0, swapped: 0 }],
      ["loses one", { lose: [5] }, { lost: 1, doubled: 0, swapped: 0 }],
      ["doubles one", { double: [5] }, { lost: 0, doubled: 1, swapped: 0 }],
      ["swaps two", { swap: [5] }, { lost: 0, doubled: 0, swapped: 1 }],
      ["does all of it", all, { lost: 3, doubled: 2, swapped: 1 }],
    ]) {
      for (const [scenario, args, connections] of [
        ["echo", echo, 4],
        ["rooms", rooms, 6],
      ]) {
        it(`${name}: ${scenario}, ${dialect}`, async () => {
          const { made, messages } = await run(faults, [...args, "--dialect", dialect]);
          const expected = Object.fromEntries(Object.entries(each).map(([what, count]) => [what, count * connections]));
          assert.deepEqual(made, expected); // the proxy did what it was told
          assert.deepEqual(told(messages), expected);
          assert.equal(messages.received, messages.expected - expected.lost);
          if (dialect === "json") assert.deepEqual(byNumber(messages), expected);
          else assert.equal(messages.seq, undefined);
        });
      }
    }
  }
});
