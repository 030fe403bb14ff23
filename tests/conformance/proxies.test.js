// SPDX-License-Identifier: Apache-2.0
// Official clients through the proxies' configurations as they are shipped: one of two nodes is drained by an
// operator, and every client ends on the other by itself.
"use strict";
const { describe, it, before, after } = require("node:test");
const assert = require("node:assert/strict");
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { Child, Node, Redis, ask, client, freePort, until } = require("../support/cluster");

const Clients = 24;
const shipped = (name) => readFileSync(path.join(__dirname, "../../packaging", name), "utf8");

/** The text with each `[from, to]` replaced; one that does not occur would test something else than what is shipped. */
function changed(text, pairs) {
  for (const [from, to] of pairs) {
    assert.ok(text.includes(from), `the configuration no longer has: ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

const proxies = {
  nginx({ folder, port, one, two }) {
    writeFileSync(
      path.join(folder, "weirkeeper.conf"),
      changed(shipped("nginx/weirkeeper.conf"), [
        ["127.0.0.1:7400", `127.0.0.1:${one.port}`],
        ["127.0.0.1:7410", `127.0.0.1:${two.port}`],
        ["listen 80;", `listen 127.0.0.1:${port};`],
      ]),
    );
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    writeFileSync(
      path.join(folder, "nginx.conf"),
      `daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr warn; worker_rlimit_nofile 4096;
       events { worker_connections 2048; }
       http { access_log off; ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(" ")}
              include ${folder}/weirkeeper.conf; }`,
    );
    return ["nginx", ["-c", path.join(folder, "nginx.conf")], ["-t"]];
  },
  haproxy({ folder, port, one, two }) {
    writeFileSync(
      path.join(folder, "haproxy.cfg"),
      changed(shipped("haproxy/weirkeeper.cfg"), [
        ["127.0.0.1:7400", `127.0.0.1:${one.port}`],
        ["127.0.0.1:7410", `127.0.0.1:${two.port}`],
        ["bind :80\n", `bind 127.0.0.1:${port}\n`],
        ["maxconn 100000", "maxconn 2000"],
      ]),
    );
    return ["haproxy", ["-db", "-f", path.join(folder, "haproxy.cfg")], ["-c"]];
  },
};

for (const [name, write] of Object.entries(proxies)) {
  describe(`clients through ${name}`, () => {
    let redis, one, two, proxy, folder, url;
    const sockets = [];

    before(async () => {
      redis = await Redis.start();
      [one, two] = await Promise.all([Node.start({ redis, id: "one" }), Node.start({ redis, id: "two" })]);
      folder = mkdtempSync(path.join(os.tmpdir(), `weir-${name}-`));
      const port = await freePort();
      const [program, args, check] = write({ folder, port, one, two });
      const checked = new Child(program, [...check, ...args]);
      assert.equal((await checked.exit).code, 0, checked.output);
      assert.doesNotMatch(checked.output, /\[(WARNING|ALERT|warn|emerg)\]/i);
      proxy = new Child(program, args);
      url = `http://127.0.0.1:${port}`;
      await until(`${name} passes /ready on`, async () => {
        assert.ok(proxy.isRunning, proxy.output);
        return (await fetch(`${url}/ready`).catch(() => ({}))).status === 200;
      });
    });
    after(async () => {
      for (const socket of sockets) socket.close();
      await proxy?.end("SIGTERM", 3000);
      await Promise.all([one?.stop(), two?.stop()]);
      await redis?.stop();
      if (folder) rmSync(folder, { recursive: true, force: true });
    });

    it("serves them on both nodes, in one room", async () => {
      for (let i = 0; i < Clients; ++i)
        // An address for each: nginx' hash is over addresses.
        sockets.push(await client(url, { localAddress: `127.0.1.${i + 1}`, reconnectionDelayMax: 1000 }));
      for (const socket of sockets) {
        socket.got = [];
        socket.on("news", (text) => socket.got.push(text));
        assert.equal((await ask(socket, "join", "lobby")).ok, true);
      }
      for (const node of [one, two]) assert.ok((await node.health()).connections > 0, `${name} uses one node only`);
      await ask(sockets[0], "publish", "lobby", "news", "before", { echo: true });
      await until("everybody heard it", () => sockets.every((socket) => socket.got.includes("before")));
    });

    it("moves them all to the other node when one is drained", async () => {
      const left = (await one.health()).connections;
      let hints = 0;
      for (const socket of sockets) socket.on("weir:reconnect", () => ++hints);
      const admin = await one.admin();
      await admin.call("node.drain", { rate_per_s: 50, grace_s: 2, deadline_s: 20 });
      await until("the drained node is empty", async () => (await one.health()).connections === 0, 40000);
      await until(
        "everybody is on the other",
        async () => (await two.health()).connections === Clients && sockets.every((socket) => socket.connected),
        40000,
      );
      admin.close();
      assert.equal(hints, left);
      for (const socket of sockets) assert.equal((await ask(socket, "join", "lobby")).ok, true);
      await ask(sockets[0], "publish", "lobby", "news", "after", { echo: true });
      await until("everybody hears again", () => sockets.every((socket) => socket.got.includes("after")));
    });

    it("gives newcomers to both again after a resume", async () => {
      const admin = await one.admin();
      await admin.call("node.resume");
      admin.close();
      let newcomers = 0;
      await until(
        "a newcomer comes to the resumed node",
        async () => {
          const socket = await client(url, { localAddress: `127.0.2.${(newcomers++ % 200) + 1}` });
          const has = (await one.health()).connections > 0;
          socket.close();
          return has;
        },
        30000,
      );
    });
  });
}
