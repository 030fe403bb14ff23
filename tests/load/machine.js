// SPDX-License-Identifier: Apache-2.0
// What this machine offers to a large run, and what such a run uses of it. For tests/load/half-million.
"use strict";
const { existsSync, readFileSync } = require("node:fs");
const net = require("node:net");

const text = (file) => readFileSync(file, "utf8");
const sysctl = (name) => text(`/proc/sys/${name.replaceAll(".", "/")}`).trim();
const PageBytes = 4096;
const TicksPerSecond = 100; // USER_HZ, the same on every Linux
/** Of a node's descriptors, what is not for clients. */
const NodeReserve = 512;
/** weir-load takes a further source address behind so many clients of one target; half of the ports stay free. */
const ClientsAnAddress = 10000;
/** Both ends in the kernel, a session in the node, a client in weir-load; by measurement, and a quarter more. */
const BytesAConnection = 14000;
const OtherBytes = 1.5e9;

const descriptorLimit = () => Number(/^Max open files\s+\S+\s+(\d+)/m.exec(text("/proc/self/limits"))[1]);
const memory = (key) => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, "m").exec(text("/proc/meminfo"))[1]) * 1024;

/** How many nodes it takes for all to stay under 90 % of what one may hold when one of them has been drained. */
function nodesFor(connections, least) {
  const capacity = descriptorLimit() - NodeReserve;
  return Math.max(least, Math.ceil(connections / (0.9 * capacity)) + 1);
}

function mayUse(address) {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.on("error", () => resolve(false));
    server.listen(0, address, () => server.close(() => resolve(true)));
  });
}

/** What to change before such a run, one sentence each; empty when all is well. */
async function shortcomings(connections, nodes) {
  const wrong = [];
  const need = (isFine, sentence) => isFine || wrong.push(sentence);
  const descriptors = descriptorLimit();
  const perNode = Math.ceil(connections / (nodes - 1));
  need(
    perNode <= 0.9 * (descriptors - NodeReserve),
    `${nodes} nodes of ${descriptors - NodeReserve} connections do not hold ${connections} under 90 % with one of them ` +
      `drained: ask for --nodes ${nodesFor(connections, 2)}, or raise the hard limit of descriptors (ulimit -Hn)`,
  );
  const files = 2 * connections + 1024 * nodes;
  need(Number(sysctl("fs.file-max")) >= files, `too few open files in all: sysctl -w fs.file-max=${files}`);
  const watches = "/proc/sys/fs/epoll/max_user_watches";
  need(
    !existsSync(watches) || Number(text(watches)) >= files,
    `too few epoll watches for one user: sysctl -w fs.epoll.max_user_watches=${files}`,
  );
  const [first, last] = sysctl("net.ipv4.ip_local_port_range").split(/\s+/).map(Number);
  const ports = 2 * Math.min(perNode, ClientsAnAddress) + 4000;
  need(
    last - first + 1 >= ports,
    `one address has ${last - first + 1} ports, ${ports} are needed: sysctl -w net.ipv4.ip_local_port_range="16384 65535"`,
  );
  need(await mayUse("127.77.0.2"), "127.77.0.2 is no address of this machine: give the loopback 127.0.0.0/8");
  need(Number(sysctl("net.core.somaxconn")) >= 1024, "listen queues are short: sysctl -w net.core.somaxconn=4096");
  const tracked = "/proc/sys/net/netfilter/nf_conntrack_count";
  if (existsSync(tracked) && Number(text(tracked)) > 0)
    need(
      Number(sysctl("net.netfilter.nf_conntrack_max")) >= 1.2 * connections,
      `the firewall tracks connections, too few of them: sysctl -w net.netfilter.nf_conntrack_max=${2 * connections}`,
    );
  const bytes = connections * BytesAConnection + OtherBytes;
  const free = memory("MemAvailable");
  const gigabytes = (value) => (value / 1e9).toFixed(1);
  need(bytes <= free, `${gigabytes(bytes)} GB of memory are needed, ${gigabytes(free)} are free: end other programs, or ask for less`);
  return wrong;
}

/** Slabs that sockets live in. */
const SocketSlabs = /^(TCP|TCPv6|request_sock_\S+|tw_sock_\S+|sock_inode_cache|filp|dentry|eventpoll_\S+|skbuff_\S+|lsm_\S+)$/;

/** What the kernel holds for sockets, in bytes: their slabs and their buffers. */
function kernelBytes() {
  let bytes = 0;
  for (const line of text("/proc/slabinfo").split("\n")) {
    const [name, , , , , pagesPerSlab, , , , , , , , , slabs] = line.split(/\s+/);
    if (SocketSlabs.test(name)) bytes += Number(slabs) * Number(pagesPerSlab) * PageBytes;
  }
  return bytes + Number(/^TCP:.* mem (\d+)/m.exec(text("/proc/net/sockstat"))[1]) * PageBytes;
}

function rollup(pid, key) {
  return Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(text(`/proc/${pid}/smaps_rollup`))[1]) * 1024;
}
/** Resident memory of one process. */
const residentBytes = (pid) => rollup(pid, "Rss");
/** Of several, pages that they share counted once. */
const residentTogether = (pids) => pids.reduce((sum, pid) => sum + rollup(pid, "Pss"), 0);

function cpuSeconds(pids) {
  let sum = 0;
  for (const pid of pids) {
    const fields = text(`/proc/${pid}/stat`).split(") ").pop().split(" ");
    sum += (Number(fields[11]) + Number(fields[12])) / TicksPerSecond;
  }
  return sum;
}

/** A process and all that it has started. */
function family(pid) {
  const children = text(`/proc/${pid}/task/${pid}/children`).trim();
  return [pid, ...(children ? children.split(" ").flatMap((child) => family(Number(child))) : [])];
}

module.exports = { cpuSeconds, family, kernelBytes, memory, nodesFor, residentBytes, residentTogether, shortcomings };
