// The chat's protocol over Socket.IO, by the stock client from npm: each promise of examples/chat/PROTOCOL.md.
//
// Run:   node tests-node/chat-io.mjs http://127.0.0.1:3000/
//
// Wants a server that nobody else uses. Prints a line for each step and ends with 0, or with 1 at the first
// that does not hold.

import assert from "node:assert/strict";
import { Person, PlainPerson } from "./chat-people.mjs";
import { Steps } from "./lib/steps.mjs";

const url = process.argv[2];
const steps = new Steps("chat-io", 120_000);
const meet = (namespace, ...names) => Promise.all(names.map((name) => Person.connect(url, namespace, { name })));
const report = (about, queued) => ({ type: "report", about, queued, dropped: 0, closed: 0, absent: 0 });

await steps.step("a welcome comes first and tells who is here", async () => {
  const [ada] = await meet("welcome", "Ada");
  await ada.join("tea");
  const bob = await Person.connect(url, "welcome");
  assert.equal(bob.events[0].type, "welcome");
  assert.equal(ada.welcome.you.id, ada.socket.id);
  assert.match(bob.welcome.you.name, /^Guest /);
  assert.deepEqual(bob.welcome.rooms, [{ room: "tea", members: 1 }]);
  const who = (id) => bob.welcome.people.find((person) => person.id === id);
  assert.deepEqual(who(ada.id), { id: ada.id, name: "Ada", rooms: ["tea"] });
  assert.deepEqual(who(bob.id).rooms, []);
  assert.equal(bob.welcome.people.length, 2);
});

await steps.step("comings, changes and goings are told to the others", async () => {
  const [ada] = await meet("presence", "Ada");
  const [bob] = await meet("presence", "Bob");
  const { who } = await ada.hears("arrived");
  assert.deepEqual(who, { id: bob.id, name: "Bob", rooms: [] });
  const changed = await bob.join("tea");
  assert.deepEqual(changed, { type: "changed", who: { id: bob.id, name: "Bob", rooms: ["tea"] } });
  assert.deepEqual(await ada.hears("changed"), changed);
  await ada.hears("rooms", ({ here, rooms }) => here === 2 && rooms[0]?.members === 1);
  const renamed = await bob.ask("name", { name: "Robert" });
  assert.equal(renamed.who.name, "Robert");
  assert.equal((await ada.hears("changed")).who.name, "Robert");
  await bob.ask("leave", { room: "tea" });
  assert.deepEqual((await ada.hears("changed")).who.rooms, []);
  bob.socket.disconnect();
  assert.deepEqual((await ada.hears("left")).who, { id: bob.id, name: "Robert" });
  await ada.hears("rooms", ({ here }) => here === 1);
  await ada.hears("counts", ({ namespaces }) => namespaces >= 2);
  ada.heardNothingOf("left", "arrived", "changed");
  bob.heardNothingOf("changed", "arrived", "left"); // of itself: these are answers
});

await steps.step("a message reaches its room and nobody else, and is acknowledged", async () => {
  const [ada, bob, cleo] = await meet("rooms", "Ada", "Bob", "Cleo");
  const [dora] = await meet("apart", "Dora");
  for (const person of [ada, bob, dora]) await person.join("tea");
  assert.deepEqual(await ada.ask("say", { room: "tea", text: "<b>hi</b>" }), report("say", 2));
  const heard = await bob.hears("message");
  assert.deepEqual({ ...heard, at: 0 }, {
    type: "message", kind: "room", from: { id: ada.id, name: "Ada" }, room: "tea", to: null, text: "<b>hi</b>", at: 0,
  });
  assert.ok(heard.at > 1_600_000_000_000);
  assert.deepEqual(await ada.hears("message"), heard);
  // The first message that Cleo hears is one to everybody; Dora hears none but her own.
  assert.deepEqual(await ada.ask("broadcast", { text: "all" }), report("broadcast", 3));
  assert.equal((await cleo.hears("message")).text, "all");
  await dora.ask("broadcast", { text: "alone" });
  assert.equal((await dora.hears("message")).text, "alone");
});

await steps.step("a private message reaches one, with a copy to the sender", async () => {
  const [ada, bob, cleo] = await meet("private", "Ada", "Bob", "Cleo");
  assert.deepEqual(await ada.ask("private", { to: bob.id, text: "psst" }), report("private", 1));
  const heard = await bob.hears("message");
  assert.deepEqual(await ada.hears("message"), heard);
  assert.deepEqual([heard.kind, heard.to, heard.text], ["private", bob.id, "psst"]);
  assert.deepEqual(await ada.ask("private", { to: ada.id, text: "note" }), report("private", 1));
  await ada.ask("broadcast", { text: "end" });
  assert.equal((await ada.hears("message")).text, "note");
  assert.equal((await ada.hears("message")).text, "end");
  assert.equal((await cleo.hears("message")).text, "end");
});

await steps.step("a name that is taken is refused, with one that is free", async () => {
  const [ada] = await meet("names", "Ada");
  const refusal = await Person.refused(url, "names", { name: "Ada" });
  assert.equal(refusal.message, "Somebody here goes by this name already.");
  assert.deepEqual(refusal.data, { code: "NAME_TAKEN", free: "Ada 2" });
  await meet("names", "Ada 2");
  assert.equal((await Person.refused(url, "names", { name: "Ada" })).data.free, "Ada 3");
  assert.deepEqual((await Person.refused(url, "names", { name: "x".repeat(33) })).data, { code: "BAD_NAME" });
  assert.deepEqual((await Person.refused(url, "names", { name: 7 })).data, { code: "BAD_NAME" });
  await meet("other-names", "Ada");
  ada.socket.disconnect();
  const [bob] = await meet("names", "Bob");
  await bob.hears("rooms", ({ here }) => here === 2);
  await meet("names", "Ada");
  assert.equal((await bob.ask("name", { name: "Ada" })).code, "NAME_TAKEN");
  assert.equal((await bob.ask("name", { name: "Bob" })).type, "changed");
});

await steps.step("whoever has the key takes over from an earlier connection", async () => {
  const before = await Person.connect(url, "keys", { name: "Ada", key: "secret" });
  const [bob] = await meet("keys", "Bob");
  assert.equal((await Person.refused(url, "keys", { name: "Ada", key: "guess" })).data.code, "NAME_TAKEN");
  const after = await Person.connect(url, "keys", { name: "Ada", key: "secret" });
  assert.equal(await before.ended, "io server disconnect");
  assert.equal((await bob.hears("left")).who.id, before.id);
  assert.equal((await bob.hears("arrived")).who.id, after.id);
  await bob.hears("rooms", ({ here }) => here === 2);
  bob.heardNothingOf("left");
});

await steps.step("each broken rule has its code", async () => {
  const [mallory] = await meet("rules", "Mallory");
  await mallory.join("mine");
  const long = (length) => "ä".repeat(length);
  const refusals = [
    ["BAD_MESSAGE", "dance", {}],
    ["BAD_MESSAGE", "join"],
    ["BAD_MESSAGE", "join", { room: 7 }],
    ["BAD_MESSAGE", "say", "mine"],
    ["BAD_MESSAGE", "say", { room: "mine", text: " \n" }],
    ["BAD_MESSAGE", "drain", { perSecond: 0 }],
    ["BAD_MESSAGE", "drain", { perSecond: 1.5 }],
    ["BAD_ROOM", "join", { room: "" }],
    ["BAD_ROOM", "join", { room: "\0welcomed" }],
    ["BAD_ROOM", "leave", { room: "\0welcomed" }],
    ["BAD_ROOM", "join", { room: long(65) }],
    ["NOT_IN_ROOM", "say", { room: "tea", text: "x" }],
    ["NOT_IN_ROOM", "say", { room: mallory.id, text: "x" }],
    ["TOO_LONG", "say", { room: "mine", text: long(2001) }],
    ["NO_SUCH_CONNECTION", "private", { to: "nobody", text: "x" }],
    ["BAD_NAME", "name", { name: "\u0007" }],
  ];
  for (const [code, type, ...data] of refusals) {
    const answer = await mallory.ask(type, ...data);
    assert.deepEqual([answer.type, answer.code, answer.about], ["error", code, type], JSON.stringify(data));
    assert.ok(answer.message);
  }
  assert.equal((await mallory.ask("say", { room: "mine", text: long(2000), more: [1] })).queued, 1);
});

await steps.step("the 33rd room is one too many", async () => {
  const [ada] = await meet("many", "Ada");
  for (let number = 1; number <= 32; number += 1) await ada.join(`room ${number}`);
  assert.equal((await ada.ask("join", { room: "room 33" })).code, "TOO_MANY_ROOMS");
  await ada.join("room 32");
  await ada.ask("leave", { room: "room 1" });
  await ada.join("room 33");
});

await steps.step("who sends too fast is told and stays", async () => {
  const [mallory] = await meet("fast", "Mallory");
  const answers = await Promise.all(Array.from({ length: 200 }, () => mallory.ask("name", { name: "Mallory" })));
  const refused = answers.filter(({ type }) => type === "error");
  assert.ok(refused.length > 0 && refused.length <= 140, `${refused.length}`);
  assert.deepEqual([...new Set(refused.map(({ code }) => code))], ["RATE_LIMITED"]);
  assert.ok(mallory.socket.connected);
});

await steps.step("a message above 16 KiB ends its sender alone", async () => {
  const [witness] = await meet("size", "Witness");
  // A body that is too large is only refused (413): who polls ends then by itself, and the server hears of it later.
  const mallory = await Person.connect(url, "size", { name: "Mallory" }, { transports: ["websocket"] });
  mallory.socket.emit("say", { room: "mine", text: " ".repeat(16 * 1024) });
  await mallory.ended;
  assert.equal((await witness.hears("left")).who.name, "Mallory");
  assert.equal((await witness.ask("broadcast", { text: "x" })).queued, 1);
});

await steps.step("only namespaces of the chat may be entered", async () => {
  assert.match((await Person.refused(url, "")).message, /such as \/chat/);
  assert.equal((await Person.refused(url, "a\nb")).message, "Invalid namespace");
  await Person.connect(url, "ein Büro/2 (+1)?");
});

await steps.step("who comes back soon has missed nothing", async () => {
  const ada = await Person.connect(url, "recovery", { name: "Ada" }, { reconnection: true, reconnectionDelay: 300 });
  const [bob] = await meet("recovery", "Bob");
  for (const person of [ada, bob]) await person.join("tea");
  await ada.ask("name", { name: "Ada L" });
  await bob.hears("changed", ({ who }) => who.name === "Ada L");
  const { id } = ada;
  ada.socket.io.engine.close();
  await bob.hears("left", ({ who }) => who.id === id);
  assert.equal((await bob.ask("say", { room: "tea", text: "missed" })).queued, 1);
  await ada.connected();
  assert.ok(ada.socket.recovered);
  assert.equal(ada.socket.id, id);
  assert.equal((await ada.hears("message")).text, "missed");
  const { who } = await bob.hears("arrived", ({ who }) => who.id === id);
  assert.deepEqual(who, { id, name: "Ada L", rooms: ["tea"] });
  await bob.hears("rooms", ({ here, rooms }) => here === 2 && rooms[0].members === 2);
  ada.heardNothingOf("left", "welcome");
  assert.equal((await ada.ask("say", { room: "tea", text: "back" })).queued, 2);
});

await steps.step("whose name was taken meanwhile is refused", async () => {
  const ada = await Person.connect(url, "away", { name: "Ada" }, { reconnection: true, reconnectionDelay: 300 });
  const [bob] = await meet("away", "Bob");
  ada.socket.io.engine.close();
  await bob.hears("left");
  await meet("away", "Ada");
  const refused = await steps.within(new Promise((resolve) => ada.socket.once("connect_error", resolve)), "refusal");
  assert.deepEqual(refused.data, { code: "NAME_TAKEN", free: "Ada 2" });
});

await steps.step("people of Socket.IO and of plain WebSockets meet", async () => {
  const [ada] = await meet("both", "Ada");
  const plain = await PlainPerson.connect(url, "both", { name: "Ada" });
  assert.equal(plain.welcome.you.name, "Ada 2");
  assert.deepEqual(plain.welcome.people.map(({ id }) => id).sort(), [ada.id, plain.id].sort());
  assert.equal((await ada.hears("arrived")).who.id, plain.id);
  await ada.join("tea");
  assert.equal((await plain.hears("changed")).who.id, ada.id);
  await plain.join("tea");
  assert.deepEqual((await ada.hears("changed")).who, { id: plain.id, name: "Ada 2", rooms: ["tea"] });
  await ada.hears("rooms", ({ here, rooms }) => here === 2 && rooms[0]?.members === 2);

  assert.deepEqual(await ada.ask("say", { room: "tea", text: "1" }), report("say", 2));
  assert.deepEqual(await plain.ask("say", { room: "tea", text: "2" }), report("say", 2));
  assert.deepEqual(await ada.ask("private", { to: plain.id, text: "3" }), report("private", 1));
  assert.deepEqual(await plain.ask("private", { to: ada.id, text: "4" }), report("private", 1));
  for (const person of [ada, plain]) {
    for (const text of ["1", "2", "3", "4"]) assert.equal((await person.hears("message")).text, text);
  }
  assert.equal((await plain.ask("name", { name: "Ada" })).code, "NAME_TAKEN");
  ada.socket.disconnect();
  assert.deepEqual((await plain.hears("left")).who, { id: ada.id, name: "Ada" });
  assert.equal((await plain.ask("name", { name: "Ada" })).who.name, "Ada");
  const [bob] = await meet("both", "Bob");
  plain.socket.close();
  assert.equal((await bob.hears("left")).who.id, plain.id);
});

await steps.step("what has gone leaves nothing behind", async () => {
  Person.closeAll();
  const [ada] = await meet("counts", "Ada");
  await ada.hears("counts", ({ connections, namespaces, rooms }) => connections === 1 && namespaces === 1 && rooms === 0);
});

steps.end();
