// SPDX-License-Identifier: Apache-2.0
// Node `ws` that sends back what it gets, after the two words without which a client of /ws does not begin: what a
// plain echo costs. ws_echo.js PORT. Prints {"port":N} once it listens; ends with its standard input.
"use strict";
const { createServer } = require("node:http");
const { WebSocketServer } = require("../../support/node_modules/ws");

const http = createServer();
const server = new WebSocketServer({ server: http, perMessageDeflate: false, backlog: 65535 });

server.on("connection", (client) => {
  client.on("error", () => {});
  client.send('{"op":"hello","id":"AAAAAAAAAAAAAAAAAAAA","node":"echo","heartbeat_ms":600000}');
  client.once("message", () => {
    client.send('{"op":"ack","id":0,"ok":true}');
    client.on("message", (bytes) => client.send(bytes, { binary: false }));
  });
});

http.listen(Number(process.argv[2] ?? 0), "127.0.0.1", 65535, () =>
  console.log(JSON.stringify({ port: http.address().port })),
);
process.stdin.on("end", () => process.exit(0)).resume();
