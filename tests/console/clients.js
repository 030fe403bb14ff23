// SPDX-License-Identifier: Apache-2.0
// Official socket.io clients for the console's tests: clients.js URL COUNT. One JSON line an event on stdout; ends with
// its standard input, so that it never outlives the test that started it.
"use strict";
const { io } = require("../support/node_modules/socket.io-client");

const [url, count] = [process.argv[2], Number(process.argv[3])];
const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");

for (let client = 0; client < count; ++client) {
  const socket = io(url, {
    transports: ["websocket"],
    forceNew: true,
    reconnectionDelay: 200,
    reconnectionDelayMax: 1000,
  });
  socket.on("connect", () => {
    socket.emit("join", "lobby", () => say({ event: "connect", client, id: socket.id }));
  });
  socket.on("disconnect", (reason) => say({ event: "disconnect", client, reason }));
  socket.on("weir:reconnect", (hint) => say({ event: "hint", client, hint }));
  socket.on("connect_error", (error) => say({ event: "refused", client, message: error.message }));
}

process.stdin.on("end", () => process.exit(0));
process.stdin.resume();
