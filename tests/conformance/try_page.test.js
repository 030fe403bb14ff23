// SPDX-License-Identifier: Apache-2.0
// The page at /try in Debian's chromium: it connects, sends, receives, says what went wrong, and comes back.
"use strict";
const { describe, it, before, after } = require("node:test");
const assert = require("node:assert/strict");
const { mkdirSync, readFileSync } = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { chromium } = require("../support/node_modules/playwright-core");
const { Node, ask, client, until, within } = require("../support/cluster");

const pictures = process.env.TEST_PICTURES ?? path.join(os.tmpdir(), "weir-pictures");

describe("the page at /try", () => {
  let node, browser, page, socket;
  const complaints = [];
  const foreign = [];
  const state = () => page.textContent("#state");
  const problem = async () => ((await page.isVisible("#problem")) ? page.textContent("#sentence") : "");
  const cells = () =>
    page.$$eval("#messages tr", (rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent)));
  const isOpen = () => until("the page is connected", async () => (await state()) === "connected");

  before(async () => {
    mkdirSync(pictures, { recursive: true });
    node = await Node.start({ id: "try", args: ["--set", "listen.try_page=true", "--set", "limits.send_buffer_bytes=4096"] });
    browser = await chromium.launch({
      executablePath: "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    });
    page = await browser.newPage({ viewport: { width: 1200, height: 760 }, colorScheme: "light" });
    page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("request", (request) => request.url().startsWith(node.url) || request.url().startsWith("data:") || foreign.push(request.url()));
    await page.goto(`${node.url}/try`);
    await isOpen();
    socket = await client(node.url);
    await ask(socket, "join", "lobby");
  });
  after(async () => {
    socket?.close();
    await browser?.close();
    await node?.stop();
  });

  it("comes whole, with a policy, and by HEAD its head alone", async () => {
    const answer = await node.get("/try", node.port);
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get("content-type"), /^text\/html; charset=utf-8$/);
    assert.match(answer.headers.get("content-security-policy"), /^default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+';/);
    assert.equal(await answer.text(), readFileSync(path.join(__dirname, "../../resources/docs/try.html"), "utf8"));
    const head = await fetch(`${node.url}/try`, { method: "HEAD" });
    assert.deepEqual([head.status, (await head.text()).length], [200, 0]);
    assert.equal((await fetch(`${node.url}/try`, { method: "POST" })).status, 405);
  });

  it("sends: itself and a Socket.IO client in the room hear it", async () => {
    const heard = within("the client hears", new Promise((resolve) => socket.once("said", resolve)));
    await page.click("#publish button");
    assert.deepEqual(await heard, { text: "Hello, room!" });
    await until("a row", async () => (await cells()).length === 1);
    const [[time, room, event, data, seq, origin]] = await cells();
    assert.match(time, /^\d\d:\d\d:\d\d\.\d{3}$/);
    assert.deepEqual([room, event, data, seq], ["lobby", "said", '{"text":"Hello, room!"}', "1"]);
    assert.match(origin, /^try\.\d+\./);
    assert.equal(await page.textContent("#answer"), "sent as seq 1");
  });

  it("sends what is no JSON as text, and shows no markup of others", async () => {
    const heard = within("the client hears", new Promise((resolve) => socket.once("said", resolve)));
    await page.fill("#data", "just words");
    await page.click("#publish button");
    assert.equal(await heard, "just words");
    await ask(socket, "publish", "lobby", "<b>bold</b>", "<img src=x onerror=alert(1)>");
    await until("the row", async () => (await cells()).length === 3);
    assert.deepEqual((await cells())[0].slice(2, 4), ["<b>bold</b>", '"<img src=x onerror=alert(1)>"']);
    assert.equal(await page.$("#messages img, #messages b"), null);
  });

  it("does not take its own unheard messages for lost ones", async () => {
    await page.uncheck("#echo");
    await page.click("#publish button");
    await until("the ack", async () => /^sent as seq \d+$/.test(await page.textContent("#answer")));
    await page.check("#echo");
    const before = (await cells()).length;
    await page.click("#publish button");
    await until("the echo", async () => (await cells()).length > before);
    assert.equal(await page.$("tr.gap"), null);
  });

  it("joins and leaves rooms", async () => {
    await page.fill("#room", "second");
    await page.click("#join button");
    await until("two rooms", async () => (await page.$$("#rooms li")).length === 2);
    await ask(socket, "publish", "second", "ping", [1, 2]);
    await until("heard there", async () => (await cells())[0][1] === "second");
    await page.screenshot({ path: path.join(pictures, "try-light.png") });
    await page.emulateMedia({ colorScheme: "dark" });
    await page.screenshot({ path: path.join(pictures, "try-dark.png") });
    await page.setViewportSize({ width: 420, height: 900 });
    await page.screenshot({ path: path.join(pictures, "try-narrow.png") });
    await page.setViewportSize({ width: 1200, height: 760 });
    await page.click('#rooms button[title="Leave second"]');
    await until("one room", async () => (await page.$$("#rooms li")).length === 1);
  });

  it("says what the node refuses", async () => {
    await page.fill("#event", "disconnect");
    await page.click("#publish button");
    await until("a problem", async () => (await problem()) === "bad_request: event: this name is reserved");
    await page.screenshot({ path: path.join(pictures, "try-problem.png") });
    await page.click("#seen");
    assert.equal(await problem(), "");
    await page.fill("#event", "said");
  });

  it("comes back after a drain as it is told, into its rooms", async () => {
    const admin = await node.admin();
    await admin.call("node.drain", { grace_s: 0, deadline_s: 2 });
    await until("it says so", async () => /Trying again in/.test(await state()));
    assert.ok(await page.isDisabled("#publish button"));
    await admin.call("node.resume", {});
    admin.close();
    await until("the page is back", async () => (await state()) === "connected", 30000);
    if (!socket.connected) await within("the client is back", new Promise((resolve) => socket.once("connect", resolve)), 30000);
    const before = (await cells()).length;
    await until("it hears its room again", async () => {
      await ask(socket, "publish", "lobby", "again", 1);
      return (await cells()).length > before;
    });
  });

  it("stays away after an eviction, until it is told to connect", async () => {
    const admin = await node.admin();
    const { rows } = await admin.call("connections.list", { filter: "dialect=json", limit: 1 });
    await admin.call("connections.evict", { ids: [rows[0].id], reason: "test" });
    admin.close();
    await until("it says so", async () => (await state()) === "closed");
    assert.match(await problem(), /4410/);
    await page.click("#again");
    await isOpen();
  });

  it("loads nothing from elsewhere, and the policy has nothing to complain of", () => {
    assert.deepEqual(foreign, []);
    // The upgrade that a draining node refuses is told of by the browser itself.
    assert.deepEqual(complaints.filter((text) => !/WebSocket connection to .* failed/.test(text)), []);
  });
});

describe("a node that was not asked to", () => {
  it("has no such page", async () => {
    const node = await Node.start();
    assert.equal((await node.get("/try", node.port)).status, 404);
    await node.stop();
  });
});
