// Who gets what: rooms, exceptions, broadcasts. Each socket at most once.

import { deepEqual, equal } from "node:assert/strict";
import { TRANSPORTS } from "../lib/suite.mjs";
import { ownNamespace, same, unique } from "../lib/sio-tools.mjs";

/** Four clients, of which `names` says who joins which rooms; `got()` tells who received the event how often. */
async function party(c, transport, rooms) {
  const namespace = ownNamespace();
  const clients = {};
  const logs = {};
  for (const name of Object.keys(rooms)) {
    clients[name] = await c.connect(transport, namespace);
    logs[name] = c.collect(clients[name], "news");
    for (const room of rooms[name]) same(await c.ask(clients[name], "join", room), ["ok"]);
  }
  const got = async (sender) => {
    await c.settle(clients[sender], ...Object.values(clients));
    return Object.fromEntries(Object.entries(logs).map(([name, log]) => [name, log.splice(0).map((args) => args[0])]));
  };
  return { clients, got };
}

export default function rooms(suite) {
  suite.over(TRANSPORTS, "join, leave, rooms: the own id comes first", async (c, transport) => {
    const client = await c.connect(transport);
    const [first, second] = [unique("room"), unique("room")];
    same(await c.ask(client, "rooms"), [[client.id]]);
    same(await c.ask(client, "join", first), ["ok"]);
    same(await c.ask(client, "join", second), ["ok"]);
    same(await c.ask(client, "join", first), ["ok"]);
    same(await c.ask(client, "rooms"), [[client.id, first, second]]);
    same(await c.ask(client, "leave", first), ["ok"]);
    same(await c.ask(client, "leave", unique("never joined")), ["ok"]);
    same(await c.ask(client, "rooms"), [[client.id, second]]);
  });

  suite.over(TRANSPORTS, "to a room without the sender, in a room with the sender", async (c, transport) => {
    const { clients, got } = await party(c, transport, { a: ["r"], b: ["r"], x: [], y: ["other"] });
    clients.a.emit("to-room", "r", "news", 1);
    deepEqual(await got("a"), { a: [], b: [1], x: [], y: [] });
    clients.a.emit("in-room", "r", "news", 2);
    deepEqual(await got("a"), { a: [2], b: [2], x: [], y: [] });
    clients.x.emit("to-room", "r", "news", 3);
    deepEqual(await got("x"), { a: [3], b: [3], x: [], y: [] });
    clients.a.emit("in-room", "nobody is here", "news", 4);
    deepEqual(await got("a"), { a: [], b: [], x: [], y: [] });
  });

  suite.over(TRANSPORTS, "several rooms and exceptions: each socket once", async (c, transport) => {
    const { clients, got } = await party(c, transport, { a: ["r1", "r2"], b: ["r2"], x: ["r1", "not"], y: [] });
    clients.y.emit("to-rooms", ["r1", "r2"], [], "news", 1);
    deepEqual(await got("y"), { a: [1], b: [1], x: [1], y: [] });
    clients.a.emit("to-rooms", ["r1", "r2"], ["not"], "news", 2);
    deepEqual(await got("a"), { a: [2], b: [2], x: [], y: [] });
    clients.a.emit("to-rooms", [], ["not"], "news", 3);
    deepEqual(await got("a"), { a: [3], b: [3], x: [], y: [3] });
    clients.a.emit("to-rooms", ["r1", "r2"], ["r1", "r2"], "news", 4);
    deepEqual(await got("a"), { a: [], b: [], x: [], y: [] });
    clients.a.emit("to-rooms", ["r2", clients.b.id, clients.y.id], [clients.a.id], "news", 5);
    deepEqual(await got("a"), { a: [], b: [5], x: [], y: [5] });
  });

  suite.over(TRANSPORTS, "broadcast without the sender, all with the sender", async (c, transport) => {
    const { clients, got } = await party(c, transport, { a: ["r"], b: [], x: ["r", "s"] });
    clients.a.emit("broadcast", "news", 1);
    deepEqual(await got("a"), { a: [], b: [1], x: [1] });
    clients.a.emit("all", "news", 2);
    deepEqual(await got("a"), { a: [2], b: [2], x: [2] });
  });

  suite.over(TRANSPORTS, "a private message by id", async (c, transport) => {
    const { clients, got } = await party(c, transport, { a: [], b: [], x: [] });
    clients.a.emit("to-room", clients.b.id, "news", 1);
    deepEqual(await got("a"), { a: [], b: [1], x: [] });
    clients.a.emit("to-room", clients.a.id, "news", 2);
    deepEqual(await got("a"), { a: [], b: [], x: [] });
    clients.a.emit("in-room", clients.a.id, "news", 3);
    deepEqual(await got("a"), { a: [3], b: [], x: [] });
  });

  suite.over(TRANSPORTS, "who left the room of the own id hears own broadcasts", async (c, transport) => {
    const { clients, got } = await party(c, transport, { a: ["r"], b: ["r"] });
    same(await c.ask(clients.a, "leave", clients.a.id), ["ok"]);
    same(await c.ask(clients.a, "rooms"), [["r"]]);
    clients.a.emit("broadcast", "news", 1);
    deepEqual(await got("a"), { a: [1], b: [1] });
    clients.a.emit("to-room", "r", "news", 2);
    deepEqual(await got("a"), { a: [2], b: [2] });
    clients.b.emit("to-room", clients.a.id, "news", 3);
    deepEqual(await got("b"), { a: [], b: [] });
  });

  suite.over(TRANSPORTS, "binary to a room, the same bytes for each", async (c, transport) => {
    const namespace = ownNamespace();
    const clients = await Promise.all([1, 2, 3].map(() => c.connect(transport, namespace)));
    for (const client of clients) await c.ask(client, "join", "r");
    const payload = [{ a: Buffer.from([1, 2]) }, "text", Buffer.alloc(5000, 3)];
    const arrivals = clients.map((client) => c.next(client, "news"));
    clients[0].emit("in-room", "r", "news", ...payload);
    for (const arrival of arrivals) same(await arrival, payload);
  });

  suite.over(["websocket"], "transports mix in one room", async (c) => {
    const namespace = ownNamespace();
    const clients = await Promise.all(TRANSPORTS.map((each) => c.connect(each, namespace)));
    const logs = clients.map((client) => c.collect(client, "news"));
    for (const client of clients) await c.ask(client, "join", "r");
    for (let number = 0; number < 30; number += 1) clients[number % 3].emit("in-room", "r", "news", number);
    await Promise.all(clients.map((client) => c.settle(client)));
    await c.settle(...clients);
    for (const log of logs) {
      const numbers = log.map(([number]) => number);
      deepEqual([...numbers].sort((a, b) => a - b), Array.from({ length: 30 }, (_, index) => index));
      // What one client sent stays in order.
      for (const sender of [0, 1, 2]) {
        const own = numbers.filter((number) => number % 3 === sender);
        deepEqual(own, [...own].sort((a, b) => a - b));
      }
    }
  });

  suite.over(TRANSPORTS, "a room name may be any text", async (c, transport) => {
    const client = await c.connect(transport, ownNamespace());
    const names = [" ", "ü漢😀", "a,b", "/", "*", "__proto__", "constructor", "x".repeat(200)];
    // Ours wants a name to have at least one character.
    if (c.node) names.push("");
    const log = c.collect(client, "news");
    for (const name of names) {
      same(await c.ask(client, "join", name), ["ok"]);
      client.emit("in-room", name, "news", name);
    }
    await c.settle(client);
    same(log, names.map((name) => [name]));
    same(await c.ask(client, "rooms"), [[client.id, ...names]]);
  });

  suite.over(TRANSPORTS, "who is gone is in no room", async (c, transport) => {
    const namespace = ownNamespace();
    const [a, b] = await Promise.all([c.connect(transport, namespace), c.connect(transport, namespace)]);
    await c.ask(a, "join", "r");
    await c.ask(b, "join", "r");
    const { id } = b;
    b.disconnect();
    equal(await c.reasonOf(id, namespace), "client namespace disconnect");
    const log = c.collect(a, "news");
    a.emit("in-room", "r", "news", 1);
    a.emit("in-room", id, "news", 2);
    await c.settle(a);
    same(log, [[1]]);
  });
}
