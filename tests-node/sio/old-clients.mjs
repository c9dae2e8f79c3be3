// socket.io-client 3.0, the first of this protocol: events, acks, binary, rooms, endings.

import { equal } from "node:assert/strict";
import { io } from "socket.io-client-3";
import { TRANSPORTS } from "../lib/suite.mjs";
import { ownNamespace, same } from "../lib/sio-tools.mjs";

const bytes = (...values) => Buffer.from(values);

export default function oldClients(suite) {
  const old = (c, transport, namespace, options) => c.connect(transport, namespace, options, io);

  suite.over(TRANSPORTS, "events and acks", async (c, transport) => {
    const client = await old(c, transport);
    for (const args of [[], [1, "ü😀", null, { a: [true] }], [bytes(1, 2), { deep: [bytes(3)] }]]) {
      client.emit("echo", ...args);
      same(await c.next(client, "echo"), args);
      same(await c.ask(client, "echo-ack", ...args), args);
    }
    client.on("question", (arg, ack) => ack(arg, bytes(9)));
    client.emit("ask", "why");
    same(await c.next(client, "answer"), ["why", bytes(9)]);
  });

  suite.over(TRANSPORTS, "rooms, shared with a client of today", async (c, transport) => {
    const namespace = ownNamespace();
    const [before, today] = [await old(c, transport, namespace), await c.connect(transport, namespace)];
    for (const client of [before, today]) same(await c.ask(client, "join", "r"), ["ok"]);
    same(await c.ask(before, "rooms"), [[before.id, "r"]]);
    const logs = [before, today].map((client) => c.collect(client, "news"));
    before.emit("to-room", "r", "news", bytes(1));
    today.emit("to-room", "r", "news", 2);
    before.emit("all", "news", { three: 3 });
    await c.settle(before, today, before);
    // What two clients send has no order between them.
    const sorted = (log) => log.map((args) => JSON.stringify(args)).sort();
    same(sorted(logs[0]), sorted([[2], [{ three: 3 }]]));
    same(sorted(logs[1]), sorted([[bytes(1)], [{ three: 3 }]]));
  });

  suite.over(TRANSPORTS, "auth and refusal", async (c, transport) => {
    const client = await old(c, transport, "/admin", { auth: { token: "sesame" } });
    equal((await c.ask(client, "handshake"))[0].auth.token, "sesame");
    const refused = c.client(transport, "/admin", {}, io);
    const error = await c.within(new Promise((resolve) => refused.once("connect_error", resolve)), "refusal");
    equal(error.message, "not authorized");
    same(error.data, { code: 401 });
  });

  suite.over(TRANSPORTS, "kicked, and gone by itself", async (c, transport) => {
    const kicked = await old(c, transport);
    const gone = c.next(kicked, "disconnect");
    kicked.emit("kick");
    equal((await gone)[0], "io server disconnect");
    const leaver = await old(c, transport);
    const { id } = leaver;
    leaver.disconnect();
    equal(await c.reasonOf(id), "client namespace disconnect");
  });
}
