// SPDX-License-Identifier: Apache-2.0
// Connects, says "ready", then has sent half of a frame; waits to be killed. half_frame.js PORT
"use strict";
const net = require("node:net");

const socket = net.connect(Number(process.argv[2]), "127.0.0.1", () =>
  socket.write(
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n" +
      "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
  ),
);
let received = "";
socket.on("data", (bytes) => {
  received += bytes.toString("latin1");
  if (!received.includes("maxPayload") || socket.isHalf) return;
  socket.isHalf = true;
  const frame = Buffer.alloc(1000); // says 5,000 bytes
  frame.set([0x81, 0xfe, 0x13, 0x88, 1, 2, 3, 4]);
  socket.write(frame, () => console.log("ready"));
});
process.stdin.resume();
