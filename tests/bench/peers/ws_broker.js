// SPDX-License-Identifier: Apache-2.0
// Node `ws` with the least that a Socket.IO client needs, done by hand on text: a lower bound of what Node costs.
// ws_broker.js PORT [perMessageDeflate as JSON]. Prints {"port":N} once it listens; ends with its standard input.
"use strict";
const { createServer } = require("node:http");
const { randomBytes } = require("node:crypto");
const { WebSocketServer } = require("../../support/node_modules/ws");

const http = createServer();
const server = new WebSocketServer({ server: http, perMessageDeflate: JSON.parse(process.argv[3] ?? "false"), backlog: 65535 });
const rooms = new Map();

server.on("connection", (client) => {
  const sid = randomBytes(15).toString("base64url");
  const joined = new Set();
  client.on("error", () => {});
  client.send(`0{"sid":"${sid}","upgrades":[],"pingInterval":25000,"pingTimeout":5000,"maxPayload":1000000}`);
  const ping = setInterval(() => client.send("2"), 25000);
  client.on("close", () => {
    clearInterval(ping);
    for (const room of joined) rooms.get(room)?.delete(client);
  });
  client.on("message", (bytes) => {
    const text = bytes.toString();
    if (text === "40") {
      client.send(`40{"sid":"${sid}"}`);
      return;
    }
    if (!text.startsWith("42")) return;
    const begin = text.indexOf("[");
    const [name, room, event, data, options] = JSON.parse(text.slice(begin));
    const id = text.slice(2, begin);
    if (name === "join") {
      joined.add(room);
      if (!rooms.has(room)) rooms.set(room, new Set());
      rooms.get(room).add(client);
    } else if (name === "publish") {
      const packet = "42" + JSON.stringify([event, data]);
      for (const member of rooms.get(room) ?? []) if (options?.echo || member !== client) member.send(packet);
    }
    if (id) client.send(`43${id}[{"ok":true}]`);
  });
});

http.listen(Number(process.argv[2] ?? 0), "127.0.0.1", 65535, () =>
  console.log(JSON.stringify({ port: http.address().port })),
);
process.stdin.on("end", () => process.exit(0)).resume();
