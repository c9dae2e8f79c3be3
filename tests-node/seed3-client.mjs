// The chat of the tutorial "Socket.io with Express", from the side of its clients.
//
// Run:   node tests-node/seed3-client.mjs [URL] [--as-written]      (packages: `cargo xtask setup`)
//
// URL: default http://localhost:3001. The server reads `username` and `room` of the handshake's query, tells the
// others `user-connected` {message, user: {username, sockedId}} and everybody `conn` {message}, puts the newcomer
// into the room, answers `send-message` {message} by `new-message` {msg} to that room, and tells the others
// `user-disconnected` {message, user} when somebody leaves. As the tutorial is written that last event reaches
// nobody, because the socket that it is sent through is gone: `--as-written` expects that.
//
// Prints `ok seed3: what` or `not ok seed3: what: why`; exit code 0, 1 if something is wrong, 2 if it cannot begin.

import { deepStrictEqual, equal } from "node:assert/strict";
import { io } from "socket.io-client";
import { Steps, eventually } from "./lib/steps.mjs";

const words = process.argv.slice(2);
const asWritten = words.includes("--as-written");
const url = words.find((word) => !word.startsWith("--")) ?? "http://localhost:3001";
const steps = new Steps("seed3", 20_000);
const CONN = ["conn", { message: "you are added" }];

/** A user, and all that it hears. The log begins before the connection, so that nothing is missed. */
async function join(username, room, transports = ["polling", "websocket"]) {
  const heard = [];
  const client = await steps.connect((at, options) => {
    const made = io(at, options);
    made.onAny((...event) => heard.push(event));
    return made;
  }, url, { query: { username, room }, transports });
  await eventually(() => heard.length >= 1, "conn");
  return { client, heard, id: client.id };
}

const came = (user, count) => eventually(() => user.heard.length >= count, () => `${count} events: ${JSON.stringify(user.heard)}`);
const connected = ({ id }, username) => ["user-connected", { message: "user has connected.", user: { username, sockedId: id } }];

let alice, bob, carol;

await steps.step("who comes hears conn, not of itself", async () => {
  alice = await join("alice", "r1");
  deepStrictEqual(alice.heard.splice(0), [CONN]);
});

await steps.step("the others hear user-connected, then conn", async () => {
  bob = await join("bob", "r1", ["websocket"]);
  deepStrictEqual(bob.heard.splice(0), [CONN]);
  await came(alice, 2);
  deepStrictEqual(alice.heard.splice(0), [connected(bob, "bob"), CONN]);
  carol = await join("Ö & co", "r2", ["polling"]);
  deepStrictEqual(carol.heard.splice(0), [CONN]);
  for (const user of [alice, bob]) {
    await came(user, 2);
    deepStrictEqual(user.heard.splice(0), [connected(carol, "Ö & co"), CONN]);
  }
});

await steps.step("a message reaches the sender's room, the sender too, and nobody else", async () => {
  alice.client.emit("send-message", { message: "hello", room: "r1" });
  for (const user of [alice, bob]) {
    await came(user, 1);
    deepStrictEqual(user.heard.splice(0), [["new-message", { msg: "hello" }]]);
  }
  // The room is the one of the handshake, whatever the message names.
  carol.client.emit("send-message", { message: "to my own room", room: "r1" });
  await came(carol, 1);
  deepStrictEqual(carol.heard.splice(0), [["new-message", { msg: "to my own room" }]]);
  for (const user of [alice, bob]) deepStrictEqual(user.heard, []);
});

await steps.step("messages keep their order", async () => {
  for (let number = 0; number < 100; number += 1) bob.client.emit("send-message", { message: `m${number}`, room: "r1" });
  await came(alice, 100);
  deepStrictEqual(alice.heard.splice(0).map(([, { msg }]) => msg), Array.from({ length: 100 }, (_, index) => `m${index}`));
  await came(bob, 100);
  bob.heard.length = 0;
});

await steps.step(asWritten ? "nobody hears who left" : "the others hear who left", async () => {
  bob.client.disconnect();
  const left = ["user-disconnected", { message: "user has disconnected.", user: { username: "bob", sockedId: bob.id } }];
  for (const user of [alice, carol]) {
    if (!asWritten) await came(user, 1);
    deepStrictEqual(user.heard.splice(0), asWritten ? [] : [left]);
  }
});

await steps.step("who left gets no more messages", async () => {
  alice.client.emit("send-message", { message: "alone?", room: "r1" });
  await came(alice, 1);
  deepStrictEqual(alice.heard.splice(0), [["new-message", { msg: "alone?" }]]);
  deepStrictEqual(bob.heard, []);
});

if (!asWritten) {
  await steps.step("who leaves next is named rightly too: the list holds neither the wrong id nor the wrong user", async () => {
    for (const [user, username] of [[alice, "alice"], [await join("dora", "r1"), "dora"]]) {
      carol.heard.length = 0;
      user.client.disconnect();
      await eventually(() => carol.heard.some(([name]) => name === "user-disconnected"), "user-disconnected");
      const left = carol.heard.filter(([name]) => name === "user-disconnected");
      deepStrictEqual(left, [["user-disconnected", { message: "user has disconnected.", user: { username, sockedId: user.id } }]]);
    }
  });
}

await steps.step("any page may ask (CORS)", async () => {
  const answer = await fetch(`${url}/socket.io/?EIO=4&transport=polling`, { headers: { Origin: "http://elsewhere.test" } });
  equal(answer.status, 200);
  equal(answer.headers.get("access-control-allow-origin"), "*");
});

steps.end();
