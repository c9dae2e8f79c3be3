// A server that speaks with socket.io-msgpack-parser: every packet is one binary message.

import { createRequire } from "node:module";
import { deepEqual, equal, ok } from "node:assert/strict";
import parser from "socket.io-msgpack-parser";
import { TRANSPORTS } from "../lib/suite.mjs";
import { ownNamespace, same } from "../lib/sio-tools.mjs";

const msgpack = createRequire(createRequire(import.meta.url).resolve("socket.io-msgpack-parser"))("notepack.io");

const KINDS = [null, true, false, 0, 1, -1, 127, 128, -32, -33, 65_536, -2_147_483_649, 4_294_967_296, 1.5, "", "ü😀", [], {}];
const NESTED = [[1, [2, { a: { b: [null, "x"] } }]], { list: Array.from({ length: 70 }, (_, index) => index) }, "x".repeat(70_000)];

const bytes = (...values) => Buffer.from(values);
const hex = (text) => Buffer.from(text, "hex");

/** Raw inputs that close the connection. */
const CLOSED = [
  ["text", '42["echo",1]'],
  ["no msgpack", hex("c1")],
  ["nothing", hex("")],
  ["half a map", hex("84a474797065")],
  ["a map that claims four thousand million pairs", hex("dfffffffff")],
  ["bytes behind the packet", Buffer.concat([msgpack.encode({ type: 2, nsp: "/", data: ["echo"] }), hex("00")])],
  ["a number", msgpack.encode(1)],
  ["nil", hex("c0")],
  ["type 5", msgpack.encode({ type: 5, nsp: "/", data: ["echo"] })],
  ["type -1", msgpack.encode({ type: -1, nsp: "/", data: ["echo"] })],
  ["type 2.5", msgpack.encode({ type: 2.5, nsp: "/", data: ["echo"] })],
  ["a type that is text", msgpack.encode({ type: "2", nsp: "/", data: ["echo"] })],
  ["no type", msgpack.encode({ nsp: "/", data: ["echo"] })],
  ["no namespace", msgpack.encode({ type: 2, data: ["echo"] })],
  ["a namespace that is a number", msgpack.encode({ type: 2, nsp: 1, data: ["echo"] })],
  ["an event without data", msgpack.encode({ type: 2, nsp: "/" })],
  ["an event with an object", msgpack.encode({ type: 2, nsp: "/", data: {} })],
  ["an ack id that is text", msgpack.encode({ type: 2, nsp: "/", data: ["echo-ack"], id: "1" })],
  ["an ack id that is a fraction", msgpack.encode({ type: 2, nsp: "/", data: ["echo-ack"], id: 1.5 })],
  ["DISCONNECT with data", msgpack.encode({ type: 1, nsp: "/", data: {} })],
  ["CONNECT_ERROR from a client", msgpack.encode({ type: 4, nsp: "/", data: { message: "x" } })],
  ["CONNECT again", msgpack.encode({ type: 0, nsp: "/" })],
  ["an event of a namespace not joined", msgpack.encode({ type: 2, nsp: "/admin", data: ["echo"] })],
];

export default function suiteOfMsgpack(suite) {
  const connect = (c, transport, namespace, options) => c.connect(transport, namespace, { parser, ...options });

  /** A raw websocket that has joined `/`. */
  async function joined(c) {
    const raw = await c.engine();
    raw.send(msgpack.encode({ type: 0, nsp: "/" }));
    const reply = msgpack.decode(await raw.next());
    deepEqual([reply.type, reply.nsp], [0, "/"]);
    return Object.assign(raw, { id: reply.data.sid });
  }

  async function alive(raw) {
    raw.send(msgpack.encode({ type: 2, nsp: "/", data: ["echo", "alive"] }));
    for (;;) {
      const { data } = msgpack.decode(await raw.next());
      if (data[0] === "echo" && data[1] === "alive") return;
    }
  }

  suite.over(TRANSPORTS, "echo and ack of every kind", async (c, transport) => {
    const client = await connect(c, transport);
    for (const args of [[], KINDS, NESTED, [9_007_199_254_740_991, -9_007_199_254_740_991]]) {
      client.emit("echo", ...args);
      same(await c.next(client, "echo"), args);
      same(await c.ask(client, "echo-ack", ...args), args);
    }
  });

  suite.over(TRANSPORTS, "binary at any depth, more than ten of them", async (c, transport) => {
    const client = await connect(c, transport);
    const args = [bytes(1), { a: [bytes(), { b: bytes(2, 3) }] }, Array.from({ length: 40 }, (_, index) => bytes(index))];
    client.emit("echo", ...args);
    same(await c.next(client, "echo"), args);
    same(await c.ask(client, "echo-ack", ...args), args);
    client.once("question", (arg, ack) => ack(arg));
    client.emit("ask", bytes(5));
    same(await c.next(client, "answer"), [bytes(5)]);
  });

  suite.over(TRANSPORTS, "rooms", async (c, transport) => {
    const namespace = ownNamespace();
    const clients = await Promise.all([1, 2, 3].map(() => connect(c, transport, namespace)));
    const logs = clients.map((client) => c.collect(client, "news"));
    for (const client of clients.slice(0, 2)) same(await c.ask(client, "join", "r"), ["ok"]);
    clients[0].emit("to-room", "r", "news", 1, bytes(1));
    clients[0].emit("in-room", "r", "news", 2);
    clients[0].emit("broadcast", "news", 3);
    await c.settle(...clients);
    same(logs, [[[2]], [[1, bytes(1)], [2], [3]], [[3]]]);
  });

  suite.over(TRANSPORTS, "namespaces: accepted, refused, unknown", async (c, transport) => {
    const client = await connect(c, transport, "/admin", { auth: { token: "sesame" } });
    same(await c.ask(client, "echo-ack", 1), [1]);
    for (const [name, message, data] of [
      ["/admin", "not authorized", { code: 401 }],
      ["/nowhere", "Invalid namespace", undefined],
    ]) {
      const refused = c.client(transport, name, { parser });
      const error = await c.within(new Promise((resolve) => refused.once("connect_error", resolve)), "refusal");
      equal(error.message, message);
      deepEqual(error.data, data);
    }
  });

  suite.over(TRANSPORTS, "endings", async (c, transport) => {
    const kicked = await connect(c, transport);
    const gone = c.next(kicked, "disconnect");
    kicked.emit("kick-hard");
    equal((await gone)[0], "io server disconnect");
    const leaver = await connect(c, transport);
    const { id } = leaver;
    leaver.disconnect();
    equal(await c.reasonOf(id, "/", { parser }), "client namespace disconnect");
  });

  suite.over(TRANSPORTS, "a date arrives as date or text", async (c, transport) => {
    const client = await connect(c, transport);
    const date = new Date(1_795_225_806_852);
    const [answer] = await c.ask(client, "echo-ack", date);
    equal(new Date(answer).toISOString(), date.toISOString());
  });

  suite.case("packets of the server, as they are", async (c) => {
    const raw = await c.engine();
    raw.send(msgpack.encode({ type: 0, nsp: "/admin" }));
    deepEqual(msgpack.decode(await raw.next()), {
      type: 4,
      nsp: "/admin",
      data: { message: "not authorized", data: { code: 401 } },
    });
    raw.send(msgpack.encode({ type: 0, nsp: "/", data: {} }));
    const connected = msgpack.decode(await raw.next());
    deepEqual(Object.keys(connected).sort(), ["data", "nsp", "type"]);
    raw.send(msgpack.encode({ type: 2, nsp: "/", data: ["echo-ack", 1], id: 7 }));
    deepEqual(msgpack.decode(await raw.next()), { type: 3, nsp: "/", id: 7, data: [1] });
    raw.send(msgpack.encode({ type: 2, nsp: "/", data: ["kick"] }));
    deepEqual(msgpack.decode(await raw.next()), { type: 1, nsp: "/" });
    ok(raw.isOpen);
  });

  suite.case("other keys and widths are understood", async (c) => {
    const raw = await joined(c);
    raw.send(msgpack.encode({ options: { compress: true }, data: ["echo", 1], nsp: "/", more: [1], type: 2 }));
    deepEqual(msgpack.decode(await raw.next()).data, ["echo", 1]);
    // The same event with 64-bit type, str32 and array32.
    const wide = "83 a474797065 cf0000000000000002 a36e7370 db000000012f a464617461 dd00000002 d9046563686f d3ffffffffffffffff";
    raw.send(hex(wide.replaceAll(" ", "")));
    deepEqual(msgpack.decode(await raw.next()).data, ["echo", -1]);
  });

  for (const [title, input] of CLOSED) {
    suite.case(`closes: ${title}`, async (c) => {
      const raw = await joined(c);
      raw.send(input);
      await raw.close();
      same(raw.rest(), []);
    });
  }

  suite.case("a reserved name or none in an event does no harm", async (c) => {
    // npm's parser lets them through; its server hands them to listeners as if they were its own.
    for (const data of [[], ["disconnecting"], ["newListener"], [{}]]) {
      const raw = await joined(c);
      raw.send(msgpack.encode({ type: 2, nsp: "/", data }));
      await Promise.race([raw.closed, alive(raw).catch(() => undefined)]);
    }
    const other = await joined(c);
    await alive(other);
  });
}
