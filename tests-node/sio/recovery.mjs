// Connection state recovery: a client that was cut gets its id, its rooms and what it missed, once and in order.

import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { TRANSPORTS } from "../lib/suite.mjs";
import { ownNamespace, same } from "../lib/sio-tools.mjs";

const bytes = (...values) => Buffer.from(values);

/** A client that can be recovered, since it has received an event; and somebody else in its namespace. */
async function pair(c, transport, options = {}) {
  const namespace = ownNamespace();
  const other = await c.connect("websocket", namespace);
  const client = await c.connect(transport, namespace, options);
  equal(Boolean(client.recovered), false);
  await c.ask(client, "join", "r");
  const news = c.collect(client, "news");
  await tell(c, other, client, "first");
  return { namespace, other, client, news };
}

/** One event to the client, with the offset that it needs. */
async function tell(c, other, client, ...args) {
  const arrived = c.next(client, "news");
  other.emit("to-room", client.id, "news", ...args);
  const got = await arrived;
  same(got.slice(0, -1), args);
  equal(typeof got.at(-1), "string", "an offset is the last argument");
}

/** Cuts the transport, and waits until the server knows. */
async function cut(c, client) {
  const { id, nsp } = client;
  client.io.engine.close();
  match(await c.reasonOf(id, nsp), /^transport (close|error)$/);
}

async function comeBack(c, client) {
  client.connect();
  await c.connected(client);
}

/** The arguments without the offset, and each offset only once. */
function missed(news) {
  const offsets = news.map((args) => args.at(-1));
  ok(offsets.every((offset) => typeof offset === "string"));
  equal(new Set(offsets).size, offsets.length);
  return news.splice(0).map((args) => args.slice(0, -1));
}

/** A raw websocket that sends this CONNECT, and all that comes up to the reply. */
async function rawConnect(c, namespace, auth) {
  const raw = await c.engine();
  raw.send(`40${namespace},${JSON.stringify(auth)}`);
  const before = [];
  for (;;) {
    const packet = await raw.next();
    const reply = packet.startsWith(`40${namespace},`) ? JSON.parse(packet.slice(packet.indexOf("{"))) : undefined;
    if (reply !== undefined) return Object.assign(raw, { before, reply });
    before.push(packet);
  }
}

/** A raw websocket that was connected, got the event "first", and is gone. */
async function rawGone(c) {
  const namespace = ownNamespace();
  const other = await c.connect("websocket", namespace);
  const raw = await rawConnect(c, namespace, {});
  const { sid, pid } = raw.reply;
  match(pid, /^[A-Za-z0-9_-]{20,}$/);
  notEqual(pid, sid);
  other.emit("to-room", sid, "news", "first");
  const [, , offset] = JSON.parse((await raw.next()).slice(`42${namespace},`.length));
  raw.ws.close();
  match(await c.reasonOf(sid, namespace), /^transport close$/);
  return { namespace, other, sid, pid, offset };
}

export default function recovery(suite) {
  suite.over(TRANSPORTS, "same id, rooms kept, what was missed comes once and in order", async (c, transport) => {
    const { other, client, news } = await pair(c, transport);
    const { id } = client;
    missed(news);
    await cut(c, client);
    for (let number = 0; number < 10; number += 1) {
      other.emit("to-room", "r", "news", "room", number);
      other.emit("all", "news", "all", number);
      other.emit("to-room", id, "news", "private", number, bytes(number));
      other.emit("to-room", "elsewhere", "news", "not for us", number);
      other.emit("to-rooms", ["r"], [id], "news", "all but us", number);
    }
    await c.settle(other);
    await comeBack(c, client);
    equal(client.recovered, true);
    equal(client.id, id);
    other.emit("in-room", "r", "news", "live", 10);
    await c.settle(other, client);
    const wanted = Array.from({ length: 10 }, (_, number) => [
      ["room", number],
      ["all", number],
      ["private", number, bytes(number)],
    ]);
    same(missed(news), [...wanted.flat(), ["live", 10]]);
    same(await c.ask(client, "rooms"), [[id, "r"]]);
  });

  suite.over(TRANSPORTS, "by its own reconnection, too", async (c, transport) => {
    const { client, other, news } = await pair(c, transport, { reconnection: true, reconnectionDelay: 300 });
    const { id } = client;
    missed(news);
    client.io.engine.close();
    other.emit("in-room", "r", "news", 1);
    await c.within(new Promise((resolve) => client.once("connect", resolve)), "reconnection");
    equal(client.recovered, true);
    equal(client.id, id);
    await c.settle(other, client);
    same(missed(news), [[1]]);
  });

  suite.over(TRANSPORTS, "many missed", async (c, transport) => {
    const { client, other, news } = await pair(c, transport);
    missed(news);
    await cut(c, client);
    for (let number = 0; number < 500; number += 1) other.emit("in-room", "r", "news", number);
    await c.settle(other);
    await comeBack(c, client);
    equal(client.recovered, true);
    await c.settle(client);
    same(missed(news), Array.from({ length: 500 }, (_, number) => [number]));
  });

  suite.over(TRANSPORTS, "nothing missed", async (c, transport) => {
    const { client, news } = await pair(c, transport);
    const { id } = client;
    missed(news);
    await cut(c, client);
    await comeBack(c, client);
    equal(client.recovered, true);
    equal(client.id, id);
    same(await c.ask(client, "echo-ack", 1), [1]);
    same(missed(news), []);
  });

  suite.over(TRANSPORTS, "again and again", async (c, transport) => {
    const { client, other, news } = await pair(c, transport);
    const { id } = client;
    missed(news);
    for (let round = 0; round < 4; round += 1) {
      await cut(c, client);
      other.emit("in-room", "r", "news", "missed", round);
      await c.settle(other);
      await comeBack(c, client);
      equal(client.recovered, true);
      equal(client.id, id);
      other.emit("in-room", "r", "news", "live", round);
      await c.settle(other, client);
      same(missed(news), [["missed", round], ["live", round]]);
    }
  });

  suite.case("what was missed comes before the connect handler runs", async (c) => {
    const { client, other, news } = await pair(c, "websocket");
    missed(news);
    await cut(c, client);
    other.emit("in-room", "r", "news", 1);
    await c.settle(other);
    let seen;
    client.once("connect", () => (seen = news.length));
    await comeBack(c, client);
    equal(seen, 1);
  });

  suite.case("trap: without an event before there is no offset, and with npm no recovery", async (c) => {
    const namespace = ownNamespace();
    const client = await c.connect("websocket", namespace);
    const { id } = client;
    await cut(c, client);
    await comeBack(c, client);
    equal(client.recovered, !c.node);
    equal(client.id === id, !c.node);
    same(await c.ask(client, "rooms"), [[client.id]]);
  });

  suite.case("events that carry an ack have no offset and spoil none", async (c) => {
    const { client, other, news } = await pair(c, "websocket");
    const { id } = client;
    missed(news);
    const asked = [];
    client.on("question", (...args) => {
      asked.push(args.length);
      args.at(-1)("ok");
    });
    client.emit("ask", "a text that looks like an offset");
    same((await c.next(client, "answer"))[0], "ok");
    deepEqual(asked, [2]);
    await cut(c, client);
    other.emit("in-room", "r", "news", 1);
    await c.settle(other);
    await comeBack(c, client);
    equal(client.recovered, true);
    equal(client.id, id);
    same(missed(news), [[1]]);
  });

  for (const [title, end] of [
    ["kicked", (client) => client.emit("kick")],
    ["kicked hard", (client) => client.emit("kick-hard")],
    ["gone by itself", (client) => client.disconnect()],
  ]) {
    suite.case(`${title}: not recovered`, async (c) => {
      const { client, namespace } = await pair(c, "websocket");
      const { id } = client;
      const gone = c.next(client, "disconnect");
      end(client);
      await gone;
      match(await c.reasonOf(id, namespace), /^(server|client) namespace disconnect$/);
      await comeBack(c, client);
      equal(client.recovered, false);
      notEqual(client.id, id);
      same(await c.ask(client, "rooms"), [[client.id]]);
    });
  }

  suite.case("a room that was left is not restored", async (c) => {
    const { client, other, news } = await pair(c, "websocket");
    missed(news);
    await c.ask(client, "leave", "r");
    await c.ask(client, "join", "s");
    await cut(c, client);
    other.emit("in-room", "r", "news", "r");
    other.emit("in-room", "s", "news", "s");
    await c.settle(other);
    await comeBack(c, client);
    equal(client.recovered, true);
    same(await c.ask(client, "rooms"), [[client.id, "s"]]);
    same(missed(news), [["s"]]);
  });

  suite.case("after drop", async (c) => {
    const { client, namespace } = await pair(c, "websocket");
    const { id } = client;
    client.emit("drop");
    equal(await c.reasonOf(id, namespace), "transport close");
    await comeBack(c, client);
    equal(client.recovered, true);
    equal(client.id, id);
  });

  suite.case("byte for byte: what was missed, then the CONNECT reply with the same sid and pid", async (c) => {
    const { namespace, other, sid, pid, offset } = await rawGone(c);
    other.emit("to-room", sid, "news", "second");
    other.emit("to-room", sid, "news", { third: 3 });
    await c.settle(other);
    const raw = await rawConnect(c, namespace, { pid, offset });
    deepEqual(raw.reply, { sid, pid });
    equal(raw.before.length, 2);
    ok(raw.before[0].startsWith(`42${namespace},["news","second","`), raw.before[0]);
    ok(raw.before[1].startsWith(`42${namespace},["news",{"third":3},"`), raw.before[1]);
  });

  for (const [title, change] of [
    ["an offset nobody knows, as a volatile event leaves it", ({ pid }) => ({ pid, offset: "v" })],
    ["an offset that is a number", ({ pid }) => ({ pid, offset: 1 })],
    ["an empty offset", ({ pid }) => ({ pid, offset: "" })],
    ["a pid nobody knows", ({ offset }) => ({ pid: "x".repeat(20), offset })],
    ["a pid named __proto__", ({ offset }) => ({ pid: "__proto__", offset })],
    ["a pid that is an object", ({ offset }) => ({ pid: {}, offset })],
    ["the sid as pid", ({ sid, offset }) => ({ pid: sid, offset })],
  ]) {
    suite.case(`not recovered: ${title}`, async (c) => {
      const { namespace, sid, pid, offset } = await rawGone(c);
      const raw = await rawConnect(c, namespace, change({ sid, pid, offset }));
      same(raw.before, []);
      notEqual(raw.reply.sid, sid);
      notEqual(raw.reply.pid, pid);
    });
  }

  suite.case("without an offset ours sends all since the client came", async (c) => {
    if (c.node) return;
    const { namespace, sid, pid } = await rawGone(c);
    const raw = await rawConnect(c, namespace, { pid });
    equal(raw.reply.sid, sid);
    ok(raw.before.length > 0, "what it missed comes before the reply");
  });

  suite.case("a pid of another namespace is worth nothing", async (c) => {
    const { sid, pid, offset } = await rawGone(c);
    const raw = await rawConnect(c, ownNamespace(), { pid, offset });
    notEqual(raw.reply.sid, sid);
  });

  suite.case("one session is never two sockets: who comes back ends what was there", async (c) => {
    const { namespace, sid, pid, offset } = await rawGone(c);
    const first = await rawConnect(c, namespace, { pid, offset });
    equal(first.reply.sid, sid);
    const second = await rawConnect(c, namespace, { pid, offset });
    equal(second.reply.sid, sid);
    // npm keeps the session in memory and gives the same id to both.
    if (!c.node) await first.close();
  });
}
