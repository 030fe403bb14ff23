// SPDX-License-Identifier: Apache-2.0
// Redis is killed by pid and started again on the same port: local service goes on, the cluster heals by itself.
"use strict";
const { describe, it, before, after } = require("node:test");
const assert = require("node:assert/strict");
const { Node, Redis, ask, client, delay, until } = require("../support/cluster");

describe("two nodes whose Redis dies", () => {
  let redis, one, two;
  before(async () => {
    redis = await Redis.start();
    [one, two] = await Promise.all([Node.start({ redis, id: "one" }), Node.start({ redis, id: "two" })]);
  });
  after(async () => {
    await Promise.all([one?.stop(), two?.stop()]);
    await redis?.stop();
  });

  for (let round = 1; round <= 2; ++round) {
    it(`serves local clients all the time and heals within 5 s (round ${round})`, async () => {
      const sender = await client(one.url);
      const local = await client(one.url);
      const remote = await client(two.url);
      const dropped = [];
      for (const socket of [sender, local, remote]) {
        socket.on("disconnect", (reason) => dropped.push(reason));
        assert.equal((await ask(socket, "join", "steady")).ok, true);
      }
      let sent = 0;
      const arrivals = { local: new Map(), remote: new Map() };
      local.on("n", (n) => arrivals.local.set(n, Date.now()));
      remote.on("n", (n) => arrivals.remote.set(n, Date.now()));
      const ticker = setInterval(() => sender.emit("publish", "steady", "n", ++sent), 20);
      await until("messages flow across", () => arrivals.remote.size > 10);

      await redis.kill();
      for (const node of [one, two])
        await until("/health says that Redis is away", async () => {
          const { redis: state, status } = await node.health();
          return state === "away" && status === "degraded";
        }, 5000);
      assert.equal((await one.get("/ready")).status, 200); // not required
      assert.equal(await one.metric("weir_redis_up"), 0);
      const answer = await ask(sender, "publish", "steady", "probe", 1);
      assert.deepEqual([answer.ok, answer.queued], [true, true]);
      await delay(2000);
      const remoteBefore = arrivals.remote.size;

      await redis.restart();
      const restarted = Date.now();
      await until("messages flow across again", () => arrivals.remote.size > remoteBefore, 5000);
      const took = Date.now() - restarted;
      assert.ok(took < 5000, `cross-node delivery took ${took} ms`);
      for (const node of [one, two])
        await until("/health says that Redis is up", async () => {
          const { redis: state, status } = await node.health();
          return state === "up" && status === "healthy";
        }, 5000);
      await delay(300);
      clearInterval(ticker);
      await until("the local member has everything", () => arrivals.local.size === sent);
      const times = [...arrivals.local.values()];
      const gaps = times.slice(1).map((time, index) => time - times[index]);
      assert.ok(Math.max(...gaps) < 1000, `local delivery paused for ${Math.max(...gaps)} ms`);
      const order = [...arrivals.remote.keys()];
      assert.deepEqual(order, [...order].sort((a, b) => a - b));
      assert.deepEqual(dropped, []);
      for (const socket of [sender, local, remote]) socket.close();
    });
  }

  it("says it in few lines", () => {
    for (const node of [one, two]) {
      const lines = node.log.split("\n").filter((line) => /redis/i.test(line));
      assert.ok(lines.length > 0 && lines.length < 20, lines.join("\n"));
    }
  });
});
