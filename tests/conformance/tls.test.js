// SPDX-License-Identifier: Apache-2.0
// Unmodified official clients over TLS with an own CA, to two nodes whose Redis speaks TLS too.
"use strict";
const { describe, it, before, after } = require("node:test");
const assert = require("node:assert/strict");
const tls = require("node:tls");
const { Authority, fingerprint, replaceFile } = require("../support/authority");
const { Child, Node, Redis, ask, client, freePort, program, until, within } = require("../support/cluster");

const secure = (node) => `https://127.0.0.1:${node.port}`;
const shownBy = (port, ca) =>
  new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: "127.0.0.1", ca }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.on("error", reject);
  });

describe("official clients over TLS", () => {
  let authority, stranger, redis, one, two, live, other;
  const sockets = [];
  const connect = async (node, options = {}) => {
    const socket = await client(secure(node), { ca: authority.pem, ...options });
    sockets.push(socket);
    return socket;
  };
  const next = (socket, event) =>
    within(`${event} arrives`, new Promise((resolve) => socket.once(event, (...args) => resolve(args))));

  before(async () => {
    authority = new Authority();
    stranger = new Authority("Stranger");
    const [first, forRedis] = [authority.issue("first"), authority.issue("redis")];
    other = authority.issue("other");
    live = { certificate: authority.path("live.pem"), key: authority.path("live.key") };
    replaceFile(live.certificate, first.certificate);
    replaceFile(live.key, first.key);
    const tlsPort = await freePort();
    redis = await Redis.start([
      ...["--tls-port", String(tlsPort), "--tls-cert-file", forRedis.certificate, "--tls-key-file", forRedis.key],
      ...["--tls-ca-cert-file", authority.file, "--tls-auth-clients", "no"],
    ]);
    const args = ["--set", `listen.tls_certificate=${live.certificate}`, "--set", `listen.tls_key=${live.key}`];
    const start = (id, more = []) =>
      Node.start({ redis: { url: `rediss://127.0.0.1:${tlsPort}` }, id,
        args: [...args, "--set", `redis.tls_ca=${authority.file}`, ...more] });
    [one, two] = await Promise.all([start("one"), start("two")]);
  });
  after(async () => {
    for (const socket of sockets) socket.close();
    const ends = await Promise.all([one?.stop(), two?.stop()]);
    await redis?.stop();
    authority?.remove();
    stranger?.remove();
    for (const end of ends) assert.deepEqual(end, { code: 0, signal: null });
  });

  it("speaks from node to node", async () => {
    const [a, b] = [await connect(one), await connect(two)];
    for (const socket of [a, b]) assert.equal((await ask(socket, "join", "secret")).ok, true);
    const arrival = next(b, "greeting");
    assert.equal((await ask(a, "publish", "secret", "greeting", { text: "hällo ☃" })).ok, true);
    assert.deepEqual(await arrival, [{ text: "hällo ☃" }]);
    const big = "x".repeat(500000); // many TLS records, more than is read ahead
    const bulk = next(a, "bulk");
    assert.equal((await ask(b, "publish", "secret", "bulk", big)).ok, true);
    assert.equal((await bulk)[0].length, big.length);
    const bytes = next(a, "bytes");
    await ask(b, "publish", "secret", "bytes", Buffer.alloc(200000, 7));
    assert.deepEqual((await bytes)[0], Buffer.alloc(200000, 7));
  });

  it("is refused by clients with another CA", async () => {
    await assert.rejects(client(secure(one), { ca: stranger.pem, reconnection: false }));
  });

  it("says at the client listener what load balancers ask", async () => {
    const answer = await within("an answer", new Promise((resolve, reject) => {
      require("node:https").get({ port: one.port, host: "127.0.0.1", path: "/ready", ca: authority.pem }, (response) => {
        let text = "";
        response.on("data", (bytes) => (text += bytes)).on("end", () => resolve([response.statusCode, text]));
      }).on("error", reject);
    }));
    assert.deepEqual(answer, [200, '{"ready":true}']);
  });

  it("carries weir-load, which says why when it is not trusted", async () => {
    const run = (ca) =>
      new Child(program("weir-load", "TEST_LOAD_PROGRAM"), [
        ...["--target", `wss://127.0.0.1:${one.port}`, "--target", `wss://127.0.0.1:${two.port}`, "--ca", ca.file],
        ...["--scenario", "rooms", "--connections", "20", "--rate", "200", "--duration", "2s", "--json"],
      ]);
    const fine = run(authority);
    assert.deepEqual(await within("weir-load ends", fine.exit, 60000), { code: 0, signal: null }, fine.output);
    const report = JSON.parse(fine.output.split("\n").find((line) => line.startsWith("{")));
    assert.equal(report.connections.open, 20);
    assert.ok(report.messages.received > 0);
    assert.equal(report.messages.lost, 0);
    const wrong = run(stranger);
    assert.equal((await within("weir-load ends", wrong.exit, 60000)).code, 69, wrong.output);
  });

  it("closes a slow client whose unsent bytes are encrypted already", async () => {
    const [slow, fast] = [await connect(one), await connect(one)];
    for (const socket of [slow, fast]) assert.equal((await ask(socket, "join", "flood")).ok, true);
    slow.io.engine.transport.ws._socket.pause();
    const part = "x".repeat(200000);
    await until("it is closed", async () => {
      await ask(fast, "publish", "flood", "part", part);
      return (await one.metric("weir_closes_total", 'reason="slow-consumer"')) > 0;
    }, 60000);
    slow.io.engine.transport.ws._socket.resume();
    slow.close();
  });

  it("shows a replaced certificate to who comes, and keeps who is there", async () => {
    const before = await connect(one);
    let isGone = false;
    before.on("disconnect", () => (isGone = true));
    replaceFile(live.certificate, other.certificate);
    replaceFile(live.key, other.key);
    process.kill(one.process.pid, "SIGHUP");
    await until("the new one is shown", async () =>
      (await shownBy(one.port, authority.pem)) === fingerprint(other.certificate));
    await connect(one);
    assert.equal((await ask(before, "join", "still")).ok, true);
    assert.equal(isGone, false);
  });
});
