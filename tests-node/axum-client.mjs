// The example `axum`, from the side of its clients: sockets and REST routes on one port.
//
// Run:   node tests-node/axum-client.mjs URL [PID]      (packages: `cargo xtask setup`)
//
// With PID, the process of the server, it is asked to end (SIGTERM), and its drain is watched; the server wants
// DRAIN_PER_SECOND=1 then, so that there is something to watch.
//
// Prints `ok axum: what` or `not ok axum: what: why`; exit code 0, 1 if something is wrong, 2 if it cannot begin.

import { deepStrictEqual, equal, match, ok } from "node:assert/strict";
import { io } from "socket.io-client";
import { Steps, eventually } from "./lib/steps.mjs";

const [url, pid] = process.argv.slice(2);
const steps = new Steps("axum", 30_000);

async function enter(user, transports) {
  const heard = [];
  const client = await steps.connect((at, options) => {
    const made = io(at, options);
    made.onAny((...event) => heard.push(event));
    return made;
  }, url, { auth: { user }, transports });
  return { client, heard };
}

const get = (path) => fetch(url + path);
const post = (path, body) => fetch(url + path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
const say = ({ client }, text) => client.timeout(5000).emitWithAck("message", text);
const messages = ({ heard }) => heard.filter(([name]) => name === "message").map(([, message]) => message);
const notices = ({ heard }) => heard.filter(([name]) => name === "notification").map(([, notice]) => notice);

let ann, phone, bob;

await steps.step("the page and the stock client come from one port", async () => {
  const page = await get("/");
  equal(page.status, 200);
  match(page.headers.get("content-type"), /^text\/html/);
  match(await page.text(), /socket\.io\.min\.js/);
  const script = await get("/socket.io/socket.io.min.js");
  equal(script.status, 200);
  match(await script.text(), /Socket\.IO v4/);
  equal((await get("/nothing")).status, 404);
});

await steps.step("whoever has no name stays outside", async () => {
  const client = io(url, { forceNew: true, reconnection: false });
  const error = await steps.within(new Promise((resolve) => client.once("connect_error", resolve)), "connect_error");
  equal(error.message, "a name, please");
  client.disconnect();
});

await steps.step("a message by socket reaches everybody, and HTTP", async () => {
  ann = await enter("ann", ["websocket"]);
  phone = await enter("ann", ["polling"]);
  bob = await enter("bob ♥", ["polling", "websocket"]);
  await eventually(() => ann.heard.length >= 2, "joined");
  deepStrictEqual(ann.heard.splice(0), [["joined", "ann"], ["joined", "bob ♥"]]);
  equal(await say(bob, "hello <b>"), "SENT");
  const all = [{ from: "bob ♥", text: "hello <b>" }];
  for (const user of [ann, phone, bob]) {
    await eventually(() => messages(user).length >= 1, "message");
    deepStrictEqual(messages(user), all);
  }
  deepStrictEqual(await (await get("/messages")).json(), all);
  equal(await say(ann, ""), "NOT_SENT");
  equal(await say(ann, "x".repeat(1001)), "NOT_SENT");
});

await steps.step("a notification by HTTP reaches its user alone, on each device", async () => {
  const answer = await post("/notify/ann", { text: "Lunch!" });
  deepStrictEqual([answer.status, await answer.json()], [202, { reached: 2 }]);
  for (const user of [ann, phone]) {
    await eventually(() => notices(user).length >= 1, "notification");
    deepStrictEqual(notices(user), [{ text: "Lunch!" }]);
  }
  deepStrictEqual(await (await post(`/notify/${encodeURIComponent("bob ♥")}`, { text: "And you?" })).json(), { reached: 1 });
  deepStrictEqual(await (await post("/notify/nobody", { text: "?" })).json(), { reached: 0 });
  // An answer comes after all that was sent before.
  for (const user of [ann, phone, bob]) await say(user, "all here");
  deepStrictEqual([ann, phone, bob].map((user) => notices(user).length), [1, 1, 1]);
  deepStrictEqual(notices(bob), [{ text: "And you?" }]);
});

await steps.step("requests that are no good are refused", async () => {
  equal((await post(`/notify/${"x".repeat(33)}`, { text: "?" })).status, 400);
  equal((await post("/notify/ann", { no: "text" })).status, 422);
  equal((await get("/notify/ann")).status, 405);
});

await steps.step("health and usage are told, without a name", async () => {
  for (const path of ["/live", "/ready"]) equal((await get(path)).status, 200);
  const answer = await get("/usage");
  match(answer.headers.get("content-type"), /json/);
  const text = await answer.text();
  ok(!/ann|bob|user/.test(text), text);
  const usage = JSON.parse(text);
  deepStrictEqual([usage.connections, usage.sockets, usage.namespaces, usage.rooms], [3, 3, 1, 2]);
  ok(usage.messagesReceived >= 9, text);
  ok(usage.messagesSent >= 15, text);
});

if (pid !== undefined) {
  await steps.step("at the end newcomers are refused, the others sent away at a pace, and HTTP still answered", async () => {
    const reasons = [];
    for (const { client } of [ann, phone, bob]) client.on("disconnect", (reason) => reasons.push(reason));
    process.kill(Number(pid), "SIGTERM");
    await eventually(async () => (await get("/ready")).status === 503, "503");
    equal((await get("/live")).status, 200);
    equal((await (await get("/messages")).json()).length, 4);
    const newcomer = await get("/socket.io/?EIO=4&transport=polling");
    deepStrictEqual([newcomer.status, newcomer.headers.has("retry-after"), await newcomer.json()], [503, true, { code: "DRAINING" }]);
    ok(reasons.length < 3, "not all in the first moment");
    await eventually(() => reasons.length === 3, () => `three ends: ${reasons}`);
    // None of these keeps a client from coming back by itself.
    for (const reason of reasons) match(reason, /^transport (close|error)$/);
  });
}

steps.end();
