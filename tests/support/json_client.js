// SPDX-License-Identifier: Apache-2.0
// A client of the JSON dialect over Node's `ws`, as somebody would write one from resources/docs/json_dialect.md.
"use strict";
const { WebSocket } = require("ws");
const { until, within } = require("./cluster");

class JsonClient {
  /** `options` go to `ws`; `protocols` is offered. Resolves once hello is there. */
  static async connect(node, { protocols = [], ...options } = {}) {
    const client = new JsonClient(node, protocols, options);
    await within("hello", Promise.race([client.opened, client.closed.then(({ code }) => Promise.reject(new Error(`closed ${code}`)))]));
    return client;
  }
  constructor(node, protocols = [], options = {}) {
    this.received = []; // every frame, decoded, in order
    this.texts = []; // and as it came
    this.pings = 0;
    this.next = 1;
    this.waiting = new Map();
    this.socket = new WebSocket(`ws://127.0.0.1:${node.port}/ws`, protocols, options);
    this.opened = new Promise((resolve, reject) => {
      this.socket.once("error", reject);
      this.socket.once("message", resolve);
    });
    this.opened.catch(() => {});
    this.closed = new Promise((resolve) => this.socket.once("close", (code, reason) => resolve({ code, reason: String(reason) })));
    this.socket.on("ping", () => ++this.pings);
    this.socket.on("error", () => {});
    this.socket.on("message", (bytes, isBinary) => {
      if (isBinary) throw new Error("a binary frame from the node");
      this.texts.push(bytes.toString());
      const message = JSON.parse(bytes.toString());
      this.received.push(message);
      if (message.op === "ack") this.waiting.get(message.id)?.(message);
    });
  }
  get hello() {
    return this.received[0];
  }
  say(object) {
    this.socket.send(typeof object === "string" ? object : JSON.stringify(object));
  }
  /** Sends it with an id of its own; the ack without `op` and `id`. */
  async ask(object) {
    const id = this.next++;
    const answer = new Promise((resolve) => this.waiting.set(id, resolve));
    this.say({ ...object, id });
    const { op, id: same, ...rest } = await within(`an ack of ${object.op}`, answer);
    this.waiting.delete(id);
    return rest;
  }
  join(room) {
    return this.ask({ op: "join", room });
  }
  publish(room, event, data, options) {
    return this.ask({ op: "publish", room, event, data, options });
  }
  events(name) {
    return this.received.filter((message) => message.op === "event" && message.event === name);
  }
  /** The event of that name, once it is there. */
  async event(name) {
    return until(`event ${name}`, () => this.events(name)[0]);
  }
  error() {
    return until("an error", () => this.received.find((message) => message.op === "error"));
  }
  close() {
    this.socket.close();
    return this.closed;
  }
}

module.exports = { JsonClient };
