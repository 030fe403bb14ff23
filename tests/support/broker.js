// SPDX-License-Identifier: Apache-2.0
// The broker's three requests (join, leave, publish) on the official Socket.IO server: what our node is compared with.
// broker.js PORT [OPTIONS as JSON of start()]. Prints {"port":N} once it listens; ends with its standard input.
"use strict";
const { createServer } = require("node:http");
const { Server } = require("socket.io");

async function start({ port = 0, redisUrl, namespaces = ["/"], options = {} } = {}) {
  const http = createServer();
  const io = new Server(http, { transports: ["websocket"], maxHttpBufferSize: 1e6, pingTimeout: 5000, ...options });
  const redis = [];
  if (redisUrl) {
    const { createClient } = require("redis");
    const { createAdapter } = require("@socket.io/redis-adapter");
    for (let i = 0; i < 2; ++i) {
      const client = createClient({ url: redisUrl });
      client.on("error", () => {});
      await client.connect();
      redis.push(client);
    }
    io.adapter(createAdapter(redis[0], redis[1]));
  }
  for (const name of namespaces) {
    io.of(name).on("connection", (socket) => {
      const answer = (ack, value) => typeof ack === "function" && ack(value);
      socket.on("join", (room, ack) => {
        socket.join(room);
        answer(ack, { ok: true, room });
      });
      socket.on("leave", (room, ack) => {
        socket.leave(room);
        answer(ack, { ok: true, room });
      });
      let seq = 0;
      socket.on("publish", (room, event, data, ...rest) => {
        const ack = rest.pop();
        const echo = typeof ack === "function" ? rest[0]?.echo : (ack ?? rest[0])?.echo;
        (echo ? io.of(name).to(room) : socket.to(room)).emit(event, data);
        answer(ack, { ok: true, seq: ++seq });
      });
    });
  }
  await new Promise((resolve) => http.listen(port, "127.0.0.1", 65535, resolve));
  const stop = async () => {
    await new Promise((resolve) => io.close(() => resolve()));
    // The adapter is still unsubscribing: quit lets that finish first.
    for (const client of redis) await client.quit().catch(() => {});
  };
  return { io, http, port: http.address().port, url: `http://127.0.0.1:${http.address().port}`, stop };
}

module.exports = { start };

if (require.main === module) {
  start({ port: Number(process.argv[2] ?? 0), ...JSON.parse(process.argv[3] ?? "{}") }).then(({ port }) =>
    console.log(JSON.stringify({ port })),
  );
  process.stdin.on("end", () => process.exit(0)).resume();
}
