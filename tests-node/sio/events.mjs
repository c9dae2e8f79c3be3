// Events and acknowledgements: every kind of value, both ways, over every transport.

import { equal, ok } from "node:assert/strict";
import { TRANSPORTS } from "../lib/suite.mjs";
import { ownNamespace, same, unique } from "../lib/sio-tools.mjs";

const KINDS = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  -2.25e-7,
  1e21,
  9007199254740991,
  -9007199254740991,
  "",
  "text",
  [],
  [[], [null, [1, "two", { three: 3 }]]],
  {},
  { a: { b: { c: [1, { d: null }] } }, "": "empty key", "with \"quotes\"": "\\" },
];

const UNICODE = [
  "Grüße, Жизнь, 漢字, שלום, مرحبا",
  "😀 👩‍👩‍👧‍👦 🏳️‍🌈",
  "\u0000\u0001\u001e\u001f\u007f\u2028\u2029\ufeff\uffff",
  "\"quoted\" \\ / \b\f\n\r\t",
  "4251-[\"e\",{\"_placeholder\":true,\"num\":0}]",
];

const bytes = (...values) => Buffer.from(values);

export default function events(suite) {
  suite.over(TRANSPORTS, "echo of every kind of JSON", async (c, transport) => {
    const client = await c.connect(transport);
    for (const value of KINDS) {
      client.emit("echo", value);
      same(await c.next(client, "echo"), [value]);
    }
  });

  suite.over(TRANSPORTS, "echo of many arguments, and of none", async (c, transport) => {
    const client = await c.connect(transport);
    client.emit("echo", ...KINDS);
    same(await c.next(client, "echo"), KINDS);
    const many = Array.from({ length: 200 }, (_, index) => index);
    client.emit("echo", ...many);
    same(await c.next(client, "echo"), many);
    client.emit("echo");
    same(await c.next(client, "echo"), []);
  });

  suite.over(TRANSPORTS, "unicode, and control characters", async (c, transport) => {
    const client = await c.connect(transport);
    client.emit("echo", ...UNICODE);
    same(await c.next(client, "echo"), UNICODE);
    const long = "é漢😀".repeat(5000);
    client.emit("echo", long);
    same(await c.next(client, "echo"), [long]);
  });

  suite.over(TRANSPORTS, "binary both ways", async (c, transport) => {
    const client = await c.connect(transport);
    const all = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    client.emit("echo", all);
    same(await c.next(client, "echo"), [all]);
    client.emit("echo", bytes());
    same(await c.next(client, "echo"), [bytes()]);
    const nested = ["a", { list: [bytes(1), [bytes(2, 3)]], deep: { deeper: { bin: bytes(4) } }, text: "x" }, 7, bytes(5)];
    client.emit("echo", ...nested);
    same(await c.next(client, "echo"), nested);
    client.emit("echo", new Uint8Array([9, 8, 7]), new Uint8Array([1, 2, 3, 4]).buffer);
    same(await c.next(client, "echo"), [bytes(9, 8, 7), bytes(1, 2, 3, 4)]);
  });

  suite.over(TRANSPORTS, "ten attachments", async (c, transport) => {
    const client = await c.connect(transport);
    const ten = Array.from({ length: 10 }, (_, index) => Buffer.alloc(index * 100, index));
    client.emit("echo", ...ten);
    same(await c.next(client, "echo"), ten);
    same(await c.ask(client, "echo-ack", { ten }), [{ ten }]);
  });

  suite.over(TRANSPORTS, "text and binary events keep their order", async (c, transport) => {
    const client = await c.connect(transport);
    const got = c.collect(client, "echo");
    const sent = Array.from({ length: 60 }, (_, index) => (index % 3 === 0 ? [index, bytes(index)] : [index]));
    for (const args of sent) client.emit("echo", ...args);
    await c.settle(client);
    same(got, sent);
  });

  suite.over(TRANSPORTS, "a payload just under the limit, both ways", async (c, transport) => {
    const client = await c.connect(transport);
    const text = "x".repeat(999_900);
    client.emit("echo", text);
    equal((await c.next(client, "echo"))[0], text);
    // Over polling the bytes travel as base64.
    const binary = Buffer.alloc(transport === "polling" ? 740_000 : 990_000, 7);
    client.emit("echo", binary);
    ok((await c.next(client, "echo"))[0].equals(binary));
  });

  suite.over(TRANSPORTS, "acks with any number of arguments", async (c, transport) => {
    const client = await c.connect(transport);
    same(await c.ask(client, "echo-ack"), []);
    same(await c.ask(client, "echo-ack", 1), [1]);
    same(await c.ask(client, "echo-ack", null), [null]);
    same(await c.ask(client, "echo-ack", [1, 2]), [[1, 2]]);
    same(await c.ask(client, "echo-ack", ...KINDS), KINDS);
    same(await c.ask(client, "echo-ack", bytes(1, 2), { b: bytes(3) }), [bytes(1, 2), { b: bytes(3) }]);
  });

  suite.over(TRANSPORTS, "many acks under way, each gets its own", async (c, transport) => {
    const client = await c.connect(transport);
    const numbers = Array.from({ length: 300 }, (_, index) => index);
    const answers = await Promise.all(numbers.map((number) => c.ask(client, "echo-ack", number)));
    same(answers, numbers.map((number) => [number]));
  });

  suite.over(TRANSPORTS, "the server asks, the client answers", async (c, transport) => {
    const client = await c.connect(transport);
    for (const reply of [[], [1], ["a", { b: 2 }, null], [bytes(1, 2, 3), { x: bytes(4) }]]) {
      client.once("question", (arg, ack) => ack(...reply));
      client.emit("ask", "why");
      same(await c.next(client, "answer"), reply);
    }
    client.once("question", (arg, ack) => ack(arg));
    client.emit("ask", { bin: bytes(7) });
    same(await c.next(client, "answer"), [{ bin: bytes(7) }]);
  });

  suite.over(TRANSPORTS, "an ack sent twice counts once", async (c, transport) => {
    const wire = transport === "websocket" ? await c.joined() : undefined;
    if (wire !== undefined) {
      wire.send('42["ask",1]');
      const [, id] = /^42(\d+)\["question",1\]$/.exec(await wire.next());
      wire.send(`43${id}["first"]`, `43${id}["second"]`);
      equal(await wire.next(), '42["answer","first"]');
      same(await wire.alive(), []);
      return;
    }
    const client = await c.connect(transport);
    const answers = c.collect(client, "answer");
    client.once("question", (arg, ack) => {
      ack("first");
      ack("second");
    });
    client.emit("ask", 1);
    await c.next(client, "answer");
    await c.settle(client);
    same(answers, [["first"]]);
  });

  suite.over(TRANSPORTS, "no ack: the client's timeout says so, later acks still work", async (c, transport) => {
    const client = await c.connect(transport);
    const failure = await client.timeout(200).emitWithAck("never-ack").catch((error) => error);
    equal(failure.message, "operation has timed out");
    equal(await client.timeout(5000).emitWithAck("echo-ack", "still here"), "still here");
  });

  suite.over(TRANSPORTS, "an unknown event is ignored", async (c, transport) => {
    const client = await c.connect(transport);
    client.emit(unique("unknown"), 1, { x: bytes(1) });
    client.emit("error", "just a name");
    client.emit("message", "so is this");
    same(await c.ask(client, "echo-ack", 1), [1]);
  });

  suite.over(TRANSPORTS, "ack of all: everybody answers", async (c, transport) => {
    const namespace = ownNamespace();
    const clients = await Promise.all([1, 2, 3].map(() => c.connect(transport, namespace)));
    clients.forEach((client, index) => client.on("vote", (arg, ack) => ack({ arg, index })));
    const [{ err, responses }] = await c.ask(clients[0], "emit-ack-all", "vote", "yes", 4000);
    equal(err, null);
    same(responses.sort((a, b) => a.index - b.index), [0, 1, 2].map((index) => ({ arg: "yes", index })));
  });

  suite.over(TRANSPORTS, "ack of all: some are silent", async (c, transport) => {
    const namespace = ownNamespace();
    const clients = await Promise.all([1, 2, 3].map(() => c.connect(transport, namespace)));
    clients[0].on("vote", (arg, ack) => ack(arg));
    clients[1].on("vote", (arg, ack) => ack(arg, "the second argument is not kept"));
    const [answer] = await c.ask(clients[2], "emit-ack-all", "vote", 7, 400);
    same(answer, { err: "operation has timed out", responses: [7, 7] });
  });

  suite.over(TRANSPORTS, "ack of all: nobody answers", async (c, transport) => {
    const client = await c.connect(transport, ownNamespace());
    const [answer] = await c.ask(client, "emit-ack-all", unique("vote"), null, 200);
    same(answer, { err: "operation has timed out", responses: [] });
  });

  suite.over(TRANSPORTS, "ack of all: binary answers", async (c, transport) => {
    const namespace = ownNamespace();
    const clients = await Promise.all([1, 2].map(() => c.connect(transport, namespace)));
    for (const client of clients) client.on("vote", (arg, ack) => ack({ got: arg }));
    const [answer] = await c.ask(clients[0], "emit-ack-all", "vote", bytes(1, 2), 4000);
    same(answer, { err: null, responses: [{ got: bytes(1, 2) }, { got: bytes(1, 2) }] });
  });
}
