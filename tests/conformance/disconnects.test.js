// SPDX-License-Identifier: Apache-2.0
// The reasons that official clients see when a connection ends: the same script against the official server and ours.
"use strict";
const { describe, it, before, after } = require("node:test");
const assert = require("node:assert/strict");
const path = require("node:path");
const { WebSocket } = require("../support/node_modules/ws");
const { Child, Node, ask, client, delay, until, within } = require("../support/cluster");
const broker = require("../support/broker");

const ended = (socket) =>
  within("disconnect", new Promise((resolve) => socket.once("disconnect", (reason) => resolve(reason))));

/** What both kinds of server offer to this script. */
const official = {
  async start({ interval = 25000, timeout = 5000 } = {}) {
    const options = { options: { pingInterval: interval, pingTimeout: timeout } };
    const child = new Child("node", [path.join(__dirname, "../support/broker.js"), "0", JSON.stringify(options)]);
    const { port } = JSON.parse(
      await until("the official server listens", () => child.output.includes("\n") && child.output.split("\n")[0]),
    );
    return { url: `http://127.0.0.1:${port}`, pid: child.pid, stop: (signal) => child.end(signal) };
  },
  async evict() {
    const server = await broker.start();
    const socket = await client(server.url);
    const reason = ended(socket);
    server.io.disconnectSockets();
    const result = { reason: await reason, active: socket.active };
    await server.stop();
    return result;
  },
};
const ours = {
  async start({ interval = 25000, timeout = 5000 } = {}) {
    const args = ["--set", `heartbeat.interval_ms=${interval}`, "--set", `heartbeat.timeout_ms=${timeout}`];
    const node = await Node.start({ args });
    return { url: node.url, pid: node.process.pid, stop: (signal) => node.stop(signal) };
  },
  async evict() {
    const node = await Node.start();
    const socket = await client(node.url);
    const other = await client(node.url);
    const admin = await node.admin();
    const { rows } = await admin.call("connections.list", { limit: 10 });
    const { id } = rows.find((row) => row.members.includes(socket.id));
    const reason = ended(socket);
    await admin.call("connections.evict", { ids: [id], reason: "test" });
    const result = { reason: await reason, active: socket.active };
    await delay(1500); // an official client would be back by now
    assert.equal(socket.connected, false);
    assert.equal((await ask(other, "join", "r")).ok, true);
    admin.close();
    other.close();
    await node.stop();
    return result;
  },
};

for (const [name, server] of Object.entries({ "the official server": official, "our node": ours })) {
  describe(`with ${name} a client is told`, () => {
    it("io client disconnect, when it leaves by itself", async () => {
      const one = await server.start();
      const socket = await client(one.url);
      const reason = ended(socket);
      socket.disconnect();
      assert.equal(await reason, "io client disconnect");
      await one.stop("SIGKILL");
    });

    it("io server disconnect, when it is evicted, and it stays away", async () => {
      assert.deepEqual(await server.evict(), { reason: "io server disconnect", active: false });
    });

    it("transport close, when the server is gone, and it comes back by itself", async () => {
      const one = await server.start();
      const socket = await client(one.url, { reconnection: true });
      const reason = ended(socket);
      await one.stop("SIGKILL");
      assert.equal(await reason, "transport close");
      assert.equal(socket.active, true);
      socket.close();
    });

    it("ping timeout, when the server falls silent", async () => {
      const one = await server.start({ interval: 300, timeout: 200 });
      const socket = await client(one.url, { reconnection: false });
      await delay(700); // a heartbeat or two
      assert.equal(socket.connected, true);
      const reason = ended(socket);
      process.kill(one.pid, "SIGSTOP");
      assert.equal(await reason, "ping timeout");
      process.kill(one.pid, "SIGCONT");
      await one.stop("SIGKILL");
    });

    it("transport close, when it does not answer pings itself", async () => {
      const one = await server.start({ interval: 300, timeout: 200 });
      const socket = await client(one.url, { reconnection: false });
      const reason = ended(socket);
      socket.io.engine._sendPacket = () => {}; // no pong leaves any more
      socket.io.engine.sendPacket = () => {};
      assert.equal(await reason, "transport close");
      await one.stop("SIGKILL");
    });
  });
}

/** What an upgrade is answered with instead of being done: {status, retryAfter}. */
const refusal = (node) =>
  within(
    "a refusal",
    new Promise((resolve, reject) => {
      const socket = new WebSocket(`ws://127.0.0.1:${node.port}/socket.io/?EIO=4&transport=websocket`);
      socket.on("unexpected-response", (request, response) => {
        resolve({ status: response.statusCode, retryAfter: response.headers["retry-after"] });
        request.destroy();
      });
      socket.on("error", () => {});
      socket.on("open", () => reject(new Error("the upgrade was done")));
    }),
  );

describe("a drained node", () => {
  let node, socket, admin;
  before(async () => {
    node = await Node.start();
    admin = await node.admin();
    socket = await client(node.url, { reconnectionDelay: 100, reconnectionDelayMax: 200 });
  });
  after(() => {
    socket?.close();
    admin?.close();
    return node?.stop("SIGKILL");
  });
  it("hints, closes without a DISCONNECT packet, and refuses newcomers until it is resumed", async () => {
    const hint = within("the hint", new Promise((resolve) => socket.once("weir:reconnect", resolve)));
    const reason = ended(socket);
    await admin.call("node.drain", { grace_s: 0, deadline_s: 5 });
    const { after_ms: afterMs, reason: why } = await hint;
    assert.equal(typeof afterMs, "number");
    assert.equal(typeof why, "string");
    assert.equal(await reason, "transport close");
    assert.equal((await node.get("/ready", node.port)).status, 503);
    const { status, retryAfter } = await refusal(node);
    assert.equal(status, 503);
    assert.match(retryAfter, /^([1-9]|10)$/);
    await until("drained", async () => (await admin.call("node.info")).state === "drained");
    await admin.call("node.resume", {});
    await until("the client is back by itself", () => socket.connected);
  });
});
