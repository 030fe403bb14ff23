// SPDX-License-Identifier: Apache-2.0
// weir-load as a child: its progress, and its report. For tests/load and tests/bench.
"use strict";
const { Child, until } = require("../support/cluster");

class Load {
  /** `ports` are the targets' on the loopback; `before` is what the program is started by, e.g. taskset. */
  constructor(program, ports, args, before = []) {
    const targets = ports.flatMap((port) => ["--target", `ws://127.0.0.1:${port}`]);
    const words = [...before, program, ...targets, "--progress", "--json", ...args.map(String)];
    this.args = args;
    /** What it last told of how it goes. */
    this.now = { phase: "ramp", open: 0, failed: 0, closed: 0, hinted: 0, broadcast: 0 };
    this.child = new Child(words[0], words.slice(1));
    this.answer = "";
    this.child.child.stdout.on("data", (bytes) => (this.answer += bytes));
    let rest = "";
    this.child.child.stderr.on("data", (bytes) => {
      const lines = (rest + bytes).split("\n");
      rest = lines.pop();
      for (const line of lines) if (line.startsWith("{")) this.now = JSON.parse(line);
      this.child.output = this.child.output.slice(-4096); // an hour of lines is of no use
    });
  }
  get pid() {
    return this.child.pid;
  }
  /** Waits until `condition` holds of its progress. */
  until(what, condition, timeoutMs) {
    return until(
      what,
      () => {
        if (!this.child.isRunning) throw new Error(`weir-load ended: ${this.child.output}`);
        return condition(this.now);
      },
      timeoutMs,
    ).catch((error) => {
      throw new Error(`${error.message} (${JSON.stringify(this.now)})`);
    });
  }
  /** Waits for its end. */
  async report() {
    const { code } = await this.child.exit;
    if (code !== 0) throw new Error(`weir-load ${this.args.join(" ")}: exit ${code}: ${this.child.output}`);
    return JSON.parse(this.answer);
  }
  /** Ends it early, with its report. */
  stop() {
    this.child.child.kill("SIGINT");
    return this.report();
  }
}

module.exports = { Load };
