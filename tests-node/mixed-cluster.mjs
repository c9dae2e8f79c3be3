// A cluster of servers of several makes: each operation, ordered at each of them, seen by clients at all of them.
//
// Run:   node tests-node/mixed-cluster.mjs <namespace> <kind>=<url> <kind>=<url> …
//
// A kind is `rust`, `node8`, `node7` or `sharded`; servers are `examples/mixed_cluster` and `cluster-node.mjs`. Prints
// `ok …` or `not ok …` for each case; ends with 1 when one failed.

import { deepEqual, equal, ok } from "node:assert/strict";
import { io } from "socket.io-client";

const PATIENCE = 10_000;
const [namespace, ...places] = process.argv.slice(2);
const servers = places.map((place) => {
  const [kind, url] = place.split(/=(.*)/s);
  return { kind, url };
});
let counter = 0;
const unique = (prefix) => `${prefix}-${process.pid}-${(counter += 1)}`;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no ${what} within ${PATIENCE} ms`)), PATIENCE);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function until(test, what) {
  const end = Date.now() + PATIENCE;
  while (!(await test())) {
    if (Date.now() > end) throw new Error(`no ${what} within ${PATIENCE} ms`);
    await pause(10);
  }
}

/** A client that keeps what it hears, and answers `question` by its name unless it is silent. */
async function connect(server, name = server.name) {
  const client = io(server.url + namespace, { transports: ["websocket"], forceNew: true, reconnection: false });
  client.name = name;
  client.heard = [];
  client.onAny((event, ...args) => {
    const ack = typeof args.at(-1) === "function" ? args.pop() : undefined;
    client.heard.push([event, ...args]);
    if (event === "question") ack?.(name);
    if (event === "binary-question") ack?.(Buffer.from([1, 255]));
  });
  const connected = new Promise((resolve, reject) => {
    client.once("connect", resolve);
    client.once("connect_error", reject);
  });
  await within(connected, `connection to ${server.kind}`);
  client.ask = (event, ...args) => within(new Promise((resolve) => client.emit(event, ...args, resolve)), `ack of ${event}`);
  client.order = (op, order = {}) => client.ask("op", { op, ...order });
  client.got = (event) => client.heard.filter(([name]) => name === event).map(([, ...args]) => args);
  return client;
}

servers.forEach((server, index) => {
  server.name = `${server.kind}.${index}`;
});
const clients = await Promise.all(servers.map((server) => connect(server)));
const names = clients.map(({ name }) => name);

/** Waits until each client has heard a mark of each server: what came before it has come, or never will. */
async function settle(from) {
  const mark = unique("mark");
  equal(await from.order("emit", { event: mark }), "ok");
  await until(() => clients.every((client) => client.got(mark).length > 0), "mark at all clients");
}

/** Each of `wanted` has heard `event` once with `args`, the others not at all. */
async function heard(from, event, wanted, ...args) {
  await until(() => wanted.every((client) => client.got(event).length > 0), `${event} at ${wanted.map((c) => c.name)}`);
  await settle(from);
  for (const client of clients) {
    deepEqual(client.got(event), wanted.includes(client) ? [args] : [], `${event} at ${client.name}`);
  }
}

let failed = 0;
async function test(name, run) {
  try {
    await run();
    console.log(`ok ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`not ok ${name}: ${String(error.message).replaceAll(/\s*\n\s*/g, " | ")}`);
  }
}

const idsOf = (list) => list.map(({ id }) => id).sort();

for (const [index, from] of clients.entries()) {
  const { kind } = servers[index];
  const isRust = kind === "rust";
  const at = `from ${from.name} in ${namespace}`;
  const others = clients.filter((client) => client !== from);
  const room = unique("room");
  const second = unique("room");

  for (const emitter of [false, true]) {
    if (emitter && kind === "sharded") continue;
    const by = emitter ? "an emitter " : "";
    await test(`${by}${at}: events with all kinds of values`, async () => {
      const event = unique("all");
      const values = [1, "zwölf 🎈", { a: [true, null, 1.5, -7, 2 ** 40, "x".repeat(300)], "": {} }, Buffer.from([0, 1, 255]), { deep: [Buffer.alloc(300, 7)] }];
      equal(await from.order("emit", { emitter, event, args: values }), "ok");
      await heard(from, event, clients, ...values);
      const [none, flags] = [unique("none"), unique("flags")];
      await from.order("emit", { emitter, event: none });
      await heard(from, none, clients);
      await from.order("emit", { emitter, event: flags, args: [1], compress: false });
      await heard(from, flags, clients, 1);
      const volatile = unique("volatile");
      await from.order("emit", { emitter, event: volatile, args: [1], volatile: true });
      await until(() => clients.every((client) => client.got(volatile).length === 1), "volatile at all");
    });

    await test(`${by}${at}: rooms and exceptions`, async () => {
      const [a, b] = [unique("a"), unique("b")];
      for (const client of clients) await client.ask("join", a);
      await others[0].ask("join", b);
      for (const [order, wanted] of [
        [{ rooms: [b] }, [others[0]]],
        [{ rooms: [a, b] }, clients],
        [{ rooms: [a], except: [b] }, clients.filter((client) => client !== others[0])],
        [{ except: [b] }, clients.filter((client) => client !== others[0])],
        [{ rooms: [others.at(-1).id] }, [others.at(-1)]],
        [{ rooms: [unique("nobody")] }, []],
      ]) {
        const event = unique("rooms");
        equal(await from.order("emit", { emitter, event, args: [1], ...order }), "ok");
        await heard(from, event, wanted, 1);
      }
    });

    await test(`${by}${at}: others join and leave`, async () => {
      const joined = unique("joined");
      equal(await from.order("join", { emitter, rooms: others.map(({ id }) => id), names: [joined, second] }), "ok");
      await until(async () => idsOf(await from.order("fetch", { rooms: [joined] })).length === others.length, "all joined");
      const event = unique("joined");
      await from.order("emit", { event, rooms: [joined], args: [1] });
      await heard(from, event, others, 1);
      equal(await from.order("leave", { emitter, rooms: [joined], except: [others[0].id], names: [joined] }), "ok");
      await until(async () => idsOf(await from.order("fetch", { rooms: [joined] })).length === 1, "all but one left");
      deepEqual(idsOf(await from.order("fetch", { rooms: [joined] })), [others[0].id]);
    });

    await test(`${by}${at}: others are disconnected`, async () => {
      const guests = await Promise.all(servers.map((server) => connect(server, `guest of ${server.kind}`)));
      const doomed = unique("doomed");
      for (const guest of guests) await guest.ask("join", doomed);
      const reasons = guests.map((guest) => new Promise((resolve) => guest.once("disconnect", resolve)));
      equal(await from.order("disconnect", { emitter, rooms: [doomed], close: true }), "ok");
      for (const reason of reasons) equal(await within(reason, "disconnection"), "io server disconnect");
    });

    await test(`${by}${at}: servers are told`, async () => {
      const text = unique("said");
      equal(await from.order("say", { emitter, args: [text, { x: 2 }] }), "ok");
      const wanted = emitter ? clients : others;
      const said = (client) => client.got("server-said").filter(([first]) => first === text);
      await until(() => wanted.every((client) => said(client).length > 0), "server-said");
      await settle(from);
      for (const client of clients) deepEqual(said(client), wanted.includes(client) ? [[text, { x: 2 }]] : [], client.name);
    });
  }

  await test(`${at}: everybody but the sender`, async () => {
    const event = unique("broadcast");
    await from.order("broadcast", { event, args: [1] });
    await heard(from, event, others, 1);
  });

  await test(`${at}: clients everywhere answer`, async () => {
    const all = await from.order("ack", { event: "question", args: ["?"] });
    deepEqual({ ...all, responses: all.responses.sort() }, { err: null, responses: [...names].sort() });
    const binary = await from.order("ack", { event: "binary-question", rooms: [others[0].id] });
    deepEqual(binary, { err: null, responses: [Buffer.from([1, 255])] });
    deepEqual(await from.order("ack", { event: "question", rooms: [unique("nobody")] }), { err: null, responses: [] });
    await others[0].ask("join", room);
    await from.ask("join", room);
    const silent = await from.order("ack", { event: "never answered", rooms: [room], timeout: 300 });
    deepEqual(silent, { err: "operation has timed out", responses: [] });
  });

  await test(`${at}: sockets of all nodes are told of`, async () => {
    for (const client of clients) await client.ask("set-data", { name: client.name, list: [1, null] });
    const all = await from.order("fetch");
    deepEqual(idsOf(all), idsOf(clients));
    for (const client of clients) {
      const told = all.find(({ id }) => id === client.id);
      deepEqual(told.data, { name: client.name, list: [1, null] });
      ok(told.rooms.includes(client.id) && told.has_handshake, `${JSON.stringify(told)}`);
    }
    for (const client of clients) await client.ask("join", room);
    deepEqual(idsOf(await from.order("fetch", { rooms: [room], except: [others[0].id] })), idsOf(clients.filter((client) => client !== others[0])));
    deepEqual(await from.order("fetch", { rooms: [unique("nobody")] }), []);
  });

  if (isRust || kind === "node7") {
    await test(`${at}: ids of all sockets`, async () => {
      deepEqual((await from.order("allSockets")).sort(), idsOf(clients));
      for (const client of clients) await client.ask("join", room);
      deepEqual((await from.order("allSockets", { rooms: [room] })).sort(), idsOf(clients));
    });
  }

  if (kind !== "sharded") {
    await test(`${at}: rooms of all nodes`, async () => {
      const own = clients.map(({ id }) => unique(`of-${id}`));
      for (const [number, client] of clients.entries()) await client.ask("join", own[number]);
      const all = await from.order("allRooms");
      for (const wanted of [...own, ...clients.map(({ id }) => id)]) ok(all.includes(wanted), `${wanted} is missing`);
      equal(new Set(all).size, all.length);
    });
  }

  await test(`${at}: servers are asked, and counted`, async () => {
    const answers = await from.order("ask", { args: [1] });
    const answered = servers.filter((_, number) => number !== index).map(({ kind: other }) => other);
    deepEqual({ ...answers, responses: answers.responses.sort() }, { err: null, responses: answered.sort() });
    equal(await from.order("serverCount"), servers.length);
  });

  await test(`${at}: a thousand events in order`, async () => {
    const event = unique("order");
    for (let number = 0; number < 1_000; number += 1) from.emit("op", { op: "emit", event, args: [number] }, () => {});
    await until(() => clients.every((client) => client.got(event).length >= 1_000), "all events");
    const wanted = Array.from({ length: 1_000 }, (_, number) => [number]);
    for (const client of clients) deepEqual(client.got(event), wanted, client.name);
  });
}

for (const client of clients) client.disconnect();
process.exit(failed === 0 ? 0 : 1);
