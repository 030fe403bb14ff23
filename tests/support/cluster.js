// SPDX-License-Identifier: Apache-2.0
// Real redis-server and weir-node processes for tests in JavaScript: on free loopback ports, ended by pid.
"use strict";
const { spawn } = require("node:child_process");
const { mkdtempSync, readFileSync, rmSync, readdirSync } = require("node:fs");
const net = require("node:net");
const os = require("node:os");
const path = require("node:path");
const { WebSocket } = require("ws");
const { io } = require("socket.io-client");

const delay = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until `condition` is truthy, and gives that value; a timeout is a failure that names `what`. */
async function until(what, condition, timeoutMs = 10000) {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await delay(10);
  }
}

function within(what, promise, timeoutMs = 10000) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${timeoutMs} ms: ${what}`)), timeoutMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

const running = new Set();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** A child process with its output collected; `exit` resolves with {code, signal}. */
class Child {
  constructor(program, args, options = {}) {
    this.output = "";
    this.child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], ...options });
    running.add(this.child);
    this.child.stdout.on("data", (bytes) => (this.output += bytes));
    this.child.stderr.on("data", (bytes) => (this.output += bytes));
    this.exit = new Promise((resolve) => {
      this.child.on("error", (error) => {
        this.output += String(error);
        running.delete(this.child);
        resolve({ code: -1, signal: null });
      });
      // Its last output may come after its end; what it left running may hold that open for ever.
      this.child.on("exit", (code, signal) => {
        running.delete(this.child);
        setTimeout(resolve, 2000, { code, signal }).unref();
      });
      this.child.on("close", (code, signal) => resolve({ code, signal }));
    });
  }
  get pid() {
    return this.child.pid;
  }
  get isRunning() {
    return this.child.exitCode === null && this.child.signalCode === null && running.has(this.child);
  }
  async end(signal = "SIGTERM", timeoutMs = 15000) {
    if (this.isRunning) this.child.kill(signal);
    const timer = setTimeout(() => this.child.kill("SIGKILL"), timeoutMs);
    const result = await this.exit;
    clearTimeout(timer);
    return result;
  }
}

class Redis {
  /** `args` are further flags of redis-server. */
  static async start(args = []) {
    const redis = new Redis();
    redis.args = args;
    redis.port = await freePort();
    redis.directory = mkdtempSync(path.join(os.tmpdir(), "weir-redis-"));
    await redis.restart();
    return redis;
  }
  get url() {
    return `redis://127.0.0.1:${this.port}`;
  }
  async restart() {
    const { port, directory } = this;
    this.process = new Child("redis-server", [
      ...["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", directory],
      ...this.args,
    ]);
    await until("redis-server answers", async () => {
      if (!this.process.isRunning) throw new Error(`redis-server: ${this.process.output}`);
      return (await this.command("PING").catch(() => "")).startsWith("+PONG");
    });
  }
  /** One inline command; the raw answer. */
  command(text) {
    return new Promise((resolve, reject) => {
      const socket = net.connect(this.port, "127.0.0.1", () => socket.write(text + "\r\n"));
      socket.on("error", reject);
      socket.on("data", (bytes) => {
        resolve(bytes.toString());
        socket.destroy();
      });
    });
  }
  kill() {
    return this.process.end("SIGKILL");
  }
  async stop() {
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** The admin channel of a node. */
class Admin {
  static async connect(node) {
    const admin = new Admin();
    admin.calls = new Map();
    admin.notifications = [];
    admin.next = 1;
    admin.socket = new WebSocket(`ws://127.0.0.1:${node.opsPort}/admin`, "weirkeeper.admin.v1", {
      headers: { authorization: `Bearer ${node.token()}` },
      maxPayload: 8 << 20,
    });
    admin.socket.on("message", (bytes) => {
      const message = JSON.parse(bytes.toString());
      const waiting = admin.calls.get(message.id);
      if (!waiting) {
        admin.notifications.push(message);
        return;
      }
      admin.calls.delete(message.id);
      if (message.error) waiting.reject(Object.assign(new Error(message.error.message), message.error));
      else waiting.resolve(message.result);
    });
    await within(
      "the admin channel opens",
      new Promise((resolve, reject) => admin.socket.on("open", resolve).on("error", reject)),
    );
    admin.hello = await until("hello", () => admin.notifications.find((message) => message.method === "hello"));
    return admin;
  }
  call(method, params = {}) {
    const id = this.next++;
    const answer = new Promise((resolve, reject) => this.calls.set(id, { resolve, reject }));
    this.socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    return within(`an answer to ${method}`, answer);
  }
  close() {
    this.socket.close();
  }
}

const program = (name, variable) =>
  process.env[variable] ?? path.join(__dirname, "../../build/release/bin", name);

class Node {
  /**
   * `args` are further flags of weir-node; `redis` may be absent: the embedded adapter. `directory` is a run directory
   * that several nodes share, and that is the caller's to remove.
   */
  static async start({ redis, args = [], id, directory } = {}) {
    const node = new Node();
    node.port = await freePort();
    node.opsPort = await freePort();
    node.isDirectoryOwn = directory === undefined;
    node.directory = directory ?? mkdtempSync(path.join(os.tmpdir(), "weir-node-"));
    node.args = [
      ...["--listen", `127.0.0.1:${node.port}`, "--ops", `127.0.0.1:${node.opsPort}`],
      ...(args.includes("--shards") ? [] : ["--shards", "2"]),
      ...(id ? ["--node-id", id] : []),
      ...(redis ? ["--redis", redis.url] : []),
      ...args,
    ];
    const env = { ...process.env, XDG_RUNTIME_DIR: node.directory, NO_COLOR: "1" };
    delete env.RUNTIME_DIRECTORY;
    // Settings of the person who runs the tests are none of the tests.
    for (const name of Object.keys(env)) if (name.startsWith("WEIR_")) delete env[name];
    node.process = new Child(program("weir-node", "TEST_NODE_PROGRAM"), node.args, { env });
    await until(
      "weir-node is ready",
      async () => {
        if (!node.process.isRunning) throw new Error(`weir-node ended: ${node.process.output}`);
        return (await node.get("/ready").catch(() => ({}))).status === 200;
      },
      20000,
    );
    if (redis) await until("the node reaches Redis", async () => (await node.health()).redis === "up");
    return node;
  }
  get url() {
    return `http://127.0.0.1:${this.port}`;
  }
  get log() {
    return this.process.output;
  }
  get(where, port = this.opsPort) {
    return fetch(`http://127.0.0.1:${port}${where}`, { headers: { connection: "close" } });
  }
  async health() {
    return (await this.get("/health")).json();
  }
  token() {
    const directory = path.join(this.directory, "weirkeeper");
    const name = readdirSync(directory).find((file) => file === `ops-${this.opsPort}.token`);
    return readFileSync(path.join(directory, name), "utf8").split("\n")[0].trim();
  }
  admin() {
    return Admin.connect(this);
  }
  async metricsText() {
    return (await this.get("/metrics")).text();
  }
  /** name{labels} → value. */
  async metrics() {
    const values = new Map();
    for (const line of (await this.metricsText()).split("\n")) {
      const match = /^([a-z_]+(?:\{[^}]*\})?) (\S+)$/.exec(line);
      if (match) values.set(match[1], Number(match[2]));
    }
    return values;
  }
  /** The sum of all series of `name` whose labels hold `label`. */
  async metric(name, label = "") {
    let sum = 0;
    for (const [series, value] of await this.metrics())
      if (series.split("{")[0] === name && series.includes(label)) sum += value;
    return sum;
  }
  async stop(signal = "SIGTERM") {
    const result = await this.process.end(signal);
    if (this.isDirectoryOwn) rmSync(this.directory, { recursive: true, force: true });
    return result;
  }
}

/** An official client over WebSocket that is connected; `options` go to socket.io-client. */
async function client(url, options = {}) {
  const socket = io(url, { transports: ["websocket"], forceNew: true, ...options });
  await within(
    `a client connects to ${url}`,
    new Promise((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("connect_error", reject);
    }),
  );
  return socket;
}

/** Ask for an ack, but not for ever. */
const ask = (socket, ...args) => socket.timeout(10000).emitWithAck(...args);

module.exports = { Admin, Child, Node, Redis, ask, client, delay, freePort, program, until, within };
