// SPDX-License-Identifier: Apache-2.0
// A TCP relay on loopback that understands WebSocket frames from a server enough to lose, double and swap exactly
// those that it is told to. What a client sends passes as it is.
"use strict";
const net = require("node:net");

const Marked = /"p":(\d+),"n":\d+/; // the mark of weir-load in a message

class FrameProxy {
  /**
   * `faults` names marked messages by their place on each connection, from 0: those in `lose` never arrive, those in
   * `double` come twice, those in `swap` come after the next one of the same publisher. `made` counts them.
   */
  static async start(port, faults) {
    const proxy = new FrameProxy();
    proxy.made = { lost: 0, doubled: 0, swapped: 0 };
    proxy.sockets = new Set();
    proxy.server = net.createServer((client) => proxy.relay(client, port, faults));
    await new Promise((resolve) => proxy.server.listen(0, "127.0.0.1", resolve));
    proxy.port = proxy.server.address().port;
    return proxy;
  }
  relay(client, port, { lose = [], double = [], swap = [] }) {
    const server = net.connect(port, "127.0.0.1");
    for (const [one, other] of [
      [client, server],
      [server, client],
    ]) {
      this.sockets.add(one);
      one.setNoDelay(true);
      one.on("error", () => other.destroy());
      one.on("close", () => (this.sockets.delete(one), other.destroy()));
      one.on("end", () => other.end());
    }
    client.on("data", (bytes) => server.write(bytes));

    let rest = Buffer.alloc(0);
    let isUpgraded = false;
    let place = 0;
    const held = new Map(); // publisher → the frame that waits for the next one of it
    const pass = (frame, payload) => {
      const publisher = Marked.exec(payload)?.[1];
      if (publisher === undefined) return client.write(frame);
      const here = place++;
      if (lose.includes(here)) return void ++this.made.lost;
      if (swap.includes(here)) return void held.set(publisher, frame);
      client.write(frame);
      if (double.includes(here)) {
        ++this.made.doubled;
        client.write(frame);
      }
      if (held.has(publisher)) {
        ++this.made.swapped;
        client.write(held.get(publisher));
        held.delete(publisher);
      }
    };
    server.on("data", (bytes) => {
      rest = Buffer.concat([rest, bytes]);
      if (!isUpgraded) {
        const end = rest.indexOf("\r\n\r\n");
        if (end < 0) return;
        client.write(rest.subarray(0, end + 4));
        rest = rest.subarray(end + 4);
        isUpgraded = true;
      }
      for (;;) {
        if (rest.length < 2) return;
        const short = rest[1] & 127;
        const head = short < 126 ? 2 : short === 126 ? 4 : 10;
        if (rest.length < head) return;
        const size = short < 126 ? short : short === 126 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2));
        if (rest.length < head + size) return;
        const frame = rest.subarray(0, head + size);
        const isText = (rest[0] & 15) === 1;
        pass(frame, isText ? frame.subarray(head).toString() : "");
        rest = rest.subarray(head + size);
      }
    });
  }
  stop() {
    for (const socket of this.sockets) socket.destroy();
    return new Promise((resolve) => this.server.close(resolve));
  }
}

module.exports = { FrameProxy };
