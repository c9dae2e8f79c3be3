// The client snippet of the README "WebSocket Service", unchanged, against a gateway that keeps that README.
//
// Run:   node tests-node/seed2-client.mjs [URL] [--answers-errors]        (packages: `cargo xtask setup`)
//
// The snippet stands in `seed2-snippet.mjs`, letter for letter, and names http://localhost:3000. The server is at
// URL (default http://localhost:3000): what the snippet sends to its port is redirected there. Expected of the
// server: `join-room` room, `leave-room` room, `send-message` {room, message}; it tells the room `user-joined`
// and `user-left` {userId, room}, and `new-message` {userId, message, timestamp}. Who joins hears of it, who
// leaves does not. With `--answers-errors` it also answers bad payloads by `error` {message}.
//
// Prints `ok seed2: what` or `not ok seed2: what: why`; exit code 0, 1 if something is wrong, 2 if it cannot begin.

import { deepStrictEqual, equal, match } from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { io } from "socket.io-client";
import { redirect } from "./lib/redirect.mjs";
import { Steps, eventually } from "./lib/steps.mjs";

const ROOM = "room-1";
const steps = new Steps("seed2", 15_000);
const words = process.argv.slice(2);
const url = words.find((word) => !word.startsWith("--")) ?? "http://localhost:3000";
// Of the block "Client Usage" in the README, as its authors wrote it.
const SNIPPET = "a823e355ac58e744e2ac7bca49fb231911cd8686279c0df6da54dbe69f2da13c";

const lines = [];
const print = console.log;
const heard = [];
const observer = await steps.connect(io, url);
observer.onAny((...event) => heard.push(event));

await steps.step("who joins is told so", async () => {
  observer.emit("join-room", ROOM);
  await eventually(() => heard.length >= 1, "user-joined");
  deepStrictEqual(heard.splice(0), [["user-joined", { userId: observer.id, room: ROOM }]]);
});

await steps.step("the snippet is the README's, letter for letter", () => {
  const snippet = readFileSync(new URL("seed2-snippet.mjs", import.meta.url));
  equal(createHash("sha256").update(snippet).digest("hex"), SNIPPET);
});

let userId;
await steps.step("the snippet joins, speaks and leaves: the room hears it in this order", async () => {
  redirect("localhost:3000", new URL(url).host);
  console.log = (...said) => lines.push(said.join(" "));
  await import("./seed2-snippet.mjs");
  await eventually(() => heard.length >= 3, () => `three events: ${JSON.stringify(heard)}`);
  console.log = print;
  const [joined, message, left] = heard.splice(0);
  ({ userId } = joined[1]);
  match(userId, /^.+$/);
  deepStrictEqual(joined, ["user-joined", { userId, room: ROOM }]);
  equal(message[0], "new-message");
  const { timestamp, ...rest } = message[1];
  deepStrictEqual(rest, { userId, message: "Hello everyone!" });
  match(timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  equal(new Date(timestamp).toISOString(), timestamp);
  deepStrictEqual(left, ["user-left", { userId, room: ROOM }]);
});

await steps.step("the snippet hears its own message and prints it", async () => {
  await eventually(() => lines.length >= 1, "line");
  deepStrictEqual(lines, [`New message from ${userId}: Hello everyone!`]);
});

await steps.step("who leaves hears neither that nor what comes after", async () => {
  const other = await steps.connect(io, url);
  other.emit("join-room", ROOM);
  await eventually(() => heard.length >= 1, "user-joined");
  deepStrictEqual(heard.splice(0), [["user-joined", { userId: other.id, room: ROOM }]]);
  observer.emit("leave-room", ROOM);
  const news = new Promise((resolve) => other.once("new-message", resolve));
  other.emit("send-message", { room: ROOM, message: "Who is there?" });
  equal((await steps.within(news, "new-message")).message, "Who is there?");
  // Joining and being told of it comes after all that was sent before.
  observer.emit("join-room", "another room");
  await eventually(() => heard.length >= 1, "user-joined");
  deepStrictEqual(heard.splice(0), [["user-joined", { userId: observer.id, room: "another room" }]]);
});

if (words.includes("--answers-errors")) {
  await steps.step("a payload that is no good is answered, and harms nobody", async () => {
    for (const [event, payload] of [["join-room", { no: "text" }], ["join-room", ""], ["send-message", "no object"], ["leave-room", 7]]) {
      observer.emit(event, payload);
      await eventually(() => heard.length >= 1, () => `an answer to ${event} ${JSON.stringify(payload)}`);
      const [[name, { message, ...rest }]] = heard.splice(0);
      deepStrictEqual([name, typeof message, rest], ["error", "string", {}]);
      match(message, payload === "" ? /^Failed to join room$/ : /^bad data: /);
    }
  });
}

steps.end();
