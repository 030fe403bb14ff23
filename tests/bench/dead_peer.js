#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// How long a node takes to find that peers are dead: 20 clients, the packets of ten of them are dropped, in a network
// namespace of its own. dead_peer.js WEIR-NODE: prints one JSON object. Needs unshare, ip and nft.
"use strict";
const { execFileSync } = require("node:child_process");

const DeadAddress = "127.0.0.5";
const rules = `table ip dead {
  chain in { type filter hook input priority 0; ip saddr ${DeadAddress} drop; ip daddr ${DeadAddress} drop; }
}`;

/** A client from `address` that answers heartbeats. */
function client(url, address) {
  const { WebSocket } = require("../support/node_modules/ws");
  const socket = new WebSocket(url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket", { localAddress: address });
  socket.on("error", () => {});
  return new Promise((resolve, reject) => {
    socket.on("close", () => reject(new Error("a client was not let in")));
    socket.on("message", (bytes) => {
      const text = bytes.toString();
      if (text === "2") socket.send("3");
      else if (text.startsWith("0")) socket.send("40");
      else if (text.startsWith("40")) resolve(socket);
    });
  });
}

async function measure() {
  const { Node, delay, until } = require("../support/cluster");
  execFileSync("ip", ["link", "set", "lo", "up"]);
  const node = await Node.start({ args: ["--shards", "1", "--log-level", "error"] });
  try {
    const admin = await node.admin();
    const settings = await admin.call("config.get");
    const setting = (key) => Number(settings.rows.find((each) => each.key === key).value);
    const limit = setting("heartbeat.interval_ms") + setting("heartbeat.timeout_ms");
    // Spread over some seconds: the last heartbeat of one is not that of all.
    for (let i = 0; i < 20; ++i) {
      await client(node.url, i % 2 ? DeadAddress : "127.0.0.1");
      await delay(200);
    }
    const begin = Date.now();
    execFileSync("nft", ["-f", "-"], { input: rules });
    const closed = async () => (await admin.call("connections.closed", { since_ms: begin })).rows;
    const rows = await until("the dead ones are closed", async () => {
      const found = await closed();
      return found.length >= 10 && found;
    }, 4 * limit);
    const took = rows.map((row) => (row.closed_ms) - begin);
    return {
      limit_ms: limit,
      dead: rows.length,
      by_ping_timeout: rows.filter(({ reason }) => reason === "ping-timeout").length,
      open: (await node.health()).connections,
      longest_ms: Math.max(...took),
    };
  } finally {
    await node.stop("SIGKILL");
  }
}

/** Runs this file in a network namespace. */
function inNamespace(program) {
  const own = process.getuid() === 0 ? ["-n"] : ["-rn"];
  const env = { ...process.env, TEST_NODE_PROGRAM: program };
  return JSON.parse(execFileSync("unshare", [...own, process.execPath, __filename, "--inside"], { env, encoding: "utf8" }));
}

module.exports = { deadPeers: inNamespace };

if (require.main === module && process.argv[2] === "--inside") {
  measure().then(
    (measured) => {
      console.log(JSON.stringify(measured));
      process.exit(0);
    },
    (error) => {
      console.error(error);
      process.exit(70);
    },
  );
} else if (require.main === module) {
  console.log(JSON.stringify(inNamespace(process.argv[2])));
}
